"""The worked examples run, and say what is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from symderiv import catalog
from symderiv.calculus import derive_all
from symderiv.expression.canonical import same
from symderiv.notation.text import to_text
from symderiv.proof import prove
from tests.oracles import differences, generic_oracle, sizes_to_try

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.sd")), ids=lambda path: path.name)
def test_problem_files_reach_their_forms(path: Path) -> None:
    problem = catalog.load(str(path))
    assert problem.expectations
    for derivation, expectation in zip(derive_all(problem), problem.expectations, strict=True):
        assert expectation.form is not None
        assert prove(derivation.result, expectation.form, problem).kind == "proved", to_text(
            derivation.result
        )
        assert prove(derivation.start, derivation.result, problem).kind == "proved"
        for sizes in sizes_to_try(problem)[:2]:
            oracle = generic_oracle(problem, sizes)
            assert differences(oracle, derivation.start, derivation.result) == []
    assert same(derive_all(problem)[-1].result, problem.expectations[-1].form)


def test_the_softmax_layer_prints_its_matrix_and_lowers_the_loss() -> None:
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / "softmax_layer.py")], capture_output=True, text=True, check=True
    )
    assert "x[j] * h[t] * (delta(t, i) - h[i])" in ran.stdout
    assert "matrix (5, 15)" in ran.stdout
    before, after = (float(number) for number in re.findall(r"(?:loss|step) (\d\.\d+)", ran.stdout))
    assert after < before
