"""What was understood of a document before any claim: names, letters, assumptions, spellings, guesses."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.check.content import Content
from symderiv.check.formats import printable
from symderiv.check.verdicts import Report
from symderiv.documents.explanation import name_read, name_row
from symderiv.notation.text import condition_to_text, to_text


def explanation(report: Report) -> Iterator[str]:
    """The lines that say what was understood of a document."""
    content = report.content
    if content is None:
        return
    yield f"{printable(report.path)}: what was understood"
    for title, rows in _parts(report, content):
        if rows:
            yield f"  {title}"
            width = max((len(first) for first, rest in rows if rest), default=0)
            for first, rest in rows:
                yield printable(f"    {first:<{width}}  {rest}" if rest else f"    {first}")
    yield ""


def _parts(report: Report, content: Content) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    problem = content.problem
    names = dict.fromkeys(
        (
            *(each.name for each in problem.definitions),
            *(each.name for each in problem.inputs),
            *(each.name for each in problem.upstream),
        )
    )
    yield "names", [name_row(name_read(name, problem)) for name in names]
    letters: dict[str, list[str]] = {}
    for index in problem.letters:
        if index.name not in letters.setdefault(index.axis, []):
            letters[index.axis].append(index.name)
    axes = dict.fromkeys((*problem.axes, *letters))
    yield "axes", [(axis, f"letters {', '.join(letters[axis])}" if axis in letters else "") for axis in axes]
    assumed = [f"{to_text(each.left)} == {to_text(each.right)}" for each in content.assumptions]
    assumed += [condition_to_text(each) for each in content.where]
    if content.einstein:
        assumed.append("einstein: an index that occurs twice in a product is summed")
    yield "assumed", [(each, "") for each in assumed]
    yield "spellings", [(spelled, f"read as {name}") for spelled, name in content.symbols.items()]
    rows = [f"{name} stands as a row" for name in dict.fromkeys(content.layouts.values())]
    yield "layout", [(each, "") for each in rows]
    guesses = list(content.choices)
    guesses += [note for each in report.judgements if each.claim for note in each.claim.notes]
    guesses += [each.message for each in content.remarks]
    yield "choices", [(each, "") for each in dict.fromkeys(guesses)]
