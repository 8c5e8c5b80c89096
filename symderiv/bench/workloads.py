"""The workloads: softmax and its products, cross-entropy, the normalisations, Jacobians, a whole layer."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

from symderiv.bench.cells import BenchError, Cost, Inputs, Shape, Workload

if TYPE_CHECKING:
    from symderiv.problem import Problem

ROWS: tuple[Shape, ...] = (
    (1, 10), (64, 10), (4096, 10), (4096, 100), (256, 1000), (4096, 1000),
    (64, 32000), (256, 50257), (32, 128256),
)  # fmt: skip
QUICK_ROWS: tuple[Shape, ...] = ((64, 10), (4096, 10), (256, 1000))
EPS = 1e-5
_LAYER = """
title  Softmax layer with cross-entropy, class label
index i, k : K
index j    : N
input x[N], W[N, K]
label y : K
batch x, y
loss  L

z[k] = sum(j, W[j, k] * x[j])
h[i] = exp(z[i]) / sum(k, exp(z[k]))
L    = -log(h[y])

expect d(L, W[j, i]) == x[j] * (h[i] - delta(i, y))
expect d(L, x[j]) == sum(i, W[j, i] * h[i]) - W[j, y]
"""


def _catalogued(name: str) -> Problem:
    from symderiv import catalog

    return catalog.load(name)


def _layer_problem() -> Problem:
    from symderiv.notation.reader import read_problem

    return read_problem(_LAYER, "softmax_layer_label")


# -- inputs ---------------------------------------------------------------------------------


def _scores(source: Any, shape: Shape) -> dict[str, Any]:
    return {"z": 3 * source.standard_normal(shape)}


def _shares_and_cotangents(source: Any, shape: Shape) -> dict[str, Any]:
    return {"p": softmax(3 * source.standard_normal(shape)), "g": source.standard_normal(shape)}


def _scores_and_labels(source: Any, shape: Shape) -> dict[str, Any]:
    return {"z": 3 * source.standard_normal(shape), "y": source.integers(0, shape[1], shape[0])}


def _features(source: Any, shape: Shape) -> dict[str, Any]:
    return {"x": 1 + 2 * source.standard_normal(shape), "eps": EPS}


def _features_and_cotangents(source: Any, shape: Shape, *, centre: bool) -> dict[str, Any]:
    """The inputs; the result of the forward pass is there too, for those who keep it."""
    inputs = _features(source, shape)
    return {**inputs, "x_hat": _normal(inputs, centre)[0], "g": source.standard_normal(shape)}


def _one_share(source: Any, shape: Shape) -> dict[str, Any]:
    return {"p": softmax(3 * source.standard_normal((1, *shape)))}


def _input_and_share(source: Any, shape: Shape) -> dict[str, Any]:
    size, classes = shape
    return {"x": source.standard_normal((1, size)), "h": softmax(3 * source.standard_normal((1, classes)))}


def _layer(source: Any, shape: Shape) -> dict[str, Any]:
    batch, size, classes = shape
    return {
        "x": source.standard_normal((batch, size)),
        "W": source.standard_normal((size, classes)) / size**0.5,
        "y": source.integers(0, classes, batch),
    }


def _queries_keys_values(source: Any, shape: Shape) -> dict[str, Any]:
    return {name: source.standard_normal(shape) for name in ("Q", "K", "V", "g")}


# -- right results, in float64 --------------------------------------------------------------


def softmax(z: Any) -> Any:
    """Softmax of the rows of a matrix."""
    import numpy as np

    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _cross_entropy(z: Any, y: Any) -> tuple[Any, Any]:
    import numpy as np

    rows = np.arange(len(y))
    m = z.max(axis=-1)
    losses = np.log(np.exp(z - m[:, None]).sum(axis=-1)) + (m - z[rows, y])
    gradient = softmax(z)
    gradient[rows, y] -= 1
    return np.asarray(losses.mean()), gradient / len(y)


def _normal(inputs: Inputs, centre: bool) -> tuple[Any, Any]:
    import numpy as np

    x = inputs["x"]
    x = x - x.mean(axis=-1, keepdims=True) if centre else x
    spread = np.sqrt((x * x).mean(axis=-1, keepdims=True) + inputs["eps"])
    return x / spread, spread


def _right_normal(inputs: Inputs, *, centre: bool) -> tuple[Any, ...]:
    return (_normal(inputs, centre)[0],)


def _right_normal_vjp(inputs: Inputs, *, centre: bool) -> tuple[Any, ...]:
    x_hat, spread = _normal(inputs, centre)
    g = inputs["g"]
    inner = g - x_hat * (g * x_hat).mean(axis=-1, keepdims=True)
    return ((inner - g.mean(axis=-1, keepdims=True) if centre else inner) / spread,)


def _right_vjp(inputs: Inputs) -> tuple[Any, ...]:
    p, g = inputs["p"], inputs["g"]
    return (p * (g - (g * p).sum(axis=-1, keepdims=True)),)


def _right_jacobian(inputs: Inputs) -> tuple[Any, ...]:
    import numpy as np

    p = inputs["p"][0]
    return ((np.diag(p) - np.outer(p, p))[None],)


def _right_layer_jacobian(inputs: Inputs) -> tuple[Any, ...]:
    import numpy as np

    x, h = inputs["x"][0], inputs["h"][0]
    by_score = np.diag(h) - np.outer(h, h)
    return (np.multiply.outer(by_score, x).reshape(1, len(h), -1),)


def _right_layer(inputs: Inputs) -> tuple[Any, ...]:
    x, weights, y = inputs["x"], inputs["W"], inputs["y"]
    value, by_score = _cross_entropy(x @ weights, y)
    return value, x.T @ by_score, by_score @ weights.T


def _right_attention(inputs: Inputs) -> tuple[Any, ...]:
    """By V, Q and K, in the order of the emitted function."""
    queries, keys, values, g = (inputs[name] for name in ("Q", "K", "V", "g"))
    scale = 1 / queries.shape[-1] ** 0.5
    shares = softmax(scale * queries @ keys.swapaxes(1, 2))
    by_shares = g @ values.swapaxes(1, 2)
    inner = by_shares - (by_shares * shares).sum(axis=-1, keepdims=True)
    by_scores = scale * shares * inner
    return shares.swapaxes(1, 2) @ g, by_scores @ keys, by_scores.swapaxes(1, 2) @ queries


# -- costs ----------------------------------------------------------------------------------


def _rows_cost(shape: Shape, *, arrays: int, exps: int = 0) -> Cost:
    count = shape[0] * shape[1]
    return Cost(arrays * count, exps * count)


def _layer_cost(shape: Shape) -> Cost:
    batch, size, classes = shape
    matrices = batch * size + size * classes
    return Cost(2 * matrices, batch * classes, 3 * batch * size * classes)


def _attention_cost(shape: Shape) -> Cost:
    heads, places, size = shape
    return Cost(7 * heads * places * size, heads * places**2, 5 * heads * places**2 * size)


@cache
def workloads() -> dict[str, Workload]:
    """All of them by name."""
    rows, matrix = ("B", "K"), ("N", "K")
    one_pass = partial(_rows_cost, arrays=2)
    made = [
        Workload(
            "softmax", "Softmax", rows, lambda: _catalogued("softmax"), "softmax", ("z",),
            ROWS, QUICK_ROWS, _scores, lambda given: (softmax(given["z"]),),
            partial(_rows_cost, arrays=2, exps=1),
        ),
        Workload(
            "softmax_vjp", "Softmax, backward", rows, lambda: _catalogued("softmax"), "softmax_vjp",
            ("p", "g"), ROWS, QUICK_ROWS, _shares_and_cotangents, _right_vjp, partial(_rows_cost, arrays=3),
        ),
        Workload(
            "cross_entropy", "Cross-entropy with labels, value and gradient", rows,
            lambda: _catalogued("cross_entropy_label"), "cross_entropy_label_value_and_gradient", ("z", "y"),
            ROWS, QUICK_ROWS, _scores_and_labels, lambda given: _cross_entropy(given["z"], given["y"]),
            partial(_rows_cost, arrays=2, exps=1),
        ),
    ]  # fmt: skip
    for name, title, centre in (("layer_norm", "LayerNorm", True), ("rms_norm", "RMSNorm", False)):
        made += [
            Workload(
                name, title, rows, partial(_catalogued, name), name, ("x", "eps"), ROWS, QUICK_ROWS,
                _features, partial(_right_normal, centre=centre), one_pass,
            ),
            Workload(
                f"{name}_vjp", f"{title}, backward", rows, partial(_catalogued, name), f"{name}_vjp",
                ("x", "eps", "g"), ROWS, QUICK_ROWS,
                partial(_features_and_cotangents, centre=centre), partial(_right_normal_vjp, centre=centre),
                partial(_rows_cost, arrays=3),
            ),
        ]  # fmt: skip
    made += [
        Workload(
            "jacobian", "Jacobian of softmax", ("K",), lambda: _catalogued("softmax"), "softmax_jacobian_z",
            ("p",), ((10,), (1000,), (4096,)), ((10,), (1000,)), _one_share, _right_jacobian,
            lambda shape: Cost(shape[0] * (shape[0] + 1)),
        ),
        Workload(
            "layer_jacobian", "Jacobian of a softmax layer by its weights", matrix,
            lambda: _catalogued("softmax_layer"), "softmax_layer_jacobian_W", ("x", "h"),
            ((128, 10), (784, 10), (128, 1000)), ((784, 10),), _input_and_share, _right_layer_jacobian,
            lambda shape: Cost(shape[0] * shape[1] * shape[1] + shape[0] + shape[1]),
        ),
        Workload(
            "layer", "Softmax layer with cross-entropy: loss, by weights and inputs", ("B", "N", "K"),
            _layer_problem, "softmax_layer_label_value_and_gradient", ("x", "W", "y"),
            ((4096, 784, 10), (4096, 128, 10), (4096, 128, 1000), (4096, 784, 1000)), ((4096, 784, 10),),
            _layer, _right_layer, _layer_cost,
        ),
        Workload(
            "attention_vjp", "Attention heads, backward from queries, keys and values", ("B", "N", "C"),
            lambda: _catalogued("attention_head"), "attention_head_gradient", ("Q", "K", "V", "g"),
            ((1, 512, 64), (8, 128, 64), (32, 64, 32), (1, 2048, 64)), ((1, 512, 64),),
            _queries_keys_values, _right_attention, _attention_cost,
        ),
    ]  # fmt: skip
    return {each.name: each for each in made}


def chosen(names: tuple[str, ...]) -> list[Workload]:
    """The workloads of these names; all if there are none.

    Raises
    ------
    BenchError
        For a name that is not among them.
    """
    known = workloads()
    for name in names:
        if name not in known:
            raise BenchError(f"--only: expected a workload among {', '.join(known)}, found {name!r}")
    return [each for each in known.values() if not names or each.name in names]
