"""As articles on the derivative of softmax write it: one sample at a time, Jacobians built and multiplied.

Three formulations that are widely copied, restated here: the exponentials divided by their sum (with
and without the shift by the maximum), the Jacobian as a diagonal less a product of tiled copies, and
for a layer either the product of two Jacobians, one of them filled by three nested loops, or the
final formula entry by entry in three nested loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from symderiv.bench.cells import Candidate, Case, Inputs

TITLE = "articles"
REQUIRES = "numpy"
#: Steps of an interpreted loop, and numbers of an intermediate matrix, beyond which it is left out.
MOST_STEPS = 300_000
MOST_NUMBERS = 50_000_000


def version() -> str:
    """Empty: what is here is our own."""
    return ""


def candidates(case: Case) -> Iterator[Candidate]:
    """The formulations that a workload has, as far as they end in reasonable time."""
    make = _FORMULATIONS.get(case.cell.workload.name)
    if make is not None:
        for label, call in make(case.inputs):
            yield Candidate(TITLE, label, call)


Calls = Iterator[tuple[str, Callable[[], tuple[Any, ...]]]]


def softmax(scores: Any) -> Any:
    """Of one sample."""
    powers = np.exp(scores - np.max(scores))
    return powers / np.sum(powers)


def unshifted_softmax(scores: Any) -> Any:
    """Of one sample, as the first article has it: it overflows for large scores."""
    powers = np.exp(scores)
    return powers / np.sum(powers)


def softmax_jacobian(shares: Any) -> Any:
    """The diagonal of the shares less their products with each other, by tiled copies."""
    tiled = np.tile(shares.reshape(-1, 1), len(shares))
    return np.diag(shares) - tiled * tiled.T


def score_jacobian(weights_shape: tuple[int, int], x: Any) -> Any:
    """The derivatives of the scores by the weights: a matrix that is mostly zeros."""
    size, classes = weights_shape
    matrix = np.zeros((size * classes, classes), x.dtype)
    for k in range(classes):
        for i in range(classes):
            for j in range(size):
                if i == k:
                    matrix[i * size + j][k] = x[j]
    return matrix


def layer_jacobian_loops(x: Any, h: Any) -> Any:
    """The derivatives of the shares by the weights, one entry at a time."""
    size, classes = len(x), len(h)
    matrix = np.zeros((size * classes, classes), x.dtype)
    for t in range(classes):
        for i in range(classes):
            for j in range(size):
                matrix[i * size + j][t] = h[t] * ((i == t) - h[i]) * x[j]
    return matrix.T


def _few(count: int) -> bool:
    return count <= MOST_STEPS


def _softmax(given: Inputs) -> Calls:
    z = given["z"]
    if _few(10 * len(z)):
        yield "row by row", lambda: (np.array([softmax(row) for row in z]),)
        yield "row by row, no shift", lambda: (np.array([unshifted_softmax(row) for row in z]),)


def _softmax_vjp(given: Inputs) -> Calls:
    p, g = given["p"], given["g"]
    if _few(10 * len(p)) and p.shape[0] * p.shape[1] ** 2 <= MOST_NUMBERS:
        pairs = list(zip(p, g, strict=True))
        yield "Jacobian, then product", lambda: (np.array([softmax_jacobian(a) @ b for a, b in pairs]),)


def _cross_entropy(given: Inputs) -> Calls:
    z, y = given["z"], given["y"]
    if z.shape[0] * z.shape[1] ** 2 > MOST_NUMBERS or not _few(10 * len(z)):
        return

    def call() -> tuple[Any, ...]:
        losses, gradient = [], np.empty_like(z)
        for row, (scores, label) in enumerate(zip(z, y, strict=True)):
            shares = softmax(scores)
            losses.append(-np.log(shares[label]))
            by_shares = np.zeros_like(shares)
            by_shares[label] = -1 / shares[label]
            gradient[row] = softmax_jacobian(shares) @ by_shares
        return np.mean(losses), gradient / z.dtype.type(len(y))

    yield "chain of Jacobians", call


def _jacobian(given: Inputs) -> Calls:
    p = given["p"][0]
    yield "diagonal less tiles", lambda: (softmax_jacobian(p)[None],)


def _layer_jacobian(given: Inputs) -> Calls:
    x, h = given["x"][0], given["h"][0]
    size, classes = len(x), len(h)
    if size * classes * classes > MOST_NUMBERS:
        return
    if _few(size * classes * classes):
        yield "matrix product", lambda: ((softmax_jacobian(h) @ score_jacobian((size, classes), x).T)[None],)
        yield "three loops", lambda: (layer_jacobian_loops(x, h)[None],)
    by_weights = np.kron(np.eye(classes, dtype=x.dtype), x.reshape(-1, 1)).T
    yield "matrix product, matrices given", lambda: ((softmax_jacobian(h) @ by_weights)[None],)


_FORMULATIONS: dict[str, Callable[[Inputs], Calls]] = {
    "softmax": _softmax,
    "softmax_vjp": _softmax_vjp,
    "cross_entropy": _cross_entropy,
    "jacobian": _jacobian,
    "layer_jacobian": _layer_jacobian,
}
