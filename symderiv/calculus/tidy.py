"""The look of an expression after every step: folded numbers, the order people write in.

Nothing here is a step of mathematics worth a line: adding zero, δ_ii = 1, the order of factors,
and letters of sums that do not clash with the free ones.
"""

from __future__ import annotations

from functools import lru_cache
from operator import is_

from symderiv.expression.construct import add, base_and_exponent, coefficient_and_rest, multiply, power
from symderiv.expression.indices import free_indices, fresh_index, mentions, rename_bound
from symderiv.expression.nodes import (
    COMPARISONS,
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
    IndexTerm,
    Multiply,
    Number,
    Position,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import decided, difference, is_within
from symderiv.expression.traverse import children, compared_values, map_children, walk
from symderiv.problem import Problem


@lru_cache(maxsize=32768)
def tidy(node: Expression) -> Expression:
    """Fold numbers, zeros, ones and deltas of equal indices, from the leaves up."""
    node = map_children(node, tidy)
    match node:
        case Add(terms):
            folded = add(*terms)
            return node if folded == node else folded
        case Multiply(factors):
            folded = multiply(*factors)
            return node if folded == node else folded
        case Power(Delta() as base, Number(value)) if value > 0:
            return base
        case Power(base, exponent):
            return power(base, exponent)
        case Delta(left, right):
            return tidy_delta(node, left, right)
        case Sum(_, body, _) if body == ZERO:
            return ZERO
        case Product(_, body, _) if body == ONE:
            return ONE
        case Extremum(_, index, body) if not mentions(body, index):
            return body
        case Sum(index, body, Compare() as condition) if (holds := always(condition)) is not None:
            return Sum(index, body) if holds else ZERO
        case Product(index, body, Compare() as condition) if (holds := always(condition)) is not None:
            return Product(index, body) if holds else ONE
        case Where(condition, then, otherwise) if (holds := always(condition)) is not None:
            return then if holds else otherwise
        case Call("exp", (argument,)) if argument == ZERO:
            return ONE
        case Call("log", (argument,)) if argument == ONE:
            return ZERO
        case _:
            return node


def tidy_delta(node: Delta, left: IndexTerm, right: IndexTerm) -> Expression:
    """δ of equal indices is 1, of different fixed places 0."""
    if left == right:
        return ONE
    if isinstance(left, Position) and isinstance(right, Position):
        return ZERO
    if isinstance(left, Shift) or isinstance(right, Shift):
        apart = difference(left, right)
        return node if apart is None else ZERO if apart else ONE
    return node


def always(condition: Compare) -> bool | None:
    """Whether a comparison of index places holds whatever the values are; None where that depends."""
    left, right = condition.left, condition.right
    if compared_values(condition):
        return None
    if is_within(condition):
        return decided(condition)
    if left == right:
        return condition.operator in ("==", "<=", ">=")
    if isinstance(left, Position) and isinstance(right, Position):
        return COMPARISONS[condition.operator](left.value, right.value)
    return None


def is_negative(term: Expression) -> bool:
    """Whether a term carries a minus sign."""
    return coefficient_and_rest(term)[0] < 0


def positive_first(node: Expression) -> Expression:
    """`node` with no sum that begins with a minus sign where one of its terms has none: 1 - u, not -u + 1."""
    node = map_children(node, positive_first)
    if isinstance(node, Add) and node.terms and is_negative(node.terms[0]):
        first = next((place for place, term in enumerate(node.terms) if not is_negative(term)), 0)
        return Add((node.terms[first], *node.terms[:first], *node.terms[first + 1 :]))
    return node


def has_delta(node: Expression) -> bool:
    """Whether a Kronecker delta occurs outside of any sum."""
    if isinstance(node, Delta):
        return True
    if isinstance(node, Sum | Product | Extremum):
        return False
    return any(has_delta(child) for child in children(node))


class Arranger:
    """Puts terms and factors in the order in which the field writes them."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        inputs = {given.name: rank for rank, given in enumerate(problem.inputs)}
        self._inputs = inputs
        self._places = {letter: place for place, letter in enumerate(problem.letters)}
        self._names = {each.name: rank for rank, each in enumerate(problem.definitions)}
        self._ordered: dict[Expression, Expression] = {}

    def arrange(self, node: Expression) -> Expression:
        """`node` tidied, its sums and products ordered, its bound letters clear of the free ones."""
        return self._order(self._letters(tidy(node)))

    def _order(self, node: Expression) -> Expression:
        found = self._ordered.get(node)
        if found is None:
            found = self._ordered[node] = self._in_order(map_children(node, self._order))
        return found

    def _in_order(self, node: Expression) -> Expression:
        match node:
            case Add(terms):
                ordered = sorted(terms, key=lambda term: (is_negative(term), not has_delta(term)))
                return node if all(map(is_, ordered, terms)) else Add(tuple(ordered))
            case Multiply(factors):
                ordered = sorted(factors, key=self._factor_key)
                return node if all(map(is_, ordered, factors)) else Multiply(tuple(ordered))
            case Delta(Entry() as label, Index() as letter):
                return Delta(letter, label)
            case _:
                return node

    def _factor_key(self, factor: Expression) -> tuple[float, int, int, int, tuple[int, ...]]:
        base, _ = base_and_exponent(factor)
        match base:
            case Number():
                return (0, 0, 0, 0, ())
            case Size():
                return (1, 0, 0, 0, ())
            case Entry(array, indices):
                given = array in self._inputs or array not in self._names
                rank = self._inputs.get(array, -1) if given else self._names[array]
                spots = tuple(self._letter_rank(term) for term in indices)
                return (2 if not indices else 4, len(indices), int(not given), rank, spots)
            case Derivative():
                return (3, 0, 0, 0, ())
            case Call():
                return (5, 0, 0, 0, ())
            case Delta():
                return (6, 0, 0, 0, ())
            case Add():
                return (7 if free_indices(base) else 2.5, 0, 0, 0, ())
            case Sum():
                return (8, 0, 0, 0, ())
            case _:
                return (7.5, 0, 0, 0, ())

    def _letter_rank(self, term: IndexTerm) -> int:
        """Declared letters in their order, so that x̂_i stands before x̂_j."""
        return self._places.get(term, len(self._places)) if isinstance(term, Index) else -1

    def _letters(self, node: Expression) -> Expression:
        free = {index.name for index in free_indices(node)}
        bound = any(isinstance(part, Sum | Product | Extremum) for _, part in walk(node))
        return self._relabel(node, free) if bound else node

    def _relabel(self, node: Expression, taken: set[str]) -> Expression:
        if isinstance(node, Sum | Product | Extremum):
            letters = self._problem.letters_of(node.index.axis)
            name = node.index.name
            if name in taken or (name not in letters and letters):
                inside = {index.name for index in free_indices(node)}
                letter = fresh_index(node.index.axis, taken | inside, [*letters, name])
                node = rename_bound(node, letter)
            taken = taken | {node.index.name}
        return map_children(node, lambda child: self._relabel(child, taken))
