"""Statements that are more than one loop, or none: nested loops, scatters, Kronecker deltas."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.nodes import Entry, Expression, Index, Shift
from symderiv.expression.traverse import walk
from symderiv.kernels.errors import KernelError
from symderiv.kernels.loop_program import Kind, Loop, Node, Note, Reduce, Start, Store
from symderiv.kernels.program import Statement
from symderiv.kernels.scatter import Scatter
from symderiv.kernels.work import Storage

#: The local variable that a sum is collected in before it is stored.
TOTAL = "@total"


class Nests:
    """Makes loops of single statements.

    Attributes
    ----------
    totals
        Whether a loop made so far collects a sum in a local variable.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.totals = False

    def loops(
        self, letters: Sequence[Index], inside: Sequence[Node], window: Expression | None = None
    ) -> list[Node]:
        """Loops over letters, those of the samples left out, with something inside."""
        found = list(inside)
        for index in reversed(letters):
            if index != self.storage.batch:
                found = [Loop(index, tuple(found), window=window)]
        return found

    def nested(self, each: Statement) -> list[Node]:
        """The loops of one statement."""
        target, value = self.storage.target(each), self.storage.value(each)
        found: list[Node] = [Note(each.comment, target)] if each.comment else []
        if each.scatter is not None:
            return found + self._scattered(each, each.scatter, value)
        if self.storage.is_over_batch(each):
            return [*found, *self.loops((*each.summed, *each.indices), [Reduce("sum", target, value)])]
        if each.reduced is None:
            return [*found, *self._stored(each, target, value)]
        kind, is_shift = kind_of(each), each.name in self.storage.shifts
        if self._accumulates(each):
            # The last index of the arrays innermost: memory is walked in order.
            term = Reduce(kind, target, value, is_shift)
            letters = [index for index in each.indices if index != self.storage.batch]
            outer = letters[:1] if len(letters) > 1 and _is_line_by_line(each, letters[0]) else []
            rest = letters[len(outer) :]
            whole = [*self.loops(rest, [Start(kind, target)]), *self.loops((*each.summed, *rest), [term])]
            return found + self.loops(outer, whole)
        self.totals = True
        total = Entry(TOTAL, ())
        window = value if kind == "sum" and _is_shifted(value, each.reduced) else None
        inner = self.loops(each.summed, [Reduce(kind, total, value, is_shift)], window)
        return found + self.loops(each.indices, [Start(kind, total), *inner, Store(target, total)])

    def _stored(self, each: Statement, target: Entry, value: Expression) -> list[Node]:
        """The loops that store a value; what differs in a line of it is stored while that is at hand."""
        letters = [index for index in each.indices if index != self.storage.batch]
        cases = self.cases(each)
        lines = [case.body for case in cases if isinstance(case, Loop) and case.letter == letters[0]]
        if len(letters) < 2 or not cases or len(lines) < len(cases):
            return [*self.loops(letters, [Store(target, value)]), *cases]
        inner = self.loops(letters[1:], [Store(target, value)])
        return [Loop(letters[0], (*inner, *(node for line in lines for node in line)))]

    def _scattered(self, each: Statement, scatter: Scatter, value: Expression) -> list[Node]:
        """A sum whose terms are added at the places that labels name."""
        moved = dict(scatter.at)
        terms = [moved.get(index, index) for index in each.indices]
        rest = [index for index in each.indices if index not in moved]
        start: list[Node] = []
        if not self.storage.is_over_batch(each):
            start = self.loops(each.indices, [Start("sum", self.storage.target(each))])
        target = self.storage.target(each, terms)
        return start + self.loops((*scatter.over, *rest), [Reduce("sum", target, value)])

    def _accumulates(self, each: Statement) -> bool:
        for _, part in walk(each.body):
            if isinstance(part, Entry) and len(part.indices) > 1 and set(each.summed) & set(part.indices):
                last = part.indices[-1]
                if last in each.indices and last != self.storage.batch:
                    return True
        return False

    def cases(self, each: Statement) -> list[Node]:
        """The places where a Kronecker delta is 1."""
        found: list[Node] = []
        for case in each.cases:
            on = dict(case.on)
            terms = [on.get(index, index) for index in each.indices]
            remaining = [index for index in each.indices if index not in on]
            value = self.storage.stored(case.body)
            found += self.loops(remaining, [Store(self.storage.target(each, terms), value)])
        return found


def _is_line_by_line(each: Statement, first: Index) -> bool:
    """Whether each line of the result has a line of terms: the a[i, l] of Σ_l a[i, l] b[l, j]."""
    entries = [part for _, part in walk(each.body) if isinstance(part, Entry)]
    both = [
        part.indices for part in entries if first in part.indices and set(each.summed) & set(part.indices)
    ]
    return any(not set(indices[: indices.index(first)]) & set(each.summed) for indices in both)


def kind_of(each: Statement) -> Kind:
    """How a statement reduces.

    Raises
    ------
    KernelError
        If no loop program can.
    """
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
