"""Is one expression equal to another for every size? A proof, a counterexample, or neither."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import subtract
from symderiv.expression.nodes import Derivative, Expression
from symderiv.expression.traverse import walk
from symderiv.notation.text import to_text
from symderiv.problem import Assumption, Problem
from symderiv.proof.assumed import under
from symderiv.proof.certificate import Certificate, certify
from symderiv.proof.check import NotZero
from symderiv.proof.counterexample import search
from symderiv.proof.domain import domain
from symderiv.proof.expand import ProofError, held, in_inputs, inverted
from symderiv.proof.fixed_sizes import written_out
from symderiv.proof.free_places import labels_as_letters, require_plain_places
from symderiv.proof.normal import Normal
from symderiv.proof.positive import with_exponentials
from symderiv.proof.verdict import Verdict

_BY_NORMAL_FORM = (
    "Both sides have one normal form: brackets multiplied out, deltas sifted, factors pulled out of sums, "
    "exponentials of sums and logarithms of products split. Every one of these rewrites holds for every size."
)
_BY_WRITING_OUT = "All sums over the axes of given size were written out. "


def prove(
    left: Expression,
    right: Expression,
    problem: Problem,
    assumptions: Sequence[Assumption] = (),
    extra: Sequence[tuple[str, tuple[str, ...]]] = (),
    *,
    sizes: Mapping[str, int] | None = None,
) -> Verdict:
    """Judge ``left = right`` in the names of `problem`.

    Parameters
    ----------
    left, right
        The two sides; they may hold derivatives.
    assumptions
        Equations that may be used, such as that the sum of an array over an axis is 1.
    extra
        Further arrays, such as a cotangent, with their axes.
    sizes
        The sizes of axes for which the equation is claimed; for all others it is claimed for every size.

    Returns
    -------
    Verdict
        ``proved`` means: equal for every size of every axis (but those in `sizes`), by normal form or by
        the certificate of :mod:`symderiv.proof.certificate`. ``refuted`` comes with numbers (exact, or 30
        digits) that meet the assumptions. Numbers alone never prove.
    """
    claim = _Claim(left, right, problem, tuple(assumptions), dict(sizes or {}))
    verdict = claim.by_normal_form() or claim.by_certificate()
    if verdict is not None:
        return verdict
    reason = "; ".join(dict.fromkeys(claim.reasons))
    trial = search(
        left, right, problem, extra, digits=DIGITS, assumptions=assumptions, fixed=sizes, more=claim.failed
    )
    if trial.found is not None:
        return Verdict("refuted", reason, (), trial.found)
    return Verdict("undecided", reason, points=trial.points, digits=DIGITS - 8 if trial.points else 0)


#: The precision of numbers that are no exact fractions.
DIGITS = 30


class _Claim:
    """One equation, and why the ways that were tried did not prove it."""

    def __init__(
        self,
        left: Expression,
        right: Expression,
        problem: Problem,
        assumptions: tuple[Assumption, ...],
        sizes: Mapping[str, int],
    ) -> None:
        self.left, self.right, self.problem = left, right, problem
        self.assumptions = assumptions
        self.sizes = sizes
        self.reasons: list[str] = []
        #: Sizes at which the certificate's check failed: the equation may well be false there.
        self.failed: list[Mapping[str, int]] = []
        # A derivative is claimed where it exists: away from kinks.
        self.slopes = any(isinstance(part, Derivative) for side in (left, right) for _, part in walk(side))
        self.labels = {
            given.name: (given.axes, given.label_of) for given in problem.inputs if given.label_of is not None
        }
        # The variables of derivatives are kept as names where that is sound: shorter, and for all values.
        self.differences: list[Expression] = []
        self.positive: dict[Expression, tuple[str, ...]] = {}  # what is said of their domain
        try:
            variables, matrices = held((left, right), problem), inverted((left, right), problem)
            for holding in dict.fromkeys((variables, frozenset[str](), variables | matrices)):
                self.differences.append(self._difference(holding))
            self._add_where_logarithms_exist()
        except ProofError as error:
            self.reasons.append(f"not written in the inputs: {error}")

    def _add_where_logarithms_exist(self) -> None:
        """One more difference, in which what has a logarithm is written as an exponential."""
        found = with_exponentials(self.differences[0])
        if found is not None:
            written, entries = found
            self.differences.append(written)
            self.positive[written] = tuple(f"{to_text(entry)} > 0" for entry in entries)

    def _difference(self, holding: Collection[str]) -> Expression:
        a, b = (in_inputs(side, self.problem, holding) for side in (self.left, self.right))
        return subtract(a, b)

    def by_normal_form(self) -> Verdict | None:
        """A proof by normal form, or None."""
        equations = {canonical(each.left): each.right for each in self.assumptions}
        for difference in self.differences:
            try:
                if Normal().is_zero(difference):
                    return self._proved(
                        "normal form", _BY_NORMAL_FORM, where=self.positive.get(difference, ())
                    )
                if equations and Normal(equations).is_zero(difference):
                    return self._proved("normal form", _BY_NORMAL_FORM, self.assumptions)
                written, used = under(difference, self.assumptions)
                if used and Normal().is_zero(written):
                    return self._proved("normal form", _BY_NORMAL_FORM, used)
                self.reasons.append("the normal forms differ")
            except ProofError as error:
                self.reasons.append(f"no normal form: {error}")
        return None

    def by_certificate(self) -> Verdict | None:
        """A proof by the certificate, or None."""
        for difference in self.differences:
            for assumed in dict.fromkeys(((), self.assumptions)):
                tree, used = under(difference, assumed)
                if (assumed and not used) or difference in self.positive:
                    continue
                try:
                    found = self._certified(tree)
                except ProofError as error:
                    self.reasons.append(f"no certificate: {error}")
                    if isinstance(error, NotZero) and max(error.sizes.values(), default=1) > 2:
                        self.failed.append(error.sizes)
                    continue
                if self.sizes:
                    method = f"exact check of {_sizes(self.sizes)}; {found.method()}"
                    return self._proved(method, _BY_WRITING_OUT + found.because(), used, self.sizes, found)
                return self._proved(found.method(), found.because(), used, {}, found)
        return None

    def _certified(self, tree: Expression) -> Certificate:
        if not self.sizes:
            return certify(tree, self.labels, ties=not self.slopes)
        require_plain_places(tree)
        found: Certificate | None = None
        for each in written_out(labels_as_letters(tree, self.labels), self.sizes):
            found = certify(each, self.labels, fixed=self.sizes, ties=not self.slopes).worse(found)
        assert found is not None
        return found

    def _proved(
        self,
        method: str,
        because: str,
        rests_on: tuple[Assumption, ...] = (),
        sizes: Mapping[str, int] | None = None,
        certificate: Certificate | None = None,
        *,
        where: tuple[str, ...] = (),
    ) -> Verdict:
        places = tuple(dict.fromkeys((*domain((self.left, self.right), kinks=self.slopes), *where)))
        if certificate is not None:
            places += tuple(f"{axis} ≥ {size}" for axis, size in certificate.smallest.items())
        return Verdict("proved", method, rests_on, because=because, domain=places, sizes=dict(sizes or {}))


def _sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
