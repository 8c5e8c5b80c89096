"""Rules that move a derivative inward until only known derivatives are left."""

from __future__ import annotations

from symderiv.calculus.bounds import slope_of_entry, within_bounds
from symderiv.calculus.branches import BRANCHES, larger_of_two
from symderiv.calculus.context import CalculusError, Context, rule
from symderiv.calculus.derivative import CHAIN, INWARD, RUDIN, is_given, single
from symderiv.calculus.opening import second_derivative
from symderiv.expression.construct import add, multiply, power, subtract
from symderiv.expression.functions import FUNCTIONS, call
from symderiv.expression.indices import indices_in_term, rename, rename_bound
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Call,
    Derivative,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Sum,
)
from symderiv.expression.unspecified import is_unspecified, read_slope, slope_by


@rule(
    Derivative,
    law=r"\frac{\partial c}{\partial x} = 0",
    source=RUDIN,
    example=("d(t[k], z[j])", "0"),
    terminates="a derivative disappears",
)
def constant(node: Expression, context: Context) -> Expression | None:
    """An expression that does not depend on the variable has derivative zero."""
    assert isinstance(node, Derivative)
    if any(not context.problem.depends(node.of, entry.array) for entry in node.by):
        return ZERO
    return None


@rule(
    Derivative,
    law=r"\frac{\partial z_i}{\partial z_j} = \delta_{ij}",
    source="the entries of an input are independent variables",
    example=("d(z[i], z[j])", "delta(i, j)"),
    terminates="a derivative disappears",
    level="textbook",
)
def independent_entries(node: Expression, context: Context) -> Expression | None:
    """The derivative of one entry of an array by another is a product of deltas."""
    if not isinstance(node, Derivative) or len(node.by) != 1 or not isinstance(node.of, Entry):
        return None
    (by,) = node.by
    if node.of.array != by.array:
        return None
    return slope_of_entry(node.of, by)


@rule(
    Derivative,
    law=r"\frac{\partial p_k}{\partial z_j} \text{ as derived before}",
    source="a derivation of its own, shown first",
    example=("t[k] * d(p[k], z[j])", "t[k] * (p[k] * (delta(k, j) - p[j]))"),
    terminates="a derivative disappears; definitions have no cycles",
    level="textbook",
)
def known_result(node: Expression, context: Context) -> Expression | None:
    """Put in the derivative of a named intermediate, derived once for all its entries."""
    assert isinstance(node, Derivative)
    if not isinstance(node.of, Entry) or is_given(node, context):
        return None
    problem = context.problem
    if problem.definition(node.of.array) is None and problem.upstream_of(node.of.array) is None:
        return None
    if any(not problem.depends(node.of, entry.array) for entry in node.by):
        return None
    if len(node.by) == 1 and node.by[0].array == node.of.array:
        return None
    derivation = context.known(node.of.array, tuple(entry.array for entry in node.by))
    start = derivation.start
    assert isinstance(start, Derivative)
    assert isinstance(start.of, Entry)
    if derivation not in context.used:
        context.used.append(derivation)
    before = (*start.of.indices, *(term for entry in start.by for term in entry.indices))
    after = (*node.of.indices, *(term for entry in node.by for term in entry.indices))
    names = {
        old: new for old, new in zip(before, after, strict=True) if isinstance(old, Index) and old != new
    }
    context.note = f"for {node.of.array} by {', '.join(entry.array for entry in node.by)}"
    return within_bounds(rename(derivation.result, names), after)


@rule(
    Derivative,
    law=r"(u + v)' = u' + v'",
    source=RUDIN,
    example=("d(z[i] + b[i], z[j])", "d(z[i], z[j]) + d(b[i], z[j])"),
    terminates=INWARD,
)
def sum_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a sum of terms."""
    if not single(node, Add):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Add)
    return add(*(Derivative(term, node.by) for term in node.of.terms))


@rule(
    Derivative,
    law=r"\frac{\partial}{\partial x} \sum_k u_k = \sum_k \frac{\partial u_k}{\partial x}",
    source=RUDIN,
    example=("d(sum(k, exp(z[k])), z[j])", "sum(k, d(exp(z[k]), z[j]))"),
    terminates=INWARD,
)
def sum_over_an_axis(node: Expression, context: Context) -> Expression | None:
    """The derivative goes under the sum, whose letter gives way if the variable has the same."""
    if not single(node, Sum):
        return None
    assert isinstance(node, Derivative)
    total = node.of
    assert isinstance(total, Sum)
    used = {index for entry in node.by for term in entry.indices for index in indices_in_term(term)}
    if total.index in used or total.index.name in {index.name for index in used}:
        renamed = rename_bound(total, context.fresh(total.index.axis, node))
        assert isinstance(renamed, Sum)
        total = renamed
    return Sum(total.index, Derivative(total.body, node.by), total.condition)


@rule(
    Derivative,
    law=r"(c\,u)' = c\,u'",
    source=RUDIN,
    example=("d(t[k] * z[k], z[j])", "t[k] * d(z[k], z[j])"),
    terminates=INWARD,
)
def constant_factor(node: Expression, context: Context) -> Expression | None:
    """Factors that do not depend on the variable stay outside."""
    if not single(node, Multiply):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Multiply)
    name = node.by[0].array
    inside = [factor for factor in node.of.factors if context.problem.depends(factor, name)]
    outside = [factor for factor in node.of.factors if factor not in inside]
    if not outside or not inside:
        return None
    return multiply(*outside, Derivative(multiply(*inside), node.by))


def _denominator(factor: Expression) -> Expression | None:
    if isinstance(factor, Power) and isinstance(factor.exponent, Number) and factor.exponent.value < 0:
        return power(factor.base, Number(-factor.exponent.value))
    return None


@rule(
    Derivative,
    law=r"\left(\frac{u}{v}\right)' = \frac{u' v - u v'}{v^2}",
    source=RUDIN,
    example=("d(exp(x) / x, x)", "(d(exp(x), x) * x - exp(x) * d(x, x)) / x^2"),
    terminates=INWARD,
    level="textbook",
)
def quotient_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a quotient whose numerator and denominator both vary."""
    if not single(node, Multiply):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Multiply)
    below = [_denominator(factor) for factor in node.of.factors]
    bottom = multiply(*(factor for factor in below if factor is not None))
    top = multiply(*(factor for factor, under in zip(node.of.factors, below, strict=True) if under is None))
    name = node.by[0].array
    if bottom == ONE or not (context.problem.depends(top, name) and context.problem.depends(bottom, name)):
        return None
    upper = subtract(multiply(Derivative(top, node.by), bottom), multiply(top, Derivative(bottom, node.by)))
    return multiply(upper, power(bottom, -2))


@rule(
    Derivative,
    law=r"(u v)' = u' v + u v'",
    source=RUDIN,
    example=("d(x * exp(x), x)", "d(x, x) * exp(x) + x * d(exp(x), x)"),
    terminates=INWARD,
    level="textbook",
)
def product_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a product: one factor at a time."""
    if not single(node, Multiply):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Multiply)
    factors = node.of.factors
    return add(
        *(
            multiply(*factors[:place], Derivative(factor, node.by), *factors[place + 1 :])
            for place, factor in enumerate(factors)
        )
    )


@rule(
    Derivative,
    law=r"(u^n)' = n\,u^{n-1} u'",
    source=RUDIN,
    example=("d((z[k] - t[k])^2, z[j])", "2 * (z[k] - t[k]) * d(z[k] - t[k], z[j])"),
    terminates=INWARD,
    level="textbook",
)
def power_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a power; with a varying exponent, u^v = e^{v log u}."""
    if not single(node, Power):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Power)
    base, exponent = node.of.base, node.of.exponent
    if not context.problem.depends(exponent, node.by[0].array):
        return multiply(exponent, power(base, subtract(exponent, ONE)), Derivative(base, node.by))
    return multiply(node.of, Derivative(multiply(exponent, call("log", base)), node.by))


@rule(
    Derivative,
    law=r"f(u)' = f'(u)\,u'",
    source=CHAIN,
    example=("d(exp(z[k]), z[j])", "exp(z[k]) * d(z[k], z[j])"),
    terminates=INWARD,
    level="textbook",
    name="derivative of a function",
)
def function_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a known scalar function, times that of its argument."""
    if not single(node, Call):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Call)
    record = FUNCTIONS.get(node.of.function)
    if record is None or len(node.of.arguments) != 1:
        raise CalculusError(
            f"the derivative of {node.of.function} is not known; known are {', '.join(sorted(FUNCTIONS))}"
        )
    (argument,) = node.of.arguments
    context.note = record.name if not record.kink else f"{record.name}, away from {record.kink}"
    return multiply(record.derivative(argument), Derivative(argument, node.by))


@rule(
    Derivative,
    law=r"\frac{\partial}{\partial x} g(u, v) = g'_1(u, v)\,u' + g'_2(u, v)\,v'",
    source=CHAIN,
    example=("d(g_2(z[k], x), z[j])", "g_2'1(z[k], x) * d(z[k], z[j]) + g_2'2(z[k], x) * d(x, z[j])"),
    terminates=INWARD,
    level="textbook",
    name="derivative of an unspecified function",
)
def unspecified_function(node: Expression, context: Context) -> Expression | None:
    """The derivative of an unspecified function: its slope by each argument, times that of the argument."""
    if not single(node, Call):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Call)
    if not is_unspecified(node.of.function):
        return None
    read = read_slope(node.of.function)
    context.note = read.function if read else ""
    return add(
        *(
            multiply(slope_by(node.of, place), Derivative(argument, node.by))
            for place, argument in enumerate(node.of.arguments)
        )
    )


#: Everything else that a derivative can meet, most specific first.
DIFFERENTIATE = (
    constant,
    independent_entries,
    known_result,
    second_derivative,
    sum_rule,
    sum_over_an_axis,
    constant_factor,
    quotient_rule,
    product_rule,
    power_rule,
    larger_of_two,
    unspecified_function,
    function_rule,
    *BRANCHES,
)
