"""Loop programs: how many passes, what shares one, what is stored where."""

from __future__ import annotations

import pytest

from symderiv.kernels.loop_program import Loop, LoopProgram, Reduce, Start, Store, nodes
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.schedule import schedule
from symderiv.kernels.specification import functions_of
from tests.kernels.emitted import problem


def program(name: str, function: str = "") -> LoopProgram:
    """The loop program of one function of the catalogue."""
    spec = next(each for each in functions_of(problem(name)) if each.name == (function or name))
    return schedule(lower_function(spec))


def passes(found: LoopProgram) -> list[Loop]:
    return [each for each in nodes(found.body) if isinstance(each, Loop) and each.role == "pass"]


@pytest.mark.parametrize(
    ("name", "function", "count"),
    [
        ("softmax", "", 3),  # max | exp and its sum | scale
        ("softmax", "softmax_vjp", 2),  # sum of g p | result
        ("layer_norm", "", 3),  # mean | variance, in two passes | result
        ("layer_norm", "layer_norm_vjp", 3),  # the sums with the cotangent beside that of the mean
        ("cross_entropy", "cross_entropy_value_and_gradient", 3),  # loss and gradient in one pass
        ("rms_norm", "", 2),
    ],
)
def test_depth_of_reductions_is_the_number_of_passes(name: str, function: str, count: int) -> None:
    found = program(name, function)
    (rows,) = [each for each in found.body if isinstance(each, Loop)]
    assert rows.role == "rows"
    assert rows.parallel
    assert len(passes(found)) == count


def test_a_diagonal_is_stored_while_its_line_is_at_hand() -> None:
    (rows,) = program("softmax", "softmax_jacobian_z").body
    assert isinstance(rows, Loop)
    (lines,) = rows.body
    assert isinstance(lines, Loop)
    entries, diagonal = lines.body
    assert isinstance(entries, Loop)
    assert isinstance(diagonal, Store)
    assert diagonal.target.indices[-2:] == (lines.letter, lines.letter)


def test_only_what_is_read_anyway_is_worked_out_again() -> None:
    """x_hat is x less its mean, by sigma, and all three are needed; p rests on z, which is not."""
    given = {
        name: [each.name for each in program(name, f"{name}_vjp").parameters if not each.is_result]
        for name in ("layer_norm", "softmax")
    }
    assert given == {"layer_norm": ["x", "eps", "g"], "softmax": ["p", "g"]}


def test_maxima_that_are_only_subtracted_are_known_as_such() -> None:
    maxima = [
        each for each in nodes(program("softmax").body) if isinstance(each, Reduce) and each.kind == "max"
    ]
    assert [each.is_shift for each in maxima] == [True]


def test_every_reduction_starts_before_it_runs() -> None:
    for name in ("softmax", "cross_entropy", "linear_layer", "embedding"):
        for spec in functions_of(problem(name)):
            started: set[str] = set()
            for node in nodes(schedule(lower_function(spec)).body):
                if isinstance(node, Start):
                    started.add(node.target.array)
                if isinstance(node, Reduce):
                    assert node.target.array in started


def test_storage_of_one_sample_has_no_letter_of_the_samples() -> None:
    found = program("cross_entropy", "cross_entropy_value_and_gradient")
    rows = next(each for each in found.body if isinstance(each, Loop) and each.role == "rows")
    kept = {each.name: each for each in found.buffers if each.per_row}
    assert kept
    for node in nodes(found.body):
        if isinstance(node, Store | Reduce | Start) and node.target.array in kept:
            assert rows.letter not in node.target.indices
            assert len(node.target.indices) == len(kept[node.target.array].indices)


def test_sum_over_samples_is_not_parallel() -> None:
    found = program("linear_layer", "linear_layer_vjp")
    rows = [each for each in found.body if isinstance(each, Loop) and each.role == "rows"]
    assert [each.parallel for each in rows] == [False]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("squared_loss", "squared_loss_value_and_gradient"),
        ("kl_divergence", ""),
        ("logistic_loss", "logistic_loss_value_and_gradient"),
        ("layer_norm", "layer_norm_vjp"),
    ],
)
def test_a_pass_collects_in_local_variables(name: str, function: str) -> None:
    """A loop that adds to an entry of an array, as others are stored, is not done on vectors."""
    collected = [
        each.target
        for one in passes(program(name, function))
        for each in one.body
        if isinstance(each, Reduce)
    ]
    assert collected
    assert all(not target.indices for target in collected)
