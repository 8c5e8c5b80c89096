"""The assumption under which a false equation is true, if it is one of those that people leave unsaid.

Each candidate is looked at in numbers first and then proved; a candidate that is not proved is not named.
They come weakest first. That a size or a gain is 1, or that all entries are equal, is none of them: an
equation that needs that is false.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from symderiv.check.points import Special, Values, close, points_of
from symderiv.expression.construct import multiply, number, subtract
from symderiv.expression.indices import free_indices, fresh_index, rename
from symderiv.expression.nodes import (
    Add,
    Compare,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Position,
    Power,
    Sum,
    Where,
)
from symderiv.expression.traverse import children, compared_values, map_children, replace_at, walk
from symderiv.notation.reader import parse_assumption
from symderiv.notation.text import to_text
from symderiv.problem import Assumption, Input, Problem, names_in
from symderiv.proof import Verdict, prove
from symderiv.proof.trial import reachable

#: What inputs are called that hold labels or targets.
_LABEL = re.compile(r"(y|t|label|target|labels|targets)(_?[a-zA-Z0-9]+)?")


@dataclass(frozen=True, slots=True)
class Condition:
    """An assumption and how the equation was shown to be true under it."""

    text: str
    method: str


@dataclass(frozen=True)
class _Candidate:
    """An assumption to be tried: how the sides, the problem and the values change under it."""

    text: str
    left: Expression
    right: Expression
    problem: Problem
    assumptions: tuple[Assumption, ...] = ()
    special: Special | None = None


def condition_of(
    problem: Problem, left: Expression, right: Expression, given: tuple[Assumption, ...] = ()
) -> Condition | None:
    """The weakest assumption that makes ``left = right`` true, or None."""
    for candidate in _candidates(problem, left, right):
        if not _holds(candidate, Special.of(given)):
            continue
        verdict = _proved(candidate, given)
        if verdict.kind == "proved":
            return Condition(candidate.text, verdict.method)
    return None


def _proved(candidate: _Candidate, given: tuple[Assumption, ...]) -> Verdict:
    return prove(candidate.left, candidate.right, candidate.problem, (*given, *candidate.assumptions))


def _candidates(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    yield from _sums_to_one(problem, left, right)
    yield from _different_places(problem, left, right)
    yield from _other_scopes(problem, left, right)
    yield from _held_fixed(problem, left, right)
    yield from _symmetric(problem, left, right)
    yield from _true_class(problem, left, right)
    yield from _labels(problem, left, right)


def _sums_to_one(problem: Problem, left: Expression, right: Expression) -> Iterator[_Candidate]:
    """Σ_k t_k = 1, for each input over each of its axes."""
    free = {*free_indices(left), *free_indices(right)}
    for given in problem.inputs:
        if given.label_of is not None:
            continue
        for place in range(len(given.axes)):
            taken = {letter.name for letter in problem.letters}
            letters: list[Index] = []
            for other in given.axes:
                known = [each for each in problem.letters if each.axis == other and each not in letters]
                known.sort(key=lambda each: each in free)  # a letter that is free in the claim comes last
                letter = known[0] if known else fresh_index(other, taken, ["k", "l", "m"])
                letters.append(letter)
                taken.add(letter.name)
            total = Sum(letters[place], Entry(given.name, tuple(letters)))
            one = Assumption(total, number(1))
            special = Special(normalised=((given.name, place),))
            said = f"{to_text(total)} == 1"
            yield _Candidate(said, left, right, problem, (one,), special)


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
        for text, special in (
            ("in {0, 1}", Special(among=((given.name, (0.0, 1.0)),))),
            ("in {-1, 1}", Special(among=((given.name, (-1.0, 1.0)),))),
            *((("one_hot", Special(one_hot=(given.name,))),) if given.axes else ()),
        ):
            said = f"{given.name} {text}"
            yield _Candidate(said, left, right, problem, parse_assumption(said, problem), special)


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
        and given.name[0].isupper()
        and given.name in used
    ]
    for group in [*([name] for name in names), *([names] if len(names) > 1 else [])]:
        said = [f"{name} symmetric" for name in group]
        assumed = tuple(one for each in said for one in parse_assumption(each, problem))
        yield _Candidate(", ".join(said), left, right, problem, assumed, Special(symmetric=tuple(group)))


def _holds(candidate: _Candidate, given: Special) -> bool:
    """Whether the sides agree in numbers under a candidate, and there is something to compare."""
    letters = tuple(dict.fromkeys((*free_indices(candidate.left), *free_indices(candidate.right))))
    seen = False
    special = given.with_more(candidate.special) if candidate.special is not None else given
    for point in points_of(candidate.problem, positive=True, special=special):
        a, b = point.values(candidate.left, letters), point.values(candidate.right, letters)
        if not _agree(a, b):
            return False
        # That 0 = 0 shows nothing: an assumption must leave something of the claim.
        seen = seen or any(value is not None and not close(value, 0) for value in a.values())
    return seen


def divided_by(problem: Problem, left: Expression, right: Expression) -> str:
    """``x != 0`` where a true equation divides on its right by an input that its left side may have zero.

    Both sides are looked at where that input is zero: then the left side must have a value and the right
    side none.
    """
    letters = tuple(dict.fromkeys((*free_indices(left), *free_indices(right))))
    for entry in dict.fromkeys(_denominators(right)):
        given = problem.input(entry.array)
        if given is None or given.label_of is not None or not set(free_indices(entry)) <= set(letters):
            continue
        found: list[bool] = []
        nowhere = Special(among=((entry.array, (0.0,)),))
        for point in points_of(problem, positive=True, count=2, special=nowhere):
            a, b = point.values(left, letters), point.values(right, letters)
            found += [b[place] is None and one is not None for place, one in a.items()]
        if found and all(found):
            return f"{to_text(entry)} != 0"
    return ""


def _denominators(node: Expression) -> Iterator[Entry]:
    """The entries that a formula divides by, as it is written."""
    for _, part in walk(node):
        if isinstance(part, Power) and isinstance(part.exponent, Number) and part.exponent.value < 0:
            base = part.base.base if isinstance(part.base, Power) else part.base
            if isinstance(base, Entry):
                yield base
            elif isinstance(base, Multiply):
                yield from (each for each in base.factors if isinstance(each, Entry))


def _agree(a: Values, b: Values) -> bool:
    for place, one in a.items():
        other = b[place]
        if (one is None) != (other is None):
            return False
        if one is not None and other is not None and not close(one, other):
            return False
    return True


def restricted(
    left: Expression, right: Expression, conditions: tuple[Compare, ...]
) -> tuple[Expression, Expression]:
    """Both sides where the conditions of a chain hold, 0 elsewhere: equal if and only if the claim holds."""
    for each in conditions:
        one, other = each.left, each.right
        if not compared_values(each) and each.operator in ("==", "!="):
            if each.operator == "==" and isinstance(other, Index):
                assert isinstance(one, Index | Position | Entry)
                left, right = (rename(side, {other: one}) for side in (left, right))
                continue
            assert isinstance(one, Index | Position | Entry)
            assert isinstance(other, Index | Position | Entry)
            together = Delta(one, other)
            factor = together if each.operator == "==" else subtract(number(1), together)
            left, right = multiply(factor, left), multiply(factor, right)
        else:
            left, right = (Where(each, side, number(0)) for side in (left, right))
    return left, right
