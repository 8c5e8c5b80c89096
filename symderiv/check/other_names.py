"""One array under two names: the logits that a text calls a first and o later on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.check.content import Claim
from symderiv.expression.nodes import Derivative, Entry, Expression
from symderiv.expression.traverse import map_children, walk
from symderiv.problem import Problem, names_in


def with_one_name(claims: Sequence[Claim], problem: Problem) -> list[Claim]:
    """The claims with each array that is only differentiated by, and that nothing depends on, renamed.

    It is taken for the one input of its shape that everything which is differentiated by it depends on;
    where there is none or more than one, it stays. The guess is noted with each claim that it changes.
    """
    variables = _only_variables(claims)
    used = {name for definition in problem.definitions for name in names_in(definition.body)}
    derived = _derived_by(claims)
    found = {
        name: meant
        for name in variables
        if name not in used and (meant := _meant(name, derived.get(name, ()), problem))
    }
    return [_renamed(claim, found) for claim in claims] if found else list(claims)


def _sides(claims: Sequence[Claim]) -> list[Expression]:
    return [side for claim in claims for side in (claim.left, claim.right)]


def _only_variables(claims: Sequence[Claim]) -> list[str]:
    """The names that stand below a derivative's bar and nowhere else."""
    below: set[str] = set()
    elsewhere: set[str] = set()
    for side in _sides(claims):
        for _, part in walk(side):
            if isinstance(part, Derivative):
                below |= {entry.array for entry in part.by}
            elif isinstance(part, Entry):
                elsewhere |= names_in(part)
    return sorted(below - elsewhere)


def _derived_by(claims: Sequence[Claim]) -> dict[str, list[Expression]]:
    """What is differentiated by each name."""
    found: dict[str, list[Expression]] = {}
    for side in _sides(claims):
        for _, part in walk(side):
            if isinstance(part, Derivative) and names_in(part.of):
                for name in {entry.array for entry in part.by}:
                    found.setdefault(name, []).append(part.of)
    return found


def _meant(name: str, derived: Sequence[Expression], problem: Problem) -> str:
    given = problem.input(name)
    if given is None or given.label_of is not None or not given.axes:
        return ""
    candidates: set[str] | None = None
    for of in derived:
        reached = {
            each.name
            for each in problem.inputs
            if each.name != name
            and each.label_of is None
            and each.axes == given.axes
            and problem.depends(of, each.name)
        }
        candidates = reached if candidates is None else candidates & reached
    return next(iter(candidates)) if candidates is not None and len(candidates) == 1 else ""


def _renamed(claim: Claim, names: dict[str, str]) -> Claim:
    left, right = (_with_names(side, names) for side in (claim.left, claim.right))
    if (left, right) == (claim.left, claim.right):
        return claim
    used = {name for side in (claim.left, claim.right) for name in _variables(side)} & names.keys()
    notes = tuple(
        f"{name} is read as {names[name]}: nothing depends on {name} itself" for name in sorted(used)
    )
    return replace(claim, left=left, right=right, notes=(*claim.notes, *notes))


def _variables(side: Expression) -> set[str]:
    return {entry.array for _, part in walk(side) if isinstance(part, Derivative) for entry in part.by}


def _with_names(node: Expression, names: dict[str, str]) -> Expression:
    node = map_children(node, lambda child: _with_names(child, names))
    if isinstance(node, Derivative):
        by = tuple(replace(entry, array=names.get(entry.array, entry.array)) for entry in node.by)
        return Derivative(node.of, by)
    return node
