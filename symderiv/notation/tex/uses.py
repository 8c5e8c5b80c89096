"""What a formula uses, by its syntax alone: the names of values, and the subscripts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from symderiv.notation.names import RESERVED
from symderiv.notation.tex.scope import readings
from symderiv.notation.tex.syntax import (
    Applied,
    Array,
    Called,
    Factors,
    Kronecker,
    Name,
    Numeral,
    Opaque,
    Part,
    Raised,
    Ranging,
    Relation,
    Shifted,
    Subscripted,
    Transposed,
    Unit,
    parts_of,
    walk,
)


def plain(name: Name) -> str:
    """The name that is written, with everything that is attached to it."""
    if not (name.units or name.tag or name.primes or name.star):
        spelled = list(name.names)
    else:
        spelled = [reading for reading, rest in readings(name) if not rest] or [name.names[0]]
    return next((each for each in spelled if each not in RESERVED), spelled[0])


def value_names(node: Part, with_places: bool = True) -> Iterator[Name]:
    """The names in `node` that stand for values: no subscripts, no letters of sums.

    Without places, the names that are compared or that a call is made with are left out too.
    """
    todo: list[Part] = [node]
    while todo:
        part = todo.pop()
        match part:
            case Name():
                if part.names != ("1",) and not (part.names == ("e",) and not part.units):
                    yield part
            case Kronecker() | Opaque() | Shifted() | Numeral() | Relation(_, "in" | "notin"):
                continue
            case Relation() | Called() if not with_places:
                inside = (part.left, part.right) if isinstance(part, Relation) else part.arguments
                todo.extend(each for each in inside if not isinstance(each, Name))
            case Raised(_, Name(_, ("e",)) as base, exponent) if not base.units:
                todo.append(exponent)
            case Subscripted(_, base, _) | Array(_, _, base):
                todo.append(base)
            case Ranging(_, _, first, last, condition):
                todo += [each for each in (condition, last, first) if each is not None]
            case _:
                todo.extend(reversed(list(parts_of(part))))


def names_in_subscripts(node: Part) -> Iterator[Name]:
    """The names among :func:`subscripts`, those of shifted ones included."""
    for unit in subscripts(node):
        if isinstance(unit, Name):
            yield unit
        elif isinstance(unit, Shifted):
            yield from unit.names()


def transposed_name(node: Part) -> Name | None:
    """The name that is transposed by this piece of syntax, or None."""
    match node:
        case Transposed(_, Name() as base) | Raised(_, Name() as base, Name(_, ("T",), ())):
            return base
        case _:
            return None


def after_rows(node: Part) -> Iterator[Name]:
    """The names with subscripts that are factors right after a name that is transposed: x_i in w^T x_i."""
    for part in walk(node):
        if not isinstance(part, Factors):
            continue
        factors = [factor for _, factor in part.factors]
        for before, factor in pairwise(factors):
            if (
                transposed_name(before) is not None
                and isinstance(factor, Name)
                and (factor.units or factor.tag is not None)
            ):
                yield factor


def vector_argument(node: Applied) -> Name | None:
    """The bare name in ``softmax(x)``, or None."""
    (argument, *rest) = node.arguments or (None,)
    bare = isinstance(argument, Name) and not argument.units and argument.tag is None and not rest
    return (
        argument
        if bare and node.function in ("softmax", "logsumexp") and isinstance(argument, Name)
        else None
    )


def subscripts(node: Part) -> Iterator[Unit]:
    """The subscripts in `node`, and the letters of its deltas and calls."""
    for part in walk(node):
        match part:
            case Name(_, _, units, tag):
                yield from units
                if tag is not None:
                    yield tag
            case Kronecker(_, left, right):
                yield from (left, right)
            case Subscripted(_, _, units):
                yield from units
            case _:
                continue
