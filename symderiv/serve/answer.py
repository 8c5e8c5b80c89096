"""From a typed text to the parts of a page: what was understood, the verdict, the derivation, the kernels.

The parts come one after the other, so that the first can be shown while the last is worked on. All that
is typed is text here, and stays text: it is read by the parsers of the notation, never run, and the
kernels are emitted and never compiled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symderiv.calculus import Derivation, derive_all
from symderiv.check.document import Document
from symderiv.check.formats import printable
from symderiv.check.judge import check_document
from symderiv.check.verdicts import Judgement, Report
from symderiv.documents.environment import html_environment
from symderiv.documents.explanation import explain, name_read, name_row
from symderiv.documents.formulas import formula
from symderiv.documents.latex import assumption_latex
from symderiv.documents.page import PassageView, introduction, module_view, passage_views
from symderiv.documents.shown import Module, Shown
from symderiv.kernels.emit import emit_files
from symderiv.kernels.names import identifier
from symderiv.kernels.registry import TARGETS, file_stem
from symderiv.kernels.specification import functions_of
from symderiv.notation.errors import NotationError, caret_lines
from symderiv.notation.mathml import latex_to_mathml
from symderiv.problem import Problem
from symderiv.proof.derived import Proofs
from symderiv.serve.claims import Chain, chains, judged_chains, with_first, worst
from symderiv.serve.limits import MAX_TEXT
from symderiv.serve.places import Place, place_at, place_of
from symderiv.serve.understood import AskedError, Formulas, assumed_in, understood

#: The parts, in the order in which a page shows them.
PARTS = ("verdict", "understood", "derivation", "kernels")
#: The names of targets, for readers.
TARGET_NAMES = {"numpy": "NumPy", "numba": "Numba", "c": "C"}
HEADLINES = {
    "proved": "Proved",
    "refuted": "Refuted",
    "conditional": "True under an assumption",
    "undecided": "Undecided",
    "unreadable": "Not understood",
    "derived": "Derived",
    "stopped": "Stopped",
    "read": "Read",
}
#: The attribute that the content security policy of the page forbids, and the class that stands for it.
_INLINE, _CLASS = ' style="text-align:left"', ' class="left"'


@dataclass(frozen=True)
class Part:
    """A piece of the answer.

    Attributes
    ----------
    name
        Which part of the page it belongs to: one of `PARTS`.
    html
        What is to be shown there, behind what is there already.
    kind
        For the verdict: one word for it.
    """

    name: str
    html: str
    kind: str = ""

    def encoded(self) -> bytes:
        """The part as one line of JSON."""
        return json.dumps({"part": self.name, "html": self.html, "kind": self.kind}).encode()


def answer(text: str) -> Iterator[Part]:
    """The parts of the answer to a text; what goes wrong is a part too."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        found = understood(text)
    except NotationError as error:
        yield _not_understood(text, error)
        return
    except AskedError as error:
        headline = "Too long" if len(text) > MAX_TEXT else "Nothing to do yet"
        yield _part("verdict", "stopped.html.j2", "unreadable", headline=headline, told=str(error))
        return
    try:
        yield from _document(found) if isinstance(found, Document) else _formulas(found, text)
    except Exception as error:
        if not type(error).__module__.startswith("symderiv."):
            raise
        yield stopped(printable(str(error)))


def stopped(told: str) -> Part:
    """A sentence on why there is no more."""
    return _part("verdict", "stopped.html.j2", "stopped", headline=HEADLINES["stopped"], told=told)


def _part(name: str, template: str, kind: str = "", /, **values: Any) -> Part:
    html = html_environment().get_template(f"playground/{template}").render(**values)
    return Part(name, html.replace(_INLINE, _CLASS), kind)


def _not_understood(text: str, error: NotationError) -> Part:
    shown, caret = caret_lines(error.source_line, error.column)
    inside = error.line <= text.count("\n") + 1
    return _part(
        "verdict", "unreadable.html.j2", "unreadable",
        headline=HEADLINES["unreadable"], told=error.message, shown=shown, caret=caret,
        place=place_of(text, error.line, error.column) if inside else None,
    )  # fmt: skip


def _formulas(formulas: Formulas, text: str) -> Iterator[Part]:
    typed, problem = formulas.typed, formulas.problem
    explained = explain(typed)
    guesses: list[tuple[str, Place | None]] = [
        (each.message, place_of(text, each.line, each.column, max(each.length, 1))) for each in typed.guesses
    ]
    told = {message for message, _ in guesses}
    guesses += [(message, None) for message, line, _ in explained.notes if not line and message not in told]
    guesses += [(f"{name} is short for {value}", None) for name, value in formulas.named]
    yield _part(
        "understood", "understood.html.j2",
        **introduction(problem),
        assumptions=[latex_to_mathml(assumption_latex(each, problem), False) for each in problem.assumptions],
        statements=[] if problem.definitions else [formula(each.latex) for each in explained.statements],
        names=_names(problem, typed.inferred),
        guesses=guesses,
    )  # fmt: skip
    found = with_first(list(chains(formulas, text)))
    if found:
        yield _verdict(found)
    if not formulas.derives:
        return
    derivations = list(derive_all(problem))
    views = []
    for view in passage_views(list(map(Shown, derivations)), Proofs()):
        views.append(view)
        yield _part(
            "derivation", "derived.html.j2", each=view, passages=range(_count(derivations)), level="textbook"
        )
    if not found:
        yield _derived(views)
    yield from _kernels(problem)


def _count(derivations: list[Derivation]) -> int:
    from symderiv.documents.outline import outline

    return len(outline(derivations))


def _names(problem: Problem, inferred: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The names that are given, each with what it is."""
    given = [each.name for each in problem.inputs] + [each.name for each in problem.upstream]
    return [name_row(name_read(name, problem, name in inferred)) for name in given]


def _verdict(found: list[Chain]) -> Part:
    kind = worst(found)
    rows = [row for chain in found for row in chain.rows]
    first = next((row for row in rows if row.first), None)
    return _part(
        "verdict", "verdict.html.j2", kind,
        headline=HEADLINES[kind], kind=kind, chains=found, count=len(rows), first=first,
        proved=sum(row.kind == "proved" for row in rows),
        reasons=list(dict.fromkeys(row.because for row in rows if row.because)), others=[],
    )  # fmt: skip


def _derived(views: list[PassageView]) -> Part:
    """Where nothing is claimed: what was derived, and how well it is proved."""
    steps, proved = sum(view.steps for view in views), sum(view.proved for view in views)
    forms = [mark for view in views for mark in (view.mark, view.assumed_mark) if mark is not None]
    sound = steps == proved and all(mark.kind == "proved" for mark in forms)
    return _part(
        "verdict", "derived_verdict.html.j2", "derived",
        headline="Derived and proved" if sound else "Derived", sound=sound, views=views,
        results=[view for view in views if not view.lemma] or views, steps=steps, proved=proved,
    )  # fmt: skip


def _kernels(problem: Problem) -> Iterator[Part]:
    """The emitted files of each target, those of one target a part."""
    for place, target in enumerate(TARGETS):
        stem = file_stem(problem.name, target)
        name = TARGET_NAMES.get(target, target)
        try:
            files = emit_files(problem, target, stem)
            functions = [] if place else [identifier(each.name) for each in functions_of(problem)]
        except Exception as error:
            if not type(error).__module__.startswith("symderiv."):
                raise
            yield _part("kernels", "kernel.html.j2", name=name, modules=[], told=printable(str(error)))
            continue
        if functions:
            yield _part("kernels", "functions.html.j2", functions=functions)
        modules = [Module(target, f"{stem}{suffix}", source) for suffix, source in files.items()]
        yield _part("kernels", "kernel.html.j2", name=name, modules=list(map(module_view, modules)), told="")


def _document(document: Document) -> Iterator[Part]:
    """A text with sentences: its claims, judged as ``symderiv check`` does."""
    report = check_document(document, assumed_in(document.text))
    yield _read_document(report)
    found = with_first(list(judged_chains(report.judgements)))
    others = [
        (each.verdict, printable(each.message), _place(report, each))
        for each in report.judgements
        if each.claim is None or each.verdict == "equation"
    ]
    kind = report.verdict if found or any(verdict == "unreadable" for verdict, _, _ in others) else "read"
    rows = [row for chain in found for row in chain.rows]
    yield _part(
        "verdict", "verdict.html.j2", kind,
        headline=HEADLINES[kind], kind=kind, chains=found, count=len(rows),
        first=next((row for row in rows if row.first), None),
        proved=sum(row.kind == "proved" for row in rows), reasons=[], others=others,
    )  # fmt: skip


def _place(report: Report, each: Judgement) -> Place | None:
    if report.content is None:
        return None
    document = report.content.document
    return place_at(document.text, document.offset(each.place), 1)


def _read_document(report: Report) -> Part:
    content = report.content
    assert content is not None  # it was read from a text
    problem = content.problem
    notes = [
        *content.choices,
        *(note for each in report.judgements if each.claim for note in each.claim.notes),
    ]
    return _part(
        "understood", "understood.html.j2",
        **introduction(problem),
        assumptions=[latex_to_mathml(assumption_latex(each, problem), False) for each in content.assumptions],
        statements=[], names=_names(problem),
        guesses=[(printable(note), None) for note in dict.fromkeys(notes)],
    )  # fmt: skip
