"""Every scalar function on every target; functions that need no array; what cannot be emitted."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest

from symderiv.expression.construct import multiply
from symderiv.expression.functions import FUNCTIONS
from symderiv.expression.nodes import Definition, Derivative, Entry, Index
from symderiv.expression.oracle import OracleError
from symderiv.kernels import emit as emitting
from symderiv.kernels.emit import emit, load_source
from symderiv.kernels.errors import KernelError
from symderiv.kernels.registry import TARGETS
from symderiv.kernels.verify import verify
from symderiv.problem import Expectation, Input, Problem
from tests.kernels.emitted import PYTHON, dtypes_of, load, own

HUBER = """
index i, k : K
input z[K], t[K]
batch z, t
loss L
L = sum(k, where(abs(z[k] - t[k]) < 1, (z[k] - t[k])^2 / 2, abs(z[k] - t[k]) - 1/2))
derive d(L, z[i])
"""

PAIRS = """
index a : D
index k : K
input E[K, D], w[D]
label y : K
label y2 : K
batch y, y2
loss L
L = sum(a, w[a] * (E[y, a] - E[y2, a])^2)
derive d(L, w[a])
derive d(L, E[k, a])
derive d(L, E[k, a], E[j, b])
derive d(L, w[a], w[b])
"""


def elementwise(name: str) -> str:
    return f"index i, j : K\ninput x[K]\ny[i] = {name}(x[i])\nderive d(y[i], x[j])\n"


#: Those that a kernel has not, or whose derivative it has not: it says so.
REFUSED = ("digamma", "trigamma")
EMITTED = [name for name in FUNCTIONS if name not in REFUSED]


@pytest.mark.parametrize("name", [name for name in REFUSED if name in FUNCTIONS])
@pytest.mark.parametrize("target", TARGETS)
def test_functions_without_a_kernel_are_refused(name: str, target: str) -> None:
    with pytest.raises(KernelError, match="cannot be emitted"):
        emit(own(f"of_{name}", elementwise(name)), target)


@pytest.mark.parametrize("name", EMITTED)
def test_every_function_in_numpy(name: str) -> None:
    checks = verify(own(f"of_{name}", elementwise(name)), "numpy", large=False)
    assert not [str(check) for check in checks if not check.ok]


@pytest.mark.parametrize("name", EMITTED)
def test_every_function_in_numba(name: str) -> None:
    source = emit(own(f"of_{name}", elementwise(name)), "numba")
    body = ast.parse(source).body
    helpers = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = [node.targets[0] for node in body if isinstance(node, ast.Assign)]
    helpers |= {target.id for target in assigned if isinstance(target, ast.Name)}
    called = {
        node.func.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("_")
    }
    assert called <= helpers


@pytest.mark.parametrize("target", TARGETS)
def test_huber(target: str) -> None:
    """abs, and its derivative sign, in one loss."""
    checks = verify(own("huber", HUBER), target, large=False, dtypes=dtypes_of(target))
    assert checks
    assert not [str(check) for check in checks if not check.ok]


@pytest.mark.parametrize("target", TARGETS)
def test_function_that_needs_no_array(target: str) -> None:
    problem = own("constant", "input x[K], c0\nL = c0\nderive d(L, c0)\n")
    gradient = load(problem, target).constant_gradient_c0
    assert gradient() == 1


@pytest.mark.parametrize("target", PYTHON)
def test_label_into_an_axis_that_no_argument_has(target: str) -> None:
    """The Hessian by w is 0; y is only there for the number of samples."""
    module = load_source(emit(own("pairs", PAIRS), target))
    y = np.array([0, 5, 2])
    assert module.pairs_hvp_w(y, np.ones(4)).tolist() == [0, 0, 0, 0]
    with pytest.raises(ValueError, match="y: expected labels from 0, found -1"):
        module.pairs_hvp_w(y - 1, np.ones(4))


def test_failure_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised inside becomes one sentence that names the problem and the function."""

    def failing(error: Exception) -> None:
        def fail(*_: object) -> None:
            raise error

        monkeypatch.setattr(emitting, "lower_function", fail)

    problem = own("squares", "input x[K]\nL = sum(k, x[k]^2)\nderive d(L, x[i])\n")
    for error, told in (
        (OracleError("x has no value"), "squares of squares cannot be emitted: x has no value"),
        (KeyError("K"), "squares of squares cannot be emitted: KeyError: 'K'"),
        (KernelError("too much"), "squares of squares cannot be emitted: too much"),
    ):
        failing(error)
        with pytest.raises(KernelError, match=re.escape(told)):
            emit(problem)


def test_two_functions_of_one_name_are_refused() -> None:
    i, j = Index("i", "K"), Index("j", "K")
    y = multiply(Entry("σ", (i,)), Entry("sigma", (i,)))
    wanted = [Derivative(Entry("y", (i,)), (Entry(name, (j,)),)) for name in ("σ", "sigma")]
    problem = Problem(
        "f",
        inputs=(Input("σ", ("K",)), Input("sigma", ("K",))),
        definitions=(Definition("y", (i,), y),),
        expectations=tuple(Expectation(each) for each in wanted),
    )
    with pytest.raises(KernelError, match="would both be called f_jacobian_sigma"):
        emit(problem)


@pytest.mark.parametrize("target", PYTHON)
def test_a_fixed_place_that_an_array_lacks_is_refused(target: str) -> None:
    text = "index i, j : N\ninput x[N]\nloss L\nL = sum(i != 2, x[i]^2)\nderive d(L, x[j])\n"
    problem = own("fixed_place", text)
    module = load_source(emit(problem, target))
    beside = np.full(4, 7.0)
    with pytest.raises(ValueError, match="expected at least 2 places along N, found 1"):
        module.fixed_place_value_and_gradient(np.ones(1), out=beside[:1])
    assert beside.tolist() == [7.0] * 4
    value, gradient = module.fixed_place_value_and_gradient(np.array([1.0, 2.0, 3.0]))
    assert (float(value), gradient.tolist()) == (10.0, [2.0, 0.0, 6.0])
