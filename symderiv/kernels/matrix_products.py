"""Which statements are products of two matrices: target[.., r, c] = Σ_s left · right.

Any target that has a library, or a loop nest, for such products finds them here, as data.
"""

from __future__ import annotations

from dataclasses import dataclass

from symderiv.expression.construct import factors_of
from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.program import Statement


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """``target[leading, row, column] = Σ_summed left · right``, for every place of the leading letters.

    The left operand has the letters row and summed, the right one summed and column, in either order;
    before these come the leading letters, or none, where it is the same matrix for all of their places.

    Attributes
    ----------
    target, left, right
        The entries, with plain letters in storage order.
    summed
        The letter that is summed over.
    """

    target: Entry
    left: Entry
    right: Entry
    summed: Index

    @property
    def row(self) -> Index:
        """The letter of the target that only the left operand has."""
        return _letters(self.target)[-2]

    @property
    def column(self) -> Index:
        """The letter of the target that only the right operand has."""
        return _letters(self.target)[-1]

    @property
    def leading(self) -> tuple[Index, ...]:
        """The letters that are no axis of a matrix."""
        return _letters(self.target)[:-2]

    @property
    def left_transposed(self) -> bool:
        """Whether the left operand is stored with its summed letter first."""
        return self.left.indices[-2] == self.summed

    @property
    def right_transposed(self) -> bool:
        """Whether the right operand is stored with its summed letter last."""
        return self.right.indices[-1] == self.summed

    @property
    def letters(self) -> tuple[Index, ...]:
        """All letters: the number of multiplications is the product of their sizes."""
        return (*_letters(self.target), self.summed)


def matrix_product(statement: Statement) -> MatrixProduct | None:
    """A statement as a product of two matrices; None where it is none.

    A product with a vector is none either, and nothing in it may stand at a label or a shifted place.
    """
    summed = statement.reduced
    if statement.reduce != "sum" or summed is None or statement.cases or statement.scatter is not None:
        return None
    operands = factors_of(statement.body)
    if len(operands) != 2 or len(statement.indices) < 2:
        return None
    *leading, row, column = statement.indices
    left: Entry | None = None
    right: Entry | None = None
    for operand in operands:
        if not isinstance(operand, Entry):
            return None
        plain = [term for term in operand.indices if isinstance(term, Index)]
        if len(plain) != len(operand.indices) or plain[:-2] not in ([], leading):
            return None
        if set(plain[-2:]) == {row, summed} and len(plain) > 1:
            left = operand
        elif set(plain[-2:]) == {summed, column} and len(plain) > 1:
            right = operand
    if left is None or right is None:
        return None
    if leading and len(left.indices) == 2 and len(right.indices) == 2:
        return None
    return MatrixProduct(Entry(statement.name, statement.indices), left, right, summed)


def _letters(entry: Entry) -> tuple[Index, ...]:
    return tuple(term for term in entry.indices if isinstance(term, Index))
