"""What was chosen where a formula can be read in more than one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex.tokens import Token, tokenize

#: What is said of a function whose argument might be longer.
TAKES_ONE = "takes one factor, here"
#: Where cases say nothing of the place at which two compared values meet, nothing is claimed there.
LAST_OF_CASES = "where the compared values are equal, the last of these cases is taken"


@dataclass(frozen=True)
class Guess:
    """One choice between readings.

    Attributes
    ----------
    message
        What was chosen, in one sentence that can stand after the place.
    line, column
        Where in the formula that was given, both counted from 1.
    length
        How many characters it is about.
    """

    message: str
    line: int
    column: int
    length: int


def guesses_of(source: Source, notes: Mapping[str, int]) -> tuple[Guess, ...]:
    """The guesses of `notes` (a sentence, and the offset it is about), in the order of the source."""
    if not notes:
        return ()
    try:
        tokens = tokenize(source, together=True)
    except NotationError:  # commands of the document: the place is enough then
        tokens = []
    found = []
    for sentence in sorted(notes, key=lambda each: notes[each]):
        place = source.error(notes[sentence], "")
        found.append(Guess(sentence, place.line, place.column, _length(tokens, notes[sentence])))
    return tuple(found)


def _length(tokens: Sequence[Token], at: int) -> int:
    """The length of what begins at an offset: a sign with its subscripts."""
    for place, token in enumerate(tokens):
        if token.at < at or token.kind == "stop":
            continue
        end = token.end
        while tokens[place + 1].kind == "_" and place + 2 < len(tokens):
            place = _group_end(tokens, place + 2)
            end = tokens[place].end
        return end - at
    return 0


def _group_end(tokens: Sequence[Token], place: int) -> int:
    """The place of the last token of a subscript that begins at `place`."""
    depth = 0
    for number in range(place, len(tokens)):
        depth += (tokens[number].kind == "{") - (tokens[number].kind == "}")
        if depth == 0:
            return number
    return place
