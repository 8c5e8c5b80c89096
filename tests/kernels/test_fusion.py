"""Nested loops: which are joined, which must not be, and how small what lies between them gets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import symderiv
from symderiv.expression.nodes import Entry, Index, Shift
from symderiv.kernels.contraction import contracted
from symderiv.kernels.emit import emit
from symderiv.kernels.fusion import fused
from symderiv.kernels.loop_program import Buffer, Loop, LoopProgram, Node, Parameter, Reduce, Start, Store
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.nests import TOTAL
from symderiv.kernels.schedule import schedule
from symderiv.kernels.specification import functions_of
from symderiv.kernels.verify import loaded

ROW, COLUMN, THIRD = Index("i", "N"), Index("j", "N"), Index("k", "N")
TWICE = """
index i : M
index j : N
index a, b : K
input x[M, N], w[K, K]
y[i, j] = sum(a, b, w[a, b] * x[i + a, j + b])
"""


def program(*body: Node, buffers: Sequence[Buffer] = ()) -> LoopProgram:
    """Loops over x[N, N] and t[N, N], which fill y[N, N]."""
    parameters = (Parameter("x", ("N", "N")), Parameter("y", ("N", "N"), is_result=True))
    return LoopProgram("made", parameters, tuple(buffers) or (Buffer("t", (ROW, COLUMN)),), body)


def nest(first: Index, second: Index, *inside: Node) -> Loop:
    return Loop(first, (Loop(second, inside),))


def entry(name: str, *letters: Index) -> Entry:
    return Entry(name, letters)


def filled(made: Store | Reduce) -> tuple[Loop, LoopProgram]:
    """A nest that fills t from x, and one that does `made`."""
    first = nest(ROW, COLUMN, Store(entry("t", ROW, COLUMN), entry("x", ROW, COLUMN)))
    second = nest(ROW, COLUMN, made)
    return second, program(first, second)


def test_a_nest_that_needs_its_own_turn_only_joins() -> None:
    _, before = filled(Store(entry("y", ROW, COLUMN), entry("t", ROW, COLUMN)))
    after = contracted(fused(before))
    assert after.body == (
        nest(
            ROW,
            COLUMN,
            Store(entry("t"), entry("x", ROW, COLUMN)),
            Store(entry("y", ROW, COLUMN), entry("t")),
        ),
    )
    assert after.buffers == (Buffer("t", ()),)


@pytest.mark.parametrize(
    ("made", "letters"),
    [
        (Store(entry("y", ROW, COLUMN), entry("t", COLUMN, ROW)), 0),  # of other turns of both loops
        (Store(entry("y", ROW, COLUMN), entry("t", COLUMN, COLUMN)), 0),
        (
            Store(entry("y", ROW, COLUMN), Entry("t", (Shift(((1, ROW),), 1, "N"), COLUMN))),
            0,
        ),  # the next line
        (
            Store(entry("y", ROW, COLUMN), Entry("t", (ROW, Shift(((1, COLUMN),), 1, "N")))),
            1,
        ),  # the same line: that loop only
        (Store(entry("t", COLUMN, ROW), entry("t", ROW, COLUMN)), 0),  # what it writes is read in other turns
    ],
)
def test_a_nest_that_needs_other_turns_does_not(made: Store, letters: int) -> None:
    """`letters` says how many of the two loops are joined."""
    second, before = filled(made)
    after = fused(before).body
    if letters == 0:
        assert after == before.body
    else:
        (outer,) = after
        assert isinstance(outer, Loop)
        assert outer.body == (before.body[0].body[0], second.body[0])  # type: ignore[union-attr]
        (kept,) = contracted(fused(before)).buffers
        assert kept.indices == (COLUMN,)


def test_letters_are_swapped_and_not_bound_twice() -> None:
    """The second nest runs over j outside and i inside; joined at the outer loop, i becomes its j."""
    first = nest(ROW, COLUMN, Store(entry("t", ROW, COLUMN), entry("x", ROW, COLUMN)))
    second = nest(COLUMN, ROW, Store(entry("y", COLUMN, ROW), entry("t", COLUMN, ROW)))
    after = contracted(fused(program(first, second)))
    assert after.body == (
        nest(
            ROW,
            COLUMN,
            Store(entry("t"), entry("x", ROW, COLUMN)),
            Store(entry("y", ROW, COLUMN), entry("t")),
        ),
    )


def test_a_local_variable_that_goes_on_from_turn_to_turn_keeps_loops_apart() -> None:
    """The first loop sets `total` in each turn; the second collects in it."""
    total = entry(TOTAL)
    lines = Loop(
        COLUMN,
        (
            Start("sum", total),
            Loop(THIRD, (Reduce("sum", total, entry("x", COLUMN, THIRD)),)),
            Store(entry("t", COLUMN), total),
        ),
    )
    whole = Loop(
        COLUMN,
        (
            Reduce("sum", total, entry("t", COLUMN)),
            Loop(THIRD, (Store(entry("y", COLUMN, THIRD), entry("t", COLUMN)),)),
        ),
    )
    before = program(lines, whole, buffers=[Buffer("t", (COLUMN,)), Buffer(TOTAL, ())])
    assert fused(before).body == before.body


def test_what_stands_between_is_moved_only_where_that_changes_nothing() -> None:
    first = nest(ROW, COLUMN, Store(entry("t", ROW, COLUMN), entry("x", ROW, COLUMN)))
    second = nest(ROW, COLUMN, Store(entry("y", ROW, COLUMN), entry("t", ROW, COLUMN)))
    free, bound = Store(entry("u"), entry("v")), Store(entry("u"), entry("t", ROW, ROW))
    moved = fused(program(first, free, second)).body
    assert moved[0] == free
    assert len(moved) == 2
    assert fused(program(first, bound, second)).body == (first, bound, second)


def test_a_window_in_two_dimensions_needs_one_line_between_its_sums() -> None:
    problem = symderiv.parse(TWICE, name="windows")
    code = emit(problem, "numba")
    assert "np.empty(K, out.dtype)" in code
    assert "if 0 <= a + i + 1 < M:" in code  # asked once for a line, not for each entry
    assert "np.empty((" not in code.split("def _windows_kernel")[1].split("def ")[0]
    x = np.random.default_rng(0).standard_normal((5, 6))
    w = np.random.default_rng(1).standard_normal((3, 3))
    padded = np.zeros((9, 10))
    padded[:5, :6] = x
    right = sum(w[a, b] * padded[a + 1 : a + 6, b + 1 : b + 7] for a in range(3) for b in range(3))
    found = loaded(problem, "numba", code).windows(x, w)
    np.testing.assert_allclose(found, right, rtol=1e-13, atol=1e-13)


def test_attention_is_one_loop_over_its_queries() -> None:
    """Scores, weights and their cotangents are lines of one query each, forward and backward."""
    attention = symderiv.load("attention_head")
    for spec in functions_of(attention):
        if spec.name in ("attention_head", "attention_head_gradient"):
            found = schedule(lower_function(spec))
            lines = {each.name for each in found.buffers if len(each.indices) > 1}
            assert lines <= {"sum_S_bar_Q"}  # the one sum over the queries that is no result by itself
