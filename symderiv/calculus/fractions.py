"""Rules that make quotients disappear, and brackets in which terms cancel once multiplied out."""

from __future__ import annotations

from symderiv.calculus.context import Context, rule
from symderiv.calculus.simplify import cancel, collect
from symderiv.expression.construct import add, base_and_exponent, factors_of, multiply, terms_of
from symderiv.expression.nodes import Add, Expression, Multiply, Number
from symderiv.expression.traverse import count_nodes

#: A sum of products with more terms than this, multiplied out, is left as it is.
MAX_TERMS = 24


def _is_divided_by(term: Expression, base: Expression) -> bool:
    return any(
        each == base and isinstance(exponent, Number) and exponent.value < 0
        for each, exponent in map(base_and_exponent, factors_of(term))
    )


def _merged(term: Expression, context: Context) -> Expression:
    after = cancel.apply(term, context) if isinstance(term, Multiply) else None
    return term if after is None else after


@rule(
    Multiply,
    law=r"u v \left(\frac{a}{u} - \frac{b}{v}\right) = v a - u b",
    source="arithmetic; u ≠ 0, v ≠ 0",
    example=("p[j] * (1 - p[j]) * (t[j] / p[j] + b[j] / (1 - p[j]))", "(1 - p[j]) * t[j] + p[j] * b[j]"),
    terminates="fewer quotients",
    name="cancel the denominators",
)
def cancel_the_denominators(node: Expression, context: Context) -> Expression | None:
    """Multiply a bracket of fractions by the factors in front that cancel all its denominators."""
    assert isinstance(node, Multiply)
    for place, bracket in enumerate(node.factors):
        if not isinstance(bracket, Add):
            continue
        rest = [each for spot, each in enumerate(node.factors) if spot != place]
        below = {
            base
            for term in bracket.terms
            for base, exponent in map(base_and_exponent, factors_of(term))
            if isinstance(exponent, Number) and exponent.value < 0 and not isinstance(base, Number)
        }
        chosen = [each for each in rest if base_and_exponent(each)[0] in below]
        if not below or {base_and_exponent(each)[0] for each in chosen} != below:
            continue
        terms = [_merged(multiply(*chosen, term), context) for term in bracket.terms]
        if any(_is_divided_by(term, base) for term in terms for base in below):
            continue
        return multiply(*(each for each in rest if each not in chosen), add(*terms))
    return None


@rule(
    Add,
    law=r"v a - a (u + v) = -a u",
    source="arithmetic",
    example=("p[j] * (1 - t[j]) - t[j] * (1 - p[j])", "p[j] - t[j]"),
    terminates="fewer nodes",
    name="multiply out",
)
def multiply_out(node: Expression, context: Context) -> Expression | None:
    """Multiply brackets out where terms then cancel, and what is left is shorter."""
    assert isinstance(node, Add)
    terms: list[Expression] = []
    for term in node.terms:
        partial: list[Expression] = [multiply()]
        for factor in factors_of(term):
            partial = [multiply(left, right) for left in partial for right in terms_of(factor)]
            if len(partial) > MAX_TERMS:
                return None
        terms += [_merged(each, context) for each in partial]
    if len(terms) == len(node.terms) or len(terms) > MAX_TERMS:
        return None
    whole = add(*terms)
    after = collect.apply(whole, context) if isinstance(whole, Add) else whole
    if after is None or len(terms_of(after)) > len(terms) - 2:
        return None
    return after if count_nodes(after) < count_nodes(node) else None


FRACTIONS = (cancel_the_denominators, multiply_out)
