"""What is said of a claim and of a document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symderiv.check.content import Claim, Content
from symderiv.check.diagnosis import Diagnosis
from symderiv.check.document import Place
from symderiv.documents.fragments import ShowsItself
from symderiv.expression.nodes import Expression

#: The verdicts, the worst first.
VERDICTS = ("refuted", "unreadable", "conditional", "undecided", "proved")


@dataclass(frozen=True)
class Judgement:
    """The verdict on one ``=``.

    Attributes
    ----------
    claim
        What was judged; None for a display or a directive that is not understood.
    place
        Where it stands.
    verdict
        One of `VERDICTS`; or ``equation``, a derivative set to zero, which is to be solved and not judged;
        ``definition``, where a name gets a new meaning; or ``note``, where print would read a formula
        otherwise.
    message
        The verdict in one sentence.
    method
        For ``proved`` and ``conditional``: how.
    condition
        For ``conditional``: the assumption, in text notation.
    counterexample
        For ``refuted`` and ``conditional``: sizes, values and both sides (without the condition).
    diagnosis
        For ``refuted``: the mistake.
    right_form
        For ``refuted``: a right side that is proved to make the equation true.
    display, equality
        Which display of the document, and which claimed ``=`` of it.
    end_is_right
        For ``refuted`` in a longer chain: whether its end is equal to its beginning all the same.
    """

    place: Place
    verdict: str
    message: str
    claim: Claim | None = None
    method: str = ""
    condition: str = ""
    counterexample: Mapping[str, object] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    right_form: Expression | None = None
    display: int = 0
    equality: int = 0
    end_is_right: bool | None = None

    @property
    def end(self) -> Place | None:
        """Where the right side of a claim ends; None where nothing is claimed."""
        return self.claim.end if self.claim is not None else None


@dataclass(frozen=True, repr=False)
class Report(ShowsItself):
    """All judgements of one document, in order.

    Attributes
    ----------
    path
        The document.
    judgements
        One for each claimed ``=``, and one for each thing that is not understood.
    seconds
        How long reading and judging took.
    content
        What was read: the document, its problem, its claims; None for a file that cannot be read.
    """

    path: str
    judgements: tuple[Judgement, ...]
    seconds: float = 0.0
    content: Content | None = None

    @property
    def verdict(self) -> str:
        """The worst verdict of the document; ``proved`` where nothing is claimed."""
        found = {each.verdict for each in self.judgements}
        return next((verdict for verdict in VERDICTS if verdict in found), "proved")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``symderiv check --format json`` prints it of one document."""
        from symderiv.check.formats import report_data

        return report_data(self)

    def __str__(self) -> str:
        from symderiv.check.formats import text_report

        return "\n".join(text_report([self], everything=True))

    def __repr__(self) -> str:
        from symderiv.check.formats import printable, summary

        return f"<{printable(self.path)}: {summary([self])}>"

    def _repr_html_(self) -> str:
        from symderiv.check.page import html_fragment

        return html_fragment(self)

    def _repr_markdown_(self) -> str:
        from symderiv.check.page import markdown_table

        return markdown_table(self)
