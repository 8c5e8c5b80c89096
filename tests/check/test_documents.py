r"""Finding the mathematics: Markdown, LaTeX, notebooks, plain text; and where each piece stands."""

import json
from pathlib import Path

import pytest

from symderiv.check import check_document
from symderiv.check.document import Document, DocumentError
from symderiv.check.sources import read_file, read_text


def found(document: Document) -> list[tuple[str, str]]:
    return [(block.kind, document.text[block.begin : block.end].strip()) for block in document.blocks]


def test_displays_and_inline_formulas_of_markdown() -> None:
    text = "Let $a = 1$ and\n\n$$\nb = 2\n$$\n\\[c = 3\\] then \\(d = 4\\) costs $5 and $6 more."
    assert found(read_text(text, "notes.md")) == [
        ("inline", "a = 1"), ("display", "b = 2"), ("display", "c = 3"), ("inline", "d = 4"),
    ]  # fmt: skip


def test_environments_and_math_fences_are_displays() -> None:
    text = "\\begin{align}\na &= b\n\\end{align}\n\n```math\nc = d\n```\n"
    document = read_text(text, "notes.md")
    assert found(document) == [("display", "\\begin{align}\na &= b"), ("display", "c = d")]
    assert [block.number for block in document.blocks] == [1, 2]


@pytest.mark.parametrize("between", ["", "\n", "\r\n", " "])
def test_no_display_is_lost_right_after_an_environment(between: str) -> None:
    first = "\\begin{equation}\nf = x^2\n\\end{equation}"
    second = "\\begin{align*}\n\\frac{df}{dx} &= 3x \\\\ &= 2x + x\n\\end{align*}"
    for text in (first + between + second, first + between + "$$\\frac{df}{dx} = 3x = 2x + x$$"):
        report = check_document(read_text(text, "paper.tex"))
        assert [each.verdict for each in report.judgements] == ["refuted", "proved"]


@pytest.mark.parametrize(
    "text",
    [
        "```\n$$a = b$$\n```",
        "~~~python\nx = '$$a = b$$'\n~~~",
        "Use `$$a = b$$` for displays.",
        "    $$a = b$$\n",
        "<!-- $$a = b$$ -->",
        r"It costs \$5 and \$6.",
        "It costs $ 5 = 5 $.",
    ],
)
def test_code_comments_and_money_hold_no_mathematics(text: str) -> None:
    assert found(read_text(text, "notes.md")) == []


def test_a_display_that_is_never_closed_says_so() -> None:
    (block,) = read_text("$$\na = b\n\nmore text", "notes.md").blocks
    assert "never closed" in block.fault


def test_directives_of_markdown_and_latex() -> None:
    markdown = read_text("<!-- symderiv: index i : K -->\n<!-- symderiv:\nlet a = 1\nlet b = 2\n-->", "n.md")
    assert found(markdown) == [("directive", "index i : K"), ("directive", "let a = 1\nlet b = 2")]
    latex = read_text("% symderiv: let a = 1\n% plain\n% symderiv:\n%  let b = 2\n% let c = 3\nx\n", "n.tex")
    assert [text for kind, text in found(latex) if text] == ["let a = 1", "let b = 2", "let c = 3"]


def test_latex_comments_verbatim_text_and_macros() -> None:
    text = (
        "\\documentclass{article}\n\\newcommand{\\dd}{\\partial}\n\\newcommand{\\two}[2]{#1 + #2}\n"
        "\\begin{document}\n100\\% of $$a = b$$ % $$c = d$$\n"
        "\\begin{verbatim}$$e = f$$\\end{verbatim}\n\\begin{equation}g = h\\end{equation}\n\\end{document}\n"
    )
    document = read_text(text, "n.tex")
    assert found(document) == [("display", "a = b"), ("display", "\\begin{equation}g = h")]
    assert {macro.name: (macro.body, macro.arguments) for macro in document.macros} == {
        "dd": ("\\partial", 0), "two": ("#1 + #2", 2),
    }  # fmt: skip


def test_input_takes_in_files_of_the_folder_and_keeps_their_places(tmp_path: Path) -> None:
    (tmp_path / "part.tex").write_text("\n$$b = c$$\n")
    main = tmp_path / "main.tex"
    main.write_text("\\begin{document}\n\\input{part}\n$$d = e$$\n\\end{document}\n")
    document = read_file(main)
    places = [document.place(block.begin) for block in document.blocks]
    assert [(Path(place.path).name, place.line, place.column) for place in places] == [
        ("part.tex", 2, 3), ("main.tex", 3, 3),
    ]  # fmt: skip
    assert places[1].source_line == "$$d = e$$"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\\input{missing}", "cannot read missing"),
        ("\\input{../outside}", "expected a file within"),
        ("\\input{main}", "takes in itself"),
    ],
)
def test_input_refuses_what_is_not_there(tmp_path: Path, content: str, message: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "outside.tex").write_text("$$a = b$$")
    (folder / "main.tex").write_text(content)
    with pytest.raises(DocumentError, match=message):
        read_file(folder / "main.tex")


def test_notebooks_are_read_cell_by_cell(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["Text\n", "$$a = b$$"]},
        {"cell_type": "code", "source": ["x = '$$c = d$$'"]},
        {"cell_type": "markdown", "source": "$$e = f$$"},
    ]
    path = tmp_path / "notes.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    document = read_file(path)
    assert [(kind, text) for kind, text in found(document)] == [("display", "a = b"), ("display", "e = f")]
    places = [document.place(block.begin) for block in document.blocks]
    assert [(place.cell, place.line, place.column) for place in places] == [(1, 2, 3), (3, 1, 3)]
    assert [block.number for block in document.blocks] == [1, 2]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{not json"])
def test_files_that_are_no_documents_get_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.ipynb"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match="expected"):
        read_file(path)
    with pytest.raises(DocumentError, match="cannot read"):
        read_file(tmp_path / "nothing.md")
    (tmp_path / "wrong.sd").write_text("input x\ny = x^2\nexpect d(y, x) == 3 * x\n")
    with pytest.raises(DocumentError, match="symderiv verify judges what it expects"):
        read_file(tmp_path / "wrong.sd")  # to say that nothing is claimed would not be true


def test_a_power_sign_at_the_end_of_a_formula_gets_a_sentence() -> None:
    for text in ("$$ f = x^ $$", "$$\nf = x^\\\n$$\n\n$$\nx = y\n"):
        report = check_document(read_text(text, "power.md"))
        assert report.verdict == "unreadable"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Linear regression\n\ndE/dw[j] = sum(n, r[n] * x[n,j])\n", 3),
        ("The gradient\n\n\\frac{\\partial L}{\\partial z} = p - t\n", 3),
        ("- p_i = 2 q_i\n", 1),
        ("The rate is given by f(x) = 3 in all that follows.\n", 0),  # a sentence
        ("```python\nx[i] = f(y)\n```\n", 0),
        ("if x[i] == f(y): stop\n", 0),
        ('<a href="f(x)">here</a>\n', 0),
        ("$$x_i = x_i$$\n\nd(E, w[j]) = f(x)\n", 0),  # formulas are marked here
        ("<!-- symderiv: let f[i] = g(i) -->\n", 0),
        ("nothing = nothing\n", 0),
        ("The Jacobian\n\n    d(p[i], z[j]) = p[i]\n", 0),  # code, in Markdown
        ("\\documentclass{article}\n\\setlength{\\x} = \\y{2}\n", 0),
    ],
)
def test_formulas_that_nothing_marks_are_told(text: str, line: int) -> None:
    report = check_document(read_text(text, "notes.md" if "class" not in text else "notes.tex"))
    found = [each.place.line for each in report.judgements if "looks like a formula" in each.message]
    assert found == ([line] if line else [])
    if line:
        assert [each.verdict for each in report.judgements] == ["note"]


def test_indented_formulas_of_plain_text_are_told() -> None:
    report = check_document(read_text("The Jacobian\n\n    d(p[i], z[j]) = p[i]\n", "notes.txt"))
    assert [(each.place.line, each.verdict) for each in report.judgements] == [(3, "note")]


DOCSTRING = r'''
def layer(x):
    r"""A layer.

    .. math::
       :label: layer

       a = \tanh(w x)

       \frac{\partial a}{\partial x} = (1 - a^2) w

    .. math:: \frac{\partial a}{\partial w}
              = (1 - a) x

    No formula: $$ is money.
    """
'''


def test_directives_of_restructured_text_hold_displays() -> None:
    report = check_document(read_text(DOCSTRING, "layer.py"))
    found = [(each.place.line, each.display, each.verdict) for each in report.judgements]
    assert found[:2] == [(10, 2, "proved"), (13, 3, "refuted")]
