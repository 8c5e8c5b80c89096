"""Notebooks: the cell magic, and what every public object shows of itself."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

import symderiv as sd
from tests.documents.html import read

pytest.importorskip("IPython")

from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell

SOFTMAX = "p_i = \\frac{e^{z_i}}{\\sum_k e^{z_k}}\n"
WRONG = SOFTMAX + "\\frac{\\partial p_i}{\\partial z_j} = p_i (\\delta_{ij} - p_i)\n"
LOSS = SOFTMAX + "L = -\\sum_k t_k \\log p_k\n\\frac{\\partial L}{\\partial z_j} = p_j - t_j\n"
TEXT = "p[i] = exp(z[i]) / sum(k, exp(z[k]))\n"


@pytest.fixture(scope="module")
def shell() -> InteractiveShell:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "symderiv")
    return shell


def run(shell: InteractiveShell, line: str, cell: str) -> Any:
    return shell.run_cell_magic("symderiv", line, cell)


def shown(value: object) -> dict[str, str]:
    """What a notebook would show of a value."""
    found, _ = DisplayFormatter().format(value)
    return found


def test_a_cell_of_latex_is_judged_sign_by_sign(shell: InteractiveShell) -> None:
    report = run(shell, "", WRONG)
    assert (report.verdict, len(report.judgements)) == ("refuted", 1)
    assert report.judgements[0].diagnosis.word == "swapped index"
    assert (report.judgements[0].place.line, report.judgements[0].place.column) == (2, 35)
    page = read(report._repr_html_())
    assert "pi(δij−pj)" in [each.text for each in page.find("math")]
    assert "refuted" in page.text


def test_an_assumption_is_taken(shell: InteractiveShell) -> None:
    assert run(shell, "", LOSS).verdict == "conditional"
    assert run(shell, "--assume 'sum(k, t[k]) == 1'", LOSS).verdict == "proved"
    assert run(shell, "", "% symderiv: assume sum(k, t[k]) == 1\n" + LOSS).verdict == "proved"


def test_a_marked_cell_is_a_document(shell: InteractiveShell) -> None:
    first, second = WRONG.splitlines()
    report = run(shell, "", f"We write\n$$ {first} $$\nand find\n$$ {second} $$\n")
    assert (report.verdict, report.judgements[0].place.line) == ("refuted", 4)


def test_a_cell_in_text_notation(shell: InteractiveShell) -> None:
    assert run(shell, "", TEXT + "d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])").verdict == "proved"
    proof = run(shell, "--in softmax", "d(p[i], z[j]) = p[i] * (delta(i, j) + p[j])")
    assert proof.verdict == "refuted"
    page = read(proof._repr_html_())
    assert "diagnosis: sign" in page.text
    assert "pi(δij−pj)" in [each.text for each in page.find("math")]
    assert run(shell, "--let 's = sum(k, x[k]^2)'", "d(s, x[j]) = 2 * x[j]").verdict == "proved"


def test_a_cell_is_derived(shell: InteractiveShell) -> None:
    assert run(shell, "--derive --wrt z", SOFTMAX).form_text == "p[i] * (delta(i, j) - p[j])"
    assert run(shell, "--derive", TEXT).form_text == "p[i] * (delta(i, j) - p[j])"
    explicit = run(shell, "--derive --wrt z --size K=2", TEXT).explicit
    assert explicit.agrees
    layer = run(shell, "--derive", "z[k] = sum(j, W[j, k] * x[j])\nL = sum(k, z[k]^2)")
    assert [each.derivation.start.by[0].array for each in layer] == ["W", "x"]
    assert read(layer._repr_html_()).text.count("Derivation, in") == 2


def test_what_is_found_is_bound_on_request(shell: InteractiveShell) -> None:
    found = run(shell, "--derive --wrt z --name slope", TEXT)
    assert shell.user_ns["slope"] is found


def test_a_cell_is_explained(shell: InteractiveShell) -> None:
    explained = run(shell, "--explain", r"y_k = \sum_j W_{jk} x_j")
    assert [each.name for each in explained.names] == ["y", "W", "x"]
    assert "Wjkxj" in read(explained._repr_html_()).text


def test_help(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shell, "--help", "x") is None
    assert "--assume EQUATION" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "cell", "sentence"),
    [
        ("", " \n", "expected formulas in the cell, found nothing"),
        ("--nonsense", "x = x", "--nonsense; %%symderiv --help"),
        ("--wrt z", TEXT, "expected --derive beside --wrt"),
        ("--derive --explain", TEXT, "found both"),
        ("--derive --wrt q", TEXT, "found 'q'"),
        ("--derive --size Q=2", TEXT, "expected an axis"),
        ("--in nosuch", "x = x", "no problem called 'nosuch'"),
        ("--derive --name 'a b'", TEXT, "found 'a b'"),
        ("", "p[i = 1", "this [ is never closed"),
    ],
)
def test_what_cannot_be_followed_is_one_sentence_without_a_traceback(
    shell: InteractiveShell, line: str, cell: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = shell.run_cell(f"%%symderiv {line}\n{cell}")
    assert not done.success
    told = capsys.readouterr().err
    assert sentence in told
    assert "Traceback" not in told


def test_every_public_object_shows_itself() -> None:
    derived, passed = sd.derive("softmax", wrt="z"), sd.backward("softmax_layer_cross_entropy")
    proof, explained = sd.prove("(a + b)^2 = a^2 + 2 * a * b + b^2"), sd.explain("a + b")
    report = sd.check("$$ (a + b)^2 = a^2 + b^2 $$")
    for each in (derived, passed, proof, explained, sd.load("softmax")):
        assert {"text/plain", "text/html", "text/latex"} <= set(shown(each)), each
    assert {"text/plain", "text/html", "text/markdown"} <= set(shown(report))
    assert shown(derived)["text/plain"] == derived.text()
    assert shown(report)["text/plain"] == str(report)
    assert read(shown(sd.load("softmax"))["text/html"]).find("math")[0].text == "pi=ezi∑kezk"
    assert shown(derived)["text/html"].count("<svg") == 3  # p_i (δ_ij - p_j): whole, diagonal, rank one


def test_a_report_on_code_shows_itself(tmp_path: Any) -> None:
    (tmp_path / "jac.py").write_text("import numpy as np\n\n\ndef jac(p):\n    return np.diag(p)\n")
    report = sd.check_code(f"{tmp_path / 'jac.py'}::jac", "softmax:d(p[i], z[j])")
    page = read(shown(report)["text/html"])
    assert "refuted" in page.text
    assert "pi(δij−pj)" in page.find("math")[0].text


def test_expressions_are_shown(shell: InteractiveShell) -> None:
    node = sd.parse("p[i] * delta(i, j)", sd.load("softmax"))
    found, _ = shell.display_formatter.format(node)
    assert found["text/plain"] == "p[i] * delta(i, j)"
    assert found["text/latex"] == r"$p_i \delta_{ij}$"
    assert read(found["text/html"]).text == "piδij"


def test_names_in_a_cell_are_harmless_in_html(shell: InteractiveShell) -> None:
    hostile = "L = x_{\\text{<script>alert(1)</script>}}^2\n\\frac{\\partial L}{\\partial x} = 2"
    try:
        found = run(shell, "", hostile)
    except Exception:  # refused: nothing is shown
        return
    assert "<script" not in found._repr_html_()


def test_ipython_is_not_needed() -> None:
    code = (
        "import sys; sys.modules['IPython'] = None; import symderiv as sd, symderiv.notebook as n; "
        "print(n.run('', 'x + x = 2 * x').verdict, sd.derive('softmax', 'z')._repr_html_()[:5])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "proved <div>\n", done.stderr


def outputs(notebook: Any) -> list[tuple[str, list[Any]]]:
    """What each cell of code shows; where a cell is tagged so, any number stands for any other."""

    def plain(text: str, tags: list[str]) -> str:
        return re.sub(r"\d+(\.\d+)?(e[-+]\d+)?", "0", text) if "numbers" in tags else text

    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tags = cell.metadata.get("tags", [])
            bundles = [each.get("data", {"text": each.get("text")}) for each in cell.outputs]
            shown = [{kind: plain(text, tags) for kind, text in each.items()} for each in bundles]
            found.append((cell.source, shown))
    return found


def test_the_example_notebook_shows_what_it_stores() -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    from tests.notebook import NOTEBOOK, executed

    stored, now = outputs(nbformat.read(NOTEBOOK, 4)), outputs(executed())
    assert sum(bool(shown) for _, shown in stored) > 8
    for (source, before), (_, after) in zip(stored, now, strict=True):
        assert after == before, f"python -m tests.notebook stores it anew, if this is right: {source}"
