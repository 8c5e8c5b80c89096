"""A function with large matrix products as stages: products, and the loops between them.

A loop over the samples that holds a matrix product reads the matrix again for every sample; done for
many samples together, the product is as fast as the machine's arithmetic. So the statements are
taken apart: products of matrices become stages of their own, and what lies between two of them is one
loop program over the samples (or over the rows of a matrix), scheduled as any other is.

Three forms:

- *samples together*: the letter of the samples is an axis of the products, as in a layer. The stages
  are done for a block of samples at a time, and sums over the samples are added up over the blocks;
- *each sample alone*: every product is one of matrices of a single sample, as in attention. The
  letter of the samples becomes a loop around everything, and the letter of the rows takes its place;
- *whole*: where neither fits, for instance since a formula speaks of places along the letter, all
  stages are done once, for all places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from symderiv.expression.indices import mentions
from symderiv.expression.nodes import (
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    PlaceTerm,
    Size,
    Where,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.errors import KernelError
from symderiv.kernels.loop_program import Buffer, Parameter
from symderiv.kernels.loop_walk import entries_in
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.matrix_products import MatrixProduct, letters_of, matrix_product
from symderiv.kernels.program import Statement
from symderiv.kernels.scale import with_scales_inside
from symderiv.kernels.work import Work, work_of
from symderiv.problem import names_in

Stage = MatrixProduct | Work


@dataclass(frozen=True)
class Staged:
    """One function as stages.

    Attributes
    ----------
    work
        The function, as one loop program would do it.
    alone
        The letter of the samples where each is done alone: entries lack it, and so do the buffers.
    over
        The letter whose places are done together, or None.
    in_blocks
        Whether a block of these places at a time can be done; otherwise all at once.
    before, inside, after
        The stages once, for each block, and once all blocks are done.
    buffers
        What one stage leaves for another; with `over` as their first letter, for one block.
    totals
        The arrays that are sums over `over`: each block adds to them.
    """

    work: Work
    alone: Index | None
    over: Index | None
    in_blocks: bool
    before: tuple[Stage, ...]
    inside: tuple[Stage, ...]
    after: tuple[Stage, ...]
    buffers: tuple[Buffer, ...]
    totals: frozenset[str]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All of them, in order."""
        return (*self.before, *self.inside, *self.after)

    @property
    def products(self) -> list[MatrixProduct]:
        """The products among the stages."""
        return [each for each in self.stages if isinstance(each, MatrixProduct)]


def staged(lowered: Lowered) -> Staged | None:
    """A function as stages; None where there is no product of matrices in it, or none can be taken out."""
    work = work_of(lowered)
    statements = with_scales_inside(work.statements)
    if any(each.scatter is not None for each in statements):
        return None
    if not any(matrix_product(each) for each in statements):
        return None
    alone = work.batch if work.batch is not None and _is_alone(statements, work.batch) else None
    parameters = work.parameters
    if alone is not None:
        statements = tuple(_without(each, alone) for each in statements)
        parameters = tuple(
            replace(each, axes=each.axes[1:]) if each.axes[:1] == (alone.axis,) else each
            for each in parameters
        )
    if work.batch is not None and alone is None:
        letters: Sequence[Index | None] = [work.batch]
    else:
        letters = [*_candidates(statements), None]
    for letter in letters:
        sections = _sections(statements, letter)
        if sections is not None:
            return _Stager(work, alone, letter, parameters, statements).staged(sections)
    return None


def _candidates(statements: Sequence[Statement]) -> list[Index]:
    """The letters whose places may be done in blocks: rows of products, those of most statements first.

    Then the terms of products, where something else is worked out for each: that stays in the cache.
    """
    products = [each for each in map(matrix_product, statements) if each is not None]
    rows = dict.fromkeys(letters_of(each.target)[0] for each in products)
    others = [each for each in statements if matrix_product(each) is None]
    terms = dict.fromkeys(each.summed[0] for each in products)
    found = sorted(rows, key=lambda row: -sum(row in each.letters for each in statements))
    return [*found, *(each for each in terms if any(each in other.letters for other in others))]


def _is_alone(statements: Iterable[Statement], batch: Index) -> bool:
    """Whether every statement is one of a single sample, and its matrices too."""
    for each in statements:
        if each.indices[:1] != (batch,) or not _is_first(each, batch):
            return False
        found = matrix_product(each)
        if found is not None and not (batch in found.left.indices and batch in found.right.indices):
            return False
    return True


def _is_first(each: Statement, letter: Index) -> bool:
    """Whether a letter is the first of every array that has it, and never the second."""
    if letter in each.indices[1:]:
        return False
    for body in each.bodies():
        for _, part in walk(body):
            inside = entries_in(part) if isinstance(part, Entry) else iter(())
            if isinstance(part, Delta):
                sides = [side for side in (part.left, part.right) if isinstance(side, Entry)]
                inside = (entry for side in sides for entry in entries_in(side))
            for entry in inside:
                others = [term for term in entry.indices[1:] if not isinstance(term, Entry)]
                if any(mentions(Entry("", (term,)), letter) for term in others):
                    return False
                first = entry.indices[:1]
                if first != (letter,) and first and mentions(Entry("", first), letter):
                    return False
    return True


def _without(each: Statement, letter: Index) -> Statement:
    """A statement of one sample, without the letter of the samples."""

    def term(found: IndexTerm) -> IndexTerm:
        return bare(found) if isinstance(found, Entry) else found

    def bare(entry: Entry) -> Entry:
        rest = entry.indices[1:] if entry.indices[:1] == (letter,) else entry.indices
        return Entry(entry.array, tuple(term(one) for one in rest))

    def change(node: Expression) -> Expression:
        if isinstance(node, Entry):
            return bare(node)
        if isinstance(node, Delta):
            return Delta(term(node.left), term(node.right))
        return map_children(node, change)

    cases = tuple(
        replace(case, on=tuple((index, term(place)) for index, place in case.on), body=change(case.body))
        for case in each.cases
    )
    return replace(each, indices=each.indices[1:], body=change(each.body), cases=cases)


def _sections(
    statements: Sequence[Statement], letter: Index | None
) -> tuple[list[Statement], list[Statement], list[Statement]] | None:
    """What is done before, for and after the places of a letter; None where that cannot be told apart."""
    before: list[Statement] = []
    inside: list[Statement] = []
    after: list[Statement] = []
    late: set[str] = set()
    by_places: set[str] = set()  # what has one part for each place, and is not whole before all are done
    for each in statements:
        uses = {name for body in each.bodies() for name in names_in(body)}
        if letter is not None and letter in each.letters:
            if uses & late or not _is_first(each, letter) or _uses_other_places(each, by_places, letter):
                return None
            if letter in each.summed:
                if each.reduce != "sum":
                    return None
                late.add(each.name)
            else:
                by_places.add(each.name)
            inside.append(each)
        elif uses & by_places:
            return None
        elif uses & late:
            after.append(each)
            late.add(each.name)
        else:
            before.append(each)
    return before, inside, after


def _uses_other_places(each: Statement, arrays: Set[str], letter: Index) -> bool:
    """Whether a statement for the places of a letter needs what is made at others, as running sums do."""
    return any(
        entry.array in arrays and entry.indices[:1] != (letter,)
        for body in each.bodies()
        for _, part in walk(body)
        if isinstance(part, Entry)
        for entry in entries_in(part)
    )


def _speaks_of_places(each: Statement, letter: Index) -> bool:
    """Whether a formula needs to know which place of a letter it is at, or how many there are."""
    if any(index.axis == letter.axis and index != letter for index in each.letters):
        return True
    for body in each.bodies():
        for _, part in walk(body):
            match part:
                case Size(axis) if axis == letter.axis:
                    return True
                case Delta(left, right) if letter in (left, right):
                    return True
                case Where(Compare(_, left, right)) if _is_place(left, letter) or _is_place(right, letter):
                    return True
    return any(letter in dict(case.on) for case in each.cases)


def _is_place(side: object, letter: Index) -> bool:
    """Whether a side of a comparison is a place that depends on a letter."""
    return isinstance(side, PlaceTerm) and mentions(Entry("", (side,)), letter)


@dataclass
class _Stager:
    work: Work
    alone: Index | None
    over: Index | None
    parameters: tuple[Parameter, ...]
    statements: Sequence[Statement]

    def __post_init__(self) -> None:
        self.of = {each.name: each for each in self.statements}
        self.numbers = 0

    def staged(self, sections: tuple[list[Statement], list[Statement], list[Statement]]) -> Staged | None:
        """The whole of it."""
        before, inside, after = sections
        over = self.over
        groups: list[list[list[Statement]]] = [self._grouped(section) for section in (before, inside, after)]
        home = {
            each.name: (place, number)
            for place, found in enumerate(groups)
            for number, group in enumerate(found)
            for each in group
        }
        self.crossing = set()
        for each in self.statements:
            for body in each.bodies():
                for name in names_in(body):
                    if name in home and home[name] != home[each.name]:
                        self.crossing.add(name)
        self.crossing |= {each.name for each in self.statements if matrix_product(each) is not None}
        made = [
            tuple(self._stage(group, over if place == 1 else None) for group in found)
            for place, found in enumerate(groups)
        ]
        first, middle, last = made
        buffers = tuple(
            Buffer(each.name, each.indices)
            for each in self.statements
            if each.name in self.crossing and not each.stored
        )
        in_blocks = over is not None and not any(_speaks_of_places(each, over) for each in inside)
        if over is not None and any(over.axis in each.axes[1:] for each in self.parameters):
            in_blocks = False
        totals = frozenset(each.name for each in inside if over in each.summed)
        return Staged(self.work, self.alone, over, in_blocks, first, middle, last, buffers, totals)

    def _grouped(self, section: Sequence[Statement]) -> list[list[Statement]]:
        """The statements of a section: each product for itself, the others together where they can be.

        Products first, as soon as they can be; sums over `over` last, since with them the samples depend
        on each other.
        """
        left = list(section)
        groups: list[list[Statement]] = []
        names = {each.name for each in section}
        done: set[str] = set()

        def is_ready(each: Statement, more: set[str]) -> bool:
            uses = {name for body in each.bodies() for name in names_in(body)}
            return not (uses & names) - done - more

        while left:
            products = [each for each in left if matrix_product(each) and is_ready(each, set())]
            if products:
                groups += [[each] for each in products]
                taken = products
            else:
                taken = []
                others = [each for each in left if matrix_product(each) is None]
                for each in others:
                    is_total = self.over in each.summed
                    if not is_total and is_ready(each, {one.name for one in taken}):
                        taken.append(each)
                taken = taken or [each for each in others if is_ready(each, set())]
                groups.append(taken)
            done |= {each.name for each in taken}
            left = [each for each in left if each not in taken]
        return groups

    def _stage(self, group: Sequence[Statement], rows: Index | None) -> Stage:
        product = matrix_product(group[0]) if len(group) == 1 else None
        if product is not None:
            return product
        made = {each.name for each in group}
        names: dict[str, None] = {}
        axes: dict[str, None] = {}
        for each in group:
            for body in each.bodies():
                names |= dict.fromkeys(sorted(names_in(body) - made))
                axes |= {part.axis: None for _, part in walk(body) if isinstance(part, Size)}
            axes |= {index.axis: None for index in each.letters}
        given = [*(each for each in self.parameters if each.name in names and not each.is_result)]
        given += [self._crossing(name) for name in names if name in self.of]
        results = [
            replace(self._crossing(each.name), is_result=True)
            for each in group
            if each.stored or each.name in self.crossing
        ]
        known = {axis for each in (*given, *results) for axis in each.axes}
        for axis in axes:  # a size that no array here has is asked of one that is given for it
            if axis not in known and axis not in self.work.sizes:
                owner = next((each for each in self.parameters if axis in each.axes), None)
                if owner is None:
                    raise KernelError(f"The size of {axis} is not known.")
                given.append(owner)
                known |= set(owner.axes)
        self.numbers += 1
        kept = {each.name for each in results}
        statements = tuple(replace(each, stored=each.name in kept) for each in group)
        return Work(
            f"{self.work.name} {self.numbers}",
            (*given, *results),
            statements,
            rows,
            self.work.shifted_arrays,
            self.work.shifts,
            self.work.sizes,
        )

    def _crossing(self, name: str) -> Parameter:
        """An intermediate as the array that stages share."""
        return Parameter(name, tuple(index.axis for index in self.of[name].indices))
