"""From statements to loops: one loop over the samples, passes over the axes inside it.

What belongs to one sample lives in a row buffer or a local variable. A sum is hoisted to where its
free letters are bound; a reduction needs its operands complete, so the depth of the reductions
decides the number of passes, and all at one depth that runs over the same axis shares a pass (exp
and its sum, for one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from symderiv.expression.indices import rename
from symderiv.expression.nodes import Call, Entry, Expression, Index, IndexTerm, Shift
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.errors import KernelError
from symderiv.kernels.function_spec import WEIGHT
from symderiv.kernels.loop_program import (
    EXP_OF_NEGATIVE,
    Buffer,
    Kind,
    Loop,
    LoopProgram,
    Node,
    Note,
    Parameter,
    Reduce,
    Start,
    Store,
)
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.program import Statement
from symderiv.kernels.scatter import Scatter
from symderiv.kernels.tighten import tightened
from symderiv.problem import names_in

#: The local variable that a sum is collected in before it is stored.
TOTAL = "@total"


def schedule(lowered: Lowered) -> LoopProgram:
    """The loop program of one function.

    Raises
    ------
    KernelError
        If something in it cannot be done in one loop over the samples.
    """
    return tightened(_Scheduler(lowered).program())


@dataclass
class _Pass:
    """One loop over an axis: what is set before it, done in it, and known after it."""

    letter: Index
    starts: list[Node] = field(default_factory=list)
    inside: list[Node] = field(default_factory=list)
    complete: set[str] = field(default_factory=set)
    notes: list[Node] = field(default_factory=list)

    def closed(self) -> list[Node]:
        """The nodes of the finished pass."""
        return [*self.notes, *self.starts, Loop(self.letter, tuple(self.inside), "pass")]


@dataclass
class _Single:
    """What is done between passes."""

    nodes: list[Node]

    def closed(self) -> list[Node]:
        """The nodes."""
        return self.nodes


class _Scheduler:
    """Schedules one function."""

    def __init__(self, lowered: Lowered) -> None:
        self.lowered, self.spec = lowered, lowered.spec
        self.batch = lowered.spec.batch
        self.results = {result.name for result in self.spec.results}
        #: What is stored for one sample only.
        self.rows = {
            each.name
            for each in lowered.statements
            if self.batch in each.indices and each.name not in self.results
        }
        self.scalars = {each.name for each in lowered.statements if not each.stored and not self._own(each)}
        self.totals = False

    def program(self) -> LoopProgram:
        """The whole of it."""
        shared, row, after = self._sections()
        body = self._passes(shared)
        over_batch = [each for each in row if self._over_batch(each)]
        for each in over_batch:
            if each.reduce != "sum":
                raise KernelError(f"A {each.reduce} over the batch cannot be emitted.")
            body += self._loops(each.indices, [Start("sum", self._target(each))])
        if row:
            assert self.batch is not None
            body.append(Loop(self.batch, tuple(self._passes(row)), "rows", parallel=not over_batch))
        body += self._passes(after)
        sizes = self.lowered.sizes
        return LoopProgram(self.spec.name, self._parameters(), self._buffers(), tuple(body), sizes)

    def _parameters(self) -> tuple[Parameter, ...]:
        weighted = any(WEIGHT in names_in(each) for one in self.lowered.statements for each in one.bodies())
        return (
            *(
                Parameter(each.name, each.axes, "label" if each.kind == "label" else "real")
                for each in self.spec.arguments
            ),
            *((Parameter(WEIGHT, ()),) if weighted else ()),
            *(Parameter(each.name, each.axes, is_result=True) for each in self.spec.results),
        )

    def _buffers(self) -> tuple[Buffer, ...]:
        found = [
            Buffer(each.name, self._own(each), each.name in self.rows)
            for each in self.lowered.statements
            if not each.stored
        ]
        return (*found, *((Buffer(TOTAL, ()),) if self.totals else ()))

    def _sections(self) -> tuple[list[Statement], list[Statement], list[Statement]]:
        """What comes before, inside and after the loop over the batch."""
        shared: list[Statement] = []
        row: list[Statement] = []
        after: list[Statement] = []
        late: set[str] = set()
        for each in self.lowered.statements:
            uses = {name for inner in each.bodies() for name in names_in(inner)}
            if self.batch is not None and self.batch in each.letters:
                if uses & late:
                    raise KernelError(
                        "A formula that needs a sum over the batch for each sample cannot be emitted."
                    )
                row.append(each)
                if self._over_batch(each):
                    late.add(each.name)
            elif uses & late:
                after.append(each)
                late.add(each.name)
            else:
                shared.append(each)
        return shared, row, after

    # -- storage ----------------------------------------------------------------------------

    def _own(self, statement: Statement) -> tuple[Index, ...]:
        """The letters of a statement's storage: without the batch letter in a row buffer."""
        return tuple(index for index in statement.indices if statement.stored or index != self.batch)

    def _target(self, each: Statement, terms: Sequence[IndexTerm] | None = None) -> Entry:
        """Where a statement's value goes: at its letters, or at the given terms for them."""
        pairs = zip(terms or each.indices, each.indices, strict=True)
        return Entry(each.name, tuple(term for term, index in pairs if each.stored or index != self.batch))

    def _value(self, each: Statement) -> Expression:
        """The formula of a statement; an exponential of a shifted exponent is one of 0 at most."""
        body = each.body
        if each.name in self.lowered.shifted_arrays and isinstance(body, Call) and body.function == "exp":
            body = Call(EXP_OF_NEGATIVE, body.arguments)
        return self._stored(body)

    def _stored(self, node: Expression) -> Expression:
        """A formula whose entries are places in storage."""
        if isinstance(node, Entry):
            if node.array not in self.rows:
                return node
            if node.indices[:1] != (self.batch,):
                raise KernelError("An entry of another sample cannot be emitted.")
            return Entry(node.array, node.indices[1:])
        return map_children(node, self._stored)

    # -- passes -----------------------------------------------------------------------------

    def _passes(self, statements: Sequence[Statement]) -> list[Node]:
        """Loops for the statements: each joins the first pass in which all that it needs is known."""
        slots: list[_Pass | _Single] = []
        made: dict[str, _Pass | _Single] = {}
        for each in statements:
            needs = [made[name] for body in _all_bodies(each) for name in names_in(body) if name in made]
            first = max((slots.index(slot) for slot in needs), default=-1)
            loop = self._single_loop(each)
            if loop is None:
                nodes = self._nested(each)
                single = _Single(nodes)
                if each.scatter is None and not any(isinstance(node, Loop) for node in nodes):
                    # A number: as early as can be, so that what needs it can be.
                    place = first + 1
                    while place < len(slots) and isinstance(slots[place], _Single):
                        place += 1
                    slots.insert(place, single)
                else:
                    slots.append(single)
                made[each.name] = single
                continue
            slot = next((one for one in slots[max(first, 0) :] if self._joins(one, each, loop)), None)
            if slot is None:
                slot = _Pass(loop)
                slots.append(slot)
            assert isinstance(slot, _Pass)
            self._put(slot, _with_letter(each, loop, slot.letter))
            made[each.name] = slot
            if each.cases:
                slots.insert(slots.index(slot) + 1, _Single(self._cases(each)))
        return [node for slot in slots for node in slot.closed()]

    def _over_batch(self, each: Statement) -> bool:
        """Whether a statement is a sum over the samples."""
        if self.batch is None:
            return False
        return self.batch in each.scatter.over if each.scatter is not None else each.reduced == self.batch

    def _single_loop(self, each: Statement) -> Index | None:
        """The letter of a statement that is one loop: elementwise over it, or a reduction to a scalar."""
        if each.scatter is not None or self._over_batch(each):
            return None
        letters = tuple(index for index in each.indices if index != self.batch)
        if any(index not in dict(case.on) for case in each.cases for index in letters):
            return None
        if each.reduced is None:
            return letters[0] if len(letters) == 1 else None
        return each.reduced if not letters else None

    def _joins(self, slot: _Pass | _Single, each: Statement, loop: Index) -> bool:
        """Whether a statement can be done in a pass: it needs nothing that the pass completes."""
        if not isinstance(slot, _Pass) or loop.axis != slot.letter.axis:
            return False
        moved = _with_letter(each, loop, slot.letter)
        for inner in moved.bodies():
            for _, part in walk(inner):
                if isinstance(part, Entry) and part.array in slot.complete:
                    if part.array in self.scalars or part.array in self.results:
                        return False
                    if part.indices[-1:] != (slot.letter,):
                        return False
        return True

    def _put(self, into: _Pass, each: Statement) -> None:
        target, value = self._target(each), self._value(each)
        into.complete.add(each.name)
        if each.comment:
            into.notes.append(Note(each.comment, target))
        if each.reduced is None:
            into.inside.append(Store(target, value))
            return
        kind = _kind(each)
        into.starts.append(Start(kind, target))
        into.inside.append(Reduce(kind, target, value))

    # -- more than one loop, or none --------------------------------------------------------

    def _loops(
        self, letters: Sequence[Index], inside: Sequence[Node], window: Expression | None = None
    ) -> list[Node]:
        """Loops over letters, those of the samples left out, with something inside."""
        found = list(inside)
        for index in reversed(letters):
            if index != self.batch:
                found = [Loop(index, tuple(found), window=window)]
        return found

    def _nested(self, each: Statement) -> list[Node]:
        found: list[Node] = [Note(each.comment)] if each.comment else []
        target, value = self._target(each), self._value(each)
        if each.scatter is not None:
            return found + self._scattered(each, each.scatter, value)
        if self._over_batch(each):
            return [*found, *self._loops(each.indices, [Reduce("sum", target, value)])]
        if each.reduced is None:
            return [*found, *self._loops(each.indices, [Store(target, value)]), *self._cases(each)]
        kind = _kind(each)
        if self._accumulates(each):
            # The last index of the arrays innermost: memory is walked in order.
            found += self._loops(each.indices, [Start(kind, target)])
            return found + self._loops((each.reduced, *each.indices), [Reduce(kind, target, value)])
        self.totals = True
        total = Entry(TOTAL, ())
        window = value if kind == "sum" and _is_shifted(value, each.reduced) else None
        inner = self._loops((each.reduced,), [Reduce(kind, total, value)], window)
        return found + self._loops(each.indices, [Start(kind, total), *inner, Store(target, total)])

    def _scattered(self, each: Statement, scatter: Scatter, value: Expression) -> list[Node]:
        """A sum whose terms are added at the places that labels name."""
        moved = dict(scatter.at)
        terms = [moved.get(index, index) for index in each.indices]
        rest = [index for index in each.indices if index not in moved]
        start: list[Node] = []
        if not self._over_batch(each):
            start = self._loops(each.indices, [Start("sum", self._target(each))])
        return start + self._loops((*scatter.over, *rest), [Reduce("sum", self._target(each, terms), value)])

    def _accumulates(self, each: Statement) -> bool:
        for _, part in walk(each.body):
            if isinstance(part, Entry) and len(part.indices) > 1 and each.reduced in part.indices:
                last = part.indices[-1]
                if last != each.reduced and last in each.indices and last != self.batch:
                    return True
        return False

    def _cases(self, each: Statement) -> list[Node]:
        """The places where a Kronecker delta is 1."""
        found: list[Node] = []
        for case in each.cases:
            on = dict(case.on)
            terms = [on.get(index, index) for index in each.indices]
            remaining = [index for index in each.indices if index not in on]
            found += self._loops(remaining, [Store(self._target(each, terms), self._stored(case.body))])
        return found


def _all_bodies(each: Statement) -> Sequence[Expression]:
    """The formulas of a statement, and the labels of a scatter."""
    labels = [label for _, label in each.scatter.at] if each.scatter is not None else []
    return (*each.bodies(), *labels)


def _kind(each: Statement) -> Kind:
    match each.reduce:
        case "sum" | "max" | "min" | "prod":
            return each.reduce
    raise KernelError(f"A {each.reduce} cannot be emitted.")


def _is_shifted(value: Expression, letter: Index) -> bool:
    """Whether an entry in it is at a place that is shifted by `letter`."""
    return any(
        isinstance(term, Shift) and any(part == letter for _, part in term.terms)
        for _, node in walk(value)
        if isinstance(node, Entry)
        for term in node.indices
    )


def _with_letter(each: Statement, old: Index, new: Index) -> Statement:
    if old == new:
        return each
    return replace(
        each,
        indices=tuple(new if index == old else index for index in each.indices),
        body=rename(each.body, {old: new}),
        reduced=new if each.reduced == old else each.reduced,
    )
