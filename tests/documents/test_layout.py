"""The estimate of widths against TeX itself, and the breaking of long formulas."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from symderiv import catalog
from symderiv.calculus import derive_all
from symderiv.documents.escape import escape_latex, escape_markdown
from symderiv.documents.layout import break_formula, width
from symderiv.documents.outline import chain
from symderiv.notation.latex import to_latex
from tests.documents.tex import compile_latex

LONG = r"p_i \left(a_i + b_i - \sum_{k} p_k t_k - \frac{a + b}{c} + \sum_{k} t_k\right) - x_i + e^{a + b}"


def test_the_estimate_is_never_far_below_what_tex_sets(tmp_path: Path) -> None:
    formulas = sorted(
        {
            to_latex(line.after, derivation.problem)
            for name in catalog.names()
            for derivation in derive_all(catalog.load(name))
            for line in chain(derivation, "all")
        }
    )
    lines = [
        rf"\setbox0\hbox{{$\displaystyle {formula}$}}\typeout{{W{place}=\the\wd0}}"
        for place, formula in enumerate(formulas)
    ]
    source = (
        "\\documentclass[11pt]{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
        + "\n".join(lines)
        + "\nx\\end{document}\n"
    )
    compile_latex(source, tmp_path)
    log = (tmp_path / "page.log").read_text()
    measured = {int(place): float(points) / 10.95 for place, points in re.findall(r"W(\d+)=([0-9.]+)pt", log)}
    assert len(measured) == len(formulas) > 50
    for place, formula in enumerate(formulas):
        assert width(formula) > 0.97 * measured[place], formula
        assert width(formula) < 1.5 * measured[place] + 1.0, formula


@pytest.mark.parametrize("limit", [8.0, 12.0, 20.0])
def test_pieces_fit_and_nothing_is_lost(limit: float) -> None:
    pieces = break_formula(LONG, limit)
    assert len(pieces) > 1
    assert all(width(piece) <= limit for piece in pieces)
    joined = " ".join(pieces)
    for size in ("bigl", "Bigl"):
        joined = joined.replace(rf"\{size}( ", r"\left(").replace(rf" \{size[:-1]}r)", r"\right)")
    assert joined.replace(" ", "") == LONG.replace(" ", "")


def test_a_formula_that_fits_is_left_alone() -> None:
    assert break_formula(LONG, 200.0) == [LONG]
    assert break_formula(r"\frac{a + b + c + d}{x}", 1.0) == [r"\frac{a + b + c + d}{x}"]


def test_text_is_escaped() -> None:
    assert escape_latex(r"50% of $x_1$ & \a{b}") == (r"50\% of \$x\_1\$ \& \textbackslash{}a\{b\}")
    assert escape_latex('say "so" — é Σ') == r"say ``so'' --- \'{e} \ensuremath{\Sigma}"
    assert escape_markdown("<b> *x* `y` $z$") == r"&lt;b&gt; \*x\* \`y\` \$z\$"
