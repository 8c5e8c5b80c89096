"""What may be assumed, as equations: ``A symmetric``, ``t one_hot``, ``x > 0``, ``i != j``, ``y in {0, 1}``.

Each is said by equations that hold exactly where it does: A[i, j] == A[j, i]; t[i] * t[j] ==
t[i] * delta(i, j) and a total of 1; delta(i, j) == 0; y^2 == y. An order between values is a
condition that is met: where(x > 0, 1, 0) == 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from symderiv.expression.construct import multiply, power
from symderiv.expression.functions import PI, call
from symderiv.expression.indices import fresh_index
from symderiv.expression.nodes import ONE, ZERO, Compare, Delta, Entry, Index, Position, Sum, Where
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.names import Names
from symderiv.problem import USUAL_LETTERS, Assumption

_WORD = re.compile(r"\s*([A-Za-z_]\w*)\s+(one_hot|symmetric|natural)\s*\Z", re.ASCII)
_IN = re.compile(r"\s*([A-Za-z_]\w*)(?:\s*\[[^\]]*\])?\s+in\s+\{([^}]*)\}\s*\Z", re.ASCII)


@dataclass(frozen=True)
class Property:
    """A property of a whole array: its name, the word or the set, and where they stand in the line."""

    name: str
    word: str
    at: int
    word_at: int


def property_of(text: str) -> Property | None:
    """The property that a line assumes, or None where it is a condition."""
    match = _WORD.match(text) or _IN.match(text)
    if match is None:
        return None
    return Property(match[1], match[2], match.start(1), match.start(2))


def assumptions_of(said: Property, names: Names, source: Source, begin: int) -> tuple[Assumption, ...]:
    """The equations that say a property; the line of it stands at the offset `begin` of `source`."""

    def error(at: int, message: str) -> NotationError:
        return source.error(begin + at, message)

    name = said.name
    if name not in names.inputs or names.is_label(name):
        raise error(said.at, f"only an input can be {_in_words(said.word)}: {names.no_array(name)}")
    axes = names.inputs[name].axes
    letters: list[Index] = []
    for axis in axes:
        letters.append(fresh_index(axis, [letter.name for letter in letters], _letters(names, axis)))
    entry = Entry(name, tuple(letters))
    if said.word == "symmetric":
        if len(axes) != 2 or axes[0] != axes[1]:
            raise error(
                said.at, f"only a square matrix can be symmetric, and {name} has axes ({', '.join(axes)})"
            )
        return (Assumption(entry, Entry(name, (letters[1], letters[0]))),)
    if said.word == "natural":  # the zeros of sin(pi g) that are positive
        return (
            Assumption(Where(Compare(">", entry, ZERO), ONE, ZERO), ONE),
            Assumption(call("sin", multiply(PI, entry)), ZERO),
        )
    if said.word == "one_hot":
        if not axes:
            raise error(said.at, f"only an array can be one-hot, and {name} is a number")
        last = letters[-1]
        other = fresh_index(last.axis, [letter.name for letter in letters], _letters(names, last.axis))
        second = Entry(name, (*letters[:-1], other))
        return (
            Assumption(multiply(entry, second), multiply(entry, Delta(last, other))),
            Assumption(Sum(last, entry), ONE),
        )
    members = sorted(part.strip() for part in said.word.split(","))
    if members == ["0", "1"]:
        return (Assumption(power(entry, 2), entry),)
    if members == ["-1", "1"]:
        return (Assumption(power(entry, 2), ONE),)
    raise error(said.word_at, "expected {0, 1} or {-1, 1}: other sets are not supported")


def condition(compared: Compare) -> Assumption:
    """The equation that says a condition."""
    left, right, operator = compared.left, compared.right, compared.operator
    places = isinstance(left, Index | Position) or isinstance(right, Index | Position)
    if places and operator in ("!=", "=="):
        assert isinstance(left, Index | Position | Entry)
        assert isinstance(right, Index | Position | Entry)
        return Assumption(Delta(left, right), ZERO if operator == "!=" else ONE)
    if not places and operator in ("<", "<="):
        compared = Compare({"<": ">", "<=": ">="}[operator], right, left)
    return Assumption(Where(compared, ONE, ZERO), ONE)


def _letters(names: Names, axis: str) -> list[str]:
    declared = names.letters_on(axis)
    free = [letter for letter in USUAL_LETTERS if not names.kind(letter)]
    return [*declared, *free]


def _in_words(word: str) -> str:
    return {"one_hot": "one-hot"}.get(word, word if word == "symmetric" else f"in {{{word}}}")
