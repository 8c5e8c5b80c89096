r"""Indices in brackets: ``\pi(a)``, ``Q(s, a)`` and ``P(w|c)`` are entries where a sum runs over the letter.

A letter that is summed over and that is no value anywhere can only be a place. What stands in the same
bracket elsewhere is a place too; a letter that always stands there and is no place, such as the x of
``P(k|x)``, only reminds the reader of something and is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symderiv.notation.tex.calls import rebuilt
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import (
    Bound,
    Bracket,
    Called,
    Factors,
    Name,
    Part,
    Raised,
    Ranging,
    Subscripted,
    Syntax,
    Transposed,
    Unit,
    parts_of,
    walk,
)
from symderiv.notation.tex.uses import plain, subscripts

_Key = tuple[str, int]


@dataclass
class _Places:
    """The brackets after one name: what stands at each place of them."""

    name: Name
    places: list[set[str]]
    declared: int = 0
    used: set[int] = field(default_factory=set)  # the places that hold indices


def with_indices(parsed: Sequence[Parsed], known: Scope, notes: dict[str, int]) -> list[Parsed]:
    """The equations with entries for names whose brackets hold letters that are summed over."""
    roots = [root for each in parsed for root in each.parts()]
    letters = {
        plain(part.letter)
        for root in roots
        for part in walk(root)
        if isinstance(part, Ranging) and not part.letter.units
    }
    found = _applications(roots, known)
    if not letters or not found:
        return list(parsed)
    values = {name for root in roots for name in _values(root, known)}
    marks = {plain(unit) for root in roots for unit in subscripts(root) if isinstance(unit, Name)}
    letters -= values
    entries = _entries(found, letters, marks - values)
    if not entries:
        return list(parsed)
    for key in entries.values():
        notes.setdefault(f"the brackets after {plain(key.name)} hold indices", key.name.at)
    bases = {part.names[0] for root in roots for part in walk(root) if isinstance(part, Name) and part.units}

    outcomes = _outcomes(entries, letters) if "Sigma" not in known.declared() else set()

    def change(node: Any) -> Any:
        match node:
            case Called(at, name, arguments) if _key(name, arguments) in entries:
                return _entry(name, arguments, entries[_key(name, arguments)], at, values | bases)
            case Factors(at, factors):
                node = Factors(at, tuple(_joined(factors, entries, values | bases)))
                if len(node.factors) == 1:
                    return change(node.factors[0][1])
                return _summed(rebuilt(node, change), outcomes, notes)
        return rebuilt(node, change)

    return [
        replace(
            each,
            sides=[change(side) for side in each.sides],
            conditions=[change(condition) for condition in each.conditions],
        )
        for each in parsed
    ]


def _key(name: Name, arguments: Sequence[Syntax]) -> _Key:
    return plain(name), len(arguments)


def _bracket(node: Syntax) -> Bracket | None:
    """The bracket of bare names that a factor is, perhaps with a power or a subscript."""
    match node:
        case Raised(_, base, _) | Transposed(_, base) | Subscripted(_, base, _):
            return _bracket(base)
        case Bracket(_, "(", parts) if parts and all(map(_is_bare, parts)):
            return node
        case _:
            return None


def _is_bare(part: Syntax) -> bool:
    return isinstance(part, Name) and not part.units and part.tag is None


def _pairs(node: Factors) -> Iterator[tuple[Name, Bracket]]:
    for (_, first), (sign, second) in zip(node.factors, node.factors[1:], strict=False):
        bracket = _bracket(second) if sign == "" else None
        if isinstance(first, Name) and bracket is not None:
            yield first, bracket


def _applications(roots: Sequence[Part], known: Scope) -> dict[_Key, _Places]:
    """Every name with a bracket of bare names after it, unless it is a function by its declaration."""
    found: dict[_Key, _Places] = {}

    def add(name: Name, arguments: Sequence[Syntax]) -> None:
        array = known.array(name)
        rank = len(known.arrays[array[0]]) if array is not None else 0
        if known.slope(name) is not None or name.primes or (array is not None and rank < len(arguments)):
            return
        own = found.setdefault(_key(name, arguments), _Places(name, [set() for _ in arguments], rank))
        for place, argument in zip(own.places, arguments, strict=True):
            assert isinstance(argument, Name)
            place.add(plain(argument))

    for root in roots:
        for part in walk(root):
            if isinstance(part, Called) and part.arguments and all(map(_is_bare, part.arguments)):
                add(part.name, part.arguments)
            elif isinstance(part, Factors):
                for name, bracket in _pairs(part):
                    add(name, bracket.parts)
    return found


def _values(root: Part, known: Scope) -> Iterator[str]:
    """The bare names that are values, and not in a bracket after a name."""
    todo: list[Part] = [root]
    while todo:
        part = todo.pop()
        match part:
            case Name():
                if not part.units and part.tag is None:
                    yield plain(part)
            case Ranging():
                todo += [each for each in (part.first, part.last) if each is not None]
            case Called(_, name, arguments) if all(map(_is_bare, arguments)) and known.slope(name) is None:
                continue
            case Factors():
                inside = {id(bracket) for _, bracket in _pairs(part)}
                todo += [each for _, each in part.factors if id(_bracket(each)) not in inside]
            case Subscripted(_, base, _):
                todo.append(base)
            case _ if type(part).__name__ in ("Kronecker", "Relation"):
                continue
            case _:
                todo += list(parts_of(part))


def _entries(found: dict[_Key, _Places], letters: set[str], marks: set[str]) -> dict[_Key, _Places]:
    """Those of the names whose brackets hold indices, with the places of these."""
    letters = set(letters)
    entries: dict[_Key, _Places] = {}
    for _ in range(len(found) + 1):
        for key, each in found.items():
            hit = {number for number, place in enumerate(each.places) if place & letters}
            if hit and each.declared:
                hit = set(range(len(each.places)))
            if hit:
                hit |= {number for number, place in enumerate(each.places) if place <= marks}
                entries[key] = each
                each.used |= hit
                for number in each.used:
                    letters |= each.places[number]
    return {
        key: each
        for key, each in entries.items()
        if all(number in each.used or len(place) == 1 for number, place in enumerate(each.places))
    }


def _outcomes(entries: dict[_Key, _Places], letters: set[str]) -> set[str]:
    """The letters that stand where a summed letter stands elsewhere."""
    return {
        letter for each in entries.values() for place in each.places if place & letters for letter in place
    }


def _summed(node: Factors, outcomes: set[str], notes: dict[str, int]) -> Syntax:
    r"""``\Sigma \phi(s, a) \pi(s, a)``: a sum over all a, the one letter that could be summed over."""
    for number, (_, factor) in enumerate(node.factors[:-1]):
        if not (isinstance(factor, Name) and factor.names == ("Sigma",) and _is_bare(factor)):
            continue
        rest = node.factors[number + 1 :]
        over = {plain(unit): unit for _, each in rest for unit in subscripts(each) if isinstance(unit, Name)}
        over = {letter: unit for letter, unit in over.items() if letter in outcomes}
        if len(over) != 1:
            return node
        ((letter, unit),) = over.items()
        notes.setdefault(rf"\Sigma is read as a sum over {letter}", factor.at)
        body = rest[0][1] if len(rest) == 1 else Factors(rest[0][1].at, (("", rest[0][1]), *rest[1:]))
        total = Bound(factor.at, "sum", (Ranging(factor.at, unit),), body)
        return Factors(node.at, (*node.factors[:number], ("", total))) if number else total
    return node


def _entry(name: Name, arguments: Sequence[Syntax], entry: _Places, at: int, names: set[str]) -> Name:
    units: tuple[Unit, ...] = tuple(
        argument
        for number, argument in enumerate(arguments)
        if number in entry.used and isinstance(argument, Name)
    )
    decorated = any(isinstance(unit, Name) and unit.names[0] in names for unit in name.units)
    if decorated:  # \pi_\theta: the parameters are no index
        return replace(name, at=at, names=(plain(name),), units=units, tag=None)
    return replace(name, at=at, units=(*name.units, *units))


def _joined(
    factors: Sequence[tuple[str, Syntax]], entries: dict[_Key, _Places], names: set[str]
) -> Iterator[tuple[str, Syntax]]:
    """Factors with a name and its bracket as one entry."""
    place = 0
    while place < len(factors):
        sign, factor = factors[place]
        following = factors[place + 1] if place + 1 < len(factors) else ("*", factor)
        bracket = _bracket(following[1]) if following[0] == "" else None
        if isinstance(factor, Name) and bracket is not None and _key(factor, bracket.parts) in entries:
            entry = _entry(factor, bracket.parts, entries[_key(factor, bracket.parts)], factor.at, names)
            yield sign, _in_place(following[1], entry)
            place += 2
        else:
            yield sign, factor
            place += 1


def _in_place(node: Syntax, entry: Name) -> Syntax:
    """A factor with an entry in the place of its bracket."""
    if isinstance(node, Raised | Transposed):
        return replace(node, base=_in_place(node.base, entry))
    if isinstance(node, Subscripted):
        return replace(entry, units=(*entry.units, *node.units))
    return entry
