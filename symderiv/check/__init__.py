"""Floor 6: math documents, judged: find the formulas, read them together, prove or refute each claim."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from symderiv.check.document import Document, DocumentError
from symderiv.check.judge import check_document, check_file
from symderiv.check.sources import read_file, read_text
from symderiv.check.verdicts import Judgement, Report


class _Face(ModuleType):
    """This module, which can be called: ``symderiv.check`` is the name of the room and of its function."""

    def __call__(self, document: str | Path, *, assume: str | Sequence[str] = ()) -> Report:
        from symderiv.check.face import check

        return check(document, assume=assume)


sys.modules[__name__].__class__ = _Face

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
