"""The backward pass in an emitted function: each cotangent is computed once, and used by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from symderiv.calculus import CalculusError
from symderiv.calculus.backward import Backward, Stage, backward
from symderiv.calculus.kinks import sentences
from symderiv.expression.construct import add
from symderiv.expression.nodes import Definition, Derivative, Entry, Expression, Index, Sum
from symderiv.expression.traverse import map_children
from symderiv.problem import Problem, along


@dataclass(frozen=True)
class Staged:
    """A backward pass for a batch.

    Attributes
    ----------
    arrays
        For each variable, the entry that its cotangent is given for: its letters are those of the trees.
    trees
        For each variable, its cotangent in the names of `definitions`, summed over the batch where the
        samples share the variable.
    definitions
        The cotangents of intermediates, by name, the batch letter first where each sample has its own.
    forms
        For each variable, its form for one sample.
    notes
        What holds at the kinks of the pass, in sentences.
    lines
        For readers: the cotangents of intermediates and their forms, for one sample.
    """

    arrays: Mapping[str, Entry]
    trees: Mapping[str, Expression]
    definitions: Mapping[str, Definition]
    forms: Mapping[str, Expression]
    lines: tuple[tuple[Entry, Expression], ...]
    notes: tuple[str, ...]


def staged(
    problem: Problem, variables: tuple[str, ...], seed: str, index: Index | None, per_sample: frozenset[str]
) -> Staged | None:
    """The backward pass of `problem` by `variables`, or None where no line is used by another.

    Parameters
    ----------
    problem
        The problem of one sample.
    variables
        The arrays whose cotangents are wanted.
    seed
        What the cotangent of the output is called; empty for a loss, whose own is 1.
    index, per_sample
        The batch letter, and the arrays that have a batch axis.
    """
    unspecified = problem.upstream_of(problem.output())
    if unspecified is not None:
        problem = replace(problem, upstream=(unspecified,))  # only this one's cotangent is an argument
    try:
        found = backward(problem, variables, seeded=bool(seed))
    except CalculusError:
        return None  # each derivative by itself may still have a form
    inner = [stage for stage in found.stages if stage.parts and stage.array.array not in variables]
    if not inner or any(stage.given is not None and stage.parts for stage in found.stages):
        return None
    names = _names(found, seed)
    batched = set(per_sample) | {
        names.get(stage.cotangent.array, stage.cotangent.array)
        for stage in found.stages
        if stage.array.array in per_sample
    }
    arrays: dict[str, Entry] = {}
    trees: dict[str, Expression] = {}
    definitions: dict[str, Definition] = {}
    forms: dict[str, Expression] = {}
    for stage in found.stages:
        if not stage.parts:
            continue
        tree = _over_batch(stage, index, per_sample, lambda node: _moved(node, names, index, batched))
        own = index is not None and stage.array.array in per_sample
        letters = tuple(term for term in stage.cotangent.indices if isinstance(term, Index))
        if stage.array.array in variables:
            arrays[stage.array.array] = stage.array
            trees[stage.array.array] = tree
            forms[stage.array.array] = _renamed(stage.result, names)
        if stage in inner:
            name = stage.cotangent.array
            definitions[name] = Definition(name, (index, *letters) if own and index else letters, tree)
    lines = tuple((stage.cotangent, _renamed(stage.result, names)) for stage in inner)
    parts = [part for stage in found.stages for part in stage.parts]
    notes = tuple(dict.fromkeys(said for part in parts for said in sentences(part)))
    return Staged(arrays, trees, definitions, forms, lines, notes)


def _names(found: Backward, seed: str) -> dict[str, str]:
    """From the given cotangent to what the function calls it."""
    return {stage.cotangent.array: seed for stage in found.stages if not stage.parts and seed}


def _renamed(node: Expression, names: Mapping[str, str]) -> Expression:
    if isinstance(node, Entry):
        return Entry(names.get(node.array, node.array), node.indices)
    if isinstance(node, Derivative):
        return node
    return map_children(node, lambda child: _renamed(child, names))


def _moved(node: Expression, names: Mapping[str, str], index: Index | None, batched: set[str]) -> Expression:
    node = _renamed(node, names)
    return node if index is None else along(node, index, batched)


def _over_batch(
    stage: Stage, index: Index | None, per_sample: frozenset[str], moved: Callable[[Expression], Expression]
) -> Expression:
    """The form of a line for the batch; what each sample adds to a shared array is summed."""
    if index is None or stage.array.array in per_sample:
        return moved(stage.result)
    exits = [part.problem.definitions[-1].name in per_sample for part in stage.parts]
    if all(exits):
        return Sum(index, moved(stage.result))
    parts = [moved(part.result) for part in stage.parts]
    return add(*(Sum(index, part) if each else part for part, each in zip(parts, exits, strict=True)))
