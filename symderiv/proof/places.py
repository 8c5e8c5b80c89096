"""Index places in the normal form: bounds as factors, deltas solved for one letter, sums over one axis.

An entry outside of its array is 0, so x[i + k] is [i + k in N] x[i + k]. With every such factor written
out, what stands beside it may be cancelled, and a sum may be taken over another letter:
Σ_i [i + k in N] f(i) is Σ_n [n - k in M] f(n - k), where i ranges over M and n = i + k over N. Of all
spellings that follow from one another in this way, the least one is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import base_and_exponent, factors_of, multiply
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import decided, difference, is_within, linear, shifted, solved, within
from symderiv.expression.traverse import map_children

#: Sums with more spellings than this are compared by those that were found first.
MAX_SPELLINGS = 60


def indicator(condition: Compare) -> Where:
    """1 where a condition holds, else 0."""
    return Where(condition, ONE, ZERO)


def is_bound(factor: Expression) -> bool:
    """Whether a factor says that a place lies on its axis."""
    return isinstance(factor, Where) and is_within(factor.condition) and factor == indicator(factor.condition)


def bound_of(place: IndexTerm, axis: str) -> Expression:
    """1 where a place lies on `axis`, else 0."""
    condition = within(place, axis)
    if condition is None:
        return ONE
    known = decided(condition)
    return indicator(condition) if known is None else ONE if known else ZERO


def solved_delta(delta: Delta) -> Expression:
    """A delta as 0 or 1 where that is known, else solved for its last letter where it has one."""
    left, right = delta.left, delta.right
    if not isinstance(left, Shift) and not isinstance(right, Shift):
        return delta
    apart = difference(left, right)
    if apart is not None:
        return ZERO if apart else ONE
    counts, offset = linear(shifted([(1, left), (-1, right)], 0, ""))
    letters = sorted((term for term in counts if isinstance(term, Index)), key=lambda term: term.name)
    for letter in reversed(letters):
        place = solved(left, right, letter)
        if place is not None:
            return Delta(letter, place)
    sign = 1 if next(iter(counts.values())) > 0 else -1
    parts = [(sign * count, term) for term, count in counts.items()]
    return Delta(shifted(parts, sign * offset, ""), shifted([], 0, ""))


def implied(factors: Collection[Expression]) -> set[Expression]:
    """The bounds among `factors` that follow from the others.

    δ_{k s} says that s lies on the axis of k; and of the places i - 1, i + 1, i + 2 on one axis, the
    first and the last say that all between them, i among them, lie on it too.
    """
    bounds = [factor for factor in factors if is_bound(factor)]
    if not bounds:
        return set()
    found: set[Expression] = set()
    for factor in factors:
        if isinstance(factor, Delta) and isinstance(factor.left, Index):
            found.add(bound_of(factor.right, factor.left.axis))
    lines: dict[tuple[object, ...], dict[int, Expression | None]] = {}
    for each in bounds:
        assert isinstance(each, Where)
        place, size = each.condition.left, each.condition.right
        assert isinstance(size, Size)
        if not isinstance(place, Shift):
            continue
        line = lines.setdefault((place.terms, size.axis), {})
        line[place.offset] = each
        match place.terms:
            case ((1, Index(_, axis)),) if axis == size.axis:
                line.setdefault(0, None)
    for line in lines.values():
        inner = [each for offset, each in line.items() if min(line) < offset < max(line)]
        found |= {each for each in inner if each is not None}
    return found & set(bounds)


def without_bounds(node: Expression, factors: Collection[Expression]) -> Expression:
    """`node` with the bounds in it that follow from `factors` beside it taken for 1."""
    if is_bound(node):
        return ONE if node in factors or node in implied({*factors, node}) else node
    return map_children(node, lambda child: without_bounds(child, factors))


def least_spelling(letters: Sequence[Index], factors: Sequence[Expression]) -> Expression:
    """Σ over `letters` of a product, taken over those letters that give the least spelling."""
    best, start = _sum(letters, factors), (tuple(letters), tuple(factors))
    if not any(is_bound(factor) for factor in factors):
        return best
    seen = {repr(canonical(best)): best}
    todo = [start]
    while todo and len(seen) < MAX_SPELLINGS:
        for found in list(_substituted(*todo.pop())):
            spelled = _sum(*found)
            key = repr(canonical(spelled))
            if key not in seen:
                seen[key] = spelled
                todo.append(found)
    return seen[min(seen)]


def _sum(letters: Sequence[Index], factors: Sequence[Expression]) -> Expression:
    total = multiply(*factors)
    for letter in reversed(letters):
        total = Sum(letter, total)
    return total


def _substituted(
    letters: tuple[Index, ...], factors: tuple[Expression, ...]
) -> Iterator[tuple[tuple[Index, ...], tuple[Expression, ...]]]:
    """The same sum with one letter replaced by a place that lies on its axis wherever a term is not 0."""
    for place, axis in _places(factors):
        for spot, letter in enumerate(letters):
            new = Index(f"{letter.name}'", axis)
            old = solved(place, new, letter)
            if not isinstance(old, Shift):
                continue
            renamed = [bound_of(old, letter.axis)]
            for factor in factors:
                renamed += factors_of(_without_bounds(rename(factor, {letter: old})))
            if ZERO in renamed:
                continue
            kept = list(dict.fromkeys(factor for factor in renamed if is_bound(factor)))
            others = [factor for factor in renamed if factor != ONE and not is_bound(factor)]
            needless = implied([*kept, *others])
            kept = [factor for factor in kept if factor not in needless]
            yield (*letters[:spot], new, *letters[spot + 1 :]), (*kept, *others)


def _places(factors: Sequence[Expression]) -> list[tuple[Shift, str]]:
    """The shifted places that lie on their axes wherever the product is not 0."""
    found: dict[tuple[Shift, str], None] = {}
    for factor in factors:
        base, _ = base_and_exponent(factor)
        match base:
            case Where(Compare("in", Shift() as place, Size(axis))):
                found[place, axis] = None
            case Entry(_, indices):
                found |= {(term, term.axis): None for term in indices if isinstance(term, Shift)}
    return list(found)


def _without_bounds(factor: Expression) -> Expression:
    """A factor that is a bound, if it still says something."""
    if not is_bound(factor):
        return factor
    assert isinstance(factor, Where)
    known = decided(factor.condition)
    return factor if known is None else ONE if known else ZERO
