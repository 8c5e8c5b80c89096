"""Rules that give a result its last shape: common factors in front of one bracket."""

from __future__ import annotations

from fractions import Fraction
from itertools import product as choices

from symderiv.calculus.context import Context, rule
from symderiv.calculus.tidy import has_delta, is_negative
from symderiv.expression.canonical import canonical
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
    negate,
    power,
    terms_of,
)
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import (
    MINUS_ONE,
    Add,
    Delta,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Sum,
)
from symderiv.expression.traverse import walk

#: A sum with more δ-terms than this is factored as it stands.
MAX_DELTA_TERMS = 4

_Powers = dict[Expression, tuple[Expression, Fraction]]


def _powers(term: Expression) -> _Powers:
    found: _Powers = {}
    for factor in factors_of(coefficient_and_rest(term)[1]):
        base, exponent = base_and_exponent(factor)
        if isinstance(exponent, Number) and not isinstance(base, Number):
            found[canonical(base)] = (base, exponent.value)
    return found


def _common(terms: list[_Powers]) -> _Powers:
    shared: _Powers = {}
    for key, (base, exponent) in terms[0].items():
        exponents = [exponent]
        for other in terms[1:]:
            if key not in other:
                break
            exponents.append(other[key][1])
        else:
            if all(each > 0 for each in exponents):
                shared[key] = (base, min(exponents))
            elif all(each < 0 for each in exponents):
                shared[key] = (base, max(exponents))
    return shared


def _spellings(term: Expression) -> list[Expression]:
    """A term with a delta δ_ij, also with its other factors at i, or at j: all are equal."""
    factors = factors_of(term)
    for place, factor in enumerate(factors):
        if isinstance(factor, Delta):
            rest = multiply(*factors[:place], *factors[place + 1 :])
            spelled = [term]
            for old, new in ((factor.left, factor.right), (factor.right, factor.left)):
                if isinstance(old, Index):
                    spelled.append(multiply(rename(rest, {old: new}), factor))
            return spelled
    return [term]


@rule(
    Add,
    law=r"f a + f b = f (a + b)",
    source="arithmetic; with δ_ij f_i = δ_ij f_j where that helps",
    example=("p[i] * delta(i, j) - p[i] * p[j]", "p[i] * (delta(i, j) - p[j])"),
    terminates="fewer factors in total",
    level="textbook",
)
def factor_out(node: Expression, context: Context) -> Expression | None:
    """Put what all terms share in front of a bracket."""
    assert isinstance(node, Add)
    options = [_spellings(term) for term in node.terms]
    if sum(len(each) > 1 for each in options) > MAX_DELTA_TERMS:
        options = [[term] for term in node.terms]
    best: tuple[_Powers, tuple[Expression, ...]] = ({}, node.terms)
    for spelled in choices(*options):
        shared = _common([_powers(term) for term in spelled])
        if _weight(shared) > _weight(best[0]):
            best = (shared, spelled)
    shared, terms = best
    numbers = [coefficient_and_rest(term)[0] for term in terms]
    number = Fraction(1)
    if len({abs(each) for each in numbers}) == 1:
        number = abs(numbers[0])
    if shared and all(each < 0 for each in numbers):
        number = -number
    if not shared and number == 1:
        return None
    common = multiply(Number(number), *(power(base, Number(each)) for base, each in shared.values()))
    inverse = [power(base, Number(-each)) for base, each in shared.values()]
    inside = add(*(_divided(term, inverse, number) for term in terms))
    return multiply(common, inside)


def _weight(shared: _Powers) -> Fraction:
    return sum((abs(exponent) for _, exponent in shared.values()), Fraction(0))


def _divided(term: Expression, inverse: list[Expression], number: Fraction) -> Expression:
    coefficient, rest = coefficient_and_rest(term)
    gathered: _Powers = {}
    for factor in (*factors_of(rest), *inverse):
        base, exponent = base_and_exponent(factor)
        if not isinstance(exponent, Number):
            base, exponent = factor, Number(Fraction(1))
        key = canonical(base)
        gathered[key] = (base, exponent.value + (gathered[key][1] if key in gathered else 0))
    return multiply(
        Number(coefficient / number), *(power(base, Number(each)) for base, each in gathered.values())
    )


@rule(
    Add,
    law=r"\sum_k f_k a_k + \sum_k f_k b_k = \sum_k f_k (a_k + b_k)",
    source="Graham, Knuth, Patashnik, Concrete Mathematics, chapter 2",
    example=("sum(k, p[k] * t[k]) - sum(i, p[i] * z[i])", "sum(k, p[k] * t[k] - p[k] * z[k])"),
    terminates="fewer sums",
)
def gather_sums(node: Expression, context: Context) -> Expression | None:
    """Join two sums over one axis whose terms share a factor."""
    assert isinstance(node, Add)
    for place, first in enumerate(node.terms):
        coefficient, left = coefficient_and_rest(first)
        if not isinstance(left, Sum) or left.condition is not None:
            continue
        for later in range(place + 1, len(node.terms)):
            number, right = coefficient_and_rest(node.terms[later])
            if not isinstance(right, Sum) or right.condition is not None:
                continue
            if right.index.axis != left.index.axis:
                continue
            other = rename(right.body, {right.index: left.index})
            if not _common([_powers(left.body), _powers(other)]):
                continue
            joined = add(multiply(Number(coefficient), left.body), multiply(Number(number), other))
            rest = [term for spot, term in enumerate(node.terms) if spot not in (place, later)]
            return add(*rest, Sum(left.index, joined))
    return None


@rule(
    Multiply,
    law=r"f (-a - b) = -f (a + b)",
    source="arithmetic",
    example=("p[j] * (-log(p[j]) - H)", "-p[j] * (log(p[j]) + H)"),
    terminates="fewer minus signs",
)
def minus_in_front(node: Expression, context: Context) -> Expression | None:
    """A bracket with nothing but minus signs passes them to the front."""
    assert isinstance(node, Multiply)
    for place, factor in enumerate(node.factors):
        if isinstance(factor, Add) and all(is_negative(term) for term in factor.terms):
            return multiply(MINUS_ONE, *node.factors[:place], negate(factor), *node.factors[place + 1 :])
    return None


@rule(
    Multiply,
    law=r"-f (a - b) = f (b - a)",
    source="arithmetic",
    example=("-x * (t[j] - p[j])", "x * (p[j] - t[j])"),
    terminates="fewer minus signs",
)
def turn_the_bracket(node: Expression, context: Context) -> Expression | None:
    """A minus in front of a difference, or of a sum of differences, turns it round; 1 - a stays."""
    assert isinstance(node, Multiply)
    coefficient, rest = coefficient_and_rest(node)
    if coefficient > 0:
        return None
    factors = factors_of(rest)
    for place, factor in enumerate(factors):
        turned: Expression | None = None
        if isinstance(factor, Add) and _is_difference(factor):
            turned = negate(factor)
        elif isinstance(factor, Sum) and isinstance(factor.body, Add) and _is_difference(factor.body):
            turned = Sum(factor.index, negate(factor.body), factor.condition)
        if turned is not None:
            return multiply(Number(-coefficient), *factors[:place], turned, *factors[place + 1 :])
    return None


def _is_difference(bracket: Add) -> bool:
    """Whether half of the terms carry a minus; not with a positive number, as in 1 - a."""
    negative = sum(map(is_negative, bracket.terms))
    from_number = any(isinstance(term, Number) and term.value > 0 for term in bracket.terms)
    return 2 * negative == len(bracket.terms) and not from_number


@rule(
    Add,
    law=r"a\,p_j + b\,p_j - c = (a + b)\,p_j - c",
    source="arithmetic",
    example=("p[j] + 2 * x * p[j] - t[j]", "p[j] * (2 * x + 1) - t[j]"),
    terminates="fewer terms",
)
def gather_by_a_name(node: Expression, context: Context) -> Expression | None:
    """Some of the terms, where they are all those that hold an entry of a named intermediate."""
    assert isinstance(node, Add)
    for definition in reversed(context.problem.definitions):
        for entry in dict.fromkeys(part for term in node.terms for part in factors_of(term)):
            if not (isinstance(entry, Entry) and entry.array == definition.name and free_indices(entry)):
                continue
            having = [term for term in node.terms if entry in factors_of(term)]
            others = [term for term in node.terms if term not in having]
            if len(having) < 2 or not others or any(has_delta(term) for term in having):
                continue
            if any(_mentions(other, entry) for other in others):
                continue
            inside = add(*(multiply(*_all_but(entry, factors_of(term))) for term in having))
            if _mentions(inside, entry):
                continue
            return add(multiply(entry, inside), *others)
    return None


def _mentions(node: Expression, entry: Entry) -> bool:
    return any(part == entry for _, part in walk(node))


def _all_but(entry: Entry, factors: tuple[Expression, ...]) -> list[Expression]:
    place = factors.index(entry)
    return [*factors[:place], *factors[place + 1 :]]


def _varying_powers(term: Expression) -> dict[Expression, tuple[Expression, Expression, Fraction]]:
    """By base and varying part, the factors u^(s + n) of a term whose exponent is no number."""
    found = {}
    for factor in factors_of(coefficient_and_rest(term)[1]):
        base, exponent = base_and_exponent(factor)
        if not isinstance(exponent, Number):
            number = sum((each.value for each in terms_of(exponent) if isinstance(each, Number)), Fraction(0))
            varying = add(*(each for each in terms_of(exponent) if not isinstance(each, Number)))
            found[canonical(Power(base, varying))] = (base, varying, number)
    return found


@rule(
    Add,
    law=r"a\,u^{s + 1} + b\,u^s = u^s (a u + b)",
    source="arithmetic",
    example=("t[j] * z[j]^x + b[j] * z[j]^(x - 1)", "z[j]^(x - 1) * (t[j] * z[j] + b[j])"),
    terminates="fewer powers with a varying exponent",
)
def factor_out_a_power(node: Expression, context: Context) -> Expression | None:
    """Put the least power that all terms share in front, where the exponent is no number."""
    assert isinstance(node, Add)
    every = [_varying_powers(term) for term in node.terms]
    for key, (base, varying, _) in every[0].items():
        if not all(key in each for each in every):
            continue
        least = min(each[key][2] for each in every)
        terms = []
        for term, each in zip(node.terms, every, strict=True):
            own = canonical(Power(base, add(varying, Number(each[key][2]))))
            kept = [factor for factor in factors_of(term) if canonical(factor) != own]
            terms.append(multiply(*kept, power(base, Number(each[key][2] - least))))
        return multiply(power(base, add(varying, Number(least))), add(*terms))
    return None


FACTOR = (gather_sums, factor_out, factor_out_a_power, minus_in_front, turn_the_bracket, gather_by_a_name)
