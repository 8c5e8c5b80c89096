"""Operations on trees keep their value: renaming, canonical order, tidying, the normal form."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from symderiv.calculus import derive
from symderiv.calculus.simplify import expanded
from symderiv.calculus.tidy import Arranger, tidy
from symderiv.expression.canonical import canonical
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Definition, Derivative, Entry, Expression, Index
from symderiv.expression.oracle import Oracle
from symderiv.proof import Normal, ProofError
from tests.expression.trees import K_LETTERS, N_LETTERS, PROBLEM, expressions
from tests.oracles import agree, differences, generic_oracle

ORACLES = [
    generic_oracle(PROBLEM, sizes, seed) for seed, sizes in enumerate(({"K": 3, "N": 2}, {"K": 1, "N": 1}))
]
quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def letters(*nodes: Expression) -> tuple[Index, ...]:
    return tuple(dict.fromkeys(index for node in nodes for index in free_indices(node)))


def same_value(left: Expression, right: Expression) -> None:
    for oracle in ORACLES:
        assert differences(oracle, left, right, letters(left, right)) == []


@quick
@given(expressions)
def test_canonical_order_keeps_the_value(node: Expression) -> None:
    same_value(node, canonical(node))


@quick
@given(expressions)
def test_canonical_form_is_stable(node: Expression) -> None:
    assert canonical(canonical(node)) == canonical(node)


@quick
@given(expressions)
def test_tidying_and_arranging_keep_the_value(node: Expression) -> None:
    same_value(node, tidy(node))
    same_value(node, Arranger(PROBLEM).arrange(node))


@quick
@given(expressions)
def test_multiplying_out_keeps_the_value(node: Expression) -> None:
    same_value(node, expanded(node))


@quick
@given(expressions)
def test_the_normal_form_keeps_the_value(node: Expression) -> None:
    try:
        normal = Normal().of(node)
    except ProofError:
        assume(False)
    same_value(node, normal)


@quick
@given(expressions, st.permutations(K_LETTERS), st.permutations(N_LETTERS))
def test_renaming_never_captures(node: Expression, ks: list[Index], ns: list[Index]) -> None:
    """The value after renaming i -> j at place 2 is the value before at i = 2, whatever is bound."""
    names = {**dict(zip(K_LETTERS, ks, strict=True)), **dict(zip(N_LETTERS, ns, strict=True))}
    renamed = rename(node, names)
    oracle = ORACLES[0]
    spots = {old: place % oracle.size(old.axis) for place, old in enumerate((*K_LETTERS, *N_LETTERS))}
    before = oracle.evaluate(node, spots)
    after = oracle.evaluate(renamed, {names[old]: place for old, place in spots.items()})
    assert agree(before, after)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(expressions, st.sampled_from(("x", "z", "s", "W")))
def test_the_derivative_of_a_random_problem_is_the_oracles(node: Expression, name: str) -> None:
    from dataclasses import replace

    free = tuple(sorted(free_indices(node), key=lambda index: index.name))
    problem = replace(PROBLEM, definitions=(*PROBLEM.definitions, Definition("Q", free, node)))
    taken = {index.name for index in free}
    variable = Entry(
        name,
        tuple(Index("m" if axis == "K" else "c", axis) for axis in problem.axes_of(name)),
    )
    assert not taken & {"m", "c"}
    derivation = derive(problem, Entry("Q", free), (variable,))
    for given_oracle in ORACLES:
        oracle = Oracle(
            given_oracle.sizes, given_oracle.arrays, problem.definitions, {}, given_oracle.arithmetic
        )
        start = Derivative(Entry("Q", free), (variable,))
        assert differences(oracle, start, derivation.result, letters(start, derivation.result)) == []
