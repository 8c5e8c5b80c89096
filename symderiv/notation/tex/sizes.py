r"""Names that sums are divided by: the N of ``\frac{1}{N} \sum_i x_i`` is the size of the axis of i."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.notation.tex.syntax import (
    Bound,
    Bracket,
    Differentiated,
    Factors,
    Name,
    Part,
    Ranging,
    Ratio,
    Relation,
    Terms,
    less_than_size,
    walk,
)
from symderiv.notation.tex.uses import plain, value_names

#: What sizes are usually called; the capital of the letter that is summed over is one too.
USUAL = frozenset({"N", "n", "M", "m", "K", "D", "d", "H", "B", "C"})


def divided_sums(root: Part) -> Iterator[tuple[Name, Ranging | None]]:
    """The sums in `root` that are divided by a name of a size, each with the name.

    Of sums within sums the outermost counts, and none where it does not run over one letter alone.
    """
    for part in walk(root):
        match part:
            case Ratio(_, above, below):
                pairs = [(below, above)]
            case Factors(_, factors):
                divisors = [each for sign, each in factors if sign == "/"]
                divisors += [each.below for _, each in factors if isinstance(each, Ratio)]
                pairs = [(below, each) for below in divisors for sign, each in factors if sign != "/"]
            case _:
                continue
        for below, above in pairs:
            names = list(_names(below))
            for bound in _outermost(above):
                letter = bound.over[0] if len(bound.over) == 1 and len(names) == 1 else None
                if letter is None or _is_whole(letter):
                    yield from ((name, letter) for name in names if _is_size(name, bound))


def differentiated_by(root: Part) -> Iterator[Name]:
    """The names that something is differentiated by."""
    for part in walk(root):
        if isinstance(part, Differentiated):
            for by in part.by:
                yield from value_names(by)


def _names(below: Part) -> Iterator[Name]:
    """The bare names that a divisor is made of: N, 2 N, N - 1."""
    short = less_than_size(below) if isinstance(below, Terms) else None
    match below:
        case Name(_, _, (), None, 0, False):
            yield below
        case Factors(_, factors):
            for sign, factor in factors:
                if sign != "/":
                    yield from _names(factor)
        case Bracket(_, "(" | "{", (inside,)):
            yield from _names(inside)
        case Terms() if short is not None:
            yield from _names(short[0])
        case _:
            return


def _outermost(node: Part) -> Iterator[Bound]:
    """The sums that a factor is made of, those within them left out."""
    match node:
        case Bound(_, "sum", _, _):
            yield node
        case Bracket(_, "(" | "[" | "{" | "\\{", (inside,)):
            yield from _outermost(inside)
        case Terms(_, terms):
            for _, term in terms:
                yield from _outermost(term)
        case Factors(_, factors):
            for sign, factor in factors:
                if sign != "/" and not isinstance(factor, Ratio):
                    yield from _outermost(factor)
        case _:
            return


def _is_whole(over: Ranging) -> bool:
    """Whether a letter runs over its whole axis, or over all of it but one place."""
    rest = over.condition
    return over.first is None and (rest is None or (isinstance(rest, Relation) and rest.operator == "!="))


def _is_size(name: Name, bound: Bound) -> bool:
    return plain(name) in USUAL or any(plain(name) == plain(each.letter).upper() for each in bound.over)
