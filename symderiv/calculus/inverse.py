"""Rules for the inverse of a matrix and for its determinant."""

from __future__ import annotations

from symderiv.calculus.context import Context, rule
from symderiv.calculus.derivative import INWARD, d, single
from symderiv.calculus.simplify import sum_chain, sum_over
from symderiv.expression.construct import factors_of, multiply, negate
from symderiv.expression.indices import mentions
from symderiv.expression.matrices import DETERMINANT, INVERSE, inverse_of, matrix_behind, product_with_inverse
from symderiv.expression.nodes import Derivative, Entry, Expression, Index, IndexTerm, Sum

_PETERSEN = "Petersen and Pedersen, The Matrix Cookbook, section 2"


def _letters(node: Derivative, matrix: str, context: Context) -> tuple[Index, Index]:
    """Two letters for the rows and the columns of a matrix."""
    rows, columns = context.problem.axes_of(matrix)[-2:]
    first = context.fresh(rows, node)
    return first, context.fresh(columns, node, letters=[first.name])


@rule(
    Derivative,
    law=r"\frac{\partial (A^{-1})_{ij}}{\partial x}"
    r" = -\sum_{a,b} (A^{-1})_{ia} \frac{\partial A_{ab}}{\partial x} (A^{-1})_{bj}",
    source=_PETERSEN,
    example=(
        "d(inv(A)[i, j], A[k, l])",
        "-sum(m, sum(n, inv(A)[i, m] * d(A[m, n], A[k, l]) * inv(A)[n, j]))",
    ),
    terminates=INWARD,
    level="textbook",
)
def derivative_of_an_inverse(node: Expression, context: Context) -> Expression | None:
    """From d(A A^{-1}) = 0: the derivative of an inverse is that of the matrix between two inverses."""
    if not single(node, Entry):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Entry)
    kind, matrix = matrix_behind(node.of.array) or ("", "")
    if kind != INVERSE:
        return None
    *ahead, row, column = node.of.indices
    a, b = _letters(node, matrix, context)

    def inverse(one: IndexTerm, other: IndexTerm) -> Entry:
        return Entry(inverse_of(matrix), (*ahead, one, other))

    slope = d(Entry(matrix, (*ahead, a, b)), node.by[0])
    return negate(sum_over((a, b), multiply(inverse(row, a), slope, inverse(b, column))))


@rule(
    Derivative,
    law=r"\frac{\partial \det A}{\partial x}"
    r" = \det A \sum_{a,b} (A^{-1})_{ba} \frac{\partial A_{ab}}{\partial x}",
    source="Jacobi's formula; " + _PETERSEN,
    example=(
        "d(det(A), A[k, l])",
        "det(A) * sum(m, sum(n, inv(A)[n, m] * d(A[m, n], A[k, l])))",
    ),
    terminates=INWARD,
    level="textbook",
)
def derivative_of_a_determinant(node: Expression, context: Context) -> Expression | None:
    """Jacobi's formula, for a matrix that has an inverse."""
    if not single(node, Entry):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Entry)
    kind, matrix = matrix_behind(node.of.array) or ("", "")
    if kind != DETERMINANT:
        return None
    ahead = node.of.indices
    a, b = _letters(node, matrix, context)
    slope = d(Entry(matrix, (*ahead, a, b)), node.by[0])
    inverse = Entry(inverse_of(matrix), (*ahead, b, a))
    return multiply(node.of, sum_over((a, b), multiply(inverse, slope)))


@rule(
    Sum,
    law=r"\sum_k (A^{-1})_{ik} A_{kj} = \delta_{ij}, \quad \sum_k A_{ik} (A^{-1})_{kj} = \delta_{ij}",
    source="the definition of the inverse",
    example=("sum(k, inv(A)[i, k] * A[k, j] * z[j])", "delta(i, j) * z[j]"),
    terminates="a sum disappears",
    level="textbook",
    name="inverse",
)
def matrix_times_inverse(node: Expression, context: Context) -> Expression | None:
    """A matrix next to its inverse, summed over the axis between them."""
    letters, core = sum_chain(node)
    factors = factors_of(core)
    for letter in letters:
        uses = [factor for factor in factors if mentions(factor, letter)]
        delta = product_with_inverse(uses, letter)
        if delta is not None:
            rest = [factor for factor in factors if factor not in uses]
            return sum_over(tuple(each for each in letters if each != letter), multiply(delta, *rest))
    return None


INVERSES = (derivative_of_an_inverse, derivative_of_a_determinant)
