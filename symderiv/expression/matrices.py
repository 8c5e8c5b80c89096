"""Arrays that are made of a matrix as a whole: its inverse and its determinant.

They need no node of their own. An entry of the array called ``inv(A)`` is one of the inverse of the matrix A,
and the scalar called ``det(A)`` is its determinant; nobody can give an array such a name. What is known of
them are their laws: Σ_k inv(A)[i, k] A[k, j] = δ_ij, and det(A) by elimination.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symderiv.expression.construct import add, multiply
from symderiv.expression.nodes import Delta, Entry, Expression, Index, IndexTerm, Number
from symderiv.expression.traverse import map_children

INVERSE, DETERMINANT = "inv", "det"
_SYMMETRIC = "symmetric "
_HALF = Number(Fraction(1, 2))


def inverse_of(matrix: str) -> str:
    """The name of the inverse of a matrix."""
    return f"{INVERSE}({matrix})"


def determinant_of(matrix: str) -> str:
    """The name of the determinant of a matrix."""
    return f"{DETERMINANT}({matrix})"


def matrix_behind(name: str) -> tuple[str, str] | None:
    """What an array is of which matrix, as ``("inv", "A")``; None for an array with a name of its own."""
    kind, bracket, rest = name.partition("(")
    return (kind, rest[:-1]) if bracket and kind in (INVERSE, DETERMINANT) else None


def symmetric_of(matrix: str) -> str:
    """The name under which a matrix is known to be symmetric."""
    return f"{_SYMMETRIC}{matrix}"


def symmetrised(node: Expression, matrix: str) -> Expression:
    """`node` with half of A[i, j] and A[j, i] for each entry of a symmetric matrix, and so of its inverse.

    They go by a name that says so: a product with the inverse is then δ on either side.
    """
    match node:
        case Entry(array, (*ahead, row, column)) if array in (matrix, inverse_of(matrix)):
            name = symmetric_of(matrix)
            name = name if array == matrix else inverse_of(name)
            both = (Entry(name, (*ahead, row, column)), Entry(name, (*ahead, column, row)))
            return both[0] if row == column else multiply(_HALF, add(*both))
        case _:
            return map_children(node, lambda child: symmetrised(child, matrix))


def _turned_towards(entry: Entry, letter: Index, *, last: bool) -> tuple[IndexTerm, ...]:
    """The indices of an entry, with a letter last or second to last if its matrix is symmetric."""
    *ahead, row, column = entry.indices
    if _SYMMETRIC in entry.array and (row if last else column) == letter:
        return (*ahead, column, row)
    return entry.indices


def product_with_inverse(uses: Sequence[Expression], letter: Index) -> Delta | None:
    """What Σ A[i, k] inv(A)[k, j] over `letter` k is, or None for anything else."""
    if len(uses) != 2:
        return None
    for left, right in (uses, uses[::-1]):
        if not isinstance(left, Entry) or not isinstance(right, Entry):
            continue
        if left.array != inverse_of(right.array) and right.array != inverse_of(left.array):
            continue
        *ahead, row, middle = _turned_towards(left, letter, last=True)
        *after, other, column = _turned_towards(right, letter, last=False)
        if middle == other == letter and letter not in (row, column) and ahead == after:
            return Delta(row, column)
    return None
