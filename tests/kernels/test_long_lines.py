"""Long lines of emitted code are broken, and nothing but blanks and brackets changes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

import pytest

from symderiv.kernels import long_lines, render
from symderiv.kernels.emit import emit
from tests.kernels.emitted import problem

A, B = "a_name_of_many_letters", "another_name_of_many"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"    value = called({A}, {A}, {A}, {A}, {B})",
            f"    value = called(\n        {A}, {A}, {A}, {A},\n        {B}\n    )",
        ),
        (
            f"    value = {A} * {B} + {A} * {B} + {A} * {B}",
            f"    value = (\n        {A} * {B} + {A} * {B}\n        + {A} * {B}\n    )",
        ),
        (
            f"    value = ({A}[i] + {B}[i] if {A} >= {B} else {B} * {B})",
            f"    value = (\n        {A}[i] + {B}[i] if {A} >= {B}\n        else {B} * {B}\n    )",
        ),
        (f"    # {A} {A} {A} {A} {B} {B}", f"    # {A} {A} {A} {A} {B} {B}"),
        (f"    short({A}, {B})", f"    short({A}, {B})"),
        (f"    raise Error('{A}, {A}, {A}, {A}, {A}')", f"    raise Error('{A}, {A}, {A}, {A}, {A}')"),
    ],
)
def test_lines_of_python(line: str, expected: str) -> None:
    assert long_lines.in_short_lines(line, python=True) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            f"    value = {A} * {B} + {A} * {B} + {A} * {B};",
            f"    value =\n        {A} * {B} + {A} * {B}\n        + {A} * {B};",
        ),
        (
            f"    double {A}[LANES], {A}_2[LANES], {A}_3[LANES], {A}_4[LANES];",
            f"    double\n        {A}[LANES], {A}_2[LANES], {A}_3[LANES],\n        {A}_4[LANES];",
        ),
        (
            f"    value = {A} * {B} * f32_sigmoid(-{A}[row] - {A}[k] - {B}[k]);",
            f"    value = {A} * {B} * f32_sigmoid(\n        -{A}[row] - {A}[k] - {B}[k]\n    );",
        ),
        (f"#define {A} ({A} + {B} + {A} + {B} + {B})", f"#define {A} ({A} + {B} + {A} + {B} + {B})"),
    ],
)
def test_lines_of_c(line: str, expected: str) -> None:
    assert long_lines.in_short_lines(line, python=False) == expected


def test_docstrings_and_comments_are_left() -> None:
    inside = f"    {A} = f({A}, {A}, {A}, {B}, {B})"
    for text in (f'def f():\n    """Say.\n\n{inside}\n    """', f"/* Say\n{inside}\n*/"):
        assert long_lines.in_short_lines(text, python=text.startswith("def")) == text


def as_python(text: str) -> str:
    return ast.dump(ast.parse(text))


def as_words(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("name", ["srelu", "lstm_cell", "layer_norm_affine", "softmax_temperature"])
@pytest.mark.parametrize(("target", "read"), [("numpy", as_python), ("numba", as_python), ("c", as_words)])
def test_modules_say_the_same_as_without(
    name: str, target: str, read: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = emit(problem(name), target)
    monkeypatch.setattr(render, "in_short_lines", lambda text, python: text)
    plain = emit(problem(name), target)
    assert (plain != found) == (target != "numpy" or name == "lstm_cell")
    assert read(plain) == read(found)


@pytest.mark.parametrize("target", ["numpy", "numba", "c"])
def test_the_code_of_a_module_has_few_long_lines(target: str) -> None:
    for name in ("softmax", "cross_entropy_label", "srelu"):
        code = [line for line in emit(problem(name), target).split("\n") if not re.search(r"[#\"]|/\*", line)]
        assert sum(len(line) > long_lines.WIDTH for line in code) <= len(code) // 100
