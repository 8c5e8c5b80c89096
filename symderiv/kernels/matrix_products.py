"""Which statements are products of two matrices: target[.., r, c] = Σ_s left · right.

A matrix may have several letters along one axis: Σ_l a[i, l] b[l, j, k] is the product of a with b as a
matrix of l by j and k, as long as these lie together in memory, in one order.
Any target that has a library, or a loop nest, for such products finds them here, as data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symderiv.expression.construct import factors_of
from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.program import Statement

Letters = tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """``target[leading, rows, columns] = Σ_summed left · right``, for every place of the leading letters.

    The left operand has the letters rows and summed, the right one summed and columns, in either order.
    An operand may have the leading letters too, anywhere but inside of these groups; one without is
    the same matrix for all of their places.

    Attributes
    ----------
    target, left, right
        The entries, with plain letters in storage order.
    rows, columns, summed
        The letters along each axis of a matrix, in storage order.
    leading
        The letters that are no axis of a matrix.
    """

    target: Entry
    left: Entry
    right: Entry
    rows: Letters
    columns: Letters
    summed: Letters
    leading: Letters

    @property
    def letters(self) -> Letters:
        """All letters: the number of multiplications is the product of their sizes."""
        return (*letters_of(self.target), *self.summed)

    def axes(self, entry: Entry) -> tuple[Letters, ...]:
        """The letters of each axis, in storage order, once those of a group are one axis."""
        found: list[Letters] = []
        for index in letters_of(entry):
            group = next((each for each in (self.rows, self.columns, self.summed) if index in each), (index,))
            if group not in found:
                found.append(group)
        return tuple(found)

    def order(self, entry: Entry) -> tuple[int, ...]:
        """The axes of an operand as a product needs them: leading ones, then its two groups."""
        axes = self.axes(entry)
        last = (self.rows, self.summed) if entry == self.left else (self.summed, self.columns)
        first = [axes.index((index,)) for index in self.leading if (index,) in axes]
        return (*first, *map(axes.index, last))

    def is_shared(self, entry: Entry) -> bool:
        """Whether an operand is the same matrix for all places of the leading letters."""
        return not set(self.leading) & set(letters_of(entry))


def matrix_product(statement: Statement) -> MatrixProduct | None:
    """A statement as a product of two matrices; None where it is none.

    A product with a vector is none either, and nothing in it may stand at a label or a shifted place.
    """
    if statement.reduce != "sum" or statement.cases or statement.scatter is not None:
        return None
    operands = factors_of(statement.body)
    if len(operands) != 2 or len(statement.indices) < 2:
        return None
    entries = [each for each in operands if isinstance(each, Entry)]
    plain = [letters_of(each) for each in entries]
    if len(entries) < 2 or any(
        len(set(letters)) != len(each.indices) for each, letters in zip(entries, plain, strict=True)
    ):
        return None
    if set(statement.letters) != {*plain[0], *plain[1]}:
        return None
    for one, other in ((0, 1), (1, 0)):
        if statement.indices[-1] in plain[one]:
            continue
        for rows, columns in _groups(statement.indices, plain[one], plain[other]):
            found = _product(statement, entries[one], entries[other], rows, columns)
            if found is not None:
                return found
    return None


def _groups(target: Letters, left: Letters, right: Letters) -> Iterator[tuple[Letters, Letters]]:
    """The letters that may be rows and columns, the most first: one product is faster than many."""
    count = len(target)
    first_column = count
    while first_column and target[first_column - 1] in right and target[first_column - 1] not in left:
        first_column -= 1
    for middle in range(first_column, count):
        first_row = middle
        while first_row and target[first_row - 1] in left and target[first_row - 1] not in right:
            first_row -= 1
        for first in range(first_row, middle):
            yield target[first:middle], target[middle:]


def _product(
    statement: Statement, left: Entry, right: Entry, rows: Letters, columns: Letters
) -> MatrixProduct | None:
    """The product with these rows and columns; None where its letters do not lie together."""
    both = set(statement.summed)
    summed = tuple(index for index in letters_of(left) if index in both)
    leading = statement.indices[: len(statement.indices) - len(rows) - len(columns)]
    for entry, groups in ((left, (rows, summed)), (right, (summed, columns))):
        has = letters_of(entry)
        if not all(_together(group, has) for group in groups):
            return None
        others = set(leading) & set(has)
        if len(has) != sum(map(len, groups)) + len(others) or others not in (set(), set(leading)):
            return None
    return MatrixProduct(
        Entry(statement.name, statement.indices), left, right, rows, columns, summed, leading
    )


def _together(group: Letters, letters: Sequence[Index]) -> bool:
    """Whether letters lie together, in this order."""
    if group[0] not in letters:
        return False
    start = list(letters).index(group[0])
    return tuple(letters[start : start + len(group)]) == group


def letters_of(entry: Entry) -> Letters:
    """The plain letters of an entry, in storage order."""
    return tuple(term for term in entry.indices if isinstance(term, Index))
