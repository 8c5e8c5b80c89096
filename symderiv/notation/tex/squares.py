r"""Squares that equations define: ``\sigma^2 = \frac1n \sum_i (x_i - \mu)^2`` defines a variance.

The name is the positive root: ``\sigma`` is then the square root of what is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import Name, Numeral, Raised, Root
from symderiv.notation.tex.uses import plain, value_names


def roots_of(known: Scope, parsed: Sequence[Parsed], notes: dict[str, int]) -> Mapping[int, Parsed]:
    """For each equation that defines a square, the one that defines its root."""
    alone = {plain(replace(left, units=())) for left in _lefts(parsed)}
    found: dict[int, Parsed] = {}
    for number, each in enumerate(parsed):
        if each.continues or each.conditions or len(each.sides) < 2:
            continue
        match each.sides[0]:
            case Raised(_, Name() as name, Numeral(_, "2")) if not name.primes:
                own = plain(replace(name, units=()))
                body = {plain(replace(part, units=())) for part in value_names(each.sides[1])}
                if own in alone or own in body or known.array(name) is not None or own in ("e", "pi"):
                    continue
                root = Root(each.sides[1].at, None, each.sides[1])
                found[number] = Parsed([name, root], [], each.spans[:2], False)
                alone.add(own)
                notes.setdefault(f"{plain(name)} is read as the positive root of what is written", name.at)
    return found


def _lefts(parsed: Sequence[Parsed]) -> list[Name]:
    return [each.sides[0] for each in parsed if isinstance(each.sides[0], Name) and len(each.sides) > 1]
