"""What the command line's words mean: sizes, values, names. Every error is one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from symderiv.build.plan import LIMITS, MAX_SIZE

if TYPE_CHECKING:
    from symderiv.problem import Input, Problem

#: The values of an input by place, places counted from 0.
Table: TypeAlias = dict[tuple[int, ...], float]

#: The longest text that is read, in characters (as in the notation, which is heavier to import).
MAX_TEXT = 100_000


class UsageError(ValueError):
    """A command line that cannot be followed; the message is one sentence for its writer."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Names near `name`, ready to be put behind a sentence; empty where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def parse_sizes(texts: Iterable[str], most: int = MAX_SIZE, why: str = LIMITS) -> dict[str, int]:
    """Read ``K=5`` and the like; `why` says why no size may be above `most`.

    Raises
    ------
    UsageError
        If one is no ``AXIS=SIZE``, or the size is no whole number from 1 to `most`.
    """
    sizes: dict[str, int] = {}
    for text in texts:
        axis, equals, digits = (part.strip() for part in text.partition("="))
        if not (axis and equals):
            raise UsageError(f"--size: expected AXIS=SIZE, such as K=5, found {_quoted(text)}")
        if not (digits.isascii() and digits.removeprefix("-").isdigit()):
            raise UsageError(
                f"--size: expected a whole number for {axis}, found {_quoted(digits)}; "
                f"write, for example, {axis}=5"
            )
        if digits.startswith("-") or not digits.strip("0"):
            raise UsageError(
                f"--size: expected at least 1 for {axis}, found {_quoted(digits)}; "
                f"write, for example, {axis}=5"
            )
        if len(digits.lstrip("0")) > 12 or int(digits) > most:
            raise UsageError(
                f"--size: expected at most {most} for {axis}, found {_quoted(digits)}: {why}; "
                "without --size the result holds for every size"
            )
        if sizes.setdefault(axis, int(digits)) != int(digits):
            raise UsageError(f"--size: found two sizes for {axis}, {sizes[axis]} and {digits}; give one")
    return sizes


def check_axes(sizes: Iterable[str], problems: Sequence[Problem]) -> None:
    """Raise `UsageError` for a size of an axis that no problem has."""
    known = dict.fromkeys(axis for problem in problems for axis in problem.axes)
    for axis in sizes:
        if axis not in known:
            of = problems[0].name if len(problems) == 1 else "these problems"
            raise UsageError(
                f"--size: expected an axis of {of} ({', '.join(known) or 'there is none'}), "
                f"found {_quoted(axis)}"
            )


def parse_values(texts: Iterable[str], problem: Problem) -> tuple[dict[str, Table], dict[str, int]]:
    """Read ``z=0.1,0.5`` (rows of a matrix separated by ``;``), labels counted from 1.

    Returns
    -------
    arrays, sizes
        The values by place, counted from 0, and the size of each axis that they imply.

    Raises
    ------
    UsageError
        If a name is no input, a value no number, or two lengths do not agree.
    """
    arrays: dict[str, Table] = {}
    sizes: dict[str, int] = {}
    for text in texts:
        name, equals, rest = (part.strip() for part in text.partition("="))
        given = problem.input(name)
        if given is not None and name in arrays:
            raise UsageError(f"--value: expected values of {name} once, found them twice; give one")
        if not equals or given is None:
            names = ", ".join(each.name for each in problem.inputs)
            raise UsageError(f"--value: expected NAME=NUMBERS, a name among {names}, found {_quoted(text)}")
        shape, table = _table(given, rest)
        for axis, size in zip(given.axes, shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise UsageError(
                    f"--value: found {size} places on {axis} in {name}, and {sizes[axis]} before"
                )
        arrays[name] = table
    for given in problem.inputs:
        if given.label_of in sizes and given.name in arrays:
            last = sizes[given.label_of]
            for value in arrays[given.name].values():
                if value >= last:
                    raise UsageError(
                        f"--value: expected a place from 1 to {last} for {given.name}, found {value + 1:g}"
                    )
    return arrays, sizes


def _table(given: Input, text: str) -> tuple[tuple[int, ...], Table]:
    """The shape and the values of one input, from its numbers on the command line."""
    rows = [[_number(word, given.name) for word in row.split(",")] for row in text.split(";")]
    shape: tuple[int, ...]
    match len(given.axes):
        case 0:
            shape, fits, expected = (), [len(row) for row in rows] == [1], "one number"
        case 1:
            shape, fits, expected = (len(rows[0]),), len(rows) == 1, "numbers separated by commas"
        case 2:
            shape = (len(rows), len(rows[0]))
            fits = len({len(row) for row in rows}) == 1
            expected = "rows of one length, separated by semicolons"
        case more:
            raise UsageError(f"--value: {given.name} has {more} axes; values can be given for at most two")
    if not fits:
        raise UsageError(f"--value: expected {expected} for {given.name}, found {_quoted(text)}")
    values = [value for row in rows for value in row]
    if given.label_of:
        values = [_label(value, given.name) for value in values]
    return shape, dict(zip(product(*map(range, shape)), values, strict=True))


def _number(word: str, name: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"--value: expected a number for {name}, found {_quoted(word.strip())}")
    return value


def _label(value: float, name: str) -> float:
    if value != int(value) or value < 1:
        raise UsageError(f"--value: expected a place for {name}, counted from 1, found {value:g}")
    return value - 1


def _quoted(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return repr(shown if len(shown) <= 40 else shown[:37] + "...") if shown else "nothing"
