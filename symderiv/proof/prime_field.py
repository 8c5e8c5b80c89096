"""Numbers modulo a large prime that know how large the polynomial behind them may be.

An equation between rational functions is tried at one random point modulo a prime. Two things could
make a false equation look true there, and each element carries the bound that rules one of them out:

- the point could be a root: by Schwartz and Zippel this has probability at most (degree / prime), so
  every element carries a bound of its numerator's total degree;
- the prime could divide every coefficient: it cannot where their sum of absolute values is below the
  prime, so every element carries a bound of that sum's binary logarithm, its `height`.

Square roots are adjoined: an element is then a combination of products of roots, and it is zero
only if every coefficient is, whichever sign each root has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import log2
from typing import TypeAlias

from symderiv.proof.expand import ProofError

#: Exponents of Mersenne primes 2^e - 1, the primes in use: a larger one where heights demand it.
PRIME_EXPONENTS = (521, 2203, 9689)
#: More adjoined square roots than this are given up: an element has 2^n coefficients.
MAX_ROOTS = 6

#: A residue, or residues by the set of roots (as bits) that each goes with.
Value: TypeAlias = "int | dict[int, int]"
#: What stands below the bar: a denominator's residue -> its exponent, degree and height.
_Below: TypeAlias = Mapping[int, tuple[int, int, float]]
_NOTHING: _Below = {}


class FieldError(ProofError):
    """Something that this arithmetic cannot do."""


class Undefined(FieldError):
    """A division by zero, whatever the point."""


@dataclass(frozen=True, slots=True)
class Element:
    """A residue with the bounds of the rational function that it is a value of.

    Attributes
    ----------
    value
        The residue; with square roots, residues by sets of roots.
    degree, height
        Bounds of the numerator: its total degree, and log2 of the sum of its absolute coefficients.
    below
        The denominators.
    """

    value: Value
    degree: int = 0
    height: float = 0.0
    below: _Below = field(default_factory=lambda: _NOTHING)

    def is_zero(self) -> bool:
        """Whether every coefficient is zero."""
        return not self.value if isinstance(self.value, int) else not any(self.value.values())

    def size(self) -> tuple[int, float]:
        """Bounds of degree and height of numerator and denominator together."""
        degree, height = self.degree, self.height
        for exponent, each, tall in self.below.values():
            degree += exponent * each
            height += exponent * tall
        return degree, height

    def key(self) -> tuple[tuple[int, int], ...]:
        """A key that is the same for equal values."""
        value = {0: self.value} if isinstance(self.value, int) else self.value
        return tuple(sorted((bits, each) for bits, each in value.items() if each))


class PrimeField:
    """Arithmetic modulo ``2^exponent - 1``, with square roots adjoined as they are asked for."""

    def __init__(self, exponent: int = PRIME_EXPONENTS[0]) -> None:
        self.exponent = exponent
        self.prime = (1 << exponent) - 1
        #: What each adjoined root is the root of.
        self._under: list[Value] = []
        self.zero = Element(0, 0, 0.0)
        self.one = Element(1, 0, 0.0)

    def number(self, value: Fraction) -> Element:
        """An exact number."""
        above, below = value.numerator, value.denominator
        height = log2(abs(above)) if above else 0.0
        if below == 1:
            return Element(above % self.prime, 0, height)
        if below % self.prime == 0:
            raise FieldError("a denominator is a multiple of the prime")
        residue = above * pow(below, -1, self.prime) % self.prime
        return Element(residue, 0, height, {below % self.prime: (1, 0, log2(below))})

    def variable(self, value: int) -> Element:
        """A variable, at a point."""
        return Element(value % self.prime, 1, 0.0)

    def add(self, parts: Iterable[Element]) -> Element:
        """A sum, over the common denominator."""
        terms = list(parts)
        if not terms:
            return self.zero
        if len(terms) == 1:
            return terms[0]
        value = self._plus([term.value for term in terms])
        if not any(term.below for term in terms):
            degree = max(term.degree for term in terms)
            height = max(term.height for term in terms) + log2(len(terms))
            return Element(value, degree, height)
        below: dict[int, tuple[int, int, float]] = {}
        for term in terms:
            for key, found in term.below.items():
                if key not in below or below[key][0] < found[0]:
                    below[key] = found
        full_degree = sum(exponent * degree for exponent, degree, _ in below.values())
        full_height = sum(exponent * height for exponent, _, height in below.values())
        degree, height = 0, 0.0
        for term in terms:
            own_degree, own_height = term.degree + full_degree, term.height + full_height
            for exponent, each, tall in term.below.values():
                own_degree -= exponent * each
                own_height -= exponent * tall
            degree, height = max(degree, own_degree), max(height, own_height)
        return Element(value, degree, height + log2(len(terms)), below)

    def multiply(self, parts: Iterable[Element]) -> Element:
        """A product."""
        value: Value = 1
        degree, height = 0, 0.0
        below: dict[int, tuple[int, int, float]] = {}
        for part in parts:
            value = self._times(value, part.value)
            degree += part.degree
            height += part.height
            for key, (exponent, each, tall) in part.below.items():
                known = below.get(key)
                below[key] = (exponent + (known[0] if known else 0), each, tall)
        return Element(value, degree, height, below or _NOTHING)

    def negate(self, element: Element) -> Element:
        """Minus an element."""
        return self.multiply([element, Element(self.prime - 1)])

    def power(self, element: Element, exponent: int) -> Element:
        """A whole power."""
        if exponent < 0:
            return self.power(self.inverse(element), -exponent)
        if isinstance(element.value, int):
            below = {key: (each * exponent, a, b) for key, (each, a, b) in element.below.items()}
            value = pow(element.value, exponent, self.prime)
            return Element(value, element.degree * exponent, element.height * exponent, below or _NOTHING)
        return self.multiply([element] * exponent)

    def inverse(self, element: Element) -> Element:
        """One over an element.

        Raises
        ------
        Undefined
            If the element is zero, were it for some signs of the roots only.
        """
        if element.is_zero():
            raise Undefined("a division by zero")
        degree, height = 0, 0.0
        above: Value = 1
        for key, (exponent, each, tall) in element.below.items():
            above = self._times(above, pow(key, exponent, self.prime))
            degree += exponent * each
            height += exponent * tall
        numerator = self._times(element.value, above)
        if isinstance(numerator, int):
            value = self._times(above, pow(numerator, -1, self.prime))
            return Element(value, degree, height, {numerator: (1, element.degree, element.height)})
        # The norm is the product over all signs of the roots, the rest of it the inverse's numerator.
        norm, rest = self._norm(numerator)
        if not norm:
            raise Undefined("a denominator that is zero for some signs of a square root")
        signs = 1 << max(bits.bit_length() for bits in numerator)
        value = self._times(self._times(above, rest), pow(norm, -1, self.prime))
        spread = (signs - 1) * element.degree, (signs - 1) * (element.height + 1)
        below = {norm: (1, signs * element.degree, signs * (element.height + 1))}
        return Element(value, degree + spread[0], height + spread[1], below)

    def new_root(self, under: Element) -> Element:
        """A square root of an element, adjoined; its sign is left open.

        Raises
        ------
        FieldError
            If there are too many roots.
        """
        if len(self._under) >= MAX_ROOTS:
            raise FieldError(f"more than {MAX_ROOTS} square roots")
        # √(N/M) = √(NM)/M, and the product of two roots is no larger than what is under them.
        below = 1
        for key, (exponent, _, _) in under.below.items():
            below = below * pow(key, exponent, self.prime) % self.prime
        self._under.append(self._times(under.value, below * below % self.prime))
        root: Value = {1 << (len(self._under) - 1): pow(below, -1, self.prime)}
        degree, height = under.size()
        return Element(root, (degree + 1) // 2, height / 2, under.below)

    def _plus(self, values: list[Value]) -> Value:
        if all(isinstance(value, int) for value in values):
            return sum(values) % self.prime  # type: ignore[arg-type]
        result: dict[int, int] = {}
        for value in values:
            for bits, each in ({0: value} if isinstance(value, int) else value).items():
                result[bits] = (result.get(bits, 0) + each) % self.prime
        return self._plain(result)

    def _times(self, left: Value, right: Value) -> Value:
        if isinstance(left, int) and isinstance(right, int):
            return left * right % self.prime
        total: Value = 0
        for bits, a in ({0: left} if isinstance(left, int) else left).items():
            for other, b in ({0: right} if isinstance(right, int) else right).items():
                product = a * b % self.prime
                if not product:
                    continue
                part: Value = {bits ^ other: product} if bits ^ other else product
                shared, place = bits & other, 0
                while shared:
                    if shared & 1:
                        part = self._times(part, self._under[place])
                    shared >>= 1
                    place += 1
                total = self._plus([total, part])
        return total

    def _plain(self, value: dict[int, int]) -> Value:
        kept = {bits: each for bits, each in value.items() if each}
        if not kept:
            return 0
        return kept[0] if kept.keys() == {0} else kept

    def _norm(self, value: Value) -> tuple[int, Value]:
        """The product of all conjugates, and of all but the first: value · rest = norm."""
        rest: Value = 1
        while not isinstance(value, int):
            top = 1 << (max(value).bit_length() - 1)
            conjugate = {bits: (-each if bits & top else each) % self.prime for bits, each in value.items()}
            rest = self._times(rest, conjugate)
            value = self._times(value, conjugate)
        return value, rest
