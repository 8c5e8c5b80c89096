"""Rules that a derivation begins with: at the root, once."""

from __future__ import annotations

from symderiv.calculus.context import Context, rule
from symderiv.calculus.derivative import CHAIN, RUDIN, d, is_given, single
from symderiv.expression.construct import multiply
from symderiv.expression.nodes import (
    Derivative,
    Entry,
    Expression,
    Index,
    Sum,
)
from symderiv.expression.traverse import walk
from symderiv.problem import unfold


def entries_of(node: Expression, name: str) -> int:
    """How often the array `name` occurs in a tree."""
    return sum(isinstance(part, Entry) and part.array == name for _, part in walk(node))


def nearest_intermediate(array: str, variable: str, context: Context) -> str | None:
    """The one definition below `array` that every path to `variable` ends in, if there is one."""
    problem = context.problem
    if variable in problem.directly_uses(array):
        return None
    root = Entry(array)
    users = [
        each.name
        for each in problem.definitions
        if each.name != array
        and variable in problem.directly_uses(each.name)
        and problem.depends(root, each.name, holding=(variable,))
    ]
    return users[0] if len(users) == 1 else None


@rule(
    Derivative,
    law=r"\frac{\partial h}{\partial x}"
    r" = \sum_s \frac{\partial h}{\partial z_s} \frac{\partial z_s}{\partial x}",
    source=CHAIN,
    example=("d(H, z[j])", "sum(k, d(H, p[k]) * d(p[k], z[j]))"),
    terminates="used once, at the start, and towards a nearer variable",
    level="brief",
)
def chain_rule(node: Expression, context: Context) -> Expression | None:
    """Through the named intermediate nearest to the variable.

    Where that intermediate stands just once in the definition, differentiating in place is
    shorter, and the rule leaves it alone.
    """
    if not single(node, Entry):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Entry)
    (by,) = node.by
    through = nearest_intermediate(node.of.array, by.array, context)
    unspecified = context.problem.upstream_of(node.of.array)
    if through is None and unspecified is not None and unspecified.of != by.array:
        through = unspecified.of  # all that it depends on is its argument
    if through is None:
        return None
    definition = context.problem.definition(node.of.array)
    if definition is not None and entries_of(definition.body, through) == 1:
        return None
    letters: list[Index] = []
    for axis in context.problem.axes_of(through):
        taken = [index.name for index in letters]
        letters.append(context.fresh(axis, node, letters=taken))
    middle = Entry(through, tuple(letters))
    result: Expression = multiply(d(node.of, middle), d(middle, by))
    for letter in reversed(letters):
        result = Sum(letter, result)
    context.note = f"through {through}"
    return result


@rule(
    Derivative,
    law=r"p_i = \text{its definition}",
    source="the problem",
    example=("d(p[i], z[j])", "d(exp(z[i]) / sum(k, exp(z[k])), z[j])"),
    terminates="used once, at the start; definitions have no cycles",
    level="brief",
)
def definition(node: Expression, context: Context) -> Expression | None:
    """Write a defined name out."""
    if not single(node, Entry):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Entry)
    found = context.problem.definition(node.of.array)
    if found is None:
        return None
    context.note = f"of {node.of.array}"
    return Derivative(unfold(found, node.of), node.by)


@rule(
    Derivative,
    law=r"\frac{\partial^2 L}{\partial x \partial y}"
    r" = \frac{\partial}{\partial y} \frac{\partial L}{\partial x}",
    source=RUDIN,
    example=("d(x^3, x, x)", "d(d(x^3, x), x)"),
    terminates="each derivative is of first order afterwards",
    level="brief",
)
def second_derivative(node: Expression, context: Context) -> Expression | None:
    """A derivative of higher order is the derivative of a derivative."""
    assert isinstance(node, Derivative)
    if len(node.by) < 2 or is_given(node, context):
        return None
    return Derivative(Derivative(node.of, node.by[:-1]), node.by[-1:])


#: Exactly one of these fires, at the root.
OPENING = (second_derivative, chain_rule, definition)
