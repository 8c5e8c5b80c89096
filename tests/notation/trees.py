"""Random expressions over one fixed problem, for tests that hold for every tree."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from symderiv.expression.functions import PI
from symderiv.expression.nodes import (
    Add,
    Call,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Position,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import shifted
from symderiv.notation.reader import read_problem
from symderiv.problem import Problem

TEXT = """
index i, j, k, l, m : K
index a, b, c : N
input x[K], z[K], W[N, K], s, t
label y : K
label q[N] : K
p[i] = exp(z[i]) / sum(k, exp(z[k]))
L = -log(p[y])
upstream G(p)
"""
#: The problem that the trees speak of: arrays x, z, p over K, W over N and K, scalars s, t, L, labels y, q.
PROBLEM: Problem = read_problem(TEXT, "trees")
LETTERS = {"K": "ijklm", "N": "abc"}
SMOOTH = ("exp", "sin", "cos", "tanh", "sigmoid", "softplus", "erf")
ALL_FUNCTIONS = (*SMOOTH, "log", "sqrt", "abs", "relu", "step", "sign", "gamma", "cosh", "sinh", "tan")
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")

numbers = st.builds(
    lambda top, bottom: Number(Fraction(top, bottom)), st.integers(-12, 12), st.integers(1, 5)
)


def indices(axis: str) -> st.SearchStrategy[Index]:
    """A letter over an axis."""
    return st.sampled_from(LETTERS[axis]).map(lambda letter: Index(letter, axis))


def places(axis: str) -> st.SearchStrategy[IndexTerm]:
    """An index place: mostly a letter, now and then a fixed place or a label."""
    letters = indices(axis)
    fixed = st.integers(1, 3).map(lambda value: Position(value, axis))
    if axis == "N":
        return st.one_of(letters, letters, letters, fixed)
    labels = st.one_of(st.just(Entry("y")), indices("N").map(lambda letter: Entry("q", (letter,))))
    return st.one_of(letters, letters, letters, letters, fixed, labels)


def shifts(axis: str) -> st.SearchStrategy[IndexTerm]:
    """A place that may lie outside of its axis: a sum of letters, also of the other axis, and numbers."""
    counts = st.sampled_from((1, 1, 1, -1, -2, 3))
    letter = st.one_of(indices("K"), indices("N"), st.just(Entry("y")))
    parts = st.lists(st.tuples(counts, letter), min_size=1, max_size=3)
    return st.builds(lambda terms, offset: shifted(terms, offset, axis), parts, st.integers(-3, 3))


def guarded() -> st.SearchStrategy[Expression]:
    """An entry at a shifted place, with the condition that it exists around it."""
    found = shifts("K").filter(lambda place: isinstance(place, Shift))
    return st.builds(
        lambda name, place: Where(
            Compare("in", place, Size("K")), Call("exp", (Entry(name, (place,)),)), Number(Fraction(0))
        ),
        st.sampled_from("xzp"),
        found,
    )


def entries(derivable: bool = False) -> st.SearchStrategy[Entry]:
    """An entry of one of the arrays; `derivable` leaves out the unspecified function."""
    vector = st.builds(lambda name, place: Entry(name, (place,)), st.sampled_from("xzp"), places("K"))
    matrix = st.builds(lambda row, column: Entry("W", (row, column)), places("N"), places("K"))
    scalar = st.sampled_from(("s", "t", "L") if derivable else ("s", "t", "L", "G")).map(Entry)
    return st.one_of(vector, vector, matrix, scalar)


def leaves() -> st.SearchStrategy[Expression]:
    """An expression without parts."""
    deltas = st.sampled_from("KN").flatmap(lambda axis: st.builds(Delta, indices(axis), places(axis)))
    sizes = st.sampled_from(("K", "N")).map(Size)
    apart = st.sampled_from("KN").flatmap(lambda axis: st.builds(Delta, indices(axis), shifts(axis)))
    return st.one_of(entries(), entries(), numbers, deltas, sizes, st.just(PI), guarded(), apart)


def conditions(values: st.SearchStrategy[Expression]) -> st.SearchStrategy[Compare]:
    """A condition between index places or between values."""
    placed = st.sampled_from("KN").flatmap(
        lambda axis: st.builds(Compare, st.sampled_from(OPERATORS), indices(axis), places(axis))
    )
    apart = st.sampled_from("KN").flatmap(
        lambda axis: st.builds(Compare, st.sampled_from(OPERATORS), indices(axis), shifts(axis))
    )
    inside = st.sampled_from("KN").flatmap(
        lambda axis: st.builds(Compare, st.just("in"), shifts(axis), st.just(Size(axis)))
    )
    return st.one_of(placed, apart, inside, st.builds(Compare, st.sampled_from(OPERATORS), values, values))


def _sums(values: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    index = st.sampled_from("KN").flatmap(indices)
    restricted = index.flatmap(
        lambda letter: st.builds(
            lambda operator, other, body, kind: kind(letter, body, Compare(operator, letter, other)),
            st.sampled_from(OPERATORS),
            places(letter.axis).filter(lambda place: place != letter),
            values,
            st.sampled_from((Sum, Product)),
        )
    )
    return st.one_of(
        st.builds(Sum, index, values),
        st.builds(Product, index, values),
        st.builds(Extremum, st.sampled_from(("max", "min")), index, values),
        st.builds(Sum, index, values, conditions(values)),
        restricted,
    )


def _larger(values: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(values, min_size=2, max_size=4).map(tuple)
    exponents = st.one_of(st.integers(-3, 3).map(lambda value: Number(Fraction(value))), values)
    return st.one_of(
        several.map(Add),
        several.map(Multiply),
        st.builds(Power, values, exponents),
        st.builds(lambda name, part: Call(name, (part,)), st.sampled_from(ALL_FUNCTIONS), values),
        st.builds(
            lambda name, one, two: Call(name, (one, two)), st.sampled_from(("max", "min")), values, values
        ),
        st.builds(Where, conditions(values), values, values),
        st.builds(Derivative, values, st.lists(entries(True), min_size=1, max_size=2).map(tuple)),
        _sums(values),
    )


def expressions(max_leaves: int = 12) -> st.SearchStrategy[Expression]:
    """Any tree over :data:`PROBLEM`; its letters may be free, bound, or both at different places."""
    return st.recursive(leaves(), _larger, max_leaves=max_leaves)


def has_zero_division(node: Expression) -> bool:
    """Whether a literal zero stands below a bar, or an exponent is beyond what may be written."""
    from symderiv.expression.canonical import canonical
    from symderiv.expression.traverse import walk

    for _, part in walk(node):
        if isinstance(part, Power):
            base, exponent = canonical(part.base), canonical(part.exponent)
            if base == Number(Fraction(0)) and isinstance(exponent, Number) and exponent.value < 0:
                return True
    return False
