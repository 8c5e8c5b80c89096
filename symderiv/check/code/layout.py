"""How the letters of a value lie along the axes of an array: ``i j``, or ``(i j) t`` for a flattened one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symderiv.expression.nodes import Index
from symderiv.notation.errors import Source

if TYPE_CHECKING:
    import numpy as np

_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*|[0-9]+)|(.))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Layout:
    """The axes of an array: each the letters that it runs over, the last the fastest; none for a 1."""

    groups: tuple[tuple[Index, ...], ...]

    @classmethod
    def plain(cls, letters: Sequence[Index]) -> Layout:
        """One axis for each letter."""
        return cls(tuple((letter,) for letter in letters))

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape of the array at some sizes."""
        return tuple(math.prod(sizes[letter.axis] for letter in group) for group in self.groups)

    def arranged(self, values: np.ndarray[Any, Any], letters: Sequence[Index]) -> np.ndarray[Any, Any]:
        """`values`, one axis for each of `letters`, as an array of this layout."""
        order = [letters.index(letter) for group in self.groups for letter in group]
        sizes = {letter: values.shape[place] for place, letter in enumerate(letters)}
        shape = [math.prod(sizes[letter] for letter in group) for group in self.groups]
        return values.transpose(order).reshape(shape)

    def restored(
        self, array: np.ndarray[Any, Any], letters: Sequence[Index], sizes: Mapping[str, int]
    ) -> np.ndarray[Any, Any]:
        """An array of this layout as values with one axis for each of `letters`."""
        flat = [letter for group in self.groups for letter in group]
        spread = array.reshape([sizes[letter.axis] for letter in flat])
        return spread.transpose([flat.index(letter) for letter in letters])

    def __str__(self) -> str:
        words = [
            "1" if not group else group[0].name if len(group) == 1 else f"({' '.join(i.name for i in group)})"
            for group in self.groups
        ]
        return f"[{', '.join(words)}]"


def read_layout(text: str, letters: Sequence[Index], path: str) -> Layout:
    """Read ``[i, j]``, ``i j``, ``(i j) t`` or ``j 1``; every one of `letters` has to stand in it once.

    Raises
    ------
    NotationError
        If the text is no layout, or not one of these letters.
    """
    source = Source(text, path)
    stripped = text.strip()
    begin = text.find(stripped) if stripped else 0
    if stripped.startswith("[") and stripped.endswith("]"):
        begin, stripped = begin + 1, stripped[1:-1]
    known = {letter.name: letter for letter in letters}
    expected = f"expected the letters {', '.join(known)}" if known else "expected no letter (a scalar)"
    groups: list[tuple[Index, ...]] = []
    inner: list[Index] | None = None
    seen: set[str] = set()
    for match in _TOKEN.finditer(stripped.rstrip()):
        at = begin + match.start(match.lastindex or 0)
        word, sign = match[1], match[2]
        if sign == "(" and inner is None:
            inner = []
        elif sign == ")" and inner:
            groups.append(tuple(inner))
            inner = None
        elif word == "1" and inner is None:
            groups.append(())
        elif word in known and word not in seen:
            seen.add(word)
            if inner is None:
                groups.append((known[word],))
            else:
                inner.append(known[word])
        elif sign != ",":
            found = f"{word} twice" if word in seen else repr(word or sign)
            raise source.error(at, f"{expected}, each once, as in 'i j' or '(i j) t', found {found}")
    missing = [name for name in known if name not in seen]
    if inner is not None or missing:
        found = "an open bracket" if inner is not None else f"no {', '.join(missing)}"
        raise source.error(len(text), f"{expected}, each once, as in 'i j' or '(i j) t', found {found}")
    return Layout(tuple(groups))
