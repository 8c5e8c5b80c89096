"""Rules that fold an expression back into the names of the problem."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from itertools import product as choices
from operator import itemgetter

from symderiv.calculus.context import Context, rule
from symderiv.calculus.simplify import SIMPLIFY, expanded, expanded_terms, sum_chain, sum_over
from symderiv.calculus.skeleton import skeleton
from symderiv.calculus.tidy import tidy
from symderiv.expression.canonical import canonical, sort_key
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
from symderiv.expression.indices import free_indices, mentions, rename
from symderiv.expression.nodes import (
    ONE,
    Add,
    Call,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Position,
    Power,
    Shift,
    Size,
    Sum,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.problem import names_in, unfold

#: A definition with more letters than this is not searched for (letters ^ places grows too fast).
MAX_LETTERS = 4
#: A sum with more parts than this, once multiplied out, is not split: they would all need names.
MAX_PARTS = 64


def places_in(node: Expression) -> dict[str, list[IndexTerm]]:
    """Every index term that occurs in `node`, by axis; labels included where they stand."""
    found: dict[str, dict[IndexTerm, None]] = {}

    def note(term: IndexTerm, axis: str) -> None:
        found.setdefault(axis, {}).setdefault(term)

    for _, part in walk(node):
        terms: tuple[IndexTerm, ...] = ()
        if isinstance(part, Entry):
            terms = part.indices
        elif isinstance(part, Delta):
            terms = (part.left, part.right)
        elif isinstance(part, Derivative):
            terms = tuple(term for entry in part.by for term in entry.indices)
        inside = [inner for term in terms if isinstance(term, Shift) for _, inner in term.terms]
        terms = (*terms, *inside)  # a definition is folded at the letters of a shift, not at the shift itself
        labels = [term for term in terms if isinstance(term, Entry)]
        for term in terms:
            if isinstance(term, Index | Position):
                note(term, term.axis)
        for label in labels:
            note(label, "")
    return {axis: list(terms) for axis, terms in found.items()}


_Powers = dict[Expression, tuple[Expression, Fraction]]


def _primitive(base: Expression) -> tuple[Expression, bool]:
    """A bracket up to its sign, and whether the sign was turned: a - b and b - a are one base."""
    if isinstance(base, Add):
        turned = negate(base)
        if sort_key(canonical(turned)) < sort_key(canonical(base)):
            return turned, True
    return base, False


@lru_cache(maxsize=16384)
def _powers(node: Expression) -> tuple[Fraction, _Powers]:
    """A term as its number and canonical base -> (base, exponent); not to be changed."""
    coefficient, rest = coefficient_and_rest(node)
    found: _Powers = {}
    for factor in factors_of(rest):
        if factor == ONE:
            continue
        base, exponent = base_and_exponent(factor)
        if not isinstance(exponent, Number):
            base, value = factor, Fraction(1)
        else:
            value = exponent.value
            if value.denominator == 1:
                base, turned = _primitive(base)
                coefficient *= -1 if turned and value % 2 else 1
        key = canonical(base)
        found[key] = (base, value + (found[key][1] if key in found else 0))
    return coefficient, found


def bindings(definition: Definition, node: Expression, context: Context) -> Iterator[dict[Index, IndexTerm]]:
    """Every way to put places that occur in `node` in for the letters of a definition."""
    places = places_in(node)
    labels = {given.name: given.label_of for given in context.problem.inputs if given.label_of is not None}
    options: list[list[IndexTerm]] = []
    for index in definition.indices:
        fitting = list(places.get(index.axis, []))
        for label in places.get("", []):
            if isinstance(label, Entry) and labels.get(label.array) == index.axis:
                fitting.append(label)
        options.append(fitting)
    for chosen in choices(*options):
        if len(set(chosen)) == len(chosen):  # x_k^2 may be S_kk by a definition; nobody writes it so
            yield dict(zip(definition.indices, chosen, strict=True))


def fold(node: Expression, definition: Definition, context: Context) -> Expression | None:
    """`node` with one occurrence of the body of `definition` replaced by its name, or None."""
    if len(definition.indices) > MAX_LETTERS or isinstance(definition.body, Entry | Number | Size):
        return None
    if not names_in(definition.body) <= names_in(node):
        return None
    if not set(definition.indices) <= set(free_indices(definition.body)):
        return None  # an array that is the same at every place: which place is meant cannot be read off
    number, whole = _powers(node)
    if not _shapes(definition.body) <= _shapes(node):
        return None
    for binding in bindings(definition, node, context):
        coefficient, every = _powers(rename(definition.body, binding))
        # Sizes count like numbers: Σ_k x_k is K μ where μ is defined as Σ_k x_k / K.
        sizes = {key: each for key, each in every.items() if isinstance(each[0], Size)}
        part = {key: each for key, each in every.items() if key not in sizes}
        if not part or not _divides(part, whole):
            continue
        left = [
            power(base, Number(exponent - (part[key][1] if key in part else 0)))
            for key, (base, exponent) in whole.items()
        ]
        scale = [power(base, Number(-exponent)) for base, exponent in sizes.values()]
        sign, left = _as_written(left, node)
        entry = Entry(definition.name, tuple(binding[index] for index in definition.indices))
        folded = multiply(Number(sign * number / coefficient), *left, *scale, entry)
        # An array that is only its sum's name must not be found again in the result.
        return None if folded == node else folded
    return None


@lru_cache(maxsize=16384)
def _shapes(node: Expression) -> frozenset[int]:
    """The skeletons of the factors of a term, sizes aside."""
    return frozenset(
        skeleton(key) for key, (base, _) in _powers(node)[1].items() if not isinstance(base, Size)
    )


def _as_written(factors: list[Expression], node: Expression) -> tuple[int, list[Expression]]:
    """Brackets turned as they stand in `node`, and the sign that this leaves: s (1 - s) stays so."""
    written = {canonical(base_and_exponent(factor)[0]) for factor in factors_of(node)}
    sign, turned = 1, []
    for factor in factors:
        base, exponent = base_and_exponent(factor)
        if (
            isinstance(base, Add)
            and isinstance(exponent, Number)
            and exponent.value.denominator == 1
            and canonical(base) not in written
            and canonical(negate(base)) in written
        ):
            sign *= -1 if exponent.value % 2 else 1
            factor = power(negate(base), exponent)
        turned.append(factor)
    return sign, turned


def _divides(part: _Powers, whole: _Powers) -> bool:
    for key, (_, exponent) in part.items():
        if key not in whole:
            return False
        have = whole[key][1]
        if have * exponent <= 0 or abs(have) < abs(exponent):
            return False
        if exponent.denominator != 1 and (have / exponent).denominator != 1:
            return False  # S = S^(2/3) S^(1/3) would go on for ever
    return True


def _candidates(node: Expression, context: Context) -> list[Definition]:
    """The definitions that have a factor of the shape of one in `node`, the last first."""
    by_shape = context.by_shape
    if not by_shape:
        for place, definition in enumerate(reversed(context.problem.definitions)):
            shape = min(_shapes(definition.body), default=0)
            by_shape.setdefault(shape, []).append((place, definition))
    found = [each for shape in _shapes(node) for each in by_shape.get(shape, ())]
    return [definition for _, definition in sorted(found, key=itemgetter(0))]


@rule(
    Add,
    Multiply,
    Sum,
    Call,
    Power,
    law=r"\text{a definition, read from right to left}",
    source="the problem",
    example=("exp(z[i]) / sum(k, exp(z[k]))", "p[i]"),
    terminates="fewer nodes: a definition's body becomes one entry",
    level="textbook",
)
def recognise(node: Expression, context: Context) -> Expression | None:
    """Fold what a definition says back into its name."""
    for definition in _candidates(node, context):
        folded = fold(node, definition, context)
        if folded is not None:
            context.note = definition.name
            return folded
    return None


def _recognised(node: Expression, context: Context) -> bool:
    """Whether some part of `node` can be folded into a name or a known total."""
    return any(
        part.apply(found, context) is not None
        for _, found in walk(node)
        for part in (recognise, total)
        if isinstance(found, part.on)
    )


@rule(
    Multiply,
    law=r"\frac{u - v}{w} = \frac{u}{w} - \frac{v}{w}",
    source="arithmetic",
    example=(
        "(exp(z[i]) * sum(k, exp(z[k])) - exp(z[i]) * exp(z[j])) / sum(k, exp(z[k]))^2",
        "exp(z[i]) / sum(k, exp(z[k])) - exp(z[i]) * exp(z[j]) / sum(k, exp(z[k]))^2",
    ),
    terminates="fewer fractions over brackets; used only where a name appears in the parts",
    level="textbook",
)
def split_the_fraction(node: Expression, context: Context) -> Expression | None:
    """Divide a bracket term by term where this brings names out."""
    assert isinstance(node, Multiply)
    brackets = [factor for factor in node.factors if isinstance(factor, Add)]
    below = [factor for factor in node.factors if _is_below(factor)]
    if len(brackets) != 1 or not below:
        return None
    rest = [factor for factor in node.factors if factor is not brackets[0]]
    terms = [_gathered(multiply(*rest, term)) for term in brackets[0].terms]
    after = add(*terms)
    # The names must come from dividing: a part that can be named anyway is no reason to divide.
    return after if any(recognise.apply(term, context) is not None for term in terms) else None


def _gathered(term: Expression) -> Expression:
    """A product with equal bases merged."""
    coefficient, powers = _powers(term)
    return multiply(
        Number(coefficient), *(power(base, Number(exponent)) for base, exponent in powers.values())
    )


@rule(
    Sum,
    law=r"\sum_k p_k = 1",
    source="the definition, put in and summed",
    example=("sum(k, p[k])", "1"),
    terminates="a sum disappears",
    level="textbook",
    name="known total",
)
def total(node: Expression, context: Context) -> Expression | None:
    """The total of a defined array where the definition shows that it is a number."""
    assert isinstance(node, Sum)
    if node.condition is not None or not isinstance(node.body, Entry):
        return None
    definition = context.problem.definition(node.body.array)
    if definition is None or node.index not in node.body.indices:
        return None
    value: Expression = Sum(node.index, unfold(definition, node.body))
    for _ in range(8):
        simpler = tidy(_once(value, context))
        if simpler == value:
            break
        value = simpler
    if not isinstance(value, Number):
        return None
    context.note = f"the {definition.name} add up to {value.value}"
    return value


def _once(node: Expression, context: Context) -> Expression:
    node = map_children(node, lambda child: _once(child, context))
    for part in SIMPLIFY:
        if isinstance(node, part.on):
            after = part.apply(node, context)
            if after is not None:
                return after
    return node


@rule(
    Sum,
    law=r"\sum_k (u_k + v_k) w_k = \sum_k u_k w_k + \sum_k v_k w_k",
    source="Graham, Knuth, Patashnik, Concrete Mathematics, chapter 2",
    example=("sum(k, (log(p[k]) + 1) * p[k])", "sum(k, log(p[k]) * p[k]) + sum(k, p[k])"),
    terminates="fewer brackets under a sum; used only where every part becomes a name or a number",
)
def split_the_sum(node: Expression, context: Context) -> Expression | None:
    """Multiply out under a sum where each part is then known by a name."""
    assert isinstance(node, Sum)
    letters, core = sum_chain(node)
    if not letters or expanded_terms(core) > MAX_PARTS:
        return None
    parts = terms_of(expanded(core))
    if len(parts) < 2:
        return None
    sums = [sum_over(letters, part) for part in parts]
    return add(*sums) if all(_settled(pulled(each), context) for each in sums) else None


def _settled(node: Expression, context: Context) -> bool:
    """Whether no sum is left in `node`, or what is left has a name."""
    return not any(isinstance(part, Sum) for _, part in walk(node)) or _recognised(node, context)


def pulled(node: Expression) -> Expression:
    """A sum with the factors free of its letter in front, one of nothing else counted."""
    if isinstance(node, Sum):
        factors = factors_of(node.body)
        outside = [factor for factor in factors if not mentions(factor, node.index)]
        inside = [factor for factor in factors if mentions(factor, node.index)]
        counted = Sum(node.index, multiply(*inside)) if inside else Size(node.index.axis)
        return multiply(*outside, counted)
    return node


@rule(
    Multiply,
    law=r"\frac{1}{S} \sum_k u_k = \sum_k \frac{u_k}{S}, \text{ known by a name}",
    source="Graham, Knuth, Patashnik, Concrete Mathematics, chapter 2",
    example=(
        "sum(i, z[i] * exp(z[i])) / sum(k, exp(z[k]))",
        "sum(i, z[i] * p[i])",
    ),
    terminates="fewer quotients outside of sums; used only where a name appears under the sum",
)
def into_the_sum(node: Expression, context: Context) -> Expression | None:
    """A denominator goes under a sum where the terms are then known by a name."""
    assert isinstance(node, Multiply)
    for place, factor in enumerate(node.factors):
        if not isinstance(factor, Sum) or factor.condition is not None:
            continue
        rest = [other for spot, other in enumerate(node.factors) if spot != place]
        for below in rest:
            if not _is_below(below) or mentions(below, factor.index):
                continue
            body = recognise.apply(multiply(below, factor.body), context)
            if body is not None:
                return multiply(*(other for other in rest if other is not below), Sum(factor.index, body))
    return None


def _is_below(factor: Expression) -> bool:
    """Whether a factor stands below the bar of a fraction."""
    return isinstance(factor, Power) and isinstance(factor.exponent, Number) and factor.exponent.value < 0


#: What can be named as it stands, then what can be named after a rearrangement.
NAME = (recognise, total)
REARRANGE = (split_the_fraction, into_the_sum, split_the_sum)
RECOGNISE = (*NAME, *REARRANGE)
