"""Numbers modulo a prime: their values, and that their bounds are bounds, by SymPy's polynomials."""

from __future__ import annotations

import random
from fractions import Fraction
from math import log2

import pytest
import sympy

from symderiv.proof.prime_field import MAX_ROOTS, Element, FieldError, PrimeField, Undefined

NAMES = sympy.symbols("x y z")
POINT = (1234567, 7654321, 918273645)


class Exact:
    """Elements beside the rational functions that they are values of."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.field = PrimeField()
        #: What stands behind a denominator's residue.
        self.behind: dict[int, sympy.Expr] = {}
        self.pool: list[tuple[Element, sympy.Expr]] = [
            (self.field.variable(place), name) for place, name in zip(POINT, NAMES, strict=True)
        ]
        self.number()

    def number(self) -> None:
        value = Fraction(self.rng.randint(-9, 9) or 1, self.rng.randint(1, 5))
        element = self.field.number(value)
        self.behind.update(dict.fromkeys(element.below, sympy.Integer(value.denominator)))
        self.pool.append((element, sympy.Rational(value.numerator, value.denominator)))

    def numerator(self, element: Element, function: sympy.Expr) -> sympy.Poly:
        """What the element says is above the bar."""
        for key, (exponent, *_) in element.below.items():
            function *= self.behind[key] ** exponent
        above, below = sympy.fraction(sympy.cancel(function))
        assert below == 1
        return sympy.Poly(above, *NAMES)

    def step(self) -> tuple[Element, sympy.Expr]:
        (one, f), (other, g) = (self.rng.choice(self.pool) for _ in range(2))
        match self.rng.choice(("number", "add", "add", "multiply", "negate", "power", "inverse")):
            case "number":
                self.number()
                return self.pool[-1]
            case "add":
                third, h = self.rng.choice(self.pool)
                found = self.field.add([one, other, third]), f + g + h
            case "multiply":
                found = self.field.multiply([one, other]), f * g
            case "negate":
                found = self.field.negate(one), -f
            case "power":
                exponent = self.rng.choice((0, 2, 3, -1, -2))
                if exponent < 0:
                    self.inverted(one, f)
                found = self.field.power(one, exponent), f**exponent
            case _:
                self.inverted(one, f)
                found = self.field.inverse(one), 1 / f
        return found[0], sympy.cancel(found[1])

    def inverted(self, element: Element, function: sympy.Expr) -> None:
        (key,) = self.field.inverse(element).below
        self.behind.setdefault(key, self.numerator(element, function).as_expr())


@pytest.mark.parametrize("seed", range(4))
def test_bounds_are_bounds(seed: int) -> None:
    exact = Exact(seed)
    while len(exact.pool) < 40:
        element, function = exact.step()
        value = sympy.sympify(function).subs(dict(zip(NAMES, POINT, strict=True)))
        prime = exact.field.prime
        assert element.value == int(value.p) * pow(int(value.q), -1, prime) % prime
        assert element.is_zero() == (function == 0)
        numerator = exact.numerator(element, function)
        for polynomial, degree, height in (
            (numerator, element.degree, element.height),
            *((sympy.Poly(exact.behind[key], *NAMES), a, b) for key, (_, a, b) in element.below.items()),
        ):
            if not polynomial.is_zero:
                assert polynomial.total_degree() <= degree
                assert log2(sum(map(abs, polynomial.coeffs()))) <= height + 1e-9
        together = element.size()
        assert together[0] == element.degree + sum(e * a for e, a, _ in element.below.values())
        assert together[1] == element.height + sum(e * b for e, _, b in element.below.values())
        if function != 0 and element.degree < 12:
            exact.pool.append((element, function))


def test_a_square_root_is_one_whatever_its_sign() -> None:
    field = PrimeField()
    x, y = (field.variable(value) for value in POINT[:2])
    under = field.multiply([field.add([x, field.one]), field.inverse(y)])
    root, other = field.new_root(under), field.new_root(y)
    square = field.multiply([root, root])
    assert square.key() == under.key()
    assert (square.degree, square.below.keys()) >= (under.degree, under.below.keys())
    assert square.height >= under.height
    both = field.add([root, other])
    assert not both.is_zero()
    assert not field.add([root, field.negate(other)]).is_zero()
    assert field.multiply([both, field.inverse(both)]).key() == field.one.key()
    assert (
        field.power(both, 2).key()
        == field.add([under, y, field.multiply([field.number(Fraction(2)), root, other])]).key()
    )
    x_root, y_root = field.new_root(x), field.new_root(y)
    inverse = field.inverse(field.add([x_root, y_root]))  # (√x - √y) / (x - y)
    ((below, (exponent, degree, height)),) = inverse.below.items()
    apart = field.add([x, field.negate(y)])
    assert (below, exponent) in {(apart.value, 1), (field.negate(apart).value, 1)}
    above = field.multiply([inverse, Element(below)])
    assert above.key() in {
        field.add([one, field.negate(two)]).key() for one, two in ((x_root, y_root), (y_root, x_root))
    }
    assert min(degree, inverse.degree) >= 1
    assert min(height, inverse.height) >= 1
    # 999 + √(x² + 1) + √(y² + 1) has four conjugates, each of degree 1; 999³ is in the product of three.
    field = PrimeField()
    x, y = (field.variable(value) for value in POINT[:2])
    roots = [field.new_root(field.add([field.power(each, 2), field.one])) for each in (x, y)]
    inverse = field.inverse(field.add([field.number(Fraction(999)), *roots]))
    ((_, degree, _),) = inverse.below.values()
    assert inverse.degree >= 3
    assert degree >= 4
    assert inverse.height >= 3 * log2(999)
    # The root of 9 may be 3: what is zero for one of its signs divides nothing.
    nine = field.new_root(field.number(Fraction(9)))
    with pytest.raises(Undefined):
        field.inverse(field.add([nine, field.number(Fraction(-3))]))
    with pytest.raises(Undefined):
        field.inverse(field.add([x, field.negate(x)]))
    for value in range(MAX_ROOTS - 3):
        field.new_root(field.variable(value + 2))
    with pytest.raises(FieldError):
        field.new_root(x)
