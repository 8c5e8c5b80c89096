"""Long rows by chunks: exponentials of a chunk are taken while it is still in the nearest cache.

A pass for the maximum of a long row, and one for the exponentials behind it, read the row from memory
twice. Done chunk by chunk, with the largest exponent so far in place of that of the row, they read it once:

    m_c = max of u_k up to the end of chunk c        m = max of all u_k = m_c of the last chunk
    e_k = exp(u_k - m_c)                             exp(u_k - m) = e_k exp(m_c - m)
    s_c = sum of e_k over chunk c                    sum of exp(u_k - m) = sum over c of s_c exp(m_c - m)

So each chunk has one factor, its share exp(m_c - m), which is 1 from the chunk of the largest exponent on.
It is a rewrite of any loop program in which a pass takes maxima that are only subtracted from exponents, and
the next pass that needs them takes the exponentials, and sums in which each term has one exponential as a
factor: those sums, and every exponential that is read later, get the share of their chunk.

Where all exponents up to the end of a chunk are -inf, the lowest finite number is subtracted, so that
exponentials are 0. Its share is exp(-inf - m): 0 as well, and NaN where the whole row is -inf, as it is
without chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symderiv.expression.construct import multiply
from symderiv.expression.indices import fresh_name
from symderiv.expression.nodes import (
    ZERO,
    Add,
    Call,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Where,
)
from symderiv.expression.traverse import map_children
from symderiv.kernels.chunk_shares import Later, is_place_by_place
from symderiv.kernels.groups import MINUS_INFINITY
from symderiv.kernels.loop_program import (
    AT_LEAST_LOWEST,
    EXP_OF_NEGATIVE,
    Buffer,
    Loop,
    LoopProgram,
    Node,
    Note,
    Reduce,
    Start,
    Store,
)
from symderiv.kernels.loop_walk import arrays_of, entries_in, entries_of, entries_read, set_in

#: The chunks of an axis are an axis themselves: it is called so, and as the axis.
CHUNKS_OF = "chunks of "

_WHY_CHUNKS = (
    "chunk by chunk, each while it is in the nearest cache, and with the largest exponent up to there"
)
_WHY_SHIFT = "{}, or the lowest finite number where all up to there is -inf, so that exp is 0"
_WHY_SHARE = "the factor that a chunk's exponentials and sums lack, 1 where {} was already what it is"


def chunked(program: LoopProgram) -> LoopProgram | None:
    """`program` by chunks of its rows; None where no exponentials follow a maximum."""
    rows = [each for each in program.body if isinstance(each, Loop) and each.role == "rows"]
    body = rows[0].body if rows else program.body
    if any(isinstance(each, Loop) and each.role != "pass" for each in body):
        return None  # it does more than go along rows, so that is not what takes long
    chunks = _Chunks(program, per_row=bool(rows))
    found = chunks.rewritten(body)
    if found is None:
        return None
    if rows:
        found = tuple(replace(each, body=found) if each is rows[0] else each for each in program.body)
    return replace(program, body=found, buffers=(*program.buffers, *chunks.buffers))


def chunked_axes(program: LoopProgram) -> tuple[str, ...]:
    """The axes that a program by chunks has chunks of."""
    axes = dict.fromkeys(index.axis for each in program.buffers for index in each.indices)
    return tuple(axis.removeprefix(CHUNKS_OF) for axis in axes if axis.startswith(CHUNKS_OF))


@dataclass
class _Exponentials:
    """The pass that takes exponentials, with what is subtracted in place of each maximum."""

    loop: Loop
    #: The maximum of each array of exponentials, and of each sum of them.
    arrays: dict[str, str] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)


class _Chunks:
    """Rewrites one sequence of passes."""

    def __init__(self, program: LoopProgram, *, per_row: bool) -> None:
        self.program, self.per_row = program, per_row
        self.buffers: list[Buffer] = []

    def rewritten(self, body: tuple[Node, ...]) -> tuple[Node, ...] | None:
        """The body with every pair of passes that can be done by chunks; None if there is none."""
        for place, loop in enumerate(body):
            if isinstance(loop, Loop) and loop.role == "pass":
                found = self._by_chunks(body, place, loop)
                if found is not None:
                    done, rest = found
                    return (*done, *(self.rewritten(rest) or rest))
        return None

    def _by_chunks(
        self, body: tuple[Node, ...], place: int, first: Loop
    ) -> tuple[tuple[Node, ...], tuple[Node, ...]] | None:
        """What is done by chunks, with all before it, and what comes after it."""
        maxima = {
            each.target.array
            for each in first.body
            if isinstance(each, Reduce) and each.is_shift and not each.target.indices
        }
        number = next((at for at in range(place + 1, len(body)) if _reads(body[at], maxima)), None)
        if not maxima or number is None or first.letter.axis in self.program.sizes:
            return None
        second, between = body[number], body[place + 1 : number]
        if not (
            isinstance(second, Loop) and second.role == "pass" and second.letter.axis == first.letter.axis
        ):
            return None
        if not all(_may_be_before(each, first) for each in between) or not _are_side_by_side(first, second):
            return None
        chunk = Index("chunk", CHUNKS_OF + first.letter.axis)
        shifts = {name: self._new("@shift") for name in sorted(maxima)}
        found = _exponentials(second, shifts)
        if found is None:
            return None
        kept = {name: each for name, each in found.arrays.items() if _is_array(name, second)}
        shares = {
            name: self._new("@share", *((chunk,) if name in kept.values() else ()))
            for name in shifts
            if name in {*found.arrays.values(), *found.sums.values()}
        }
        rest = Later(chunk, {name: shares[m] for name, m in kept.items()}, self._new).body(body[number + 1 :])
        if rest is None:
            return None
        starts = [each for each in between if isinstance(each, Start) and each.target.array in found.sums]
        notes = [each for each in between if isinstance(each, Note)]
        others = [each for each in between if each not in starts and each not in notes]
        largest = {name: self._new(f"{name} of chunk", chunk) for name in shares}
        totals = {name: self._new(f"{name} of chunk", chunk) for name in found.sums}
        inside: list[Node] = [first]
        for name in largest:
            inside.append(Note(_WHY_SHIFT.format(name), shifts[name]))
            inside.append(Store(shifts[name], Call(AT_LEAST_LOWEST, (Entry(name),))))
        inside += [*starts, found.loop]
        inside += [Store(entry, Entry(name)) for name, entry in (*largest.items(), *totals.items())]
        after: list[Node] = []
        after += [Note(_WHY_SHARE.format(name), shares[name]) for name in largest]
        after += starts
        together: list[Node] = []
        for name, entry in largest.items():
            together.append(Store(shares[name], Call(EXP_OF_NEGATIVE, (_less(entry, Entry(name)),))))
        for name, entry in totals.items():
            share = shares[found.sums[name]]
            together.append(Reduce("sum", Entry(name), multiply(share, entry)))
        after.append(Loop(chunk, tuple(together)))
        by_chunks = Loop(chunk, tuple(inside), "chunks")
        return (*body[:place], *others, *notes, Note(_WHY_CHUNKS), by_chunks, *after), rest

    def _new(self, stem: str, *letters: Index) -> Entry:
        taken = {each.name for each in (*self.program.buffers, *self.buffers)}
        name = fresh_name(stem, taken | {each.name for each in self.program.parameters})
        self.buffers.append(Buffer(name, letters, self.per_row))
        return Entry(name, letters)


def _is_array(name: str, loop: Loop) -> bool:
    """Whether exponentials are kept for later passes."""
    return any(each.array == name and each.indices for each in entries_of((loop,)))


# -- the two passes ---------------------------------------------------------------------------------


def _reads(node: Node, names: set[str]) -> bool:
    return any(entry.array in names for one in _flat((node,)) for entry in entries_read(one))


def _flat(body: Sequence[Node]) -> list[Node]:
    return [one for each in body for one in ((*_flat(each.body),) if isinstance(each, Loop) else (each,))]


def _may_be_before(node: Node, loop: Loop) -> bool:
    """Whether what stands after a pass may as well stand before it."""
    if isinstance(node, Loop):
        return False
    return not (arrays_of((node,)) & set_in(loop.body) or set_in((node,)) & arrays_of(loop.body))


def _are_side_by_side(first: Loop, second: Loop) -> bool:
    """Whether each place of both needs of the other pass its own place only, beside the maxima."""
    if not (is_place_by_place(first) and is_place_by_place(second)):
        return False
    stored = {
        each.target.array
        for each in (*first.body, *second.body)
        if isinstance(each, Store) and each.target.indices
    }
    for loop in (first, second):
        for entry in entries_of(loop.body):
            if entry.array in stored and entry.indices[-1:] != (loop.letter,):
                return False
    sums = {each.target.array for each in first.body if isinstance(each, Reduce) and not each.is_shift}
    return not sums & arrays_of(second.body)


def _exponentials(loop: Loop, shifts: dict[str, Entry]) -> _Exponentials | None:
    """The pass less other numbers; None where it makes anything else of the maxima or of exponentials."""
    found = _Exponentials(loop)
    inside: list[Node] = []
    for each in loop.body:
        if isinstance(each, Store):
            name = _subtracted(each.value, shifts)
            if name is not None:
                found.arrays[each.target.array] = name
            elif _mentioned(each.value, {*shifts, *found.arrays}):
                return None
        elif isinstance(each, Reduce):
            name = _of_degree_one(each.value, shifts, found.arrays)
            if name:
                if each.kind != "sum" or each.target.indices:
                    return None
                found.sums[each.target.array] = name
            elif name is None:
                return None
        if isinstance(each, Store | Reduce):
            each = replace(each, value=_shifted(each.value, shifts))
        inside.append(each)
    found.loop = replace(loop, body=tuple(inside))
    return found if found.arrays or found.sums else None


def _subtracted(value: Expression, shifts: dict[str, Entry]) -> str | None:
    """The maximum of exp(u - m), also where the exponent is -inf under some condition."""
    if not (isinstance(value, Call) and value.function == EXP_OF_NEGATIVE):
        return None
    exponent = value.arguments[0]
    if isinstance(exponent, Where) and exponent.otherwise == MINUS_INFINITY:
        exponent = exponent.then
    if not isinstance(exponent, Add):
        return None
    for name in shifts:
        less = multiply(Number(Fraction(-1)), Entry(name))
        rest = [term for term in exponent.terms if term != less]
        if len(rest) == len(exponent.terms) - 1 and not any(_mentioned(term, {*shifts}) for term in rest):
            return name
    return None


def _of_degree_one(node: Expression, shifts: dict[str, Entry], arrays: dict[str, str]) -> str | None:
    """The maximum of the one exponential that is a factor; empty for none, None for anything else."""
    if not _mentioned(node, {*shifts, *arrays}):
        return ""
    if isinstance(node, Entry):
        return arrays.get(node.array)
    if isinstance(node, Multiply):
        found = [_of_degree_one(each, shifts, arrays) for each in node.factors]
        names = [each for each in found if each != ""]
        return names[0] if len(names) == 1 else None
    if isinstance(node, Where) and node.otherwise == ZERO:
        test = replace(node, then=ZERO)
        return None if _mentioned(test, {*shifts, *arrays}) else _of_degree_one(node.then, shifts, arrays)
    return _subtracted(node, shifts)


def _mentioned(node: Expression, names: set[str]) -> bool:
    return any(entry.array in names for entry in entries_in(node))


def _shifted(node: Expression, shifts: dict[str, Entry]) -> Expression:
    if isinstance(node, Entry):
        return shifts.get(node.array, node)
    return map_children(node, lambda child: _shifted(child, shifts))


def _less(left: Expression, right: Expression) -> Expression:
    return Add((left, multiply(Number(Fraction(-1)), right)))
