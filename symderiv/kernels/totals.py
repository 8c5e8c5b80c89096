"""Sums of several terms, some of them exponentials or sums of such: 1 + Σ_k exp(z_k), exp(a) + exp(b) + c.

A constant c counts as c · exp(0), so that one largest exponent can be taken out of all terms. What a
divisor, or a logarithm, is made of so is one total, as a sum of exponentials along an axis is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations

from symderiv.expression.construct import add, coefficient_and_rest, factors_of, multiply, negate
from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Power,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children
from symderiv.kernels.matching import match
from symderiv.kernels.monomial import is_exposed

#: A constant of the kernels room only: the exponent of an exponential that is exactly 0.
MINUS_INFINITY = Call("minus_infinity", ())

_TURNED = {">": "<", ">=": "<="}
#: With more terms than these, they are found again in their own order only.
_IN_ANY_ORDER = 4


@dataclass(frozen=True)
class Part:
    """One term of a total: weight · Σ_index inner · exp(exponent), or weight · exp(exponent).

    With conditions, it is the sum over the places that meet them. `e` and `u` name the arrays of the
    exponentials, less the largest exponent, and of the exponents.
    """

    index: Index | None
    exponent: Expression
    conditions: tuple[Compare, ...]
    weight: Expression = ONE
    inner: Expression = ONE
    e: str = ""
    u: str = ""

    def term(self) -> Expression:
        """What is summed over the whole axis: 0 where a condition does not hold."""
        return restricted_to(self.conditions, call("exp", self.exponent))

    def within(self, value: Expression) -> Expression:
        """`value` where the conditions hold, elsewhere -inf."""
        return restricted_to(self.conditions, value, MINUS_INFINITY)

    @property
    def is_constant(self) -> bool:
        """Whether it is a term without an exponential."""
        return self.exponent == ZERO

    def letters(self) -> tuple[Index, ...]:
        """The letters that a total with this term has, as the exponent has them: the batch letter first."""
        inside = dict.fromkeys((*free_indices(self.exponent), *free_indices(self.term())))
        used = (*inside, *free_indices(self.inner), *free_indices(self.weight))
        return tuple(dict.fromkeys(each for each in used if each != self.index))


@dataclass(frozen=True)
class Group:
    """A sum of exponentials Σ_index exp(exponent), or a total of several terms, and the arrays for it.

    `tree` is the total as it is written, where it has several terms. Where one of them is 1 and all others
    are positive, `rest` names the sum of the others, once it is asked for: log(1 + r) is small where r is.
    """

    parts: tuple[Part, ...]
    tree: Expression | None
    free: tuple[Index, ...]
    m: str
    s: str
    log_s: str
    rest: str = ""

    @property
    def one(self) -> int | None:
        """Which part is a constant, where one is: then the largest exponent is 0 at least."""
        return next((number for number, part in enumerate(self.parts) if part.is_constant), None)

    @property
    def is_one_and_more(self) -> bool:
        """Whether it is 1 and positive terms."""
        if self.one is None or self.parts[self.one].weight != ONE:
            return False
        return all(part.inner == ONE and _is_positive(part.weight) for part in self.parts)

    @property
    def is_at_least_one(self) -> bool:
        """Whether the sum is 1 at least once the largest exponent is taken out of it."""
        weights = [part.weight for part in self.parts if part.inner == ONE]
        whole = len(weights) == len(self.parts)
        return whole and all(isinstance(each, Number) and each.value >= 1 for each in weights)

    def found_in(self, node: Expression) -> dict[Index, IndexTerm] | None:
        """The index terms for the free letters, where `node` is this sum."""
        if self.tree is not None:
            return self._found_in_terms(node)
        (part,) = self.parts
        if not isinstance(node, Sum) or part.index is None or part.index.axis != node.index.axis:
            return None
        found: dict[Index, IndexTerm] = {part.index: node.index}
        if not match(part.term(), term_of(node), set(self.free), found):
            return None
        return None if any(node.index == found[index] for index in self.free) else found

    def _found_in_terms(self, node: Expression) -> dict[Index, IndexTerm] | None:
        assert isinstance(self.tree, Add)
        if not isinstance(node, Add) or len(node.terms) != len(self.tree.terms):
            return None
        orders = permutations(node.terms) if len(node.terms) <= _IN_ANY_ORDER else (node.terms,)
        for terms in orders:
            found: dict[Index, IndexTerm] = {}
            if match(self.tree, Add(tuple(terms)), set(self.free), found):
                return found
        return None


def _is_positive(weight: Expression) -> bool:
    return isinstance(weight, Number) and weight.value > 0


def parts_of(node: Expression) -> tuple[Part, ...] | None:
    """The terms of a sum, where it is a total of exponentials that has to be shifted; None for all else."""
    if not isinstance(node, Add):
        return None
    found = [_part(term) for term in node.terms]
    parts = tuple(each for each in found if each is not None)
    if len(parts) != len(found) or all(part.is_constant for part in parts):
        return None
    return parts if sum(part.is_constant for part in parts) <= 1 else _constants_joined(parts)


def with_signs_before(node: Expression) -> Expression:
    """1 / (-1 - Σ_k exp(z_k)) as -1 / (1 + Σ_k exp(z_k)): a total and what is its contrary are one."""
    node = map_children(node, with_signs_before)
    match node:
        case Power(Add(terms), Number(value) as exponent) if value.denominator == 1:
            if all(coefficient_and_rest(term)[0] < 0 for term in terms) and parts_of(node.base):
                sign = Number(Fraction(-1) ** int(value))
                return multiply(sign, Power(add(*(negate(term) for term in terms)), exponent))
        case Multiply(factors) if any(isinstance(each, Multiply) for each in factors):
            return multiply(*factors)
    return node


def _constants_joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The same with all that has no exponential as one term."""
    constants = [part for part in parts if part.is_constant]
    weight = Add(tuple(part.weight for part in constants))
    return (*(part for part in parts if not part.is_constant), replace(constants[0], weight=weight))


def _part(term: Expression) -> Part | None:
    factors = factors_of(term)
    for place, factor in enumerate(factors):
        index = factor.index if isinstance(factor, Sum) else None
        power = power_of(term_of(factor) if isinstance(factor, Sum) else factor)
        if power is None or (index is not None and index not in free_indices(power[0])):
            continue
        weight = multiply(*factors[:place], *factors[place + 1 :])
        return None if is_exposed(weight) else Part(index, *power, weight)
    for place, factor in enumerate(factors):
        if isinstance(factor, Sum) and factor.condition is None:
            weight = multiply(*factors[:place], *factors[place + 1 :])
            part = _weighted(factor.index, factors_of(factor.body))
            if part is not None and not is_exposed(weight):
                return replace(part, weight=weight)
    return None if is_exposed(term) else Part(None, ZERO, (), term)


def _weighted(index: Index, factors: Sequence[Expression]) -> Part | None:
    """A sum of exponentials with weights; those beside a weight of 0 have no say in the largest exponent."""
    powers = [place for place, each in enumerate(factors) if power_of(each) is not None]
    if len(powers) != 1:
        return None
    (place,) = powers
    power = power_of(factors[place])
    inner = multiply(*factors[:place], *factors[place + 1 :])
    if power is None or index not in free_indices(power[0]) or is_exposed(inner):
        return None
    exponent, conditions = power
    return Part(index, exponent, conditions or weighed(index, factors), inner=inner)


def weighed(index: Index, factors: Sequence[Expression]) -> tuple[Compare, ...]:
    """The condition that the weight in a product is not 0, where there is one weight that the index tells."""
    weights = [each for each in factors if isinstance(each, Entry) and index in free_indices(each)]
    return (has_weight(weights[0]),) if len(weights) == 1 else ()


def has_weight(weight: Entry) -> Compare:
    """The condition that a weight is not 0."""
    return Compare("!=", weight, ZERO)


def term_of(node: Sum) -> Expression:
    """What a sum adds up over the whole axis: 0 at the places that do not meet its condition."""
    own, body = () if node.condition is None else (node.condition,), node.body
    power = power_of(body)
    if power is not None:
        return restricted_to((*own, *power[1]), call("exp", power[0]))
    if isinstance(body, Where):
        body = replace(body, condition=turned(body.condition))
    return restricted_to(own, body)


def restricted_to(
    conditions: Sequence[Compare], value: Expression, otherwise: Expression = ZERO
) -> Expression:
    """`value` where the conditions hold, elsewhere 0, in one order; m >= n is spelled n <= m."""
    for condition in sorted(map(turned, conditions), key=_kind, reverse=True):
        value = Where(condition, value, otherwise)
    return value


def _kind(condition: Compare) -> tuple[str, list[str]]:
    """What orders conditions, whatever their letters are."""
    sides = (condition.left, condition.right)
    names = [side.array if isinstance(side, Entry) else type(side).__name__ for side in sides]
    return condition.operator, sorted(names)


def turned(condition: Compare) -> Compare:
    """The condition without > and >=: one that is written in two ways is one condition."""
    if condition.operator in _TURNED:
        return Compare(_TURNED[condition.operator], condition.right, condition.left)
    return condition


def power_of(node: Expression) -> tuple[Expression, tuple[Compare, ...]] | None:
    """The u of exp(u), and the conditions of where(.., exp(u), 0), one in the other; None for all else."""
    conditions: list[Compare] = []
    while isinstance(node, Where) and node.otherwise == ZERO:
        conditions.append(turned(node.condition))
        node = node.then
    if isinstance(node, Call) and node.function == "exp":
        return node.arguments[0], tuple(conditions)
    return None


__all__ = [
    "MINUS_INFINITY",
    "Group",
    "Part",
    "has_weight",
    "parts_of",
    "power_of",
    "restricted_to",
    "term_of",
    "turned",
    "weighed",
    "with_signs_before",
]
