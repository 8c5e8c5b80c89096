"""Rules that move a derivative inward until only known derivatives are left."""

from __future__ import annotations

from symderiv.calculus.context import CalculusError, Context, rule
from symderiv.expression.construct import add, multiply, power, subtract
from symderiv.expression.functions import FUNCTIONS, OF_TWO_VALUES, call
from symderiv.expression.indices import indices_in_term, rename, rename_bound
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Multiply,
    Number,
    Power,
    Product,
    Sum,
    Where,
)
from symderiv.expression.traverse import walk
from symderiv.problem import unfold

_INWARD = "the derivative moves to a smaller operand"
_RUDIN = "Rudin, Principles of Mathematical Analysis, chapter 5"
_CHAIN = "Rudin, Principles of Mathematical Analysis, theorem 9.15"


def d(of: Expression, by: Entry) -> Derivative:
    """The derivative of `of` by one entry."""
    return Derivative(of, (by,))


def is_given(node: Derivative, context: Context) -> bool:
    """Whether a derivative is a datum: that of an unspecified function by its own argument."""
    if not isinstance(node.of, Entry):
        return False
    unspecified = context.problem.upstream_of(node.of.array)
    return unspecified is not None and all(entry.array == unspecified.of for entry in node.by)


def _single(node: Expression, kind: type) -> bool:
    return isinstance(node, Derivative) and len(node.by) == 1 and isinstance(node.of, kind)


@rule(
    Derivative,
    law=r"\frac{\partial c}{\partial x} = 0",
    source=_RUDIN,
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
    return multiply(*(Delta(left, right) for left, right in zip(node.of.indices, by.indices, strict=True)))


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
    source=_CHAIN,
    example=("d(H, z[j])", "sum(k, d(H, p[k]) * d(p[k], z[j]))"),
    terminates="used once, at the start, and towards a nearer variable",
    level="brief",
)
def chain_rule(node: Expression, context: Context) -> Expression | None:
    """Through the named intermediate nearest to the variable.

    Where that intermediate stands just once in the definition, differentiating in place is
    shorter, and the rule leaves it alone.
    """
    if not _single(node, Entry):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Entry)
    (by,) = node.by
    through = nearest_intermediate(node.of.array, by.array, context)
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
    if not _single(node, Entry):
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
    return rename(derivation.result, names)


@rule(
    Derivative,
    law=r"\frac{\partial^2 L}{\partial x \partial y}"
    r" = \frac{\partial}{\partial y} \frac{\partial L}{\partial x}",
    source=_RUDIN,
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


@rule(
    Derivative,
    law=r"(u + v)' = u' + v'",
    source=_RUDIN,
    example=("d(z[i] + b[i], z[j])", "d(z[i], z[j]) + d(b[i], z[j])"),
    terminates=_INWARD,
)
def sum_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a sum of terms."""
    if not _single(node, Add):
        return None
    assert isinstance(node, Derivative)
    assert isinstance(node.of, Add)
    return add(*(Derivative(term, node.by) for term in node.of.terms))


@rule(
    Derivative,
    law=r"\frac{\partial}{\partial x} \sum_k u_k = \sum_k \frac{\partial u_k}{\partial x}",
    source=_RUDIN,
    example=("d(sum(k, exp(z[k])), z[j])", "sum(k, d(exp(z[k]), z[j]))"),
    terminates=_INWARD,
)
def sum_over_an_axis(node: Expression, context: Context) -> Expression | None:
    """The derivative goes under the sum, whose letter gives way if the variable has the same."""
    if not _single(node, Sum):
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
    source=_RUDIN,
    example=("d(t[k] * z[k], z[j])", "t[k] * d(z[k], z[j])"),
    terminates=_INWARD,
)
def constant_factor(node: Expression, context: Context) -> Expression | None:
    """Factors that do not depend on the variable stay outside."""
    if not _single(node, Multiply):
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
    source=_RUDIN,
    example=("d(exp(x) / x, x)", "(d(exp(x), x) * x - exp(x) * d(x, x)) / x^2"),
    terminates=_INWARD,
    level="textbook",
)
def quotient_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a quotient whose numerator and denominator both vary."""
    if not _single(node, Multiply):
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
    source=_RUDIN,
    example=("d(x * exp(x), x)", "d(x, x) * exp(x) + x * d(exp(x), x)"),
    terminates=_INWARD,
    level="textbook",
)
def product_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a product: one factor at a time."""
    if not _single(node, Multiply):
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
    source=_RUDIN,
    example=("d((z[k] - t[k])^2, z[j])", "2 * (z[k] - t[k]) * d(z[k] - t[k], z[j])"),
    terminates=_INWARD,
    level="textbook",
)
def power_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a power; with a varying exponent, u^v = e^{v log u}."""
    if not _single(node, Power):
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
    source=_CHAIN,
    example=("d(exp(z[k]), z[j])", "exp(z[k]) * d(z[k], z[j])"),
    terminates=_INWARD,
    level="textbook",
    name="derivative of a function",
)
def function_rule(node: Expression, context: Context) -> Expression | None:
    """The derivative of a known scalar function, times that of its argument."""
    if not _single(node, Call):
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
    law=r"\text{by cases, away from the border}",
    source=_RUDIN,
    example=("d(where(x > 0, x^2, 0), x)", "where(x > 0, d(x^2, x), d(0, x))"),
    terminates=_INWARD,
)
def piecewise(node: Expression, context: Context) -> Expression | None:
    """Each branch by itself."""
    if not _single(node, Where):
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
    source=_RUDIN,
    example=("d(prod(k, z[k]), z[j])", "sum(k, d(z[k], z[j]) * prod(i != k, z[i]))"),
    terminates=_INWARD,
    level="textbook",
)
def product_over_an_axis(node: Expression, context: Context) -> Expression | None:
    """One factor of the product at a time; nothing is divided by, so factors may be zero."""
    if not _single(node, Product):
        return None
    assert isinstance(node, Derivative)
    product = node.of
    assert isinstance(product, Product)
    if product.condition is not None:
        return None
    kept = context.fresh(product.index.axis, node)
    other = context.fresh(product.index.axis, node, letters=[kept.name])
    slope = Derivative(rename(product.body, {product.index: kept}), node.by)
    rest = Product(other, rename(product.body, {product.index: other}), Compare("!=", other, kept))
    return Sum(kept, multiply(slope, rest))


@rule(
    Derivative,
    law=r"\frac{\partial}{\partial x} \max_k u_k"
    r" = \sum_k [u_k = \max_l u_l] \frac{\partial u_k}{\partial x}",
    source="Danskin, The Theory of Max-Min, 1967; where the maximum is attained once",
    example=(
        "d(max(k, z[k]), z[j])",
        "sum(k, where(z[k] == max(i, z[i]), 1, 0) * d(z[k], z[j]))",
    ),
    terminates=_INWARD,
    level="textbook",
)
def extremum_over_an_axis(node: Expression, context: Context) -> Expression | None:
    """The entry that is the largest or smallest moves it; away from ties."""
    if not _single(node, Extremum):
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
    terminates=_INWARD,
    level="textbook",
)
def larger_of_two(node: Expression, context: Context) -> Expression | None:
    """The larger (or smaller) of two values; away from where they are equal."""
    if not _single(node, Call):
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
    source=_CHAIN,
    example=("d(d(G, p[i]), z[j])", "sum(k, d(G, p[i], p[k]) * d(p[k], z[j]))"),
    terminates="the derivative moves from the unspecified function to its argument",
    level="textbook",
)
def slope_of_the_unspecified(node: Expression, context: Context) -> Expression | None:
    """The derivative of an unspecified function's derivative, through its argument."""
    if not _single(node, Derivative):
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


#: What a derivation begins with: exactly one of these fires, at the root.
OPENING = (second_derivative, chain_rule, definition)
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
    function_rule,
    piecewise,
    product_over_an_axis,
    extremum_over_an_axis,
    slope_of_the_unspecified,
)
