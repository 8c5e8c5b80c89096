"""Stability: rewrites that leave the value unchanged and keep floating point in range.

Every sum of exponentials S = Σ_k exp(u_k) gets three named arrays, and what is made of S is put in
terms of them:

    m = max_k u_k        e_k = exp(u_k - m)        s = Σ_k e_k

    exp(u_i) / S             becomes   e_i / s
    log S                    becomes   m + log s
    log Σ_k w_k exp(u_k)     becomes   m + log Σ_k w_k e_k
    log(1 + Σ_k exp(u_k))    becomes   softplus(m + log Σ_k e_k), which is small where the sum is
    log(exp(u_i) / S)        becomes   (u_i - m) - log s
    log(t / (exp(u_i) / S))  becomes   log t - ((u_i - m) - log s)
    Σ_k z_k p_k - z_i        becomes   Σ_k (z_k - M) p_k - (z_i - M),  M = max_k z_k,  where Σ_k p_k = 1
    Σ_k w_k exp(u_k)         has its maximum and its e_k where w_k is not 0
    Σ over part of an axis   has its maximum and its e_k over that part: u_k counts as -inf elsewhere
    exp(v) / S               becomes   exp(v - m) / s   where exp(v) is no term of S, or one that S leaves out
    c + Σ_k exp(u_k)         has m = max(0, max_k u_k) for all its terms, a constant c as c exp(0)
    w · log(..), w = 0       counts 0  (0 · log 0 = 0), and so does w · u where u may be -inf

A product is rewritten only where its degree in e^m is 0, so that e^m cancels; or where it is negative and
m is 0 at least, so that exp(-m) is small. Each rewrite is then
evaluated by the oracle, before and after, with 50 digits at generic values and several sizes; one
that changes the value raises :class:`KernelError`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symderiv.expression.construct import (
    add,
    base_and_exponent,
    factors_of,
    multiply,
    negate,
)
from symderiv.expression.functions import call
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    ZERO,
    Add,
    Call,
    Definition,
    Entry,
    Expression,
    Extremum,
    Multiply,
    Number,
    Power,
    Sum,
    Where,
)
from symderiv.expression.traverse import Path, map_children, walk
from symderiv.kernels.centred import LOG_RATIO, centred
from symderiv.kernels.groups import MINUS_INFINITY, Group, Groups, Spot, Use, power_of
from symderiv.kernels.guard import Guard, with_choices, with_deltas_apart, with_powers_apart
from symderiv.kernels.rewrite_check import demand_same_value
from symderiv.kernels.totals import with_signs_before


@dataclass
class Stabiliser(Groups):
    """Rewrites trees of one function; collects the definitions that the rewrites bring in.

    Parameters
    ----------
    definitions
        The named intermediates of the function, by name.
    taken
        Names that must not be given to a new array.
    infinite
        Arrays in which an entry of -inf is meant, as a weight of exactly 0 after exp.
    saved
        Definitions of arrays that the function is given, such as the probabilities p.
    """

    infinite: frozenset[str] = frozenset()
    saved: Mapping[str, Definition] = field(default_factory=dict)

    def rewrite(self, node: Expression) -> Expression:
        """`node` in its stable form, checked against the form given."""
        given, node = node, with_signs_before(node)
        totals: list[Path] = []
        for path, part in walk(node):
            if self.note_total(part):
                totals.append(path)
            if not any(path[: len(each)] == each and self.is_term_of_total(part) for each in totals):
                self.note_group(part)
        for _, part in walk(node):
            self.note_weighted_group(part)
        apart = with_deltas_apart(node) if totals else node
        shifted = self.shift_all(self.with_weights(with_powers_apart(with_choices(apart), self.definitions)))
        if shifted != given:
            before = {**self.definitions, **self.saved}
            demand_same_value(given, shifted, before, {**before, **self.added})
        return Guard(self.definitions, self.infinite).guarded(shifted)

    @property
    def shifted(self) -> frozenset[str]:
        """The arrays e and log s of all groups: their exponents are at most 0, their sums at least 1."""
        parts = [part.e for group in self.groups for part in group.parts]
        return frozenset((*parts, *(group.log_s for group in self.groups if group.is_at_least_one)))

    @property
    def shifts(self) -> frozenset[str]:
        """The maxima that it brought in: they are only subtracted from the exponents they are taken of."""
        maxima = {name: each.body for name, each in self.added.items() if isinstance(each.body, Extremum)}
        return frozenset(name for name, body in maxima.items() if body.kind == "max")

    # -- shares -----------------------------------------------------------------------------

    def shift_all(self, node: Expression) -> Expression:
        """`node` with its shares and logarithms in terms of the named arrays."""
        logarithm = self._log(node)
        if logarithm is not None:
            return logarithm
        in_the_middle = centred(node, self)
        if in_the_middle is not None:
            return in_the_middle
        grouped = self._grouped_difference(node)
        if grouped is not None:
            return grouped
        smaller = self._over_totals(node) or self._below_totals(node)
        if smaller is not None:
            return smaller
        if isinstance(node, Where) and node.otherwise == ZERO and power_of(node) is None:
            return replace(node, then=self.shift_all(self.restricted(node.then, node.condition)))
        if isinstance(node, Sum) and node.condition is not None:
            return replace(node, body=self.shift_all(self.restricted(node.body, node.condition)))
        return map_children(node, self.shift_all)

    def _over_totals(self, node: Expression) -> Expression | None:
        """A product of degree 0 over e^m, or divided by sums of exponentials, in the named arrays."""
        if not isinstance(node, Multiply):
            return None
        degree = self.degree(node)
        if degree and not any(degree.values()):
            return self._shift(node)
        return self._beside_totals(node)

    def _multiplied_out(self, node: Multiply) -> Expression | None:
        """(a + b) / S as a / S + b / S, where a and b have different degrees over e^m."""
        for factor in node.factors:
            if isinstance(factor, Add):
                rest = [each for each in node.factors if each is not factor]
                terms = [self._over_totals(multiply(term, *rest)) for term in factor.terms]
                known = [term for term in terms if term is not None]
                return add(*known) if len(known) == len(terms) else None
        return None

    def _beside_totals(self, node: Expression) -> Expression | None:
        """A product that is divided by sums of exponentials, with others in it that are no terms of these.

        exp(v) / S is exp(v - m) / s, which overflows where the quotient does. What is left of the degree over
        e^m, as of exp(v) / S^2, is taken out of an exponential that is a factor. Of one sum over another the
        largest exponents are compared first.
        """
        if self.beside or not isinstance(node, Multiply):
            return None
        self.beside = True
        try:
            degree, first = self.degree(node), self.divisors(node)
            if degree is None and first:
                self.beside = False
                return self._multiplied_out(node)
            if not degree or not first:
                return None
            if not any(degree.values()):
                return self._shift(node)
            for factor in node.factors:
                if power_of(factor) is not None:
                    own = self.degree(factor, first) or {}
                    counts = {use: own.get(use, 0) - count for use, count in degree.items()}
                    rest = multiply(*(each for each in node.factors if each is not factor))
                    return multiply(self._shift(rest, first), self.less(factor, counts))
            if max(degree.values()) > 0 > min(degree.values()):
                return multiply(self._shift(node), self.less(call("exp", ZERO), _negative(degree)))
            return None
        finally:
            self.beside = False

    def _below_totals(self, node: Expression) -> Expression | None:
        """A product of degree -d over e^m, where m is 0 at least: exp(-m)^d and what is left."""
        if not isinstance(node, Multiply | Power):
            return None
        powers: list[Expression] = []
        for (number, terms), count in (self.degree(node) or {}).items():
            group = self.groups[number]
            if count > 0 or (count and group.one is None):
                return None
            if count and group.one is not None:
                powers += [Entry(group.parts[group.one].e, terms)] * -count
        return multiply(*powers, self._shift(node)) if powers else None

    def _shift(self, node: Expression, first: Collection[Use] = ()) -> Expression:
        """Every exp(u) and S in a tree of degree 0 over e^m: the e^m cancel."""
        use = self.use_in(node, first)
        if use is not None:
            return Entry(self.groups[use[0]].s, use[1])
        term = self.use_of_exp(node, first)
        if term is not None:
            (number, terms), (part, place) = term
            return Entry(self.groups[number].parts[part].e, (*terms, *place))
        beside = self.use_beside(node, first)
        if beside is not None:
            return self.less(node, {beside: 1})
        if isinstance(node, Multiply):
            first = self.divisors(node) or first
        if isinstance(node, Sum) and node.condition is not None:
            return replace(node, body=self._shift(self.restricted(node.body, node.condition), first))
        if isinstance(node, Multiply | Add | Power | Sum):
            return map_children(node, lambda child: self._shift(child, first))
        was, self.beside = self.beside, False
        try:
            return self.shift_all(node)
        finally:
            self.beside = was

    # -- logarithms -------------------------------------------------------------------------

    def _log(self, node: Expression) -> Expression | None:
        """Log S, or the log of a share exp(u_i) / S, also where the share has a name."""
        if not (isinstance(node, Call) and node.function == "log"):
            return None
        (argument,) = node.arguments
        if isinstance(argument, Entry):
            body = self.unfolded(argument)
            if body is None:
                return None
            argument = body
        use = self.use_of_sum(argument)
        if use is not None:
            group, rest = self.groups[use[0]], self.rest_of(use[0])
            if rest:
                return call("softplus", Add((Entry(group.m, use[1]), call("log", Entry(rest, use[1])))))
            return Add((Entry(group.m, use[1]), Entry(group.log_s, use[1])))
        share = self._share(argument)
        if share is not None:
            return self._log_share(*share)
        return self._log_of_product(argument) or self._log_of_shifted(argument)

    def _log_of_shifted(self, node: Expression) -> Expression | None:
        """Log of what has a degree d in e^m other than 0: d m and the logarithm of what is left."""
        degree = self.degree(node)
        if not degree or not any(degree.values()):
            return None
        largest = [
            multiply(Number(Fraction(count)), Entry(self.groups[number].m, terms))
            for (number, terms), count in degree.items()
            if count
        ]
        return Add((*largest, call("log", self._shift(node))))

    def _log_of_product(self, node: Expression) -> Expression | None:
        """Log of a product with shares in it: the share may underflow, its logarithm does not.

        A share is positive, so log(t p) is log t + log p wherever it has a value.
        """
        if not isinstance(node, Multiply):
            return None
        logarithms: list[Expression] = []
        rest: list[Expression] = []
        for factor in node.factors:
            base, exponent = base_and_exponent(factor)
            body = self.unfolded(base) if isinstance(base, Entry) else None
            share = self._share(base if body is None else body)
            if share is None or not isinstance(exponent, Number):
                rest.append(factor)
            else:
                logarithms.append(multiply(exponent, self._log_share(*share)))
        if not logarithms:
            return None
        if rest:
            logarithms.insert(0, call("log", self.shift_all(multiply(*rest))))
        return Add(tuple(logarithms)) if len(logarithms) > 1 else logarithms[0]

    def _share(self, node: Expression) -> tuple[Use, Spot] | None:
        """The group and the term of exp(u_i) / S."""
        factors = factors_of(node)
        if len(factors) != 2:
            return None
        for top, bottom in (factors, factors[::-1]):
            base, exponent = base_and_exponent(bottom)
            total = self.use_of_sum(base) if exponent == Number(Fraction(-1)) else None
            term = self.use_of_exp(top, (total,)) if total is not None else None
            if term is not None and term[0] == total:
                return term
        return None

    def _log_ratio(self, use: Use, spot: Spot) -> Expression:
        group, terms = self.groups[use[0]], use[1]
        return call(LOG_RATIO, self.exponent_at(use, spot), Entry(group.m, terms), Entry(group.log_s, terms))

    def _log_share(self, use: Use, spot: Spot) -> Expression:
        """Log of the share exp(u_i) / S: -inf where the sum leaves the place out."""
        mine, ratio = Entry("@ratio"), self._log_ratio(use, spot)
        here = rename(self.groups[use[0]].parts[spot[0]].within(mine), self.spots(use, spot))

        def put(node: Expression) -> Expression:
            return ratio if node == mine else map_children(node, put)

        return put(here)

    def _grouped_difference(self, node: Expression) -> Expression | None:
        """Log S - u_i is -((u_i - m) - log s): u_i and m may be large, their difference is not."""
        if not isinstance(node, Add):
            return None
        terms = list(node.terms)
        for term in terms:
            if not (isinstance(term, Call) and term.function == "log"):
                continue
            use = self.use_of_sum(term.arguments[0])
            if use is None:
                continue
            for other in terms:
                spot = self.spot_of_exponent(use, negate(other))
                if spot is not None:
                    rest = [self.shift_all(each) for each in terms if each not in (term, other)]
                    ratio = multiply(Number(Fraction(-1)), self._log_ratio(use, spot))
                    return Add((ratio, *rest)) if rest else ratio
        return None


def _negative(degree: Mapping[Use, int]) -> dict[Use, int]:
    return {use: -count for use, count in degree.items()}


__all__ = ["LOG_RATIO", "MINUS_INFINITY", "Group", "Stabiliser"]
