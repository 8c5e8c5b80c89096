"""One spelling for trees that differ only in order and in the letters of their sums.

:func:`canonical` sorts sums and products, and renames bound letters by how deep they are bound.
Two trees with the same canonical form are equal for every size and all values; the converse does
not hold (that is what the proof room is for).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import permutations

from symderiv.expression.construct import add, multiply, power
from symderiv.expression.indices import rename, rename_term
from symderiv.expression.nodes import (
    SYMMETRIC,
    Add,
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
    PlaceTerm,
    Power,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import index_key
from symderiv.expression.traverse import compared_values, map_children

#: Up to this many sums in a row are put in the order that gives the smallest spelling.
MAX_REORDERED_SUMS = 4

_RANK: dict[type, int] = {
    kind: rank
    for rank, kind in enumerate((Number, Size, Delta, Entry, Power, Derivative, Multiply, Sum, Product, Add))
}


@lru_cache(maxsize=65536)
def sort_key(node: Expression) -> tuple[int, str]:
    """A key that orders expressions: the kind of node first, then its spelling."""
    return _RANK.get(type(node), len(_RANK)), repr(node)


@lru_cache(maxsize=16384)
def canonical(node: Expression) -> Expression:
    """The sorted, alpha-renamed spelling of `node`."""
    return _canonical(node, 0)


def same(left: Expression, right: Expression) -> bool:
    """Whether two trees differ only in order and bound letters."""
    return left == right or canonical(left) == canonical(right)


@lru_cache(maxsize=32768)
def _canonical(node: Expression, depth: int) -> Expression:
    match node:
        case Add(terms):
            return _sorted_sum(add(*(_canonical(term, depth) for term in terms)))
        case Multiply(factors):
            return _sorted_product(multiply(*(_canonical(factor, depth) for factor in factors)))
        case Power(base, exponent):
            return power(_canonical(base, depth), _canonical(exponent, depth))
        case Delta(left, right):
            first, second = sorted((left, right), key=lambda term: str(index_key(term)))
            return Delta(first, second)
        case Derivative(of, by):
            entries = sorted(by, key=lambda entry: str(index_key(entry)))
            return Derivative(_canonical(of, depth), tuple(entries))
        case Sum(_, Sum(), _):
            return _canonical_sums(node, depth)
        case Sum(index, body, condition) | Product(index, body, condition):
            letter = Index(f"#{depth}", index.axis)
            names: dict[Index, IndexTerm] = {index: letter}
            inner = _canonical(rename(body, names), depth + 1)
            return type(node)(letter, inner, _canonical_condition(condition, names, depth + 1))
        case Extremum(kind, index, body):
            letter = Index(f"#{depth}", index.axis)
            return Extremum(kind, letter, _canonical(rename(body, {index: letter}), depth + 1))
        case Where(condition, then, otherwise) if not compared_values(condition):
            told = _canonical_condition(condition, {}, depth)
            assert told is not None
            return Where(told, _canonical(then, depth), _canonical(otherwise, depth))
        case _:
            return map_children(node, lambda child: _canonical(child, depth))


def _canonical_condition(
    condition: Compare | None, names: dict[Index, IndexTerm], depth: int
) -> Compare | None:
    if condition is None:
        return None
    values = compared_values(condition)
    if values:
        left, right = (_canonical(rename(value, names), depth) for value in values)
        return Compare(condition.operator, left, right)
    sides = [
        rename_term(side, names) if isinstance(side, PlaceTerm | Entry) else side
        for side in (condition.left, condition.right)
    ]
    if condition.operator in SYMMETRIC:
        sides.sort(key=repr)
    return Compare(condition.operator, sides[0], sides[1])


def _canonical_sums(node: Sum, depth: int) -> Expression:
    """Sums in a row may stand in any order where no condition depends on another's letter."""
    chain: list[Sum] = []
    inner: Expression = node
    while isinstance(inner, Sum) and inner.condition is None and len(chain) < MAX_REORDERED_SUMS:
        chain.append(inner)
        inner = inner.body
    if len(chain) < 2:
        letter = Index(f"#{depth}", node.index.axis)
        names: dict[Index, IndexTerm] = {node.index: letter}
        body = _canonical(rename(node.body, names), depth + 1)
        return Sum(letter, body, _canonical_condition(node.condition, names, depth + 1))
    # Give each sum a letter of its own first: the same letter may be bound twice in the chain.
    letters = [Index(f"?{depth}_{place}", link.index.axis) for place, link in enumerate(chain)]
    body = node
    for letter in letters:
        assert isinstance(body, Sum)
        body = rename(body.body, {body.index: letter})
    best: Expression | None = None
    for order in permutations(letters):
        final = [Index(f"#{depth + place}", letter.axis) for place, letter in enumerate(order)]
        spelled = _canonical(rename(body, dict(zip(order, final, strict=True))), depth + len(order))
        for letter in reversed(final):
            spelled = Sum(letter, spelled)
        if best is None or repr(spelled) < repr(best):
            best = spelled
    assert best is not None
    return best


def _sorted_sum(node: Expression) -> Expression:
    if isinstance(node, Add):
        return Add(tuple(sorted(node.terms, key=sort_key)))
    return node


def _sorted_product(node: Expression) -> Expression:
    if isinstance(node, Multiply):
        return Multiply(tuple(sorted(node.factors, key=sort_key)))
    return node
