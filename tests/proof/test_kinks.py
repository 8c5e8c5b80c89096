"""Normal forms mean what they are forms of, at kinks, ties and zeros too: random trees, small numbers."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product

import pytest

from symderiv.expression.construct import add, multiply, negate, number, power
from symderiv.expression.nodes import (
    Call,
    Compare,
    Entry,
    Expression,
    Extremum,
    Index,
    Product,
    Sum,
    Where,
)
from symderiv.expression.oracle import Oracle, OracleError, multiprecision
from symderiv.notation.text import to_text
from symderiv.proof import Normal, ProofError
from tests.oracles import agree

ARITHMETIC = multiprecision(30)
LETTER = Index("k", "K")
SCALARS = (Entry("x"), Entry("y"), Entry("c"))
#: How many trees are tried in a run of the tests, in parts.
PARTS, TREES = 4, 30


def tree(rng: random.Random, depth: int, *, inside: bool = False) -> Expression:
    """A tree with signs, cases, extrema, roots of squares, sums and products."""
    if depth == 0:
        entries = (Entry("a", (LETTER,)),) * 3 if inside else ()
        return rng.choice([*SCALARS, *SCALARS, number(rng.choice([-2, -1, 1, 2])), *entries])

    def part() -> Expression:
        return tree(rng, depth - 1, inside=inside)

    def body() -> Expression:
        return tree(rng, depth - 1, inside=True)

    makers = [
        lambda: add(part(), part()),
        lambda: add(part(), negate(part())),
        lambda: multiply(part(), part()),
        lambda: power(part(), rng.choice([2, 3, -1])),
        lambda: Call(rng.choice(["abs", "sign", "step", "relu"]), (part(),)),
        lambda: Call(rng.choice(["max", "min"]), (part(), part())),
        lambda: Call("sqrt", (multiply(power(part(), 2), power(part(), 2)),)),
        lambda: Where(
            Compare(rng.choice(["<", "<=", ">", ">=", "==", "!="]), part(), part()), part(), part()
        ),
    ]
    if not inside:
        makers += [
            lambda: Extremum(rng.choice(["max", "min"]), LETTER, body()),
            lambda: Product(LETTER, body()),
            lambda: Sum(LETTER, body()),
        ]
    return rng.choice(makers)()


def oracles() -> list[Oracle]:
    """Every choice of -1, 0 and 1 for the scalars, at sizes 1 and 3."""
    found = []
    for x, y, c in product((-1, 0, 1), repeat=3):
        tables = {"x": {(): x}, "y": {(): y}, "c": {(): c}, "a": {(0,): -1, (1,): y, (2,): 2}}
        arrays = {
            name: {place: ARITHMETIC.from_fraction(Fraction(value)) for place, value in table.items()}
            for name, table in tables.items()
        }
        found += [Oracle({"K": size}, arrays, (), {}, ARITHMETIC) for size in (1, 3)]
    return found


ORACLES = oracles()


@pytest.mark.parametrize("part", range(PARTS))
def test_normal_forms_mean_the_same_at_kinks(part: int) -> None:
    compared = 0
    for seed in range(part * TREES, (part + 1) * TREES):
        before = tree(random.Random(seed), 2)
        try:
            after = Normal().of(before)
        except ProofError:  # such as a division by zero
            continue
        for oracle in ORACLES:
            try:
                values = oracle.evaluate(before), oracle.evaluate(after)
            except (OracleError, ZeroDivisionError, ValueError):
                continue  # claimed where both have a value
            compared += 1
            assert agree(*values), (to_text(before), to_text(after), values)
    assert compared > 20 * TREES
