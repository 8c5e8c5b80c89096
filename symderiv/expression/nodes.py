"""The index-notation tree: every kind of node there is.

The nodes are frozen dataclasses with slots. Their constructors do nothing clever: no sorting,
no flattening, no evaluation; what is written is what is stored. Light arithmetic lives in
:mod:`symderiv.expression.construct`, everything else in the rule tables of the calculus.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Index:
    """An index letter, such as ``i``, that ranges over all of `axis`."""

    name: str
    axis: str


@dataclass(frozen=True, slots=True)
class Position:
    """A fixed place on an axis, counted from 1 as in mathematics: the 2 of ``p_2``."""

    value: int
    axis: str


@dataclass(frozen=True, slots=True)
class Number:
    """An exact rational number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Size:
    """The number of places on an axis, such as ``K``."""

    axis: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an array, ``W[j, k]``; a scalar has no indices.

    An index may itself be an entry of an array of labels: ``z[y]`` or ``p[n, y[n]]``.
    """

    array: str
    indices: tuple[IndexTerm, ...] = ()


@dataclass(frozen=True, slots=True)
class Delta:
    """Kronecker's delta: 1 where both sides are the same place, otherwise 0."""

    left: IndexTerm
    right: IndexTerm


@dataclass(frozen=True, slots=True)
class Add:
    """A sum of terms."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Multiply:
    """A product of factors. A quotient a / b is the product a · b^(-1)."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """`base` raised to `exponent`."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A scalar function applied to its arguments, such as ``exp(u)``."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition: `left` and `right` are both indices, or both expressions.

    `operator` is one of ``<  <=  >  >=  ==  !=``.
    """

    operator: str
    left: IndexTerm | Expression
    right: IndexTerm | Expression


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of `body` over all places of `index` that meet `condition`."""

    index: Index
    body: Expression
    condition: Compare | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """The product of `body` over all places of `index` that meet `condition`."""

    index: Index
    body: Expression
    condition: Compare | None = None


@dataclass(frozen=True, slots=True)
class Extremum:
    """The largest or smallest `body` over an axis; `kind` is ``max`` or ``min``."""

    kind: str
    index: Index
    body: Expression


@dataclass(frozen=True, slots=True)
class Where:
    """`then` where `condition` holds, else `otherwise`."""

    condition: Compare
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Derivative:
    """The partial derivative of `of` by each entry of `by` in turn."""

    of: Expression
    by: tuple[Entry, ...]


IndexTerm: TypeAlias = Index | Position | Entry
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

ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))
MINUS_ONE = Number(Fraction(-1))


@dataclass(frozen=True, slots=True)
class Definition:
    """A named intermediate: ``name[indices] = body`` for every place of its indices."""

    name: str
    indices: tuple[Index, ...]
    body: Expression
