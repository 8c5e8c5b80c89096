"""Expected against given verdicts, over a folder of documents that somebody else has judged.

    python benchmarks/wild.py FOLDER [--all] [ID ...]

FOLDER holds the documents, and `expected.jsonl` with a line for each: `id` (the document is `ID.md`),
`verdict` (the worst of the document), and where they apply `wrong` and `conditional_at` (lists of `=`, each
with `display` and `equality`), `also_acceptable` (other verdicts that can be defended) and `either_way` (an
`=` that may be reported or passed over).

A document is exact if it gets the expected verdict, the refuted `=` are those of `wrong` and no others, and
the conditional ones those of `conditional_at`. False proofs are wrong `=` that are proved; false
refutations are refuted `=` that are not wrong. Either makes the exit status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symderiv.check import Report, check_file

#: A sign of a document: which display, and which claimed ``=`` of it.
Sign = tuple[int, int]


@dataclass(frozen=True)
class Score:
    """What became of one document."""

    name: str
    expected: str
    given: str
    exact: bool
    acceptable: bool
    missed: tuple[Sign, ...] = ()
    false_refutations: tuple[Sign, ...] = ()
    false_proofs: tuple[Sign, ...] = ()
    unread: int = 0
    seconds: float = 0.0
    named: bool | None = None


def signs(listed: Iterable[Mapping[str, Any]]) -> set[Sign]:
    """The signs of a list in `expected.jsonl`."""
    return {(each["display"], each["equality"]) for each in listed}


def scored(expected: Mapping[str, Any], report: Report) -> Score:
    """Compare a report with what is expected of it."""
    verdicts: dict[Sign, set[str]] = {}
    for each in report.judgements:
        verdicts.setdefault((each.display, each.equality), set()).add(each.verdict)

    def having(verdict: str) -> set[Sign]:
        return {sign for sign, found in verdicts.items() if verdict in found}

    wrong, either = signs(expected.get("wrong", ())), signs(expected.get("either_way", ()))
    conditional = signs(expected.get("conditional_at", ()))
    also = set(expected.get("also_acceptable", ()))
    given = next(
        (
            verdict
            for verdict in ("refuted", "unreadable", "conditional", "undecided")
            if having(verdict) - either
        ),
        "proved",
    )
    refuted = having("refuted") - either
    false_refutations = refuted - wrong - (conditional if "refuted" in also else set())
    false_proofs = having("proved") & (wrong | (set() if "proved" in also else conditional))
    same = given == expected["verdict"]
    right_signs = refuted == wrong and having("conditional") - either - wrong <= conditional
    if conditional:
        right_signs = right_signs and conditional <= having("conditional")
    return Score(
        name=expected["id"],
        expected=expected["verdict"],
        given=given,
        exact=same and right_signs,
        acceptable=(same and right_signs) or given in also,
        missed=tuple(sorted(wrong - refuted)),
        false_refutations=tuple(sorted(false_refutations)),
        false_proofs=tuple(sorted(false_proofs)),
        unread=sum(each.verdict == "unreadable" for each in report.judgements),
        seconds=report.seconds,
        named=wrong <= refuted if wrong else None,
    )


def shown(listed: Iterable[Sign]) -> str:
    """Signs as ``display.equality``."""
    return " ".join(f"{display}.{equality}" for display, equality in listed)


def table(scores: Iterable[Score], everything: bool) -> Iterable[str]:
    """A line for each document that is not exact, or for each."""
    head = f"{'document':<10} {'expected':<12} {'given':<12} {'exact':<6}"
    yield f"{head} {'= named':<8} {'seconds':>7}  remarks"
    for each in scores:
        if each.exact and not everything:
            continue
        remarks = [
            f"{what} {shown(listed)}"
            for what, listed in (
                ("not refuted:", each.missed),
                ("FALSELY REFUTED:", each.false_refutations),
                ("FALSELY PROVED:", each.false_proofs),
            )
            if listed
        ]
        if each.unread:
            remarks.append(f"{each.unread} not read")
        named = "-" if each.named is None else "yes" if each.named else "no"
        exact = "yes" if each.exact else "may be" if each.acceptable else "no"
        yield (
            f"{each.name:<10} {each.expected:<12} {each.given:<12} {exact:<6} {named:<8} {each.seconds:7.2f}"
            f"  {'; '.join(remarks)}"
        ).rstrip()


def main() -> int:
    """Judge the folder and print the table and the totals."""
    parser = argparse.ArgumentParser(description="Expected against given verdicts of a folder of documents.")
    parser.add_argument("folder", type=Path, help="documents and expected.jsonl")
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these documents")
    parser.add_argument("--all", action="store_true", help="list exact documents too")
    options = parser.parse_args()
    listed = (options.folder / "expected.jsonl").read_text("utf-8").splitlines()
    expected = [json.loads(line) for line in listed if line.strip()]
    chosen = [each for each in expected if not options.ids or each["id"] in options.ids]
    began = time.perf_counter()
    scores = [scored(each, check_file(options.folder / f"{each['id']}.md")) for each in chosen]
    took = time.perf_counter() - began
    print("\n".join(table(scores, options.all)))
    kinds = [each.expected for each in scores]
    for kind in dict.fromkeys(sorted(kinds)):
        exact = sum(each.exact for each in scores if each.expected == kind)
        print(f"{kind}: {exact} of {kinds.count(kind)} exact")
    total = max(1, len(scores))
    exact, fine = sum(each.exact for each in scores), sum(each.acceptable for each in scores)
    print(
        f"exact: {exact} of {len(scores)} ({exact / total:.1%}); with verdicts that can be defended: {fine}"
    )
    wrong = [each for each in scores if each.named is not None]
    print(
        f"wrong = named: all of {sum(bool(each.named) for each in wrong)} of {len(wrong)} documents with any"
    )
    proofs = sum(len(each.false_proofs) for each in scores)
    refutations = sum(len(each.false_refutations) for each in scores)
    print(f"false proofs: {proofs}; false refutations: {refutations}")
    slowest = max(scores, key=lambda each: each.seconds, default=None)
    if slowest is not None:
        print(f"{took:.1f} s, the slowest document {slowest.name}: {slowest.seconds:.2f} s")
    return int(bool(proofs or refutations))


if __name__ == "__main__":
    sys.exit(main())
