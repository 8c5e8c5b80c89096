"""A loop program over blocks of samples, for short axes: exponentials run over one long array.

With ten classes, a loop over the classes of one sample is too short for vectors. So 32 samples are
worked on together: what each sample needs is done for all of them before the next step is begun,
and where an exponential is stored, its exponents are stored first, and then the exponential is taken
of all 32 rows as one array. Logarithms, roots and quotients of the 32 sums are taken in a loop of
their own, which is done on vectors, and no sample waits for the sums of another. Where 32 samples of
three or more arrays are too much for the nearest cache, 16 are taken at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

from symderiv.expression.indices import mentions
from symderiv.expression.nodes import (
    Call,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Number,
    Power,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.loop_program import (
    EXP_OF_NEGATIVE,
    Buffer,
    Loop,
    LoopProgram,
    Node,
    Note,
    Reduce,
    Start,
    Store,
    formulas,
    nodes,
)
from symderiv.kernels.loop_walk import arrays_of, entries_in, entries_of, independent_rows, mapped, writes

#: How many samples are worked on together, and how many where so many do not stay in the nearest cache.
ROWS, FEWER_ROWS = 32, 16
#: Up to so many bytes along the short axis of a sample, samples are worked on by blocks: 100 places in
#: float32, 50 in float64. Beyond, the loop over one sample is long enough.
FEW_BYTES = 400
#: Bytes of a block that stay in the nearest cache (of 32 or 48 KiB), beside other things.
_NEAR_BYTES = 26 * 1024
#: The arrays that keep a number of each sample of a block are called so, and as the number.
EACH = "@each "
_TWO = Number(Fraction(2))


@dataclass(frozen=True, slots=True)
class Flat:
    """``target`` = ``function`` of ``target``, for all entries of the block as one array."""

    function: str
    array: str
    axis: str


@dataclass(frozen=True)
class Blocked:
    """What is done for each block of samples, step by step.

    Attributes
    ----------
    letter
        The letter of the samples, within the block here.
    axis
        The short axis.
    buffers
        As of the program; those that are needed by several steps have a letter for the samples.
    steps
        Nodes that are done for each sample of the block, or an exponential of all.
    """

    letter: Index
    axis: str
    buffers: tuple[Buffer, ...]
    steps: tuple[tuple[Node, ...] | Flat, ...]

    def most_bytes(self, program: LoopProgram) -> int | None:
        """Bytes of a sample, in one array, of which ROWS stay in the nearest cache; None where all do.

        What one step has read is read again by the next one, from there; a result is written, but not read.
        """
        here = (self.letter.axis, self.axis)
        shapes = [each.axes for each in program.parameters if each.kind == "real"]
        own = [each for each in self.buffers if not each.name.startswith(EACH)]
        shapes += [tuple(index.axis for index in each.indices) for each in own]
        most = _NEAR_BYTES // (ROWS * max(1, shapes.count(here)))
        return None if most >= FEW_BYTES else most


def blocked(program: LoopProgram) -> Blocked | None:
    """`program` by blocks of samples; None where nothing is gained, or samples are summed over."""
    rows = independent_rows(program)
    if rows is None:
        return None
    loops = [each for each in rows.body if isinstance(each, Loop)]
    axes = {each.letter.axis for each in loops}
    if len(axes) != 1 or any(each.role != "pass" for each in loops):
        return None
    if rows.letter.axis in axes:
        return None  # a block has fewer rows than places
    if _is_compared(rows.body, rows.letter):
        return None
    steps = _steps(rows.body)
    if len(steps) == 1:
        return None
    return _with_letter(program, rows.letter, axes.pop(), steps)


def _is_compared(body: tuple[Node, ...], letter: Index) -> bool:
    """Whether the number of a sample is used for more than to find what is its own, as in `n <= m`.

    In a block, samples are counted from its first one; and what is left over of the samples, from the first
    of those, is fewer than all: their number is not to be used either, as in `1 / N`.
    """

    def entry(found: Entry) -> Entry:
        own = found.indices[:1] == (letter,)
        return Entry(found.array, tuple(map(term, found.indices[1:] if own else found.indices)))

    def term(found: IndexTerm) -> IndexTerm:
        return entry(found) if isinstance(found, Entry) else found

    def without(node: Expression) -> Expression:
        match node:
            case Entry():
                return entry(node)
            case Delta(left, right):
                return Delta(term(left), term(right))
        node = map_children(node, without)
        if isinstance(node, Sum | Product | Where) and node.condition is not None:
            sides = [
                entry(each) if isinstance(each, Entry) else each
                for each in (node.condition.left, node.condition.right)
            ]
            return replace(node, condition=replace(node.condition, left=sides[0], right=sides[1]))
        return node

    found = [*formulas(body), *entries_of(body)]
    found += [each.window for each in nodes(body) if isinstance(each, Loop) and each.window is not None]
    if any(part == Size(letter.axis) for each in found for _, part in walk(each)):
        return True
    return any(mentions(without(each), letter) for each in found)


def _steps(body: Iterable[Node]) -> list[list[Node] | Flat]:
    """The body of the loop over the samples, cut where an exponential or a number of each sample is taken."""
    steps: list[list[Node] | Flat] = [[]]

    def here() -> list[Node]:
        last = steps[-1]
        if isinstance(last, Flat):
            last = []
            steps.append(last)
        return last

    for of_numbers, together in groupby(body, _is_of_numbers):
        run = list(together)
        slow = of_numbers and any(isinstance(node, Store) and _is_slow(node.value) for node in run)
        if slow and _has_loop(steps):
            begun = [each for each in here() if _begins(each, here())]
            steps[-1] = [each for each in here() if each not in begun]
            steps += [run, begun]
            continue
        for node in run:
            taken = _exponential(node) if isinstance(node, Loop) else None
            if taken is None or not isinstance(node, Loop):
                here().append(node)
                continue
            place = node.body.index(taken)
            assert isinstance(taken.value, Call)
            first = (*node.body[:place], replace(taken, value=taken.value.arguments[0]))
            second = node.body[place + 1 :]
            later = {each.target for each in second if isinstance(each, Reduce)}
            moved = [each for each in here() if _speaks_of(each, later)]
            steps[-1] = [each for each in here() if each not in moved]
            here().append(replace(node, body=first))
            steps.append(Flat(EXP_OF_NEGATIVE, taken.target.array, node.letter.axis))
            steps.append([*moved, *([replace(node, body=second)] if second else [])])
    return [each for each in steps if each]


def _has_loop(steps: Sequence[Sequence[Node] | Flat]) -> bool:
    """Whether anything was done along the short axis; what comes before it is the same for all samples."""
    return any(isinstance(node, Loop) for step in steps if not isinstance(step, Flat) for node in step)


def _begins(node: Node, step: Sequence[Node]) -> bool:
    """Whether it starts, or speaks of, a reduction that is not done in this step."""
    done = {each.target for each in nodes(tuple(step)) if isinstance(each, Store | Reduce)}
    if isinstance(node, Start):
        return node.target not in done
    started = {each.target for each in step if isinstance(each, Start)}
    return isinstance(node, Note) and node.of in started - done


def _is_of_numbers(node: Node) -> bool:
    """Whether it makes a number of each sample of other numbers of that sample."""
    return isinstance(node, Store) and not any(
        entry.indices for entry in (node.target, *entries_in(node.value))
    )


def _is_slow(value: Expression) -> bool:
    """Whether it takes a processor long, but not so if it is done on vectors."""
    return any(
        isinstance(part, Call) or (isinstance(part, Power) and part.exponent != _TWO)
        for _, part in walk(value)
    )


def _exponential(loop: Loop) -> Store | None:
    """The store of an exponential in a pass, if it is the only one."""
    found = [each for each in loop.body if isinstance(each, Store) and _is_call(each.value, EXP_OF_NEGATIVE)]
    return found[0] if len(found) == 1 else None


def _is_call(value: object, function: str) -> bool:
    return isinstance(value, Call) and value.function == function


def _speaks_of(node: Node, targets: set[Entry]) -> bool:
    if isinstance(node, Start):
        return node.target in targets
    return isinstance(node, Note) and node.of in targets


def _with_letter(program: LoopProgram, letter: Index, axis: str, steps: list[list[Node] | Flat]) -> Blocked:
    """Give what several steps need, or what an exponential is taken of, a place for each sample."""
    homes: dict[str, set[int]] = {}
    for number, step in enumerate(steps):
        for name in {step.array} if isinstance(step, Flat) else arrays_of(step):
            homes.setdefault(name, set()).add(number)
    short = {
        each.target.array: loop.letter
        for step in steps
        if not isinstance(step, Flat)
        for loop in step
        if isinstance(loop, Loop)
        for each in loop.body
        if isinstance(each, Store)
    }
    buffers: dict[str, Buffer] = {}
    kept: dict[str, Entry] = {}
    for each in program.buffers:
        shared = each.name in homes and len(homes[each.name]) > 1
        indices = each.indices
        if shared and not indices and each.name in short:
            indices = (short[each.name],)  # a local variable of a pass needs its places again
        if shared and indices:
            indices = (letter, *indices)
        elif shared:
            # A number for each sample: a local variable in each step, kept from step to step.
            kept[each.name] = Entry(f"{EACH}{each.name.lstrip('@')}", (letter,))
            buffers[kept[each.name].array] = Buffer(kept[each.name].array, (letter,), each.per_row)
        buffers[each.name] = replace(each, indices=indices)

    def placed(entry: Entry) -> Entry:
        buffer = buffers.get(entry.array)
        if buffer is None or len(buffer.indices) == len(entry.indices):
            return entry
        return Entry(entry.array, (letter, *(entry.indices or buffer.indices[1:])))

    done: list[tuple[Node, ...] | Flat] = []
    for number, step in enumerate(steps):
        if isinstance(step, Flat):
            done.append(step)
            continue
        here = [name for name in kept if number in homes[name]]
        before = [Store(Entry(name, ()), kept[name]) for name in here if number != min(homes[name])]
        after = [Store(kept[name], Entry(name, ())) for name in here if writes(step, name)]
        done.append((*before, *mapped(tuple(step), placed), *after))
    return Blocked(letter, axis, tuple(buffers.values()), tuple(done))
