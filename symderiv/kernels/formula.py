"""Printing one formula in Python's notation: precedence, signs, quotients, numbers.

What differs between targets (an entry, a condition, a literal, a function) is asked of the target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction

from symderiv.expression.construct import coefficient_and_rest, factors_of, multiply, power
from symderiv.expression.nodes import (
    Add,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Position,
    Power,
    Shift,
    Size,
    Where,
)
from symderiv.expression.traverse import children
from symderiv.kernels.errors import KernelError

#: How tightly an operator binds, as in Python.
CONDITIONAL, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)
#: Whole powers up to this one are multiplied out where the base is short.
MULTIPLIED_OUT = 3

#: A longer assignment of a sum is broken into lines.
MAX_LINE = 90

Piece = tuple[str, int]


def shifted_place(shift: Shift, place: Callable[[IndexTerm], str]) -> str:
    """A shifted place, counted from 0 as all that `place` gives, where the formula counts from 1."""
    text = ""
    for count, term in shift.terms:
        size = place(term) if abs(count) == 1 else f"{abs(count)} * {place(term)}"
        sign = "-" if count < 0 else "+"
        text += f" {sign} {size}" if text else size if count > 0 else f"-{size}"
    number = shift.offset - 1 + sum(count for count, _ in shift.terms)
    if not text:
        return str(number)
    return text if not number else f"{text} {'-' if number < 0 else '+'} {abs(number)}"


class Formula(ABC):
    """Prints formulas without sums for one target."""

    @abstractmethod
    def letter(self, index: Index) -> str:
        """The places, from 0, that a letter stands for."""

    def place(self, term: IndexTerm) -> str:
        """The place, from 0, that an index term stands for."""
        match term:
            case Index():
                return self.letter(term)
            case Position(value, _):
                return str(value - 1)
            case Shift():
                return shifted_place(term, self.place)
            case Entry():
                return self.label(term)

    def label(self, node: Entry) -> str:
        """The value of a label, where it is a place."""
        return self.entry(node)

    @abstractmethod
    def entry(self, node: Entry) -> str:
        """One entry, or the whole array aligned with the others."""

    @abstractmethod
    def delta(self, node: Delta) -> str:
        """1 or 0, by a comparison of places, in the arrays' dtype."""

    @abstractmethod
    def size(self, axis: str) -> str:
        """The number of places of an axis."""

    @abstractmethod
    def literal(self, value: Fraction) -> Piece:
        """A number that must not change the dtype of what it is combined with."""

    @abstractmethod
    def function(self, name: str, arguments: list[str]) -> Piece:
        """A scalar function of printed arguments."""

    @abstractmethod
    def where(self, condition: Compare, then: str, otherwise: str) -> Piece:
        """A choice between two values."""

    @abstractmethod
    def constant(self, node: Expression, text: str) -> Piece:
        """A formula without any array in it, such as sqrt(2 / pi)."""

    def text(self, node: Expression, at_least: int = CONDITIONAL) -> str:
        """`node` printed, in parentheses where it binds less tightly than `at_least`."""
        text, strength = self.piece(node)
        return f"({text})" if strength < at_least else text

    def assigned(self, target: str, node: Expression) -> list[str]:
        """The lines of an assignment; a long sum has a line for each term."""
        line = f"{target} = {self.text(node)}"
        if len(line) <= MAX_LINE or not isinstance(node, Add):
            return [line]
        first, *others = self.ordered(node.terms)
        lines = [f"    {self.text(first, SUM)}"]
        for term in others:
            coefficient, rest = coefficient_and_rest(term)
            sign, each = ("-", multiply(Number(-coefficient), rest)) if coefficient < 0 else ("+", term)
            lines.append(f"    {sign} {self.text(each, PRODUCT)}")
        return [f"{target} = (", *lines, ")"]

    def piece(self, node: Expression) -> Piece:
        """`node` printed, and how tightly it binds."""
        match node:
            case Number(value):
                return self.literal(value)
            case Size(axis):
                return self.size(axis), ATOM
            case Entry():
                return self.entry(node), ATOM
            case Delta():
                return self.delta(node), ATOM
            case Add(terms):
                return self._sum(terms)
            case Multiply(factors):
                flat = multiply(*factors)  # a product in a product: their numbers make one sign
                return self.product(flat) if isinstance(flat, Multiply) else self.piece(flat)
            case Power(base, exponent):
                return self._power(base, exponent, node)
            case Call(function, arguments):
                if is_constant(node) and function != "minus_infinity":
                    return self.constant(node, "")
                return self.function(function, [self.text(each) for each in arguments])
            case Where(condition, then, otherwise):
                return self.where(condition, self.text(then), self.text(otherwise))
            case _:
                raise KernelError(f"A {type(node).__name__.lower()} has no formula in a kernel.")

    def ordered(self, terms: tuple[Expression, ...]) -> list[Expression]:
        """A positive term first: "p - y" and not "-y + p"."""
        first = next((each for each in terms if coefficient_and_rest(each)[0] >= 0), terms[0])
        return [first, *(each for each in terms if each is not first)]

    def _sum(self, terms: tuple[Expression, ...]) -> Piece:
        first, *others = self.ordered(terms)
        text = self.text(first, SUM)
        for term in others:
            coefficient, rest = coefficient_and_rest(term)
            if coefficient < 0:
                text += f" - {self.text(multiply(Number(-coefficient), rest), PRODUCT)}"
            else:
                text += f" + {self.text(term, PRODUCT)}"
        return text, SUM

    def product(self, node: Multiply) -> Piece:
        """A product, or a quotient of products."""
        coefficient, rest = coefficient_and_rest(node)
        above: list[str] = []
        below: list[str] = []
        magnitude = abs(coefficient)
        if magnitude.numerator == 1 and not is_short(magnitude):
            below.append(self._literal(Fraction(magnitude.denominator)))
        elif magnitude != 1:  # one number: rounded once, and multiplied by
            above.append(self._literal(magnitude))
        for factor in factors_of(rest):
            if isinstance(factor, Number):
                continue
            if isinstance(factor, Power) and is_negative(factor.exponent):
                below.append(self.text(_inverse(factor), POWER))
            else:
                above.append(self.text(factor, PRODUCT if not above else SIGN))
        text = " * ".join(above) if above else self._literal(Fraction(1))
        if below:
            bottom = below[0] if len(below) == 1 else f"({' * '.join(below)})"
            text += f" / {bottom}"
        elif len(above) == 1 and coefficient > 0:
            return self.piece(rest) if rest != node else (text, PRODUCT)
        return (f"-{text}", PRODUCT) if coefficient < 0 else (text, PRODUCT)

    def _literal(self, value: Fraction) -> str:
        text, strength = self.literal(value)
        return text if strength == ATOM else f"({text})"

    def _power(self, base: Expression, exponent: Expression, node: Power) -> Piece:
        if is_negative(exponent):
            return f"{self._literal(Fraction(1))} / {self.text(_inverse(node), POWER)}", PRODUCT
        if exponent == Number(Fraction(1, 2)):
            return self.piece(Call("sqrt", (base,)))
        if is_constant(node):
            return self.constant(node, "")
        if isinstance(exponent, Number) and exponent.value.denominator == 1:
            whole = int(exponent.value)
            if isinstance(base, Entry) and whole <= MULTIPLIED_OUT:
                return " * ".join([self.text(base)] * whole), PRODUCT
            return self.whole_power(base, whole)
        return self.power(base, exponent)

    def whole_power(self, base: Expression, exponent: int) -> Piece:
        """A base to a whole power that is not multiplied out."""
        return f"{self.text(base, ATOM)} ** {exponent}", POWER

    def power(self, base: Expression, exponent: Expression) -> Piece:
        """A base to any other power."""
        return f"{self.text(base, ATOM)} ** {self.text(exponent, ATOM)}", POWER


def is_constant(node: Expression) -> bool:
    """Whether a formula has neither an array nor a place in it."""
    if isinstance(node, Entry | Delta | Where):
        return False
    return all(is_constant(child) for child in children(node))


def is_short(value: Fraction) -> bool:
    """Whether a number is exact in a few binary and decimal digits, such as 1/2."""
    return value.denominator in (1, 2, 4, 8)


def decimal(value: Fraction) -> str:
    """A fraction in Python: ``2``, ``0.5``, or ``1 / 3``."""
    if value.denominator == 1:
        return str(value.numerator)
    if is_short(value):
        return repr(value.numerator / value.denominator)
    return f"{value.numerator} / {value.denominator}"


def is_negative(exponent: Expression) -> bool:
    """Whether a power with this exponent is a divisor."""
    return coefficient_and_rest(exponent)[0] < 0


def divisor_of(node: Expression) -> Expression:
    """What stands below the line of a quotient; of a formula that is none, 1."""
    powers = [each for each in factors_of(node) if isinstance(each, Power)]
    return multiply(*(_inverse(each) for each in powers if is_negative(each.exponent)))


def _inverse(node: Power) -> Expression:
    return power(node.base, multiply(Number(Fraction(-1)), node.exponent))


def exact(value: Fraction) -> str:
    """A fraction as a Python expression that binds as tightly as a name."""
    if value.denominator == 1:
        return str(value.numerator) if value >= 0 else f"({value.numerator})"
    return f"({value.numerator} / {value.denominator})"
