"""No false equation is proved, and no true one refuted: slips of the pen by the hundred, and the oracle."""

from __future__ import annotations

import random
import zlib
from itertools import product

import pytest

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Expression
from symderiv.expression.oracle import Oracle, OracleError
from symderiv.notation.reader import parse_expression
from symderiv.notation.text import to_text
from symderiv.proof import prove
from tests.oracles import agree, generic_oracle
from tests.proof.identities import BEYOND, KNOWN, PROBLEM, pairs
from tests.proof.mutation import mutants

SIZES = (
    {"K": 1, "N": 1, "C": 1},
    {"K": 2, "N": 3, "C": 2},
    {"K": 3, "N": 2, "C": 2},
    {"K": 4, "N": 3, "C": 3},
)
ORACLES = [generic_oracle(PROBLEM, sizes, seed) for seed, sizes in enumerate(SIZES)]
#: How many mutants of each equation are tried in a run of the tests.
SAMPLE = 8


def differs(oracle: Oracle, left: Expression, right: Expression) -> bool | None:
    """Whether two sides differ somewhere; None where they have no value anywhere."""
    letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
    some = False
    for place in product(*(range(oracle.size(letter.axis)) for letter in letters)):
        env = dict(zip(letters, place, strict=True))
        try:
            a, b = oracle.evaluate(left, env), oracle.evaluate(right, env)
        except (OracleError, ZeroDivisionError, ValueError):
            continue
        some = True
        if not agree(a, b):
            return True
    return False if some else None


def judged(left: Expression, mutant: Expression) -> str:
    """The verdict on a mutant, which must not contradict the oracle."""
    found = [differs(oracle, left, mutant) for oracle in ORACLES]
    verdict = prove(left, mutant, PROBLEM)
    if any(found):
        assert verdict.kind != "proved", to_text(mutant)
        return verdict.kind
    # Where numbers show no difference it may still be there, at a larger size or for other values.
    if any(each is not None for each in found) and verdict.kind == "refuted":
        assert verdict.counterexample["left"] != verdict.counterexample["right"]
    return f"alike, {verdict.kind}"


@pytest.mark.parametrize(("left", "right"), pairs(KNOWN) + pairs(BEYOND))
def test_no_mutant_is_proved_and_nearly_all_are_refuted(left: str, right: str) -> None:
    before, form = (parse_expression(side, PROBLEM) for side in (left, right))
    every = list(dict.fromkeys(mutants(form)))
    chosen = random.Random(zlib.crc32(f"{left} = {right}".encode())).sample(every, min(SAMPLE, len(every)))
    verdicts = [judged(before, mutant) for mutant in chosen]
    assert "undecided" not in verdicts


@pytest.mark.parametrize(("left", "right"), pairs(KNOWN) + pairs(BEYOND))
def test_no_true_equation_is_refuted(left: str, right: str) -> None:
    sides = [parse_expression(side, PROBLEM) for side in (left, right)]
    assert not any(differs(oracle, *sides) for oracle in ORACLES)
    assert prove(*sides, PROBLEM).kind == "proved"
