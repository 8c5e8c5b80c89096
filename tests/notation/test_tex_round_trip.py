"""What is printed in LaTeX reads back as the same tree."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings

from symderiv import catalog
from symderiv.expression.canonical import canonical, same
from symderiv.expression.construct import coefficient_and_rest, multiply, number, power
from symderiv.expression.functions import call
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Compare,
    Delta,
    Expression,
    Index,
    Multiply,
    Number,
    Position,
    Power,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children
from symderiv.notation.latex import to_latex
from symderiv.notation.tex import parse_latex, problem_from_latex
from tests.notation.trees import PROBLEM, expressions, has_zero_division


def as_printed(node: Expression) -> Expression:
    """`node` with the differences gone that print does not show.

    A root may be a power of 1/2 or a call of sqrt, 1/(ab) a product of 1/a and 1/b; 1[u > 0] may be a step or
    a choice between 1 and 0, and 1[i = j] a delta; the printer takes the number in front of a sum's body out.
    """
    node = map_children(node, as_printed)
    match node:
        case Power(base, Number(value)) if abs(value) == Fraction(1, 2):
            root = call("sqrt", base)
            return root if value > 0 else Power(root, number(-1))
        case Power(Multiply(factors), Number(value)) if value == -1:
            return multiply(*(power(factor, -1) for factor in factors))
        case Where(Compare(operator, left, right), then, otherwise) if then == ONE and otherwise == ZERO:
            places = isinstance(left, Index | Position) or isinstance(right, Index | Position)
            if places and operator in ("==", "!="):
                same_place = Delta(left, right)  # type: ignore[arg-type]
                return same_place if operator == "==" else Add((ONE, multiply(number(-1), same_place)))
            if not places and operator in ("<", ">"):
                large, small = (left, right) if operator == ">" else (right, left)
                if operator == ">" or ZERO in (large, small):
                    if small == ZERO:
                        return call("step", large)  # type: ignore[arg-type]
                    if operator == ">":
                        return call("step", Add((large, multiply(number(-1), small))))  # type: ignore[arg-type]
            return node
        case Sum(index, body, condition):
            coefficient, rest = coefficient_and_rest(body)
            return multiply(Number(coefficient), Sum(index, rest, condition)) if coefficient else node
        case _:
            return node


@settings(max_examples=400, deadline=None)
@given(expressions())
def test_every_tree_reads_back(tree: Expression) -> None:
    assume(not has_zero_division(tree))
    latex = to_latex(tree, PROBLEM)
    found = parse_latex(latex, PROBLEM)
    assert same(as_printed(canonical(found)), as_printed(canonical(tree))), latex


@pytest.mark.parametrize("name", catalog.names())
def test_catalogue_reads_back(name: str) -> None:
    problem = catalog.load(name)
    trees = [definition.body for definition in problem.definitions]
    for expectation in problem.expectations:
        trees.append(expectation.derivative)
        assert expectation.form is not None
        trees.append(expectation.form)
    for assumption in problem.assumptions:
        trees += [assumption.left, assumption.right]
    for tree in trees:
        latex = to_latex(tree, problem)
        assert same(parse_latex(latex, problem), tree), latex


@pytest.mark.parametrize("name", ["softmax", "cross_entropy", "entropy", "softmax_layer_cross_entropy"])
def test_a_catalogue_problem_is_found_again_from_its_definitions(name: str) -> None:
    problem = catalog.load(name)
    lines = []
    for definition in problem.definitions:
        letters = "".join(index.name for index in definition.indices)
        left = f"{definition.name}_{{{letters}}}" if letters else definition.name
        lines.append(f"{left} = {to_latex(definition.body, problem)}")
    found = problem_from_latex(r" \\ ".join(lines), name)
    for mine, theirs in zip(found.definitions, problem.definitions, strict=True):
        assert mine.name == theirs.name
        assert same(mine.body, theirs.body)
    used = {given.name for given in found.inputs}
    assert used <= {given.name for given in problem.inputs}
