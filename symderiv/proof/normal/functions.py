"""Function values: exponentials of sums and logarithms of products taken apart, others by these."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from typing import TypeGuard

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import add, factors_of, multiply, negate, number, power
from symderiv.expression.functions import PI, call
from symderiv.expression.nodes import MINUS_ONE, ONE, Call, Delta, Expression, Number, Product, Size, Sum
from symderiv.proof.expand import ProofError
from symderiv.proof.normal.conditions import Conditions
from symderiv.proof.normal.polynomial import Polynomial, content, monomial_key, primes, tree_of
from symderiv.proof.normal.signs import is_not_negative
from symderiv.proof.places import is_bound

#: Squares of at most three terms are recognised under a root.
MAX_SQUARE = 6


class Functions(Conditions):
    """How function values become polynomials."""

    def call(self, node: Call) -> Polynomial:
        """The value of a function."""
        name, arguments = node.function, node.arguments
        if name in ("max", "min") and len(arguments) == 2:
            return self._larger(name, *map(self.polynomial, arguments))
        if len(arguments) != 1:
            return self.atom(Call(name, tuple(self.of(argument) for argument in arguments)))
        written = by_exponentials(name, arguments[0])
        if written is not None:
            return self.polynomial(written)
        if name == "log" and any(map(_is_absolute, factors_of(arguments[0]))):
            return self._logarithm_of_absolutes(factors_of(arguments[0]))
        inner = self.polynomial(arguments[0])
        if name == "step":
            return self.is_positive_there(inner)
        if name == "sign":
            return self.sign(inner)
        if name == "abs":
            return self.product(self.sign(inner), inner)
        if name == "exp":
            return self._exponential(inner)
        if name == "log":
            return self._logarithm(inner)
        if name == "sqrt":
            return self._root_of(inner)
        return self.atom(Call(name, (tree_of(inner),)))

    def _larger(self, name: str, left: Polynomial, right: Polynomial) -> Polynomial:
        """max(a, b) = b + [a > b] (a - b), and min(a, b) = a - [a > b] (a - b)."""
        difference = self.sum([left, {each: -number for each, number in right.items()}])
        step = self.product(self.is_positive_there(difference), difference)
        if name == "max":
            return self.sum([right, step])
        return self.sum([left, {each: -number for each, number in step.items()}])

    def _root_of(self, inner: Polynomial) -> Polynomial:
        """√u, and |v| where u is v²."""
        if len(inner) == 1:
            return self._root(inner)
        base = self._square_root(inner)
        return (
            self.atom(call("sqrt", tree_of(inner))) if base is None else self.product(self.sign(base), base)
        )

    def _square_root(self, value: Polynomial) -> Polynomial | None:
        """The v that a polynomial is the square of, found among the roots of its terms; None without one."""
        if not 2 < len(value) <= MAX_SQUARE:
            return None
        ends = [
            ({tuple((atom, each / 2) for atom, each in monomial): _rational_root(number)}, number)
            for monomial, number in sorted(value.items(), key=lambda term: monomial_key(term[0]))
            if number > 0 and _rational_root(number) and all(each % 2 == 0 for _, each in monomial)
        ]
        found: list[Polynomial] = [{}]
        for root, _ in ends[:3]:
            found = [
                self.sum([each, {key: sign * number for key, number in root.items()}])
                for each in found
                for sign in ((1, -1) if each else (1,))
            ]
        return next((each for each in found if self.product(each, each) == value), None)

    def _root(self, inner: Polynomial) -> Polynomial:
        """√(a b) = √a √b where a is a positive constant, √u² = |u|; a number comes out by its primes."""
        ((monomial, coefficient),) = inner.items()
        if coefficient <= 0:
            return self.atom(call("sqrt", tree_of(inner)))
        apart = [(atom, each) for atom, each in monomial if isinstance(atom, Size) or atom == PI]
        squared = [pair for pair in monomial if pair not in apart and pair[1] % 2 == 0]
        rest = {tuple(pair for pair in monomial if pair not in (*apart, *squared)): Fraction(1)}
        number = coefficient.numerator * coefficient.denominator
        result: Polynomial = {(): Fraction(1, coefficient.denominator)}
        for prime, power_of_it in primes(number):
            root = self.monomial(
                [(call("sqrt", Number(Fraction(prime))), Fraction(power_of_it))], Fraction(1)
            )
            result = self.product(result, root)
        for atom, each in squared:
            half = self.monomial([(atom, each / 2)], Fraction(1))
            result = self.product(result, half)
            if each / 2 % 2 and not is_not_negative(atom):
                result = self.product(result, self.sign({((atom, Fraction(1)),): Fraction(1)}))
        for atom, each in apart:
            result = self.product(result, self.monomial([(call("sqrt", atom), each)], Fraction(1)))
        return result if rest == {(): 1} else self.product(result, self.atom(call("sqrt", tree_of(rest))))

    def _exponential(self, inner: Polynomial) -> Polynomial:
        """e^{a + b} = e^a e^b, e^{n u} = (e^u)^n, e^{log u} = u, e^{Σ log u_k} = Π u_k."""
        result: Polynomial = {(): Fraction(1)}
        for monomial, coefficient in inner.items():
            atoms = [atom for atom, _ in monomial]
            if len(monomial) == 1 and monomial[0][1] == 1:
                atom = atoms[0]
                if isinstance(atom, Call) and atom.function == "log" and coefficient.denominator == 1:
                    result = self.product(result, self.power(atom.arguments[0], coefficient))
                    continue
                match atom:
                    case Sum(index, Call("log", (argument,)), None) if coefficient.denominator == 1:
                        result = self.product(result, self.power(Product(index, argument), coefficient))
                        continue
            unit = canonical(Call("exp", (tree_of({monomial: Fraction(1)}),)))
            result = self.product(result, self.monomial([(unit, coefficient)], Fraction(1)))
        return result

    def _logarithm(self, inner: Polynomial) -> Polynomial:
        """log(ab) = log a + log b, log u^n = n log u, log e^u = u, factors that all terms share in front.

        An even power is positive whatever the sign of its base, so log u^2 is 2 log u only where u is
        known to be positive; where it is not, log u^2 stays as it is.
        """
        if not inner:
            raise ProofError("a logarithm of zero")
        if all(coefficient < 0 for coefficient in inner.values()):
            return self.atom(call("log", tree_of(inner)))
        shared = content(inner)
        if len(inner) == 1:
            ((monomial, coefficient),) = inner.items()
            parts = [self._log_of_number(coefficient)]
            return self.sum([*parts, *(self._log_of_atom(atom, each) for atom, each in monomial)])
        divided = self.product(
            inner, self.monomial([(atom, -each) for atom, each in shared.items()], Fraction(1))
        )
        parts = [self._log_of_atom(atom, each) for atom, each in shared.items()]
        return self.sum([*parts, self.atom(call("log", tree_of(divided)))])

    def _logarithm_of_absolutes(self, factors: Sequence[Expression]) -> Polynomial:
        """log (a |u|) = log a + log u² / 2."""
        half = number(Fraction(1, 2))
        squares = [
            multiply(half, call("log", power(each.arguments[0], 2))) for each in factors if _is_absolute(each)
        ]
        rest = [each for each in factors if not _is_absolute(each)]
        return self.polynomial(add(*squares, call("log", multiply(*rest))))

    def _log_of_number(self, number: Fraction) -> Polynomial:
        """By the primes of a positive number, log 12 = 2 log 2 + log 3."""
        result: Polynomial = {}
        for part, sign in ((number.numerator, 1), (number.denominator, -1)):
            for prime, times in primes(part):
                atom = self.atom(call("log", Number(Fraction(prime))))
                result = self.sum([result, {each: value * times * sign for each, value in atom.items()}])
        return result

    def _log_of_atom(self, atom: Expression, exponent: Fraction) -> Polynomial:
        if exponent.denominator == 1 and exponent % 2 == 0 and not is_not_negative(atom):
            # log u^(2m) is m log u^2, whatever the sign of u.
            squared = canonical(call("log", power(atom, 2)))
            return self.monomial([(squared, Fraction(1))], exponent / 2)
        if isinstance(atom, Call) and atom.function == "exp":
            inner = self.polynomial(atom.arguments[0])
        elif isinstance(atom, Call) and atom.function == "sqrt":
            root = self._logarithm(self.polynomial(atom.arguments[0]))
            inner = {monomial: coefficient / 2 for monomial, coefficient in root.items()}
        elif isinstance(atom, Product) and atom.condition is None:
            inner = self.polynomial(Sum(atom.index, call("log", atom.body)))
        elif isinstance(atom, Delta):
            raise ProofError("a logarithm of a delta")
        elif is_bound(atom):
            raise ProofError("a logarithm of an entry that may be outside of its array")
        else:
            inner = self.monomial([(canonical(call("log", atom)), Fraction(1))], Fraction(1))
        return {monomial: coefficient * exponent for monomial, coefficient in inner.items()}


def by_exponentials(name: str, u: Expression) -> Expression | None:
    """The functions of the exponential family by e; those with a kink by their step."""
    up, down = call("exp", u), call("exp", multiply(MINUS_ONE, u))
    match name:
        case "sigmoid":
            return power(add(ONE, down), -1)
        case "softplus":
            return call("log", add(ONE, up))
        case "tanh":
            return multiply(add(up, negate(down)), power(add(up, down), -1))
        case "sinh":
            return multiply(number(Fraction(1, 2)), add(up, negate(down)))
        case "cosh":
            return multiply(number(Fraction(1, 2)), add(up, down))
        case "relu":
            return multiply(call("step", u), u)
        case _:
            return None


def _is_absolute(node: Expression) -> TypeGuard[Call]:
    return isinstance(node, Call) and node.function == "abs"


def _rational_root(number: Fraction) -> Fraction:
    """The root of a number that is the square of a fraction; else 0."""
    root = Fraction(isqrt(number.numerator), isqrt(number.denominator))
    return root if root**2 == number else Fraction(0)
