"""Functions that are written by a name of their own and made of others, such as the secant."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symderiv.expression.functions import call
from symderiv.expression.nodes import ONE, Expression, Number
from symderiv.notation.tex.arithmetic import product_of, quotient_of, raised_to, sum_of

_HALF = Number(Fraction(1, 2))
_TWO = Number(Fraction(2))


def _difference(left: Expression, right: Expression) -> Expression:
    return sum_of(((False, left), (True, right)))


def _logit(u: Expression) -> Expression:
    return call("log", quotient_of(u, _difference(ONE, u)))


def _arsinh(u: Expression) -> Expression:
    root = call("sqrt", sum_of(((False, raised_to(u, _TWO)), (False, ONE))))
    return call("log", sum_of(((False, u), (False, root))))


def _arcosh(u: Expression) -> Expression:
    root = call("sqrt", _difference(raised_to(u, _TWO), ONE))
    return call("log", sum_of(((False, u), (False, root))))


def _artanh(u: Expression) -> Expression:
    ratio = quotient_of(sum_of(((False, ONE), (False, u))), _difference(ONE, u))
    return product_of(_HALF, call("log", ratio))


#: From the argument of each to its value.
COMPOSED: dict[str, Callable[[Expression], Expression]] = {
    "sec": lambda u: quotient_of(ONE, call("cos", u)),
    "csc": lambda u: quotient_of(ONE, call("sin", u)),
    "cot": lambda u: quotient_of(call("cos", u), call("sin", u)),
    "sech": lambda u: quotient_of(ONE, call("cosh", u)),
    "csch": lambda u: quotient_of(ONE, call("sinh", u)),
    "coth": lambda u: quotient_of(call("cosh", u), call("sinh", u)),
    "erfc": lambda u: _difference(ONE, call("erf", u)),
    "lg": lambda u: quotient_of(call("log", u), call("log", Number(Fraction(10)))),
    "logit": _logit,
    "arsinh": _arsinh,
    "arcosh": _arcosh,
    "artanh": _artanh,
}
