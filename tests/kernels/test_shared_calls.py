"""Value and gradient share what both need: no function is worked out twice, and the numbers stay right."""

from __future__ import annotations

import pytest

from symderiv.expression.construct import add, multiply
from symderiv.expression.nodes import Call, Entry, Index
from symderiv.expression.traverse import walk
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.program import Statement
from symderiv.kernels.shared_calls import with_calls_shared
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import verify
from tests.kernels.emitted import own, problem

B, K, J = Index("b", "B"), Index("k", "K"), Index("j", "K")


def calls(statements: tuple[Statement, ...], function: str) -> int:
    return sum(
        isinstance(part, Call) and part.function == function
        for each in statements
        for body in each.bodies()
        for _, part in walk(body)
    )


@pytest.mark.parametrize(
    ("name", "function", "call", "count"),
    [
        ("bradley_terry", "bradley_terry_value_and_gradient", "sigmoid", 1),
        ("dpo", "dpo_value_and_gradient", "sigmoid", 1),
        ("focal_loss", "focal_loss_value_and_gradient", "softplus", 1),
        ("lstm_cell", "lstm_cell_gradient", "tanh", 2),  # of g, and of c
    ],
)
def test_a_function_is_called_once(name: str, function: str, call: str, count: int) -> None:
    spec = next(each for each in functions_of(problem(name)) if each.name == function)
    assert calls(lower_function(spec).statements, call) == count


def of(letters: tuple[Index, ...]) -> Call:
    return Call("tanh", (Entry("x", letters),))


def test_letters_are_those_of_each_place() -> None:
    statements = (
        Statement("s", (B,), multiply(of((B, K)), Entry("w", (K,))), "sum", K),
        Statement("out", (B, J), add(of((B, J)), Entry("s", (B,))), stored=True),
    )
    shared, total, out = with_calls_shared(statements, B, ["x", "w"])
    assert shared.body == of((B, K))
    assert shared.indices == (B, K)
    assert total.body == multiply(Entry(shared.name, (B, K)), Entry("w", (K,)))
    assert out.body == add(Entry(shared.name, (B, J)), Entry("s", (B,)))


def test_of_another_sample_or_once_is_left() -> None:
    other = Index("c", "B")
    statements = (
        Statement("s", (B,), multiply(of((K, B)), Entry("w", (K,))), "sum", K),
        Statement("r", (other,), multiply(of((K, other)), Entry("w", (K,))), "sum", K),
    )
    assert with_calls_shared(statements, B, ["x", "w"]) == statements


def test_an_array_that_is_the_call_lends_its_name() -> None:
    statements = (
        Statement("h", (B, K), of((B, K))),
        Statement("out", (B, J), multiply(of((B, J)), of((B, J))), stored=True),
    )
    named, out = with_calls_shared(statements, B, ["x"])
    assert named == statements[0]
    assert calls((out,), "tanh") == 0


@pytest.mark.parametrize("target", ["numpy", "numba"])
def test_the_numbers_stay_right(target: str) -> None:
    made = own(
        "shares",
        "index i, k : K\ninput x[K], w[K]\nbatch x\nloss L\n"
        "L = sum(k, w[k] * tanh(x[k])) * sum(k, tanh(x[k])^2)\nderive d(L, x[i])\nderive d(L, w[i])\n",
    )
    checks = verify(made, target, large=False, dtypes=("float64",))
    assert checks
    assert not [str(check) for check in checks if not check.ok]
