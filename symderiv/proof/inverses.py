"""What is known of inverses by how their matrices are defined: which are symmetric, and which are one."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.construct import subtract
from symderiv.expression.indices import rename
from symderiv.expression.matrices import determinant_of, inverse_of, matrix_behind, symmetrised
from symderiv.expression.nodes import Entry, Expression
from symderiv.expression.traverse import map_children
from symderiv.problem import Assumption, Problem, names_in
from symderiv.proof.assumed import under
from symderiv.proof.expand import ProofError, in_inputs
from symderiv.proof.normal import Normal


def with_inverses_known(node: Expression, problem: Problem, assumptions: Sequence[Assumption]) -> Expression:
    """`node` with one name for matrices that are defined alike, and the symmetry of others told."""
    made = [matrix_behind(name) for name in names_in(node)]
    matrices = sorted({each[1] for each in made if each is not None})
    for place, name in enumerate(matrices):
        same = next((one for one in matrices[:place] if _are_equal(one, name, problem, assumptions)), None)
        if same is not None:
            node = _with_matrix(node, name, same)
    for name in matrices:
        if _is_symmetric(name, problem, assumptions):
            node = symmetrised(node, name)
    return node


def _are_equal(one: str, other: str, problem: Problem, assumptions: Sequence[Assumption]) -> bool:
    first, second = problem.definition(one), problem.definition(other)
    if first is None or second is None or len(first.indices) != len(second.indices):
        return False
    body = rename(second.body, dict(zip(second.indices, first.indices, strict=True)))
    return _is_zero(subtract(first.body, body), problem, assumptions)


def _is_symmetric(matrix: str, problem: Problem, assumptions: Sequence[Assumption]) -> bool:
    definition = problem.definition(matrix)
    if definition is None or len(definition.indices) != 2:
        return False
    row, column = definition.indices
    turned = rename(definition.body, {row: column, column: row})
    return _is_zero(subtract(definition.body, turned), problem, assumptions)


def _is_zero(node: Expression, problem: Problem, assumptions: Sequence[Assumption]) -> bool:
    try:
        return Normal().is_zero(under(in_inputs(node, problem), assumptions)[0])
    except ProofError:
        return False


def _with_matrix(node: Expression, old: str, new: str) -> Expression:
    """`node` with another name for a matrix, its inverse and its determinant."""
    names = {old: new, inverse_of(old): inverse_of(new), determinant_of(old): determinant_of(new)}
    if isinstance(node, Entry) and node.array in names:
        return Entry(names[node.array], node.indices)
    return map_children(node, lambda child: _with_matrix(child, old, new))
