"""Where shifted indices lead out of their arrays: what is left out, and what must be said.

An entry outside of its array does not exist. A sum skips the places of its letter at which an entry of
its body does not exist: ``sum(i, (x[i + 1] - x[i])^2)`` has one term less than x has entries. In a product,
such as ``w[k] * x[i + k]``, that is the same as counting the entry as 0, which is how the tree stands; in any
other body the condition ``i + 1 in N`` is written into the tree. Where no sum is at hand, an entry that
does not exist makes the term in which it is a factor 0: ``y[i] = x[i] - x[i - 1]`` starts with x[1]. Inside
of a function, a power of a sum, a denominator or a comparison it would have no clear meaning, and the
condition must be written: ``where(i + 1 in N, log(x[i + 1]), 0)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from symderiv.expression.construct import base_and_exponent
from symderiv.expression.indices import indices_in_term
from symderiv.expression.nodes import (
    ZERO,
    Add,
    Call,
    Compare,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Multiply,
    Number,
    Power,
    Product,
    Shift,
    Sum,
    Where,
)
from symderiv.expression.shifts import conditions_of, has_shift, is_within
from symderiv.expression.traverse import children, compared_values, rebuild
from symderiv.notation.errors import NotationError

#: Functions that have no value at 0, or not at every number.
_PARTIAL = ("log", "sqrt", "tan", "gamma")
#: Makes the error for an entry that may be outside of its array, from the entry and a sentence.
Outside: TypeAlias = Callable[[Entry, str], NotationError]


@dataclass(frozen=True)
class _Place:
    """Where in a tree one stands.

    Attributes
    ----------
    known
        The conditions that hold here.
    binders
        The sums around, innermost last, each with what lies between it and here: only products
        (``factor``), more than that (``loose``), or something that has no value everywhere (``partial``). A
        product or an extremum over an axis stands there without a number.
    plain
        Whether all between the root and here are sums and products.
    """

    known: frozenset[Compare] = frozenset()
    binders: tuple[tuple[int | None, Index, str], ...] = ()
    plain: bool = True

    def inside(self, factor: bool = False, term: bool = False, partial: bool = False) -> _Place:
        """One step further down: into a factor of a product, into a term of a sum, or into neither."""
        binders = self.binders
        if not factor:
            way = {"factor": "partial" if partial else "loose", "loose": "partial" if partial else "loose"}
            binders = tuple((key, index, way.get(old, old)) for key, index, old in binders)
        return replace(self, binders=binders, plain=self.plain and (factor or term))


def settle(expression: Expression, outside: Outside) -> Expression:
    """`expression` with the bounds of its shifted indices written into it where they matter.

    Raises
    ------
    NotationError
        If an entry may be outside of its array where that has no clear meaning.
    """
    if not has_shift(expression):
        return expression
    return _Settler(outside).visit(expression, _Place())


def explicit(expression: Expression) -> Expression:
    """`expression` as it can be printed: read again, it means the same.

    What a rewrite makes may count an entry as 0 where a reader would leave out a whole term, as in a sum of
    x[i + 1] + x[i]. There the condition is written around the entry itself.
    """
    if not has_shift(expression):
        return expression
    try:
        if settle(expression, _Unclear) == expression:
            return expression
    except _Unclear:
        pass
    return _Marker(_Unclear).visit(expression, _Place())


class _Unclear(NotationError):
    """An entry that a reader would ask about."""

    def __init__(self, entry: Entry, why: str) -> None:
        super().__init__(why, entry.array, 1, 1, "")


class _Settler:
    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        #: For each sum the conditions of entries in it, with how each is met on the way to the entry.
        self.met: dict[int, dict[Compare, set[str]]] = {}
        self.count = 0

    def visit(self, node: Expression, at: _Place) -> Expression:
        """`node`, which stands at `at`, with conditions at the sums in it."""
        match node:
            case Entry():
                return self._entry(node, (node,), at)
            case Derivative(of, by):
                return self._entry(Derivative(self.visit(of, at), by), by, at)
            case Multiply(factors):
                return rebuild(node, [self._factor(factor, at) for factor in factors])
            case Add(terms):
                below = at.inside(term=True)
                return rebuild(node, [self.visit(term, below) for term in terms])
            case Power():
                return self._factor(node, at)
            case Sum():
                return self._sum(node, at)
            case Product() | Extremum():
                below = at.inside()
                below = replace(below, binders=(*below.binders, (None, node.index, "loose")))
                return rebuild(node, [self.visit(child, below) for child in children(node)])
            case Where(condition, then, otherwise):
                return self._where(condition, then, otherwise, at)
            case _:
                below = at.inside(partial=isinstance(node, Call) and node.function in _PARTIAL)
                return rebuild(node, [self.visit(child, below) for child in children(node)])

    def _factor(self, node: Expression, at: _Place) -> Expression:
        base, exponent = base_and_exponent(node)
        if base is node:
            return self.visit(node, at)
        assert isinstance(node, Power)
        whole = isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value > 0
        below = at if whole and not isinstance(base, Add | Sum) else at.inside(partial=not whole)
        return Power(self.visit(base, below), self.visit(exponent, at.inside(partial=True)))

    def _sum(self, node: Sum, at: _Place) -> Expression:
        self.count += 1
        key = self.count
        condition = self._condition(node.condition, at)
        known = at.known | {condition} if condition is not None and is_within(condition) else at.known
        below = replace(at, known=known, binders=(*at.binders, (key, node.index, "factor")))
        body = self.visit(node.body, below)
        met = self.met.pop(key, {})
        # Where the entry is also a factor, and the rest has a value, the term is 0 without it anyway.
        wanted = [each for each, ways in met.items() if "partial" in ways or "factor" not in ways]
        for each in reversed(wanted):
            body = Where(each, body, ZERO)
        return Sum(node.index, body, condition)

    def _where(self, condition: Compare, then: Expression, otherwise: Expression, at: _Place) -> Expression:
        below = at.inside(factor=otherwise == ZERO, term=True)
        inside = replace(below, known=below.known | {condition}) if is_within(condition) else below
        settled = self._condition(condition, at)
        assert settled is not None
        return Where(settled, self.visit(then, inside), self.visit(otherwise, below))

    def _condition(self, condition: Compare | None, at: _Place) -> Compare | None:
        values = compared_values(condition)
        if condition is None or not values:
            return condition
        below = at.inside()
        left, right = (self.visit(value, below) for value in values)
        return Compare(condition.operator, left, right)

    def _entry(self, node: Expression, entries: tuple[Entry, ...], at: _Place) -> Expression:
        """An entry, or a derivative by entries."""
        for entry in entries:
            self._check(entry, at)
        return node

    def _check(self, entry: Entry, at: _Place) -> None:
        for condition in conditions_of(entry.indices):
            if condition in at.known:
                continue
            assert isinstance(condition.left, Shift)
            letters = set(indices_in_term(condition.left))
            key, around, way = next(
                (each for each in reversed(at.binders) if each[1] in letters), (None, None, "")
            )
            if key is not None:
                self.met.setdefault(key, {}).setdefault(condition, set()).add(way)
            elif around is not None or not at.plain:
                from symderiv.notation.text import index_to_text, to_text

                place = index_to_text(condition.left)
                raise self.outside(
                    entry,
                    f"{to_text(entry)} may be outside of {entry.array} here, where no sum leaves it out: "
                    f"write where({place} in {condition.left.axis}, ..., 0) around what it stands in",
                )


class _Marker(_Settler):
    """Writes the condition around every entry that a reader would not count as 0."""

    def _entry(self, node: Expression, entries: tuple[Entry, ...], at: _Place) -> Expression:
        found: list[Compare] = []
        for entry in entries:
            for condition in conditions_of(entry.indices):
                letters = set(indices_in_term(condition.left)) if isinstance(condition.left, Shift) else set()
                key, around, way = next(
                    (each for each in reversed(at.binders) if each[1] in letters), (None, None, "")
                )
                clear = (
                    way == "factor" if around is not None and key is not None else around is None and at.plain
                )
                if condition not in at.known and not clear:
                    found.append(condition)
        for condition in reversed(found):
            node = Where(condition, node, ZERO)
        return node

    def _sum(self, node: Sum, at: _Place) -> Expression:
        self.met = {}
        return super()._sum(node, at)
