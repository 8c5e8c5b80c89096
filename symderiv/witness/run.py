"""One assignment of labels: SymPy differentiates each entry, the field compares and names it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from symderiv.calculus.derivation import Derivation
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Derivative, Expression, Index
from symderiv.expression.traverse import walk
from symderiv.notation.sympy_bridge import BridgeError, Expander
from symderiv.problem import Assumption
from symderiv.witness.field import Field, FieldError
from symderiv.witness.laurent import (
    NotSingleError,
    Polynomial,
    generators_in,
    scale,
    substitute,
    subtract,
)
from symderiv.witness.names import Names

Place = tuple[int, ...]
#: More entries of one definition than this are not offered as names: rewriting would be slow.
MOST_NAMES = 1024


class Run:
    """Entries of one derivation for given sizes and labels.

    The derivative comes from SymPy alone: `entry` asks it to differentiate the expression written
    out in the inputs. The derivation's result is written out by the same bridge, which only spells
    (it applies no law of the calculus), and is subtracted in the field.
    """

    def __init__(
        self,
        derivation: Derivation,
        sizes: Mapping[str, int],
        labels: Mapping[str, Mapping[Place, int]],
        field: Field,
    ) -> None:
        self.derivation, self.field = derivation, field
        problem = derivation.problem
        self.kept = {
            entry.array
            for part in _derivatives(derivation.start)
            for entry in part.by
            if problem.definition(entry.array)
        }
        self.expander = Expander(problem, sizes, labels, self.kept)
        self.values = self._definitions(factored=False)
        self._factors = self._definitions(factored=True)
        self.assumed = derivation.assumed_result is not None
        self.zeros: list[Polynomial] = []
        self.under: dict[int, Polynomial] = {}
        if self.assumed:
            for assumption in derivation.assumptions:
                self._assume(assumption)
        self._names: list[Names] | None = None
        self._known = -1
        self._back = {
            generator: value
            for name, value in self.values.items()
            for ((generator, _),) in self.field.entry(*name)
        }

    def _definitions(self, factored: bool) -> dict[tuple[str, Place], Polynomial]:
        values: dict[tuple[str, Place], Polynomial] = {}
        for definition in self.derivation.problem.definitions:
            spots = self.expander.spots(definition.name)
            if definition.name in self.kept or len(spots) > MOST_NAMES:
                continue
            try:
                for spot in spots:
                    value = self.expander.entry(definition.name, spot)
                    values[definition.name, spot] = self.field.convert(value, self.expander.entries, factored)
            except (BridgeError, FieldError):
                # A definition that the derivative does not need may have no explicit form.
                continue
        return values

    def element(self, node: Expression, places: Mapping[Index, int]) -> Polynomial:
        """`node` at given places as an element; derivatives in it are SymPy's."""
        return self.field.convert(self.expander.expression(node, places), self.expander.entries)

    def _assume(self, assumption: Assumption) -> None:
        letters = dict.fromkeys((*free_indices(assumption.left), *free_indices(assumption.right)))
        for place in every_place(tuple(letters), self.expander.sizes):
            zero = subtract(self.element(assumption.left, place), self.element(assumption.right, place))
            zero = substitute(zero, self.under)
            if self.field.is_zero(zero):
                continue
            self.zeros.append(zero)
            number, solution = self._solved(zero)
            latest = {number: solution}
            self.under = {each: substitute(value, latest) for each, value in self.under.items()} | latest

    def _solved(self, zero: Polynomial) -> tuple[int, Polynomial]:
        """The last input that stands alone in one term: t_K = 1 − Σ others."""
        for number in sorted(generators_in(zero), reverse=True):
            alone = ((number, 1),)
            others = [monomial for monomial in zero if any(each == number for each, _ in monomial)]
            if others == [alone] and self.field.generators[number].kind == "entry":
                rest = {monomial: value for monomial, value in zero.items() if monomial != alone}
                return number, scale(rest, Fraction(-1) / zero[alone])
        raise FieldError("expected an assumption that can be solved for an input, such as sum(k, t[k]) == 1")

    def supposed(self, value: Polynomial) -> Polynomial:
        """`value` under the assumptions."""
        try:
            return substitute(value, self.under)
        except NotSingleError:
            raise FieldError("the assumption is about an input that is divided by") from None

    def differences(
        self, slope: Polynomial, places: Mapping[Index, int]
    ) -> list[tuple[Expression, Polynomial]]:
        """The forms of the derivation that `slope` is not equal to, each with the difference."""
        wrong = []
        difference = subtract(slope, self.element(self.derivation.result, places))
        if not self.field.is_zero(difference):
            wrong.append((self.derivation.result, difference))
        assumed = self.derivation.assumed_result
        if assumed is not None:
            difference = self.supposed(subtract(slope, self.element(assumed, places)))
            if not self.field.is_zero(difference):
                wrong.append((assumed, difference))
        return wrong

    def named(self, slope: Polynomial, node: Expression, places: Mapping[Index, int]) -> Polynomial:
        """`slope`, which is `node` at `places`, in the problem's own names; the shortest that is exact."""
        if self._names is None or self._known != len(self.field.generators):
            # A name may be solved for a generator, so new generators need new names.
            self._names = [
                Names(self.field, self.values, self.zeros),
                Names(self.field, self.values, self.zeros, "logs"),
                Names(self.field, self._factors, self.zeros, "inputs"),
            ]
            self._known = len(self.field.generators)
        plain, logs, inputs = self._names
        candidates = self._rewritten(plain, slope)
        if not candidates or len(candidates[0]) > 2 or not generators_in(candidates[0]) <= self._back.keys():
            written = self.expander.expression(node, places)
            factors = self.field.convert(written, self.expander.entries, factored=True)
            candidates += [*self._rewritten(logs, slope), *self._rewritten(inputs, factors)]
        for candidate in sorted(candidates, key=self._length):
            if self._spells(candidate, slope):
                return candidate
        return slope

    def _rewritten(self, names: Names, value: Polynomial) -> list[Polynomial]:
        try:
            return [names.rewrite(value)]
        except NotSingleError:
            return []

    def _length(self, value: Polynomial) -> tuple[int, int, int]:
        """How long an element is to read: what has no name, then its terms, then their factors."""
        unnamed = sum(self.field.generators[each].kind in ("exp", "sum") for each in generators_in(value))
        factors = sum(abs(exponent) for monomial in value for _, exponent in monomial)
        return unnamed, len(value), factors

    def _spells(self, named: Polynomial, slope: Polynomial) -> bool:
        """Whether names replaced by what they stand for give `slope` back (exact)."""
        try:
            return self.field.is_zero(self.supposed(subtract(self.inputs_only(named), slope)))
        except FieldError:
            return False

    def inputs_only(self, named: Polynomial) -> Polynomial:
        """An element with every name replaced by its value."""
        values: dict[int, Polynomial] = {}
        for number in generators_in(named):
            made = self.field.generators[number]
            if number in self._back:
                lowest = min(dict(monomial).get(number, 0) for monomial in named)
                value = self._back[number]
                values[number] = self.field.single(value) if lowest < 0 else value
            elif made.kind == "log" and not generators_in(made.content).isdisjoint(self._back):
                values[number] = self.field.logarithm(self.inputs_only(made.content))
        return substitute(named, values)


def _derivatives(node: Expression) -> list[Derivative]:
    return [part for _, part in walk(node) if isinstance(part, Derivative)]


def every_place(letters: tuple[Index, ...], sizes: Mapping[str, int]) -> list[dict[Index, int]]:
    """Every assignment of places, from 0, to letters; the last letter moves fastest."""
    ranges = [range(sizes[letter.axis]) for letter in letters]
    return [dict(zip(letters, place, strict=True)) for place in product(*ranges)]
