"""What a function of an emitted module means, and how well floating point can do: its references and bounds.

The reference is the oracle's value of the *meaning* (derivatives still in it) at exactly the given
floats. An infinite exponent stands in it for -10^60, whose exponential is 0 in every respect, and a
weight of 0 beside it for 10^-200, so that the reference is the limit that is meant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

from symderiv.expression.nodes import Definition, Expression, Extremum, Product, Sum
from symderiv.expression.oracle import Arithmetic, Oracle, OracleError
from symderiv.expression.traverse import children
from symderiv.kernels.accuracy import ErrorOracle
from symderiv.kernels.function_spec import EPSILON, WEIGHT, Argument, FunctionSpec, Result
from symderiv.kernels.lowering import Lowered, lower_function
from symderiv.kernels.named_parts import named_parts
from symderiv.kernels.rewrite_check import KernelOracle, fifty_digits, many_digits, to_fifty_digits
from symderiv.kernels.sharing_oracle import SharingOracle
from symderiv.kernels.trials import SATURATED, SOME_INFINITE, Place, Table, Trial
from symderiv.problem import Problem

_MINUS_INFINITY = Fraction(-(10**60))
_ALMOST_ZERO = Fraction(1, 10**200)


def digits_of(trial: Trial) -> Arithmetic:
    """What a reference is worked out in: where 1 - sigmoid(1e3) is looked at, its digits count."""
    return many_digits() if trial.kind in SATURATED else fifty_digits()


class Meaning:
    """The references of one function's results, and the bounds on their rounding errors.

    Parameters
    ----------
    problem, spec
        The problem of one sample, and one of its functions.
    errors
        The errors of the functions that the target's modules bring along.
    sizes
        The sizes of axes that the module was emitted for.
    """

    def __init__(
        self,
        problem: Problem,
        spec: FunctionSpec,
        errors: Mapping[str, float],
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        self.spec, self.errors = spec, errors
        self.lowered: Lowered = lower_function(spec, sizes or {})
        self.batched = problem.batch()
        moved = {
            each.name
            for each in problem.inputs
            if self.batched.axes_of(each.name) != problem.axes_of(each.name)
        }
        #: All inputs of the problem: the meaning of a function of saved values starts from them.
        self.inputs = [
            Argument(
                each.name, each.axes, "label" if each.label_of else "real", "input",
                each.name in moved, each.label_of or "",
            )
            for each in self.batched.inputs
        ]  # fmt: skip
        self.labels = frozenset(each.name for each in self.inputs if each.kind == "label")
        meanings = [Definition(each.name, each.indices, each.meaning) for each in spec.results]
        named = named_parts((*meanings, *spec.meaning_definitions))
        self._meanings = {each.name: each.body for each in named[: len(meanings)]}
        self._meaning_definitions = named[len(meanings) :]
        self._forward_definitions = named_parts(self.batched.definitions)
        self._made: tuple[Mapping[str, Table], str, Fraction | None, dict[str, dict[Place, Any]]]
        self._made = {}, "", None, {}

    def letters_of(self, axis: str) -> int:
        """How many letters of an axis a sum in the problem's definitions has around it and of its own."""
        return max(
            (
                _nested(each.body, axis, sum(index.axis == axis for index in each.indices))
                for each in self._forward_definitions
            ),
            default=1,
        )

    def forward(self, tables: Mapping[str, Table], trial: Trial, *, limits: bool = False) -> Oracle:
        """The problem's definitions at these inputs.

        With `limits`, -inf and 0 are exactly that: exp(-inf) is 0 and log 0 is -inf there, 0 times
        anything is 0, and a division by it has no value.
        """
        arrays = self._arrays(tables, trial, None if limits else _ALMOST_ZERO)
        kind = _Limits if limits else Oracle
        return kind(trial.sizes, arrays, self._forward_definitions, None, digits_of(trial))

    def exact(
        self,
        tables: Mapping[str, Table],
        trial: Trial,
        weight: Fraction = Fraction(1),
        zero: Fraction = _ALMOST_ZERO,
    ) -> Oracle:
        """What the meanings are evaluated with."""
        arrays = self._arrays(tables, trial, zero)
        for name, of in self.spec.moved.items():
            arrays[name] = arrays[of]
        for of in self.spec.moved.values():
            del arrays[of]
        number = digits_of(trial).from_fraction
        arrays[WEIGHT] = {(): number(weight)}
        arrays[EPSILON] = {(): number(Fraction(0))}
        return SharingOracle(trial.sizes, arrays, self._meaning_definitions, None, digits_of(trial))

    def _arrays(
        self, tables: Mapping[str, Table], trial: Trial, zero: Fraction | None
    ) -> dict[str, dict[Place, Any]]:
        """The exact numbers that the floats stand for, `zero` for a weight of 0 beside -inf.

        Those of the last inputs are kept, for they are asked for again and are many.
        """
        known, kind, last, found = self._made
        if known is not tables or (kind, last) != (trial.kind, zero):
            found = self._exactly(tables, trial, zero)
            self._made = tables, trial.kind, zero, found
        return dict(found)

    def _exactly(
        self, tables: Mapping[str, Table], trial: Trial, zero: Fraction | None
    ) -> dict[str, dict[Place, Any]]:
        number = digits_of(trial).from_fraction
        one = number(Fraction(1))
        infinity = number(_MINUS_INFINITY) if zero is not None else -one * math.inf
        nothing = number(zero if zero is not None and trial.kind == SOME_INFINITE else Fraction(0))

        # A float has fewer digits than these numbers, so that the product is exact.
        def exactly(value: float) -> Any:
            return infinity if value == -math.inf else one * value if value else nothing

        return {
            name: {
                place: int(value) if name in self.labels else exactly(value) for place, value in table.items()
            }
            for name, table in tables.items()
        }

    def reference(
        self, result: Result, oracle: Oracle, place: Place, reduction: str, samples: Sequence[int]
    ) -> Any:
        """The value of an entry; of a loss that is reduced, the sum over the samples times the weight.

        Where the problem itself reduces the losses, that is what the result means.
        """
        if result.is_loss and self.spec.reduced:
            return to_fifty_digits(oracle.evaluate(self._meanings[result.name], {}))
        if result.is_loss and reduction != "none":
            index = result.indices[0]
            rows = (oracle.evaluate(self._meanings[result.name], {index: row}) for row in samples)
            weight = Fraction(1, len(samples)) if reduction == "mean" else Fraction(1)
            return to_fifty_digits(sum(rows)) * fifty_digits().from_fraction(weight)
        return to_fifty_digits(
            oracle.evaluate(self._meanings[result.name], dict(zip(result.indices, place, strict=True)))
        )

    def rounding(
        self,
        tables: Mapping[str, Table],
        saved: Mapping[str, Mapping[Place, Any]],
        trial: Trial,
        dtype: str,
        weight: Fraction,
    ) -> ErrorOracle:
        """What bounds the rounding errors."""
        results = (Definition(each.name, each.indices, each.tree) for each in self.lowered.trees)
        definitions = named_parts((*self.lowered.definitions.values(), *results))
        errors = ErrorOracle(trial.sizes, {}, definitions, dtype, self.errors)
        for name, table in tables.items():
            if name in self.labels:
                errors.arrays[name] = {place: int(value) for place, value in table.items()}
            else:
                errors.arrays[name] = {place: errors.kind(value) for place, value in table.items()}
        for name, values in saved.items():
            rounded = {place: float(value) for place, value in values.items()}
            errors.arrays[name] = {
                place: errors.kind(each, abs(each) + errors.kind.tiny) for place, each in rounded.items()
            }
        errors.arrays[WEIGHT] = {(): errors.kind(float(weight), float(weight))}
        return errors

    def bound(self, result: Result, errors: ErrorOracle, place: Place, reduction: str, batch: int) -> float:
        """How far off an entry may be, in eps; infinite where no bound is known.

        None is known where the analysis meets a number that it has no value for, as a logarithm of what may
        be negative within its error.
        """
        try:
            if result.is_loss and reduction != "none":
                total = errors.total([errors.entry(result.name, (row,)) for row in range(batch)])
                return float((total * errors.arrays[WEIGHT][()]).error)
            return float(errors.entry(result.name, place).error)
        except OracleError:
            raise
        except (ArithmeticError, ValueError):
            return math.inf


def _nested(node: Expression, axis: str, around: int) -> int:
    """How many letters of an axis the innermost sum or product of a formula has, with those `around` it."""
    if isinstance(node, Sum | Product | Extremum):
        around += node.index.axis == axis
    return max((around, *(_nested(child, axis, around) for child in children(node))))


class _Limits(KernelOracle):
    """What a weight of 0 is held against: log 0 is -inf, 0 times anything is 0, 1 / 0 has no value."""

    def _fold(self, operation: Any, start: Literal[0, 1], values: list[Any]) -> Any:
        if start == 1 and any(value == 0 for value in values):
            return self.arithmetic.from_fraction(Fraction(0))
        return super()._fold(operation, start, values)


__all__ = ["Meaning", "digits_of"]
