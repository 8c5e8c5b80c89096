"""What is wrong with the numbers that a function returns, in the words that a false formula gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

from symderiv.calculus import CalculusError, derive
from symderiv.check.code.layout import Layout
from symderiv.check.code.target import Target
from symderiv.check.code.values import Trial, evaluated
from symderiv.check.diagnosis import Diagnosis, diagnose_values
from symderiv.check.limits import OutOfTimeError, time_limit
from symderiv.check.points import Point, Sides, Values
from symderiv.expression.construct import add, multiply, negate, number
from symderiv.expression.indices import all_letters, free_indices, fresh_index, rename
from symderiv.expression.nodes import Add, Delta, Derivative, Entry, Expression, Multiply, Number, Sum
from symderiv.expression.oracle import Oracle
from symderiv.expression.traverse import Path, replace_at, walk
from symderiv.notation.text import to_text
from symderiv.problem import Problem, names_in

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: What a diagnosis of code may be beside the words for formulas.
WORDS = (
    "batch axis",
    "labels",
    "arguments changed",
    "not repeatable",
    "not finite",
    "exception",
    "time",
    "memory",
    "ended",
    "no numbers",
)
#: Seconds that are spent on finding the formula that a function computes.
SECONDS = 5.0
#: Relative difference below which two results are taken for one.
_CLOSE = 1e-8


def same(found: Array, right: Array) -> bool:
    """Whether two results are one, but for rounding."""
    import numpy as np

    if found.shape != right.shape:
        return False
    size = float(np.max(np.abs(right), initial=0.0))
    return bool(np.all(np.abs(found - right) <= _CLOSE * size + 1e-12))


def wrong_shape(layout: Layout, target: Target, trials: Sequence[Trial], found: Sequence[Array]) -> Diagnosis:
    """What a result of another shape holds."""
    right = [layout.arranged(trial.expected, target.letters) for trial in trials]
    for order in permutations(range(len(layout.groups))):
        if list(order) != sorted(order) and _all_same(found, [each.transpose(order) for each in right]):
            turned = Layout(tuple(layout.groups[place] for place in order))
            return Diagnosis("transposed matrix", f"the values are right as {turned} instead of {layout}")
    fits = all(a.size == b.size for a, b in zip(found, right, strict=True))
    if fits and _all_same([a.reshape(b.shape) for a, b in zip(found, right, strict=True)], right):
        return Diagnosis("shapes", "the values are right in another shape")
    if len(target.letters) == 2 and target.letters[0].axis == target.letters[1].axis:
        diagonal = [trial.expected.diagonal() for trial in trials]
        if _all_same(found, diagonal):
            one, other = (letter.name for letter in target.letters)
            return Diagnosis("diagonal only", f"only the entries with {one} = {other} are returned")
    return Diagnosis("shapes")


def _all_same(found: Sequence[Array], right: Sequence[Array]) -> bool:
    return all(same(a, b) for a, b in zip(found, right, strict=True))


def wrong_values(target: Target, trials: Sequence[Trial], found: Sequence[Array]) -> Diagnosis:
    """Why results of the right shape are wrong.

    Parameters
    ----------
    trials, found
        The points and the results there, one axis for each letter of the target.
    """
    import numpy as np

    finite = [place for place, each in enumerate(found) if np.isfinite(each).all()]
    if len(finite) < len(found):
        at = next(place for place in range(len(found)) if place not in finite)
        return Diagnosis("not finite", f"at {_sizes(trials[at])} there are NaN or infinite entries")
    points = tuple(Point(trial.sizes, trial.oracle) for trial in trials)
    lefts = tuple(_table(trial.expected) for trial in trials)
    sides = Sides(target.problem, target.value, target.value, target.letters, points, lefts)
    told = diagnose_values(sides, [_table(each) for each in found])
    if told is not None and told.word != "special size":
        factor = told.word in ("constant factor", "size factor")
        return replace(told, detail=f"the right values times {told.detail}") if factor else told
    for order in permutations(range(len(target.letters))):
        if list(order) != sorted(order) and _all_same(
            found, [trial.expected.transpose(order) for trial in trials]
        ):
            names = ", ".join(target.letters[place].name for place in order)
            return Diagnosis(
                "transposed matrix", f"the values are right with the letters in the order {names}"
            )
    alone = _right_at_size_one(target, trials, found)
    try:
        with time_limit(SECONDS):
            computed = _computed(target, trials, found)
    except OutOfTimeError:
        computed = None
    if computed is not None:
        if alone and computed.word == "batch axis":
            return replace(computed, detail=f"right where {alone} = 1; {computed.detail}")
        return computed
    if alone:
        return Diagnosis("special size", f"right at every point with {alone} = 1")
    return told or Diagnosis("unknown")


def _sizes(trial: Trial) -> str:
    return ", ".join(f"{axis} = {size}" for axis, size in trial.sizes.items())


def _table(array: Array) -> Values:
    import numpy as np

    return {place: float(array[place]) for place in np.ndindex(array.shape)}


def _right_at_size_one(target: Target, trials: Sequence[Trial], found: Sequence[Array]) -> str:
    """The axis for which the result is right where it has one place, and wrong where it has more."""
    good = [same(each, trial.expected) for trial, each in zip(trials, found, strict=True)]
    for axis in target.problem.axes:
        one = [place for place, trial in enumerate(trials) if trial.sizes[axis] == 1]
        # A right result that is zero there whatever is done says nothing.
        seen = any(trials[place].expected.any() for place in one)
        if len(one) > 1 and seen and all(good[place] for place in one):
            return axis
    return ""


def _computed(target: Target, trials: Sequence[Trial], found: Sequence[Array]) -> Diagnosis | None:
    """The formula that a function computes in place of the right one, if it is a near one."""
    form = target.form or _derived(target)
    if form is None:
        return None
    for told, wider in _other_sums(target.problem, form):
        if _matches(form, target, trials, found, problem=wider):
            return Diagnosis("batch axis", told)
    if _matches(form, target, trials, found, labels=-1):
        return Diagnosis("labels", "labels are taken to count from 1; they are places from 0")
    for word, detail, formula in _slips(form):
        if _matches(formula, target, trials, found):
            shown = f"; what is computed is {to_text(formula)}"
            return Diagnosis(word, f"{detail}{shown}")
    return None


def _derived(target: Target) -> Expression | None:
    if not isinstance(target.value, Derivative) or not isinstance(target.value.of, Entry):
        return None
    try:
        return derive(target.problem, target.value.of, target.value.by).result
    except CalculusError:
        return None


def _matches(
    formula: Expression,
    target: Target,
    trials: Sequence[Trial],
    found: Sequence[Array],
    *,
    problem: Problem | None = None,
    labels: int = 0,
) -> bool:
    """Whether a formula gives the results that were found, perhaps with other definitions or labels."""
    if labels and all(given.label_of is None for given in target.problem.inputs):
        return False
    for trial, each in zip(reversed(trials), reversed(found), strict=True):
        if problem is not None or labels:
            changed = Oracle(
                trial.sizes, _moved(target.problem, trial, labels), (problem or target.problem).definitions,
                trial.oracle.upstream, trial.oracle.arithmetic,
            )  # fmt: skip
            trial = replace(trial, oracle=changed)
        values = evaluated(trial, formula, target.letters)
        if values is None or not same(each, values):
            return False
    return True


def _moved(problem: Problem, trial: Trial, by: int) -> dict[str, Any]:
    """The inputs with all labels moved, around the end of their axis if need be, as in NumPy."""
    found = dict(trial.oracle.arrays)
    for given in problem.inputs:
        if given.label_of is not None and by:
            size = trial.sizes[given.label_of]
            found[given.name] = {place: (at + by) % size for place, at in found[given.name].items()}
    return found


def _other_sums(problem: Problem, form: Expression) -> Iterator[tuple[str, Problem]]:
    """The problem with one sum of a definition taken over one of its free letters: as well, or instead."""
    for definition in problem.definitions:
        if definition.name not in names_in(form):
            continue
        name, body = definition.name, definition.body
        taken = all_letters(body) | {index.name for index in definition.indices}
        for path, node in walk(body):
            if not isinstance(node, Sum):
                continue
            for letter in definition.indices:
                if letter not in free_indices(node.body):
                    continue
                other = fresh_index(letter.axis, taken, problem.letters_of(letter.axis))
                inner = rename(node.body, {letter: other})
                wider = Sum(other, Sum(node.index, inner, node.condition))
                told = f"the sum in {name} runs over all of {letter.axis}"
                yield (
                    f"{told}, instead of for each {letter.name} by itself",
                    _with(problem, name, path, wider),
                )
                for kept in definition.indices:
                    if kept.axis == node.index.axis and kept != letter and node.condition is None:
                        turned = Sum(other, rename(inner, {node.index: kept}))
                        yield f"{told}, instead of {kept.axis}", _with(problem, name, path, turned)


def _with(problem: Problem, name: str, path: Path, new: Expression) -> Problem:
    """The problem with another part in one definition."""
    definitions = tuple(
        replace(each, body=replace_at(each.body, path, new)) if each.name == name else each
        for each in problem.definitions
    )
    return replace(problem, definitions=definitions)


def _slips(form: Expression) -> Iterator[tuple[str, str, Expression]]:
    """The right form with one slip in it: a term, a factor, a delta or a sign."""
    for path, node in walk(form):
        match node:
            case Add(terms):
                for place, term in enumerate(terms):
                    rest = add(*terms[:place], *terms[place + 1 :])
                    yield "wrong term", f"the term {to_text(term)} is missing", replace_at(form, path, rest)
                    turned = add(*terms[:place], negate(term), *terms[place + 1 :])
                    yield "sign", f"of the term {to_text(term)}", replace_at(form, path, turned)
            case Multiply(factors):
                for place, factor in enumerate(factors):
                    rest = multiply(*factors[:place], *factors[place + 1 :])
                    if isinstance(factor, Delta):
                        yield "delta dropped", to_text(factor), replace_at(form, path, rest)
                    elif not isinstance(factor, Number):
                        told = f"the factor {to_text(factor)} is missing"
                        yield "chain factor lost", told, replace_at(form, path, rest)
            case Delta():
                yield "delta dropped", to_text(node), replace_at(form, path, number(1))
            case Entry(array, (one, other)) if one != other:
                turned = Entry(array, (other, one))
                yield "transposed matrix", array, replace_at(form, path, turned)
