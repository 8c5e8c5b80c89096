r"""What stands in the brackets on the left of ``f(x) = ...``, where it is not simply the x of the document.

``\sigma(z_i) = e^{z_i} / \sum_k e^{z_k}`` has the entries of z on its right: it defines the entries of an
array. In ``f(z_i) = \max(0, z_i)`` and in ``h(x) = \theta^T x`` beside data x_1, x_2, ... the z_i and the x
only hold the place of an argument: there they get a name of their own, and every call is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symderiv.notation.tex.calls import rebuilt
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import Called, Factors, Name, Numeral, Part, Ranging, walk
from symderiv.notation.tex.uses import plain, value_names


@dataclass(frozen=True)
class _Defined:
    """A function that an equation defines of one argument, and the number of that equation."""

    name: str
    argument: Name
    equation: int


def with_own_parameters(parsed: Sequence[Parsed], known: Scope) -> list[Parsed]:
    """The equations with functions of entries as arrays, and place holders under names of their own."""
    result = list(parsed)
    for function in _defined(result):
        if function.name == "pi":
            result = [changed(each, _with_circle_number) for each in result]
        if function.argument.units:
            if _sums_over(result[function.equation], function.argument):
                result = [changed(each, _as_entries(function)) for each in result]
                continue
        elif not _is_data(function, result, known):
            continue
        if _is_called_elsewhere(function, result):
            own = replace(function.argument, names=(_own_name(function, result, known),), units=())
            number = function.equation
            result[number] = changed(result[number], _swapped(function.argument, own))
    return result


def _defined(parsed: Sequence[Parsed]) -> Iterator[_Defined]:
    seen = set()
    for number, each in enumerate(parsed):
        left = each.sides[0] if each.sides else None
        if len(each.sides) < 2 or each.continues or not isinstance(left, Called) or left.name.primes:
            continue
        if len(left.arguments) != 1 or not isinstance(left.arguments[0], Name):
            continue
        name = plain(left.name)
        if name not in seen:
            seen.add(name)
            yield _Defined(name, left.arguments[0], number)


def _parts(parsed: Sequence[Parsed]) -> Iterator[tuple[int, Part]]:
    for number, each in enumerate(parsed):
        for root in each.parts():
            for part in walk(root):
                yield number, part


def _sums_over(each: Parsed, argument: Name) -> bool:
    """Whether the right side has other entries of the argument's array: those that a sum runs over."""
    bare = plain(replace(argument, units=()))
    bound = {plain(part.letter) for part in walk(each.sides[1]) if isinstance(part, Ranging)}
    return any(
        plain(replace(name, units=())) == bare
        and name.units != ()
        and any(isinstance(unit, Name) and plain(unit) in bound for unit in name.units)
        for name in value_names(each.sides[1])
    )


def _as_entries(function: _Defined) -> Callable[[Part], Part]:
    r"""``\sigma(z_j)`` as ``\sigma_j``, and ``\sigma(z)`` as the whole array."""
    bare, count = plain(replace(function.argument, units=())), len(function.argument.units)

    def change(node: Part) -> Part:
        if not isinstance(node, Called) or plain(node.name) != function.name or len(node.arguments) != 1:
            return node
        (argument,) = node.arguments
        if not isinstance(argument, Name) or plain(replace(argument, units=())) != bare:
            return node
        if len(argument.units) not in (0, count):
            return node
        return replace(node.name, at=node.at, units=(*node.name.units, *argument.units))

    return change


def _is_data(function: _Defined, parsed: Sequence[Parsed], known: Scope) -> bool:
    """Whether the argument's name is that of data too: declared as an array, or with an index elsewhere."""
    if known.array(function.argument) is not None:
        return True
    bare = plain(function.argument)
    return any(
        isinstance(part, Name) and (part.units or part.tag) and plain(_bare(part)) == bare
        for number, part in _parts(parsed)
        if number != function.equation
    )


def _bare(name: Name) -> Name:
    return replace(name, units=(), tag=None)


def _is_called_elsewhere(function: _Defined, parsed: Sequence[Parsed]) -> bool:
    """Whether the function is called elsewhere, and nowhere at the very name that it is defined with."""
    others = [part for number, part in _parts(parsed) if number != function.equation]
    calls = [part for part in others if isinstance(part, Called) and plain(_unprimed(part)) == function.name]
    inside = {id(part.name) for part in calls}
    if any(
        isinstance(part, Name) and id(part) not in inside and plain(replace(part, primes=0)) == function.name
        for part in others
    ):
        return False
    own = plain(function.argument)
    at_own = any(
        isinstance(argument, Name) and plain(argument) == own for call in calls for argument in call.arguments
    )
    return bool(calls) and (bool(function.argument.units) or not at_own)


def _unprimed(call: Called) -> Name:
    return replace(call.name, primes=0)


def _own_name(function: _Defined, parsed: Sequence[Parsed], known: Scope) -> str:
    taken = {plain(part) for _, part in _parts(parsed) if isinstance(part, Name)} | known.declared()
    base = plain(replace(_bare(function.argument), primes=0))
    return next(name for count in range(len(taken) + 1) if (name := f"{base}_{count}") not in taken)


def _swapped(old: Name, new: Name) -> Callable[[Part], Part]:
    spelled = replace(old, at=0)

    def change(node: Part) -> Part:
        if isinstance(node, Name) and _without_places(node) == _without_places(spelled):
            return replace(new, at=node.at)
        return node

    return change


def _without_places(node: Any) -> Any:
    """A piece of syntax that does not tell where it stands."""
    return replace(rebuilt(node, _without_places), at=0)


def _with_circle_number(node: Part) -> Part:
    r"""The number of ``2\pi`` beside a function that is called π."""
    if not isinstance(node, Factors):
        return node
    factors = list(node.factors)
    for place in range(1, len(factors)):
        sign, factor = factors[place]
        if factor == Name(factor.at, ("pi",)) and isinstance(factors[place - 1][1], Numeral):
            factors[place] = (sign, Numeral(factor.at, "pi"))
    return replace(node, factors=tuple(factors))


def changed(each: Parsed, change: Callable[[Part], Part]) -> Parsed:
    """An equation with `change` made to every piece of its syntax, from the inside out."""

    def deep(node: Any) -> Any:
        return change(rebuilt(node, deep))

    sides = [deep(side) for side in each.sides]
    return replace(each, sides=sides, conditions=[deep(condition) for condition in each.conditions])
