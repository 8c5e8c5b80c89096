"""The scalar functions of the notation: one record each, with the derivative as a tree.

A record is all that the calculus, the oracle and the printers need to know of a function, so a
new function is one entry here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symderiv.expression.construct import add, divide, multiply, negate, number, power, subtract
from symderiv.expression.nodes import ONE, ZERO, Call, Expression


def call(name: str, *arguments: Expression) -> Call:
    """The function `name` applied to `arguments`."""
    return Call(name, tuple(arguments))


PI = call("pi")


@dataclass(frozen=True, slots=True)
class ScalarFunction:
    """A function of one real number.

    Attributes
    ----------
    name
        How the text notation spells it.
    latex
        How it is set in LaTeX.
    derivative
        From the argument to the tree of the derivative, away from any kink.
    kink
        Where the derivative does not exist, in words; empty if it exists everywhere.
    """

    name: str
    latex: str
    derivative: Callable[[Expression], Expression]
    kink: str = ""


def _square(u: Expression) -> Expression:
    return power(u, 2)


def _erf_derivative(u: Expression) -> Expression:
    return multiply(divide(number(2), call("sqrt", PI)), call("exp", negate(_square(u))))


def _sigmoid_derivative(u: Expression) -> Expression:
    return multiply(call("sigmoid", u), subtract(ONE, call("sigmoid", u)))


FUNCTIONS: dict[str, ScalarFunction] = {
    record.name: record
    for record in (
        ScalarFunction("exp", r"\exp", lambda u: call("exp", u)),
        ScalarFunction("log", r"\log", lambda u: power(u, -1)),
        ScalarFunction("sqrt", r"\sqrt", lambda u: divide(ONE, multiply(number(2), call("sqrt", u)))),
        ScalarFunction("sin", r"\sin", lambda u: call("cos", u)),
        ScalarFunction("cos", r"\cos", lambda u: negate(call("sin", u))),
        ScalarFunction("tan", r"\tan", lambda u: add(ONE, _square(call("tan", u)))),
        ScalarFunction("sinh", r"\sinh", lambda u: call("cosh", u)),
        ScalarFunction("cosh", r"\cosh", lambda u: call("sinh", u)),
        ScalarFunction("tanh", r"\tanh", lambda u: subtract(ONE, _square(call("tanh", u)))),
        ScalarFunction("erf", r"\operatorname{erf}", _erf_derivative),
        ScalarFunction("sigmoid", r"\sigma", _sigmoid_derivative),
        ScalarFunction("softplus", r"\operatorname{softplus}", lambda u: call("sigmoid", u)),
        ScalarFunction("relu", r"\operatorname{ReLU}", lambda u: call("step", u), "u = 0"),
        ScalarFunction("abs", r"\operatorname{abs}", lambda u: call("sign", u), "u = 0"),
        ScalarFunction("gamma", r"\Gamma", lambda u: multiply(call("gamma", u), call("digamma", u))),
        ScalarFunction("digamma", r"\operatorname{digamma}", lambda u: call("trigamma", u)),
        ScalarFunction("sign", r"\operatorname{sign}", lambda _: ZERO, "u = 0"),
        ScalarFunction("step", r"\operatorname{step}", lambda _: ZERO, "u = 0"),
    )
}

#: Functions of one argument without a record above.
WITHOUT_DERIVATIVE = ("trigamma",)
#: Functions of two values.
OF_TWO_VALUES = ("max", "min")

__all__ = [
    "FUNCTIONS",
    "OF_TWO_VALUES",
    "PI",
    "WITHOUT_DERIVATIVE",
    "ScalarFunction",
    "call",
]
