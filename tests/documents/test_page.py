"""Pages: complete in themselves, true to the derivation, harmless whatever a problem is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from symderiv import catalog
from symderiv.build.explicit import shown
from symderiv.build.index import index_page
from symderiv.build.manifest import Manifest, Record
from symderiv.calculus import derive_all
from symderiv.calculus.backward import backward
from symderiv.calculus.derivation import Derivation
from symderiv.documents.backward import backward_document
from symderiv.documents.highlight import highlighted
from symderiv.documents.outline import outline
from symderiv.documents.page import fragment, page
from symderiv.documents.shown import Module, Shown
from symderiv.expression.construct import negate
from symderiv.notation.latex import to_latex
from symderiv.notation.reader import read_problem
from tests.documents.html import Element, read

LEVELS = {"brief": 0, "textbook": 1, "all": 2}


def page_of(name: str, level: str = "textbook") -> tuple[Element, tuple[Derivation, ...]]:
    problem = catalog.load(name)
    derivations = tuple(derive_all(problem))
    return read(page(problem, [Shown(each) for each in derivations], level=level)), derivations


@pytest.mark.parametrize(
    "name", ["softmax", "huber", "cross_entropy", "convolution", "embedding", "softmax_layer", "dpo"]
)
def test_every_step_is_there_with_its_rule_and_its_mark(name: str) -> None:
    root, derivations = page_of(name)
    passages = outline(derivations)
    sections = root.find("section", class_="passage")
    assert len(sections) == len(passages)
    for section, passage in zip(sections, passages, strict=True):
        assert len(section.find("h2")) == 1
        spelled = [to_latex(line.after, passage.derivation.problem) for line in passage.lines]
        changes = sum(here != before for before, here in zip(["", *spelled], spelled, strict=False))
        lines = [part for part in section.find("ol", class_="chain")[0].parts if isinstance(part, Element)]
        assert len(lines) == changes
        for line in lines:
            assert line.find("math")
            assert line.find("span", class_="mark")[0].text == "✓"
        reasons = [line.find("summary")[0].text for line in lines if line.find("summary")]
        assert all(reasons)
        proved = f"{len(passage.derivation.steps)} step"
        assert proved in section.find("summary")[0].text or passage.assumed
        # Below a line of several steps stand these steps, one by one.
        most = max(len(line.steps) for line in passage.lines)
        assert most == 1 or len(section.find("li")) > len(lines)


def test_what_is_unfolded_at_first() -> None:
    for level, depth in LEVELS.items():
        root, _ = page_of("softmax", level)
        chains = [each for each in root.find("details", class_="fold") if each.find("ol", class_="chain")]
        whys = root.find("details", class_="why")
        assert chains
        assert whys
        assert all(("open" in each.attributes) == (depth > 0) for each in chains)
        assert all(("open" in each.attributes) == (depth > 1) for each in whys)


def test_the_levels_hold_the_same() -> None:
    problem = catalog.load("softmax")
    all_shown = [Shown(each) for each in derive_all(problem)]
    pages = {level: page(problem, all_shown, level=level).replace(" open>", ">") for level in LEVELS}
    assert len(set(pages.values())) == 1


def test_a_wrong_step_is_marked() -> None:
    problem = catalog.load("softmax")
    (derivation,) = derive_all(problem)
    last = derivation.steps[-1]
    steps = (*derivation.steps[:-1], replace(last, after=negate(last.after)))
    wrong = replace(derivation, steps=steps, result=negate(derivation.result))
    root = read(page(problem, [Shown(wrong)]))
    marks = [each.text for each in root.find("span", class_="mark")]
    assert marks.count("✗") == 2  # the form, and the one step
    assert f"{len(steps) - 1} of {len(steps)}" in root.find("table", class_="checks")[0].text
    assert "refuted" in root.find("table", class_="checks")[0].text


def test_a_wrong_step_spoils_its_line() -> None:
    problem = catalog.load("softmax")
    (derivation,) = derive_all(problem)
    (passage,) = outline([derivation])
    line = next(each for each in passage.lines if len(each.steps) > 2)
    place = derivation.steps.index(line.steps[1])
    wrong = replace(line.steps[1], after=negate(line.steps[1].after))
    steps = (*derivation.steps[:place], wrong, *derivation.steps[place + 1 :])
    root = read(page(problem, [Shown(replace(derivation, steps=steps))]))
    marks = [each.text for each in root.find("span", class_="mark")]
    assert marks[0] == "✓"  # the form
    assert marks.count("✗") == 2  # the line, and the step in it


def test_an_assumption_stands_before_the_form_it_gives() -> None:
    root, _ = page_of("cross_entropy")
    section = root.find("section", class_="passage")[-2]
    assert len(section.find("div", class_="result")) == 2
    assert "If ∑ktk=1, this becomes" in section.text.replace(" ", " ")


def test_entries_and_numbers() -> None:
    problem = catalog.load("softmax")
    (derivation,) = derive_all(problem)
    arrays = {"z": {(0,): 0.0, (1,): 1.0, (2,): 2.0}}
    found = shown(derivation, {"K": 3}, arrays)
    root = read(page(problem, [found]))
    (table,) = root.find("table", class_="entries")
    assert [each.text for each in table.find("th", scope="col")] == ["z1", "z2", "z3"]
    assert [each.text for each in table.find("td")][1:5] == ["p1(1−p1)", "−p1p2", "−p1p3", "−p1p2"]
    assert [each.attributes["aria-label"] for each in table.find("thead")[0].find("math")] == [
        "z[1]",
        "z[2]",
        "z[3]",
    ]
    (heat,) = root.find("svg", class_="heat-map")
    assert len(heat.find("rect", class_="positive")) == 3
    assert len(heat.find("rect", class_="negative")) == 6
    assert heat.find("title")[0].text == "i = 1, j = 1: 0.0819251"
    assert heat.find("rect", class_="positive")[2].attributes["fill-opacity"] == "1.000"
    assert (
        "SymPy and the index calculus agree exactly in all 9" in root.find("table", class_="checks")[0].text
    )


def test_entries_that_are_too_long_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = catalog.load("softmax")
    found = shown(derive_all(problem)[0], {"K": 2})
    monkeypatch.setattr("symderiv.documents.page.MOST_TABLE", 200)
    root = read(page(problem, [found]))
    assert not root.find("table", class_="entries")
    assert "They are too long for a page" in root.text


HOSTILE = "<script>alert(1)</script> & \"quoted\" 'single' </style> {{ 7*7 }} $x$ ]]>"


def test_whatever_a_problem_is_called_is_text() -> None:
    problem = replace(catalog.load("softmax"), title=HOSTILE, about=HOSTILE, source=HOSTILE, name="a<b>")
    all_shown = [Shown(each) for each in derive_all(problem)]
    module = Module("numpy", "evil.py", f'"""{HOSTILE}"""\n# {HOSTILE}\nx = 1\n')
    text = page(problem, all_shown, modules=[module], files=[(HOSTILE, "a.tex")])
    root = read(text)
    assert root.find("h1")[0].text == HOSTILE
    assert root.find("title")[0].text == f"{HOSTILE} · symderiv"
    assert root.find("p", class_="about")[0].text == HOSTILE
    assert HOSTILE in root.find("footer")[0].text
    assert root.find("pre")[0].text.count(HOSTILE) == 2
    assert len(root.find("script")) == 1
    assert "alert" not in root.find("script")[0].text
    assert not read(page(problem, all_shown)).find("script")


def test_names_are_no_markup() -> None:
    problem = read_problem("index i, j : K\ninput script[K]\nonload[i] = exp(script[i])\n", "x")
    problem = replace(problem, upstream=())
    from symderiv.calculus import Engine

    engine = Engine(problem)
    derivation = engine.derive(*engine.generic("onload", ("script",)))
    root = read(page(problem, [Shown(derivation)]))
    assert not root.find("script")
    assert "onload" in root.text


def test_source_is_shown_as_it_is() -> None:
    source = 'def f(x):\n    """Text & <tags>."""\n    return "a" if x < 1e-3 else not x  # why\n'
    root = read(f"<pre>{highlighted(source, 'f.py')}</pre>")
    kinds = {each.text: each.attributes["class"] for each in root.find("span")}
    assert root.find("pre")[0].text == " ".join(source.split()) + " "
    assert kinds["f"] == "f"
    assert kinds["1e-3"] == "n"
    assert kinds["# why"] == "c"
    assert "<" not in highlighted("a < b <script>", "x.unknown")


def test_a_part_of_a_page_for_notebooks() -> None:
    (derivation,) = derive_all(catalog.load("softmax"))
    root = read(fragment(derivation))
    assert root.find("math")
    assert not root.find("script")
    assert not root.find("style")
    assert "quotient rule" in root.find("details")[0].text


def test_a_backward_pass_as_a_page() -> None:
    found = backward(catalog.load("attention_head"))
    root = read(backward_document(found, "html"))
    lines = [stage for stage in found.stages if stage.parts]
    marks = [each for each in root.find("div", class_="result") for each in each.find("span", class_="mark")]
    assert [each.attributes["aria-label"] for each in marks] == ["proved"] * len(lines)
    parts = sum(len(stage.parts) for stage in lines)
    assert len(root.find("details", class_="why")) > parts  # each line, and steps inside of it
    assert "¯" not in root.text
    assert root.text.count("‾") > len(lines)
    assert "each proved for every size" in root.text


def test_a_wrong_line_of_a_backward_pass_is_marked() -> None:
    found = backward(catalog.load("softmax_layer_cross_entropy"))
    stages = list(found.stages)
    place = next(place for place, stage in enumerate(stages) if stage.parts)
    stages[place] = replace(
        stages[place],
        parts=tuple(replace(part, result=negate(part.result)) for part in stages[place].parts),
    )
    root = read(backward_document(replace(found, stages=tuple(stages)), "html"))
    kinds = [
        each.attributes["aria-label"]
        for result in root.find("div", class_="result") for each in result.find("span", class_="mark")
    ]  # fmt: skip
    assert kinds[0] == "refuted"
    assert set(kinds[1:]) == {"proved"}


def test_the_files_of_a_card_have_names_in_order() -> None:
    ends = ("_numba.py", "_numpy.py", ".c", ".h", ".html", ".json", ".md", ".tex", ".odd")
    record = Record("A", "", {}, (), tuple(f"a/a{end}" for end in ends), ())
    card = read(index_page(Manifest({"a": record}))).find("article")[0]
    assert [each.attributes["href"] for each in card.find("h3")[0].find("a")] == ["a/a.html"]
    links = card.find("p", class_="files")[0].find("a")
    named = ["LaTeX", "NumPy", "Numba", "C", "header", "JSON", "Markdown", "odd"]
    assert [each.text for each in links] == named
    assert [each.attributes["aria-label"] for each in links] == [f"A: {name}" for name in named]
    assert links[0].attributes["href"] == "a/a.tex"
