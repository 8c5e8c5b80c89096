"""Rules for powers of products, and for roots of constants."""

from __future__ import annotations

from symderiv.calculus.context import Context, rule
from symderiv.expression.construct import base_and_exponent, multiply, power
from symderiv.expression.nodes import (
    Call,
    Expression,
    Multiply,
    Number,
    Power,
    Size,
)
from symderiv.expression.traverse import walk

_ARITHMETIC = "arithmetic"


def is_constant(node: Expression) -> bool:
    """Whether a tree holds numbers, sizes of axes and functions of them only."""
    return all(isinstance(part, Number | Size | Call | Multiply | Power) for _, part in walk(node))


def _is_positive(node: Expression) -> bool:
    """Whether a constant is positive because nothing in it is negative."""
    numbers = [part.value for _, part in walk(node) if isinstance(part, Number)]
    return is_constant(node) and all(number > 0 for number in numbers)


def _whole(exponent: Expression) -> int | None:
    if isinstance(exponent, Number) and exponent.value.denominator == 1:
        return int(exponent.value)
    return None


@rule(
    Power,
    law=r"(u v)^n = u^n v^n",
    source=_ARITHMETIC,
    example=("(t[j] / p[j])^(-1)", "p[j] / t[j]"),
    terminates="powers move to smaller bases",
    name="power of a product",
)
def power_of_a_product(node: Expression, context: Context) -> Expression | None:
    """A whole power of a product or a quotient, factor by factor."""
    assert isinstance(node, Power)
    if not isinstance(node.base, Multiply) or _whole(node.exponent) is None:
        return None
    return multiply(*(power(factor, node.exponent) for factor in node.base.factors))


@rule(
    Power,
    law=r"\sqrt{c}^{\,2n} = c^n",
    source=_ARITHMETIC,
    example=("x^2 / sqrt(K)^2", "x^2 / K"),
    terminates="a root disappears, or its power becomes 1 or -1",
    name="power of a root",
)
def power_of_a_root(node: Expression, context: Context) -> Expression | None:
    """An even power of the root of a constant; of any other root it may hide a name."""
    assert isinstance(node, Power)
    whole = _whole(node.exponent)
    if whole is None or abs(whole) < 2:
        return None
    if not (isinstance(node.base, Call) and node.base.function == "sqrt" and is_constant(node.base)):
        return None
    half = abs(whole) // 2 * (1 if whole > 0 else -1)
    return multiply(power(node.base.arguments[0], half), power(node.base, whole - 2 * half))


@rule(
    Multiply,
    law=r"\sqrt{a} \sqrt{b} = \sqrt{a b}",
    source="arithmetic; a and b are positive constants",
    example=("x / (sqrt(2) * sqrt(pi))", "x / sqrt(2 * pi)"),
    terminates="fewer roots",
    name="product of roots",
)
def product_of_roots(node: Expression, context: Context) -> Expression | None:
    """Two roots of constants, both above or both below the bar, are one."""
    assert isinstance(node, Multiply)
    seen: dict[Expression, tuple[int, Call]] = {}
    for place, factor in enumerate(node.factors):
        base, exponent = base_and_exponent(factor)
        if not (isinstance(base, Call) and base.function == "sqrt" and _is_positive(base)):
            continue
        if abs(_whole(exponent) or 0) != 1:
            continue
        if exponent in seen:
            other, root = seen[exponent]
            rest = [each for spot, each in enumerate(node.factors) if spot not in (other, place)]
            joined = Call("sqrt", (multiply(root.arguments[0], base.arguments[0]),))
            return multiply(*rest, power(joined, exponent))
        seen[exponent] = (place, base)
    return None


POWERS = (power_of_a_product, power_of_a_root, product_of_roots)
