"""A problem may use any name that emitted files use themselves."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from symderiv.kernels.emit import emit
from symderiv.kernels.verify import verify
from tests.kernels.emitted import PYTHON, own, source

#: Files that use all parts of the templates and printers between them.
MODELS = ("softmax_layer", "cross_entropy_label", "softmax_layer_cross_entropy", "layer_norm")
#: Names that the text notation gives a meaning of its own.
OF_THE_NOTATION = {"sum", "max", "min", "abs", "pi", "where", "delta", "d"}


@cache
def names_used(target: str) -> tuple[str, ...]:
    """Every name in the functions of the model files, arguments and locals alike."""
    found: set[str] = set()
    for model in MODELS:
        for node in ast.walk(ast.parse(source(model, target))):
            if isinstance(node, ast.FunctionDef) and node.name not in ("_read", "_output", "_reduced"):
                found |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                found |= {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return tuple(sorted(name for name in found if name[0] != "_" and name not in OF_THE_NOTATION))


def scored(names: tuple[str, ...]) -> str:
    """A problem whose inputs have the given names: scores with labels, a loss, a batch.

    The first is an array and the others are numbers: a hundred arrays would take minutes to compile.
    """
    first, *others = names
    return (
        f"index j_, k_ : Places\ninput {', '.join((f'{first}[Places]', *others))}\n"
        f"label which : Places\nbatch {first}, which\nloss Loss\n"
        f"score[k_] = {first}[k_] * ({' + '.join(others)})\n"
        f"Loss = log(sum(k_, exp(score[k_]))) - score[which]\nderive d(Loss, {first}[j_])\n"
    )


def outer(names: tuple[str, ...]) -> str:
    """A problem whose inputs have the given names: a Jacobian with a diagonal, flattened."""
    first, *others = names
    return (
        f"index j_, k_ : Places\nindex n_ : Rows\ninput {', '.join((f'{first}[Places]', *others))}, "
        "Big[Rows, Places], side[Rows]\n"
        f"score[k_] = sum(n_, Big[n_, k_] * side[n_]) * ({' + '.join((f'{first}[k_]', *others))})\n"
        f"derive d(score[k_], Big[n_, j_])\nderive d(score[k_], {first}[j_])\n"
    )


@pytest.mark.parametrize("target", PYTHON)
@pytest.mark.parametrize("form", [scored, outer])
def test_inputs_called_as_the_file_calls_its_own(form, target: str) -> None:
    names = names_used(target)
    names = (*names[7:], *names[:7])  # the array is one of those that kernels use
    assert {"arrays", "dtype", "single", "out", "weight", "value", "losses"} <= set(names)
    problem = own("named", form(names))
    checks = verify(problem, target, large=False, dtypes=("float64",))
    assert checks
    assert not [str(check) for check in checks if not check.ok]


@pytest.mark.parametrize("name", ["arrays", "total", "diagonal", "row", "real", "reduction", "njit", "math"])
@pytest.mark.parametrize("target", PYTHON)
def test_one_such_input(name: str, target: str) -> None:
    text = emit(own("named", outer((name,))), target)
    assert f"def named({name}_, Big, side, out=None)" in text
