"""Where a sum over shifted places begins and ends: Σ_k w_k x_{i+k} needs only those k with i + k on its axis.

A term with a factor outside of its array is 0 and is left out, so that the loop needs no test inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symderiv.expression.construct import factors_of
from symderiv.expression.nodes import Entry, Expression, Index, IndexTerm, Shift
from symderiv.kernels.formula import shifted_place


@dataclass(frozen=True)
class Window:
    """The places of one letter at which all entries of a product exist.

    Attributes
    ----------
    starts, stops
        The first place is the largest of `starts` and 0, the place after the last the smallest of `stops`.
    inside
        The shifted places that need no test there.
    conditions
        Places that do not depend on the letter, and the sizes of their axes: where one of them does not
        exist, no place of the letter is in the window.
    """

    starts: tuple[str, ...]
    stops: tuple[str, ...]
    inside: frozenset[Shift]
    conditions: tuple[tuple[str, str], ...] = ()


def window_of(
    body: Expression, letter: Index, place: Callable[[IndexTerm], str], size: Callable[[str], str]
) -> Window | None:
    """The window of a product over `letter`; None where no entry of it is at a place shifted by `letter`.

    Parameters
    ----------
    place, size
        Print a place, counted from 0, and the size of an axis.
    """
    starts: dict[str, None] = {}
    stops: dict[str, None] = {}
    inside: set[Shift] = set()
    fixed: dict[Shift, None] = {}
    for factor in factors_of(body):
        for term in factor.indices if isinstance(factor, Entry) else ():
            if not isinstance(term, Shift) or term in inside:
                continue
            counts = {inner: count for count, inner in term.terms}
            count = counts.pop(letter, 0)
            if count == 0:
                fixed[term] = None
            if abs(count) != 1:
                continue
            last = size(term.axis)
            if count == 1:  # 0 <= k + rest < N
                rest = _rest(counts, term.offset + 1, 1, place)
                starts[_rest(counts, 1 - term.offset, -1, place)] = None
                stops[f"{last} - ({rest})" if " " in rest or "-" in rest else f"{last} - {rest}"] = None
            else:  # 0 <= rest - k < N
                stop = _rest(counts, term.offset, 1, place)
                starts[f"{stop} - {last}"] = None
                stops[stop] = None
            inside.add(term)
    if not inside:
        return None
    conditions = tuple((place(term), size(term.axis)) for term in fixed)
    return Window(tuple(starts), (size(letter.axis), *stops), frozenset(inside | set(fixed)), conditions)


def _rest(counts: dict[IndexTerm, int], offset: int, sign: int, place: Callable[[IndexTerm], str]) -> str:
    """`sign` times the places of `counts`, and `offset`, as a place counted from 0."""
    terms = tuple((sign * count, term) for term, count in counts.items())
    return shifted_place(Shift(terms, offset, ""), place)
