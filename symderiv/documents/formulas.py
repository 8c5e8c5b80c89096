"""Formulas for a page: set in MathML, able to go on in the next line between their terms."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from symderiv.documents.layout import split_terms, width
from symderiv.notation.latex_names import latex_name
from symderiv.notation.mathml import latex_to_mathml
from symderiv.problem import Problem

if TYPE_CHECKING:
    from markupsafe import Markup

#: Up to this width, in ems, a formula is one piece.
_WHOLE = 14.0
#: A piece wider than this does not fit a narrow screen.
_NARROW = 17.0
#: What the equals sign takes behind a left side that stands for itself, with the gaps around it.
_BETWEEN = 1.8


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in pieces between which a line may end; `widest` is the width of the widest, in ems."""

    markup: Markup
    widest: float

    def is_wide(self, before: Formula | None = None) -> bool:
        """Whether one piece, beside what stands before it, may be wider than a narrow screen.

        It has to be scrolled there.
        """
        return self.widest + (before.widest + _BETWEEN if before else 0.0) > _NARROW


def formula(latex: str, left: str = "") -> Formula:
    """A formula, or an equation if there is a left side."""
    from markupsafe import Markup

    terms = _terms(latex)
    if left:
        whole = f"{left} = {latex}"
        *before, last = _terms(left)
        terms = [whole] if width(whole) <= _WHOLE else [*before, f"{last} =", *terms]
    pieces = [latex_to_mathml(term) for term in terms]
    # An operator that begins a piece stands between two terms all the same, but not after an equals sign.
    joined = [
        piece
        if not place or terms[place - 1].endswith("=")
        else piece.replace("><mo>", '><mo form="infix">', 1)
        for place, piece in enumerate(pieces)
    ]
    return Formula(Markup("<wbr>".join(joined)), max(map(width, terms)))


def _terms(latex: str) -> list[str]:
    return [latex] if width(latex) <= _WHOLE else split_terms(latex)


def with_math(text: str) -> Markup:
    """A text in which formulas stand between dollar signs."""
    from markupsafe import Markup

    parts = text.replace("--", "–").split("$")
    return Markup("").join(
        Markup(latex_to_mathml(part, display=False)) if place % 2 else part
        for place, part in enumerate(parts)
    )


def reason_math(reason: str, problem: Problem) -> Markup:
    """A reason, with the problem's names in it set as mathematics."""
    from markupsafe import Markup

    names = {given.name for given in problem.inputs} | {each.name for each in problem.definitions}
    names |= {each.name for each in problem.upstream}
    words = []
    for word in reason.split(" "):
        core = word.strip("(),;")
        if core and core in names:
            before, after = word.split(core, 1)
            words.append(f"{escape(before)}{latex_to_mathml(latex_name(core), display=False)}{escape(after)}")
        else:
            words.append(escape(word))
    return Markup(" ".join(words))
