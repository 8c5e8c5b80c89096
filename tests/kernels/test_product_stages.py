"""Functions with large matrix products: stages, blocks of samples, and the way through BLAS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.loading import load_source
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.product_stages import Staged, staged
from symderiv.kernels.registry import TARGETS
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import other_way, verify_source
from symderiv.kernels.work import Work
from tests.kernels.emitted import load, module, own, problem

LARGE = TARGETS["numba"].limits["_FEW_PRODUCTS"]


def stages(name: str, function: str) -> Staged | None:
    """The stages of one function of the catalogue."""
    spec = next(each for each in functions_of(problem(name)) if each.name == function)
    return staged(lower_function(spec))


def test_samples_of_a_layer_are_done_together() -> None:
    found = stages("softmax_layer_cross_entropy", "softmax_layer_cross_entropy_value_and_gradient")
    assert found is not None
    assert found.alone is None
    assert found.in_blocks
    kinds = ["loops" if isinstance(each, Work) else each.target.array for each in found.inside]
    assert kinds[:2] == ["sum_W_x", "loops"]
    assert {"@dW", "@dx"} <= set(kinds)  # with the weight of each sample inside: no pass follows
    assert "@dW" in found.totals
    assert "@dx" not in found.totals


def test_a_sample_of_attention_is_done_alone_by_rows() -> None:
    found = stages("attention_head", "attention_head_gradient")
    assert found is not None
    assert found.alone is not None
    assert found.over is not None
    assert found.over.axis == "M"
    assert found.in_blocks
    assert found.totals == {"@dV", "@dK"}
    (loops,) = [each for each in found.inside if isinstance(each, Work)]
    assert {each.name for each in loops.parameters if each.is_result} == {"P", "S_bar_scaled"}


def test_a_formula_that_compares_places_is_not_cut_into_blocks() -> None:
    found = stages("causal_attention", "causal_attention")
    assert found is not None
    assert not found.in_blocks


NEIGHBOURS = """
index i, j, k : N
index d : D
input Z[N, D], M[N, N]
s[i, j] = sum(d, Z[i, d] * Z[j, d])
L = sum(i, sum(j != i, M[i, j] * (s[i, j] - log(sum(k != i, exp(s[i, k]))))))
derive d(L, Z[i, d])
"""


def test_a_stage_reads_only_what_is_done() -> None:
    """Letters that are renamed keep two statements apart, of which one needs all places of the other."""
    count = 0
    for spec in functions_of(own("neighbours", NEIGHBOURS)):
        found = staged(lower_function(spec))
        if found is None:
            continue
        made = {each.name for each in found.buffers} | {
            each.name for each in found.work.parameters if each.is_result
        }
        done: set[str] = set()
        for each in found.stages:
            reads = (
                {one.name for one in each.parameters if not one.is_result}
                if isinstance(each, Work)
                else {each.left.array, each.right.array}
            )
            assert reads & made <= done, spec.name
            done |= (
                {one.name for one in each.parameters if one.is_result}
                if isinstance(each, Work)
                else {each.target.array}
            )
        count += 1
    assert count >= 3


@pytest.mark.parametrize(
    ("name", "function"),
    [("softmax", "softmax_vjp"), ("convolution", "convolution"), ("embedding", "embedding")],
)
def test_no_stages_without_products(name: str, function: str) -> None:
    assert stages(name, function) is None


SIZES = {"B": 37, "N": 6, "M": 5, "K": 3, "C": 4, "D": 3}


def arguments(name: str, function: str, samples: int) -> list[Any]:
    """Values for the arguments of one function."""
    source = np.random.default_rng(5)
    spec = next(each for each in functions_of(problem(name)) if each.name == function)
    sizes = {**SIZES, "B": samples}
    return [source.standard_normal([sizes[axis] for axis in each.axes]) for each in spec.arguments]


def flat(results: Any) -> list[np.ndarray]:
    if isinstance(results, tuple):
        return [each for result in results for each in flat(result)]
    return [np.asarray(results)]


@pytest.mark.parametrize("samples", [1, 2, 37])
@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("linear_layer", "linear_layer_vjp"),
        ("softmax_layer_cross_entropy", "softmax_layer_cross_entropy_value_and_gradient"),
        ("attention_head", "attention_head_gradient"),
    ],
)
def test_both_ways_give_the_same(name: str, function: str, samples: int) -> None:
    emitted = module(name, "numba")
    given = arguments(name, function, samples)
    small = flat(getattr(emitted, function)(*given))
    with other_way(emitted, LARGE):
        large = flat(getattr(emitted, function)(*given))
    for one, other in zip(small, large, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


def test_large_products_do_not_go_through_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted = module("linear_layer", "numba")

    def refused(*_: Any) -> None:
        raise AssertionError("the loops were called")

    monkeypatch.setattr(emitted, "_linear_layer_vjp_loops", refused)
    source = np.random.default_rng(7)
    W, x, b = source.standard_normal((40, 50)), source.standard_normal((300, 50)), np.zeros(40)
    g = source.standard_normal((300, 40))
    spec = next(each for each in functions_of(problem("linear_layer")) if each.name == "linear_layer_vjp")
    values = {"W": W, "x": x, "b": b, "g": g}
    results = emitted.linear_layer_vjp(*(values[each.name] for each in spec.arguments))
    for got, right in zip(results, (g.T @ x, g.sum(axis=0), g @ W), strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-10, atol=1e-11)
    with pytest.raises(AssertionError, match="the loops were called"):
        emitted.linear_layer_vjp(*arguments("linear_layer", "linear_layer_vjp", 2))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("_add_product(start == 0,", "_add_product(True,"),
        ("_add_part(start == 0,", "_add_part(True,"),
        ("_product_by_rows(g[here],", "_product_by_rows(g[: len(dx[here])],"),
        ("np.matmul(stacks[0], right, out=stacks[1])", "stacks[1][...] = 0"),
        ("np.matmul(left[whole:], right, out=out[whole:])", "out[whole:] = 0"),
        ("range(0, B, at_once)", "range(at_once, B, at_once)"),
    ],
)
def test_a_fault_in_the_stages_shows(right: str, wrong: str) -> None:
    source = emit(problem("linear_layer"), "numba")
    assert right in source
    emitted = load_source(source.replace(right, wrong))
    given = arguments("linear_layer", "linear_layer_vjp", 37)
    good = module("linear_layer", "numba").linear_layer_vjp(*given)
    with other_way(emitted, LARGE):
        bad = emitted.linear_layer_vjp(*given)
    assert any(not np.allclose(one, other) for one, other in zip(good, bad, strict=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("places", [45, 64, 100])
def test_rows_that_are_compared_are_not_counted_from_the_first_of_a_block(dtype: str, places: int) -> None:
    """A mask of what comes later, `n <= m`, in stages that would be done by blocks of rows."""
    assert "_by_blocks(" not in emit(problem("causal_attention"), "numba")
    source = np.random.default_rng(3)
    Q, K, V, g = source.standard_normal((4, 2, places, 24)).astype(dtype)
    for function in ("causal_attention", "causal_attention_gradient"):
        given = (Q, K, V, g) if function.endswith("gradient") else (Q, K, V)
        ours, wanted = (
            getattr(module("causal_attention", target), function)(*given) for target in ("numba", "numpy")
        )
        for one, other in zip(np.atleast_1d(ours), np.atleast_1d(wanted), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=2000 * np.finfo(dtype).eps)


MEAN_OF_ROWS = """
index i, k : K
input x[N, D], W[D, K]
label y[N] : K
loss L
z[n, k] = sum(d, x[n, d] * W[d, k])
p[n, i] = exp(z[n, i]) / sum(k, exp(z[n, k]))
L = -sum(n, log(p[n, y[n]])) / N
derive d(L, W[d, k])
"""


def test_rows_that_are_counted_are_not_counted_in_blocks() -> None:
    """What is left over of blocks is fewer rows; the mean is still over all."""
    made = own("mean_of_rows", MEAN_OF_ROWS)
    source = np.random.default_rng(5)
    x, W, y = source.standard_normal((70, 40)), source.standard_normal((40, 10)), source.integers(0, 10, 70)
    (value, dW), (wanted, right) = (
        load(made, target).mean_of_rows_value_and_gradient(x, W, y) for target in ("numba", "numpy")
    )
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(dW, right, rtol=0, atol=1e-12)


ONE_ROW_MARKED = """
index i, k : K
input x[N, D], W[D, K]
label c : N
label y[N] : K
loss L
z[n, k] = sum(d, x[n, d] * W[d, k]) + delta(n, c)
p[n, i] = exp(z[n, i] * (1 + delta(n, c))) / sum(k, exp(z[n, k] * (1 + delta(n, c))))
L = -sum(n, log(p[n, y[n]]))
derive d(L, W[d, k])
"""


def test_a_row_that_a_label_names_is_counted_from_the_first_of_all() -> None:
    made = own("marked", ONE_ROW_MARKED)
    source = np.random.default_rng(5)
    x, W, y = source.standard_normal((70, 40)), source.standard_normal((40, 10)), source.integers(0, 10, 70)
    (_, dW), (_, right) = (
        load(made, target).marked_value_and_gradient(x, W, 40, y) for target in ("numba", "numpy")
    )
    np.testing.assert_allclose(dW, right, rtol=0, atol=1e-12)


SQUARE = """
index m, n, k : M
index c : C
input Q[M, C], K[M, C], V[M, C]
S[m, n] = sum(c, Q[m, c] * K[n, c])
P[m, n] = exp(S[m, n]) / sum(k, exp(S[m, k]))
O[m, c] = sum(n, P[m, n] * V[n, c])
upstream L(O)
derive d(L, Q[m, c])
derive d(L, K[m, c])
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("places", [33, 50, 63, 100])
def test_rows_and_places_on_one_axis(places: int, dtype: str) -> None:
    """What is left over of blocks is fewer rows, each of as many places as before."""
    made = own("square", SQUARE)
    source = np.random.default_rng(6)
    Q, K, V, g = source.standard_normal((4, places, 64)).astype(dtype)
    numba, numpy = (load(made, target) for target in ("numba", "numpy"))
    results = [(numba.square(Q, K, V), numpy.square(Q, K, V))]
    results += zip(numba.square_gradient(Q, K, V, g), numpy.square_gradient(Q, K, V, g), strict=True)
    for ours, wanted in results:
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=2000 * np.finfo(dtype).eps * abs(wanted).max())


def test_a_fault_in_blocks_of_rows_is_found() -> None:
    given, function = problem("attention_head"), "attention_head"
    code = emit(given, "numba")
    step = code.index("def _attention_head_step_1_by_blocks")
    assert "each_s[row] = s\n" in code[step:]
    wrong = code[:step] + code[step:].replace("each_s[row] = s\n", "each_s[0] = s\n", 1)
    checks = verify_source(given, "numba", wrong, large=False, dtypes=("float32",), only=(function,))
    assert [check for check in checks if not check.ok]


def test_a_block_is_as_large_as_it_may_be() -> None:
    """What all samples share makes blocks larger, but not so large that they come from far."""
    at_once = module("linear_layer", "numba")._samples_at_once
    shared = 2**30
    assert at_once(4096, 2**12, shared) == 512
    assert at_once(4096, 2**17, shared) == 96
    assert at_once(4096, 2**20, shared) == 64
    assert at_once(40, 2**12, shared) == 40
    assert at_once(4096, 2**12, 2**10) == 64
    assert at_once(4096, 2**10, 2**10) == 256


@pytest.mark.parametrize(("rows", "terms"), [(70, 5), (64, 5), (31, 5), (70, 40), (1, 2)])
@pytest.mark.parametrize("columns", [10, 2000])
def test_a_product_by_rows_is_the_product(rows: int, terms: int, columns: int) -> None:
    source = np.random.default_rng(8)
    left, right = source.standard_normal((rows, terms)), source.standard_normal((terms, columns))
    out = np.full((rows, columns), np.nan)
    module("linear_layer", "numba")._product_by_rows(left, right, out)
    np.testing.assert_allclose(out, left @ right, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rows", [3, 8, 96, 200, 250])
@pytest.mark.parametrize(("terms", "columns"), [(128, 64), (2048, 64), (5000, 64), (128, 65)])
def test_a_product_in_parts_is_the_product(
    rows: int, terms: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    emitted = module("attention_head", "numba")
    source = np.random.default_rng(9)
    left, right = source.standard_normal((terms, rows)).T, source.standard_normal((terms, columns))
    for small in (0, 10**6):
        monkeypatch.setattr(emitted, "_SMALL", small)
        out = np.full((rows, columns), np.nan)
        emitted._product_in_parts(left, right, out)
        np.testing.assert_allclose(out, left @ right, rtol=1e-9, atol=1e-10)


def test_samples_for_parts_are_as_many_as_make_small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    emitted = module("attention_head", "numba")
    long, short = np.dtype(np.float64), np.dtype(np.float32)
    monkeypatch.setattr(emitted, "_SMALL", 10**6)
    assert emitted._samples_for_parts(187, 64, long) == 162
    assert emitted._samples_for_parts(100, 64, long) == 100
    assert emitted._samples_for_parts(187, 128, long) == 187
    assert emitted._samples_for_parts(187, 64, short) == 187
    monkeypatch.setattr(emitted, "_SMALL", 0)
    assert emitted._samples_for_parts(187, 64, long) == 187


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("np.matmul(stacks[0], right, out=stacks[1])", "stacks[1][...] = 0"),
        ("np.matmul(left[whole:], right, out=out[whole:])", "out[whole:] = 0"),
    ],
)
def test_a_fault_in_parts_shows(right: str, wrong: str) -> None:
    """At the sizes and limits of verification."""
    source = emit(problem("attention_head"), "numba")
    assert right in source
    emitted = load_source(source.replace(right, wrong))
    values = np.random.default_rng(10)
    given = [values.standard_normal(shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 3), (2, 3, 3))]
    good = module("attention_head", "numba").attention_head_gradient(*given)
    with other_way(emitted, LARGE):
        bad = emitted.attention_head_gradient(*given)
    assert any(not np.allclose(one, other) for one, other in zip(good, bad, strict=True))


RUNNING = """
index n, m : N
index k, l : K
index d : D
input X[N, D], W[D, K], b[K]
Z[n, k] = tanh(sum(d, X[n, d] * W[d, k]) + b[k])
Y[n, k] = sum(m <= n, Z[m, k]) / N
upstream L(Y)
derive d(L, W[d, k])
derive d(L, b[k])
derive d(L, X[n, d])
"""


@pytest.mark.parametrize("target", ["numpy", "numba", "c"])
def test_running_means_of_a_layer(target: str) -> None:
    """The mean at a place needs the layer at all places before it: they are not one loop over the places."""
    made = own("running", RUNNING)
    rng = np.random.default_rng(5)
    x, w, b = rng.normal(size=(7, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    means = np.cumsum(np.tanh(x @ w + b), axis=0) / 7
    np.testing.assert_allclose(load(made, target).running(x, w, b), means, rtol=1e-12)
    checks = verify_source(made, target, emit(made, target), large=False, dtypes=("float32",))
    assert [str(check) for check in checks if not check.ok] == []


def test_what_needs_other_places_is_not_done_place_by_place() -> None:
    (forward, *_) = functions_of(own("running", RUNNING))
    found = staged(lower_function(forward))
    assert found is not None
    assert found.over is None or found.over.axis != "N"
