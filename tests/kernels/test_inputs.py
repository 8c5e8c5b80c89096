"""The inputs that functions are tried on: the problem has a value at each of them."""

from __future__ import annotations

import math

import pytest

from symderiv.kernels.inputs import inputs_of
from symderiv.kernels.meaning import Meaning
from symderiv.kernels.specification import functions_of
from symderiv.kernels.trials import SOME_INFINITE, Trial
from symderiv.kernels.verify import verify
from tests.kernels.emitted import own

#: The head of a problem with scores a, shares p of them, and one more array w.
HEAD = """
index i, k, l : K
input a[K], w[K], x
p[k] = exp(a[k]) / sum(l, exp(a[l]))
"""


#: The same shares, of scores that are worked out: where a bias is -inf they are.
BIASED = """
index i, k, l : K
input a[K], b[K], w[K]
z[k] = 2 * a[k] + b[k]
p[k] = exp(z[k]) / sum(l, exp(z[l]))
"""


def drawn(text: str, head: str = HEAD) -> dict[str, dict[tuple[int, ...], float]]:
    made = own("drawn", head + text)
    (forward, *_) = functions_of(made)
    return inputs_of(Meaning(made, forward, {}), Trial({"K": 3}, SOME_INFINITE), made.name)


@pytest.mark.parametrize(
    ("formula", "zero"),
    [
        ("-sum(k, w[k] * log(p[k]))", True),
        ("sum(k, w[k] * (log(w[k]) - log(p[k])))", True),
        ("sum(k, w[k]^2 * p[k])", True),
        ("sum(k, p[k] / w[k])", False),
        ("sum(k, p[k] * exp(-(x - w[k])^2 / (2 * w[k]^2)) / w[k])", False),
        ("sum(k, p[k] * log(w[k]))", True),
        ("sum(k, log(w[k]^2))", False),
    ],
)
def test_beside_an_infinite_score_a_weight_is_0_and_a_divisor_is_not(formula: str, zero: bool) -> None:
    tables = drawn(f"L = {formula}\nderive d(L, a[i])\n")
    assert tables["a"][2,] == -math.inf
    assert (tables["w"][2,] == 0) is zero
    assert all(tables["w"][place,] != 0 for place in (0, 1))


@pytest.mark.parametrize(("formula", "zero"), [("-w[k] * log(p[k])", True), ("p[k] / w[k]", False)])
def test_so_it_is_where_scores_are_worked_out(formula: str, zero: bool) -> None:
    tables = drawn(f"L = sum(k, {formula})\nderive d(L, a[i])\n", BIASED)
    assert -math.inf in (tables["a"][2,], tables["b"][2,])
    assert (tables["w"][2,] == 0) is zero


def test_mixture_density_with_scales_is_verified() -> None:
    text = """
q[k] = p[k] * exp(-(x - w[k])^2 / (2 * w[k]^2)) / w[k]
L = -log(sum(k, q[k]))
derive d(L, w[k])
"""
    checks = verify(own("mixture", HEAD + text), "numpy", large=False)
    assert not [str(check) for check in checks if not check.ok]
    assert SOME_INFINITE in {check.kind.split(",")[0] for check in checks}


def test_what_has_a_value_nowhere_is_not_passed_over() -> None:
    made = own("nowhere", "index i, k : K\ninput x[K]\ny[i] = log(-x[i]^2 - 1)\nderive d(y[i], x[k])\n")
    checks = verify(made, "numpy", large=False)
    assert checks
    assert not any(check.ok for check in checks)


@pytest.mark.parametrize("sizes", [{"M": 3, "N": 4}, {"M": 2, "N": 2}, {"M": 1, "N": 3}, {"M": 3, "N": 1}])
def test_no_row_and_no_column_is_infinite_throughout(sizes: dict[str, int]) -> None:
    """Where both are summed: a softmax of them would have no value."""
    text = """
index m, k : M
index n, l : N
input Z[M, N]
p[m, n] = exp(Z[m, n]) / sum(l, exp(Z[m, l]))
s[m, n] = p[m, n] * exp(Z[m, n]) / sum(k, exp(Z[k, n]))
"""
    made = own("both_ways", text)
    (forward, *_) = functions_of(made)
    assert forward.exponents == {"Z": ("N", "M")}
    scores = inputs_of(Meaning(made, forward, {}), Trial(sizes, SOME_INFINITE), made.name)["Z"]
    masked = {place for place, value in scores.items() if value == -math.inf}
    rows, columns = range(sizes["M"]), range(sizes["N"])
    assert masked == ({(sizes["M"] - 1, 0), (0, sizes["N"] - 1)} if min(sizes.values()) > 1 else set())
    assert not any({(m, n) for n in columns} <= masked for m in rows)
    assert not any({(m, n) for m in rows} <= masked for n in columns)
