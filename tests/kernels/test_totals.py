"""A total of several terms, such as 1 + Σ_k exp(z_k): one largest exponent for all, a constant as exp(0)."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

from symderiv.expression.nodes import Expression
from symderiv.kernels import groups
from symderiv.kernels.emit import emit
from symderiv.kernels.errors import KernelError
from symderiv.kernels.totals import Part, parts_of
from symderiv.kernels.verify import verify
from tests.kernels.emitted import dtypes_of, load, own

TARGETS = ("numpy", "numba", "c")
HEAD = """
index i, k : K
input z[K]
batch z
"""
#: A softmax with one more score, 0, that has no place on the axis.
QUIET = HEAD + "p[i] = exp(z[i]) / (1 + sum(k, exp(z[k])))\nderive d(p[i], z[k])\n"
LABELLED = """
index i, k : K
input z[K]
label y : K
batch z, y
loss L
"""
PROBLEMS = {
    "share": QUIET,
    "names for its parts": HEAD
    + """
e[i] = exp(z[i])
T = 1 + sum(k, e[k])
p[i] = e[i] / T
upstream L(p)
derive d(L, z[i])
""",
    "label": LABELLED + "p[i] = exp(z[i]) / (1 + sum(k, exp(z[k])))\nL = -log(p[y])\nderive d(L, z[i])\n",
    "all but a label": LABELLED + "L = log(1 + sum(k != y, exp(z[k] - z[y])))\nderive d(L, z[i])\n",
    "logarithm of four terms": """
index i, k : K
input z[K], a, b
batch z, a, b
loss L
L = log(2 + exp(a) + 3 * exp(b) + sum(k, exp(z[k]))) - a
derive d(L, z[i])
derive d(L, a)
""",
    "no sum": """
input a, b
batch a, b
p = exp(a) / (1 + exp(a) + exp(b))
r = 1 / (1 + exp(a) + exp(b))
q = p + 2 * r
derive d(q, a)
derive d(q, b)
""",
    "sums along two axes": """
index i, k : K
index j, l : J
input z[K], w[J]
batch z, w
p[i] = exp(z[i]) / (sum(k, exp(z[k])) + sum(l, exp(w[l])))
derive d(p[i], z[k])
derive d(p[i], w[l])
""",
    "part of an axis": """
index m, n, k : M
input S[M, M]
batch S
P[m, n] = where(n <= m, exp(S[m, n]), 0) / (1 + sum(k <= m, exp(S[m, k])))
upstream L(P)
derive d(L, S[m, n])
""",
    "rows and columns": """
index m, k : M
index n, l : N
input Z[M, N]
p[m, n] = exp(Z[m, n]) / (1 + sum(l, exp(Z[m, l])))
q[m, n] = exp(Z[m, n]) / (1 + sum(k, exp(Z[k, n])))
s[m, n] = p[m, n] * q[m, n]
upstream L(s)
derive d(L, Z[m, n])
""",
    "average": """
index i, k : K
input z[K], v[K]
batch z, v
m = sum(i, v[i] * exp(z[i])) / (1 + sum(k, exp(z[k])))
derive d(m, z[i])
derive d(m, v[i])
""",
    "weights": """
index i, k : K
input z[K], w[K]
batch z, w
loss L
L = log(1 + sum(k, w[k]^2 * exp(z[k])))
derive d(L, z[i])
derive d(L, w[i])
""",
    "square": HEAD + "p[i] = exp(z[i])^2 / (1 + sum(k, exp(z[k])))^2\nderive d(p[i], z[k])\n",
    "constant of the user": """
index i, k : K
input z[K], c
batch z
p[i] = 2 * exp(z[i]) / (c^2 + 3 * sum(k, exp(z[k])))
derive d(p[i], z[k])
derive d(p[i], c)
""",
}
COMPILED = ("share", "all but a label", "part of an axis", "sums along two axes")


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def judged(name: str, target: str) -> None:
    """Every function, at scores of 1e4 among others."""
    checks = verify(own("total", PROBLEMS[name]), target, large=False, dtypes=dtypes_of(target))
    assert [str(check) for check in checks if not check.ok] == []
    assert {"up to 1e4", "near 1e4"} <= {check.kind.split(",")[0] for check in checks} or name == "no sum"


@pytest.mark.parametrize("name", PROBLEMS)
def test_verified_at_large_scores(name: str) -> None:
    judged(name, "numpy")


@pytest.mark.parametrize(
    ("name", "target"), [*((name, "c") for name in COMPILED), *((name, "numba") for name in COMPILED[:2])]
)
def test_verified_in_compiled_code(name: str, target: str) -> None:
    judged(name, target)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", TARGETS)
def test_any_finite_scores(target: str, dtype: type) -> None:
    p = load(own("quiet", QUIET), target).quiet
    third = 1 / (1 + 2 * math.exp(-1))
    for scores, expected in (
        ([1e4, 1e4, -1e4], [0.5, 0.5, 0]),
        ([-1e4, -1e4, -1e4], [0, 0, 0]),
        ([3e38, -3e38, 0], [1, 0, 0]),
        ([0, -1, -1], [third / (1 + third), third / math.e / (1 + third), third / math.e / (1 + third)]),
        ([100, 101, -np.inf], [1 / (1 + math.e), math.e / (1 + math.e), 0]),
    ):
        np.testing.assert_allclose(p(np.array(scores, dtype)), expected, rtol=1e-6)
    assert np.isnan(p(np.array([np.nan, 0, 1], dtype))).all()


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_small_keeps_its_digits(target: str) -> None:
    """The shift is 0 there, so that exp(-80) is one of -80 itself."""
    p = load(own("quiet", QUIET), target).quiet
    np.testing.assert_allclose(p(np.array([-80.0, -700.0])), np.exp([-80.0, -700.0]), rtol=1e-15)


def test_without_totals_large_scores_are_found_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "parts_of", lambda node: None)
    checks = verify(own("untotalled", QUIET), "numpy", large=False)
    assert {check.kind.split(",")[0] for check in checks if not check.ok} >= {"up to 1e4", "near 1e4"}


@pytest.mark.parametrize("name", ["share", "logarithm of four terms", "all but a label"])
def test_a_wrong_total_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_constants(node: Expression) -> tuple[Part, ...] | None:
        parts = parts_of(node)
        return None if parts is None else tuple(each for each in parts if not each.is_constant)

    monkeypatch.setattr(groups, "parts_of", without_constants)
    with pytest.raises(KernelError, match="changed the value"):
        emit(own("wrong", PROBLEMS[name]))


def test_a_wrong_largest_exponent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = groups.Groups._add_exponentials

    def wrong(self: groups.Groups, part: Part, group: groups.Group, why: str) -> None:
        right(self, part, group, why)
        if part.is_constant:  # exp(m) in place of exp(-m)
            self.added[part.e] = replace(
                self.added[part.e], body=groups.call("exp", groups.Entry(group.m, group.free))
            )

    monkeypatch.setattr(groups.Groups, "_add_exponentials", wrong)
    with pytest.raises(KernelError, match="changed the value"):
        emit(own("wrong", PROBLEMS["share"]))
