"""Arrays that are made of a matrix as a whole: its inverse and its determinant.

They need no node of their own. An entry of the array called ``inv(A)`` is one of the inverse of the matrix A,
and the scalar called ``det(A)`` is its determinant; nobody can give an array such a name. What is known of
them are their laws: Σ_k inv(A)[i, k] A[k, j] = δ_ij, and det(A) by elimination.
"""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.nodes import Delta, Entry, Expression, Index

INVERSE, DETERMINANT = "inv", "det"


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


def product_with_inverse(uses: Sequence[Expression], letter: Index) -> Delta | None:
    """What Σ A[i, k] inv(A)[k, j] over `letter` k is, or None for anything else."""
    if len(uses) != 2:
        return None
    for left, right in (uses, uses[::-1]):
        if not isinstance(left, Entry) or not isinstance(right, Entry):
            continue
        if left.array != inverse_of(right.array) and right.array != inverse_of(left.array):
            continue
        *ahead, row, middle = left.indices
        *after, other, column = right.indices
        if middle == other == letter and letter not in (row, column) and ahead == after:
            return Delta(row, column)
    return None
