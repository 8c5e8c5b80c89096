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
from symderiv.expression.nodes import Add, Delta, Derivative, Entry, Expression, Index, Multiply, Number, Sum
from symderiv.expression.oracle import Oracle
from symderiv.expression.traverse import replace_at, walk
from symderiv.notation.text import to_text
from symderiv.problem import Problem, names_in

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

#: What a diagnosis of code may be beside the words for formulas.
WORDS = (
    "batch axis",
    "arguments changed",
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
        return Diagnosis("special size", f"right where {alone} = 1, and wrong for more")
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
        one = [right for trial, right in zip(trials, good, strict=True) if trial.sizes[axis] == 1]
        more = [right for trial, right in zip(trials, good, strict=True) if trial.sizes[axis] > 1]
        # Where everything has size 1 little is seen: another size has to be among those that are right.
        if len(one) > 1 and more and all(one) and not any(more):
            return axis
    return ""


def _computed(target: Target, trials: Sequence[Trial], found: Sequence[Array]) -> Diagnosis | None:
    """The formula that a function computes in place of the right one, if it is a near one."""
    form = target.form or _derived(target)
    if form is None:
        return None
    for name, letter, wider in _widened(target.problem, form):
        if _matches(form, target, trials, found, wider):
            told = f"the sum in {name} runs over all of {letter.axis}, instead of for each {letter.name}"
            return Diagnosis("batch axis", f"{told} by itself")
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
    problem: Problem | None = None,
) -> bool:
    """Whether a formula gives the results that were found, in the definitions of another problem if given."""
    for trial, each in zip(reversed(trials), reversed(found), strict=True):
        if problem is not None:
            changed = Oracle(
                trial.oracle.sizes, trial.oracle.arrays, problem.definitions, trial.oracle.upstream,
                trial.oracle.arithmetic,
            )  # fmt: skip
            trial = replace(trial, oracle=changed)
        values = evaluated(trial, formula, target.letters)
        if values is None or not same(each, values):
            return False
    return True


def _widened(problem: Problem, form: Expression) -> Iterator[tuple[str, Index, Problem]]:
    """The problem with one sum of a definition that `form` uses taken over one of its free letters too."""
    for definition in problem.definitions:
        if definition.name not in names_in(form):
            continue
        for path, node in walk(definition.body):
            if not isinstance(node, Sum):
                continue
            for letter in definition.indices:
                inner = node.body
                if letter not in free_indices(inner):
                    continue
                taken = all_letters(definition.body) | {index.name for index in definition.indices}
                other = fresh_index(letter.axis, taken, problem.letters_of(letter.axis))
                wider = Sum(other, Sum(node.index, rename(inner, {letter: other}), node.condition))
                body = replace_at(definition.body, path, wider)
                changed = tuple(
                    replace(each, body=body) if each is definition else each for each in problem.definitions
                )
                yield definition.name, letter, replace(problem, definitions=changed)


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
