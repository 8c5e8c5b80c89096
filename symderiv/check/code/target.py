"""What a function is judged against: a problem, and a value or a derivative in its names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from symderiv import catalog
from symderiv.calculus import Engine
from symderiv.check.code.errors import CodeError
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Derivative, Entry, Expression, Index
from symderiv.notation.reader import parse_expression
from symderiv.notation.text import to_text
from symderiv.problem import Assumption, Problem

_BARE = re.compile(r"\s*d\(\s*\w+\s*(?:,\s*\w+\s*)+\)\s*")


@dataclass(frozen=True)
class Target:
    """The meaning that a function ought to have.

    Attributes
    ----------
    problem
        The names.
    value
        What is to be computed at every place of `letters`.
    letters
        In the order of the derivative: those of what is differentiated, then those it is differentiated by.
    form
        The right form where the problem states one; a help to diagnosis, never what is compared with.
    assumptions
        What holds of the inputs.
    """

    problem: Problem
    value: Expression
    letters: tuple[Index, ...]
    form: Expression | None
    assumptions: tuple[Assumption, ...]

    def __str__(self) -> str:
        return f"{to_text(self.value)} of {self.problem.name}"


def read_target(text: str) -> Target:
    """Read ``softmax``, ``softmax:p[i]``, ``softmax:d(p[i], z[j])`` or ``mine.sd:d(p, z)``.

    Raises
    ------
    CodeError
        If no derivative is named and the problem is not about exactly one.
    UnknownProblemError, NotationError
        If the problem or the derivative is not understood.
    """
    name, wanted = _parts(text)
    problem = catalog.load(name)
    value = _value(problem, wanted) if wanted else _only(problem)
    letters = letters_of(value)
    form, assumptions = None, problem.assumptions
    for each in problem.expectations:
        letters_there = letters_of(each.derivative)
        if len(letters_there) != len(letters):
            continue
        spelled = dict(zip(letters_there, letters, strict=True))
        if rename(each.derivative, spelled) == value:
            form = rename(each.form, spelled) if each.form is not None else None
            assumptions = tuple(dict.fromkeys((*assumptions, *each.assuming)))
    return Target(problem, value, letters, form, assumptions)


def _parts(text: str) -> tuple[str, str]:
    ending = text.find(f"{catalog.SUFFIX}:")
    if ending >= 0:
        ending += len(catalog.SUFFIX)
        return text[:ending].strip(), text[ending + 1 :].strip()
    if text.endswith(catalog.SUFFIX):
        return text.strip(), ""
    name, _, wanted = text.partition(":")
    return name.strip(), wanted.strip()


def _value(problem: Problem, text: str) -> Expression:
    if _BARE.fullmatch(text):
        of, *by = re.findall(r"\w+", text)[1:]
        for name in (of, *by):
            known(problem, name)
        return Derivative(*Engine(problem).generic(of, tuple(by)))
    if text.isidentifier() and text not in problem.axes:
        return whole(problem, text)
    return parse_expression(text, problem, "--against")


def _only(problem: Problem) -> Expression:
    wanted = list(dict.fromkeys(each.derivative for each in problem.expectations))
    if len(wanted) == 1:
        return wanted[0]
    told = ", ".join(to_text(each) for each in wanted)
    example = to_text(wanted[0]) if wanted else "d(L, z[j])"
    raise CodeError(
        f"--against: expected which derivative of {problem.name} is meant ({told or 'it names none'}); "
        f"write, for example, --against '{problem.name}:{example}'"
    )


def known(problem: Problem, name: str) -> tuple[str, ...]:
    """The axes of a name; raises `CodeError` if the problem has none such."""
    try:
        return problem.axes_of(name)
    except KeyError:
        raise CodeError(f"expected a name of {problem.name} ({names(problem)}), found {name!r}") from None


def names(problem: Problem) -> str:
    """The names that a parameter may stand for, in a row."""
    arrays = [each.name for each in problem.inputs] + [each.name for each in problem.definitions]
    return ", ".join([*arrays, *(each.name for each in problem.upstream)])


def whole(problem: Problem, name: str) -> Entry:
    """A bare name as the entry at letters of its own."""
    axes = known(problem, name)
    definition = problem.definition(name)
    if definition is not None:
        return Entry(name, definition.indices)
    letters: list[Index] = []
    for axis in axes:
        free = [each for each in problem.letters_of(axis) if all(each != other.name for other in letters)]
        letters.append(Index(free[0], axis))
    return Entry(name, tuple(letters))


def letters_of(value: Expression) -> tuple[Index, ...]:
    """The free letters of a value, those of a derivative in its own order."""
    parts = [value.of, *value.by] if isinstance(value, Derivative) else [value]
    found: list[Index] = []
    for part in parts:
        if isinstance(part, Entry):
            found += [term for term in part.indices if isinstance(term, Index)]
        found += free_indices(part)
    return tuple(dict.fromkeys(found))
