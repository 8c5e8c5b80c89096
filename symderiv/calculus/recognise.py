"""Rules that fold an expression back into the names of the problem."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product as choices

from symderiv.calculus.context import Context, rule
from symderiv.calculus.simplify import SIMPLIFY, expanded, sum_chain, sum_over
from symderiv.calculus.tidy import tidy
from symderiv.expression.canonical import canonical
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
    power,
    terms_of,
)
from symderiv.expression.indices import free_indices, mentions, rename
from symderiv.expression.nodes import (
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
    Size,
    Sum,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.problem import names_in, unfold

#: A definition with more letters than this is not searched for (letters ^ places grows too fast).
MAX_LETTERS = 4


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
        labels = [term for term in terms if isinstance(term, Entry)]
        for term in terms:
            if isinstance(term, Index | Position):
                note(term, term.axis)
        for label in labels:
            note(label, "")
    return {axis: list(terms) for axis, terms in found.items()}


def _powers(node: Expression) -> dict[Expression, tuple[Expression, Fraction]]:
    """The factors of a term as canonical base -> (base, exponent); odd exponents stay in the base."""
    found: dict[Expression, tuple[Expression, Fraction]] = {}
    for factor in factors_of(node):
        base, exponent = base_and_exponent(factor)
        if isinstance(exponent, Number):
            key, value = canonical(base), exponent.value
        else:
            base, key, value = factor, canonical(factor), Fraction(1)
        found[key] = (base, value + (found[key][1] if key in found else 0))
    return found


def _bindings(definition: Definition, node: Expression, context: Context) -> Iterator[dict[Index, IndexTerm]]:
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
        yield dict(zip(definition.indices, chosen, strict=True))


def fold(node: Expression, definition: Definition, context: Context) -> Expression | None:
    """`node` with one occurrence of the body of `definition` replaced by its name, or None."""
    if len(definition.indices) > MAX_LETTERS or isinstance(definition.body, Entry | Number | Size):
        return None
    if not names_in(definition.body) <= names_in(node):
        return None
    coefficient, core = coefficient_and_rest(definition.body)
    whole = _powers(coefficient_and_rest(node)[1])
    for binding in _bindings(definition, node, context):
        part = _powers(rename(core, binding))
        if not _divides(part, whole):
            continue
        left = [
            power(base, Number(exponent - (part[key][1] if key in part else 0)))
            for key, (base, exponent) in whole.items()
        ]
        entry = Entry(definition.name, tuple(binding[index] for index in definition.indices))
        number = Number(coefficient_and_rest(node)[0] / coefficient)
        return multiply(number, *left, entry)
    return None


def _divides(
    part: dict[Expression, tuple[Expression, Fraction]],
    whole: dict[Expression, tuple[Expression, Fraction]],
) -> bool:
    for key, (_, exponent) in part.items():
        if key not in whole:
            return False
        have = whole[key][1]
        if have * exponent <= 0 or abs(have) < abs(exponent):
            return False
    return True


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
    for definition in reversed(context.problem.definitions):
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
    below = [
        factor
        for factor in node.factors
        if isinstance(factor, Power) and isinstance(factor.exponent, Number) and factor.exponent.value < 0
    ]
    if len(brackets) != 1 or not below:
        return None
    rest = [factor for factor in node.factors if factor is not brackets[0]]
    terms = [_gathered(multiply(*rest, term)) for term in brackets[0].terms]
    after = add(*terms)
    return after if all(_recognised(term, context) for term in terms) else None


def _gathered(term: Expression) -> Expression:
    """A product with equal bases merged."""
    coefficient, rest = coefficient_and_rest(term)
    return multiply(
        Number(coefficient), *(power(base, Number(exponent)) for base, exponent in _powers(rest).values())
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
    if not letters:
        return None
    parts = terms_of(expanded(core))
    if len(parts) < 2:
        return None
    sums = [sum_over(letters, part) for part in parts]
    settled = [_recognised(_pulled(each), context) for each in sums]
    return add(*sums) if all(settled) else None


def _pulled(node: Expression) -> Expression:
    if isinstance(node, Sum):
        factors = factors_of(node.body)
        return multiply(
            *(factor for factor in factors if not mentions(factor, node.index)),
            Sum(node.index, multiply(*(factor for factor in factors if mentions(factor, node.index)))),
        )
    return node


@rule(
    Add,
    Multiply,
    Sum,
    Entry,
    law=r"\text{an assumption of the problem}",
    source="the problem",
    example=("p[j] * sum(k, t[k])", "p[j]"),
    terminates="each use removes one left side of an assumption",
    level="brief",
    name="assumption",
)
def assume(node: Expression, context: Context) -> Expression | None:
    """Use an equation that the problem allows to assume; fires only after the general form."""
    for assumption in context.assumptions:
        letters = free_indices(assumption.left)
        pattern = Definition("#", letters, assumption.left)
        for binding in _bindings(pattern, node, context) if letters else [{}]:
            if canonical(rename(assumption.left, binding)) == canonical(node):
                if assumption not in context.assumed:
                    context.assumed.append(assumption)
                return rename(assumption.right, binding)
    return None


RECOGNISE = (recognise, total, split_the_fraction, split_the_sum)
ASSUME = (assume,)
