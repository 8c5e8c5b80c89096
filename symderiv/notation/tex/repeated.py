"""Sums over repeated indices in definitions, where a document says that such indices are summed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.syntax import Bound, Factors, Name, Ranging, Syntax, Terms, walk
from symderiv.notation.tex.uses import names_in_subscripts, plain


def with_sums(parsed: Sequence[Parsed]) -> list[Parsed]:
    """The equations; what defines a name has a sum over each letter that is on two factors of a term."""
    return [_with_sums(each) for each in parsed]


def _with_sums(each: Parsed) -> Parsed:
    left = each.sides[0]
    if each.continues or len(each.sides) < 2 or not isinstance(left, Name):
        return each
    kept = {plain(unit) for unit in names_in_subscripts(left)}
    return replace(each, sides=[left, *(_summed(side, kept) for side in each.sides[1:])])


def _summed(node: Syntax, kept: set[str]) -> Syntax:
    match node:
        case Terms(at, terms):
            return Terms(at, tuple((negative, _summed(term, kept)) for negative, term in terms))
        case Factors(_, factors):
            bound = {plain(part.letter) for part in walk(node) if isinstance(part, Ranging)}
            seen: dict[str, list[Name]] = {}
            for _, factor in factors:
                for unit in {plain(each): each for each in names_in_subscripts(factor)}.values():
                    seen.setdefault(plain(unit), []).append(unit)
            for letter, units in seen.items():
                if len(units) > 1 and letter not in kept | bound:
                    node = Bound(node.at, "sum", (Ranging(units[0].at, units[0]),), node)
            return node
        case _:
            return node
