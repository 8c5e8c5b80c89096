"""What the library hands back: a derivative, a product, a backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symderiv.calculus import Case, Derivation, Step
from symderiv.calculus import cases as cases_of
from symderiv.documents.fragments import ShowsItself
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Derivative, Expression, Index
from symderiv.problem import Problem

if TYPE_CHECKING:
    from symderiv.api.pictures import Picture
    from symderiv.calculus.backward import Backward
    from symderiv.witness import Explicit


@dataclass(frozen=True)
class Result(ShowsItself):
    """A derivative, or a product with one, in closed form and with its derivation.

    Attributes
    ----------
    derivation
        Every step that was taken, and where they lead.
    explicit
        The entries at the sizes that were asked for; None without sizes.
    """

    derivation: Derivation
    explicit: Explicit | None = None

    @property
    def problem(self) -> Problem:
        """What was differentiated."""
        return self.derivation.problem

    @property
    def form(self) -> Expression:
        """The simplest form reached, under the assumptions that :attr:`assumptions` names."""
        return self.derivation.form

    @property
    def form_text(self) -> str:
        """The form in text notation."""
        from symderiv.notation.text import to_text

        return to_text(self.form)

    @property
    def form_latex(self) -> str:
        """The form in LaTeX."""
        from symderiv.notation.latex import to_latex

        return to_latex(self.form, self.problem)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The assumptions that the form rests on, in text notation."""
        from symderiv.notation.text import to_text

        return tuple(f"{to_text(each.left)} == {to_text(each.right)}" for each in self.derivation.assumptions)

    @property
    def cases(self) -> tuple[Case, ...]:
        """The form where the places of its deltas are the same, and where they are not."""
        return cases_of(self.derivation)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every rewrite, in order, those under the assumptions last."""
        return self.derivation.steps + self.derivation.assumed_steps

    def text(self, level: str = "textbook") -> str:
        """The derivation for a terminal; `level` is ``brief``, ``textbook`` or ``all``."""
        from symderiv.documents.plain import derivation_text

        return derivation_text(self.derivation, level)

    def latex(self, level: str = "textbook") -> str:
        """The derivation as LaTeX to paste (needs amsmath)."""
        from symderiv.documents.latex import derivation_latex

        return derivation_latex(self.derivation, level)

    def markdown(self, level: str = "textbook") -> str:
        """The derivation as Markdown with ``$$`` displays."""
        from symderiv.documents.markdown import derivation_markdown

        return derivation_markdown(self.derivation, level)

    def document(self, level: str = "textbook") -> str:
        """A LaTeX document on this one derivation that compiles by itself."""
        from symderiv.documents.latex import latex_document

        return latex_document(self.problem, [self.derivation], self.explicit, level)

    def to_dict(self, level: str = "textbook") -> dict[str, Any]:
        """The derivation as plain data: strings, lists and dictionaries."""
        from symderiv.documents.data import derivation_json

        return derivation_json(self.derivation, level, self.explicit)

    def to_sympy(self, sizes: Mapping[str, int] | None = None) -> Any:
        """The form as SymPy.

        Parameters
        ----------
        sizes
            The number of places on each axis; None keeps indices (``IndexedBase``, ``Sum``,
            ``KroneckerDelta``).

        Returns
        -------
        sympy object
            With sizes, all definitions are written out in the inputs: an expression for a scalar, a
            column for a vector, a ``Matrix`` for two free indices, an N-dimensional array for more.
        """
        from symderiv.notation.sympy_bridge import as_array, explicit, to_sympy

        if sizes is None:
            return to_sympy(self.form)
        letters = letters_of(self.derivation)

        def entries(rest: tuple[Index, ...], places: dict[Index, int]) -> Any:
            if not rest:
                return explicit(self.form, self.problem, sizes, places)
            every = range(1, sizes[rest[0].axis] + 1)
            return [entries(rest[1:], places | {rest[0]: place}) for place in every]

        found = entries(letters, {})
        return as_array(found, len(letters)) if letters else found

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        from symderiv.notation.text import to_text

        return f"<{to_text(self.derivation.start)} = {self.form_text}>"

    def html(self, level: str = "textbook") -> str:
        """The derivation as a page that stands alone; `level` says which steps are unfolded at first."""
        from symderiv.documents.page import page
        from symderiv.documents.shown import Shown

        return page(self.problem, [Shown(self.derivation, self.explicit)], level=level)

    def picture(self, **values: Any) -> Picture:
        """What kind of matrix the derivative is, as a picture.

        Parameters
        ----------
        **values
            Values of the inputs, as lists or arrays (labels as places from 0): the entries are shown in
            numbers too then, as colours.

        Raises
        ------
        RequestError
            If a name is no input, or values are of the wrong shape.
        """
        from symderiv.api.pictures import picture

        return picture(self.derivation, values)

    def _repr_html_(self) -> str:
        from symderiv.documents.page import fragment

        return fragment(self.derivation)

    def _repr_latex_(self) -> str:
        from symderiv.documents.latex import assumption_latex
        from symderiv.notation.latex import to_latex

        start = to_latex(self.derivation.start, self.problem)
        stated = [assumption_latex(each, self.problem) for each in self.derivation.assumptions]
        condition = r" \qquad \text{if } " + r" \text{ and } ".join(stated) if stated else ""
        return rf"$\displaystyle {start} = {self.form_latex}{condition}$"


def letters_of(derivation: Derivation) -> tuple[Index, ...]:
    """The free letters of a result, in the order in which the derivative names them."""
    start = derivation.start
    parts = (start.of, *start.by) if isinstance(start, Derivative) else (start,)
    return tuple(dict.fromkeys(letter for part in parts for letter in free_indices(part)))


@dataclass(frozen=True)
class BackwardResult(ShowsItself):
    """A backward pass: one line a cotangent, in an order in which they can be computed.

    Attributes
    ----------
    passed
        The lines, with the derivation of each contribution.
    """

    passed: Backward

    @property
    def forms(self) -> dict[str, str]:
        """From each cotangent, such as ``z_bar[k]``, to its form, both in text notation.

        A cotangent that is given has no form and is left out.
        """
        from symderiv.notation.text import to_text

        stages = self.passed.stages
        return {
            to_text(each.cotangent): to_text(each.form)
            for each in stages
            if each.parts or each.given is not None
        }

    @property
    def proved(self) -> bool:
        """Whether each line is proved for every size."""
        from symderiv.proof.stages import prove_stage

        verdicts = [each for stage in self.passed.stages for each in prove_stage(stage, self.passed)]
        return all(each.kind == "proved" for each in verdicts)

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """The lines for a terminal."""
        return self._document("text")

    def latex(self) -> str:
        """The lines in LaTeX, to paste into one's notes (needs amsmath)."""
        return self._document("latex")

    def markdown(self) -> str:
        """The lines in Markdown."""
        return self._document("markdown")

    def html(self) -> str:
        """The lines as a page that stands alone, each with its proof and its derivation."""
        return self._document("html")

    def data(self) -> dict[str, Any]:
        """The lines as plain data."""
        from symderiv.documents.backward import backward_data

        return backward_data(self.passed)

    def _repr_html_(self) -> str:
        from symderiv.documents.backward import backward_html

        return backward_html(self.passed)

    def _repr_latex_(self) -> str:
        from symderiv.documents.backward import backward_display

        return backward_display(self.passed)

    def _document(self, form: str) -> str:
        from symderiv.documents.backward import backward_document

        return backward_document(self.passed, form)
