"""The inputs that a function is tried on: those of a trial, as far as the problem has a value there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from symderiv.kernels.meaning import Meaning
from symderiv.kernels.reference import HUGE, is_real
from symderiv.kernels.rewrite_check import numbers_asked_for
from symderiv.kernels.trials import SOME_INFINITE, Table, Trial, meets_infinite, values

#: How many entries of each definition are looked at, to see whether it has values.
_LOOKED_AT = 8
#: Two numbers that stand for 0: a limit is the same from both.
_NEAR_ZERO = (Fraction(1, 10**200), Fraction(1, 10**180))
_SAME = Fraction(1, 10**40)


def inputs_of(meaning: Meaning, trial: Trial, seed: str) -> dict[str, Table]:
    """Values of all inputs, cotangents and tangents; none if the problem has no value at such ones.

    log(1 - p[y]) has no value where softmax is taken of one score, for example. Where a formula asks for
    entries that are some number, or for labels that are one, and has no value else, there are such.
    """
    spec = meaning.spec
    companions = [each for each in spec.arguments if each.role in ("cotangent", "tangent")]

    def drawn(positive: bool, weights: frozenset[str], asked: bool) -> dict[str, Table]:
        tables = {
            each.name: values(
                each,
                trial,
                spec.exponents,
                positive,
                seed,
                scores=spec.scores,
                logits=spec.logits,
                weights=weights,
            )
            for each in (*meaning.inputs, *companions)
        }
        return _as_asked(meaning, tables) if asked else tables

    for asked, positive in product((False, True), (False, True)):
        tables = drawn(positive, frozenset(), asked)
        if not _is_real(meaning, tables, trial):
            continue
        if trial.kind != SOME_INFINITE:
            return tables
        weights: frozenset[str] = frozenset()
        for each in meaning.inputs:
            if meets_infinite(each, spec.exponents) and _is_weight(
                meaning, drawn(positive, weights | {each.name}, asked), trial
            ):
                weights |= {each.name}
        return drawn(positive, weights, asked)
    return {}


def _as_asked(meaning: Meaning, tables: dict[str, Table]) -> dict[str, Table]:
    """The same with every other entry as conditions ask for, and labels of several places all the same."""
    meant = numbers_asked_for(each.body for each in meaning.batched.definitions)
    found = dict(tables)
    for each in meaning.inputs:
        if each.kind == "label" and each.axes:
            found[each.name] = dict.fromkeys(tables[each.name], 0.0)
        elif each.name in meant:
            number = float(meant[each.name])
            table = tables[each.name].items()
            found[each.name] = {place: value if sum(place) % 2 else number for place, value in table}
    return found


def _is_real(meaning: Meaning, tables: Mapping[str, Table], trial: Trial, *, limits: bool = False) -> bool:
    """Whether the definitions have real values at these inputs (a logarithm of -1 has none)."""
    oracle = meaning.forward(tables, trial, limits=limits)
    try:
        for definition in meaning.batched.definitions:
            spots = list(product(*(range(trial.sizes[index.axis]) for index in definition.indices)))
            for place in spots[:: max(1, len(spots) // _LOOKED_AT)]:
                value = oracle.entry(definition.name, place)
                if not is_real(value) and not (limits and value == -math.inf):  # scores, and log 0
                    return False
    except (ArithmeticError, ValueError):
        return False
    return True


def _is_weight(meaning: Meaning, tables: Mapping[str, Table], trial: Trial) -> bool:
    """Whether an input may be 0 beside an exponent of -inf: it is a weight there and no divisor.

    The definitions must have values with exactly 0, and what the function returns a limit.
    """
    if not _is_real(meaning, tables, trial, limits=True):
        return False
    oracles = [meaning.exact(tables, trial, zero=zero) for zero in _NEAR_ZERO]
    try:
        for result in meaning.spec.results:
            spots = list(product(*(range(trial.sizes[axis]) for axis in result.axes)))
            for place in spots[:: max(1, len(spots) // _LOOKED_AT)]:
                near, nearer = (
                    meaning.reference(result, each, place, "none", ()) for each in reversed(oracles)
                )
                both_huge = min(abs(near), abs(nearer)) > HUGE
                if not both_huge and abs(near - nearer) > _SAME * (1 + abs(near)):
                    return False
    except (ArithmeticError, ValueError):
        return False
    return True
