"""The certificate: an equation checked at a few small sizes that is thereby proved for every size.

**The claim.** A formula D in the entries of arrays, with free letters at given places, has *order* at
most d in an axis if, for every finite set V of places that holds those of the free letters,

    D(V) = Σ_S G(S),   S running over the subsets of V without those places, of at most d elements,

where G(S) depends only on the entries at the places in S and at those of the free letters, and G does
not depend on V.

*If D has order d and vanishes at d + 1 consecutive sizes n, n+1, ..., n+d, for all values of the
entries, then it vanishes at every larger size.* Proof: Let V be the smallest set of places at which
D is not zero for some values, and |V| = m > n + d. Choose B ⊂ V with n elements, those of the free
letters among them. The function h(T) = D(B ∪ T) of the subsets T of V \\ B has order d too: every
S meets V \\ B in at most d elements. So its Möbius transform Σ_T (-1)^|T| h(T) over all subsets of a set of
d + 1 elements or more is zero. Every h(T) but that of the whole is zero, since those sets have between n and
m - 1 elements; hence h(V \\ B) = D(V) is zero as well. Free letters that are equal stand at one place,
and which of them are is tried in every way; with f letters, n is at least the number f' of their
places, so sizes up to f + d suffice, or 1 to d + 1 where there are none.

**The order.** A value that depends on its own places only (an entry, a δ, any function of such
values, a power of one) has order 0: here G is the value itself. Orders of factors add, the order of a
sum of terms is the largest, a sum over the axis adds 1 (k joins S, or is one of the free places), and
the size K is the sum of ones. The condition of a sum, such as k ≠ i, is a factor of order 0. All this
is in :mod:`symderiv.proof.reach`.

**Denominators.** D = N/M is zero where N is, and N has an order; this needs a denominator that
depends on the whole axis to be the same for all terms of every sum over it, and :func:`reach.arranged` sees
to that. A size at which M is zero for all values (a variance at one place) proves nothing and is passed over.
N need not be written out: at a point where M is not zero, D = 0 says that N = 0.

**Square roots** of sums: D = A + B √U is zero if A and B are, where √U counts half the order of U, as
only its square U is of finite order. They are checked together, for either sign of the root.

**Other functions of sums** (e^{Σ_j W_jk x_j}, a logarithm of a sum, a maximum) have no finite order, so
there is an array in the place of each: what holds for any array holds for this one
(:mod:`symderiv.proof.atoms`). So do denominators and roots that cannot be cleared.

**Several axes** are written out one after another. For fixed sizes of the first, the second's
argument is the one above, with more places; when the equation holds for these sizes of the first and
every size of the second, the argument for the first extends it. Labels y_n are free places on their axis for
every place n of their own, so that comes first.

Where one axis is that of rows and of columns and nothing compares the two, they are taken as two
axes of any sizes (:mod:`symderiv.proof.split_axes`).

**What is not covered** is refused: fixed places on an axis of unknown size that the formula does not also
read, shifted places, and whatever else the tree may hold.

**The check** at given sizes is one evaluation at a random point modulo a large prime
(:mod:`symderiv.proof.point`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from symderiv.expression.nodes import Expression, Index
from symderiv.proof.check import Check, NotZero, Refused
from symderiv.proof.expand import ProofError
from symderiv.proof.free_places import Labels, labels_as_letters, require_plain_places
from symderiv.proof.point import Work
from symderiv.proof.split_axes import split_axes

#: How many nodes may be evaluated for one equation.
WORK_LIMIT = 400_000
#: How many ways to tell the axes of rows and columns apart are tried.
_MAX_SPLITS = 4


@dataclass(frozen=True)
class Certificate:
    """What was checked.

    Attributes
    ----------
    places
        For each axis, the largest size that was checked.
    smallest
        For each axis, the smallest size at which the equation has a value, where that is above 1.
    error_bits
        The check is wrong with a probability below 2 to minus this.
    hidden
        How many functions of sums were taken as arbitrary arrays.
    """

    places: Mapping[str, int]
    smallest: Mapping[str, int]
    error_bits: int
    hidden: int

    def worse(self, other: Certificate | None) -> Certificate:
        """What both certificates together show."""
        if other is None:
            return self
        return Certificate(
            {axis: max(size, other.places.get(axis, 1)) for axis, size in self.places.items()},
            {**other.smallest, **self.smallest},
            min(self.error_bits, other.error_bits),
            max(self.hidden, other.hidden),
        )

    def method(self) -> str:
        """One line for a report."""
        error = f"error below 2^-{self.error_bits}"
        if not self.places:
            return f"exact check modulo a prime, {error}"
        sizes = " and ".join(
            f"{number} place{'s' if number > 1 else ''} on {axis}" for axis, number in self.places.items()
        )
        return f"certificate: f + r = {sizes}, {error}"

    def because(self) -> str:
        """What that rests on."""
        parts = []
        if self.places:
            parts.append(
                "A term with f free letters and r sums over an axis, denominators cleared, involves at most "
                "f + r of its places, so an equation that holds at all sizes up to f + r holds at every size."
            )
        parts.append(
            "Each size was checked exactly: the difference of the sides was evaluated modulo a large prime, "
            "at a point drawn by a hash of the equation; by the Schwartz-Zippel lemma a false equation "
            "passes with at most the probability stated."
        )
        if self.hidden:
            parts.append(
                f"Functions of sums, {self.hidden} of them, were taken as arbitrary values, which only "
                "strengthens the claim."
            )
        return " ".join(parts)


def certify(
    difference: Expression,
    labels: Labels,
    apart: Sequence[tuple[Index, Index]] = (),
    fixed: Mapping[str, int] | None = None,
    *,
    ties: bool = True,
    limit: int | None = None,
) -> Certificate:
    """Prove that a tree in the inputs alone is zero for every size.

    Parameters
    ----------
    difference
        The left side minus the right one.
    labels
        For each array of labels its axes, and the axis that its places are on.
    apart
        Pairs of free letters that stand at different places.
    fixed
        Axes whose size is known; no letter may range over them any more
        (:func:`symderiv.proof.fixed_sizes.written_out`).
    ties
        Whether the equation is claimed where compared values are equal too.
    limit
        How many nodes may be evaluated; `WORK_LIMIT` without it.

    Raises
    ------
    NotZero
        If it is not found to be zero.
    ProofError
        If there is no answer: :class:`Refused`, or the work limit is reached.
    """
    require_plain_places(difference)
    work = Work(WORK_LIMIT if limit is None else limit)
    trees = chain([(difference, labels)], _apart(difference, labels, fixed))
    first: ProofError | None = None
    for tree, own in trees:
        for keep in (True, False):
            check = Check(tree, own, apart, dict(fixed or {}), work, ties=ties, keep=keep)
            try:
                bits = check.run()
                return Certificate(check.places, check.smallest, bits, check.hidden.count)
            except (NotZero, Refused) as error:
                first = first or error
            if not check.hidden.sizes:
                break
    assert first is not None
    raise first


def _apart(
    difference: Expression, labels: Labels, fixed: Mapping[str, int] | None
) -> Iterator[tuple[Expression, Labels]]:
    """The equation on more axes than it is written for."""
    if not fixed:
        for tree in islice(split_axes(labels_as_letters(difference, labels)), _MAX_SPLITS):
            yield tree, {}
