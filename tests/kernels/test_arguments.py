"""Wrong arguments: one sentence that names the argument, what was expected and what was found."""

from __future__ import annotations

import numpy as np
import pytest

from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import loaded
from tests.kernels.emitted import PYTHON, load, module, own, problem, source

Z = np.zeros((2, 3))
T = np.full((2, 3), 1 / 3)
READ_ONLY = np.zeros((2, 3))
MASKED = np.ma.array(Z, mask=Z == 0)
READ_ONLY.flags.writeable = False


def both(call):
    return pytest.mark.parametrize("target", ["numpy", "numba"])(call)


CASES = [
    ("softmax", (Z.astype(int),), {}, r"z: expected float32 or float64, found int64"),
    ("softmax", (Z.astype(np.float16),), {}, r"z: expected float32 or float64, found float16"),
    ("softmax", ([0.0, 1.0],), {}, r"z: expected an array, found list"),
    ("softmax", (MASKED,), {}, r"z: expected a plain array, .*, found a masked one"),
    ("cross_entropy_label", (Z, np.ma.array([0, 1], mask=[True, False])), {}, r"y: .* found a masked one"),
    ("softmax", (Z,), {"out": np.ma.zeros((2, 3))}, r"out: expected an array of .*, found a masked array"),
    ("softmax", (np.zeros((2, 3, 4)),), {}, r"z: expected axes \(K\), or \(B, K\) for a batch, found shape"),
    ("softmax", (np.zeros((2, 0)),), {}, r"z: expected at least one place along K, found shape \(2, 0\)"),
    ("softmax", (np.zeros((0, 2)),), {}, r"z: expected at least one place along B"),
    (
        "softmax",
        (Z,),
        {"out": np.zeros((3, 2))},
        r"out: expected .*float64 \(2, 3\), found float64 \(3, 2\)",
    ),
    ("softmax", (Z,), {"out": np.zeros((2, 3), np.float32)}, r"out: expected an array of float64 .* float32"),
    ("softmax", (Z,), {"out": "here"}, r"out: expected an array .*, found str"),
    ("softmax", (Z,), {"out": READ_ONLY}, r"out: .* read-only"),
    ("softmax", (Z,), {"out": np.zeros((3, 2)).T}, r"out: .* not contiguous"),
    ("softmax", (Z,), {"out": Z}, r"out: expected memory of its own, found an overlap"),
    ("softmax_vjp", (T, T[:, :2]), {}, r"g: expected 3 places along K, as p has, found 2"),
    ("softmax_vjp", (T, T.astype(np.float32)), {}, r"g: expected float64, as p has, found float32"),
    ("softmax_vjp", (T, T[0]), {}, r"g: expected a batch axis, as p has, found one sample"),
    ("softmax_vjp", (T[0], T), {}, r"p: expected a batch axis, as g has, found one sample"),
    (
        "cross_entropy",
        (Z, T),
        {"reduction": "all"},
        r"reduction: expected one of mean, sum, none, found",
    ),
    ("cross_entropy_label", (Z, np.array([0, 3])), {}, r"y: expected labels from 0 to 2, found 3"),
    ("cross_entropy_label", (Z, np.array([-1, 0])), {}, r"y: expected labels from 0 to 2, found -1"),
    ("cross_entropy_label", (Z, np.array([0.0, 1.0])), {}, r"y: expected integers \(labels\), found float64"),
    ("cross_entropy_label", (Z, np.array([0, 1, 2])), {}, r"y: expected 2 places along B, as z has, found 3"),
]


@both
@pytest.mark.parametrize(("function", "arguments", "options", "sentence"), CASES)
def test_wrong_argument(target: str, function: str, arguments: tuple, options: dict, sentence: str) -> None:
    name = function.removesuffix("_vjp")
    with pytest.raises(ValueError, match=sentence):
        getattr(module(name, target), function)(*arguments, **options)


def test_out_of_several_results() -> None:
    layer = module("softmax_layer")
    arrays = {
        "W": np.ones((2, 3)),
        "x": np.ones((4, 2)),
        "b": np.ones(3),
        "h": np.ones((4, 3)),
        "g": np.ones((4, 3)),
    }
    names = layer.softmax_layer_vjp.__code__.co_varnames[: layer.softmax_layer_vjp.__code__.co_argcount]
    given = [arrays[name] for name in names if name in arrays]
    with pytest.raises(ValueError, match="out: expected a tuple of 3 arrays"):
        layer.softmax_layer_vjp(*given, out=np.ones(3))
    results = layer.softmax_layer_vjp(*given)
    with pytest.raises(ValueError, match="overlap"):
        layer.softmax_layer_vjp(
            *given, out=tuple(given[0] if each.shape == given[0].shape else each for each in results)
        )


def test_single_label_may_be_a_python_integer() -> None:
    value = module("cross_entropy_label").cross_entropy_label(np.zeros(4), 2)
    assert value == pytest.approx(np.log(4))


def test_dtype_is_kept() -> None:
    for dtype in (np.float32, np.float64):
        p = module("softmax").softmax(Z.astype(dtype))
        assert p.dtype == dtype
        x_hat = module("layer_norm").layer_norm(Z.astype(dtype), 1e-5)
        assert x_hat.dtype == dtype


def test_strided_and_read_only_inputs() -> None:
    wide = np.random.default_rng(3).normal(size=(4, 6))
    strided = wide[:, ::2]
    for target in ("numpy", "numba"):
        expected = module("softmax", target).softmax(strided.copy())
        assert np.array_equal(module("softmax", target).softmax(strided), expected)


def test_long_and_short_way_give_the_same() -> None:
    """With ``out=`` and plain arrays nothing is looked up; whatever else, it comes out the same."""
    labels, rng = module("cross_entropy_label", "numba"), np.random.default_rng(5)
    z, y = rng.normal(size=(40, 5)), rng.integers(0, 5, 40)
    short, wide = labels.cross_entropy_label_value_and_gradient, np.zeros((40, 10))
    wide[:, ::2] = z
    for reduction in ("mean", "sum"):
        out = np.empty_like(z)
        value, dz = short(z, y, reduction, out=out)
        assert dz is out
        assert labels.cross_entropy_label(z, y, reduction) == value
        assert labels.cross_entropy_label(z, y, "none").sum() == pytest.approx(
            value * (40 if reduction == "mean" else 1)
        )
        for given, places in ((wide[:, ::2], y), (z, y.astype(np.int32)), (z, list(y))):
            again, gradient = short(given, places, reduction)
            assert again == value
            assert np.array_equal(gradient, dz)
    with pytest.raises(ValueError, match="reduction: expected one of mean, sum, found 'all'"):
        labels.cross_entropy_label_hvp(z, z, "all", out=np.empty_like(z))


def test_memory_that_is_not_aligned() -> None:
    softmax = module("softmax", "numba").softmax
    apart = np.zeros(2 * 3 * 8 + 1, np.uint8)[1:].view(np.float64).reshape(2, 3)
    apart[...] = [[0, 1, 2], [3, 5, 4]]
    assert not apart.flags.aligned
    assert np.array_equal(softmax(apart), softmax(apart.copy()))
    expected = softmax(apart.copy())
    assert softmax(apart.copy(), out=apart) is apart
    assert np.array_equal(apart, expected)


def test_what_only_looks_plain_takes_the_long_way() -> None:
    softmax, z = module("softmax", "numba").softmax, np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"z: expected a plain array, .* found a masked one"):
        softmax(np.ma.array(z, mask=z > 0), out=z.copy())
    with pytest.raises(ValueError, match="z: expected axes"):
        softmax(np.zeros(()), out=z)
    with pytest.raises(ValueError, match="z: expected float32 or float64, found int64"):
        softmax(np.zeros((2, 3), int), out=np.zeros((2, 3), int))
    read_only = z.copy()
    read_only.flags.writeable = False
    assert softmax(read_only, out=z) is z


def test_subclass_with_its_own_product_counts_as_an_array() -> None:
    z, t = np.array([[0.5, 1.0, 2.0]]), np.array([[0.25, 0.25, 0.5]])
    loss = module("cross_entropy").cross_entropy
    assert loss(z.view(np.matrix), t.view(np.matrix)) == loss(z, t)


@pytest.mark.parametrize("target", PYTHON)
def test_arrays_without_axes_know_their_dtype(target: str) -> None:
    alone = load(own("alone", "input xx\nyy = exp(xx)\nderive d(yy, xx)\n"), target)
    for real in (np.float32, np.float64):
        for scalar in (real(1.5), np.array(1.5, real)):
            assert alone.alone(scalar).dtype == real
            assert alone.alone_jvp(alone.alone(scalar), scalar).dtype == real
    assert alone.alone(1.5).dtype == np.float64


def test_compiled_code_refuses_arrays_of_another_kind() -> None:
    """It reads arrays where NumPy keeps them, so nothing that is laid out otherwise may come through."""
    softmax, z, out = module("softmax", "numba"), np.array([[0.0, np.log(3.0)]]), np.empty((1, 2))
    compiled, wide = softmax._softmax_compiled[z.dtype], np.zeros((1, 4))
    read_only = z.copy()
    read_only.flags.writeable = False
    assert compiled(read_only, out)
    assert np.allclose(out, [[0.25, 0.75]])
    kinds = [z.astype(each) for each in (np.float32, ">f8", np.int64, np.complex128, object)]
    for wrong in (*kinds, z[None], z[0, 0, ...], wide[:, ::2], wide[:, 1::-1]):
        with pytest.raises(TypeError, match="an array of another kind"):
            compiled(wrong, out)
        with pytest.raises(TypeError, match="an array of another kind"):
            compiled(z, wrong)
    with pytest.raises(TypeError, match="an array of another kind"):
        compiled(z, read_only)
    assert not compiled(z, np.empty((1, 3)))


def test_one_sample_comes_without_the_axis_of_the_samples_or_with_it() -> None:
    softmax, z = module("softmax", "numba"), np.array([0.0, np.log(3.0)])
    compiled, right = softmax._softmax_compiled[z.dtype], [0.25, 0.75]
    out = np.zeros((1, 2))
    # Of one sample are all of them, or none; NumPy gives z[None] a stride of 0, and out one of 16.
    for given, taken in ((z, out), (z[None], out[0]), (z[None, :1], out), (z[:0], out[0, :0])):
        assert not compiled(given, taken)
    assert not out.any()
    for given, taken in ((z, out[0]), (z[None], out), (z.reshape(1, 2), out[0][None])):
        out[:] = 0
        assert compiled(given, taken)
        np.testing.assert_allclose(out, [right], rtol=1e-15)
    assert softmax.softmax_jacobian_z(out[0]).shape == (2, 2)
    assert softmax.softmax_jacobian_z(out).shape == (1, 2, 2)
    for wrong in (np.empty((1, 2, 2)), np.empty((2, 1, 2)), np.empty(2)):
        with pytest.raises(ValueError, match=r"out: expected an array of float64 \(2, 2\)"):
            softmax.softmax_jacobian_z(out[0], out=wrong)
    with pytest.raises(ValueError, match="p: expected a batch axis, as g has"):
        softmax.softmax_vjp(out[0], out)


def test_arrays_laid_out_otherwise_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    softmax, probe = module("softmax", "numba"), np.empty((2, 3), np.float32)
    assert softmax._is_laid_out_so(probe)
    places = ("_DATA", "_AXES", "_SHAPE", "_STRIDES", "_DTYPE", "_FLAGS", "_NUMBER", "_ORDER")
    for name in places[:1] + places[5:]:  # the others may point nowhere
        with monkeypatch.context() as patch:
            patch.setattr(softmax, name, getattr(softmax, name) + 4)
            assert not softmax._is_laid_out_so(probe)


def test_where_arrays_are_laid_out_otherwise_numbas_own_way_is_taken() -> None:
    code = source("softmax", "numba")
    found = "_IN_PLACE = _is_laid_out_so(np.empty((2, 3), np.float32))"
    assert found in code
    softmax = loaded(problem("softmax"), "numba", code.replace(found, "_IN_PLACE = False"))
    z = np.random.default_rng(3).normal(size=(4, 5))
    p = module("softmax", "numba").softmax(z)
    for _ in range(200):  # a reference that is given back once too often shows by then
        out = np.empty_like(z)
        assert softmax.softmax(z, out) is out
        np.testing.assert_allclose(out, p, rtol=1e-15)
    for wrong in (z.astype(np.float32), z[:, :4], np.asfortranarray(z)):
        with pytest.raises(ValueError, match="out: expected"):
            softmax.softmax(z, wrong)


def test_flattened_results_with_and_without_memory_given() -> None:
    layer, rng = module("softmax_layer", "numba"), np.random.default_rng(7)
    x, h = rng.normal(size=(5, 4)), rng.dirichlet(np.ones(3), 5)
    expected = np.einsum("bi,ik,bj->bikj", h, np.eye(3), x) - np.einsum("bi,bk,bj->bikj", h, h, x)
    for places in (slice(None), 2):
        out = np.full((5, 3, 12)[1 if places == 2 else 0 :], np.nan)
        assert layer.softmax_layer_jacobian_W(x[places], h[places], out) is out
        assert np.allclose(out, expected.reshape(5, 3, 12)[places])
        assert np.array_equal(layer.softmax_layer_jacobian_W(x[places], h[places]), out)
    with pytest.raises(
        ValueError, match=r"out: expected an array of float64 \(5, 3, 12\), found .* \(5, 3, 3, 4\)"
    ):
        layer.softmax_layer_jacobian_W(x, h, np.empty((5, 3, 3, 4)))


@pytest.mark.parametrize("name", ["softmax_layer", "softmax", "embedding", "layer_norm_affine"])
def test_results_are_the_same_however_their_memory_comes(name: str) -> None:
    """Made by the short way, by the long way (for arguments that have gaps), and given."""
    made, rng = module(name, "numba"), np.random.default_rng(9)
    sizes: dict[str, int] = {}
    for spec in functions_of(problem(name)):
        call, gaps, plain = getattr(made, spec.name), [], []
        for each in spec.arguments:
            shape = tuple(sizes.setdefault(axis, 3 + len(sizes)) for axis in each.axes)
            wide = rng.uniform(0.1, 1, (*shape, 2))
            wide = rng.integers(0, 3, (*shape, 2)) if each.kind == "label" else wide
            gaps.append(wide[..., 0] if shape else 0.5)
            plain.append(wide[..., 0].copy() if shape else 0.5)
        short, long = call(*plain), call(*gaps)
        assert type(short) is type(long)
        given = tuple(np.full_like(each, np.nan) for each in short) if isinstance(short, tuple) else None
        given = np.full_like(short, np.nan) if given is None else given
        assert call(*plain, out=given) is given
        for one, other, third in zip(*map(listed, (short, long, given)), strict=True):
            assert one.flags.c_contiguous
            assert np.array_equal(one, other)
            assert np.array_equal(one, third)
            assert one.shape == other.shape


def listed(results: object) -> list:
    return list(results) if isinstance(results, tuple) else [results]
