"""Math documents: their formulas, judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from symderiv.system import within_limits

if TYPE_CHECKING:
    from symderiv.check.verdicts import Report


@within_limits
def check(document: str | Path, *, assume: str | Sequence[str] = ()) -> Report:
    """Find the formulas of a document, read them together, and judge every ``=`` that is claimed.

    Parameters
    ----------
    document
        The path of a file (Markdown, LaTeX, a notebook, plain text), or the text itself: a string that
        holds a line end, a dollar sign or a backslash before one of ``[(b`` is text.
    assume
        What may be assumed, such as ``sum(k, t[k]) == 1``.

    Returns
    -------
    Report
        The verdicts in order, each with its place; printed, it is what the command line prints.

    Raises
    ------
    symderiv.check.DocumentError
        If there is no such file, or it is no text.
    symderiv.notation.errors.NotationError
        If an assumption is not understood; what is not understood in the document is part of the report.
    """
    from symderiv.check.judge import check_document
    from symderiv.check.sources import read_file, read_text

    if not isinstance(document, str | Path):
        raise TypeError(f"document: expected a path or a text, found {document!r}")
    is_text = isinstance(document, str) and any(
        sign in document for sign in ("\n", "$", "\\[", "\\(", "\\begin")
    )
    read = read_text(str(document), "text") if is_text else read_file(Path(document))
    return check_document(read, [assume] if isinstance(assume, str) else list(assume))
