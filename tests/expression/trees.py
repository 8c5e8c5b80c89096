"""Random smooth expressions, with shifted indices, whose value is well behaved everywhere."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from symderiv.expression.construct import add, multiply, power
from symderiv.expression.functions import call
from symderiv.expression.nodes import Compare, Delta, Entry, Expression, Index, Number, Size, Sum, Where
from symderiv.expression.shifts import shifted
from symderiv.notation.reader import read_problem

#: x and z over K, W over N and K, a scalar s; every value is positive in the tests.
PROBLEM = read_problem(
    """
index i, j, k, l : K
index a, b : N
input x[K], z[K], W[N, K], s
p[i] = exp(z[i]) / sum(k, exp(z[k]))
S = sum(k, x[k]^2)
""",
    "random",
)
K_LETTERS = tuple(Index(name, "K") for name in "ijkl")
N_LETTERS = tuple(Index(name, "N") for name in "ab")

_letters = st.sampled_from(K_LETTERS)
_rows = st.sampled_from(N_LETTERS)
_offsets = st.integers(-2, 2)
#: Index places that may lie outside: shifted by another letter, by a number, taken backwards, twice.
_shifts = st.builds(
    lambda one, other, sign, times, offset: shifted([(times, one), (sign, other)], offset, "K"),
    _letters, st.one_of(_letters, _rows), st.sampled_from((-1, 0, 0, 1)), st.sampled_from((1, 1, -1, 2)),
    _offsets,
)  # fmt: skip
_leaves: st.SearchStrategy[Expression] = st.one_of(
    st.integers(-3, 3).map(lambda value: Number(Fraction(value, 2))),
    st.builds(lambda name, k: Entry(name, (k,)), st.sampled_from("xzp"), _letters),
    st.builds(lambda a, k: Entry("W", (a, k)), _rows, _letters),
    st.sampled_from((Entry("s"), Entry("S"), Size("K"))),
    st.builds(Delta, _letters, _letters),
    st.builds(lambda name, k: Entry(name, (k,)), st.sampled_from("xzp"), _shifts),
    st.builds(lambda a, k: Entry("W", (a, k)), _rows, _shifts),
    st.builds(Delta, _letters, _shifts),
)


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    positive = inner.map(lambda u: add(Number(Fraction(2)), power(u, 2)))
    return st.one_of(
        st.builds(add, inner, inner),
        st.builds(multiply, inner, inner),
        st.builds(lambda u, v: multiply(u, power(v, -1)), inner, positive),
        st.builds(lambda u: power(u, 2), inner),
        inner.map(lambda u: call("tanh", u)),
        inner.map(lambda u: call("sigmoid", u)),
        positive.map(lambda u: call("log", u)),
        positive.map(lambda u: call("sqrt", u)),
        inner.map(lambda u: call("exp", call("tanh", u))),
        st.builds(Sum, st.one_of(_letters, _rows), inner),
        st.builds(lambda u, k, v: Where(Compare("in", k, Size("K")), u, v), inner, _shifts, inner),
    )


expressions: st.SearchStrategy[Expression] = st.recursive(_leaves, _grown, max_leaves=7)
