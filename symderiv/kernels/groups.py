"""Sums of exponentials, the arrays that stand for them, and where in a tree they are used."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce

from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
)
from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices, fresh_name, rename
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
from symderiv.kernels.totals import (
    MINUS_INFINITY,
    Group,
    Part,
    has_weight,
    parts_of,
    power_of,
    restricted_to,
    term_of,
    weighed,
)
from symderiv.problem import unfold

_WHY_MAX = "the largest exponent becomes 0, so exp cannot overflow"
_WHY_EXP = "between 0 and 1, and at least one of them is 1"
_WHY_SUM = "between 1 and the number of terms"
_WHY_LARGEST = "the largest exponent, where a constant is one times exp(0), so that exp cannot overflow"
_WHY_SMALL = "at most 1"


#: A group at given index terms for its free letters.
Use = tuple[int, tuple[IndexTerm, ...]]
#: Which part of a group an exponential is a term of, and at which place of that part's letter.
Spot = tuple[int, tuple[IndexTerm, ...]]


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
    #: Whether exponentials count as terms of sums that they are divided by, which do not have them.
    beside: bool = False

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

    def note_total(self, node: Expression) -> bool:
        """Bring in the arrays of a total of several terms, where `node` divides by one or is its logarithm.

        Whether it is so, and the sums among its terms are therefore no groups of their own.
        """
        total: Expression | None = None
        if isinstance(node, Call) and node.function == "log":
            total = node.arguments[0]
        elif isinstance(node, Power) and coefficient_and_rest(node.exponent)[0] < 0:
            total = node.base
        parts = parts_of(total) if total is not None else None
        if total is None or parts is None:
            return False
        if self.use_of_sum(total) is None:
            self._bring_in_total(total, parts)
        return True

    def is_term_of_total(self, node: Expression) -> bool:
        """Whether a sum is a term of some total."""
        if not isinstance(node, Sum):
            return False
        parts = [(group, part) for group in self.groups if group.tree is not None for part in group.parts]
        return any(
            part.index is not None
            and match(part.term(), term_of(node), set(group.free), _at(part, node.index))
            for group, part in parts
        )

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
        if not isinstance(total, Sum):
            return
        factors = factors_of(with_powers_apart(total.body, self.definitions))
        powers = [found for each in factors if (found := power_of(each)) is not None]
        if len(factors) < 2 or len(powers) != 1 or total.index not in free_indices(powers[0][0]):
            return
        exponent, conditions = powers[0]
        if total.condition is not None:
            conditions = (total.condition, *conditions)
        conditions = conditions or weighed(total.index, factors)
        power = call("exp", exponent)
        term = restricted_to(conditions, power)
        if self.use_of_exp(power) is not None or self.use_of_exp(term) is not None:
            return
        letters = dict.fromkeys((*free_indices(power), *free_indices(term)))
        free = tuple(each for each in letters if each != total.index)
        self._bring_in(total.index, exponent, conditions, free)

    def with_weights(self, node: Expression) -> Expression:
        """`node`, in which an exponential beside its weight in a sum is 0 where the weight is."""
        if not any(part.conditions for group in self.groups for part in group.parts):
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
                term = Where(has_weight(factor), power, ZERO)
                if self.use_of_exp(term) is not None:
                    return term
        return None

    def _bring_in(
        self,
        index: Index,
        exponent: Expression,
        conditions: tuple[Compare, ...],
        free: tuple[Index, ...],
    ) -> None:
        """The arrays of a new group."""
        m, e, s, log_s, u = (self.new_name(stem) for stem in ("m", "e", "s", "log_s", "u"))
        part = Part(index, exponent, conditions, e=e, u=u)
        group = Group((part,), None, free, m, s, log_s)
        self.groups.append(group)
        self.add(m, free, Extremum("max", index, part.within(self._exponent(part, (*free, index)))), _WHY_MAX)
        self._add_exponentials(part, group, _WHY_EXP)
        self.add(s, free, Sum(index, Entry(e, (*free, index))), _WHY_SUM)
        self.add(log_s, free, call("log", Entry(s, free)), "")

    def _bring_in_total(self, total: Expression, parts: Sequence[Part]) -> None:
        """The arrays of a new group with several terms."""
        m, s, log_s = (self.new_name(stem) for stem in ("m", "s", "log_s"))
        named = tuple(replace(part, e=self.new_name("e"), u=self.new_name("u")) for part in parts)
        letters = dict.fromkeys(letter for part in named for letter in part.letters())
        group = Group(named, total, tuple(letters), m, s, log_s)
        self.groups.append(group)
        # As it is written where the rewrites are done.
        self.groups[-1] = group = replace(group, tree=self.with_weights(total))
        largest: list[Expression] = []
        terms: list[Expression] = []
        for part in named:
            own = tuple(each for each in letters if each in part.letters())
            e: Expression = Entry(part.e, (*letters, *_letter_of(part)))
            if part.index is None:
                largest.append(part.within(self._exponent(part, own)))
            else:
                top = Entry(self.new_name("m"), own)
                u = part.within(self._exponent(part, (*own, part.index)))
                self.add(top.array, own, Extremum("max", part.index, u), "")
                largest.append(top)
                e = Sum(part.index, multiply(part.inner, e))
            terms.append(multiply(part.weight, e))
            self._add_exponentials(part, group, _WHY_SMALL)
        self.add(m, group.free, reduce(lambda one, other: call("max", one, other), largest), _WHY_LARGEST)
        self.add(s, group.free, Add(tuple(terms)), "")
        self.add(log_s, group.free, call("log", Entry(s, group.free)), "")

    def rest_of(self, number: int) -> str:
        """The array for what a total is beside 1, where all of that is positive; empty for any other."""
        group = self.groups[number]
        if not group.rest and group.is_one_and_more:
            self.groups[number] = group = replace(group, rest=self.new_name("r"))
            total = self.added[group.s].body
            assert isinstance(total, Add)
            others = [
                term for term, part in zip(total.terms, group.parts, strict=True) if not part.is_constant
            ]
            one = [term for term in total.terms if term not in others]
            self.add(group.rest, group.free, add(*others), "")
            self.add(group.s, group.free, add(Entry(group.rest, group.free), *one), "")
        return group.rest

    def _exponent(self, part: Part, letters: tuple[Index, ...]) -> Expression:
        """The exponent of a part, named: the maximum and the exponentials see the same rounded one."""
        if isinstance(part.exponent, Entry | Number):
            return part.exponent
        if part.u not in self.added:
            self.add(part.u, letters, part.exponent, "")
        return Entry(part.u, self.added[part.u].indices)

    def _add_exponentials(self, part: Part, group: Group, why: str) -> None:
        """The exponentials of a part, less the largest exponent."""
        m = multiply(Number(Fraction(-1)), Entry(group.m, group.free))
        exponent = self._exponent(part, ())
        # Inside exp, so that no exponential is taken where the maximum is not one of all exponents.
        shifted = part.within(m if part.is_constant else Add((exponent, m)))
        self.add(part.e, (*group.free, *_letter_of(part)), call("exp", shifted), why)

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
        if not isinstance(node, Sum | Add):
            return None
        for number, group in enumerate(self.groups):
            found = group.found_in(node)
            if found is not None:
                return number, tuple(found[index] for index in group.free)
        return None

    def use_in(self, node: Expression, first: Collection[Use]) -> Use | None:
        """As :meth:`use_of_sum`; but what is a term of a total among `first` is no group of its own there."""
        use = self.use_of_sum(node)
        if use is None or use in first or not isinstance(node, Sum):
            return use
        for number, terms in first:
            group = self.groups[number]
            for part in group.parts if group.tree is not None else ():
                found = {**dict(zip(group.free, terms, strict=True)), **_at(part, node.index)}
                if part.index is not None and match(part.term(), term_of(node), set(group.free), found):
                    return None
        return use

    def use_of_exp(self, node: Expression, first: Collection[Use] = ()) -> tuple[Use, Spot] | None:
        """The group that exp(..) is a term of, at which terms, and which term of the sum.

        One exponential may be a term of two sums, along rows and along columns: those in `first` are asked
        before the others, as they stand there, then the groups that they belong to.
        """
        found_power = power_of(node)
        if found_power is None:
            return None
        node = restricted_to(found_power[1], call("exp", found_power[0]))
        told = {number for number, _ in first}
        numbers = sorted(range(len(self.groups)), key=lambda number: number not in told)
        known = [(number, dict(zip(self.groups[number].free, terms, strict=True))) for number, terms in first]
        for number, terms in (*known, *((number, dict[Index, IndexTerm]()) for number in numbers)):
            group = self.groups[number]
            for place, part in enumerate(group.parts):
                found, letter = dict(terms), _letter_of(part)
                if not part.is_constant and match(part.term(), node, {*group.free, *letter}, found):
                    use = number, tuple(found[index] for index in group.free)
                    return use, (place, tuple(found[index] for index in letter))
        return None

    def use_beside(self, node: Expression, first: Collection[Use]) -> Use | None:
        """Which of the sums in `first` an exponential stands beside that is no term of it.

        Only where such are asked for. Its exponent may be that of a term which the sum leaves out or gives
        another weight; any other counts where there is no choice.
        """
        power = power_of(node) if self.beside else None
        if power is None or self.use_of_exp(node, first) is not None:
            return None
        told = [use for use in first if self.spot_of_exponent(use, power[0]) is not None]
        return told[0] if told else next(iter(first)) if len(first) == 1 else None

    def less(self, power: Expression, counts: Mapping[Use, int]) -> Expression:
        """An exponential exp(v) as exp(v - m), or less other multiples of largest exponents."""
        found = power_of(power)
        assert found is not None
        exponent, conditions = found
        for use in counts:
            spot = self.spot_of_exponent(use, exponent)
            if spot is not None:
                exponent = self.exponent_at(use, spot)
                break
        largest = [
            multiply(Number(Fraction(-count)), Entry(self.groups[number].m, terms))
            for (number, terms), count in counts.items()
            if count
        ]
        return call("exp", restricted_to(conditions, add(exponent, *largest), MINUS_INFINITY))

    def exponent_at(self, use: Use, spot: Spot) -> Expression:
        """The exponent of a term of a sum, by its name where it has one."""
        part = self.groups[use[0]].parts[spot[0]]
        named = self.added.get(part.u)
        u = part.exponent if named is None else Entry(part.u, named.indices)
        return rename(u, self.spots(use, spot))

    def spots(self, use: Use, spot: Spot) -> dict[Index, IndexTerm]:
        """The index terms for the letters of a part of a group."""
        group = self.groups[use[0]]
        part, place = group.parts[spot[0]], spot[1]
        return dict(zip((*_letter_of(part), *group.free), (*place, *use[1]), strict=True))

    def spot_of_exponent(self, use: Use, exponent: Expression) -> Spot | None:
        """Which term of a sum has this exponent."""
        group = self.groups[use[0]]
        for number, part in enumerate(group.parts):
            found: dict[Index, IndexTerm] = dict(zip(group.free, use[1], strict=True))
            letter = _letter_of(part)
            if not part.is_constant and match(part.exponent, exponent, set(letter), found):
                return number, tuple(found[index] for index in letter)
        return None

    def divisors(self, node: Multiply) -> tuple[Use, ...]:
        """The sums of groups that divide a product, or are factors of it and no terms of what divides it."""
        found: dict[bool, list[tuple[Use, Expression]]] = {True: [], False: []}
        for base, exponent in map(base_and_exponent, node.factors):
            use, is_below = self.use_of_sum(base), coefficient_and_rest(exponent)[0] < 0
            if use is not None:
                found[is_below].append((use, base))
            elif self.beside and is_below:
                found[True] += [(each, base) for each, count in (self.degree(base) or {}).items() if count]
        below = dict.fromkeys(use for use, _ in found[True])
        above = (use for use, base in found[False] if self.use_in(base, tuple(below)) is not None)
        return tuple(dict.fromkeys((*(use for use in above if use not in below), *below)))

    def degree(self, node: Expression, first: Collection[Use] = ()) -> dict[Use, int] | None:
        """The degree of `node` in the e^m of each group; None where it has none.

        Exponentials are terms of the sums that they are divided by, then of those in `first`.
        """
        use = self.use_in(node, first)
        if use is not None:
            return {use: 1}
        term = self.use_of_exp(node, first)
        beside = self.use_beside(node, first) if term is None else term[0]
        if beside is not None:
            return {beside: 1}
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
        if power_of(node) is not None:
            term = Where(condition, node, ZERO)
            return node if self.use_of_exp(term) is None and not self.beside else term
        if isinstance(node, Multiply | Add | Power):
            return map_children(node, lambda child: self.restricted(child, condition))
        return node

    def unfolded(self, entry: Entry) -> Expression | None:
        """What an entry of an intermediate stands for; None for an argument."""
        definition = self.definitions.get(entry.array)
        return unfold(definition, entry) if definition else None


def _without_zeros(degrees: dict[Use, int]) -> dict[Use, int]:
    return {use: count for use, count in degrees.items() if count}


def _letter_of(part: Part) -> tuple[Index, ...]:
    return () if part.index is None else (part.index,)


def _at(part: Part, place: IndexTerm) -> dict[Index, IndexTerm]:
    return {} if part.index is None else {part.index: place}


__all__ = ["MINUS_INFINITY", "Group", "Groups", "Spot", "Use", "power_of"]
