"""From statements to loops: one loop over the samples, passes over the axes inside it.

What belongs to one sample lives in a row buffer or a local variable. A sum is hoisted to where its
free letters are bound; a reduction needs its operands complete, so the depth of the reductions
decides the number of passes, and all at one depth that runs over the same axis shares a pass (exp
and its sum, for one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from symderiv.expression.indices import fresh_name, rename
from symderiv.expression.nodes import Entry, Expression, Index
from symderiv.expression.traverse import walk
from symderiv.kernels.contraction import contracted
from symderiv.kernels.errors import KernelError
from symderiv.kernels.fusion import fused
from symderiv.kernels.loop_program import Buffer, Loop, LoopProgram, Node, Note, Reduce, Start, Store
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.nests import TOTAL, Nests, kind_of
from symderiv.kernels.program import Statement
from symderiv.kernels.tighten import tightened
from symderiv.kernels.work import Storage, Work, work_of
from symderiv.problem import names_in


def schedule(lowered: Lowered) -> LoopProgram:
    """The loop program of one function.

    Raises
    ------
    KernelError
        If something in it cannot be done in one loop over the samples.
    """
    return scheduled(work_of(lowered))


def scheduled(work: Work) -> LoopProgram:
    """The loop program of some work.

    Raises
    ------
    KernelError
        If something in it cannot be done in one loop over the samples.
    """
    return contracted(fused(tightened(_Scheduler(work).program())))


@dataclass
class _Pass:
    """One loop over an axis: what is set before it, done in it, and known and stored after it."""

    letter: Index
    starts: list[Node] = field(default_factory=list)
    inside: list[Node] = field(default_factory=list)
    complete: set[str] = field(default_factory=set)
    notes: list[Node] = field(default_factory=list)
    ends: list[Node] = field(default_factory=list)

    def closed(self) -> list[Node]:
        """The nodes of the finished pass."""
        return [*self.notes, *self.starts, Loop(self.letter, tuple(self.inside), "pass"), *self.ends]


@dataclass
class _Single:
    """What is done between passes."""

    nodes: list[Node]

    def closed(self) -> list[Node]:
        """The nodes."""
        return self.nodes


class _Scheduler:
    """Schedules one function."""

    def __init__(self, work: Work) -> None:
        self.work, self.batch = work, work.batch
        self.storage = Storage(work)
        self.nests = Nests(self.storage)
        self.totals: list[Buffer] = []
        self.scalars = {
            each.name for each in work.statements if not each.stored and not self.storage.own(each)
        }

    def program(self) -> LoopProgram:
        """The whole of it."""
        shared, row, after = self._sections()
        body = self._passes(shared)
        over_batch = [each for each in row if self.storage.is_over_batch(each)]
        for each in over_batch:
            if each.reduce != "sum":
                raise KernelError(f"A {each.reduce} over the batch cannot be emitted.")
            body += self.nests.loops(each.indices, [Start("sum", self.storage.target(each))])
        if row:
            assert self.batch is not None
            body.append(Loop(self.batch, tuple(self._passes(row)), "rows", parallel=not over_batch))
        body += self._passes(after)
        parameters = self.work.parameters
        return LoopProgram(self.work.name, parameters, self._buffers(), tuple(body), self.work.sizes)

    def _buffers(self) -> tuple[Buffer, ...]:
        found = [self.storage.buffer(each) for each in self.work.statements if not each.stored]
        return (*found, *self.totals, *((Buffer(TOTAL, ()),) if self.nests.totals else ()))

    def _sections(self) -> tuple[list[Statement], list[Statement], list[Statement]]:
        """What comes before, inside and after the loop over the batch."""
        shared: list[Statement] = []
        row: list[Statement] = []
        after: list[Statement] = []
        late: set[str] = set()
        for each in self.work.statements:
            uses = {name for inner in each.bodies() for name in names_in(inner)}
            if self.batch is not None and self.batch in each.letters:
                if uses & late:
                    raise KernelError(
                        "A formula that needs a sum over the batch for each sample cannot be emitted."
                    )
                row.append(each)
                if self.storage.is_over_batch(each):
                    late.add(each.name)
            elif uses & late:
                after.append(each)
                late.add(each.name)
            else:
                shared.append(each)
        return shared, row, after

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
                nodes = self.nests.nested(each)
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
                slots.insert(slots.index(slot) + 1, _Single(self.nests.cases(each)))
        return [node for slot in slots for node in slot.closed()]

    def _single_loop(self, each: Statement) -> Index | None:
        """The letter of a statement that is one loop: elementwise over it, or a reduction to a scalar."""
        if each.scatter is not None or self.storage.is_over_batch(each):
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
                    if part.array in self.scalars or part.array in self.storage.results:
                        return False
                    if part.indices[-1:] != (slot.letter,):
                        return False
        return True

    def _put(self, into: _Pass, each: Statement) -> None:
        target, value = self.storage.target(each), self.storage.value(each)
        into.complete.add(each.name)
        if each.comment:
            into.notes.append(Note(each.comment, target))
        if each.reduced is None:
            into.inside.append(Store(target, value))
            return
        kind = kind_of(each)
        if each.stored:
            # In a local variable first: a loop that adds to memory is not done on whole vectors.
            result, target = target, self._total(per_row=bool(each.indices))
            into.ends.append(Store(result, target))
        into.starts.append(Start(kind, target))
        into.inside.append(Reduce(kind, target, value, each.name in self.storage.shifts))

    def _total(self, *, per_row: bool) -> Entry:
        stem = "@row_total" if per_row else "@grand_total"
        name = fresh_name(stem, {each.name for each in self.totals})
        self.totals.append(Buffer(name, (), per_row))
        return Entry(name, ())


def _all_bodies(each: Statement) -> Sequence[Expression]:
    """The formulas of a statement, and the labels of a scatter."""
    labels = [label for _, label in each.scatter.at] if each.scatter is not None else []
    return (*each.bodies(), *labels)


def _with_letter(each: Statement, old: Index, new: Index) -> Statement:
    if old == new:
        return each
    return replace(
        each,
        indices=tuple(new if index == old else index for index in each.indices),
        body=rename(each.body, {old: new}),
        reduced=new if each.reduced == old else each.reduced,
    )
