"""One function called in two ways: both give the same at every entry.

Where results have many entries, references are worked out for few of them, and a fault in one row of each
block of rows may be at none of these. So what is done for many samples together is compared with what comes
sample by sample, and what is done as for large sizes with what is done for small ones: to half of the
digits, since both round in their own way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symderiv.kernels.checker import Check, Checker
from symderiv.kernels.function_spec import FunctionSpec
from symderiv.kernels.reference import flat
from symderiv.kernels.trials import Trial

Function = Callable[..., Any]


def same_everywhere(
    checker: Checker, ways: tuple[Function, Function], trial: Trial, dtype: str, kind: str
) -> list[Check]:
    """Whether both ways agree at every entry of a trial; nothing where there are no inputs for it.

    Parameters
    ----------
    ways
        Both, called with the arguments of the function; the second one is that to compare with.
    kind
        What is compared, for those who read the check.
    """
    import numpy as np

    arrays = checker.arrays(trial, dtype)
    if arrays is None:
        return []
    count = len(checker.spec.results)
    wrong = ""
    try:
        found, wanted = (flat(each(*map(np.copy, arrays)), count) for each in ways)
    except Exception as error:
        wrong = f"raises {type(error).__name__}: {error}"
    else:
        for result, one, two in zip(checker.spec.results, found, wanted, strict=True):
            place = _first_that_differs(np.asarray(one), np.asarray(two))
            if place is not None:
                wrong = f"{result.shown} at {place} is not what comes in the other way"
                break
    return [checker.verdict(trial, dtype, f"{trial.kind}, {kind}", wrong)]


def _first_that_differs(one: Any, two: Any) -> tuple[int, ...] | None:
    """The first place at which two arrays differ by more than half of their digits."""
    import numpy as np

    if one.shape != two.shape or one.dtype != two.dtype:
        return ()
    with np.errstate(all="ignore"):
        near = float(np.finfo(one.dtype).eps) ** 0.5 * np.max(
            np.abs(two), initial=0.0, where=np.isfinite(two)
        )
        same = (np.abs(one - two) <= near) | (one == two) | (np.isnan(one) & np.isnan(two))
    return None if same.all() else tuple(map(int, np.argwhere(~same)[0]))


def together_and_alone(spec: FunctionSpec, function: Function) -> tuple[Function, Function] | None:
    """A function for all samples, and one that calls it for each; None where results are not by sample."""
    import numpy as np

    batch = spec.batch.axis if spec.batch is not None else ""
    by_sample = all(result.axes[:1] == (batch,) for result in spec.results)
    if not batch or not by_sample or spec.reduced:
        return None
    # A gradient that comes with its loss is that of the sum or of the mean: by itself, a sample gives its own
    # part of the sum.
    reduction = next((each for each in ("none", "sum") if each in spec.reductions), "")
    options = {"reduction": reduction} if reduction else {}
    places = [each.axes.index(batch) if batch in each.axes else None for each in spec.arguments]
    is_total = [result.is_loss and reduction == "sum" for result in spec.results]

    def together(*arrays: Any) -> Any:
        return tuple(map(np.atleast_1d, flat(function(*arrays, **options), len(spec.results))))

    def alone(*arrays: Any) -> Any:
        pairs = list(zip(arrays, places, strict=True))
        samples = next(array.shape[place] for array, place in pairs if place is not None)
        found = []
        for sample in range(samples):
            one = [array if place is None else np.take(array, [sample], axis=place) for array, place in pairs]
            found.append(together(*one))
        return tuple(
            sum(parts) if total else np.concatenate(parts)
            for parts, total in zip(zip(*found, strict=True), is_total, strict=True)
        )

    return together, alone


__all__ = ["same_everywhere", "together_and_alone"]
