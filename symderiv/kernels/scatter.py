"""Sums whose terms go to the places that labels name: Σ_t δ_{v y_t} u_t, the gradient of a lookup.

As a sum over t for every v it costs V · T; adding each u_t at the place y_t costs T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symderiv.expression.construct import factors_of, multiply
from symderiv.expression.indices import indices_in_term, mentions, rename, rename_term
from symderiv.expression.nodes import Delta, Entry, Expression, Index, IndexTerm, Sum


@dataclass(frozen=True)
class Scatter:
    """Where the terms of a sum are added.

    Attributes
    ----------
    at
        The letters of the array that is added to, each with the label that names its place.
    over
        The letters that the sum runs over.
    """

    at: tuple[tuple[Index, Entry], ...]
    over: tuple[Index, ...]

    def renamed(self, names: Mapping[Index, IndexTerm]) -> Scatter:
        """The same with other letters (letters only)."""
        at, over = [], []
        for letter, label in self.at:
            new, where = rename_term(letter, names), rename_term(label, names)
            assert isinstance(new, Index)
            assert isinstance(where, Entry)
            at.append((new, where))
        for letter in self.over:
            new = rename_term(letter, names)
            assert isinstance(new, Index)
            over.append(new)
        return Scatter(tuple(at), tuple(over))


def scatter_of(node: Sum) -> tuple[Expression, Expression, Scatter] | None:
    """A sum as outside · Σ_over (body, added at the labels' places); None where it is no such sum.

    Letters that no label has stay in sums inside the body.
    """
    letters: list[Index] = []
    core: Expression = node
    while isinstance(core, Sum) and core.condition is None:
        letters.append(core.index)
        core = core.body
    factors = list(factors_of(core))
    at: dict[Index, Entry] = {}
    for factor in list(factors):
        found = _place(factor, letters)
        if found is not None and found[0] not in at:
            at[found[0]] = found[1]
            factors.remove(factor)
    if not at:
        return None
    inside_labels = {index for label in at.values() for index in indices_in_term(label)}
    over = tuple(letter for letter in letters if letter in inside_labels)
    outside = [factor for factor in factors if not any(mentions(factor, letter) for letter in letters)]
    body = multiply(*(factor for factor in factors if factor not in outside))
    for letter in reversed(letters):
        if letter not in over:
            body = Sum(letter, body)
    return multiply(*outside), rename(body, at), Scatter(tuple(at.items()), over)


def _place(factor: Expression, letters: list[Index]) -> tuple[Index, Entry] | None:
    """For δ_{v y_t} with t summed over and v not: the letter v and the label y_t."""
    if not isinstance(factor, Delta):
        return None
    for letter, label in ((factor.left, factor.right), (factor.right, factor.left)):
        if not isinstance(letter, Index) or not isinstance(label, Entry) or letter in letters:
            continue
        inside = set(indices_in_term(label))
        if letter not in inside and inside & set(letters):
            return letter, label
    return None
