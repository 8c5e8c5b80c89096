"""The index-notation tree: every kind of node there is.

The nodes are frozen dataclasses with slots. Their constructors do nothing clever: no sorting,
no flattening, no evaluation; what is written is what is stored. Light arithmetic lives in
:mod:`symderiv.expression.construct`, everything else in the rule tables of the calculus.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias


class _Node:
    """Remembers its hash: trees are looked up often, and hashing one visits all of it."""

    __slots__ = ("_hash",)
    __match_args__: tuple[str, ...]
    _hash: int

    def _remembered_hash(self) -> int:
        try:
            return self._hash
        except AttributeError:
            parts = [getattr(self, name) for name in self.__match_args__]
            object.__setattr__(self, "_hash", hash((type(self).__name__, *parts)))
            return self._hash


@dataclass(frozen=True, slots=True)
class Index(_Node):
    """An index letter, such as ``i``, that ranges over all of `axis`."""

    name: str
    axis: str

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Position(_Node):
    """A fixed place on an axis, counted from 1 as in mathematics: the 2 of ``p_2``."""

    value: int
    axis: str

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Shift(_Node):
    """An index shifted by others or by a whole number: the ``i + k - 1`` of ``x[i + k - 1]``.

    Its place, counted from 1, is the sum of the places in `terms`, each times its coefficient, and of
    `offset`; it is meant on `axis`, and may lie outside of it. An entry outside of its array is 0, so
    that every law of sums and products holds for it. Make one by
    :func:`symderiv.expression.shifts.shifted`, which gives equal places one spelling.
    """

    terms: tuple[tuple[int, IndexTerm], ...]
    offset: int
    axis: str

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Number(_Node):
    """An exact rational number."""

    value: Fraction

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Size(_Node):
    """The number of places on an axis, such as ``K``."""

    axis: str

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Entry(_Node):
    """One entry of an array, ``W[j, k]``; a scalar has no indices.

    An index may itself be an entry of an array of labels: ``z[y]`` or ``p[n, y[n]]``. The array may be the
    inverse of a matrix, ``inv(A)[i, j]``, or its determinant: see :mod:`symderiv.expression.matrices`.
    """

    array: str
    indices: tuple[IndexTerm, ...] = ()

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Delta(_Node):
    """Kronecker's delta: 1 where both sides are the same place, otherwise 0."""

    left: IndexTerm
    right: IndexTerm

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Add(_Node):
    """A sum of terms."""

    terms: tuple[Expression, ...]

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Multiply(_Node):
    """A product of factors. A quotient a / b is the product a · b^(-1)."""

    factors: tuple[Expression, ...]

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Power(_Node):
    """`base` raised to `exponent`."""

    base: Expression
    exponent: Expression

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Call(_Node):
    """A scalar function applied to its arguments, such as ``exp(u)``."""

    function: str
    arguments: tuple[Expression, ...]

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Compare(_Node):
    """A condition: `left` and `right` are both indices, or both expressions.

    `operator` is one of ``<  <=  >  >=  ==  !=``, or ``in``: then `left` is an index and `right` the
    size of an axis, and the condition says that the place `left` is one of that axis.
    """

    operator: str
    left: IndexTerm | Expression
    right: IndexTerm | Expression

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Sum(_Node):
    """The sum of `body` over all places of `index` that meet `condition`."""

    index: Index
    body: Expression
    condition: Compare | None = None

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Product(_Node):
    """The product of `body` over all places of `index` that meet `condition`."""

    index: Index
    body: Expression
    condition: Compare | None = None

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Extremum(_Node):
    """The largest or smallest `body` over an axis; `kind` is ``max`` or ``min``."""

    kind: str
    index: Index
    body: Expression

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Where(_Node):
    """`then` where `condition` holds, else `otherwise`."""

    condition: Compare
    then: Expression
    otherwise: Expression

    __hash__ = _Node._remembered_hash


@dataclass(frozen=True, slots=True)
class Derivative(_Node):
    """The partial derivative of `of` by each entry of `by` in turn."""

    of: Expression
    by: tuple[Entry, ...]

    __hash__ = _Node._remembered_hash


IndexTerm: TypeAlias = Index | Position | Shift | Entry
#: The index terms that are no values as well (the entry of a label array is both).
PlaceTerm: TypeAlias = Index | Position | Shift
Expression: TypeAlias = (
    Number
    | Size
    | Entry
    | Delta
    | Add
    | Multiply
    | Power
    | Call
    | Sum
    | Product
    | Extremum
    | Where
    | Derivative
)
#: The nodes that bind an index.
Binder: TypeAlias = Sum | Product | Extremum

#: What each sign of a condition says about two places or two values.
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
#: The signs of which the sides may be exchanged.
SYMMETRIC = ("==", "!=")

ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))
MINUS_ONE = Number(Fraction(-1))


@dataclass(frozen=True, slots=True)
class Definition:
    """A named intermediate: ``name[indices] = body`` for every place of its indices."""

    name: str
    indices: tuple[Index, ...]
    body: Expression
