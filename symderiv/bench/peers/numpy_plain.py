"""Plain NumPy: each formula as one would write it, with new arrays for everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from symderiv.bench.cells import Candidate, Case, Inputs

TITLE = "NumPy, plain"
REQUIRES = "numpy"


def version() -> str:
    """NumPy's version."""
    return np.__version__


def candidates(case: Case) -> Iterator[Candidate]:
    """The formula of the workload."""
    function = _FORMULAS.get(case.cell.workload.name)
    if function is not None:
        yield Candidate(TITLE, "plain", lambda: function(case.inputs))


def _softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def _softmax_vjp(given: Inputs) -> tuple[Any, ...]:
    p, g = given["p"], given["g"]
    return (p * (g - np.sum(g * p, axis=-1, keepdims=True)),)


def _cross_entropy(z: Any, y: Any) -> tuple[Any, Any]:
    rows = np.arange(len(y))
    m = np.max(z, axis=-1, keepdims=True)
    e = np.exp(z - m)
    s = np.sum(e, axis=-1, keepdims=True)
    losses = np.log(s[:, 0]) + (m[:, 0] - z[rows, y])
    gradient = e / s
    gradient[rows, y] -= 1
    return np.mean(losses), gradient / z.dtype.type(len(y))


def _layer_norm(given: Inputs) -> tuple[Any, ...]:
    x = given["x"]
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return (centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + given["eps"]),)


def _layer_norm_vjp(given: Inputs) -> tuple[Any, ...]:
    x, x_hat, g = given["x"], given["x_hat"], given["g"]
    sigma = np.sqrt(np.var(x, axis=-1, keepdims=True) + given["eps"])
    mean_g = np.mean(g, axis=-1, keepdims=True)
    return ((g - mean_g - x_hat * np.mean(g * x_hat, axis=-1, keepdims=True)) / sigma,)


def _rms_norm(given: Inputs) -> tuple[Any, ...]:
    x = given["x"]
    return (x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + given["eps"]),)


def _rms_norm_vjp(given: Inputs) -> tuple[Any, ...]:
    x, x_hat, g = given["x"], given["x_hat"], given["g"]
    r = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + given["eps"])
    return ((g - x_hat * np.mean(g * x_hat, axis=-1, keepdims=True)) / r,)


def _jacobian(given: Inputs) -> tuple[Any, ...]:
    p = given["p"][0]
    return ((np.diag(p) - np.outer(p, p))[None],)


def _layer_jacobian(given: Inputs) -> tuple[Any, ...]:
    x, h = given["x"][0], given["h"][0]
    by_score = np.diag(h) - np.outer(h, h)
    return ((by_score[:, :, None] * x).reshape(1, len(h), -1),)


def _layer(given: Inputs) -> tuple[Any, ...]:
    x, weights = given["x"], given["W"]
    value, by_score = _cross_entropy(x @ weights, given["y"])
    return value, x.T @ by_score, by_score @ weights.T


def _attention_vjp(given: Inputs) -> tuple[Any, ...]:
    queries, keys, values, g = (given[name] for name in ("Q", "K", "V", "g"))
    root = queries.dtype.type(queries.shape[-1] ** 0.5)
    p = _softmax(queries @ keys.swapaxes(1, 2) / root)
    by_shares = g @ values.swapaxes(1, 2)
    by_scores = p * (by_shares - np.sum(by_shares * p, axis=-1, keepdims=True)) / root
    return p.swapaxes(1, 2) @ g, by_scores @ keys, by_scores.swapaxes(1, 2) @ queries


_FORMULAS: dict[str, Callable[[Inputs], tuple[Any, ...]]] = {
    "softmax": lambda given: (_softmax(given["z"]),),
    "softmax_vjp": _softmax_vjp,
    "cross_entropy": lambda given: _cross_entropy(given["z"], given["y"]),
    "layer_norm": _layer_norm,
    "layer_norm_vjp": _layer_norm_vjp,
    "rms_norm": _rms_norm,
    "rms_norm_vjp": _rms_norm_vjp,
    "jacobian": _jacobian,
    "layer_jacobian": _layer_jacobian,
    "layer": _layer,
    "attention_vjp": _attention_vjp,
}
