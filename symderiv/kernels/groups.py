"""Sums of exponentials, the arrays that stand for them, and where in a tree they are used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symderiv.expression.construct import (
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
)
from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices, fresh_name
from symderiv.expression.nodes import (
    ZERO,
    Add,
    Call,
    Compare,
    Definition,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Power,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.guard import with_powers_apart
from symderiv.kernels.matching import match
from symderiv.problem import unfold

#: A constant of the kernels room only: the exponent of an exponential that is exactly 0.
MINUS_INFINITY = Call("minus_infinity", ())

_TURNED = {">": "<", ">=": "<="}
_WHY_MAX = "the largest exponent becomes 0, so exp cannot overflow"
_WHY_EXP = "between 0 and 1, and at least one of them is 1"
_WHY_SUM = "between 1 and the number of terms"


@dataclass(frozen=True)
class Group:
    """One sum of exponentials Σ_index exp(exponent), and the arrays that stand for it.

    With a condition, it is the sum over the places that meet it.
    """

    index: Index
    exponent: Expression
    condition: Compare | None
    free: tuple[Index, ...]
    m: str
    e: str
    s: str
    log_s: str
    u: str

    def term(self) -> Expression:
        """What is summed over the whole axis: 0 where the condition does not hold."""
        return restricted_to(self.condition, call("exp", self.exponent))

    def within(self, value: Expression) -> Expression:
        """`value` where the condition holds, elsewhere -inf."""
        return value if self.condition is None else Where(self.condition, value, MINUS_INFINITY)


#: A group at given index terms for its free letters.
Use = tuple[int, tuple[IndexTerm, ...]]


@dataclass
class Groups:
    """The sums of exponentials of one function, and the definitions that they bring in.

    Parameters
    ----------
    definitions
        The named intermediates of the function, by name.
    taken
        Names that must not be given to a new array.
    """

    definitions: Mapping[str, Definition]
    taken: set[str]
    comments: dict[str, str] = field(default_factory=dict)
    added: dict[str, Definition] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def note_group(self, node: Expression) -> None:
        """Bring in the arrays of a sum of exponentials, where `node` is a new one or its logarithm."""
        if isinstance(node, Call) and node.function == "log" and isinstance(node.arguments[0], Entry):
            body = self.unfolded(node.arguments[0])
            for _, part in walk(body) if body else ():
                self.note_group(part)
        if not isinstance(node, Sum) or self.use_of_sum(node) is not None:
            return
        found = power_of(term_of(node))
        if found is None or node.index not in free_indices(found[0]):
            return
        # In the order of the exponent, whose batch letter comes first.
        letters_used = dict.fromkeys((*free_indices(found[0]), *free_indices(node)))
        self._bring_in(node.index, *found, tuple(each for each in letters_used if each in free_indices(node)))

    def note_weighted_group(self, node: Expression) -> None:
        """Bring in the arrays of a sum Σ_k w_k exp(u_k) that is a divisor, or that a logarithm is taken of.

        The largest exponent is then that of the places with a weight: what a mask of zeros leaves out
        has no say. Only where the exponentials are terms of no group yet.
        """
        total: Expression | None = None
        if isinstance(node, Call) and node.function == "log":
            total = node.arguments[0]
        elif isinstance(node, Power) and coefficient_and_rest(node.exponent)[0] < 0:
            total = node.base
        if isinstance(total, Entry):
            total = self.unfolded(total)
        if not isinstance(total, Sum) or total.condition is not None:
            return
        factors = factors_of(with_powers_apart(total.body, self.definitions))
        powers = [found for each in factors if (found := power_of(each)) is not None]
        if len(factors) < 2 or len(powers) != 1 or total.index not in free_indices(powers[0][0]):
            return
        exponent, condition = powers[0]
        weights = [each for each in factors if isinstance(each, Entry) and total.index in free_indices(each)]
        if condition is None and len(weights) == 1:
            condition = _has_weight(weights[0])
        power = call("exp", exponent)
        term = restricted_to(condition, power)
        if self.use_of_exp(power) is not None or self.use_of_exp(term) is not None:
            return
        letters = dict.fromkeys((*free_indices(power), *free_indices(term)))
        free = tuple(each for each in letters if each != total.index)
        self._bring_in(total.index, exponent, condition, free)

    def with_weights(self, node: Expression) -> Expression:
        """`node`, in which an exponential beside its weight in a sum is 0 where the weight is."""
        if not any(group.condition is not None for group in self.groups):
            return node
        node = map_children(node, self.with_weights)
        if not isinstance(node, Multiply):
            return node
        factors = list(node.factors)
        for place, factor in enumerate(factors):
            if not (isinstance(factor, Call) and factor.function == "exp") or self.use_of_exp(factor):
                continue
            for other, total in enumerate(factors):
                beside = self._beside_its_weight(
                    factor, factors_of(total.body if isinstance(total, Sum) else node)
                )
                if beside is not None and isinstance(total, Sum):
                    factors[other] = replace(total, body=multiply(total.body, beside))
                    return multiply(*factors[:place], *factors[place + 1 :])
                if beside is not None:
                    factors[place] = beside
                    break
        return multiply(*factors)

    def _beside_its_weight(self, power: Call, factors: Sequence[Expression]) -> Expression | None:
        for factor in factors:
            if isinstance(factor, Entry):
                term = Where(_has_weight(factor), power, ZERO)
                if self.use_of_exp(term) is not None:
                    return term
        return None

    def _bring_in(
        self, index: Index, exponent: Expression, condition: Compare | None, free: tuple[Index, ...]
    ) -> None:
        """The arrays of a new group."""
        names = [self.new_name(stem) for stem in ("m", "e", "s", "log_s", "u")]
        group = Group(index, exponent, condition, free, *names)
        self.groups.append(group)
        letters = (*free, index)
        if isinstance(exponent, Entry):
            u: Expression = exponent
        else:
            # Named, so that the maximum and the exponentials see the same rounded exponent.
            self.add(group.u, letters, exponent, "")
            u = Entry(group.u, letters)
        m = Entry(group.m, free)
        self.add(group.m, free, Extremum("max", index, group.within(u)), _WHY_MAX)
        # Inside exp, so that no exponential is taken where the maximum is not one of all exponents.
        shifted = group.within(Add((u, multiply(Number(Fraction(-1)), m))))
        self.add(group.e, letters, call("exp", shifted), _WHY_EXP)
        self.add(group.s, free, Sum(index, Entry(group.e, letters)), _WHY_SUM)
        self.add(group.log_s, free, call("log", Entry(group.s, free)), "")

    def new_name(self, stem: str) -> str:
        """A name for a new array."""
        name = fresh_name(stem, self.taken)
        self.taken.add(name)
        return name

    def add(self, name: str, indices: tuple[Index, ...], body: Expression, why: str) -> None:
        """Bring in a new array, with why it is there."""
        self.added[name] = Definition(name, indices, body)
        if why:
            self.comments[name] = why

    def use_of_sum(self, node: Expression) -> Use | None:
        """The group whose S is `node`, and at which terms."""
        if not isinstance(node, Sum):
            return None
        summed = term_of(node)
        for number, group in enumerate(self.groups):
            if group.index.axis != node.index.axis:
                continue
            found: dict[Index, IndexTerm] = {group.index: node.index}
            if match(group.term(), summed, set(group.free), found):
                terms = tuple(found[index] for index in group.free)
                if not any(node.index == term for term in terms):
                    return number, terms
        return None

    def use_of_exp(self, node: Expression, first: Collection[int] = ()) -> tuple[Use, IndexTerm] | None:
        """The group that exp(..) is a term of, at which terms, and which term of the sum.

        One exponential may be a term of two sums, along rows and along columns: groups whose numbers
        are in `first` are asked before the others.
        """
        found_power = power_of(node)
        if found_power is None:
            return None
        node = restricted_to(found_power[1], call("exp", found_power[0]))
        numbers = sorted(range(len(self.groups)), key=lambda number: number not in first)
        for number in numbers:
            group, found = self.groups[number], dict[Index, IndexTerm]()
            if match(group.term(), node, {*group.free, group.index}, found):
                return (number, tuple(found[index] for index in group.free)), found[group.index]
        return None

    def divisors(self, node: Multiply) -> frozenset[int]:
        """The groups whose sums are factors of a product, or divide it."""
        uses = (self.use_of_sum(base_and_exponent(factor)[0]) for factor in node.factors)
        return frozenset(use[0] for use in uses if use is not None)

    def degree(self, node: Expression, first: Collection[int] = ()) -> dict[Use, int] | None:
        """The degree of `node` in the e^m of each group; None where it has none.

        Exponentials are terms of the sums that they are divided by, then of the groups in `first`.
        """
        use = self.use_of_sum(node)
        if use is not None:
            return {use: 1}
        term = self.use_of_exp(node, first)
        if term is not None:
            return {term[0]: 1}
        match node:
            case Multiply(factors):
                total: dict[Use, int] = {}
                first = self.divisors(node) or first
                for factor in factors:
                    each = self.degree(factor, first)
                    if each is None:
                        return None
                    for key, count in each.items():
                        total[key] = total.get(key, 0) + count
                return total
            case Power(base, Number(value)) if value.denominator == 1:
                inner = self.degree(base, first)
                return None if inner is None else {key: count * int(value) for key, count in inner.items()}
            case Add(terms):
                degrees: list[dict[Use, int]] = []
                for part in terms:
                    each = self.degree(part, first)
                    if each is None or (degrees and _without_zeros(each) != _without_zeros(degrees[0])):
                        return None
                    degrees.append(each)
                return {key: count for each in degrees for key, count in each.items()}
            case Sum(index, body, condition):
                inner = self.degree(body if condition is None else self.restricted(body, condition), first)
                if inner is None or any(count and index in spots for (_, spots), count in inner.items()):
                    return None
                return {key: count for key, count in inner.items() if index not in key[1]}
            case _:
                return {}

    def restricted(self, node: Expression, condition: Compare) -> Expression:
        """`node`, used where `condition` holds: an exp(u) in it is a term of a sum under that condition."""
        if isinstance(node, Call) and node.function == "exp":
            sides = [condition]
            if condition.operator == "!=":
                sides.append(Compare("!=", condition.right, condition.left))
            terms = (Where(each, node, ZERO) for each in sides)
            return next((term for term in terms if self.use_of_exp(term) is not None), node)
        if isinstance(node, Multiply | Add | Power):
            return map_children(node, lambda child: self.restricted(child, condition))
        return node

    def unfolded(self, entry: Entry) -> Expression | None:
        """What an entry of an intermediate stands for; None for an argument."""
        definition = self.definitions.get(entry.array)
        return unfold(definition, entry) if definition else None


def _without_zeros(degrees: dict[Use, int]) -> dict[Use, int]:
    return {use: count for use, count in degrees.items() if count}


def _has_weight(weight: Entry) -> Compare:
    return Compare("!=", weight, ZERO)


def term_of(node: Sum) -> Expression:
    """What a sum adds up over the whole axis: 0 at the places that do not meet its condition."""
    body = node.body
    if isinstance(body, Where):
        body = replace(body, condition=_turned(body.condition))
    return restricted_to(node.condition, body)


def restricted_to(condition: Compare | None, value: Expression) -> Expression:
    """`value` where the condition holds, elsewhere 0; m >= n is spelled n <= m."""
    return value if condition is None else Where(_turned(condition), value, ZERO)


def _turned(condition: Compare) -> Compare:
    """The condition without > and >=: one that is written in two ways is one condition."""
    if condition.operator in _TURNED:
        return Compare(_TURNED[condition.operator], condition.right, condition.left)
    return condition


def power_of(node: Expression) -> tuple[Expression, Compare | None] | None:
    """The u of exp(u), and the condition of where(.., exp(u), 0); None for all else."""
    condition: Compare | None = None
    if isinstance(node, Where) and node.otherwise == ZERO:
        condition, node = _turned(node.condition), node.then
    if isinstance(node, Call) and node.function == "exp":
        return node.arguments[0], condition
    return None


__all__ = ["MINUS_INFINITY", "Group", "Groups", "Use", "power_of", "restricted_to", "term_of"]
