"""Whether a rewrite left the value unchanged: both sides by the oracle, 50 digits, generic values.

This shares no code with the rewrites. It can only refute, but a rewrite that is wrong somewhere
agrees at several sizes of generic values to 40 digits with no practical chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    SYMMETRIC,
    Compare,
    Definition,
    Derivative,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Number,
    Shift,
)
from symderiv.expression.oracle import Arithmetic, Oracle, OracleError, multiprecision
from symderiv.expression.traverse import compared_places, walk
from symderiv.kernels.errors import KernelError

DIGITS_COMPARED = 40
_SIZES = (1, 2, 3)
#: Sizes at which a formula may have a value that has none at these: two labels of several have to be one.
_LARGER = (5, 8)
#: What generic values are multiplied by: the next one where a formula has no value, such as log(1 - x).
_SCALES = (Fraction(1), Fraction(1, 7), Fraction(-1, 7))


class KernelOracle(Oracle):
    """The oracle, with what only kernels know: log_ratio(u, m, l) = u - m - l, expm1, log_gamma, -inf .."""

    def _call(self, name: str, arguments: list[Any]) -> Any:
        if name == "log_ratio":
            u, m, log_s = arguments
            return u - m - log_s
        if name == "minus_infinity":
            return -self.arithmetic.from_fraction(Fraction(1)) * math.inf
        # The limits that kernels mean: of an empty sum the logarithm is -inf, and its exponential 0.
        if name == "exp" and arguments[0] == -math.inf:
            return self.arithmetic.from_fraction(Fraction(0))
        if name == "log" and arguments[0] == 0:
            return -self.arithmetic.from_fraction(Fraction(1)) * math.inf
        one = self.arithmetic.from_fraction(Fraction(1))
        if name == "expm1":
            return super()._call("exp", arguments) - one
        if name == "log_gamma":
            return super()._call("log", [super()._call("gamma", arguments)])
        if name == "erfc":
            return one - super()._call("erf", arguments)
        return super()._call(name, arguments)


@lru_cache(maxsize=1)
def fifty_digits() -> Arithmetic:
    """Arithmetic with 50 significant digits."""
    return multiprecision(50)


@lru_cache(maxsize=1)
def many_digits() -> Arithmetic:
    """Arithmetic in which exp(-2000), beside 1, still has 50 significant digits and more."""
    return multiprecision(1000)


def to_fifty_digits(value: Any) -> Any:
    """A number of any arithmetic, rounded to 50 digits."""
    return fifty_digits().from_fraction(Fraction(0)) + value


def generic_value(name: str, place: tuple[int, ...]) -> Fraction:
    """A positive rational that looks like no other, the same in every run."""
    mixed = 2166136261
    for part in (*name.encode(), 255, *place):
        mixed = (mixed ^ (part + 1)) * 16777619 % 2**32
    return Fraction(mixed % 9973 + 1, 4801)


class GenericTable(dict[tuple[int, ...], Any]):
    """Values of an array that is not given: generic ones, made where they are asked for.

    Where a formula asks whether an entry is some number, as of a mask, every other one is.
    """

    def __init__(
        self, name: str, label_size: int | None, scale: Fraction, meant: Fraction | None = None
    ) -> None:
        super().__init__()
        self._name, self._label_size, self._scale, self._meant = name, label_size, scale, meant

    def __missing__(self, place: tuple[int, ...]) -> Any:
        value = generic_value(self._name, place)
        if self._label_size is not None:
            self[place] = int(value.numerator) % self._label_size
        elif self._meant is not None and sum(place) % 2 == 0:
            self[place] = fifty_digits().from_fraction(self._meant)
        else:
            self[place] = fifty_digits().from_fraction(value * self._scale)
        return self[place]


@dataclass(frozen=True)
class _Inputs:
    """What arrays are given: by what their generic values are multiplied, numbers that are asked for, and
    which are given places, as labels are, since it is asked where two entries are equal.
    """

    scale: Fraction
    meant: Mapping[str, Fraction]
    places: Set[str]


def same_value(
    before: Expression,
    after: Expression,
    definitions_before: Mapping[str, Definition],
    definitions_after: Mapping[str, Definition],
) -> bool:
    """Whether `before` and `after` have the same value at generic values of all arrays.

    A place at which `before` has no value, such as a share of an empty sum, says nothing; but at one
    place of some size at least there must be values to compare.
    """
    return bool(_compared(before, after, definitions_before, definitions_after))


def demand_same_value(
    before: Expression,
    after: Expression,
    definitions_before: Mapping[str, Definition],
    definitions_after: Mapping[str, Definition],
) -> None:
    """Refuse a rewrite that changed the value, or that cannot be compared with what was given.

    Raises
    ------
    KernelError
        In one sentence.
    """
    found = _compared(before, after, definitions_before, definitions_after)
    if found is None:
        raise KernelError(
            "a rewrite for stability cannot be checked, since the formula has no value at any place of the "
            "sizes that were tried (a share of an empty sum has none, for example): not emitted"
        )
    if not found:
        raise KernelError("a rewrite for stability changed the value of an expression: not emitted")


def _compared(
    before: Expression,
    after: Expression,
    definitions_before: Mapping[str, Definition],
    definitions_after: Mapping[str, Definition],
) -> bool | None:
    """Whether both have the same value; None where there are no values to compare."""
    free = tuple(dict.fromkeys((*free_indices(before), *free_indices(after))))
    compared = False
    bodies = (before, *(definition.body for definition in definitions_before.values()))
    meant, places = numbers_asked_for(bodies), _places_asked_for(bodies)
    for scale, sizes in (*((scale, _SIZES) for scale in _SCALES), (_SCALES[0], _LARGER)):
        inputs = _Inputs(scale, meant, places)
        for number in sizes:
            wanted = _values(before, definitions_before, free, number, inputs)
            if all(each is None for each in wanted):
                continue
            found = _values(after, definitions_after, free, number, inputs)
            if not all(_agree(*pair) for pair in zip(wanted, found, strict=True) if pair[0] is not None):
                return False
            compared = True
        if compared:
            return True
    return None


def _values(
    node: Expression,
    definitions: Mapping[str, Definition],
    free: tuple[Index, ...],
    number: int,
    inputs: _Inputs,
) -> list[Any]:
    """The values at some places where all axes have `number` places; None where there is none."""
    oracle = _oracle(node, definitions, number, inputs)
    spots = list(product(*(range(oracle.size(index.axis)) for index in free)))
    found: list[Any] = []
    for spot in spots[:4] if number in _SIZES else spots[:: max(1, len(spots) // 16)]:
        try:
            found.append(oracle.evaluate(node, dict(zip(free, spot, strict=True))))
        except (ZeroDivisionError, OracleError):
            found.append(None)
    return found


def _agree(left: Any, right: Any) -> bool:
    """Whether two values are equal to 40 digits; an infinite one only to itself, NaN or none to nothing."""
    if right is None:
        return False
    if left == right:
        return True
    close = abs(left - right) <= Fraction(1, 10**DIGITS_COMPARED) * (1 + abs(left))
    return bool(close) and bool(abs(left) < math.inf)


def _oracle(
    node: Expression, definitions: Mapping[str, Definition], number: int, inputs: _Inputs
) -> KernelOracle:
    bodies = [node, *(definition.body for definition in definitions.values())]
    labels, arrays, axes = set(inputs.places), set[str](), dict[str, None]()

    def see(term: IndexTerm) -> None:
        if isinstance(term, Index):
            axes.setdefault(term.axis)
        elif isinstance(term, Entry):
            labels.add(term.array)
            for inner in term.indices:
                see(inner)
        elif isinstance(term, Shift):
            axes.setdefault(term.axis)
            for _, part in term.terms:
                see(part)

    for body in bodies:
        for _, part in walk(body):
            if isinstance(part, Entry):
                arrays.add(part.array)
                for term in part.indices:
                    see(term)
            elif hasattr(part, "index"):
                axes.setdefault(part.index.axis)
            elif hasattr(part, "axis"):
                axes.setdefault(part.axis)
            elif hasattr(part, "left") and hasattr(part, "right"):
                see(part.left)
                see(part.right)
            elif isinstance(part, Derivative):
                raise AssertionError("a kernel's trees have no derivatives left in them")
            for place in compared_places(getattr(part, "condition", None)):
                see(place)
    for definition in definitions.values():
        for index in definition.indices:
            axes.setdefault(index.axis)
    # Axes of one size all: a label may then point into any of them.
    sizes = dict.fromkeys(axes, number)
    given = {
        name: GenericTable(name, number if name in labels else None, inputs.scale, inputs.meant.get(name))
        for name in arrays | labels
        if name not in definitions
    }
    oracle = KernelOracle(sizes, {}, tuple(definitions.values()), None, fifty_digits())
    oracle.arrays = dict(given)
    return oracle


def numbers_asked_for(bodies: Iterable[Expression]) -> dict[str, Fraction]:
    """The arrays that conditions ask to be some number or not to be it, and the number."""
    found: dict[str, Fraction] = {}
    for condition in _equations(bodies):
        match condition:
            case Compare(_, Entry(name), Number(value)) | Compare(_, Number(value), Entry(name)):
                found[name] = value
    return found


def _places_asked_for(bodies: Iterable[Expression]) -> set[str]:
    """The arrays of which conditions ask whether two entries are equal."""
    found: set[str] = set()
    for condition in _equations(bodies):
        match condition:
            case Compare(_, Entry(name), Entry(other)):
                found |= {name, other}
    return found


def _equations(bodies: Iterable[Expression]) -> Iterator[Compare]:
    """The conditions that ask whether something is equal to something, or is not."""
    for body in bodies:
        for _, part in walk(body):
            condition = getattr(part, "condition", None)
            if condition is not None and condition.operator in SYMMETRIC:
                yield condition
