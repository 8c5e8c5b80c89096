r"""Means whose sum has no bound: in ``\mu = \frac{1}{N} \sum_i x_i`` the N counts the places of i.

That is read so in a definition that is such a mean and nothing else, where no formula says what N is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.notation.tex.parameters import changed
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import (
    Bound,
    Bracket,
    Factors,
    Name,
    Numeral,
    Part,
    Ranging,
    Ratio,
    Root,
    walk,
)
from symderiv.notation.tex.uses import names_in_subscripts, plain

#: Letters that count what is averaged; others, such as the temperature T or a mass m, are as often factors.
_COUNTS = ("N", "n", "B")


def with_counts(parsed: Sequence[Parsed], known: Scope, notes: dict[str, int]) -> list[Parsed]:
    """The equations with the bound in the sums of means."""
    lefts = {plain(each.sides[0]) for each in parsed if isinstance(each.sides[0], Name)}
    bounds = {
        plain(part.last)
        for each in parsed
        for root in each.parts()
        for part in walk(root)
        if isinstance(part, Ranging) and isinstance(part.last, Name)
    }
    letters = {plain(name) for each in parsed for root in each.parts() for name in names_in_subscripts(root)}
    taken = lefts | bounds | letters | known.declared()
    found: list[Parsed] = []
    for each in parsed:
        means = {} if each.continues or len(each.sides) < 2 or not isinstance(each.sides[0], Name) else {
            total.at: count
            for total, count in _means(each.sides[1])
            if plain(count) not in taken
        }  # fmt: skip
        for count in means.values():
            notes.setdefault(f"{plain(count)} is read as the number of what is added up", count.at)

        def change(node: Part, means: dict[int, Name] = means) -> Part:
            if isinstance(node, Bound) and node.at in means:
                (ranging,) = node.over
                return replace(node, over=(replace(ranging, last=means[node.at]),))
            return node

        found.append(changed(each, change) if means else each)
    return found


def _means(node: Part) -> list[tuple[Bound, Name]]:
    """The sum that a value is a mean of, with the letter that counts; also below a root and in brackets."""
    match node:
        case Root(_, None, body) | Bracket(_, _, (body,)):
            return _means(body)
        case Factors(
            _, (("", Ratio(_, Numeral(_, "1"), Name(_, (letter,), ()) as count)), ("", Bound() as total))
        ):
            free = len(total.over) == 1 and total.over[0].last is None and total.over[0].condition is None
            return [(total, count)] if free and letter in _COUNTS and total.kind == "sum" else []
        case _:
            return []
