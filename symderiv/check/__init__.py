"""Floor 6: math documents, judged: find the formulas, read them together, prove or refute each claim."""

from symderiv.check.document import Document, DocumentError
from symderiv.check.judge import check_document, check_file
from symderiv.check.sources import read_file, read_text
from symderiv.check.verdicts import Judgement, Report

__all__ = [
    "Document",
    "DocumentError",
    "Judgement",
    "Report",
    "check_document",
    "check_file",
    "read_file",
    "read_text",
]
