"""Rules that know the logistic function by its exponentials."""

from __future__ import annotations

from symderiv.calculus.context import Context, rule
from symderiv.calculus.recognise import recognise
from symderiv.expression.canonical import canonical
from symderiv.expression.construct import add, coefficient_and_rest, multiply, negate, power, subtract
from symderiv.expression.functions import call
from symderiv.expression.nodes import MINUS_ONE, ONE, Add, Call, Expression, Multiply, Number, Power


def _exponent(node: Expression) -> Expression | None:
    """The u of 1 + e^u."""
    if isinstance(node, Add) and len(node.terms) == 2:
        for one, other in (node.terms, node.terms[::-1]):
            if one == ONE and isinstance(other, Call) and other.function == "exp":
                return other.arguments[0]
    return None


def _is_turned(u: Expression) -> bool:
    first = u.terms[0] if isinstance(u, Add) else u
    return coefficient_and_rest(first)[0] < 0


@rule(
    Multiply,
    Power,
    law=r"\frac{1}{1 + e^{-u}} = \sigma(u), \quad \frac{e^{-u}}{1 + e^{-u}} = 1 - \sigma(u)",
    source="the definition of the logistic function",
    example=("t[j] * exp(-z[j]) / (1 + exp(-z[j]))", "t[j] * (1 - sigmoid(z[j]))"),
    terminates="fewer exponentials",
    level="textbook",
    name="logistic function",
)
def logistic(node: Expression, context: Context) -> Expression | None:
    """A share of two exponentials is a sigmoid, or the name that the problem has for it."""
    if isinstance(node, Power):
        inner = _exponent(node.base)
        if inner is None or node.exponent != MINUS_ONE:
            return None
        return _share(inner, context)
    assert isinstance(node, Multiply)
    for place, factor in enumerate(node.factors):
        if not (isinstance(factor, Power) and isinstance(factor.exponent, Number)):
            continue
        inner = _exponent(factor.base)
        if inner is None or factor.exponent.value >= 0 or factor.exponent.value.denominator != 1:
            continue
        for spot, other in enumerate(node.factors):
            if other == call("exp", inner) or (
                isinstance(other, Call) and canonical(other) == canonical(call("exp", inner))
            ):
                rest = [each for at, each in enumerate(node.factors) if at not in (place, spot)]
                left = power(factor.base, Number(factor.exponent.value + 1))
                return multiply(*rest, left, subtract(ONE, _share(inner, context)))
    return None


def _share(u: Expression, context: Context) -> Expression:
    """1 / (1 + e^u) by a sigmoid, whose argument has no minus in front: σ(-u) is 1 - σ(u)."""
    named = recognise.apply(power(add(ONE, call("exp", u)), -1), context)
    if named is not None:
        return named
    if _is_turned(u):
        return call("sigmoid", negate(u))
    return subtract(ONE, call("sigmoid", u))


__all__ = ["logistic"]
