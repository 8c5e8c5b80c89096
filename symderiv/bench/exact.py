"""The workloads of rows in 50-digit arithmetic, and what an error of each entry is measured by.

An error counts in eps of the *terms* that an entry is made of: for p - δ_y that is p + δ_y, so that
rounding is not blamed for the cancellation that is in the formula itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symderiv.bench.cells import Inputs

DIGITS = 50


@dataclass(frozen=True)
class Exact:
    """One result: its name, its exact entries row by row, and the scale of each."""

    name: str
    rows: Sequence[Sequence[Any]]
    scales: Sequence[Sequence[Any]]


def exact_results(name: str, inputs: Inputs) -> list[Exact]:
    """The results of a workload at these inputs, which are taken as exactly what they are."""
    import mpmath

    with mpmath.workdps(DIGITS):
        return _FORMULAS[name](inputs)


def has_exact(name: str) -> bool:
    """Whether a workload is among those of this file."""
    return name in _FORMULAS


def _numbers(row: Any) -> list[Any]:
    import mpmath

    return [mpmath.mpf(float(value)) for value in row]


def _shares(z: Sequence[Any]) -> tuple[list[Any], Any, Any]:
    """The shares of a row, its largest score, and the sum of the shifted exponentials."""
    import mpmath

    m = max(z)
    e = [mpmath.exp(each - m) for each in z]
    s = mpmath.fsum(e)
    return [each / s for each in e], m, s


def _softmax(inputs: Inputs) -> list[Exact]:
    rows = [_shares(_numbers(row))[0] for row in inputs["z"]]
    return [Exact("softmax", rows, rows)]


def _softmax_vjp(inputs: Inputs) -> list[Exact]:
    import mpmath

    rows, scales = [], []
    for given_p, given_g in zip(inputs["p"], inputs["g"], strict=True):
        p, g = _numbers(given_p), _numbers(given_g)
        terms = [a * b for a, b in zip(p, g, strict=True)]
        inner, size = mpmath.fsum(terms), mpmath.fsum(abs(each) for each in terms)
        rows.append([a * (b - inner) for a, b in zip(p, g, strict=True)])
        scales.append([a * (abs(b) + size) for a, b in zip(p, g, strict=True)])
    return [Exact("softmax_vjp", rows, scales)]


def _cross_entropy(inputs: Inputs) -> list[Exact]:
    import mpmath

    losses, rows, scales = [], [], []
    count = len(inputs["y"])
    for given_z, y in zip(inputs["z"], inputs["y"], strict=True):
        z = _numbers(given_z)
        p, m, s = _shares(z)
        losses.append(mpmath.log(s) + (m - z[y]))
        rows.append([(each - (k == y)) / count for k, each in enumerate(p)])
        scales.append([(each + (k == y)) / count for k, each in enumerate(p)])
    loss = mpmath.fsum(losses) / count
    return [Exact("loss", [[loss]], [[abs(loss)]]), Exact("gradient", rows, scales)]


def _spread(x: Sequence[Any], eps: Any, centre: bool) -> tuple[list[Any], Any, Any]:
    """A row less its mean (or as it is), the root of its mean square, and the mean."""
    import mpmath

    mean = mpmath.fsum(x) / len(x) if centre else mpmath.mpf(0)
    moved = [each - mean for each in x]
    return moved, mpmath.sqrt(mpmath.fsum(each * each for each in moved) / len(x) + eps), mean


def _normal(inputs: Inputs, name: str, *, centre: bool) -> list[Exact]:
    import mpmath

    rows, scales = [], []
    for given in inputs["x"]:
        x = _numbers(given)
        moved, spread, mean = _spread(x, mpmath.mpf(float(inputs["eps"])), centre)
        rows.append([each / spread for each in moved])
        scales.append([(abs(each) + abs(mean)) / spread for each in x])
    return [Exact(name, rows, scales)]


def _normal_vjp(inputs: Inputs, name: str, *, centre: bool) -> list[Exact]:
    import mpmath

    rows, scales = [], []
    for given_x, given_g in zip(inputs["x"], inputs["g"], strict=True):
        x, g = _numbers(given_x), _numbers(given_g)
        moved, spread, mean = _spread(x, mpmath.mpf(float(inputs["eps"])), centre)
        x_hat = [each / spread for each in moved]
        hat_size = [(abs(each) + abs(mean)) / spread for each in x]
        mean_g = mpmath.fsum(g) / len(g) if centre else mpmath.mpf(0)
        terms = [a * b for a, b in zip(x_hat, g, strict=True)]
        inner = mpmath.fsum(terms) / len(g)
        size = mpmath.fsum(a * abs(b) for a, b in zip(hat_size, g, strict=True)) / len(g)
        rows.append([(b - mean_g - a * inner) / spread for a, b in zip(x_hat, g, strict=True)])
        scales.append([(abs(b) + abs(mean_g) + a * size) / spread for a, b in zip(hat_size, g, strict=True)])
    return [Exact(name, rows, scales)]


_FORMULAS: Mapping[str, Callable[[Inputs], list[Exact]]] = {
    "softmax": _softmax,
    "softmax_vjp": _softmax_vjp,
    "cross_entropy": _cross_entropy,
    "layer_norm": lambda inputs: _normal(inputs, "layer_norm", centre=True),
    "rms_norm": lambda inputs: _normal(inputs, "rms_norm", centre=False),
    "layer_norm_vjp": lambda inputs: _normal_vjp(inputs, "layer_norm_vjp", centre=True),
    "rms_norm_vjp": lambda inputs: _normal_vjp(inputs, "rms_norm_vjp", centre=False),
}
