"""The normal form: one sum of terms, each a number times powers of atoms.

Two trees with the same normal form are equal for every size of every axis, because each rewrite
of these files is: products over brackets multiplied out, δ's sifted, factors pulled out of sums, sums split,
e^{a+b} = e^a e^b, log(ab) = log a + log b, log e^u = u, and the functions of the exponential family
written by e. The converse does not hold: different normal forms prove nothing.

Atoms are entries, sizes, exponentials, function values and sums over an axis that nothing can be
pulled out of, each in canonical spelling.
"""

from symderiv.proof.normal.form import Normal
from symderiv.proof.normal.signs import is_positive

__all__ = ["Normal", "is_positive"]
