"""No name and no text gets out of its place: into code, a document, a report or the terminal.

What is written for a hostile text is compared with what is written for a harmless one: the same tree of
Python, the same tokens of C, the same elements of a page, the same commands of LaTeX.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from symderiv import catalog
from symderiv.build.index import index_files
from symderiv.build.job import perform
from symderiv.build.main_job import BuildError
from symderiv.build.main_job import run as build
from symderiv.build.manifest import FORMATS, Manifest
from symderiv.build.plan import TARGETS, Plan, Request
from symderiv.check.output import FORMATS as REPORTS
from symderiv.check.output import judged, rendered
from symderiv.check.sources import read_file, read_text
from symderiv.notation.errors import NotationError
from symderiv.notation.latex_names import GREEK
from symderiv.notation.reader import read_problem
from symderiv.notation.tex import problem_from_latex
from symderiv.problem import Problem
from tests.documents.html import Element, read
from tests.hostile_names import NAMES, STEERING, TEXTS

PLAIN = "index i, j : K\ninput x[K], s\ny[i] = exp(x[i]) * s\nderive d(y[i], x[j])\n"


def written(problem: Problem) -> dict[str, str]:
    """Everything that a build writes for a problem, by what it is."""
    sizes = tuple((axis, 2) for axis in problem.axes)
    request = Request("plain", "", "", sizes, TARGETS, verify="none", given=problem, formats=FORMATS)
    outcome = perform(request)
    assert outcome.record is not None, outcome.failures
    files = {Path(name).name.replace(problem.name, "plain"): text for name, text in outcome.files.items()}
    return files | index_files(Manifest({"plain": outcome.record}))


@cache
def harmless() -> dict[str, str]:
    return written(titled("T"))


def titled(text: str) -> Problem:
    return read_problem(f"title T: {text}\nabout A: {text}\nsource S: {text}\n{PLAIN}# {text}\n", "plain")


def assert_prints(text: str) -> None:
    steering = {
        sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Cs") and sign not in "\n\t"
    }
    assert not steering, [f"U+{ord(sign):04X}" for sign in steering]


def python_tree(text: str) -> str:
    """The tree of a module without its docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def c_tokens(text: str) -> list[str]:
    """The tokens of a C file as a compiler sees them: trigraphs and spliced lines first, then comments."""
    for sign, letter in zip("=/'()!<>-", "#\\^[]|{}~", strict=True):
        text = text.replace("?" + "?" + sign, letter)
    text = re.sub(r"\\[ \t]*\n", "", text)
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    return re.findall(r"\w+|\S", text)


def commands(latex: str) -> set[str]:
    return set(re.findall(r"\\(?:[A-Za-z@]+|.)", latex))


def elements(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """The elements of a page and the names of their attributes, in order."""
    return [(each.tag, tuple(each.attributes)) for each in parsed(page).inside()]


def parsed(page: str) -> Element:
    return read(page)


def markdown_kinds(text: str) -> list[str]:
    """What a reader of Markdown with HTML, tables and links makes of a text, but for plain words."""
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = [part for token in reader.parse(text) for part in (token, *(token.children or ()))]
    return [token.type for token in tokens if token.type not in ("text", "text_special")]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_title_stays_a_title(text: str) -> None:
    assert_same_but_for_text(written(titled(text)), text)


#: Commands that print a sign or an accent of a text.
SIGNS = {
    r"\textbackslash", r"\textasciicircum", r"\textasciitilde", r"\ensuremath", r"\textquoteleft", r"\dots",
    *(f"\\{sign}" for sign in "{}$&#%_"),
}  # fmt: skip


def assert_same_but_for_text(files: dict[str, str], text: str) -> None:
    plain = harmless()
    assert files.keys() == plain.keys()
    for name, found in files.items():
        assert_prints(found)
        if name.endswith(".py"):
            assert python_tree(found) == python_tree(plain[name])
        elif name.endswith((".c", ".h")):
            assert c_tokens(found) == c_tokens(plain[name])
        elif name.endswith(".html"):
            assert elements(found) == elements(plain[name])
            assert parsed(found).find("h1" if name == "plain.html" else "h3")[0].text == f"T: {text}"
        elif name.endswith(".tex"):
            assert commands(found) <= commands(plain[name]) | SIGNS
            assert found.count(r"\end{document}") == 1
        elif name.endswith(".md"):
            assert markdown_kinds(found) == markdown_kinds(plain[name])
        elif name.endswith(".json"):
            assert json.loads(found)["title"] == f"T: {text}"


@pytest.mark.parametrize("letter", STEERING.values(), ids=STEERING.keys())
@pytest.mark.parametrize("keyword", ["title", "about", "source"])
def test_what_does_not_print_is_refused_in_words(keyword: str, letter: str) -> None:
    with pytest.raises(NotationError, match="expected letters that print, found") as caught:
        read_problem(f"{keyword} A{letter}B\n{PLAIN}", "plain")
    assert (caught.value.line, caught.value.column) == (1, len(keyword) + 3)
    assert_prints(str(caught.value))


#: How many names of each kind are in one problem that is written with everything.
EACH = 2


def named(names: Sequence[str]) -> Problem:
    """A problem with these names, in turn an input, a label, a letter, an axis and a definition."""
    inputs, labels, letters, axes, definitions = (names[kind::5] for kind in range(5))
    lines = [
        "index k : K",
        f"input {', '.join(f'{name}[K]' for name in inputs)}, xx",
        f"label {', '.join(labels)} : K",
        f"index {', '.join(letters)} : K",
        *(f"index d{n} : {axis}\ninput x{n}x[{axis}]" for n, axis in enumerate(axes)),
    ]
    for n, (given, label, letter, axis) in enumerate(zip(inputs, labels, letters, axes, strict=True)):
        value = f"{given}[{label}] + sum({letter}, {given}[{letter}]^2) + sum(d{n}, x{n}x[d{n}]) * {axis}"
        lines += [f"{definitions[n]} = {value} + sin(xx)", f"derive d(yy, {given}[k])"]
    return read_problem("\n".join([*lines, f"yy = {' + '.join(definitions)}"]), "plain")


@cache
def all_named() -> list[dict[str, str]]:
    """What is written for all hostile names, and before it, for harmless ones."""
    step = 5 * EACH
    short = [name for name in NAMES if len(name) < 65]
    given = [[f"n{n}" for n in range(step)]]
    for turn, begin in enumerate(range(0, len(short), step)):
        names = (short + short)[begin : begin + step]
        given.append([*names[turn % 5 :], *names[: turn % 5]])
    return [written(named(names)) for names in given]


#: What a long formula has where a short one has not.
BREAKS = {"wbr", "msubsup"}
WIDTHS = {r"\,", r"\quad", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr"}


def test_names_mean_nothing_where_they_are_written(tmp_path: Path) -> None:
    ours, *theirs = all_named()
    greek = commands(" ".join(GREEK.values()))
    skeletons = {name: skeleton(text) for name, text in ours.items() if name.endswith(".py")}
    tags = {name: {tag for tag, _ in elements(ours[name])} for name in ours if name.endswith(".html")}
    for turn, files in enumerate(theirs):
        for name, text in files.items():
            assert_prints(text)
            if name.endswith(".py"):
                assert skeleton(text) == skeletons[name], turn
            elif name.endswith(".html"):
                assert {tag for tag, _ in elements(text)} <= tags[name] | BREAKS
            elif name.endswith(".tex"):
                assert commands(text) <= commands(ours[name]) | SIGNS | greek | WIDTHS, turn
            if name.endswith((".c", ".h")):
                text = text.replace('"plain.h"', f'"plain{turn}.h"')
                (tmp_path / name.replace("plain", f"plain{turn}")).write_text(text, encoding="utf-8")
    compile_c(tmp_path)


#: Modules that emitted files may import.
IMPORTED = {
    "numpy", "numba", "numba.extending", "llvmlite", "math",
    "collections", "ctypes", "os", "queue", "threading",  # arguments read in place, and threads
}  # fmt: skip


def skeleton(text: str) -> list[str]:
    """The kinds of node of a module, in order, with the attributes that are looked up in its modules."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert {getattr(node, "module", None) or alias.name for alias in node.names} <= IMPORTED
        elif isinstance(node, ast.Attribute):
            of_module = isinstance(node.value, ast.Name) and node.value.id in ("np", "math", "numba")
            found.append(ast.unparse(node) if of_module else node.attr)
        elif not isinstance(node, ast.alias):
            found.append(type(node).__name__)
    return found


def compile_c(folder: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    command = [compiler, "-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    command += sorted(path.name for path in folder.glob("*.c"))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]


def test_a_name_that_is_far_too_long_is_refused() -> None:
    with pytest.raises(NotationError, match="more than 64 characters"):
        named(("x" * 300, "a", "b", "c", "e"))


@pytest.mark.parametrize("shape", [r"\text{%s}", r"\mathrm{%s}", r"x_{\text{%s}}", r"\hat{%s}", "%s"])
def test_names_in_latex_are_read_as_names_or_refused(shape: str) -> None:
    accepted = 0
    for text in (*TEXTS.values(), *STEERING.values(), *(f"x{each}y" for each in STEERING.values())):
        try:
            problem = problem_from_latex(f"f = {shape % text}^2 + z")
        except NotationError as error:
            assert_prints(str(error))
        else:
            accepted += 1
            names = [
                problem.name,
                *(each.name for each in (*problem.inputs, *problem.definitions)),
                *problem.axes,
            ]
            names += [each.name for each in (*problem.letters, *problem.functions)]
            assert all(re.fullmatch(r"\w+'*", name) for name in names), names
            assert_prints(" ".join(names))
    assert accepted < len(TEXTS)


@pytest.mark.parametrize(
    "name",
    [
        "..", ".", "-x", ".symderiv-x", "__pycache__", "README.md", "index.html", "build.json", "a b", "a/b",
        "<b>", "{{x}}", "a\x1b[31mb", "a\u202eb", "a\nb", "",
    ],
)  # fmt: skip
def test_a_problem_whose_name_is_no_file_name_is_not_built(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(BuildError, match="expected a file name of letters, digits and _"):
        build(Plan(targets=("numpy",), given=replace(titled("T"), name=name)), out)
    assert not list(out.glob("**/*.*"))


def test_the_name_of_a_file_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from symderiv.cli.application import app

    path = tmp_path / "a\x1b[31m\u202eb.sd"
    path.write_text(PLAIN, encoding="utf-8")
    assert catalog.load(path).name == "a_[31m_b"
    for arguments in (
        ["derive", str(path)],
        ["derive", f"{path}x.sd"],
        ["build", str(path), "--out", str(path)],
    ):
        with pytest.raises(SystemExit):
            app(arguments)
        out, err = capsys.readouterr()
        assert out or err
        assert_prints(out + err)


def documents() -> dict[str, str]:
    """Documents with all hostile texts in their prose, formulas, names and directives."""
    every = [*TEXTS.values(), *(f"x{each}y" for each in STEERING.values())]
    every.remove(TEXTS["a long one"])
    markdown = "".join(
        f"{text}\n\n$$ f_{{{n}}} = {text} $$\n\n$$ x = \\text{{{text}}} $$\n\n"
        f"<!-- symderiv: let {text} = 3 -->\n\n"
        for n, text in enumerate(every)
    )
    cells = [{"cell_type": "markdown", "source": part} for part in markdown.split("\n\n")]
    notebook = json.dumps({"cells": cells, "nbformat": 4})
    # A document that takes in a file outside of its folder is refused as a whole.
    inside = [text for text in every if r"\input" not in text]
    latex = "".join(f"% symderiv: let {text} = 3\n\\[ x = \\text{{{text}}} \\] {text}\n" for text in inside)
    return {"a.md": markdown, "a.ipynb": notebook, "a.tex": latex, "a.txt": markdown}


@pytest.mark.parametrize("name", ["a.md", "a.ipynb", "a.tex", "a.txt"])
def test_reports_on_hostile_documents(name: str) -> None:
    text = documents()[name]
    report = judged(lambda: read_text(text, name), name)
    assert len(report.judgements) > 20
    found = {form: rendered(form, [report], explain=form == "text") for form in REPORTS}
    for form, told in found.items():
        assert_prints(told)
        if form in ("json", "sarif"):
            json.loads(told)
    assert all(line.startswith("::") for line in found["github"].splitlines())
    tags = {each.tag for each in parsed(found["html"]).inside()}
    assert not tags & {"script", "img", "svg", "iframe", "link", "object", "form", "input"}


def test_reports_on_hostile_file_names(tmp_path: Path) -> None:
    for n, text in enumerate([*TEXTS.values(), *STEERING.values()]):
        if "\0" in text or "\ud800" in text:
            continue
        path = tmp_path / f"{text.replace('/', '_')[:60]}{n}.md"
        path.write_text("$$ x = x + 1 $$", encoding="utf-8")
        report = judged(lambda path=path: read_file(path), str(path))
        found = {form: rendered(form, [report], explain=form == "text") for form in REPORTS}
        for told in found.values():
            assert_prints(told)
        assert [each.tag for each in parsed(found["html"]).inside()].count("script") == 0
        assert found["github"].count("\n") == 1
        (result,) = json.loads(found["sarif"])["runs"][0]["results"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"file://[A-Za-z0-9/._~%-]+", uri)
