"""Stability: rewrites that leave the value unchanged and keep floating point in range.

Every sum of exponentials S = Σ_k exp(u_k) gets three named arrays, and what is made of S is put in
terms of them:

    m = max_k u_k        e_k = exp(u_k - m)        s = Σ_k e_k

    exp(u_i) / S             becomes   e_i / s
    log S                    becomes   m + log s
    log Σ_k w_k exp(u_k)     becomes   m + log Σ_k w_k e_k
    log(exp(u_i) / S)        becomes   (u_i - m) - log s
    log(t / (exp(u_i) / S))  becomes   log t - ((u_i - m) - log s)
    Σ_k z_k p_k - z_i        becomes   Σ_k (z_k - M) p_k - (z_i - M),  M = max_k z_k,  where Σ_k p_k = 1
    Σ over part of an axis   has its maximum and its e_k over that part: u_k counts as -inf elsewhere
    w · log(..), w = 0       counts 0  (0 · log 0 = 0), and so does w · u where u may be -inf

A product is rewritten only where its degree in e^m is 0, so that e^m cancels. Each rewrite is then
evaluated by the oracle, before and after, with 50 digits at generic values and several sizes; one
that changes the value raises :class:`KernelError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symderiv.expression.construct import (
    base_and_exponent,
    factors_of,
    multiply,
    negate,
)
from symderiv.expression.functions import call
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import (
    ZERO,
    Add,
    Call,
    Compare,
    Definition,
    Delta,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Power,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.centred import LOG_RATIO, centred
from symderiv.kernels.errors import KernelError
from symderiv.kernels.matching import match
from symderiv.kernels.rewrite_check import same_value
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
        power = call("exp", self.exponent)
        return power if self.condition is None else Where(self.condition, power, ZERO)

    def within(self, value: Expression) -> Expression:
        """`value` where the condition holds, elsewhere -inf."""
        return value if self.condition is None else Where(self.condition, value, MINUS_INFINITY)


#: A group at given index terms for its free letters.
Use = tuple[int, tuple[IndexTerm, ...]]


@dataclass
class Stabiliser:
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

    definitions: Mapping[str, Definition]
    taken: set[str]
    infinite: frozenset[str] = frozenset()
    saved: Mapping[str, Definition] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    added: dict[str, Definition] = field(default_factory=dict)
    _groups: list[Group] = field(default_factory=list)
    _log_like: dict[str, bool] = field(default_factory=dict)

    def rewrite(self, node: Expression) -> Expression:
        """`node` in its stable form, checked against the form given."""
        for _, part in walk(node):
            self._note_group(part)
        shifted = self.shift_all(node)
        if shifted != node:
            before = {**self.definitions, **self.saved}
            if not same_value(node, shifted, before, {**before, **self.added}):
                raise KernelError("a rewrite for stability changed the value of an expression: not emitted")
        return self._guard(shifted)

    @property
    def shifted(self) -> frozenset[str]:
        """The arrays e and log s of all groups: their exponents are at most 0, their sums at least 1."""
        return frozenset(name for group in self._groups for name in (group.e, group.log_s))

    @property
    def shifts(self) -> frozenset[str]:
        """The maxima that it brought in: they are only subtracted from the exponents they are taken of."""
        maxima = {name: each.body for name, each in self.added.items() if isinstance(each.body, Extremum)}
        return frozenset(name for name, body in maxima.items() if body.kind == "max")

    # -- sums of exponentials ---------------------------------------------------------------

    def _note_group(self, node: Expression) -> None:
        if isinstance(node, Call) and node.function == "log" and isinstance(node.arguments[0], Entry):
            body = self._unfolded(node.arguments[0])
            for _, part in walk(body) if body else ():
                self._note_group(part)
        if not isinstance(node, Sum) or self._use_of_sum(node) is not None:
            return
        found = _power(_term_of(node)) or self._weighted_power(node)
        if found is None or node.index not in free_indices(found[0]):
            return
        exponent, condition = found
        # In the order of the exponent, whose batch letter comes first.
        letters_used = dict.fromkeys((*free_indices(exponent), *free_indices(node)))
        free = tuple(index for index in letters_used if index in free_indices(node))
        names = [self.new_name(stem) for stem in ("m", "e", "s", "log_s", "u")]
        group = Group(node.index, exponent, condition, free, *names)
        self._groups.append(group)
        letters = (*free, node.index)
        if isinstance(exponent, Entry):
            u: Expression = exponent
        else:
            # Named, so that the maximum and the exponentials see the same rounded exponent.
            self.add(group.u, letters, exponent, "")
            u = Entry(group.u, letters)
        m = Entry(group.m, free)
        self.add(group.m, free, Extremum("max", node.index, group.within(u)), _WHY_MAX)
        # Inside exp, so that no exponential is taken where the maximum is not one of all exponents.
        shifted = group.within(Add((u, multiply(Number(Fraction(-1)), m))))
        self.add(group.e, letters, call("exp", shifted), _WHY_EXP)
        self.add(group.s, free, Sum(node.index, Entry(group.e, letters)), _WHY_SUM)
        self.add(group.log_s, free, call("log", Entry(group.s, free)), "")

    def _weighted_power(self, node: Sum) -> tuple[Expression, Compare | None] | None:
        """The u of a sum Σ_k w_k exp(u_k) whose exponentials belong to no group yet."""
        powers = [each for each in factors_of(node.body) if isinstance(each, Call) and each.function == "exp"]
        if node.condition is not None or len(powers) != 1 or self._use_of_exp(powers[0]) is not None:
            return None
        return _power(powers[0])

    def new_name(self, stem: str) -> str:
        """A name for a new array."""
        name, number = stem, 2
        while name in self.taken:
            name, number = f"{stem}_{number}", number + 1
        self.taken.add(name)
        return name

    def add(self, name: str, indices: tuple[Index, ...], body: Expression, why: str) -> None:
        """Bring in a new array, with why it is there."""
        self.added[name] = Definition(name, indices, body)
        if why:
            self.comments[name] = why

    def _use_of_sum(self, node: Expression) -> Use | None:
        """The group whose S is `node`, and at which terms."""
        if not isinstance(node, Sum):
            return None
        summed = _term_of(node)
        for number, group in enumerate(self._groups):
            if group.index.axis != node.index.axis:
                continue
            found: dict[Index, IndexTerm] = {group.index: node.index}
            if match(group.term(), summed, set(group.free), found):
                terms = tuple(found[index] for index in group.free)
                if not any(node.index == term for term in terms):
                    return number, terms
        return None

    def _use_of_exp(self, node: Expression) -> tuple[Use, IndexTerm] | None:
        """The group that exp(..) is a term of, at which terms, and which term of the sum."""
        found_power = _power(node)
        if found_power is None:
            return None
        node = _restricted_to(found_power[1], call("exp", found_power[0]))
        for number, group in enumerate(self._groups):
            found: dict[Index, IndexTerm] = {}
            if match(group.term(), node, {*group.free, group.index}, found):
                return (number, tuple(found[index] for index in group.free)), found[group.index]
        return None

    def degree(self, node: Expression) -> dict[Use, int] | None:
        """The degree of `node` in the e^m of each group; None where it has none."""
        use = self._use_of_sum(node)
        if use is not None:
            return {use: 1}
        term = self._use_of_exp(node)
        if term is not None:
            return {term[0]: 1}
        match node:
            case Multiply(factors):
                total: dict[Use, int] = {}
                for factor in factors:
                    each = self.degree(factor)
                    if each is None:
                        return None
                    for key, count in each.items():
                        total[key] = total.get(key, 0) + count
                return total
            case Power(base, Number(value)) if value.denominator == 1:
                inner = self.degree(base)
                return None if inner is None else {key: count * int(value) for key, count in inner.items()}
            case Add(terms):
                degrees = [self.degree(term) for term in terms]
                first = degrees[0]
                return first if all(each == first for each in degrees) else None
            case Sum(index, body, condition):
                inner = self.degree(body if condition is None else self._restricted(body, condition))
                if inner is None or any(index in terms for (_, terms) in inner):
                    return None
                return inner
            case _:
                return {}

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
        if isinstance(node, Multiply):
            degree = self.degree(node)
            if degree and not any(degree.values()):
                return self._shift(node)
        if isinstance(node, Where) and node.otherwise == ZERO and _power(node) is None:
            return replace(node, then=self.shift_all(self._restricted(node.then, node.condition)))
        return map_children(node, self.shift_all)

    def _restricted(self, node: Expression, condition: Compare) -> Expression:
        """`node`, used where `condition` holds: an exp(u) in it is a term of a sum under that condition."""
        if isinstance(node, Call) and node.function == "exp":
            term = Where(condition, node, ZERO)
            return node if self._use_of_exp(term) is None else term
        if isinstance(node, Multiply | Add | Power):
            return map_children(node, lambda child: self._restricted(child, condition))
        return node

    def _shift(self, node: Expression) -> Expression:
        """Every exp(u) and S in a tree of degree 0 over e^m: the e^m cancel."""
        use = self._use_of_sum(node)
        if use is not None:
            return Entry(self._groups[use[0]].s, use[1])
        term = self._use_of_exp(node)
        if term is not None:
            (number, terms), place = term
            return Entry(self._groups[number].e, (*terms, place))
        if isinstance(node, Sum) and node.condition is not None:
            return replace(node, body=self._shift(self._restricted(node.body, node.condition)))
        if isinstance(node, Multiply | Add | Power | Sum):
            return map_children(node, self._shift)
        return self.shift_all(node)

    # -- logarithms -------------------------------------------------------------------------

    def _unfolded(self, entry: Entry) -> Expression | None:
        definition = self.definitions.get(entry.array)
        return unfold(definition, entry) if definition else None

    def _log(self, node: Expression) -> Expression | None:
        """Log S, or the log of a share exp(u_i) / S, also where the share has a name."""
        if not (isinstance(node, Call) and node.function == "log"):
            return None
        (argument,) = node.arguments
        if isinstance(argument, Entry):
            body = self._unfolded(argument)
            if body is None:
                return None
            argument = body
        use = self._use_of_sum(argument)
        if use is not None:
            group = self._groups[use[0]]
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
            multiply(Number(Fraction(count)), Entry(self._groups[number].m, terms))
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
            body = self._unfolded(base) if isinstance(base, Entry) else None
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

    def _share(self, node: Expression) -> tuple[Use, IndexTerm] | None:
        """The group and the term of exp(u_i) / S."""
        factors = factors_of(node)
        if len(factors) != 2:
            return None
        for top, bottom in (factors, factors[::-1]):
            term, (base, exponent) = self._use_of_exp(top), base_and_exponent(bottom)
            if term and exponent == Number(Fraction(-1)) and self._use_of_sum(base) == term[0]:
                return term
        return None

    def _u(self, group: Group, terms: tuple[IndexTerm, ...], place: IndexTerm) -> Expression:
        if group.u in self.added:
            return Entry(group.u, (*terms, place))
        return rename(group.exponent, {group.index: place, **dict(zip(group.free, terms, strict=True))})

    def _log_ratio(self, use: Use, place: IndexTerm) -> Expression:
        group, terms = self._groups[use[0]], use[1]
        u = self._u(group, terms, place)
        return call(LOG_RATIO, u, Entry(group.m, terms), Entry(group.log_s, terms))

    def _log_share(self, use: Use, place: IndexTerm) -> Expression:
        """Log of the share exp(u_i) / S: -inf where the sum leaves the place out."""
        group, ratio = self._groups[use[0]], self._log_ratio(use, place)
        if group.condition is None:
            return ratio
        spots = {group.index: place, **dict(zip(group.free, use[1], strict=True))}
        here = rename(Where(group.condition, ZERO, MINUS_INFINITY), spots)
        assert isinstance(here, Where)
        return replace(here, then=ratio)

    def _grouped_difference(self, node: Expression) -> Expression | None:
        """Log S - u_i is -((u_i - m) - log s): u_i and m may be large, their difference is not."""
        if not isinstance(node, Add):
            return None
        terms = list(node.terms)
        for term in terms:
            if not (isinstance(term, Call) and term.function == "log"):
                continue
            use = self._use_of_sum(term.arguments[0])
            if use is None:
                continue
            group = self._groups[use[0]]
            for other in terms:
                found: dict[Index, IndexTerm] = dict(zip(group.free, use[1], strict=True))
                wanted = negate(other)
                if match(group.exponent, wanted, {group.index}, found):
                    rest = [self.shift_all(each) for each in terms if each not in (term, other)]
                    ratio = multiply(Number(Fraction(-1)), self._log_ratio(use, found[group.index]))
                    return Add((ratio, *rest)) if rest else ratio
        return None

    # -- 0 · log 0 = 0 ----------------------------------------------------------------------

    def _may_be_infinite(self, node: Expression) -> bool:
        match node:
            case Call("log", _) | Call("log_ratio", _) | Where(_, _, Call("minus_infinity", _)):
                return True
            case Add(parts) | Multiply(parts):
                return any(self._may_be_infinite(part) for part in parts)
            case Sum(_, body):
                return self._may_be_infinite(self._guard(body))
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

    def _guard(self, node: Expression) -> Expression:
        """A weight of exactly 0 times a logarithm that may be infinite counts 0."""
        node = map_children(node, self._guard)
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


def _term_of(node: Sum) -> Expression:
    """What a sum adds up over the whole axis: 0 at the places that do not meet its condition."""
    return _restricted_to(node.condition, node.body)


def _restricted_to(condition: Compare | None, value: Expression) -> Expression:
    """`value` where the condition holds, elsewhere 0; m >= n is spelled n <= m."""
    if condition is None:
        return value
    if condition.operator in _TURNED:
        condition = Compare(_TURNED[condition.operator], condition.right, condition.left)
    return Where(condition, value, ZERO)


def _power(node: Expression) -> tuple[Expression, Compare | None] | None:
    """The u of exp(u), and the condition of where(.., exp(u), 0); None for all else."""
    condition: Compare | None = None
    if isinstance(node, Where) and node.otherwise == ZERO:
        condition, node = node.condition, node.then
    if isinstance(node, Call) and node.function == "exp":
        return node.arguments[0], condition
    return None


__all__ = ["LOG_RATIO", "MINUS_INFINITY", "Group", "Stabiliser"]
