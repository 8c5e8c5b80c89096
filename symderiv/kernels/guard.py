"""0 · log 0 = 0: a weight of exactly 0 counts 0, whatever it is a weight of; so does what is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from symderiv.expression.construct import add, factors_of, left_out_by, multiply
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    ZERO,
    Add,
    Call,
    Compare,
    Definition,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Number,
    PlaceTerm,
    Power,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.totals import power_of


def with_choices(node: Expression) -> Expression:
    """(1 - delta(i, j)) f as a choice of f or 0, where a sum in f leaves terms out.

    The largest exponent that such a sum is divided by need not be the largest of all: exp of what it leaves
    out may overflow, and 0 times infinity is no number.
    """
    node = map_children(node, with_choices)
    if not isinstance(node, Multiply):
        return node
    for factor in node.factors:
        delta = left_out_by(factor)
        if delta is not None and any(
            isinstance(part, Sum) and part.condition is not None for _, part in walk(node)
        ):
            rest = multiply(*(each for each in node.factors if each is not factor))
            return Where(Compare("!=", delta.left, delta.right), rest, ZERO)
    return node


def with_deltas_apart(node: Expression) -> Expression:
    """f (delta(i, y) g(i) + (1 - delta(i, y)) h) term by term, and with g(y) beside delta(i, y).

    So the exponentials of each case are those of the sum that they are divided by.
    """
    node = map_children(node, with_deltas_apart)
    if not isinstance(node, Multiply):
        return node
    for factor in node.factors:
        if isinstance(factor, Add) and left_out_by(factor) is None and any(map(_has_delta, factor.terms)):
            rest = [each for each in node.factors if each is not factor]
            return add(*(with_deltas_apart(multiply(term, *rest)) for term in factor.terms))
    for factor in node.factors:
        if isinstance(factor, Delta) and isinstance(factor.left, Index):
            there: dict[Index, IndexTerm] = {factor.left: factor.right}
            return multiply(*(each if each is factor else rename(each, there) for each in node.factors))
    return node


def _has_delta(term: Expression) -> bool:
    return any(isinstance(each, Delta) or left_out_by(each) is not None for each in factors_of(term))


def with_powers_apart(node: Expression, definitions: Mapping[str, Definition]) -> Expression:
    """where(c, f exp(u), 0) as where(c, f, 0) where(c, exp(u), 0): the latter is a term of a sum over such.

    Both factors keep the condition: what does not count may be anything, NaN too. With f, weights are meant:
    a share that stands there is one as a whole.
    """
    node = map_children(node, lambda child: with_powers_apart(child, definitions))
    if not (isinstance(node, Where) and node.otherwise == ZERO and isinstance(node.then, Multiply)):
        return node
    powers = [each for each in node.then.factors if power_of(each) is not None]
    if len(powers) != 1:
        return node
    rest = multiply(*(each for each in node.then.factors if each is not powers[0]))
    if any(
        isinstance(part, Sum) or (isinstance(part, Entry) and part.array in definitions)
        for _, part in walk(rest)
    ):
        return node
    weight = rest if isinstance(rest, Number) else replace(node, then=rest)
    return multiply(weight, replace(node, then=powers[0]))


def _is_guarded(condition: Compare, then: Expression) -> bool:
    """Whether a condition is that of a guard: that a weight in what it stands before is not 0."""
    if condition.operator != "!=" or condition.right != ZERO or isinstance(condition.left, PlaceTerm):
        return False
    return set(factors_of(condition.left)) <= set(factors_of(then))


@dataclass
class Guard:
    """Puts conditions before products that may be 0 · ∞.

    Parameters
    ----------
    definitions
        The named intermediates of the function, by name.
    infinite
        Arrays in which an entry of -inf is meant, as a weight of exactly 0 after exp.
    """

    definitions: Mapping[str, Definition]
    infinite: frozenset[str] = frozenset()
    _log_like: dict[str, bool] = field(default_factory=dict)

    def _may_be_infinite(self, node: Expression) -> bool:
        match node:
            case Call("log", _) | Call("log_ratio", _) | Where(_, _, Call("minus_infinity", _)):
                return True
            case Add(parts) | Multiply(parts):
                return any(self._may_be_infinite(part) for part in parts)
            case Where(condition, then, otherwise) if not _is_guarded(condition, then):
                return self._may_be_infinite(then) or self._may_be_infinite(otherwise)
            case Sum(_, body):
                return self._may_be_infinite(self.guarded(body))
            case Entry(array, _) if array in self.infinite:
                return True
            case Entry(array, _):
                definition = self.definitions.get(array)
                if definition is None:
                    return False
                if array not in self._log_like:
                    self._log_like[array] = False
                    self._log_like[array] = bool(definition.indices) and self._may_be_infinite(
                        definition.body
                    )
                return self._log_like[array]
            case _:
                return False

    def guarded(self, node: Expression) -> Expression:
        """A weight of exactly 0 times a logarithm that may be infinite counts 0."""
        node = map_children(node, self.guarded)
        if not isinstance(node, Multiply):
            return node
        infinite = [factor for factor in node.factors if self._may_be_infinite(factor)]
        weights = [
            factor
            for factor in node.factors
            if factor not in infinite and not isinstance(factor, Number | Size | Where | Delta | Power)
        ]
        if not infinite or not weights:
            return node
        return Where(Compare("!=", multiply(*weights), ZERO), node, ZERO)


__all__ = ["Guard", "with_choices", "with_deltas_apart", "with_powers_apart"]
