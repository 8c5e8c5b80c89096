r"""Functions of entries: ``N(x_n | \mu_k, \sigma^2) = ...`` defines an array, by n and k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from symderiv.notation.tex.calls import rebuilt, squared
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.syntax import Called, Name, Unit
from symderiv.notation.tex.uses import plain, value_names


@dataclass(frozen=True)
class _Indexed:
    """A function of entries: the bases of its arguments, and the letters at each of them by number."""

    bases: tuple[str, ...]
    letters: tuple[tuple[int, ...], ...]
    count: int


def with_entries(parsed: Sequence[Parsed]) -> list[Parsed]:
    """The equations with entries of an array for the calls of functions of entries."""
    found: dict[str, _Indexed] = {}
    for each in parsed:
        left = each.sides[0]
        if len(each.sides) < 2 or each.continues or not isinstance(left, Called) or left.name.units:
            continue
        indexed = _indexed(left)
        own = plain(left.name)
        if indexed is not None and not any(plain(name) == own for name in value_names(each.sides[1])):
            found.setdefault(own, indexed)
    if not found:
        return list(parsed)

    def change(node: Any) -> Any:
        node = rebuilt(node, change)
        if isinstance(node, Called) and not node.name.primes and plain(node.name) in found:
            return _entry(node, found[plain(node.name)]) or node
        return node

    return [
        replace(
            each,
            sides=[change(one) for one in each.sides],
            conditions=[change(one) for one in each.conditions],
        )
        for each in parsed
    ]


def _indexed(call: Called) -> _Indexed | None:
    """The function that a left side defines, if some of its arguments are entries."""
    numbers: dict[str, int] = {}
    letters = []
    arguments = _names(call)
    if arguments is None or len(arguments) < 2:
        return None
    for argument in arguments:
        if not all(isinstance(unit, Name) and not unit.units for unit in argument.units):
            return None
        places = tuple(
            numbers.setdefault(plain(unit), len(numbers)) for unit in argument.units if isinstance(unit, Name)
        )
        letters.append(places)
    return _Indexed(_bases(arguments), tuple(letters), len(numbers)) if numbers else None


def _entry(call: Called, function: _Indexed) -> Name | None:
    """The entry that a call is, if it is one of the same arrays."""
    arguments = _names(call)
    if arguments is None or _bases(arguments) != function.bases:
        return None
    units: dict[int, Unit] = {}
    for argument, places in zip(arguments, function.letters, strict=True):
        if len(argument.units) != len(places):
            return None
        for unit, place in zip(argument.units, places, strict=True):
            known = units.setdefault(place, unit)
            if not (isinstance(known, Name) and isinstance(unit, Name) and plain(known) == plain(unit)):
                return None
    return replace(call.name, at=call.at, units=tuple(units[place] for place in range(function.count)))


def _names(call: Called) -> list[Name] | None:
    found = []
    for part in call.arguments:
        base = squared(part)
        argument = part if base is None else base
        if not isinstance(argument, Name):
            return None
        found.append(argument)
    return found


def _bases(arguments: Sequence[Name]) -> tuple[str, ...]:
    return tuple(plain(replace(argument, units=())) for argument in arguments)
