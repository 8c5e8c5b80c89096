"""No name and no text gets out of its place where it is shown: in a browser, and where TeX sets it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from symderiv.build.index import index_page
from symderiv.build.manifest import Manifest, Record
from symderiv.calculus import derive_all
from symderiv.calculus.backward import backward
from symderiv.check.output import judged, rendered
from symderiv.check.sources import read_text
from symderiv.documents.backward_page import backward_page
from symderiv.documents.latex import latex_document
from symderiv.documents.page import page
from symderiv.documents.shown import Module, Shown
from symderiv.kernels.emit import emit_files
from symderiv.problem import Problem
from tests.documents.chromium import Browser, chromium
from tests.documents.tex import compile_latex
from tests.hostile_names import NAMES, TEXTS
from tests.test_injection import documents, named

#: The hostile texts in one line, but for one that is there for its length.
TEXT = " ".join(text for text in TEXTS.values() if len(text) < 1_000)
#: What a browser makes of a page: the kinds of its elements, what scripts left behind, where links lead.
SEEN = """[
  [...new Set([...document.querySelectorAll('*')].map(e => e.tagName.toLowerCase()))].sort(),
  [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on')),
  [...document.querySelectorAll('[href], [src]')].map(e => new URL(e.href || e.src).protocol),
  typeof window.EVIL,
]"""
#: What a browser tells of when it runs a script or lacks a file.
FAULTS = {
    "Log.entryAdded",
    "Runtime.exceptionThrown",
    "Runtime.consoleAPICalled",
    "Page.javascriptDialogOpening",
}


def problem_of(names: list[str], text: str) -> Problem:
    """A problem with all names and a text wherever it holds words, and one derivative of it."""
    found = named(names)
    return replace(found, title=text, about=text, source=text, expectations=found.expectations[:1])


def problems() -> tuple[Problem, Problem]:
    """All hostile names and texts, and as many harmless ones."""
    names = [name for name in NAMES if len(name) < 65]
    names += [f"m{n}" for n in range(-len(names) % 5)]
    return problem_of(names, TEXT), problem_of([f"n{n}" for n in range(len(names))], "A title")


def pages(problem: Problem, document: str) -> dict[str, str]:
    """A page of every kind."""
    derived = [Shown(each) for each in derive_all(problem)]
    modules = [
        Module(target, name, text)
        for target in ("numpy", "c")
        for name, text in emit_files(problem, target, "plain").items()
    ]
    record = Record(problem.title, "", {}, (), ("plain/plain.html",), (), about=problem.about)
    report = judged(lambda: read_text(document, "a.md"), "a.md")
    return {
        "page": page(problem, derived, level="all", modules=modules),
        "backward": backward_page(backward(problem)),
        "index": index_page(Manifest({"plain": record})),
        "report": rendered("html", [report]),
    }


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


def test_a_browser_runs_and_fetches_nothing(browser: Browser, tmp_path: Path) -> None:
    hostile, harmless = problems()
    shown = pages(hostile, documents()["a.md"])
    plain = pages(harmless, "$$ y = x^2 $$\n\n$$ \\frac{dy}{dx} = 3 x $$\n\n$$ y = \\foo $$")
    for name, text in shown.items():
        seen = []
        for which, each in (("hostile", text), ("plain", plain[name])):
            path = tmp_path / f"{name}_{which}.html"
            path.write_text(each, encoding="utf-8")
            browser.open(path, 390, "light")
            browser.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
            seen.append(browser.value(SEEN))
            assert not [event for event in browser.events if event["method"] in FAULTS]
            asked = [e["params"]["request"]["url"] for e in browser.events if e["method"].endswith("BeSent")]
            assert asked == [path.as_uri()]
        (tags, handlers, links, evil), (ours, _, _, _) = seen
        assert set(tags) <= {*ours, "wbr"}, name
        assert (handlers, set(links) - {"file:"}, evil) == ([], set(), "undefined"), name


def test_tex_reads_and_writes_nothing_else(tmp_path: Path) -> None:
    hostile = replace(problems()[0], title="Texts")  # a heading does not end in a line of its own
    (tmp_path / "EVIL.tex").write_text("EVIL", encoding="utf-8")
    before = set(tmp_path.iterdir())
    compile_latex(latex_document(hostile, list(derive_all(hostile)), None, "all"), tmp_path)
    assert {path.name for path in set(tmp_path.iterdir()) - before} <= {
        f"page.{kind}" for kind in ("tex", "pdf", "log", "aux", "out", "fls")
    }
    read = re.findall(r"^(?:INPUT|OUTPUT) (.*)", (tmp_path / "page.fls").read_text(), re.MULTILINE)
    strange = [each for each in read if "texmf" not in each and not re.fullmatch(r"(\./)?page\.\w+", each)]
    assert len(read) > 10
    assert strange == []
