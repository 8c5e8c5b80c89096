"""Masks in all spellings: either order of sides, said by what is left out, by a delta, under a name."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from symderiv.expression.canonical import same
from symderiv.expression.construct import add
from symderiv.expression.functions import call
from symderiv.expression.indices import rename
from symderiv.expression.nodes import MINUS_ONE, ONE, ZERO, Compare, Entry, Index, Number, Power, Sum, Where
from symderiv.kernels import inputs, masks, matching, spelling, stabilise, totals
from symderiv.kernels.emit import emit
from symderiv.kernels.errors import KernelError
from symderiv.kernels.matching import match
from symderiv.kernels.rewrite_check import same_value
from symderiv.kernels.verify import verify
from tests.kernels.emitted import dtypes_of, load, own

TARGETS = ("numpy", "numba", "c")
LABELLED = "index i, j, k : K\ninput z[K]\nlabel y : K\nbatch z, y\n"
PAIRS = "index m, n, k : M\nindex a, b : M\ninput S[M, M]\nbatch S\n"

#: The softmax of all places but the label.
BUT_ONE = {
    "one order": "p[i] = where(i != y, exp(z[i]), 0) / sum(k, where(k != y, exp(z[k]), 0))",
    "the other": "p[i] = where(y != i, exp(z[i]), 0) / sum(k, where(y != k, exp(z[k]), 0))",
    "first turned": "p[i] = where(y != i, exp(z[i]), 0) / sum(k, where(k != y, exp(z[k]), 0))",
    "second turned": "p[i] = where(i != y, exp(z[i]), 0) / sum(k, where(y != k, exp(z[k]), 0))",
    "sum over the others": "p[i] = where(i != y, exp(z[i]), 0) / sum(k != y, exp(z[k]))",
    "turned, sum over the others": "p[i] = where(y != i, exp(z[i]), 0) / sum(k != y, exp(z[k]))",
    "left out": "p[i] = where(i == y, 0, exp(z[i])) / sum(k, where(k == y, 0, exp(z[k])))",
    "left out, turned": "p[i] = where(y == i, 0, exp(z[i])) / sum(k != y, exp(z[k]))",
    "by deltas": "p[i] = (1 - delta(i, y)) * exp(z[i]) / sum(k, exp(z[k]) * (1 - delta(y, k)))",
    "masked under a name": "e[i] = where(i == y, 0, exp(z[i]))\np[i] = e[i] / sum(k, e[k])",
    "all under names": "e[i] = exp(z[i])\nT = sum(k != y, e[k])\np[i] = where(i != y, e[i], 0) / T",
}
ENDS = {"gradient": "upstream L(p)\nderive d(L, z[i])\n", "jacobian": "derive d(p[i], z[j])\n"}
#: The softmax of the places up to one's own, or to a label.
UP_TO = {
    "later ones left out": PAIRS
    + "p[m, n] = where(n > m, 0, exp(S[m, n])) / sum(k, where(m < k, 0, exp(S[m, k])))\n"
    "upstream L(p)\nderive d(L, S[m, n])\n",
    "under a name": PAIRS + "K[m, n] = where(n > m, 0, exp(S[m, n]))\np[m, n] = K[m, n] / sum(k, K[m, k])\n"
    "upstream L(p)\nderive d(L, S[m, n])\n",
    "but itself": PAIRS
    + "p[m, n] = where(m != n, exp(S[m, n]), 0) / sum(k != m, exp(S[m, k]))\nderive d(p[m, n], S[a, b])\n",
    "up to a label": LABELLED
    + "p[i] = where(i > y, 0, exp(z[i])) / sum(k <= y, exp(z[k]))\nderive d(p[i], z[j])\n",
    "up to a label, under a name": LABELLED
    + "e[i] = exp(z[i])\np[i] = where(i <= y, e[i], 0) / sum(k <= y, e[k])\nderive d(p[i], z[j])\n",
}
OTHERS = {
    "temperature": LABELLED + "input T\np[i] = where(i == y, 0, exp(z[i] / T)) / sum(k != y, exp(z[k] / T))\n"
    "derive d(p[i], z[j])\nderive d(p[i], T)\n",
    "weights": LABELLED
    + "input w[K]\np[i] = where(i == y, 0, w[i] * exp(z[i])) / sum(k != y, w[k] * exp(z[k]))\n"
    "derive d(p[i], z[j])\nderive d(p[i], w[j])\n",
    "one term more": LABELLED
    + "p[i] = where(i == y, 0, exp(z[i])) / (1 + sum(k, where(k == y, 0, exp(z[k]))))\n"
    "derive d(p[i], z[j])\n",
    "average of the others": "index i, j, k : K\ninput z[K]\nbatch z\n"
    "p[i] = sum(k != i, exp(z[k]) * z[k]) / sum(k, where(i != k, exp(z[k]), 0))\nderive d(p[i], z[j])\n",
    "logarithm": LABELLED + "loss L\nL = log(sum(k, where(k == y, 0, exp(z[k])))) - z[y]\n"
    "derive d(L, z[i])\nderive d(L, z[i], z[j])\n",
    "logarithm of a named sum": LABELLED
    + "loss L\ne[i] = where(i == y, 0, exp(z[i]))\nL = log(sum(k, e[k])) - z[y]\nderive d(L, z[i])\n",
    "second derivatives": LABELLED + "loss L\nL = sum(i != y, exp(z[i]) * z[i]) / sum(k != y, exp(z[k]))\n"
    "derive d(L, z[i])\nderive d(L, z[i], z[j])\n",
    "weights of zero": "index i, j, k : K\ninput z[K], c[K]\nbatch z\n"
    "p[i] = where(c[i] == 0, 0, exp(z[i])) / sum(k, where(0 == c[k], 0, exp(z[k])))\nderive d(p[i], z[j])\n",
}

SEVERAL = {
    "a mask in a mask": LABELLED
    + "p[i] = where(i != y, where(i > 1, exp(z[i]), 0), 0) / sum(k > 1, where(k != y, exp(z[k]), 0))\n"
    "derive d(p[i], z[j])\n",
    "a mask in a mask, turned": LABELLED
    + "p[i] = where(i <= 1, 0, where(y == i, 0, exp(z[i]))) / sum(k > 1, where(k == y, 0, exp(z[k])))\n"
    "upstream L(p)\nderive d(L, z[i])\n",
    "weights in a mask in a mask": LABELLED
    + "input w[K]\np[i] = where(i != y, where(i > 1, w[i] * exp(z[i]), 0), 0)"
    " / sum(k > 1, where(k != y, w[k] * exp(z[k]), 0))\nderive d(p[i], z[j])\n",
    "weights up to a label": LABELLED
    + "input w[K]\np[i] = where(i <= y, w[i] * exp(z[i]), 0) / sum(k <= y, w[k] * exp(z[k]))\n"
    "derive d(p[i], z[j])\nderive d(p[i], w[j])\n",
    "of one class against all": "index i, j, k : N\nindex c : C\ninput z[N, N]\nlabel g[N] : C\n"
    "L[i] = -log(sum(j != i, where(g[j] == g[i], exp(z[i, j]), 0)) / sum(k != i, exp(z[i, k])))\n"
    "upstream G(L)\nderive d(G, z[i, j])\n",
    "one for what is left out": LABELLED
    + "p[i] = where(i == y, 1, exp(z[i])) / sum(k, where(k == y, 1, exp(z[k])))\nderive d(p[i], z[j])\n",
    "another score for one": LABELLED + "input b[K]\nbatch b\nderive d(p[i], b[j])\nderive d(p[i], z[j])\n"
    "p[i] = where(i == y, exp(b[i]), exp(z[i])) / sum(k, where(k == y, exp(b[k]), exp(z[k])))\n",
    "squares": LABELLED
    + "p[i] = where(i != y, exp(z[i])^2, 0) / sum(k != y, exp(z[k])^2)\nderive d(p[i], z[j])\n",
    "an order of values": "index i, j, k : K\ninput z[K], w[K]\nbatch z\n"
    "p[i] = where(w[i] <= 0, 0, exp(z[i])) / sum(k, where(w[k] <= 0, 0, exp(z[k])))\nderive d(p[i], z[j])\n",
    "a mask of ones": "index i, j, k : K\ninput z[K], c[K]\nbatch z\n"
    "p[i] = where(c[i] == 1, exp(z[i]), 0) / sum(k, where(1 == c[k], exp(z[k]), 0))\nderive d(p[i], z[j])\n",
}


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def judged(text: str, target: str = "numpy") -> None:
    """Every function, at scores of 1e4 among others, which verification has to find by itself."""
    checks = verify(own("masked", text), target, large=False, dtypes=dtypes_of(target))
    assert [str(check) for check in checks if not check.ok] == []
    functions = {check.function for check in checks}
    for kind in ("up to 1e4", "near 1e4"):
        assert {check.function for check in checks if check.kind.startswith(kind)} == functions


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("spelling", BUT_ONE.values(), ids=BUT_ONE)
def test_all_but_one_is_verified_at_large_scores(spelling: str, end: str) -> None:
    judged(f"{LABELLED}{spelling}\n{end}")


@pytest.mark.parametrize(
    "text", [*UP_TO.values(), *OTHERS.values(), *SEVERAL.values()], ids=[*UP_TO, *OTHERS, *SEVERAL]
)
def test_other_masks_are_verified_at_large_scores(text: str) -> None:
    judged(text)


@pytest.mark.parametrize(
    ("target", "name"), [("c", "left out"), ("c", "turned, sum over the others"), ("numba", "left out")]
)
def test_in_compiled_code(target: str, name: str) -> None:
    judged(f"{LABELLED}{BUT_ONE[name]}\n{ENDS['gradient']}", target)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("c", "a mask in a mask, turned"),
        ("numba", "a mask in a mask, turned"),
        ("c", "an order of values"),
    ],
)
def test_several_in_compiled_code(target: str, name: str) -> None:
    judged(SEVERAL[name], target)


@pytest.mark.parametrize("target", TARGETS)
def test_of_one_class_against_all(target: str) -> None:
    """By the definition; the only one of its class has no other, and the logarithm of 0 is -inf."""
    contrast = load(own("contrast", SEVERAL["of one class against all"]), target).contrast
    z = 1e4 + np.random.default_rng(5).normal(0, 3, (4, 4))
    g = np.array([0, 1, 0, 0])
    expected = []
    for i, row in enumerate(z - z.max()):
        others = [k for k in range(4) if k != i]
        same_class = math.fsum(math.exp(row[k]) for k in others if g[k] == g[i])
        expected.append(
            -math.log(same_class / math.fsum(math.exp(row[k]) for k in others)) if same_class else math.inf
        )
    np.testing.assert_allclose(contrast(z, g), expected, rtol=1e-9)


@pytest.mark.parametrize("spelling", BUT_ONE.values(), ids=BUT_ONE)
def test_every_spelling_gives_the_same_functions(spelling: str) -> None:
    first = BUT_ONE["one order"]
    z, y = np.array([[1e4, 1e4 + 1, 3e4], [-1e4, np.inf, -1e4]]), np.array([2, 1])
    g = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, 5.0]])
    ours, theirs = (
        load(own("masked", f"{LABELLED}{each}\n{ENDS['gradient']}"), "numpy") for each in (spelling, first)
    )
    np.testing.assert_array_equal(ours.masked(z, y), theirs.masked(z, y))
    share = np.e / (1 + np.e)
    np.testing.assert_allclose(ours.masked(z, y), [[1 - share, share, 0], [0.5, 0, 0.5]], rtol=1e-12)
    found = ours.masked_gradient(ours.masked(z, y), g)
    slope = share * (1 - share)
    np.testing.assert_allclose(found, [[-slope, slope, 0], [-1, 0, 1]], rtol=1e-12)


def test_an_order_of_values_has_no_contrary() -> None:
    """Where a weight is NaN it is neither less nor more than another, and so it counts."""
    text = "index i, k : K\ninput z[K], w[K]\np[i] = where(w[i] < 1, 0, exp(z[i]))"
    p = load(own("ordered", text), "numpy").ordered
    np.testing.assert_allclose(p(np.zeros(3), np.array([np.nan, 0.0, 2.0])), [1, 0, 1])
    equal = load(own("equal", text.replace("w[i] < 1", "w[i] == 0")), "numpy").equal
    np.testing.assert_allclose(equal(np.zeros(3), np.array([np.nan, 0.0, 2.0])), [1, 0, 1])


# -- faults that are found ------------------------------------------------------------------


def failing(text: str) -> set[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checks = verify(own("spoilt", text), "numpy", large=False)
    return {check.function for check in checks if not check.ok}


def without_second_thoughts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no term of a sum is shifted as well, where it is divided by one: not here."""
    monkeypatch.setattr(stabilise.Stabiliser, "_beside_totals", lambda self, node: None)


@pytest.mark.parametrize("name", ["second turned", "turned, sum over the others"])
def test_conditions_in_one_order_only_are_found_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_second_thoughts(monkeypatch)
    monkeypatch.setattr(matching, "SYMMETRIC", ())
    assert "spoilt" in failing(f"{LABELLED}{BUT_ONE[name]}\n{ENDS['gradient']}")


@pytest.mark.parametrize("name", ["left out", "masked under a name", "by deltas"])
def test_masks_as_they_are_written_are_found_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "with_masks", lambda node, *_: node)
    p = load(own("spoilt", f"{LABELLED}{BUT_ONE[name]}\n{ENDS['gradient']}"), "numpy").spoilt
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not np.isfinite(p(np.array([[1e4, 1e4 + 1, 3e4]]), np.array([2]))).all()


def test_the_gradient_of_a_sum_over_the_others_is_found_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    without_second_thoughts(monkeypatch)
    monkeypatch.setattr(spelling, "with_masks", lambda node, *_: node)
    assert failing(f"{LABELLED}{BUT_ONE['sum over the others']}\n{ENDS['gradient']}") == {"spoilt_gradient"}


def test_a_wrong_contrary_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(masks._CONTRARY, ">", "<")
    with pytest.raises(KernelError, match="changed the value"):
        emit(own("wrong", UP_TO["later ones left out"]))


def test_a_wrong_contrary_of_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask has zeros in the trial of a rewrite, whether it is asked for them by == or by !=."""
    monkeypatch.setitem(masks._CONTRARY, "==", "==")
    with pytest.raises(KernelError, match="changed the value"):
        emit(own("wrong", OTHERS["weights of zero"]))
    c, z = Entry("c"), Entry("z")
    assert not same_value(Where(Compare("!=", c, ZERO), z, ZERO), z, {}, {})
    assert not same_value(Where(Compare("==", c, ONE), z, ZERO), ZERO, {}, {})


def test_conditions_in_any_order_only_where_they_are_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "_kind", lambda condition: 0)
    assert "spoilt" in failing(SEVERAL["a mask in a mask"])


def test_labels_first_are_no_dtype() -> None:
    """A function whose first array is one of labels computes in the dtype of the others."""
    text = (
        "index i, j, k : K\nlabel y : K\ninput z[K]\nbatch z, y\n"
        "q[i] = z[i] * where(i == y, 0, 1) - sum(k, z[k] * where(k == y, 0, 1))\nderive d(q[i], z[j])\n"
    )
    checks = verify(own("choices", text), "numpy", large=False)
    assert [str(check) for check in checks if not check.ok] == []


def test_inputs_that_a_formula_asks_for_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """No entry that is drawn is 1: without such, nothing could be judged."""
    monkeypatch.setattr(inputs, "_as_asked", lambda meaning, tables: tables)
    assert {"spoilt", "spoilt_vjp"} <= failing(SEVERAL["a mask of ones"])


def test_rewrites_are_compared_where_labels_are_equal() -> None:
    """Of three labels no two may be one, of eight some are."""
    g, z = Entry("g", (_K,)), Entry("z", (_K,))
    others = Sum(_J, ONE, Compare("==", Entry("g", (_J,)), g))
    fewer = add(others, Number(-ONE.value))
    assert same_value(Power(fewer, MINUS_ONE), Power(add(MINUS_ONE, others), MINUS_ONE), {}, {})
    assert not same_value(Power(fewer, MINUS_ONE), z, {}, {})


# -- matching -------------------------------------------------------------------------------

_I, _J, _K = (Index(name, "K") for name in "ijk")


def _masked(condition: Compare, place: Index) -> Where:
    return Where(condition, call("exp", Entry("z", (place,))), ZERO)


def test_conditions_match_either_way_round() -> None:
    label = Entry("y")
    for operator in ("==", "!="):
        pattern = _masked(Compare(operator, _K, _I), _K)
        for node, place in (
            (_masked(Compare(operator, _J, label), _J), label),
            (_masked(Compare(operator, label, _J), _J), label),
            (_masked(Compare(operator, _I, _K), _K), _I),
            (_masked(Compare(operator, _I, _K), _I), _K),
        ):
            found: dict = {}
            assert match(pattern, node, {_I, _K}, found)
            assert found[_I] == place
    for other in (
        _masked(Compare("<", label, _J), _J),
        _masked(Compare("!=", _I, _I), _J),
        _masked(Compare("==", _J, _I), _J),
    ):
        assert not match(_masked(Compare("!=", _K, _I), _K), other, {_I, _K}, {})
    order = _masked(Compare("<=", _K, _I), _K)
    assert match(order, _masked(Compare("<=", _J, label), _J), {_I, _K}, {})
    assert not match(order, _masked(Compare("<=", label, _J), _J), {_I, _K}, {})


def test_values_match_either_way_round() -> None:
    one, c = Number(ONE.value), Entry("c", (_K,))
    turned = _masked(Compare("==", one, rename(c, {_K: _J})), _J)
    assert match(_masked(Compare("==", c, one), _K), turned, {_K}, {})
    assert not match(_masked(Compare("==", c, ZERO), _K), turned, {_K}, {})
    assert same(_masked(Compare("!=", _K, _I), _K), _masked(Compare("!=", _I, _K), _K))
    assert not same(_masked(Compare("<=", _K, _I), _K), _masked(Compare("<=", _I, _K), _K))
