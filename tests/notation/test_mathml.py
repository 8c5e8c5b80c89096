"""MathML: the same formula as in LaTeX, sign by sign, and well-formed whatever it holds."""

from __future__ import annotations

import importlib
import pkgutil
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given

import symderiv.calculus
from symderiv import catalog
from symderiv.calculus.derivation import Rule
from symderiv.expression.nodes import Entry, Expression, Index
from symderiv.notation.latex import to_latex
from symderiv.notation.mathml import MathmlError, latex_to_mathml, mathml
from tests.notation.trees import expressions

#: How many elements each element must hold.
ARITIES = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "mroot": 2}
LEAVES = {"mi", "mn", "mo", "mtext", "mspace"}
KNOWN = {"math", "mrow", "msqrt", "mtable", "mtr", "mtd", *ARITIES, *LEAVES}
SIGNS = {
    "leq": "≤", "le": "≤", "geq": "≥", "neq": "≠", "in": "∈", "cdot": "⋅", "sum": "∑", "prod": "∏",
    "partial": "∂", "delta": "δ", "sigma": "σ", "pi": "π", "Gamma": "Γ", "mu": "μ", "lambda": "λ",
    "varepsilon": "ε", "theta": "θ", "beta": "β", "Delta": "Δ", "Phi": "Φ", "phi": "ϕ", "rho": "ρ",
    "hat": "^", "tilde": "~", "bar": "‾", "begin": "{",
}  # fmt: skip
SILENT = {"left", "right", "frac", "sqrt", "quad", "qquad", ",", "\\", "end"}
PIECE = re.compile(
    r"\\(?P<group>text|mathrm|operatorname|mathbf|begin|end)\{(?P<word>(?:[^{}\\]|\\.)*)\}"
    r"|\\(?P<command>[A-Za-z]+|.)|(?P<sign>[^\s_^{}&])"
)


def letters_of_latex(latex: str) -> list[str]:
    """Every sign that a formula in LaTeX prints, sorted."""
    found: list[str] = []
    for piece in PIECE.finditer(latex):
        name = piece["group"] or piece["command"]
        if piece["group"] in ("begin", "end"):
            found += "{" if piece.group() == r"\begin{cases}" else ""
        elif piece["group"]:
            found += piece["word"].replace("\\", "").replace("1", "𝟏" if name == "mathbf" else "1")
        elif name:
            found += "" if name in SILENT else SIGNS.get(name, name)
        else:
            found += piece["sign"].replace("-", "−").replace("'", "′")
    return sorted(sign for sign in found if sign != " ")


def letters_of_mathml(markup: str) -> list[str]:
    """The same of MathML, which must be well-formed, of known elements with as many parts as they need."""
    root = ElementTree.fromstring(markup)
    found = ""
    for element in root.iter():
        assert element.tag in KNOWN
        assert len(element) == (0 if element.tag in LEAVES else ARITIES.get(element.tag, len(element)))
        assert element.tag in LEAVES or element.text is None
        assert element.tail is None
        found += element.text or ""
    return sorted(found.replace("\xa0", ""))


@given(expressions())
def test_every_sign_of_a_tree_is_there(tree: Expression) -> None:
    assert letters_of_mathml(mathml(tree)) == letters_of_latex(to_latex(tree))


def test_every_law_can_be_set() -> None:
    laws = {
        each.law
        for module in pkgutil.iter_modules(symderiv.calculus.__path__)
        for each in vars(importlib.import_module(f"symderiv.calculus.{module.name}")).values()
        if isinstance(each, Rule)
    }
    assert len(laws) > 40
    for law in laws:
        assert letters_of_mathml(latex_to_mathml(law)) == letters_of_latex(law), law


@pytest.mark.parametrize("name", catalog.names())
def test_definitions_of_the_catalogue(name: str) -> None:
    problem = catalog.load(name)
    for each in problem.definitions:
        latex = to_latex(each.body, problem)
        assert letters_of_mathml(latex_to_mathml(latex)) == letters_of_latex(latex)


def test_shapes() -> None:
    assert latex_to_mathml(r"\frac{1}{K} \sum_{k} x_k^{2}", display=False) == (
        "<math><mfrac><mn>1</mn><mi>K</mi></mfrac><munder><mo>∑</mo><mi>k</mi></munder>"
        "<msubsup><mi>x</mi><mi>k</mi><mn>2</mn></msubsup></math>"
    )
    assert latex_to_mathml(r"\log p_k", display=False) == (
        '<math><mi>log</mi><mspace width="0.1667em"/><msub><mi>p</mi><mi>k</mi></msub></math>'
    )
    assert latex_to_mathml(r"-\hat{x}_{ij}'", display=False) == (
        '<math><mo>−</mo><msubsup><mover accent="true"><mi>x</mi><mo stretchy="false">^</mo></mover>'
        "<mrow><mi>i</mi><mi>j</mi></mrow><mo>′</mo></msubsup></math>"
    )


@pytest.mark.parametrize("name", ["a<b>", "</math><script>", '"&amp;', "x'onclick='", "\\input{x}"])
def test_no_name_becomes_markup(name: str) -> None:
    found = mathml(Entry(name, (Index(name, "K"),)))
    assert not {"<", "&", "\\"} & set(letters_of_mathml(found))
    assert letters_of_mathml(latex_to_mathml(r"x < \text{a<b & c}"))


@pytest.mark.parametrize(
    "latex", [r"\input{x}", r"\frac{a}", r"a}", r"\left(a", r"\begin{cases} a", "$", r"\mathbf{q}", "a & b"]
)
def test_other_latex_is_refused(latex: str) -> None:
    with pytest.raises(MathmlError):
        latex_to_mathml(latex)
