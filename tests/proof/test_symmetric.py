"""Inverses of matrices that are symmetric, by an assumption or by how they are defined."""

import pytest

from symderiv.notation.reader import parse_assumption, parse_expression, read_problem
from symderiv.proof import prove

PROBLEM = read_problem(
    """
index i, j, k : n
index m : N
input A[n, n], X[N, n], Y[N, n], z[n]
G[i, j] = sum(m, X[m, i] * X[m, j])
H[i, j] = sum(m, X[m, i] * Y[m, j])
K[i, j] = sum(m, X[m, j] * X[m, i])
y = sum(i, sum(j, z[i] * inv(A)[i, j] * z[j]))
u[i] = sum(j, inv(G)[i, j] * z[j])
v[i] = sum(j, inv(H)[i, j] * z[j])
w[i] = sum(j, inv(K)[i, j] * z[j])
""",
    "inverses",
)


@pytest.mark.parametrize(
    ("left", "right", "assumed", "kind"),
    [
        ("inv(A)[i, j]", "inv(A)[j, i]", "A symmetric", "proved"),
        ("inv(A)[i, j]", "inv(A)[j, i]", "", "refuted"),
        ("d(y, z[i])", "2 * sum(j, inv(A)[i, j] * z[j])", "A symmetric", "proved"),
        ("d(y, z[i])", "2 * sum(j, inv(A)[i, j] * z[j])", "", "refuted"),
        ("sum(k, A[i, k] * inv(A)[j, k])", "delta(i, j)", "A symmetric", "proved"),
        ("sum(k, A[i, k] * inv(A)[j, k])", "delta(i, j)", "", "refuted"),
        ("sum(k, A[i, k] * inv(A)[j, k])", "2 * delta(i, j)", "A symmetric", "refuted"),
        ("sum(j, z[j] * inv(G)[j, i])", "u[i]", "", "proved"),
        ("sum(j, z[j] * inv(H)[j, i])", "v[i]", "", "refuted"),
        ("u[i]", "w[i]", "", "proved"),
        ("u[i]", "v[i]", "", "refuted"),
        ("sum(k, G[i, k] * inv(G)[j, k])", "delta(i, j)", "", "proved"),
        ("sum(k, H[i, k] * inv(H)[j, k])", "delta(i, j)", "", "refuted"),
    ],
)
def test_inverses_of_symmetric_matrices(left: str, right: str, assumed: str, kind: str) -> None:
    assumptions = parse_assumption(assumed, PROBLEM) if assumed else ()
    sides = (parse_expression(side, PROBLEM) for side in (left, right))
    assert prove(*sides, PROBLEM, assumptions).kind == kind
