"""Stability of a score less the mean score, as in the slope of softmax by its temperature.

    Σ_k z_k p_k - z_i        becomes   Σ_k (z_k - M) p_k - (z_i - M),  M = max_k z_k,  where Σ_k p_k = 1

Where all scores are large and near each other, the left side is a difference of large numbers, while
those on the right are small and exact. The value is checked by the :class:`Stabiliser` that asks.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import base_and_exponent, coefficient_and_rest, factors_of, multiply
from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import ZERO, Add, Call, Entry, Expression, Extremum, Index, Number, Sum
from symderiv.problem import unfold

if TYPE_CHECKING:
    from symderiv.kernels.stabilise import Stabiliser

#: A function of the kernels room only: log_ratio(u, m, log s) = (u - m) - log s, grouped just so.
LOG_RATIO = "log_ratio"


def centred(node: Expression, host: Stabiliser) -> Expression | None:
    """Σ_k z_k p_k - z_i: the scores may be large, their differences from the largest are not."""
    if not isinstance(node, Add):
        return None
    for mean in node.terms:
        coefficient, total = coefficient_and_rest(mean)
        scores = _mean_score(total, host)
        if scores is None:
            continue
        assert isinstance(total, Sum)
        spot = scores.indices.index(total.index)
        for term in node.terms:
            number, score = coefficient_and_rest(term)
            if number != -coefficient or not isinstance(score, Entry) or score.array != scores.array:
                continue
            apart = [place for place in range(len(scores.indices)) if place != spot]
            if any(score.indices[place] != scores.indices[place] for place in apart):
                continue
            largest = _largest(scores, total.index, host)
            # As log_ratio(u, m, l) = (u - m) - l, which no target may reorder.
            factors = [
                call(LOG_RATIO, each, largest, ZERO) if each == scores else each
                for each in factors_of(total.body)
            ]
            mean_away = Sum(total.index, multiply(*factors))
            difference = multiply(Number(number), call(LOG_RATIO, score, largest, mean_away))
            rest = [host.shift_all(each) for each in node.terms if each not in (mean, term)]
            return Add((difference, *rest)) if rest else difference
    return None


def _mean_score(total: Expression, host: Stabiliser) -> Entry | None:
    """The z_k of Σ_k z_k p_k, where p has the total 1 over k and its exponents are made of z."""
    if not (isinstance(total, Sum) and total.condition is None):
        return None
    factors = factors_of(total.body)
    if len(factors) != 2 or not all(isinstance(each, Entry) for each in factors):
        return None
    for scores, shares in (factors, factors[::-1]):
        assert isinstance(scores, Entry)
        assert isinstance(shares, Entry)
        if scores.array in host.infinite and scores.indices.count(total.index) == 1:
            definition = host.definitions.get(shares.array) or host.saved.get(shares.array)
            if definition is not None and _adds_up(unfold(definition, shares), total.index):
                return scores
    return None


def _largest(scores: Entry, index: Index, host: Stabiliser) -> Entry:
    free = tuple(dict.fromkeys(each for each in free_indices(scores) if each != index))
    body = Extremum("max", index, scores)
    for name, each in host.added.items():
        if each.indices == free and canonical(each.body) == canonical(body):
            return Entry(name, free)
    name = host.new_name(f"{scores.array}_max")
    host.add(name, free, body, "subtracted where scores are compared, so that no digits are lost")
    return Entry(name, free)


def _adds_up(share: Expression, index: Index) -> bool:
    """Whether a share exp(u_i) / Σ_k exp(u_k) adds up to 1 over its letter `index`."""
    factors = factors_of(share)
    if len(factors) != 2:
        return False
    for top, bottom in (factors, factors[::-1]):
        base, exponent = base_and_exponent(bottom)
        if (
            isinstance(top, Call)
            and top.function == "exp"
            and exponent == Number(Fraction(-1))
            and isinstance(base, Sum)
        ):
            return base.condition is None and canonical(base) == canonical(Sum(index, top))
    return False


__all__ = ["centred"]
