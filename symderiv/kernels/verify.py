"""Verification: an emitted module, run, against the meaning of each result in 50-digit arithmetic.

The reference is the oracle's value of the *meaning* (derivatives still in it) at exactly the given
floats. An entry passes if its error is within the bound of the running error analysis of
:mod:`symderiv.kernels.accuracy`. An infinite exponent stands in the reference for -10^60, whose
exponential is 0 in every respect, so that the reference is the limit that is meant.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from symderiv.expression.indices import all_letters, free_indices, rename
from symderiv.expression.nodes import Definition, Entry, Expression, Extremum, Index, Multiply, Sum
from symderiv.expression.oracle import Oracle
from symderiv.expression.traverse import map_children
from symderiv.kernels.accuracy import ErrorOracle
from symderiv.kernels.emit import load_source
from symderiv.kernels.lowering import Lowered, lower_function
from symderiv.kernels.names import identifier
from symderiv.kernels.rewrite_check import fifty_digits
from symderiv.kernels.specification import EPSILON, WEIGHT, Argument, FunctionSpec, Result, functions_of
from symderiv.kernels.trials import Table, Trial, as_array, trials, values
from symderiv.problem import Problem

DTYPES = ("float32", "float64")
#: The reference itself is good to about 50 digits of the terms it is made of: nothing below is judged.
FLOOR = 1e-40
_MINUS_INFINITY = Fraction(-(10**60))
_HUGE = 10**50


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
        return f"{self.function} {self.dtype} {sizes}, {self.kind}: {self.worst:.2g} of {self.bound:.2g} eps, {verdict}"


def verify_source(
    problem: Problem,
    target: str,
    source: str,
    *,
    dtypes: Sequence[str] = DTYPES,
    large: bool = True,
) -> list[Check]:
    """Run every function of an emitted module and judge every result.

    Parameters
    ----------
    problem
        What the module was emitted from.
    target
        The target it was emitted for, for the report.
    source
        The text of the module.
    dtypes
        The dtypes to try (each is compiled anew where the target compiles).
    large
        Whether to try an axis of size 1000 as well.
    """
    module = load_source(source, f"{problem.name}_{target}")
    checks: list[Check] = []
    known: dict[tuple[object, ...], Any] = {}
    for spec in functions_of(problem):
        function = getattr(module, identifier(spec.name), None)
        if function is None:
            checks.append(Check(spec.name, "", {}, "", 0.0, 0.0, False, "the module has no such function"))
            continue
        checker = _Checker(problem, spec, known)
        for trial in checker.trials(large):
            for dtype in dtypes:
                checks += checker.check(function, trial, dtype)
    return checks


def verify(problem: Problem, target: str = "numpy", **options: Any) -> list[Check]:
    """Emit a problem for a target and verify what was emitted."""
    from symderiv.kernels.emit import emit

    return verify_source(problem, target, emit(problem, target), **options)


class _Checker:
    """Judges one function."""

    def __init__(self, problem: Problem, spec: FunctionSpec, known: dict[tuple[object, ...], Any]) -> None:
        self.problem, self.spec, self.known = problem, spec, known
        self.lowered: Lowered = lower_function(spec)
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
        self.exponents = self._exponents()
        self.batch_axis = spec.batch.axis if spec.batch else ""
        self.meaning_definitions = named_sums(spec.meaning_definitions)
        self.forward_definitions = named_sums(self.batched.definitions)

    def _input_names(self) -> Iterator[str]:
        yield from (each.name for each in self.problem.inputs)

    def _exponents(self) -> dict[str, str]:
        """The inputs whose exponentials are summed as they are, and the axis they are summed over."""
        if ("forward",) not in self.known:
            self.known["forward",] = lower_function(functions_of(self.problem)[0])
        found = {}
        lowered: Lowered = self.known["forward",]
        inputs = {each.name for each in self.inputs}
        for definition in lowered.definitions.values():
            body = definition.body
            if isinstance(body, Extremum) and isinstance(body.body, Entry) and body.body.array in inputs:
                found[body.body.array] = body.index.axis
        return found

    def trials(self, large: bool) -> list[Trial]:
        """What to try this function on."""
        axes = [axis for axis in self.batched.axes if axis != self.batch_axis]
        if self.batch_axis:
            axes.append(self.batch_axis)
        others = [axis for axis in axes if axis != self.batch_axis]
        if not others:
            return trials(axes, self.batch_axis, "", bool(self.exponents), False)
        long_axis = next(iter(self.exponents.values()), others[0])
        return trials(axes, self.batch_axis, long_axis, bool(self.exponents), large)

    def tables(self, trial: Trial) -> dict[str, Table]:
        """Values of all inputs, cotangents and tangents."""
        every = [*self.inputs, *(each for each in self.spec.arguments if each.role in ("cotangent", "tangent"))]
        for positive in (False, True):
            tables = {each.name: values(each, trial, self.exponents, positive, self.problem.name) for each in every}
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
                    if not _is_real(oracle.entry(definition.name, place)):
                        return False
        except (ArithmeticError, ValueError):
            return False
        return True

    def _oracle(
        self, tables: Mapping[str, Table], trial: Trial, definitions: Sequence[Definition], weight: Fraction = Fraction(1)
    ) -> Oracle:
        number = fifty_digits().from_fraction
        arrays: dict[str, dict[tuple[int, ...], Any]] = {}
        kinds = {each.name: each.kind for each in self.inputs}
        for name, table in tables.items():
            if kinds.get(name) == "label":
                arrays[name] = {place: int(value) for place, value in table.items()}
            else:
                arrays[name] = {
                    place: number(_MINUS_INFINITY if value == -math.inf else Fraction(value))
                    for place, value in table.items()
                }
        for name, of in self.spec.moved.items():
            arrays[name] = arrays[of]
        if definitions is self.meaning_definitions:
            for of in self.spec.moved.values():
                del arrays[of]
        arrays[WEIGHT] = {(): number(weight)}
        arrays[EPSILON] = {(): number(Fraction(0))}
        return Oracle(trial.sizes, arrays, definitions, None, fifty_digits())

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
        if trial.kind != "N(0, 3)" or trial.entries == 3:
            reductions = reductions[:1]
        for reduction in reductions:
            options = {"reduction": reduction} if reduction else {}
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                got = function(*(np.copy(array) for array in arrays), **options)
            shown = trial.kind + (f", {reduction}" if reduction else "")
            try:
                parts = _flat(got, len(self.spec.results))
                yield self._judge(parts, tables, saved, references, trial, dtype, reduction, shown)
            except _ShapeError as error:
                yield Check(self.spec.name, dtype, trial.sizes, shown, math.inf, 0.0, False, str(error))
                return
            if trial.entries != 3:
                yield from self._same_otherwise(function, arrays, parts, trial, dtype, options, shown)

    def _judge(
        self, parts: list[Any], tables: Mapping[str, Table], saved: Mapping[str, Any], references: dict[Any, Any],
        trial: Trial, dtype: str, reduction: str, shown: str,
    ) -> Check:  # fmt: skip
        import numpy as np

        info = np.finfo(dtype)
        batch = trial.sizes.get(self.batch_axis, 1)
        weight = Fraction(1, batch) if reduction == "mean" else Fraction(1)
        oracle = self._oracle(tables, trial, self.meaning_definitions, weight)
        errors = self._error_oracle(tables, saved, trial, dtype, weight)
        worst, allowed, ratio, detail = 0.0, 0.0, -1.0, ""
        for result, part in zip(self.spec.results, parts, strict=True):
            if np.asarray(part).dtype != np.dtype(dtype):
                raise _ShapeError(f"{result.shown}: expected {dtype}, found {np.asarray(part).dtype}")
            table = self._table(result, part, trial, reduction)
            for place in _chosen(sorted(table), trial.entries):
                key = (result.name, place, reduction)
                if key not in references:
                    references[key] = self._reference(result, oracle, place, reduction, weight, trial)
                reference = references[key]
                bound = self._bound(result, errors, place, reduction, trial)
                error, scale = _error(float(table[place]), reference, float(info.max))
                limit = bound * float(info.eps) + FLOOR
                near = error / limit if limit > 0 else (0.0 if error == 0 else math.inf)
                if math.isnan(error) or near > ratio:
                    ratio = math.inf if math.isnan(error) else near
                    # Where all of a value is rounding, its error is told as a share of the bound.
                    unit = float(info.eps) * scale if scale > limit else limit
                    worst, allowed = error / unit, limit / unit
                    if ratio > 1:
                        spot = ", ".join(str(each) for each in place)
                        detail = f"{result.shown}[{spot}] is {float(table[place])!r}, expected {float(reference)!r}"
        return Check(self.spec.name, dtype, trial.sizes, shown, worst, allowed, ratio <= 1, detail)

    def _error_oracle(
        self, tables: Mapping[str, Table], saved: Mapping[str, Any], trial: Trial, dtype: str, weight: Fraction
    ) -> ErrorOracle:
        import numpy as np

        info = np.finfo(dtype)
        results = (Definition(each.name, each.indices, each.tree) for each in self.lowered.trees)
        definitions = named_sums((*self.lowered.definitions.values(), *results))
        errors = ErrorOracle(trial.sizes, {}, definitions, float(info.tiny) / float(info.eps))
        labels = {each.name for each in self.inputs if each.kind == "label"}
        for name, table in tables.items():
            if name in labels:
                errors.arrays[name] = {place: int(value) for place, value in table.items()}
            else:
                errors.arrays[name] = {place: errors.kind(value) for place, value in table.items()}
        for name, table in saved.items():
            rounded = {place: float(value) for place, value in table.items()}
            errors.arrays[name] = {place: errors.kind(each, abs(each) + errors.kind.tiny) for place, each in rounded.items()}
        errors.arrays[WEIGHT] = {(): errors.kind(float(weight), float(weight))}
        return errors

    def _table(self, result: Result, part: Any, trial: Trial, reduction: str) -> dict[tuple[int, ...], float]:
        """What the function returned, by the place of each letter of the result."""
        import numpy as np

        sizes = [trial.sizes[axis] for axis in result.axes]
        array = np.asarray(part)
        if result.is_loss and reduction != "none":
            shape: tuple[int, ...] = ()
            sizes = []
        else:
            shape = tuple(math.prod(sizes[number] for number in group) for group in result.groups)
        if array.shape != shape:
            raise _ShapeError(f"{result.shown}: expected shape {shape}, found {array.shape}")
        return dict(np.ndenumerate(array.reshape(sizes)))

    def _reference(
        self, result: Result, oracle: Oracle, place: tuple[int, ...], reduction: str, weight: Fraction, trial: Trial
    ) -> Any:
        if result.is_loss and reduction != "none":
            index = result.indices[0]
            total = sum(oracle.evaluate(result.meaning, {index: row}) for row in range(trial.sizes[index.axis]))
            return total * fifty_digits().from_fraction(weight)
        return oracle.evaluate(result.meaning, dict(zip(result.indices, place, strict=True)))

    def _bound(
        self, result: Result, errors: ErrorOracle, place: tuple[int, ...], reduction: str, trial: Trial
    ) -> float:
        if result.is_loss and reduction != "none":
            index = result.indices[0]
            rows = [errors.entry(result.name, (row,)) for row in range(trial.sizes[index.axis])]
            total = errors._fold(lambda a, b: a + b, 0, rows)
            error: float = (total * errors.arrays[WEIGHT][()]).error
            return error
        return float(errors.entry(result.name, place).error)

    def _same_otherwise(
        self, function: Any, arrays: list[Any], parts: list[Any], trial: Trial, dtype: str,
        options: dict[str, Any], shown: str,
    ) -> Iterator[Check]:  # fmt: skip
        """The same bits with ``out`` given, and for one sample without its batch axis."""
        import numpy as np

        def judged(what: str, other: list[Any]) -> Check:
            same = all(
                np.array_equal(np.ravel(a), np.ravel(b), equal_nan=True) for a, b in zip(parts, other, strict=True)
            )
            detail = "" if same else f"{what} gives other values"
            return Check(self.spec.name, dtype, trial.sizes, f"{shown}, {what}", 0.0, 0.0, same, detail)

        outputs = [
            part for part, result in zip(parts, self.spec.results, strict=True) if result.shown != "losses"
        ]
        if outputs:
            outs = [np.full(np.shape(part), np.nan, dtype) for part in outputs]
            got = function(*arrays, **options, out=outs[0] if len(outs) == 1 else tuple(outs))
            filled = [*parts[: len(parts) - len(outs)], *outs]
            yield judged("out given", filled)
            del got
        if self.batch_axis and trial.sizes[self.batch_axis] == 1:
            alone = [
                array[0] if each.batched else array for array, each in zip(arrays, self.spec.arguments, strict=True)
            ]
            yield judged("one sample", _flat(function(*alone, **options), len(parts)))


class _ShapeError(ValueError):
    """A result of the wrong shape or dtype."""


def _flat(got: Any, count: int) -> list[Any]:
    """The results of a function in one list: a value and a gradient, or a tuple."""
    parts: list[Any] = []

    def collect(each: Any) -> None:
        if isinstance(each, tuple):
            for inner in each:
                collect(inner)
        else:
            parts.append(each)

    collect(got)
    if len(parts) != count:
        raise _ShapeError(f"expected {count} results, found {len(parts)}")
    return parts


def _chosen(places: list[tuple[int, ...]], entries: int) -> list[tuple[int, ...]]:
    """All places, or some that are spread over them."""
    if not entries or len(places) <= entries:
        return places
    step = len(places) / entries
    return [places[int(number * step)] for number in range(entries - 1)] + [places[-1]]


def _is_real(value: Any) -> bool:
    return not hasattr(value, "imag") or (value.imag == 0 and value == value and abs(value) < _HUGE**2)


def _error(got: float, reference: Any, largest: float) -> tuple[float, float]:
    """The absolute error and the size of the reference, as floats."""
    if abs(reference) > largest:  # out of the dtype's range: rounds to infinity
        right = math.isinf(got) and (got > 0) == (reference > 0)
        return (0.0 if right else math.inf), 1.0
    if not math.isfinite(got):
        return math.nan if math.isnan(got) else math.inf, float(abs(reference)) or 1.0
    return float(abs(reference - fifty_digits().from_fraction(Fraction(got)))), float(abs(reference))


def named_sums(definitions: Sequence[Definition]) -> tuple[Definition, ...]:
    """The same definitions with the sums in them named, so that the oracle evaluates each once."""
    made: list[Definition] = []

    def replaced(node: Expression, own: tuple[Index, ...], name: str) -> Expression:
        node = map_children(node, lambda child: replaced(child, own, name))
        if not isinstance(node, Sum):
            return node
        free = tuple(index for index in free_indices(node) if index in own)
        if len(free) != len(free_indices(node)):
            return node
        made.append(Definition(f"@sum {len(made)} of {name}", free, node))
        return Entry(made[-1].name, free)

    named = [Definition(each.name, each.indices, replaced(each.body, each.indices, each.name)) for each in definitions]
    return (*named, *made)


__all__ = ["Check", "Multiply", "all_letters", "named_sums", "rename", "verify", "verify_source"]
