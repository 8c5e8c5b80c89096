"""The order of a formula in an axis: how many of its places one term can bring together.

See :mod:`symderiv.proof.certificate` for what the order means and why it is bounded as it is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations
from typing import TypeAlias

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    Add,
    Call,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import children, compared_values, walk
from symderiv.proof.expand import ProofError
from symderiv.proof.point import Setting, Work, has_sums
from symderiv.proof.spelling import spelling

#: A denominator in its spelling, with its letters, or their places on axes that are written out.
_Key: TypeAlias = tuple[Expression, tuple[int | Index, ...]]


@dataclass(frozen=True)
class Order:
    """The order of a fraction's numerator, and its denominators with exponents and orders."""

    above: Fraction = Fraction(0)
    below: Mapping[_Key, tuple[int, Fraction]] = field(default_factory=dict)

    def of_below(self) -> Fraction:
        """The order of all denominators together."""
        return sum((exponent * order for exponent, order in self.below.values()), Fraction(0))


def order_in(node: Expression, axis: str, setting: Setting, work: Work) -> int:
    """The order of `node` in `axis`, once its denominators are cleared.

    Parameters
    ----------
    node
        A tree in which functions of sums are square roots only.
    axis
        The axis.
    setting
        The sizes of the axes that are written out already, and the places of the free letters on them.
    work
        The budget.
    """
    sizes = setting.sizes
    memory: dict[_Key, Order] = {}

    def key_of(part: Expression, places: Mapping[Index, int]) -> _Key:
        return part, tuple(places.get(index, index) for index in free_indices(part))

    def den_of(part: Expression, places: Mapping[Index, int]) -> _Key:
        spelled, letters = spelling(part)
        return spelled, tuple(places.get(index, index) for index in letters)

    def order(part: Expression, places: Mapping[Index, int]) -> Order:
        key = key_of(part, places)
        if key not in memory:
            work.step()
            memory[key] = found(part, places)
        return memory[key]

    def found(part: Expression, places: Mapping[Index, int]) -> Order:
        match part:
            case Size(name):
                return Order(Fraction(int(name == axis)))
            case Add(terms):
                return _added([order(term, places) for term in terms])
            case Where(_, then, otherwise):
                return _added([order(then, places), order(otherwise, places)])
            case Multiply(factors):
                return _multiplied([order(factor, places) for factor in factors])
            case Power(base, Number(exponent)) if has_sums(base):
                inner = order(base, places)
                if exponent.denominator == 2:
                    inner = _root(inner)
                    exponent = exponent * 2
                if exponent < 0:
                    inner = _inverse(inner, den_of(base, places))
                return _multiplied([inner] * abs(int(exponent)))
            case Call("sqrt", (argument,)) if has_sums(argument):
                return _root(order(argument, places))
            case Sum(index, body, _):
                if index.axis in sizes:
                    return _added(
                        [order(body, {**places, index: place}) for place in range(sizes[index.axis])]
                    )
                inner = order(body, places)
                return Order(inner.above + int(index.axis == axis), inner.below)
            case _:
                return Order()

    whole = order(node, setting.places).above
    return -(-whole.numerator // whole.denominator)


def _added(parts: Sequence[Order]) -> Order:
    """A sum over the common denominator."""
    below: dict[_Key, tuple[int, Fraction]] = {}
    for part in parts:
        for key, found in part.below.items():
            if key not in below or below[key][0] < found[0]:
                below[key] = found
    full = Order(Fraction(0), below).of_below()
    above = max((part.above + full - part.of_below() for part in parts), default=Fraction(0))
    return Order(above, below)


def _multiplied(parts: Sequence[Order]) -> Order:
    below: dict[_Key, tuple[int, Fraction]] = {}
    for part in parts:
        for key, (exponent, order) in part.below.items():
            known = below.get(key, (0, order))
            below[key] = (known[0] + exponent, order)
    return Order(sum((part.above for part in parts), Fraction(0)), below)


def _inverse(part: Order, key: _Key) -> Order:
    """M/N for N/M; a numerator of order 0 is a function of its own places and need not be cleared."""
    return Order(part.of_below(), {key: (1, part.above)} if part.above else {})


def _root(part: Order) -> Order:
    """√(N/M) = √(NM)/M; a root counts half of what is under it, as only its square is summed."""
    return Order((part.above + part.of_below()) / 2, part.below)


@dataclass(frozen=True)
class _Trouble:
    """A denominator or root, the axes that it depends on as a whole, and those it stands under sums over."""

    node: Expression
    whole: frozenset[str]
    under: frozenset[str]


def arranged(
    node: Expression,
    axes: Sequence[str],
    before: Sequence[tuple[str, str]],
    hide: Callable[[Expression, Expression], Expression],
) -> tuple[Expression, tuple[str, ...]]:
    """An order in which the axes can be written out one after another, and the tree made fit for it.

    A denominator (or root) that depends on the whole of an axis A and stands under a sum over B with
    B's letter can be cleared once B is written out: so B comes before A. Where no arrangement does
    that for all of them, the sums in the others are hidden.

    Parameters
    ----------
    before
        Pairs of axes of which the first has to come before the second.
    hide
        Puts arrays in the place of all sums in the second tree, wherever they stand in the first.

    Raises
    ------
    ProofError
        If the pairs `before` contradict each other.
    """
    possible = [
        order
        for order in permutations(axes)
        if all(order.index(first) < order.index(second) for first, second in before)
    ]
    if not possible or any(first == second for first, second in before):
        raise ProofError("labels that choose places on the axis of labels")
    while True:
        troubles = list(_troubles(node, ()))
        best, wrong = possible[0], None
        for order in possible:
            failing = [each for each in troubles if not _fits(each, order)]
            if wrong is None or len(failing) < len(wrong):
                best, wrong = order, failing
        if not wrong:
            return node, best
        node = hide(node, wrong[0].node)


def _fits(trouble: _Trouble, order: Sequence[str]) -> bool:
    return all(order.index(outer) < order.index(inner) for outer in trouble.under for inner in trouble.whole)


def _troubles(node: Expression, bound: tuple[Index, ...]) -> Iterator[_Trouble]:
    """The denominators and roots of sums, those inside others first."""
    if isinstance(node, Sum):
        bound = (*bound, node.index)
    for child in children(node):
        yield from _troubles(child, bound)
    match node:
        case Power(base, Number(exponent)) if exponent < 0 or exponent.denominator == 2:
            under = base
        case Call("sqrt", (under,)):
            pass
        case _:
            return
    if has_sums(under):
        letters = set(free_indices(under))
        outside = frozenset(index.axis for index in bound if index in letters)
        if outside:
            yield _Trouble(under, _whole_axes(under), outside)


def _whole_axes(node: Expression) -> frozenset[str]:
    found = set()
    for _, part in walk(node):
        if isinstance(part, Sum):
            found.add(part.index.axis)
        elif isinstance(part, Size):
            found.add(part.axis)
    return frozenset(found)


def compares_order(node: Expression) -> bool:
    """Whether a tree asks which of two places comes first."""
    for _, part in walk(node):
        condition = part.condition if isinstance(part, Sum | Where) else None
        if (
            condition is not None
            and not compared_values(condition)
            and condition.operator not in ("==", "!=")
        ):
            return True
    return False
