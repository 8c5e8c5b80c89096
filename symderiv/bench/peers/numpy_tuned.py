"""NumPy as an expert would tune it: in place, into given arrays, in blocks of rows that the cache holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from symderiv.bench.cells import Candidate, Case, Inputs

TITLE = "NumPy, tuned"
REQUIRES = "numpy"
#: Bytes of one array's block: two or three of them stay in the second-level cache.
BLOCK = 1 << 18


def version() -> str:
    """NumPy's version."""
    return np.__version__


def candidates(case: Case) -> Iterator[Candidate]:
    """The formula of the workload."""
    make = _FORMULAS.get(case.cell.workload.name)
    if make is not None:
        outputs = case.outputs()
        for label, call in make(case.inputs, outputs):
            yield Candidate(TITLE, label, call)


def _blocks(array: Any) -> list[slice]:
    step = max(1, BLOCK // max(1, array[0].nbytes))
    return [slice(start, start + step) for start in range(0, len(array), step)]


Calls = Iterator[tuple[str, Callable[[], tuple[Any, ...]]]]


def _softmax(given: Inputs, outputs: list[Any]) -> Calls:
    z, out = given["z"], outputs[0]
    blocks = [(z[part], out[part]) for part in _blocks(z)]

    def call() -> tuple[Any, ...]:
        for scores, result in blocks:
            np.subtract(scores, scores.max(axis=1, keepdims=True), out=result)
            np.exp(result, out=result)
            np.multiply(result, 1 / result.sum(axis=1, keepdims=True), out=result)
        return (out,)

    yield "tuned", call


def _softmax_vjp(given: Inputs, outputs: list[Any]) -> Calls:
    p, g, out = given["p"], given["g"], outputs[0]
    blocks = [(p[part], g[part], out[part]) for part in _blocks(p)]

    def call() -> tuple[Any, ...]:
        for shares, cotangent, result in blocks:
            inner = np.einsum("bk,bk->b", shares, cotangent)
            np.subtract(cotangent, inner[:, None], out=result)
            np.multiply(result, shares, out=result)
        return (out,)

    yield "einsum", call


def _scores_to_gradient(z: Any, y: Any, out: Any) -> Any:
    """The mean loss of the rows of `z`; its gradient by them is put in `out`."""
    rows = np.arange(len(y))
    m = z.max(axis=1)
    np.subtract(z, m[:, None], out=out)
    chosen = out[rows, y].copy()
    np.exp(out, out=out)
    s = out.sum(axis=1)
    np.multiply(out, 1 / (s * z.dtype.type(len(y)))[:, None], out=out)
    out[rows, y] -= z.dtype.type(1 / len(y))
    return np.log(s) - chosen


def _cross_entropy(given: Inputs, outputs: list[Any]) -> Calls:
    z, y, out = given["z"], given["y"], outputs[0]
    share = z.dtype.type(1 / len(y))
    blocks = [(z[part], y[part], np.arange(len(y[part])), out[part]) for part in _blocks(z)]
    losses = np.empty(len(y), z.dtype)
    parts = [losses[part] for part in _blocks(z)]

    def call() -> tuple[Any, ...]:
        for (scores, labels, rows, result), loss in zip(blocks, parts, strict=True):
            np.subtract(scores, scores.max(axis=1, keepdims=True), out=result)
            chosen = result[rows, labels]
            np.exp(result, out=result)
            s = result.sum(axis=1)
            np.subtract(np.log(s), chosen, out=loss)
            np.multiply(result, (share / s)[:, None], out=result)
            result[rows, labels] -= share
        return losses.mean(), out

    yield "tuned", call


def _normal(given: Inputs, outputs: list[Any], *, centre: bool) -> Calls:
    x, out = given["x"], outputs[0]
    blocks = [(x[part], out[part]) for part in _blocks(x)]
    eps, count = given["eps"], x.dtype.type(x.shape[1])

    def call() -> tuple[Any, ...]:
        for features, result in blocks:
            moved = features
            if centre:
                np.subtract(features, features.mean(axis=1, keepdims=True), out=result)
                moved = result
            squares = np.einsum("bk,bk->b", moved, moved)
            np.multiply(moved, (1 / np.sqrt(squares / count + eps))[:, None], out=result)
        return (out,)

    yield "tuned", call


def _normal_vjp(given: Inputs, outputs: list[Any], *, centre: bool) -> Calls:
    x, x_hat, g, out = given["x"], given["x_hat"], given["g"], outputs[0]
    eps, count = given["eps"], x.dtype.type(x.shape[1])
    blocks = [(x[part], x_hat[part], g[part], out[part]) for part in _blocks(x)]

    def call() -> tuple[Any, ...]:
        for features, normal, cotangent, result in blocks:
            moved = features
            if centre:
                moved = np.subtract(features, features.mean(axis=1, keepdims=True), out=result)
            squares = np.einsum("bk,bk->b", moved, moved)
            inner = np.einsum("bk,bk->b", normal, cotangent) / count
            np.multiply(normal, inner[:, None], out=result)
            np.subtract(cotangent, result, out=result)
            if centre:
                np.subtract(result, cotangent.mean(axis=1, keepdims=True), out=result)
            np.multiply(result, (1 / np.sqrt(squares / count + eps))[:, None], out=result)
        return (out,)

    yield "tuned", call


def _jacobian(given: Inputs, outputs: list[Any]) -> Calls:
    p, out = given["p"][0], outputs[0]
    matrix = out[0]
    minus, diagonal = np.empty_like(p), np.einsum("ii->i", matrix)

    def call() -> tuple[Any, ...]:
        np.multiply.outer(np.negative(p, out=minus), p, out=matrix)
        np.add(diagonal, p, out=diagonal)
        return (out,)

    yield "tuned", call


def _layer_jacobian(given: Inputs, outputs: list[Any]) -> Calls:
    x, h, out = given["x"][0], given["h"][0], outputs[0]
    entries = out.reshape(len(h), len(h), len(x))

    def call() -> tuple[Any, ...]:
        by_score = np.multiply.outer(-h, h)
        by_score[np.diag_indices(len(h))] += h
        np.multiply(by_score[:, :, None], x, out=entries)
        return (out,)

    yield "tuned", call


def _layer(given: Inputs, outputs: list[Any]) -> Calls:
    x, weights, y = given["x"], given["W"], given["y"]
    by_weights, by_inputs = outputs
    z = np.empty((len(x), weights.shape[1]), x.dtype)
    by_score = np.empty_like(z)

    def call() -> tuple[Any, ...]:
        np.matmul(x, weights, out=z)
        losses = _scores_to_gradient(z, y, by_score)
        np.matmul(x.T, by_score, out=by_weights)
        np.matmul(by_score, weights.T, out=by_inputs)
        return losses.mean(), by_weights, by_inputs

    yield "BLAS", call


def _attention_vjp(given: Inputs, outputs: list[Any]) -> Calls:
    """Head by head in memory that is used again, with the scale in what is small."""
    queries, keys, values, g = (given[name] for name in ("Q", "K", "V", "g"))
    places = queries.shape[1]
    scale = queries.dtype.type(queries.shape[-1] ** -0.5)
    p, by_scores = np.empty((2, places, places), queries.dtype)
    column = np.empty((places, 1), queries.dtype)

    def call() -> tuple[Any, ...]:
        for q, k, v, up, by_v, by_q, by_k in zip(queries, keys, values, g, *outputs, strict=True):
            np.matmul(q * scale, k.T, out=p)
            np.subtract(p, p.max(axis=1, keepdims=True, out=column), out=p)
            np.exp(p, out=p)
            np.divide(p, p.sum(axis=1, keepdims=True, out=column), out=p)
            np.matmul(p.T, up, out=by_v)
            np.matmul(up, v.T, out=by_scores)
            np.subtract(by_scores, np.einsum("ij,ij->i", by_scores, p)[:, None], out=by_scores)
            np.multiply(by_scores, p, out=by_scores)
            np.multiply(by_scores, scale, out=by_scores)
            np.matmul(by_scores, k, out=by_q)
            np.matmul(by_scores.T, q, out=by_k)
        return tuple(outputs)

    yield "BLAS", call


_FORMULAS: dict[str, Callable[[Inputs, list[Any]], Calls]] = {
    "softmax": _softmax,
    "softmax_vjp": _softmax_vjp,
    "cross_entropy": _cross_entropy,
    "layer_norm": lambda given, outputs: _normal(given, outputs, centre=True),
    "rms_norm": lambda given, outputs: _normal(given, outputs, centre=False),
    "layer_norm_vjp": lambda given, outputs: _normal_vjp(given, outputs, centre=True),
    "rms_norm_vjp": lambda given, outputs: _normal_vjp(given, outputs, centre=False),
    "jacobian": _jacobian,
    "layer_jacobian": _layer_jacobian,
    "layer": _layer,
    "attention_vjp": _attention_vjp,
}
