"""Hostile documents and files end in a report, soon and within their folder, and prove nothing false.

Many more are tried by hand with ``python -m tests.trials documents``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.trials.documents import GRACE, READING, attempt, extremes, hostile_files, mutated_documents


def test_files_that_are_no_documents_are_refused(tmp_path: Path) -> None:
    for words, path in hostile_files(tmp_path):
        found = attempt(path)
        assert found.kind == "refused", (path.name, found)
        assert words in found.message
        assert found.seconds < READING + GRACE  # of the processor, which others may share


def test_extremes_end_in_a_report() -> None:
    quick = [(what, text) for what, text in extremes() if len(text) < 30_000 and "fifth" not in what]
    found = {what: attempt(text) for what, text in quick[::3]}
    assert {what: each for what, each in found.items() if each.kind == "fault"} == {}
    assert sum("unreadable" in each.verdicts for each in found.values()) > 10


def test_mutated_documents_end_in_a_report() -> None:
    found = [attempt(text, name) for text, name in mutated_documents(70, 7)]
    assert [each for each in found if each.kind == "fault"] == []
    kinds = Counter(verdict for each in found for verdict in each.verdicts)
    assert min(kinds["proved"], kinds["refuted"], kinds["unreadable"]) > 8
