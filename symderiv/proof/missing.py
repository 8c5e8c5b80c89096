"""The assumption under which a false equation is true, if it is one of those that people leave unsaid.

Each candidate is looked at in numbers first and then proved; a candidate that is not proved is not named.
They come weakest first. That a size or a gain is 1, or that all entries are equal, is none of them: an
equation that needs that is false.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from symderiv.expression.canonical import same
from symderiv.expression.construct import multiply, number, subtract
from symderiv.expression.indices import free_indices, fresh_index, rename
from symderiv.expression.nodes import (
    Add,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Sum,
    Where,
)
from symderiv.expression.traverse import children, map_children, replace_at, walk
from symderiv.notation.reader import parse_assumption
from symderiv.notation.text import to_text
from symderiv.problem import Assumption, Input, Problem, names_in
from symderiv.proof.counterexample import search
from symderiv.proof.prove import prove
from symderiv.proof.trial import reachable
from symderiv.proof.verdict import Verdict

#: Equations with more free letters are not compared with an assumption.
_MOST_LETTERS = 3
#: What inputs are called that hold labels or targets.
_LABEL = re.compile(r"(y|t|label|target|labels|targets)(_?[a-zA-Z0-9]+)?")


@dataclass(frozen=True, slots=True)
class Missing:
    """An assumption in words, and what the prover says of the equation under it and what is given."""

    text: str
    verdict: Verdict


@dataclass(frozen=True)
class _Candidate:
    """An assumption to be tried: how the sides and the problem change under it."""

    text: str
    left: Expression
    right: Expression
    problem: Problem
    assumptions: tuple[Assumption, ...] = ()


def missing_assumption(
    left: Expression,
    right: Expression,
    problem: Problem,
    given: Sequence[Assumption] = (),
    *,
    sizes: Mapping[str, int] | None = None,
    away: bool = False,
    diagonal: bool = False,
    labels: bool = True,
) -> Missing | None:
    """The weakest assumption that makes ``left = right`` true, or None.

    Parameters
    ----------
    given
        What is assumed anyway.
    sizes, away
        As for :func:`~symderiv.proof.prove.prove`.
    diagonal
        Whether it may be that two letters are the same, where nothing else tells what is wrong.
    labels
        Whether an input that is called as labels are may be one: a document says so around its formulas.
    """
    for each in _candidates(problem, left, right, diagonal, labels):
        if any(_says_the_same(assumption, left, right) for assumption in each.assumptions):
            continue  # true if it is true
        assumed = (*given, *each.assumptions)
        trial = search(each.left, each.right, each.problem, assumptions=assumed, fixed=sizes, away=away)
        # That 0 = 0 shows nothing: an assumption must leave something of the claim.
        if trial.found is not None or not trial.something:
            continue
        verdict = prove(each.left, each.right, each.problem, assumed, sizes=sizes, away=away)
        if verdict.kind == "proved":
            stated = tuple(one for one in verdict.rests_on if one not in each.assumptions)
            return Missing(each.text, replace(verdict, rests_on=stated))
    return None


def _says_the_same(assumption: Assumption, left: Expression, right: Expression) -> bool:
    """Whether an assumption is the equation itself, perhaps in other letters."""
    ours = dict.fromkeys((*free_indices(left), *free_indices(right)))
    theirs = tuple(dict.fromkeys((*free_indices(assumption.left), *free_indices(assumption.right))))
    if len(ours) != len(theirs) or len(ours) > _MOST_LETTERS:
        return False
    for order in permutations(ours):
        names: dict[Index, IndexTerm] = dict(zip(theirs, order, strict=True))
        one, other = rename(assumption.left, names), rename(assumption.right, names)
        if (same(one, left) and same(other, right)) or (same(one, right) and same(other, left)):
            return True
    return False


def _candidates(
    problem: Problem, left: Expression, right: Expression, diagonal: bool, labels: bool
) -> Iterator[_Candidate]:
    yield from _sums_to_one(problem, left, right)
    yield from _different_places(problem, left, right)
    yield from _other_scopes(problem, left, right)
    yield from _held_fixed(problem, left, right)
    yield from _symmetric(problem, left, right)
    yield from _true_class(problem, left, right)
    if labels:
        yield from _labels(problem, left, right)
    if diagonal:
        yield from _same_places(problem, left, right)


def _sums_to_one(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """Σ_k t_k = 1, for each input in play over each of its axes."""
    used = reachable((left, right), problem)
    bodies = (left, right, *(each.body for each in problem.definitions))
    summed = [part.index for body in bodies for _, part in walk(body) if isinstance(part, Sum)]
    for given in problem.inputs:
        if given.label_of is not None or given.name not in used:
            continue
        for place in range(len(given.axes)):
            letters: list[Index] = []
            for axis in given.axes:
                usual = [index.name for index in (*summed, *problem.letters) if index.axis == axis]
                taken = {letter.name for letter in letters}
                letters.append(fresh_index(axis, taken, [*usual, *problem.letters_of(axis)]))
            total = Sum(letters[place], Entry(given.name, tuple(letters)))
            one = Assumption(total, number(1))
            yield _Candidate(f"{to_text(total)} == 1", left, right, problem, (one,))


def _different_places(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """i ≠ j and i ≠ y, for letters of one axis and labels that the formula itself does not tell apart."""
    told = {frozenset(pair) for side in (left, right) for pair in _compared_letters(side)}
    letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
    for place, one in enumerate(letters):
        for other in letters[place + 1 :]:
            if one.axis == other.axis and frozenset((one, other)) not in told:
                first, second = sorted((one, other), key=lambda index: index.name)
                apart = subtract(number(1), Delta(first, second))
                yield _Candidate(
                    f"{first.name} != {second.name}", multiply(apart, left), multiply(apart, right), problem
                )
    for letter, label in _letters_and_labels(problem, left, right):
        apart = subtract(number(1), Delta(letter, label))
        said = f"{letter.name} != {label.array}"
        yield _Candidate(said, multiply(apart, left), multiply(apart, right), problem)


def _true_class(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """i = y, for a free letter and a label that the formula itself does not tell apart."""
    for letter, label in _letters_and_labels(problem, left, right):
        there = Delta(letter, label)
        sides = (multiply(there, left), multiply(there, right))
        yield _Candidate(f"{letter.name} == {label.array}", *sides, problem)


def _letters_and_labels(
    problem: Problem, left: Expression, right: Expression
) -> Iterator[tuple[Index, Entry]]:
    """Each free letter with each label on its axis that the formula itself does not compare it with."""
    told = {frozenset(pair) for side in (left, right) for pair in _compared_letters(side)}
    for given in problem.inputs:
        if given.label_of is None or given.axes:
            continue
        label = Entry(given.name)
        for letter in dict.fromkeys((*free_indices(left), *free_indices(right))):
            if letter.axis == given.label_of and frozenset((letter, label)) not in told:
                yield letter, label


def _labels(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """y in {0, 1} or {-1, 1}, and t one-hot, for inputs that are called as labels are."""
    by = {
        entry.array
        for side in (left, right)
        for _, part in walk(side)
        if isinstance(part, Derivative)
        for entry in part.by
    }
    for given in problem.inputs:
        if given.label_of is not None or given.name in by or not _LABEL.fullmatch(given.name):
            continue
        for text in ("in {0, 1}", "in {-1, 1}", *(("one_hot",) if given.axes else ())):
            said = f"{given.name} {text}"
            yield _Candidate(said, left, right, problem, parse_assumption(said, problem))


def _same_places(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """i = j, for two free letters of one axis that the formula itself does not tell apart.

    One that does, ``p[i] * (delta(i, j) - p[i])``, speaks of both cases, and is false if one is.
    """
    told = {frozenset(pair) for side in (left, right) for pair in _compared_letters(side)}
    letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
    for place, one in enumerate(letters):
        for other in letters[place + 1 :]:
            if one.axis != other.axis or frozenset((one, other)) in told:
                continue
            if same(*(rename(side, {other: one}) for side in (left, right))):
                continue
            first, second = sorted((one, other), key=lambda index: index.name)
            together = Delta(first, second)  # and no renaming: what is assumed of the two letters counts
            sides = (multiply(together, left), multiply(together, right))
            yield _Candidate(f"{first.name} == {second.name}", *sides, problem)


def _compared_letters(node: Expression) -> Iterator[tuple[object, object]]:
    for _, part in walk(node):
        if isinstance(part, Delta):
            yield part.left, part.right
        elif isinstance(part, Where):
            yield part.condition.left, part.condition.right


def _other_scopes(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """A sum or a derivative that reaches over what is added after it."""
    for side in ("right", "left"):
        node = right if side == "right" else left
        for changed, what in _wider(node):
            sides = (left, changed) if side == "right" else (changed, right)
            yield _Candidate(f"wider scope of {what}", *sides, problem)


def _wider(node: Expression) -> Iterator[tuple[Expression, str]]:
    if isinstance(node, Add):
        for place, term in enumerate(node.terms[:-1]):
            rest = node.terms[place + 1 :]
            for changed, what in _taking_in(term, rest):
                yield Add((*node.terms[:place], changed)) if place else changed, what
    for number_of, child in enumerate(children(node)):
        for changed, what in _wider(child):
            yield replace_at(node, (number_of,), changed), what


def _taking_in(term: Expression, rest: tuple[Expression, ...]) -> Iterator[tuple[Expression, str]]:
    """A term whose last sum or derivative takes in what is added after it."""
    found = [
        part
        for _, part in walk(term)
        if isinstance(part, Derivative)
        or (isinstance(part, Sum) and any(_mentions_letter(each, part.index.name) for each in rest))
    ]
    for part in found:
        if isinstance(part, Sum):
            renamed = tuple(_with_letter(each, part.index) for each in rest)
            inner: Expression = Sum(part.index, Add((part.body, *renamed)), part.condition)
            what = f"the sum over {part.index.name}"
        elif isinstance(part, Derivative):
            inner = Derivative(Add((part.of, *rest)), part.by)
            what = "the derivative"
        else:
            continue
        yield _swapped(term, part, inner), what


def _swapped(node: Expression, old: Expression, new: Expression) -> Expression:
    return new if node is old else map_children(node, lambda child: _swapped(child, old, new))


def _mentions_letter(node: Expression, letter: str) -> bool:
    return any(index.name == letter for index in free_indices(node))


def _with_letter(node: Expression, index: Index) -> Expression:
    return rename(node, {each: index for each in free_indices(node) if each.name == index.name})


def _held_fixed(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """Definitions that are treated as constants where they depend on what is differentiated by."""
    by = {
        entry.array
        for side in (left, right)
        for _, part in walk(side)
        if isinstance(part, Derivative)
        for entry in part.by
    }
    of = {
        name
        for side in (left, right)
        for _, part in walk(side)
        if isinstance(part, Derivative)
        for name in names_in(part.of)
    }
    between = [
        each
        for each in problem.definitions
        if each.name not in of
        and any(problem.depends(each.body, name) for name in by)
        and any(problem.depends(Entry(name, _letters(problem, name)), each.name) for name in of)
    ]
    groups = [[each] for each in between] + ([between] if len(between) > 1 else [])
    for group in groups:
        names = [each.name for each in group]
        yield _Candidate(f"fixed {', '.join(names)}", left, right, without(problem, group))


def _letters(problem: Problem, name: str) -> tuple[Index, ...]:
    definition = problem.definition(name)
    if definition is not None:
        return definition.indices
    return tuple(Index(f"place_{number_of}", axis) for number_of, axis in enumerate(problem.axes_of(name)))


def without(problem: Problem, group: list[Definition]) -> Problem:
    """The problem with some definitions turned into inputs."""
    names = {each.name for each in group}
    inputs = tuple(Input(each.name, tuple(index.axis for index in each.indices)) for each in group)
    kept = tuple(each for each in problem.definitions if each.name not in names)
    return replace(problem, inputs=(*problem.inputs, *inputs), definitions=kept)


def _symmetric(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """A_ij = A_ji, of one matrix, then of all that stand here."""
    used = reachable((left, right), problem)
    # Data and weights such as x_nk may be square only because the mistake itself ties their axes.
    names = [
        given.name
        for given in problem.inputs
        if len(given.axes) == 2
        and given.axes[0] == given.axes[1]
        and given.name in used
        and (given.name[0].isupper() or _is_square(problem, given.name))
    ]
    for group in [*([name] for name in names), *([names] if len(names) > 1 else [])]:
        said = [f"{name} symmetric" for name in group]
        assumed = tuple(one for each in said for one in parse_assumption(each, problem))
        yield _Candidate(", ".join(said), left, right, problem, assumed)


def _is_square(problem: Problem, name: str) -> bool:
    """Whether definitions give a matrix one axis twice, as in Σ x_i a_ij x_j: by an array at both letters."""
    for definition in problem.definitions:
        entries = [part for _, part in walk(definition.body) if isinstance(part, Entry)]
        for entry in entries:
            if entry.array != name or len(set(entry.indices)) < 2:
                continue
            places = [
                {
                    (one.array, place)
                    for one in entries
                    for place, own in enumerate(one.indices)
                    if own == index
                }
                - {(name, number)}
                for number, index in enumerate(entry.indices)
            ]
            if places[0] & places[1]:
                return True
    return False
