"""Is one expression equal to another for every size? A proof, a counterexample, or neither."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import subtract
from symderiv.expression.nodes import Expression
from symderiv.expression.traverse import has_derivative
from symderiv.notation.text import to_text
from symderiv.problem import Assumption, Problem, given_sizes
from symderiv.proof.assumed import under
from symderiv.proof.certificate import Certificate, certify
from symderiv.proof.check import NotZero
from symderiv.proof.comparisons import with_plain_comparisons
from symderiv.proof.counterexample import can_be_met, search
from symderiv.proof.domain import domain
from symderiv.proof.expand import ProofError, carried_out, inverted, outermost, variables, with_definitions
from symderiv.proof.fixed_sizes import written_out
from symderiv.proof.free_places import labels_as_letters, require_plain_places
from symderiv.proof.inverses import with_inverses_known
from symderiv.proof.normal import Normal
from symderiv.proof.positive import with_exponentials
from symderiv.proof.trial import reachable
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
    away: bool = False,
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
    away
        Whether it is claimed only where no compared values meet: away from kinks and steps. An equation
        that holds a derivative, perhaps by a definition, always is.

    Returns
    -------
    Verdict
        ``proved`` means: equal for every size of every axis (but those in `sizes`), by normal form or by
        the certificate of :mod:`symderiv.proof.certificate`. ``refuted`` comes with numbers (exact, or 30
        digits) that meet the assumptions. Numbers alone never prove.
    """
    sizes = {**given_sizes(problem), **(sizes or {})}
    claim = _Claim(left, right, problem, tuple(assumptions), sizes, away)
    verdict = claim.by_normal_form() or claim.by_certificate()
    if verdict is not None:
        return verdict
    reason = "; ".join(dict.fromkeys(claim.reasons))
    trial = search(
        left, right, problem, extra,
        digits=DIGITS, assumptions=assumptions, fixed=sizes, more=claim.failed, away=claim.away,
    )  # fmt: skip
    if trial.found is not None:
        return Verdict("refuted", reason, (), trial.found)
    digits = DIGITS - 8 if trial.points else 0
    return Verdict("undecided", reason, points=trial.points, digits=digits, met=trial.met)


#: The precision of numbers that are no exact fractions.
DIGITS = 30


class _Claim:
    """One equation, and why the ways that were tried did not prove it."""

    def __init__(  # noqa: PLR0917 (all that is claimed)
        self,
        left: Expression,
        right: Expression,
        problem: Problem,
        assumptions: tuple[Assumption, ...],
        sizes: Mapping[str, int],
        away: bool,
    ) -> None:
        self.left, self.right, self.problem = left, right, problem
        self.assumptions = assumptions
        self.sizes = sizes
        self.reasons: list[str] = []
        #: Sizes at which the certificate's check failed: the equation may well be false there.
        self.failed: list[Mapping[str, int]] = []
        used = reachable((left, right), problem)
        bodies = [each.body for each in problem.definitions if each.name in used]
        # A derivative is claimed where it exists: away from kinks.
        self.written = (left, right, *filter(has_derivative, bodies))
        self.away = away or any(map(has_derivative, self.written))
        self.labels = {
            given.name: (given.axes, given.label_of) for given in problem.inputs if given.label_of is not None
        }
        #: The left side minus the right one, in the names of the problem; none where that is not found.
        self.difference: Expression | None = None
        try:
            self.difference = subtract(carried_out(left, problem), carried_out(right, problem))
        except ProofError as error:
            self.reasons.append(f"not written in the inputs: {error}")

    def by_normal_form(self) -> Verdict | None:
        """A proof by normal form, or None."""
        equations = {canonical(each.left): each.right for each in self.assumptions}
        for difference, where in self._trees():
            try:
                used: tuple[Assumption, ...] = ()
                found = Normal().is_zero(difference)
                if not found and equations:
                    found, used = Normal(equations).is_zero(difference), self.assumptions
                if not found:
                    written, used = under(difference, self.assumptions)
                    found = bool(used) and Normal().is_zero(written)
                if found:
                    return self._proved("normal form", _BY_NORMAL_FORM, used, where=where)
                self.reasons.append("the normal forms differ")
            except ProofError as error:
                self.reasons.append(f"no normal form: {error}")
        return None

    def _trees(self) -> Iterator[tuple[Expression, tuple[str, ...]]]:
        """The difference in various names, each with what its domain is said to be."""
        layers: list[Expression] = []
        for layer in self._layers():
            layers.append(layer)
            yield layer, ()
        for layer in layers:
            found = with_exponentials(layer)
            if found is not None:
                written, entries = found
                yield written, tuple(f"{to_text(entry)} > 0" for entry in entries)

    def _layers(self) -> Iterator[Expression]:
        """The difference in all names, then with the outermost of them written out, again and again.

        What is true whatever the names stand for is true of what they do stand for, and the fewer are
        written out, the shorter the way.
        """
        difference = self.difference
        while difference is not None:
            plain = with_plain_comparisons(difference)
            yield with_inverses_known(plain, self.problem, self.assumptions)
            outer = outermost(difference, self.problem)
            written = self._written(difference, outer) if outer else None
            difference = None if written == difference else written  # an inverse may have to stay

    def _written(self, difference: Expression, names: Collection[str]) -> Expression | None:
        """The difference with the definitions of `names` written out."""
        try:
            return with_definitions(difference, self.problem, names)
        except ProofError as error:
            self.reasons.append(f"not written in the inputs: {error}")
            return None

    def by_certificate(self) -> Verdict | None:
        """A proof by the certificate, or None."""
        for difference in self._written_out():
            for assumed in dict.fromkeys(((), self.assumptions)):
                tree, used = under(difference, assumed)
                if assumed and not used:
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

    def _written_out(self) -> Iterator[Expression]:
        """The difference in the inputs, but for names that may stay; then in the inputs alone."""
        sides = (self.left, self.right)
        names, matrices = variables(sides, self.problem), inverted(sides, self.problem)
        every = {each.name for each in self.problem.definitions}
        found: set[Expression] = set()
        for kept in (names, frozenset[str](), names | matrices):
            written = self.difference and self._written(self.difference, every - kept)
            if written is not None:
                written = with_plain_comparisons(written)
                written = with_inverses_known(written, self.problem, self.assumptions)
            if written is not None and written not in found:
                found.add(written)
                yield written

    def _certified(self, tree: Expression) -> Certificate:
        if not self.sizes:
            return certify(tree, self.labels, ties=not self.away)
        require_plain_places(tree)
        found: Certificate | None = None
        for each in written_out(labels_as_letters(tree, self.labels), self.sizes):
            found = certify(each, self.labels, fixed=self.sizes, ties=not self.away).worse(found)
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
        places = tuple(dict.fromkeys((*domain(self.written, kinks=self.away), *where)))
        if certificate is not None:
            places += tuple(f"{axis} ≥ {size}" for axis, size in certificate.smallest.items())
        met = not rests_on or can_be_met(
            self.left, self.right, self.problem, self.assumptions, fixed=self.sizes
        )
        return Verdict(
            "proved", method, rests_on, because=because, domain=places, sizes=dict(sizes or {}), met=met
        )


def _sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
