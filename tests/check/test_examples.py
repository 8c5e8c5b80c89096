"""Documents of the kinds that people write, half of them with one mistake, and the verdicts they must get."""

from pathlib import Path

import pytest

from symderiv.check import check_document, read_text

FOLDER = Path(__file__).parent / "examples"
#: For each document: display.equality and the verdict, as the mathematics has it.
EXPECTED = {
    name: dict(tuple(each.split()) for each in listed.split(","))
    for name, _, listed in (
        line.partition(": ") for line in (FOLDER / "expected.txt").read_text("utf-8").splitlines()
    )
}
VERDICTS = ("proved", "refuted", "conditional", "undecided", "unreadable")


@pytest.mark.parametrize("name", EXPECTED)
def test_documents_get_their_verdicts(name: str) -> None:
    report = check_document(read_text((FOLDER / f"{name}.md").read_text("utf-8"), f"{name}.md"))
    found = {
        f"{each.display}.{each.equality}": each.verdict
        for each in report.judgements
        if each.verdict in VERDICTS
    }
    assert found == EXPECTED[name]


def test_every_document_has_its_verdicts() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(EXPECTED)
