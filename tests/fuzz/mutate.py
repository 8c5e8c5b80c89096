"""Small changes of a text, most of which leave it a text of its language."""

from __future__ import annotations

import random
import re
from collections import defaultdict

from tests.trials.hostile import mutated

_TOKEN = re.compile(r"\\[A-Za-z]+|[A-Za-z_]+|[0-9]+|[-+*/^]|[<>=!]=?|\n|[ \t]+|.", re.DOTALL)


class Mutator:
    """Changes texts in the words of the texts that it was given."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self._words: dict[str, list[str]] = defaultdict(list)
        for text in texts:
            for word in set(_TOKEN.findall(text)):
                self._words[_kind(word)].append(word)

    def change(self, text: str, rng: random.Random) -> str:
        """`text` with some words exchanged for others of their kind, a piece of another text, or noise."""
        match rng.randrange(8):
            case 0:
                return mutated(text, rng)
            case 1:
                return mutated(text, rng, most=1)
            case 2:
                return self._with_lines(text, rng)
            case 3 | 4:
                return self._with_piece(text, rng)
            case _:
                return self._with_words(text, rng)

    def _with_words(self, text: str, rng: random.Random) -> str:
        words = _TOKEN.findall(text)
        for _ in range(rng.randint(1, 3)):
            if words:
                place = rng.randrange(len(words))
                words[place] = rng.choice(self._words.get(_kind(words[place]), [words[place]]))
        return "".join(words)

    def _with_piece(self, text: str, rng: random.Random) -> str:
        """An operand or bracket of `text` replaced by one of another text."""
        here, there = _operands(text), _operands(other := rng.choice(self._texts))
        if not here or not there:
            return mutated(text, rng, most=1)
        (begin, end), (first, last) = rng.choice(here), rng.choice(there)
        return text[:begin] + other[first:last] + text[end:]

    def _with_lines(self, text: str, rng: random.Random) -> str:
        lines, others = text.split("\n"), rng.choice(self._texts).split("\n")
        place = rng.randrange(len(lines))
        match rng.randrange(3):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, rng.choice(others))
            case _:
                lines[place] = rng.choice(others)
        return "\n".join(lines)


def _kind(word: str) -> str:
    if word.isdigit():
        return "number"
    if word[0] == "\\" and len(word) > 1:
        return "command"
    if word[0].isalpha():
        return "letter" if len(word) == 1 else "word"
    return "sign" if word in "+-*/^" else "compare" if word[0] in "<>=!" else word


def _operands(text: str) -> list[tuple[int, int]]:
    """Where names, numbers and balanced brackets of a text stand."""
    found = [match.span() for match in re.finditer(r"\\?\w+", text)]
    opened: list[int] = []
    for place, sign in enumerate(text):
        if sign in "([{":
            opened.append(place)
        elif sign in ")]}" and opened:
            found.append((opened.pop(), place + 1))
    return found
