"""The LaTeX documents: every problem of the catalogue compiles, and nobody's text is a command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from symderiv import catalog
from symderiv.calculus import Contraction, Derivation, contract, derive_all
from symderiv.documents.latex import derivation_latex, latex_document
from symderiv.expression.nodes import Derivative, Entry
from symderiv.notation.reader import read_problem
from symderiv.problem import Problem
from symderiv.witness import witness
from tests.documents.tex import compile_latex, complaints


def products(problem: Problem) -> list[Derivation]:
    """A vector-Jacobian product of the first stated derivative, where there is one."""
    for expectation in problem.expectations:
        stated = expectation.derivative
        if isinstance(stated.of, Entry) and len(stated.by) == 1 and stated.of.indices:
            return [contract(problem, Contraction(kind, stated.of, stated.by[0])) for kind in ("vjp", "jvp")]
        if isinstance(stated.of, Entry) and len(stated.by) == 2:
            return [contract(problem, Contraction("hvp", stated.of, stated.by[0]))]
    return []


@pytest.mark.parametrize("level", ["textbook", "all"])
@pytest.mark.parametrize("name", catalog.names())
def test_every_problem_compiles(name: str, level: str, tmp_path: Path) -> None:
    problem = catalog.load(name)
    derivations = [*derive_all(problem), *products(problem)]
    explicit = None
    if level == "textbook":
        sizes = dict(zip(problem.axes, (3, 2, 4, 2), strict=False))
        explicit = witness(derivations[0], sizes)
    source = latex_document(problem, derivations, explicit, level)
    assert source.count(r"\boxed") >= len(derive_all(problem))
    assert compile_latex(source, tmp_path).startswith(b"%PDF")


def test_a_wide_matrix_is_split_and_stays_on_the_page(tmp_path: Path) -> None:
    problem = catalog.load("softmax_layer")
    (derivation,) = [each for each in derive_all(problem) if _by(each) == "W"]
    explicit = witness(derivation, {axis: 6 if axis == "K" else 3 for axis in problem.axes})
    source = latex_document(problem, [derivation], explicit)
    assert source.count(r"\begin{array}") > 1
    compile_latex(source, tmp_path)


def _by(derivation: Derivation) -> str:
    assert isinstance(derivation.start, Derivative)
    return derivation.start.by[0].array


def test_softmax_reads_like_the_textbook() -> None:
    problem = catalog.load("softmax")
    source = latex_document(problem, derive_all(problem))
    for line in (
        r"p_i &= \frac{e^{z_i}}{\sum_{k} e^{z_k}}",
        r"&= \frac{\partial}{\partial z_j} \frac{e^{z_i}}{\sum_{k} e^{z_k}}",
        r"&= p_i \delta_{ij} - p_i p_j",
        r"\boxed{\frac{\partial p_i}{\partial z_j} = p_i \left(\delta_{ij} - p_j\right)}",
        r"p_i \left(1 - p_i\right) & \text{if } i = j",
        r"-p_i p_j & \text{if } i \neq j",
        r"\reason{quotient rule}",
    ):
        assert line in source, line


def test_an_assumption_is_named_with_its_result() -> None:
    problem = catalog.load("cross_entropy")
    source = latex_document(problem, derive_all(problem))
    assert r"Under the assumption $\sum_{k} t_k = 1$" in source
    assert r"\boxed{\frac{\partial L}{\partial z_j} = p_j - t_j}" in source
    assert source.index(r"= p_j \sum_{k} t_k - t_j}") < source.index(r"= p_j - t_j}")


def test_a_result_stands_before_it_is_used() -> None:
    problem = catalog.load("cross_entropy")
    (gradient,) = [each for each in derive_all(problem) if _by(each) == "z" and len(_start(each).by) == 1]
    source = latex_document(problem, [gradient])
    assert 0 < source.index(r"\tag{1}") < source.index("by (1)")


def _start(derivation: Derivation) -> Derivative:
    assert isinstance(derivation.start, Derivative)
    return derivation.start


HOSTILE = r'\input{/etc/passwd} \write18{ls} $x$ a_b 100% {} # & ~ ^ " < > | \end{document} ∂ Σ é “q” 漢'


def test_hostile_text_is_printed_not_run(tmp_path: Path) -> None:
    problem = replace(catalog.load("softmax"), title=HOSTILE, about=HOSTILE, source=HOSTILE)
    source = latex_document(problem, derive_all(problem))
    assert r"\input" not in source
    assert r"\write" not in source
    assert source.count(r"\end{document}") == 1
    compile_latex(source, tmp_path)


def test_awkward_names_compile(tmp_path: Path) -> None:
    problem = read_problem(
        "index i, j : big_axis\ninput x_1[big_axis], log_2, e, sigma\n"
        "dL_dy[i] = exp(x_1[i] * log_2) * sigmoid(x_1[i]) + e + sigma\nderive d(dL_dy[i], x_1[j])\n",
        "awkward_name",
    )
    compile_latex(latex_document(problem, derive_all(problem)), tmp_path)


@pytest.mark.parametrize("name", ["softmax", "cross_entropy", "layer_norm"])
def test_a_fragment_needs_amsmath_alone(name: str, tmp_path: Path) -> None:
    fragments = "\n".join(derivation_latex(each) for each in derive_all(catalog.load(name)))
    page = "\\documentclass{article}\\usepackage{amsmath}\\textwidth=17cm\\oddsidemargin=0pt\n"
    compile_latex(f"{page}\\begin{{document}}\n{fragments}\n\\end{{document}}\n", tmp_path)


def test_the_log_reader_notices() -> None:
    log = (
        "Overfull \\hbox (3.2pt too wide) in alignment\nOverfull \\hbox (0.4pt too wide) x\nLaTeX Warning: R"
    )
    assert complaints(log) == ["LaTeX Warning: R", "Overfull \\hbox (3.2pt too wide) in alignment"]
