r"""What the sentences around the formulas say that the formulas need, where it can be told without guessing.

``If $i = j$,`` before a display is the condition of that display, and
``$y_1 = f(z_1), \dots, y_K = f(z_K)$`` defines y_i for every i.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from symderiv.check.document import Block, Document
from symderiv.expression.nodes import Compare, Entry, Index

_CONDITION = re.compile(r"\s*([A-Za-z])\s*(=|\\neq?(?![a-z])|\\not\s*=|≠)\s*([A-Za-z])\s*")
_SERIES = re.compile(
    r"(?P<name>\\?[A-Za-z]+)_\{?1\}?\s*=(?P<first>.+?),\s*\\[lc]?dots\s*,\s*(?P=name)_\{?(?P<last>[A-Za-z])\}?\s*="
    r"(?P<final>.+)",
    re.DOTALL,
)
_LETTERS = "ijnmrsq"
_SUMMED = re.compile(
    r"einstein(?:'s|ian)?\s+(?:summation|notation|convention)|summation\s+convention"
    r"|repeated\s+ind(?:ex|ices)\s+(?:is|are)\s+(?:implicitly\s+)?summed|sum(?:s|med)?\s+over\s+repeated\s+ind",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """A comparison of two index letters, or of one with a label, in a sentence."""

    left: str
    operator: str
    right: str

    def among(self, letters: tuple[Index, ...], labels: tuple[Entry, ...] = ()) -> Compare | None:
        """The comparison of these places, if both are among them and one is a letter."""
        found: dict[str, Index | Entry] = {label.array: label for label in labels}
        found |= {index.name: index for index in letters}
        if self.left in found and self.right in found and self.left != self.right:
            left, right = found[self.left], found[self.right]
            if isinstance(left, Entry):
                left, right = right, left
            return None if isinstance(left, Entry) else Compare(self.operator, left, right)
        return None


def sums_repeated_indices(document: Document) -> bool:
    """Whether a sentence says that indices that occur twice are summed."""
    return _SUMMED.search(document.text) is not None


def condition_before(document: Document, display: Block) -> Said | None:
    """The one comparison of letters in the paragraph that leads to a display; None for none or several."""
    place = bisect_left(document.blocks, display.begin, key=lambda block: block.begin)
    since = next((n for n in range(place - 1, -1, -1) if document.blocks[n].kind == "display"), -1)
    before = document.blocks[since].end if since >= 0 else 0
    text = document.text[before : display.begin].rstrip("$\\[ \n")
    start = before + max(text.rfind("\n\n") + 2, 0) if "\n\n" in text else before
    found = [
        match
        for block in document.blocks[since + 1 : place]
        if block.kind == "inline" and start <= block.begin and block.end <= display.begin
        and (match := _CONDITION.fullmatch(document.text[block.begin : block.end]))
    ]  # fmt: skip
    if len(found) != 1:
        return None
    left, sign, right = found[0].groups()
    return Said(left, "==" if sign == "=" else "!=", right)


def series(text: str) -> str | None:
    r"""A series ``y_1 = f(1), \dots, y_K = f(K)`` as ``y_i = f(i)``, in as many characters; None for none.

    Both ends must be the same but for the place.
    """
    match = _SERIES.fullmatch(text.strip())
    if match is None:
        return None
    used = set(re.findall(r"_\{?([A-Za-z])", text))
    letter = next((each for each in _LETTERS if each not in used), None)
    if letter is None:
        return None
    first = re.sub(r"(?<=_)1|(?<=_\{)1(?=\})", letter, match["first"])
    final = re.sub(rf"(?<=_){match['last']}|(?<=_\{{){match['last']}(?=\}})", letter, match["final"])
    if first.strip() != final.strip():
        return None
    return f"{match['name']}_{letter} ={first}".ljust(len(text))
