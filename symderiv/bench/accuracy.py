"""The accuracy of every candidate against 50-digit arithmetic, in eps, by classes of input."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symderiv.bench import peers
from symderiv.bench.cells import Candidate, Case, Cell, Shape, Workload
from symderiv.bench.exact import DIGITS, Exact, exact_results, has_exact
from symderiv.bench.measure import Options
from symderiv.bench.workloads import softmax, workloads


@dataclass(frozen=True)
class InputClass:
    """A kind of input: its name, its shape, and the scores or features of it."""

    name: str
    shape: Shape
    draw: Callable[[Any, Shape, str], Any]
    #: Whether the right result is NaN throughout the row.
    is_nan: bool = False


@dataclass(frozen=True)
class Errors:
    """The largest error of each candidate in one result of a workload, by input class.

    A text stands where there is no number: what was returned instead of NaN, or what went wrong.
    """

    workload: str
    result: str
    dtype: str
    by_class: Mapping[str, Mapping[str, float | str]]


def _masked(source: Any, shape: Shape, _: str) -> Any:
    z = 3 * source.standard_normal(shape)
    z[:, 1::3] = -math.inf
    return z


def _extreme(source: Any, shape: Shape, dtype: str) -> Any:
    """Scores of the largest size; the labels' are negative, so that each loss is out of range."""
    z = source.choice([-1.0, 1.0], shape)
    z[:, :2] = -1, 1
    return (3e38 if dtype == "float32" else 1.7e308) * z


def _with(value: float) -> Callable[[Any, Shape, str], Any]:
    def draw(source: Any, shape: Shape, _: str) -> Any:
        z = 3 * source.standard_normal(shape)
        z[:, -1] = value
        return z

    return draw


def _filled(value: float) -> Callable[[Any, Shape, str], Any]:
    def draw(_: Any, shape: Shape, __: str) -> Any:
        import numpy as np

        return np.full(shape, value)

    return draw


def _normal(spread: float, centre: float = 0.0) -> Callable[[Any, Shape, str], Any]:
    return lambda source, shape, _: centre + spread * source.standard_normal(shape)


_ORDINARY = (
    InputClass("N(0, 3), K = 1000", (4, 1000), _normal(3)),
    InputClass("N(0, 3), K = 128256", (1, 128256), _normal(3)),
)
SCORES: tuple[InputClass, ...] = (
    *_ORDINARY,
    InputClass("N(0, 20)", (4, 1000), _normal(20)),
    InputClass("U(±1e4)", (4, 1000), lambda source, shape, _: source.uniform(-1e4, 1e4, shape)),
    InputClass("ties", (4, 1000), lambda source, shape, _: source.integers(0, 3, shape).astype(float)),
    InputClass("some -inf", (4, 1000), _masked),
    InputClass("K = 1", (4, 1), _normal(3)),
    InputClass("± largest", (4, 10), _extreme),
    InputClass("all -inf", (1, 10), _filled(-math.inf), is_nan=True),
    InputClass("a +inf", (1, 10), _with(math.inf), is_nan=True),
    InputClass("a NaN", (1, 10), _with(math.nan), is_nan=True),
)
SHARES: tuple[InputClass, ...] = SCORES[:3]
FEATURES: tuple[InputClass, ...] = (
    *_ORDINARY,
    InputClass("1e4 + N(0, 1)", (4, 1000), _normal(1, 1e4)),
    InputClass("1e-10 · N(0, 1)", (4, 1000), _normal(1e-10)),
    InputClass("K = 1", (4, 1), _normal(3)),
    InputClass("a NaN", (1, 10), _with(math.nan), is_nan=True),
)
#: The classes that a short run leaves out, for their references take seconds.
LONG = 10_000


def classes_of(workload: Workload, quick: bool) -> tuple[InputClass, ...]:
    """What a workload is tried on."""
    if workload.name in ("softmax", "cross_entropy"):
        found = SCORES
    elif workload.name == "softmax_vjp":
        found = SHARES
    else:
        found = FEATURES
    return tuple(each for each in found if not quick or each.shape[1] < LONG)


def accuracies(options: Options, names: Sequence[str], tell: Callable[[str], None]) -> Iterator[Errors]:
    """The errors of all candidates, result by result."""
    found, _ = peers.present(names)
    for workload in options.workloads:
        if not has_exact(workload.name):
            continue
        for dtype in options.dtypes:
            yield from _of_workload(workload, dtype, found, options.quick, tell)


def _of_workload(
    workload: Workload, dtype: str, names: Sequence[str], quick: bool, tell: Callable[[str], None]
) -> Iterator[Errors]:
    table: dict[str, dict[str, dict[str, float | str]]] = {}
    for kind in classes_of(workload, quick):
        tell(f"{workload.name} {dtype}, {kind.name}: 50 digits")
        case, exacts = case_of_class(workload, kind, dtype)
        for exact in exacts:
            table.setdefault(exact.name, {})[kind.name] = {}
        for candidate in peers.candidates(names, case):
            tell(f"{workload.name} {dtype}, {kind.name}: {candidate.peer} {candidate.label}")
            for name, error in errors_of(candidate, exacts, dtype, is_nan=kind.is_nan).items():
                table[name][kind.name][f"{candidate.peer}: {candidate.label}"] = error
    for result, by_class in table.items():
        yield Errors(workload.name, result, dtype, by_class)


def case_of_class(workload: Workload, kind: InputClass, dtype: str) -> tuple[Case, list[Exact]]:
    """Inputs of a class, and the exact results at exactly these."""
    import numpy as np

    source = np.random.default_rng([len(kind.name), *kind.shape])
    drawn = workload.draw(source, kind.shape)
    main = next(name for name in ("z", "p", "x") if name in drawn)
    values = kind.draw(source, kind.shape, dtype)
    if main == "p":
        values = softmax(values)
    drawn[main] = values
    if "y" in drawn:
        drawn["y"] = np.zeros(kind.shape[0], np.int64)  # the first score is finite in every class
    inputs = {
        name: np.asarray(value).astype(dtype)[()] if np.asarray(value).dtype.kind == "f" else value
        for name, value in drawn.items()
    }
    if "x_hat" in inputs:
        exactly = {name: np.float64(value) for name, value in inputs.items()}
        forward = workload.name.removesuffix("_vjp")
        inputs["x_hat"] = workloads()[forward].right(exactly)[0].astype(dtype)
    shape = kind.shape
    if kind.is_nan:
        nan = Exact(workload.name, [[math.nan]], [[1.0]])
        exacts = [nan] if workload.name != "cross_entropy" else [
            Exact("loss", [[math.nan]], [[1.0]]), Exact("gradient", [[math.nan]], [[1.0]])
        ]  # fmt: skip
    else:
        exacts = exact_results(workload.name, inputs)
    shapes = [() if each.name == "loss" else shape for each in exacts]
    right = tuple(np.zeros(each) for each in shapes)
    return Case(Cell(workload, shape, dtype), inputs, right), exacts


def errors_of(
    candidate: Candidate, exacts: Sequence[Exact], dtype: str, *, is_nan: bool
) -> dict[str, float | str]:
    """The largest error of a candidate in each result, in eps; or what to say instead."""
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            got = [np.asarray(each) for each in candidate.read(candidate.call())]
    except Exception as failure:
        return {each.name: f"raises {type(failure).__name__}" for each in exacts}
    found: dict[str, float | str] = {}
    for part, exact in zip(got, exacts, strict=True):
        if is_nan:
            share = float(np.mean(np.isnan(part)))
            found[exact.name] = "NaN" if share == 1 else "no NaN" if share == 0 else "some NaN"
        else:
            error = largest_error(part, exact, dtype)
            found[exact.name] = error if math.isfinite(error) else "not finite"
    return found


def largest_error(part: Any, exact: Exact, dtype: str) -> float:
    """In eps of each entry's scale; what is below the smallest normal number counts less than one.

    Where the right value is out of the dtype's range, infinity is right.
    """
    import mpmath
    import numpy as np

    info = np.finfo(dtype)
    largest = mpmath.mpf(float(info.max))
    eps, least = mpmath.mpf(float(info.eps)), mpmath.mpf(float(info.tiny)) / mpmath.mpf(float(info.eps))
    worst = mpmath.mpf(0)
    with mpmath.workdps(DIGITS):
        for row, exact_row, scales in zip(np.atleast_2d(part), exact.rows, exact.scales, strict=True):
            for value, right, scale in zip(row.tolist(), exact_row, scales, strict=True):
                if not math.isfinite(value):
                    if abs(right) > largest and value == math.copysign(math.inf, right):
                        continue
                    return math.inf
                fraction = Fraction(value)
                error = abs(mpmath.mpf(fraction.numerator) / fraction.denominator - right)
                worst = max(worst, error / max(scale, least))
    return float(worst / eps)
