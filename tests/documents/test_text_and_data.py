"""A derivation in text, Markdown and data."""

from __future__ import annotations

import itertools
import json

import pytest

from symderiv import catalog
from symderiv.calculus import Derivation, derive_all
from symderiv.calculus.derivation import LEVELS
from symderiv.documents.data import derivation_json
from symderiv.documents.markdown import derivation_markdown, markdown_document
from symderiv.documents.outline import assumed_chain, chain, outline
from symderiv.documents.plain import derivation_text
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Derivative
from symderiv.notation.reader import parse_expression
from symderiv.notation.text import to_text
from symderiv.witness import witness
from tests.oracles import agree, generic_oracle

SOFTMAX = """\
Softmax
=======
p[i] = exp(z[i]) / sum(k, exp(z[k]))

d(p[i], z[j]) = d(exp(z[i]) / sum(k, exp(z[k])), z[j])  [definition of p]
"""


def only(name: str, by: str) -> Derivation:
    found = [
        each
        for each in derive_all(catalog.load(name))
        if isinstance(each.start, Derivative) and [entry.array for entry in each.start.by] == [by]
    ]
    return found[-1]


def test_softmax_in_text() -> None:
    text = derivation_text(only("softmax", "z"))
    assert text.startswith(SOFTMAX)
    assert "[quotient rule]" in text
    signs = {line.index("= ") for line in text.splitlines()[5:] if line.lstrip().startswith("= ")}
    assert signs == {len("d(p[i], z[j]) ")}
    assert "= p[i] * (delta(i, j) - p[j])             [factor out]" in text
    assert text.endswith("if i == j : p[i] * (1 - p[i])\nif i != j : -p[i] * p[j]\n")


def test_an_assumption_is_stated_before_the_form_it_gives() -> None:
    text = derivation_text(only("cross_entropy", "z"))
    assert text.index("assuming sum(k, t[k]) == 1") < text.index("p[j] - t[j]  [assumption]")
    assert "(1) d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])" in text
    assert "by (1)" in text


@pytest.mark.parametrize("name", catalog.names())
def test_lines_of_text_fit_a_terminal(name: str) -> None:
    for derivation in derive_all(catalog.load(name)):
        for line in derivation_text(derivation).splitlines():
            assert len(line) <= 140, line


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", catalog.names())
def test_a_chain_has_no_gap(name: str, level: str) -> None:
    for derivation in derive_all(catalog.load(name)):
        lines = chain(derivation, level)
        assert lines[0].before == derivation.start
        assert lines[-1].after == derivation.result
        for first, second in itertools.pairwise(lines):
            assert first.after == second.before
        for line in (*lines, *assumed_chain(derivation, level)):
            assert line.reason
            assert line.rules


def test_textbook_merges_and_all_does_not() -> None:
    derivation = only("softmax", "z")
    lengths = [len(chain(derivation, level)) for level in LEVELS]
    assert lengths == sorted(lengths)
    assert lengths[1] <= 7
    assert lengths[2] == len(derivation.steps)


def test_every_textbook_line_equals_the_form_before_it() -> None:
    """The oracle, not the engine, says that each printed line is equal to the first."""
    problem = catalog.load("softmax")
    derivation = only("softmax", "z")
    oracle = generic_oracle(problem, {"K": 3})
    letters = free_indices(derivation.result)
    expected = oracle.table(derivation.start, letters)
    for line in chain(derivation):
        found = oracle.table(line.after, letters)
        assert all(agree(found[place], expected[place]) for place in expected)


def test_data_has_the_documented_keys_and_reads_back() -> None:
    derivation = only("cross_entropy", "z")
    data = json.loads(json.dumps(derivation_json(derivation)))
    keys = {"problem", "of", "wrt", "form", "cases", "assumptions", "latex", "steps", "explicit"}
    assert keys <= data.keys()
    assert (data["of"], data["wrt"], data["form"]) == ("L", ["z[j]"], "p[j] - t[j]")
    assert data["assumptions"] == ["sum(k, t[k]) == 1"]
    for step in data["steps"]:
        assert {"rule", "law", "before", "after", "level"} <= step.keys()
        assert step["level"] in LEVELS
        assert to_text(parse_expression(step["after"], derivation.problem))
    assert data["explicit"] is None


def test_data_with_explicit_entries() -> None:
    derivation = only("softmax", "z")
    data = derivation_json(derivation, explicit=witness(derivation, {"K": 2}))
    assert data["explicit"]["sizes"] == {"K": 2}
    assert data["explicit"]["entries"][0] == ["p[1] * (1 - p[1])", "-p[1] * p[2]"]
    assert data["explicit"]["agrees"] is True


def test_markdown_has_balanced_displays_and_the_form() -> None:
    text = derivation_markdown(only("softmax", "z"))
    assert text.count("\n$$\n") % 2 == 0
    assert r"\boxed{\frac{\partial p_i}{\partial z_j} = p_i \left(\delta_{ij} - p_j\right)}" in text
    assert r"&& \text{quotient rule}" in text


def test_a_markdown_document_states_each_result_once() -> None:
    problem = catalog.load("cross_entropy")
    text = markdown_document(problem, derive_all(problem))
    numbers = [passage.number for passage in outline(derive_all(problem))]
    for number in numbers:
        assert text.count(rf"\tag{{{number}}}") == 1
    assert text.count("# Cross-entropy") == 1
