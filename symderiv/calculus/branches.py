"""Rules for products and extrema over an axis, branches, and unspecified functions."""

from __future__ import annotations

from symderiv.calculus.context import Context, rule
from symderiv.calculus.derivative import CHAIN, INWARD, RUDIN, d, is_given, single
from symderiv.expression.construct import multiply
from symderiv.expression.functions import OF_TWO_VALUES
from symderiv.expression.indices import rename, rename_bound
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Call,
    Compare,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Product,
    Sum,
    Where,
)


@rule(
    Derivative,
    law=r"\text{by cases, away from the border}",
    source=RUDIN,
    example=("d(where(x > 0, x^2, 0), x)", "where(x > 0, d(x^2, x), d(0, x))"),
    terminates=INWARD,
)
def piecewise(node: Expression, context: Context) -> Expression | None:
    """Each branch by itself."""
    if not single(node, Where):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Where)
    return Where(node.of.condition, Derivative(node.of.then, node.by), Derivative(node.of.otherwise, node.by))


def indicator(condition: Compare) -> Where:
    """1 where `condition` holds, else 0."""
    return Where(condition, ONE, ZERO)


@rule(
    Derivative,
    law=r"\frac{\partial}{\partial x} \prod_k u_k"
    r" = \sum_k \frac{\partial u_k}{\partial x} \prod_{l \neq k} u_l",
    source=RUDIN,
    example=("d(prod(k, z[k]), z[j])", "sum(k, d(z[k], z[j]) * prod(i != k, z[i]))"),
    terminates=INWARD,
    level="textbook",
)
def product_over_an_axis(node: Expression, context: Context) -> Expression | None:
    """One factor of the product at a time; nothing is divided by, so factors may be zero.

    A restriction stays: it says which factors there are, and for each the others among them.
    """
    if not single(node, Product):
        return None
    assert isinstance(node, Derivative)
    product = node.of
    assert isinstance(product, Product)
    kept = context.fresh(product.index.axis, node)
    other = context.fresh(product.index.axis, node, letters=[kept.name])
    return slope_of_product(product, node.by, kept, other)


def slope_of_product(product: Product, by: tuple[Entry, ...], kept: Index, other: Index) -> Expression:
    """Σ_k u_k' Π_{l ≠ k} u_l with k called `kept` and l `other`, both over the factors that there are."""
    first, rest = rename_bound(product, kept), rename_bound(product, other)
    assert isinstance(first, Product)
    assert isinstance(rest, Product)
    distinct = Compare("!=", other, kept)
    body = rest.body if rest.condition is None else Where(rest.condition, rest.body, ONE)
    return Sum(kept, multiply(Derivative(first.body, by), Product(other, body, distinct)), first.condition)


@rule(
    Derivative,
    law=r"\frac{\partial}{\partial x} \max_k u_k"
    r" = \sum_k [u_k = \max_l u_l] \frac{\partial u_k}{\partial x}",
    source="Danskin, The Theory of Max-Min, 1967; where the maximum is attained once",
    example=(
        "d(max(k, z[k]), z[j])",
        "sum(k, where(z[k] == max(i, z[i]), 1, 0) * d(z[k], z[j]))",
    ),
    terminates=INWARD,
    level="textbook",
)
def extremum_over_an_axis(node: Expression, context: Context) -> Expression | None:
    """The entry that is the largest or smallest moves it; away from ties."""
    if not single(node, Extremum):
        return None
    assert isinstance(node, Derivative)
    extremum = node.of
    assert isinstance(extremum, Extremum)
    letter = context.fresh(extremum.index.axis, node)
    body = rename(extremum.body, {extremum.index: letter})
    context.note = "away from ties"
    return Sum(letter, multiply(indicator(Compare("==", body, extremum)), Derivative(body, node.by)))


@rule(
    Derivative,
    law=r"\max(u, v)' = u' \text{ where } u \geq v, \text{ else } v'",
    source="Danskin, The Theory of Max-Min, 1967; away from u = v",
    example=("d(max(x^2, 3), x)", "where(x^2 >= 3, d(x^2, x), d(3, x))"),
    terminates=INWARD,
    level="textbook",
)
def larger_of_two(node: Expression, context: Context) -> Expression | None:
    """The larger (or smaller) of two values; away from where they are equal."""
    if not single(node, Call):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Call)
    if node.of.function not in OF_TWO_VALUES or len(node.of.arguments) != 2:
        return None
    first, second = node.of.arguments
    operator = ">=" if node.of.function == "max" else "<="
    context.note = "away from ties"
    condition = Compare(operator, first, second)
    return Where(condition, Derivative(first, node.by), Derivative(second, node.by))


@rule(
    Derivative,
    law=r"\frac{\partial}{\partial z} \frac{\partial L}{\partial y_i}"
    r" = \sum_m \frac{\partial^2 L}{\partial y_i \partial y_m} \frac{\partial y_m}{\partial z}",
    source=CHAIN,
    example=("d(d(G, p[i]), z[j])", "sum(k, d(G, p[i], p[k]) * d(p[k], z[j]))"),
    terminates="the derivative moves from the unspecified function to its argument",
    level="textbook",
)
def slope_of_the_unspecified(node: Expression, context: Context) -> Expression | None:
    """The derivative of an unspecified function's derivative, through its argument."""
    if not single(node, Derivative):
        return None
    assert isinstance(node, Derivative)
    slope = node.of
    assert isinstance(slope, Derivative)
    if not is_given(slope, context):
        return None
    name = slope.by[0].array
    if node.by[0].array == name:
        return Derivative(slope.of, (*slope.by, *node.by))
    letters: list[Index] = []
    for axis in context.problem.axes_of(name):
        letters.append(context.fresh(axis, node, letters=[index.name for index in letters]))
    middle = Entry(name, tuple(letters))
    result: Expression = multiply(Derivative(slope.of, (*slope.by, middle)), d(middle, node.by[0]))
    for letter in reversed(letters):
        result = Sum(letter, result)
    return result


#: In the order in which they are tried.
BRANCHES = (
    piecewise,
    product_over_an_axis,
    extremum_over_an_axis,
    slope_of_the_unspecified,
)
