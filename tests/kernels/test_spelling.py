"""However a formula is spelled: the same stable kernel, tried at extreme inputs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from symderiv import catalog
from symderiv.expression.nodes import Entry
from symderiv.kernels import frame, specification, spelling
from symderiv.kernels.errors import KernelError
from symderiv.kernels.spelling import respelled
from symderiv.kernels.verify import Check, verify
from symderiv.notation.text import to_text
from tests.kernels.emitted import dtypes_of, load, own, problem
from tests.kernels.spellings import LOSS, SCORES, SPELLINGS

#: Kinds of input that go beyond what a formula taken at its word can do.
EXTREME = {"up to 1e4", "near 1e4", "near ±1e2", "near ±1e3"}
#: Of these the moments only are not made of exponentials.
EXPONENTIAL = [name for name in SPELLINGS if not name.startswith(("moments", "covariance"))]


def wrong(checks: list[Check]) -> list[str]:
    return [str(check) for check in checks if not check.ok]


@pytest.mark.parametrize("name", SPELLINGS)
def test_definitions_get_one_spelling(name: str) -> None:
    text, expected = SPELLINGS[name]
    made = own("spelled", text)
    found = respelled(made)
    if not expected:
        assert found is made
        return
    shown = tuple(
        f"{to_text(Entry(each.name, each.indices))} = {to_text(each.body)}" for each in found.definitions
    )
    assert shown == expected


@pytest.mark.parametrize("name", EXPONENTIAL)
def test_verified_at_extreme_inputs(name: str) -> None:
    checks = verify(own("spelled", SPELLINGS[name][0]), "numpy", large=False)
    assert not wrong(checks)
    tried = {(check.function, check.kind.split(",")[0]) for check in checks}
    for function in {check.function for check in checks}:
        assert len({kind for of, kind in tried if of == function} & EXTREME) >= 2


@pytest.mark.parametrize("target", ["numba", "c"])
def test_share_without_a_name_in_compiled_code(target: str) -> None:
    made = own("spelled", SPELLINGS["share without a name"][0])
    assert not wrong(verify(made, target, large=False, dtypes=dtypes_of(target)))


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """The functions of a problem are made anew, and what a fault makes of them is forgotten again."""
    specification.functions_of.cache_clear()
    yield
    specification.functions_of.cache_clear()


@pytest.mark.parametrize(
    "name", ["two names", "share without a name", "sigmoid", "mixture", "one over a sum"]
)
def test_verification_finds_what_is_not_respelled(
    name: str, monkeypatch: pytest.MonkeyPatch, nothing_remembered: None
) -> None:
    """The very same trials fail where a formula is emitted as it was written."""
    made = own("as_written", SPELLINGS[name][0])
    kinds = specification.functions_of.__wrapped__(made)[0]
    monkeypatch.setattr(frame, "respelled", lambda given: given)
    monkeypatch.setattr(frame, "score_inputs", lambda _: dict(kinds.scores))
    monkeypatch.setattr(frame, "saturating_inputs", lambda _: kinds.logits)
    assert wrong(verify(made, "numpy", large=False))


def test_gradient_of_a_share_without_a_name_is_that_of_the_named_one() -> None:
    both = [
        load(own("ce", text), "numpy").ce_value_and_gradient
        for text in (
            SPELLINGS["share without a name"][0],
            LOSS + "p[i] = exp(z[i]) / sum(k, exp(z[k]))\nL = -log(p[y])\nderive d(L, z[j])\n",
        )
    ]
    z = np.array([[1e4, -1e4, 3.0], [-np.inf, 2.0, 1.0]], np.float32)
    (first, slope), (second, other) = (each(z, np.array([1, 2])) for each in both)
    assert first == second
    assert np.isfinite(slope).all()
    np.testing.assert_array_equal(slope, other)


def test_what_is_written_plainly_stays_as_it_is() -> None:
    for name in catalog.names():
        if name != "logistic_loss":  # which is given as log(1 + exp(-y))
            assert respelled(problem(name)) == problem(name)


def test_header_says_what_is_computed() -> None:
    made = own("ce", SPELLINGS["share without a name"][0])
    doc = load(made, "numpy").ce.__globals__["__doc__"]
    assert "L = -log(exp(z[y]) / sum(k, exp(z[k])))" in doc
    assert "computed as\np[i] = exp(z[i]) / sum(k, exp(z[k]))\nL = -log(p[y])" in doc


@pytest.mark.parametrize(
    ("rule", "fault", "name"),
    [
        ("_apart", lambda left, right: left, "tanh"),
        ("_apart", lambda left, right: spelling.negate(left), "softplus"),
        ("_difference", lambda terms: terms[0], "tanh"),
        ("is_positive", lambda base: False, "mean of exponentials"),
    ],
)
def test_wrong_rule_is_refused_or_changes_nothing(
    rule: str, fault: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = own(f"faulty_{rule}", SPELLINGS[name][0])
    monkeypatch.setattr(spelling, rule, fault)
    if rule == "is_positive":  # less is known then, and nothing false
        assert respelled(made) is made
        return
    with pytest.raises(KernelError, match="another spelling changed the value"):
        respelled(made)


@pytest.mark.parametrize(
    "formula",
    [
        "sum(k, z[k]^2) / K - (sum(k, z[k]))^2",
        "sum(k, z[k]^2) / K - (2 * sum(k, z[k]) / K)^2",
        "sum(k, z[k]^2) - (sum(k, z[k]) / K)^2",
        "sum(k, z[k]^2) / K + (sum(k, z[k]) / K)^2",
    ],
)
def test_what_is_no_variance_stays_as_it_is(formula: str) -> None:
    made = own("no_variance", SCORES + f"v = {formula}\nderive d(v, z[j])\n")
    assert respelled(made) is made


def test_variance_of_values_with_a_large_mean() -> None:
    """Mean square less squared mean keeps no digit here; the two passes keep nearly all."""
    variance = load(own("variance", SPELLINGS["moments without a name"][0]), "numpy").variance
    z = (1e4 + np.random.default_rng(5).standard_normal(1000)).astype(np.float32)
    exact = [Fraction(float(each)) for each in z]
    mean = sum(exact) / len(exact)
    wanted = float(sum((each - mean) ** 2 for each in exact) / len(exact))
    assert abs(float(variance(z)) - wanted) < 1e-4 * wanted
    plainly = np.mean(z * z, dtype=np.float32) - np.mean(z, dtype=np.float32) ** 2
    assert abs(float(plainly) - wanted) > 0.1 * wanted


COLUMNS = """
index i, m, n, k : N
input Z[N, N]
loss L
q[m, n] = exp(Z[m, n]) / sum(k, exp(Z[k, n]))
L = -sum(i, log(q[i, i])) / N
derive d(L, Z[m, n])
"""


def test_a_softmax_of_columns_is_a_share_by_its_own_name() -> None:
    made = own("columns", COLUMNS)
    assert respelled(made) is made


@pytest.mark.parametrize("target", ["numpy", "numba", "c"])
def test_the_diagonal_of_a_softmax_of_columns(target: str) -> None:
    """As in a loss that compares texts with pictures: a share may underflow, its logarithm does not."""
    made = own("columns", COLUMNS)
    checks = verify(made, target, large=False, dtypes=dtypes_of(target))
    assert not wrong(checks)
    assert {"up to 1e4", "near 1e4", "some -inf"} <= {check.kind.split(",")[0] for check in checks}
    value, slope = load(made, target).columns_value_and_gradient(np.array([[0.0, 3e4], [1e4, 1.0]]))
    assert value == pytest.approx((1e4 + 3e4 - 1) / 2, rel=1e-14)
    np.testing.assert_allclose(slope, [[-0.5, 0.5], [0.5, -0.5]])


def test_shares_of_rows_and_of_columns_stay_apart() -> None:
    text = """
index m, k : M
index n, l : N
input Z[M, N]
p[m, n] = exp(Z[m, n]) / sum(l, exp(Z[m, l]))
q[m, n] = exp(Z[m, n]) / sum(k, exp(Z[k, n]))
s[m, n] = p[m, n] * q[m, n] * exp(Z[m, n]) / sum(k, exp(Z[k, n]))
upstream L(s)
derive d(L, Z[m, n])
"""
    made = own("both_ways", text)
    assert to_text(respelled(made).definitions[2].body) == "p[m, n] * q[m, n]^2"
    checks = verify(made, "numpy", large=False)
    assert not wrong(checks)
    assert "some -inf" in {check.kind.split(",")[0] for check in checks}
