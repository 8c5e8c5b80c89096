"""One function of an emitted module, called and judged: on every trial, in every way it may be called."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

from symderiv.expression.traverse import has_derivative
from symderiv.kernels.fixed_places import places_needed
from symderiv.kernels.function_spec import FunctionSpec, Result
from symderiv.kernels.inputs import inputs_of
from symderiv.kernels.known import Known
from symderiv.kernels.meaning import Meaning
from symderiv.kernels.reference import ShapeError, chosen, error_of, flat, is_real
from symderiv.kernels.trials import FEW, ORDINARY, Place, Table, Trial, as_array, trials
from symderiv.problem import Problem

#: The reference itself is good to about 50 digits of the terms it is made of: nothing below is judged.
FLOOR = 1e-40
#: How many entries are looked at where there are many samples: of the first, the last and between.
MANY_SAMPLES = 6


@dataclass(frozen=True)
class Check:
    """One function, at one dtype, on one kind of input.

    `worst` is the error of the entry that came nearest to its bound, in eps of the dtype relative
    to that entry's value; `bound` is what it was allowed, infinite where no entry has a bound to be
    judged by.
    """

    function: str
    dtype: str
    sizes: Mapping[str, int]
    kind: str
    worst: float
    bound: float
    ok: bool
    detail: str = ""

    @property
    def is_judged(self) -> bool:
        """Whether there was an entry with a bound, or something else that was wrong."""
        return self.bound < math.inf

    def __str__(self) -> str:
        sizes = " ".join(f"{axis}={size}" for axis, size in self.sizes.items())
        verdict = "ok" if self.ok else f"WRONG: {self.detail}"
        worst = f"{self.worst:.2g} of {self.bound:.2g} eps" if self.is_judged else "no bound is known"
        return f"{self.function} {self.dtype} {sizes}, {self.kind}: {worst}, {verdict}"


@dataclass(frozen=True)
class _Run:
    """One call that is judged: the trial, the dtype, the reduction, and what the report says of it.

    `mean` says whether each sample counts 1 over their number.
    """

    trial: Trial
    dtype: str
    reduction: str
    batch: int
    mean: bool

    @property
    def shown(self) -> str:
        return self.trial.kind + (f", {self.reduction}" if self.reduction else "")

    @property
    def weight(self) -> Fraction:
        """What each sample counts."""
        return Fraction(1, self.batch) if self.mean else Fraction(1)


class Checker:
    """Judges one function.

    Parameters
    ----------
    problem, spec
        The problem, and which of its functions.
    known
        Inputs and references that were worked out before, and what is added to them.
    errors
        The errors of the functions that the target's modules bring along.
    sizes
        The sizes of axes that the module was emitted for.
    """

    def __init__(
        self,
        problem: Problem,
        spec: FunctionSpec,
        known: dict[Any, Any],
        errors: Mapping[str, float],
        sizes: Mapping[str, int],
    ) -> None:
        self.problem, self.spec, self.known = problem, spec, known
        self.meaning = Meaning(problem, spec, errors, sizes)
        self._bounds: dict[Any, dict[Any, float]] = {}
        self.batched = self.meaning.batched
        self.batch_axis = spec.batch.axis if spec.batch else ""

    def trials(self, large: bool) -> list[Trial]:
        """What to try this function on; an axis with fixed places has them."""
        needed, given = places_needed(self.meaning.lowered), self.meaning.lowered.sizes

        def size_of(axis: str, size: int) -> int:
            return given.get(axis, max(size, needed.get(axis, 1)))

        return [
            replace(each, sizes={axis: size_of(axis, size) for axis, size in each.sizes.items()})
            for each in self._trials(large)
        ]

    def of_batch(self, size: int, places: int = 0) -> list[Trial]:
        """A trial with many samples, for a target that does several at a time; few entries are judged.

        `places` is how many all other axes have, if they are not to have the few of other trials.
        """
        if not size or not self.batch_axis or self.batch_axis in self.meaning.lowered.sizes:
            return []
        different = self.trials(False)[1]
        sizes = dict.fromkeys(different.sizes, places) if places else different.sizes
        sizes = {**sizes, **self.meaning.lowered.sizes, self.batch_axis: size}
        return [replace(different, sizes=sizes, entries=MANY_SAMPLES)]

    def of_rows(self, size: int) -> list[Trial]:
        """Trials with one long axis each, for what works on several rows of matrices at a time.

        Of a function itself an entry of every row is judged: references of derivatives take long.
        """
        different = self.trials(False)[1]
        axes = [
            axis for axis in different.sizes if axis not in {self.batch_axis, *self.meaning.lowered.sizes}
        ]
        sizes = [{**different.sizes, axis: size} for axis in axes]
        derived = any(has_derivative(each.meaning) for each in self.spec.results)
        entries = MANY_SAMPLES if derived else size * different.sizes.get(self.batch_axis, 1)
        return [replace(different, sizes=each, entries=entries) for each in sizes if size]

    def _trials(self, large: bool) -> list[Trial]:
        unused = {self.batch_axis, *self.batched.idle_axes()}
        others = [axis for axis in self.batched.axes if axis not in unused]
        axes = [*others, self.batch_axis] if self.batch_axis else others
        spec = self.spec
        summed = next(iter(spec.exponents.values()), ())
        first = summed[0] if summed else next(iter(spec.scores.values()), "")
        long_axis = (first or self._long_axis(others)) if others else ""
        return trials(
            axes, self.batch_axis, long_axis, large=large and bool(others), times=self._times(long_axis),
            special=bool(spec.scores), infinite=bool(spec.exponents), saturated=bool(spec.logits),
        )  # fmt: skip

    def _long_axis(self, axes: Sequence[str]) -> str:
        """The first axis that nothing has twice, if there is one."""
        return next((axis for axis in axes if self._times(axis) < 2), axes[0])

    def _times(self, axis: str) -> int:
        """How often the array that has an axis most often has it, or a sum within sums over it.

        Of a sum over all k but i, for each i, a value rests on all pairs of places, too.
        """
        names = [each.name for each in self.batched.inputs] + [each.name for each in self.batched.definitions]
        arrays = (self.batched.axes_of(name).count(axis) for name in names)
        return max(*arrays, self.meaning.letters_of(axis))

    def _saved(self, tables: Mapping[str, Table], trial: Trial) -> dict[str, dict[Place, Any]]:
        """The exact values of what the forward function returns, where this function takes it."""
        oracle = self.meaning.forward(tables, trial)
        found = {}
        for each in self.spec.arguments:
            if each.role == "saved":
                spots = product(*(range(trial.sizes[axis]) for axis in each.axes))
                found[each.name] = {place: oracle.entry(each.name, place) for place in spots}
        return found

    def _key(self, trial: Trial) -> Hashable:
        return (self.spec.name, tuple(trial.sizes.items()), trial.kind)

    def arrays(self, trial: Trial, dtype: str) -> list[Any] | None:
        """The arguments of a trial; None where the problem has no value at any inputs of the kind.

        Nor where a value that is handed in is beyond the range of the dtype: what is made of it is unknown.
        """
        import numpy as np

        key = self._key(trial)
        if key not in self.known:
            found = inputs_of(self.meaning, trial, self.problem.name)
            try:
                self.known[key] = (found, self._saved(found, trial), {}) if found else None
            except (ArithmeticError, ValueError):  # no value at an entry that was not looked at
                self.known[key] = None
        if self.known[key] is None:
            return None
        tables, saved, _ = self.known[key]
        made: list[Any] = []
        for each in self.spec.arguments:
            table = saved[each.name] if each.role == "saved" else tables[each.name]
            kind = np.int64 if each.kind == "label" else np.dtype(dtype)
            rounded = {place: float(value) for place, value in table.items()}
            with np.errstate(over="ignore"):
                made.append(as_array(rounded, [trial.sizes[axis] for axis in each.axes], kind))
            if each.role == "saved" and any(
                is_real(value) and not np.isfinite(made[-1][place]) for place, value in table.items()
            ):
                return None
        return made

    def check(self, function: Any, trial: Trial, dtype: str, large: int = 0) -> Iterator[Check]:
        """Judge the function on one trial: each reduction, one sample alone, and with ``out``.

        Where an axis is long, also on so many samples that its results have more than `large` bytes. Where
        the problem has no value at any inputs of the kind, there is nothing to judge.
        """
        import numpy as np

        key, arrays = self._key(trial), self.arrays(trial, dtype)
        if arrays is None:
            return
        tables, saved, references = self.known[key]
        reductions: tuple[str, ...] = self.spec.reductions or ("",)
        if trial.kind != ORDINARY or trial.entries == FEW:
            reductions = reductions[:1]
        for reduction in reductions:
            mean = "mean" in (reduction, self.spec.reduced)
            run = _Run(trial, dtype, reduction, trial.sizes.get(self.batch_axis, 1), mean)
            options = {"reduction": reduction} if reduction else {}
            try:
                with np.errstate(over="raise", invalid="raise", divide="raise"):
                    got = function(*(np.copy(array) for array in arrays), **options)
                parts = flat(got, len(self.spec.results))
                known = self._known_of(key, run, tables, saved, references)
                yield self._judged(run, parts, known)
                if trial.entries != FEW:
                    yield from self._same_otherwise(run, function, arrays, parts)
                elif large and self._is_each_of_a_sample(run) and _are_rows(parts, arrays):
                    samples = large // max(part.nbytes for part in parts) + 2
                    many = [
                        np.repeat(array, samples, axis=0) if each.axes[:1] == (self.batch_axis,) else array
                        for array, each in zip(arrays, self.spec.arguments, strict=True)
                    ]
                    several = flat(function(*many), len(parts))
                    for sample in (0, samples // 2, samples - 1):
                        one = [part[sample : sample + 1] for part in several]
                        judged = self._judged(run, one, known)
                        yield replace(judged, kind=f"{run.shown}, sample {sample} of {samples}")
            except Exception as error:
                told = (
                    str(error) if isinstance(error, ShapeError) else f"raises {type(error).__name__}: {error}"
                )
                yield self._verdict(run, run.shown, told)
                return

    def _is_each_of_a_sample(self, run: _Run) -> bool:
        """Whether the samples, of which there is one, can be repeated, and all results are with them."""
        alone = run.batch == 1 and run.trial.kind == ORDINARY
        alone = alone and not run.reduction and not self.spec.reduced
        alone = alone and self.batch_axis not in self.meaning.lowered.sizes
        return alone and all(result.axes[:1] == (self.batch_axis,) for result in self.spec.results)

    def _verdict(self, run: _Run, kind: str, wrong: str) -> Check:
        return self.verdict(run.trial, run.dtype, kind, wrong)

    def verdict(self, trial: Trial, dtype: str, kind: str, wrong: str) -> Check:
        """A check without a bound: right, unless something is said to be wrong."""
        worst = math.inf if wrong else 0.0
        return Check(self.spec.name, dtype, trial.sizes, kind, worst, 0.0, not wrong, wrong)

    def _known_of(
        self,
        key: Hashable,
        run: _Run,
        tables: Mapping[str, Table],
        saved: Mapping[str, Mapping[Place, Any]],
        references: dict[Any, Any],
    ) -> Known:
        """What an entry is judged by: references for any target, bounds for this one."""
        bounds = self._bounds.setdefault((key, run.dtype), {})
        return Known(
            references,
            bounds,
            lambda: self.meaning.exact(tables, run.trial, run.weight),
            lambda: self.meaning.rounding(tables, saved, run.trial, run.dtype, run.weight),
        )

    def _judged(self, run: _Run, parts: list[Any], known: Known) -> Check:
        """Every entry that is looked at, against its reference; the one nearest its bound is told."""
        import numpy as np

        info = np.finfo(run.dtype)
        eps, largest = float(info.eps), float(info.max)
        samples = range(run.batch)
        worst, allowed, ratio, detail = 0.0, math.inf, -1.0, ""
        for result, part in zip(self.spec.results, parts, strict=True):
            table = self._table(run, result, np.asarray(part))
            for place in chosen(table.shape, run.trial.entries):
                key = (result.name, place, run.reduction)
                if key not in known.references:
                    known.references[key] = self._reference(result, known, place, run.reduction, samples)
                if known.references[key] is None:
                    continue
                if key not in known.bounds:
                    known.bounds[key] = self.meaning.bound(
                        result, known.rounding, place, run.reduction, run.batch
                    )
                reference, bound = known.references[key], known.bounds[key]
                limit = bound * eps + FLOOR
                error, scale = error_of(float(table[place]), reference, largest)
                if math.isfinite(error) and limit == math.inf:
                    continue
                near = error / limit if math.isfinite(error) else math.inf
                if near > ratio:
                    ratio = near
                    # Where all of a value is rounding, its error is told as a share of the bound.
                    unit = eps * scale if scale > limit else min(limit, largest)
                    worst, allowed = error / unit, min(limit, largest) / unit
                    if ratio > 1:
                        spot = ", ".join(str(each) for each in place)
                        found = float(table[place])
                        detail = f"{result.shown}[{spot}] is {found!r}, expected {float(reference)!r}"
        return Check(
            self.spec.name, run.dtype, run.trial.sizes, run.shown, worst, allowed, ratio <= 1, detail
        )

    def _reference(
        self, result: Result, known: Known, place: Place, reduction: str, samples: Sequence[int]
    ) -> Any:
        """The value of an entry; None where it has none, as where it is divided by 0."""
        try:
            return self.meaning.reference(result, known.exact, place, reduction, samples)
        except (ArithmeticError, ValueError):
            return None

    def _table(self, run: _Run, result: Result, array: Any) -> Any:
        """What the function returned, as an array with one axis for each letter of the result."""
        if str(array.dtype) != run.dtype:
            raise ShapeError(f"{result.shown}: expected {run.dtype}, found {array.dtype}")
        sizes = [run.trial.sizes[axis] for axis in result.axes]
        if result.is_loss and run.reduction != "none":
            sizes = []
        groups = result.groups if sizes else ()
        shape = tuple(math.prod(sizes[number] for number in group) for group in groups)
        if array.shape != shape:
            raise ShapeError(f"{result.shown}: expected shape {shape}, found {array.shape}")
        return array.reshape(sizes)

    def _same_otherwise(
        self, run: _Run, function: Any, arrays: list[Any], parts: list[Any]
    ) -> Iterator[Check]:
        """The same bits with ``out`` given, and for one sample without its batch axis."""
        import numpy as np

        options = {"reduction": run.reduction} if run.reduction else {}

        def judged(what: str, other: list[Any]) -> Check:
            same = all(
                np.array_equal(np.ravel(a), np.ravel(b), equal_nan=True)
                for a, b in zip(parts, other, strict=True)
            )
            return self._verdict(run, f"{run.shown}, {what}", "" if same else f"{what} gives other values")

        outputs = [
            part for part, result in zip(parts, self.spec.results, strict=True) if result.shown != "losses"
        ]
        if outputs:
            outs = [np.full(np.shape(part), np.nan, run.dtype) for part in outputs]
            function(*arrays, **options, out=outs[0] if len(outs) == 1 else tuple(outs))
            yield judged("out given", [*parts[: len(parts) - len(outs)], *outs])
        if run.batch == 1 and any(each.batched for each in self.spec.arguments):
            alone = [
                array[0] if each.batched else array
                for array, each in zip(arrays, self.spec.arguments, strict=True)
            ]
            yield judged("one sample", flat(function(*alone, **options), len(parts)))


def _are_rows(parts: Sequence[Any], arrays: Sequence[Any]) -> bool:
    """Whether the largest result is about as large as the largest argument, or larger.

    A number of each sample outgrows no cache before its arguments take gigabytes.
    """
    return bool(4 * max(part.nbytes for part in parts) >= max(array.nbytes for array in arrays))


__all__ = ["Check", "Checker"]
