"""Explicit expressions as elements of a field of rational functions, one generator at a time.

Inputs are generators. So is each exponential, logarithm, root and other function value that occurs,
and so is each sum that is divided by: with s = Σ e^{z_k} a generator of its own, e^{z_i}/s is one term.
Every relation that makes an element of one generator out of smaller ones is kept; the zero test
uses them all. Logarithms and roots are taken of positive quantities, as the formulas mean them.
"""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from typing import Any

from symderiv.witness.generators import SQUARES, Generator, exact_root, frozen
from symderiv.witness.laurent import (
    Monomial,
    Polynomial,
    add,
    common_monomial,
    constant,
    generator,
    multiply,
    power,
    raised,
    scale,
    subtract,
)


class FieldError(ValueError):
    """An expression with no exact arithmetic here."""


class Field:
    """A growing field: see the module's text."""

    def __init__(self) -> None:
        self.generators: list[Generator] = []
        self._numbers: dict[Hashable, int] = {}
        #: Sums that are nowhere divided by, and have a generator only because they are a factor.
        self.loose: set[int] = set()
        self._factored = False
        #: The kinds of generator with an argument that could be spelled in another way.
        self._mixed: set[str] = set()
        self._roots: dict[Hashable, dict[int, Polynomial]] = {}
        self._memory: dict[Any, Polynomial] = {}
        # Arguments of exp in echelon form: a pivot, the row, and the row as a combination of generators.
        self._echelon: list[tuple[Monomial, Polynomial, dict[int, Fraction]]] = []
        self._entries: dict[Any, tuple[str, tuple[int, ...]]] = {}

    def number(self, key: Hashable, made: Generator) -> int:
        """The number of the generator with this key, made if it is new."""
        if key not in self._numbers:
            self._numbers[key] = len(self.generators)
            self.generators.append(made)
        return self._numbers[key]

    def entry(self, array: str, place: tuple[int, ...]) -> Polynomial:
        """The generator that stands for an entry."""
        return generator(self.number(("entry", array, place), Generator("entry", array, place)))

    def convert(
        self, expression: Any, entries: dict[Any, tuple[str, tuple[int, ...]]], factored: bool = False
    ) -> Polynomial:
        """A SymPy expression as an element; `entries` says which entry each symbol stands for.

        With `factored`, every sum that is a factor has a generator, so that it is not written out.
        """
        self._entries = entries
        self._factored = factored
        return self._convert(expression)

    def _convert(self, node: Any) -> Polynomial:
        key = (node, self._factored)
        if key not in self._memory:
            self._memory[key] = self._converted(node)
        return self._memory[key]

    def _converted(self, node: Any) -> Polynomial:
        if node.is_Rational:
            return constant(Fraction(int(node.p), int(node.q)))
        if node.is_Symbol:
            return self.entry(*self._entries[node])
        if node.is_Add:
            return add(self._convert(term) for term in node.args)
        if node.is_Mul:
            result = constant(1)
            for factor in node.args:
                result = multiply(result, self._factor(factor))
            return result
        if node.is_Pow:
            return self._power(node.args[0], node.args[1])
        name = node.func.__name__
        if name == "Pi":
            return generator(self.number("pi", Generator("pi", "pi", None)))
        if name == "Exp1":
            return self.exponential(constant(1))
        if name == "exp":
            return self.exponential(self._convert(node.args[0]))
        if name == "log":
            return self.logarithm(self._factor(node.args[0]))
        if name == "polygamma" and node.args[0] in (0, 1):
            return self.function(("digamma", "trigamma")[int(node.args[0])], self._convert(node.args[1]))
        if node.is_Function and len(node.args) == 1:
            return self.function(name, self._convert(node.args[0]))
        raise FieldError(f"expected rational functions, exp, log and roots, found {node}")

    def _factor(self, node: Any) -> Polynomial:
        """A factor: a sum that is divided by somewhere is taken as its generator, not written out."""
        value = self._convert(node)
        if len(value) > 1 and node.is_Add:
            coefficient, monomial, rest = self.normal(value)
            known = self.known_sum(rest)
            if known is None and self._factored:
                known = self.number(("sum", frozen(rest)), Generator("sum", "sum", rest))
                self.loose.add(known)
            if known is not None and (self._factored or known not in self.loose):
                return scale(generator(known), coefficient, monomial)
        return value

    def _power(self, base: Any, exponent: Any) -> Polynomial:
        if exponent.is_Integer:
            whole = int(exponent)
            value = self._factor(base)
            if whole > 0:
                return power(value, whole)
            self.loose -= {number for monomial in value for number, _ in monomial}
            return power(self.single(value), whole)
        if exponent.is_Rational:
            return power(self.root(self._factor(base), int(exponent.q)), int(exponent.p))
        return self.exponential(multiply(self._convert(exponent), self.logarithm(self._factor(base))))

    def normal(self, value: Polynomial) -> tuple[Fraction, Monomial, Polynomial]:
        """`value` as a number times a monomial times a sum without common factors."""
        monomial = common_monomial(value)
        rest = scale(value, 1, raised(monomial, -1))
        lead = Fraction(rest[min(rest)])
        return lead, monomial, scale(rest, 1 / lead)

    def known_sum(self, rest: Polynomial) -> int | None:
        """The generator of a sum in its normal form, if it has one."""
        return self._numbers.get(("sum", frozen(rest)))

    def single(self, value: Polynomial) -> Polynomial:
        """`value` as a single term, with a generator for its sum.

        Raises
        ------
        FieldError
            If it is zero.
        """
        if len(value) == 1:
            return value
        if not value or self.is_zero(value):
            raise FieldError("division by zero at these sizes")
        coefficient, monomial, rest = self.normal(value)
        number = self.number(("sum", frozen(rest)), Generator("sum", "sum", rest))
        self.loose.discard(number)
        return scale(generator(number), coefficient, monomial)

    def root(self, value: Polynomial, degree: int) -> Polynomial:
        """The positive root of a positive element."""
        if not value:
            raise FieldError("the root of zero has no derivative")
        # One spelling of what is under the root, so that one root has one generator.
        ((monomial, coefficient),) = self.single(value).items()
        result = constant(1)
        rest = []
        for number, exponent in monomial:
            # Only exponentials are known to be positive: √(x²) is |x|, not x.
            whole = exponent // degree if self.generators[number].kind == "exp" else 0
            result = multiply(result, generator(number, whole))
            if exponent != whole * degree:
                rest.append((number, exponent - whole * degree))
        exact = exact_root(Fraction(coefficient), degree)
        if exact is not None:
            result, coefficient = scale(result, exact), 1
        under: Polynomial = {tuple(rest): coefficient}
        if under == {(): 1}:
            return result
        return multiply(result, self._one_root(under, degree))

    def _one_root(self, under: Polynomial, degree: int) -> Polynomial:
        """The root of a single term that does not come apart; a fourth root is the root of a root."""
        known = self._roots.setdefault(frozen(under), {})
        for other, value in known.items():
            if other % degree == 0:
                return power(value, other // degree)
        content, left = under, degree
        for other, value in sorted(known.items()):
            if degree % other == 0:
                content, left = value, degree // other
        key = ("root", left, frozen(content))
        known[degree] = generator(self.number(key, Generator("root", "root", content, left)))
        return known[degree]

    def _settled(self, kind: str, argument: Polynomial) -> Polynomial:
        """`argument`, or the equal one of a generator of this kind that is spelled in another way."""
        kinds = {self.generators[number].kind for monomial in argument for number, _ in monomial}
        if kinds <= {"entry"} and kind not in self._mixed:
            return argument  # independent generators: equal only where spelled the same
        for made in self.generators:
            if made.kind == kind and self.is_zero(subtract(made.content, argument)):
                known: Polynomial = made.content
                return known
        if not kinds <= {"entry"}:
            self._mixed.add(kind)
        return argument

    def function(self, name: str, argument: Polynomial) -> Polynomial:
        """Another function of one argument, with a generator of its own."""
        if name == "Step" and argument:
            # Only the sign counts; step(−u) = 1 − step(u) away from the kink.
            lead = argument[min(argument)]
            argument = scale(argument, Fraction(1) / abs(Fraction(lead)))
            if lead < 0:
                return subtract(constant(1), self.function(name, scale(argument, -1)))
        argument = self._settled("function", argument)
        key = ("function", name, frozen(argument))
        return generator(self.number(key, Generator("function", name, argument)))

    def exponential(self, argument: Polynomial) -> Polynomial:
        """e to the argument: e^{a+b} = e^a e^b over a basis of the arguments seen, e^{log u} = u."""
        result = constant(1)
        rest: Polynomial = {}
        for monomial, coefficient in argument.items():
            whole = Fraction(coefficient).denominator == 1
            if len(monomial) == 1 and monomial[0][1] == 1 and whole:
                made = self.generators[monomial[0][0]]
                if made.kind == "log":
                    result = multiply(result, power(made.content, int(coefficient)))
                    continue
                if made.kind == "prime":
                    result = multiply(result, constant(Fraction(made.content) ** int(coefficient)))
                    continue
            rest[monomial] = coefficient
        return multiply(result, self._over_basis(rest)) if rest else result

    def _over_basis(self, argument: Polynomial) -> Polynomial:
        lead = argument[min(argument)]
        if lead < 0:
            argument = scale(self._settled("exp", scale(argument, -1)), -1)
        else:
            argument = self._settled("exp", argument)
        left = argument
        made: dict[int, Fraction] = {}
        for pivot, row, combination in self._echelon:
            if pivot in left:
                factor = Fraction(left[pivot])
                left = subtract(left, scale(row, factor))
                for number, share in combination.items():
                    made[number] = made.get(number, Fraction(0)) + factor * share
        if left:
            negative = argument[min(argument)] < 0
            base = scale(argument, -1) if negative else argument
            number = self.number(("exp", frozen(base)), Generator("exp", "exp", base))
            pivot = min(left)
            lead = Fraction(left[pivot])
            sign = -1 if negative else 1
            combination = {each: -share / lead for each, share in made.items()}
            combination[number] = combination.get(number, Fraction(0)) + sign / lead
            self._echelon.append((pivot, scale(left, 1 / lead), combination))
            return generator(number, sign)
        result = constant(1)
        for number, share in made.items():
            if share.denominator == 1:
                result = multiply(result, generator(number, int(share)))
            else:
                root = self.root(generator(number), share.denominator)
                result = multiply(result, power(root, share.numerator))
        return result

    def logarithm(self, value: Polynomial) -> Polynomial:
        """The logarithm of a positive element: of each factor by itself."""
        ((monomial, coefficient),) = self.single(value).items()
        if coefficient < 0:
            return self.function("log", value)
        parts = [self._log_of_number(Fraction(coefficient))]
        for number, exponent in monomial:
            made = self.generators[number]
            if made.kind == "exp":
                parts.append(scale(made.content, exponent))
            elif made.kind == "root":
                parts.append(scale(self.logarithm(made.content), Fraction(exponent, made.degree)))
            else:
                log = self.number(("log", number), Generator("log", "log", generator(number)))
                parts.append(scale(generator(log), exponent))
        return add(parts)

    def _log_of_number(self, value: Fraction) -> Polynomial:
        parts = []
        for whole, sign in ((value.numerator, 1), (value.denominator, -1)):
            divisor = 2
            while whole > 1:
                if divisor * divisor > whole:
                    divisor = whole
                if whole % divisor:
                    divisor += 1
                    continue
                number = self.number(("prime", divisor), Generator("prime", "log", divisor))
                parts.append(scale(generator(number), sign))
                whole //= divisor
        return add(parts)

    def relations(self) -> list[tuple[int, int, Polynomial]]:
        """Every relation: a generator, a power, and what that power is in smaller generators."""
        found = []
        for number, made in enumerate(self.generators):
            if made.kind in ("sum", "root"):
                found.append((number, made.degree, made.content))
            elif made.kind == "function" and made.name in SQUARES:
                partner, sign = SQUARES[made.name]
                other = self._numbers.get(("function", partner, frozen(made.content)))
                if other is not None:
                    squared = scale(generator(other, 2), sign)
                    found.append((number, 2, add((constant(1), squared))))
        return found

    def is_zero(self, value: Polynomial) -> bool:
        """Whether an element is zero, decided exactly in a polynomial ring of ``sympy.polys``."""
        if not value:
            return True
        from symderiv.notation.sympy_bridge import vanishes

        needed = {number for monomial in value for number, _ in monomial}
        relations = []
        for number, degree, content in sorted(self.relations(), key=lambda each: -each[0]):
            if number in needed:
                relations.append((number, degree, content))
                needed |= {each for monomial in content for each, _ in monomial}
        return vanishes(value, relations)
