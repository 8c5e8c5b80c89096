"""Rules that simplify sums, deltas and products without leaving the names of the problem."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import prod

from symderiv.calculus.bounds import IN_A_TERM, OF_SUMS, picked
from symderiv.calculus.context import Context, rule
from symderiv.calculus.powers import POWERS
from symderiv.calculus.tidy import has_delta, is_negative
from symderiv.expression.canonical import canonical
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    left_out_by,
    multiply,
    negate,
    power,
    terms_of,
)
from symderiv.expression.indices import indices_in_term, mentions
from symderiv.expression.nodes import (
    ZERO,
    Add,
    Call,
    Delta,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import solved
from symderiv.expression.traverse import children, map_children, walk

_KNUTH = "Graham, Knuth, Patashnik, Concrete Mathematics, chapter 2"


def sum_chain(node: Expression) -> tuple[tuple[Index, ...], Expression]:
    """The letters of plain sums in a row, outermost first, and what they sum."""
    letters: list[Index] = []
    while isinstance(node, Sum) and node.condition is None:
        letters.append(node.index)
        node = node.body
    return tuple(letters), node


def sum_over(letters: tuple[Index, ...], body: Expression) -> Expression:
    """The plain sum of `body` over `letters`, outermost first."""
    for letter in reversed(letters):
        body = Sum(letter, body)
    return body


def delta_on(node: Expression, letters: tuple[Index, ...]) -> bool:
    """Whether a delta with one of the letters stands in `node`, outside of further sums."""
    if isinstance(node, Delta):
        return any(index in letters for side in (node.left, node.right) for index in indices_in_term(side))
    if isinstance(node, Sum | Product | Extremum):
        return False
    return any(delta_on(child, letters) for child in children(node))


@rule(
    Multiply,
    law=r"a^m a^n = a^{m+n}",
    source="arithmetic; a ≠ 0 where an exponent is negative",
    example=("p[k] * t[k] / p[k]", "t[k]"),
    terminates="fewer factors",
)
def cancel(node: Expression, context: Context) -> Expression | None:
    """Gather powers of one base, so that a factor and its inverse cancel."""
    assert isinstance(node, Multiply)
    gathered: dict[Expression, tuple[Expression, Expression]] = {}
    for factor in node.factors:
        base, exponent = base_and_exponent(factor)
        key = canonical(base)
        if isinstance(base, Number):
            key = canonical(factor)
            base, exponent = factor, Number(Fraction(1))
        if key in gathered:
            gathered[key] = (gathered[key][0], add(gathered[key][1], exponent))
        else:
            gathered[key] = (base, exponent)
    if len(gathered) == len(node.factors):
        return None
    return multiply(
        *(base if isinstance(base, Delta) else power(base, exponent) for base, exponent in gathered.values())
    )


def _solutions(delta: Delta, letters: tuple[Index, ...]) -> list[tuple[Index, IndexTerm]]:
    """The summed letters for which a delta can be solved, each with its place; plain places first."""
    found = [
        (letter, other)
        for letter in letters
        if mentions(delta, letter) and (other := solved(delta.left, delta.right, letter)) is not None
    ]
    return sorted(found, key=lambda each: isinstance(each[1], Shift))


@rule(
    Sum,
    law=r"\sum_k \delta_{kj} f_k = f_j",
    source=_KNUTH,
    example=("sum(k, t[k] * delta(k, j))", "t[j]"),
    terminates="a sum and a delta disappear",
    level="textbook",
    name="sifting",
)
def sift(node: Expression, context: Context) -> Expression | None:
    """A sum over a Kronecker delta picks one term."""
    letters, core = sum_chain(node)
    factors = factors_of(core)
    for place, factor in enumerate(factors):
        if not isinstance(factor, Delta):
            continue
        for letter, other in _solutions(factor, letters):
            rest = multiply(*factors[:place], *factors[place + 1 :])
            left = tuple(each for each in letters if each != letter)
            return sum_over(left, picked(rest, letter, other))
    return None


def left_out(factor: Expression, letters: tuple[Index, ...]) -> tuple[Index, IndexTerm] | None:
    """The letter, and the place that it does not take, where `factor` is 1 - delta(letter, place)."""
    delta = left_out_by(factor)
    if delta is None:
        return None
    sides = ((delta.left, delta.right), (delta.right, delta.left))
    for side, other in sides:
        if isinstance(side, Index) and side in letters and not isinstance(other, Shift):
            return side, other
    return None


@rule(
    Sum,
    law=r"\sum_k f_k (\delta_{kj} - g_k) = \sum_k f_k \delta_{kj} - \sum_k f_k g_k",
    source=_KNUTH,
    example=(
        "sum(k, t[k] * (delta(k, j) - p[j]))",
        "sum(k, t[k] * delta(k, j)) + sum(k, t[k] * (-1 * p[j]))",
    ),
    terminates="fewer deltas inside brackets under a sum",
)
def expand_over_delta(node: Expression, context: Context) -> Expression | None:
    """Multiply out a bracket with a delta on a summed letter, and split the sum."""
    letters, core = sum_chain(node)
    if not letters:
        return None
    if isinstance(core, Add) and delta_on(core, letters):
        return add(*(sum_over(letters, term) for term in core.terms))
    factors = factors_of(core)
    for place, factor in enumerate(factors):
        if isinstance(factor, Add) and delta_on(factor, letters) and left_out(factor, letters) is None:
            return add(
                *(
                    sum_over(letters, multiply(*factors[:place], term, *factors[place + 1 :]))
                    for term in factor.terms
                )
            )
    return None


@rule(
    Sum,
    law=r"\sum_k c f_k = c \sum_k f_k",
    source=_KNUTH,
    example=("sum(k, p[j] * t[k])", "p[j] * sum(k, t[k])"),
    terminates="fewer factors under a sum",
)
def pull_out(node: Expression, context: Context) -> Expression | None:
    """Factors free of the summed letter move in front."""
    assert isinstance(node, Sum)
    factors = factors_of(node.body)
    outside = [factor for factor in factors if not mentions(factor, node.index)]
    if not outside or len(outside) == len(factors):
        return None
    inside = multiply(*(factor for factor in factors if mentions(factor, node.index)))
    return multiply(*outside, Sum(node.index, inside, node.condition))


@rule(
    Sum,
    law=r"\sum_k c = K c",
    source=_KNUTH,
    example=("sum(k, p[j])", "p[j] * K"),
    terminates="a sum disappears",
)
def sum_of_a_constant(node: Expression, context: Context) -> Expression | None:
    """A sum whose terms are all alike counts them."""
    assert isinstance(node, Sum)
    if node.condition is not None or mentions(node.body, node.index):
        return None
    return multiply(node.body, Size(node.index.axis))


@rule(
    Add,
    law=r"a f + b f = (a + b) f",
    source="arithmetic",
    example=("2 * p[j] + p[j]", "3 * p[j]"),
    terminates="fewer terms",
)
def collect(node: Expression, context: Context) -> Expression | None:
    """Like terms, which differ in their number only, become one."""
    assert isinstance(node, Add)
    gathered: dict[Expression, tuple[Expression, Fraction]] = {}
    for term in node.terms:
        coefficient, rest = coefficient_and_rest(term)
        key = canonical(rest)
        if key in gathered:
            gathered[key] = (gathered[key][0], gathered[key][1] + coefficient)
        else:
            gathered[key] = (rest, coefficient)
    if len(gathered) == len(node.terms):
        return None
    return add(*(multiply(Number(coefficient), rest) for rest, coefficient in gathered.values()))


@rule(
    Multiply,
    law=r"-(a - b) = b - a",
    source="arithmetic",
    example=("-1 * (t[j] - p[j])", "p[j] - t[j]"),
    terminates="a bracket, or the minus in front of it, disappears",
)
def signs(node: Expression, context: Context) -> Expression | None:
    """A number alone in front of a bracket goes in; so does a minus, if most terms have one."""
    assert isinstance(node, Multiply)
    coefficient, rest = coefficient_and_rest(node)
    if coefficient == 1:
        return None
    if isinstance(rest, Add):
        return add(*(multiply(Number(coefficient), term) for term in rest.terms))
    if coefficient > 0:
        return None
    factors = factors_of(rest)
    for place, factor in enumerate(factors):
        if isinstance(factor, Add) and _better_turned(factor.terms):
            return multiply(Number(-coefficient), *factors[:place], negate(factor), *factors[place + 1 :])
    return None


def _better_turned(terms: tuple[Expression, ...]) -> bool:
    """Whether a bracket reads better with its signs turned: -(b - a - c), and -(δ - p), which is p - δ."""
    negative = [term for term in terms if is_negative(term)]
    if 2 * len(negative) != len(terms):
        return 2 * len(negative) > len(terms)
    return all(has_delta(term) != is_negative(term) for term in terms)


@rule(
    Call,
    law=r"\log e^u = u, \quad e^{\log u} = u",
    source="definition of the logarithm",
    example=("log(exp(z[i]))", "z[i]"),
    terminates="two functions disappear",
)
def inverse_functions(node: Expression, context: Context) -> Expression | None:
    """A function and its inverse."""
    assert isinstance(node, Call)
    if len(node.arguments) == 1 and isinstance(node.arguments[0], Call):
        inner = node.arguments[0]
        if (node.function, inner.function) in (("log", "exp"), ("exp", "log")):
            return inner.arguments[0]
    return None


@lru_cache(maxsize=16384)
def expanded_terms(node: Expression) -> int:
    """The most terms that any part of `node` has once :func:`expanded`: layers of brackets multiply."""
    return max(_own_terms(node), *(expanded_terms(child) for child in children(node)), 1)


@lru_cache(maxsize=16384)
def _own_terms(node: Expression) -> int:
    match node:
        case Add(terms):
            return sum(_own_terms(term) for term in terms)
        case Multiply(factors):
            return prod(_own_terms(factor) for factor in factors)
        case Power(Add() as base, Number(value)) if value.denominator == 1 and 2 <= value <= 4:
            return int(_own_terms(base) ** int(value))
        case Sum(_, body, _):
            return _own_terms(body)
        case _:
            return 1


def expanded(node: Expression) -> Expression:
    """`node` multiplied out: products over sums, whole powers, plain sums over brackets.

    Used to look ahead, and to compare; never shown by itself.
    """
    node = map_children(node, expanded)
    match node:
        case Multiply(factors):
            partial: list[Expression] = [Number(Fraction(1))]
            for factor in factors:
                partial = [multiply(left, right) for left in partial for right in terms_of(factor)]
            return add(*partial)
        case Power(Add() as base, Number(value)) if value.denominator == 1 and 2 <= value <= 4:
            return expanded(Multiply((base,) * int(value)))
        case Sum(index, Add(terms), condition):
            return add(*(Sum(index, term, condition) for term in terms))
        case _:
            return node


def _at(node: Expression, old: IndexTerm, new: IndexTerm) -> Expression:
    """`node` with the index place `old` replaced, wherever it stands as an index."""
    match node:
        case Entry(array, indices):
            return Entry(array, tuple(new if term == old else term for term in indices))
        case Delta(left, right):
            return Delta(new if left == old else left, new if right == old else right)
        case _:
            return map_children(node, lambda child: _at(child, old, new))


@rule(
    Multiply,
    law=r"\delta_{jy} f_y = \delta_{jy} f_j",
    source="both sides are zero unless j = y",
    example=("delta(j, y) / p[y]", "delta(j, y) / p[j]"),
    terminates="fewer labels outside of deltas",
    name="under a delta",
)
def under_a_delta(node: Expression, context: Context) -> Expression | None:
    """Next to δ_jy, what stands at the label y may be written at the letter j."""
    assert isinstance(node, Multiply)
    for place, factor in enumerate(node.factors):
        if not isinstance(factor, Delta):
            continue
        for letter, label in ((factor.left, factor.right), (factor.right, factor.left)):
            if isinstance(letter, Index) and isinstance(label, Entry):
                rest = multiply(*node.factors[:place], *node.factors[place + 1 :])
                after = _at(rest, label, letter)
                if after != rest and not bound_in(rest, letter):
                    return multiply(after, factor)
    return None


def bound_in(node: Expression, letter: Index) -> bool:
    """Whether a sum inside `node` binds `letter`."""
    return any(isinstance(part, Sum | Product | Extremum) and part.index == letter for _, part in walk(node))


@rule(
    Where,
    law=r"\text{a factor of both branches stands in front}",
    source="both sides agree in either case",
    example=("where(x > 0, delta(i, j) * x, delta(i, j) * 2)", "delta(i, j) * where(x > 0, x, 2)"),
    terminates="fewer deltas inside of branches",
    name="out of the branches",
)
def out_of_the_branches(node: Expression, context: Context) -> Expression | None:
    """A delta in both branches, or in one where the other is zero, moves out; so do equal branches."""
    assert isinstance(node, Where)
    if node.then == node.otherwise:
        return node.then
    for branch, other in ((node.then, node.otherwise), (node.otherwise, node.then)):
        for factor in factors_of(branch):
            if isinstance(factor, Delta) and (other == ZERO or factor in factors_of(other)):
                then, otherwise = (_without(side, factor) for side in (node.then, node.otherwise))
                return multiply(factor, Where(node.condition, then, otherwise))
    return None


def _without(node: Expression, factor: Expression) -> Expression:
    return multiply(*(each for each in factors_of(node) if each != factor))


#: Rules within one term or between like terms.
LOCAL = (*IN_A_TERM, inverse_functions, *POWERS, cancel, signs, collect, under_a_delta, out_of_the_branches)
#: All of them, in the order in which they are tried at each node.
SIMPLIFY = (*LOCAL, sift, pull_out, sum_of_a_constant, expand_over_delta, *OF_SUMS)
