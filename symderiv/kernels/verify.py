"""Verification: an emitted module, run, against the meaning of each result in 50-digit arithmetic.

The reference is the oracle's value of the *meaning* (derivatives still in it) at exactly the given
floats. An entry passes if its error is within the bound of the running error analysis of
:mod:`symderiv.kernels.accuracy`. An infinite exponent stands in the reference for -10^60, whose
exponential is 0 in every respect, and a weight of 0 beside it for 10^-200, so that the reference is
the limit that is meant.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

from symderiv.expression.nodes import Definition
from symderiv.expression.oracle import Arithmetic, Oracle
from symderiv.kernels.accuracy import ErrorOracle
from symderiv.kernels.fixed_places import places_needed
from symderiv.kernels.function_spec import EPSILON, WEIGHT, Argument, FunctionSpec, Result
from symderiv.kernels.lowering import Lowered, lower_function
from symderiv.kernels.names import identifier
from symderiv.kernels.reference import ShapeError, chosen, error_of, flat, is_real, named_sums
from symderiv.kernels.registry import target_named
from symderiv.kernels.rewrite_check import fifty_digits, many_digits, to_fifty_digits
from symderiv.kernels.specification import functions_of
from symderiv.kernels.trials import FEW, ORDINARY, SATURATED, Table, Trial, as_array, trials, values
from symderiv.problem import Problem

DTYPES = ("float32", "float64")
#: The reference itself is good to about 50 digits of the terms it is made of: nothing below is judged.
FLOOR = 1e-40
#: How many entries are looked at where there are many samples: of the first, the last and between.
MANY_SAMPLES = 6
_MINUS_INFINITY = Fraction(-(10**60))
_ALMOST_ZERO = Fraction(1, 10**200)


@dataclass(frozen=True)
class Check:
    """One function, at one dtype, on one kind of input.

    `worst` is the error of the entry that came nearest to its bound, in eps of the dtype relative
    to that entry's value; `bound` is what it was allowed.
    """

    function: str
    dtype: str
    sizes: Mapping[str, int]
    kind: str
    worst: float
    bound: float
    ok: bool
    detail: str = ""

    def __str__(self) -> str:
        sizes = " ".join(f"{axis}={size}" for axis, size in self.sizes.items())
        verdict = "ok" if self.ok else f"WRONG: {self.detail}"
        worst = f"{self.worst:.2g} of {self.bound:.2g} eps"
        return f"{self.function} {self.dtype} {sizes}, {self.kind}: {worst}, {verdict}"


def verify_source(
    problem: Problem,
    target: str,
    source: str,
    *,
    dtypes: Sequence[str] = DTYPES,
    large: bool = True,
    sizes: Mapping[str, int] | None = None,
) -> list[Check]:
    """Run every function of an emitted module and judge every result.

    Parameters
    ----------
    problem
        What the module was emitted from.
    target
        The target it was emitted for: the functions that its modules bring along have errors of their own.
    source
        The text of the module.
    dtypes
        The dtypes to try (each is compiled anew where the target compiles).
    large
        Whether to try an axis of size 1000 as well.
    sizes
        The sizes of axes that the module was emitted for, if there are any.
    """
    specifications = functions_of(problem)
    module = target_named(target).load(source, f"{problem.name}_{target}", specifications)
    checks: list[Check] = []
    known = _references(problem)
    for spec in specifications:
        function = getattr(module, identifier(spec.name), None)
        if function is None:
            checks.append(Check(spec.name, "", {}, "", 0.0, 0.0, False, "the module has no such function"))
            continue
        checker = _Checker(problem, spec, known, target_named(target).errors, sizes or {})
        for trial in (*checker.trials(large), *checker.of_batch(target_named(target).batch)):
            for dtype in dtypes:
                checks += checker.check(function, trial, dtype)
    return checks


def _digits(trial: Trial) -> Arithmetic:
    """What a reference is worked out in: where 1 - sigmoid(1e4) is looked at, its digits count."""
    return many_digits() if trial.kind in SATURATED else fifty_digits()


@lru_cache(maxsize=8)
def _references(_: Problem) -> dict[tuple[object, ...], Any]:
    """The inputs and references of a problem: worked out once, used for every target and dtype."""
    return {}


def verify(problem: Problem, target: str = "numpy", **options: Any) -> list[Check]:
    """Emit a problem for a target and verify what was emitted."""
    from symderiv.kernels.emit import emit

    return verify_source(problem, target, emit(problem, target, options.get("sizes")), **options)


def _exactly(value: float, kind: str) -> Fraction:
    """The exact number a float stands for; beside an infinite exponent, 0 is the limit from above."""
    if value == -math.inf:
        return _MINUS_INFINITY
    return _ALMOST_ZERO if value == 0 and kind == "some -inf" else Fraction(value)


@dataclass(frozen=True)
class _Run:
    """One call that is judged: the trial, the dtype, the reduction, and what the report says of it."""

    trial: Trial
    dtype: str
    reduction: str
    batch: int

    @property
    def shown(self) -> str:
        return self.trial.kind + (f", {self.reduction}" if self.reduction else "")

    @property
    def weight(self) -> Fraction:
        """What each sample counts."""
        return Fraction(1, self.batch) if self.reduction == "mean" else Fraction(1)


class _Checker:
    """Judges one function."""

    def __init__(
        self,
        problem: Problem,
        spec: FunctionSpec,
        known: dict[tuple[object, ...], Any],
        errors: Mapping[str, float],
        sizes: Mapping[str, int],
    ) -> None:
        self.problem, self.spec, self.known, self.errors = problem, spec, known, errors
        self.lowered: Lowered = lower_function(spec, sizes)
        self.batched = problem.batch()
        moved = {name for name in self._input_names() if self.batched.axes_of(name) != problem.axes_of(name)}
        #: All inputs of the problem: the meaning of a function of saved values starts from them.
        self.inputs = [
            Argument(
                each.name, each.axes, "label" if each.label_of else "real", "input",
                each.name in moved, each.label_of or "",
            )
            for each in self.batched.inputs
        ]  # fmt: skip
        self.exponents = spec.exponents
        self.batch_axis = spec.batch.axis if spec.batch else ""
        self.meaning_definitions = named_sums(spec.meaning_definitions)
        self.forward_definitions = named_sums(self.batched.definitions)

    def _input_names(self) -> Iterator[str]:
        yield from (each.name for each in self.problem.inputs)

    def trials(self, large: bool) -> list[Trial]:
        """What to try this function on; an axis with fixed places has them."""
        needed, given = places_needed(self.lowered), self.lowered.sizes

        def size_of(axis: str, size: int) -> int:
            return given.get(axis, max(size, needed.get(axis, 1)))

        return [
            replace(each, sizes={axis: size_of(axis, size) for axis, size in each.sizes.items()})
            for each in self._trials(large)
        ]

    def of_batch(self, size: int) -> list[Trial]:
        """A trial with many samples, for a target that does several at a time; few entries are judged."""
        if not size or not self.batch_axis:
            return []
        different = self.trials(False)[1]
        return [replace(different, sizes={**different.sizes, self.batch_axis: size}, entries=MANY_SAMPLES)]

    def _trials(self, large: bool) -> list[Trial]:
        axes = [axis for axis in self.batched.axes if axis != self.batch_axis]
        if self.batch_axis:
            axes.append(self.batch_axis)
        others = [axis for axis in axes if axis != self.batch_axis]
        if not others:
            return trials(
                axes, self.batch_axis, "", bool(self.exponents), False, saturated=bool(self.spec.logits)
            )
        long_axis = next(iter(self.exponents.values()), self._long_axis(others))
        return trials(
            axes, self.batch_axis, long_axis, bool(self.exponents), large, saturated=bool(self.spec.logits)
        )

    def _long_axis(self, axes: Sequence[str]) -> str:
        """The first axis that no array has twice: a million entries would be too many for a reference."""
        squares = {
            axis
            for each in self.batched.definitions
            for axis in self.batched.axes_of(each.name)
            if self.batched.axes_of(each.name).count(axis) > 1
        }
        return next((axis for axis in axes if axis not in squares), axes[0])

    def tables(self, trial: Trial) -> dict[str, Table]:
        """Values of all inputs, cotangents and tangents."""
        every = [
            *self.inputs,
            *(each for each in self.spec.arguments if each.role in ("cotangent", "tangent")),
        ]
        for positive in (False, True):
            tables = {
                each.name: values(
                    each, trial, self.exponents, positive, self.problem.name, logits=self.spec.logits
                )
                for each in every
            }
            if positive or self._is_real(tables, trial):
                return tables
        raise AssertionError

    def _is_real(self, tables: Mapping[str, Table], trial: Trial) -> bool:
        """Whether the definitions have real values at these inputs (a logarithm of -1 has none)."""
        oracle = self._oracle(tables, trial, self.forward_definitions)
        try:
            for definition in self.batched.definitions:
                spots = list(product(*(range(trial.sizes[index.axis]) for index in definition.indices)))
                for place in spots[:: max(1, len(spots) // 8)]:
                    if not is_real(oracle.entry(definition.name, place)):
                        return False
        except (ArithmeticError, ValueError):
            return False
        return True

    def _oracle(
        self,
        tables: Mapping[str, Table],
        trial: Trial,
        definitions: Sequence[Definition],
        weight: Fraction = Fraction(1),
    ) -> Oracle:
        digits = _digits(trial)
        number = digits.from_fraction
        arrays: dict[str, dict[tuple[int, ...], Any]] = {}
        kinds = {each.name: each.kind for each in self.inputs}
        for name, table in tables.items():
            if kinds.get(name) == "label":
                arrays[name] = {place: int(value) for place, value in table.items()}
            else:
                arrays[name] = {place: number(_exactly(value, trial.kind)) for place, value in table.items()}
        for name, of in self.spec.moved.items():
            arrays[name] = arrays[of]
        if definitions is self.meaning_definitions:
            for of in self.spec.moved.values():
                del arrays[of]
        arrays[WEIGHT] = {(): number(weight)}
        arrays[EPSILON] = {(): number(Fraction(0))}
        return Oracle(trial.sizes, arrays, definitions, None, digits)

    def saved(self, tables: Mapping[str, Table], trial: Trial) -> dict[str, dict[tuple[int, ...], Any]]:
        """The exact values of what the forward function returns, where this function takes it."""
        oracle = self._oracle(tables, trial, self.forward_definitions)
        found = {}
        for each in self.spec.arguments:
            if each.role == "saved":
                spots = product(*(range(trial.sizes[axis]) for axis in each.axes))
                found[each.name] = {place: oracle.entry(each.name, place) for place in spots}
        return found

    # -- one check --------------------------------------------------------------------------

    def check(self, function: Any, trial: Trial, dtype: str) -> Iterator[Check]:
        """Judge the function on one trial: each reduction, one sample alone, and with ``out``."""
        import numpy as np

        key = (self.spec.name, tuple(trial.sizes.items()), trial.kind)
        if key not in self.known:
            tables = self.tables(trial)
            self.known[key] = (tables, self.saved(tables, trial), {})
        tables, saved, references = self.known[key]
        arrays: list[Any] = []
        for each in self.spec.arguments:
            table = saved[each.name] if each.role == "saved" else tables[each.name]
            kind = np.int64 if each.kind == "label" else np.dtype(dtype)
            rounded = {place: float(value) for place, value in table.items()}
            arrays.append(as_array(rounded, [trial.sizes[axis] for axis in each.axes], kind))
        reductions: tuple[str, ...] = self.spec.reductions or ("",)
        if trial.kind != ORDINARY or trial.entries == FEW:
            reductions = reductions[:1]
        for reduction in reductions:
            run = _Run(trial, dtype, reduction, trial.sizes.get(self.batch_axis, 1))
            options = {"reduction": reduction} if reduction else {}
            try:
                with np.errstate(over="raise", invalid="raise", divide="raise"):
                    got = function(*(np.copy(array) for array in arrays), **options)
                parts = flat(got, len(self.spec.results))
                yield self._judged(run, parts, references, self._oracles(run, tables, saved))
                if trial.entries != FEW:
                    yield from self._same_otherwise(run, function, arrays, parts)
            except Exception as error:
                told = (
                    str(error) if isinstance(error, ShapeError) else f"raises {type(error).__name__}: {error}"
                )
                yield self._verdict(run, run.shown, told)
                return

    def _verdict(self, run: _Run, kind: str, wrong: str) -> Check:
        worst = math.inf if wrong else 0.0
        return Check(self.spec.name, run.dtype, run.trial.sizes, kind, worst, 0.0, not wrong, wrong)

    def _judged(
        self, run: _Run, parts: list[Any], references: dict[Any, Any], oracles: tuple[Oracle, ErrorOracle]
    ) -> Check:
        """Every entry that is looked at, against its reference; the one nearest its bound is told."""
        import numpy as np

        info = np.finfo(run.dtype)
        worst, allowed, ratio, detail = 0.0, 0.0, -1.0, ""
        for result, part in zip(self.spec.results, parts, strict=True):
            table = self._table(run, result, np.asarray(part))
            for place in chosen(table.shape, run.trial.entries):
                key = (result.name, place, run.reduction)
                if key not in references:
                    references[key] = self._reference(run, result, oracles[0], place)
                reference = references[key]
                limit = self._bound(run, result, oracles[1], place) * float(info.eps) + FLOOR
                error, scale = error_of(float(table[place]), reference, float(info.max))
                near = error / limit if math.isfinite(error) and math.isfinite(limit) else math.inf
                if near > ratio:
                    ratio = near
                    # Where all of a value is rounding, its error is told as a share of the bound.
                    unit = float(info.eps) * scale if scale > limit else limit
                    worst, allowed = error / unit, limit / unit
                    if ratio > 1:
                        spot = ", ".join(str(each) for each in place)
                        found = float(table[place])
                        detail = f"{result.shown}[{spot}] is {found!r}, expected {float(reference)!r}"
        return Check(
            self.spec.name, run.dtype, run.trial.sizes, run.shown, worst, allowed, ratio <= 1, detail
        )

    def _oracles(
        self, run: _Run, tables: Mapping[str, Table], saved: Mapping[str, Any]
    ) -> tuple[Oracle, ErrorOracle]:
        """What the meanings are evaluated with, and what bounds the rounding errors."""
        exact = self._oracle(tables, run.trial, self.meaning_definitions, run.weight)
        return exact, self._error_oracle(run, tables, saved)

    def _error_oracle(self, run: _Run, tables: Mapping[str, Table], saved: Mapping[str, Any]) -> ErrorOracle:
        import numpy as np

        info = np.finfo(run.dtype)
        results = (Definition(each.name, each.indices, each.tree) for each in self.lowered.trees)
        definitions = named_sums((*self.lowered.definitions.values(), *results))
        errors = ErrorOracle(
            run.trial.sizes, {}, definitions, float(info.tiny) / float(info.eps), self.errors
        )
        labels = {each.name for each in self.inputs if each.kind == "label"}
        for name, table in tables.items():
            if name in labels:
                errors.arrays[name] = {place: int(value) for place, value in table.items()}
            else:
                errors.arrays[name] = {place: errors.kind(value) for place, value in table.items()}
        for name, table in saved.items():
            rounded = {place: float(value) for place, value in table.items()}
            errors.arrays[name] = {
                place: errors.kind(each, abs(each) + errors.kind.tiny) for place, each in rounded.items()
            }
        errors.arrays[WEIGHT] = {(): errors.kind(float(run.weight), float(run.weight))}
        return errors

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

    def _reference(self, run: _Run, result: Result, oracle: Oracle, place: tuple[int, ...]) -> Any:
        if result.is_loss and run.reduction != "none":
            index = result.indices[0]
            rows = (oracle.evaluate(result.meaning, {index: row}) for row in range(run.batch))
            return to_fifty_digits(sum(rows)) * fifty_digits().from_fraction(run.weight)
        return to_fifty_digits(oracle.evaluate(result.meaning, dict(zip(result.indices, place, strict=True))))

    def _bound(self, run: _Run, result: Result, errors: ErrorOracle, place: tuple[int, ...]) -> float:
        if result.is_loss and run.reduction != "none":
            total = errors.total([errors.entry(result.name, (row,)) for row in range(run.batch)])
            return float((total * errors.arrays[WEIGHT][()]).error)
        return float(errors.entry(result.name, place).error)

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
        if self.batch_axis and run.batch == 1:
            alone = [
                array[0] if each.batched else array
                for array, each in zip(arrays, self.spec.arguments, strict=True)
            ]
            yield judged("one sample", flat(function(*alone, **options), len(parts)))


__all__ = ["Check", "named_sums", "verify", "verify_source"]
