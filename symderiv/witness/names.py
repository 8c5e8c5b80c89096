"""Rewriting an element in a problem's own names: e^{z_i} becomes p_i s, Σ_k p_k becomes 1.

Every rewriting is an identity of the field: a generator is replaced by what a definition says it
is (p_i = e^{z_i}/s gives e^{z_i} = p_i s), and a run of terms that a definition, a sum or an
assumption equates with one term is folded into it. The witness checks what comes out against what
went in by the exact zero test, so nothing here is trusted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

from symderiv.witness.field import Field
from symderiv.witness.laurent import (
    Coefficient,
    Monomial,
    NotSingleError,
    Polynomial,
    add,
    common_monomial,
    generator,
    generators_in,
    multiply,
    power,
    raised,
    scale,
    substitute,
    subtract,
    times,
)

#: Which kind of generator a definition is solved for, the best first.
_SOLVED = ("exp", "root", "log", "sum", "function")

#: A name that takes more terms than this is no help to a reader.
MOST_TERMS = 20_000

#: Terms with their coefficients, and the one term that they are equal to.
Relation = tuple[list[tuple[Monomial, Coefficient]], Monomial, Coefficient]


class Names:
    """One way of rewriting.

    Parameters
    ----------
    field
        Where the elements live.
    values
        For each entry of a definition: its value in the field, in the order of the definitions.
    zeros
        Further elements that are zero: what the assumptions say.
    solving
        What else to solve for. With ``logs`` an input z_i of an exponential is written as
        log p_i + log s: entropies need it, where log p_i stands in the result. With ``inputs`` an
        input is written by what is made of it, x_i as μ + σ x̂_i. Elsewhere both only lengthen.
    """

    def __init__(
        self,
        field: Field,
        values: Mapping[tuple[str, tuple[int, ...]], Polynomial],
        zeros: Iterable[Polynomial] = (),
        solving: str = "",
    ) -> None:
        self.field = field
        self.solved: dict[int, Polynomial] = {}
        self.relations: list[Relation] = []
        named: list[tuple[Polynomial, Polynomial]] = []
        for (array, place), value in values.items():
            name = field.entry(array, place)
            if not self._solve(name, value):
                named.append((name, value))
        self._named = {number for name in values for number in generators_in(field.entry(*name))}
        if solving == "logs":
            self._solve_logs(values)
        found = self._relate_all(named)
        if solving == "inputs" and found:
            self.solved.update(found)
            self.relations = []
            self._relate_all(named)
        for zero in zeros:
            constant = zero.get((), 0)
            if constant:
                rest = {monomial: value for monomial, value in zero.items() if monomial}
                self._relate(rest, {(): -constant})

    def _relate_all(self, named: list[tuple[Polynomial, Polynomial]]) -> dict[int, Polynomial]:
        """Relations from sums and definitions; gives the inputs that could be solved for."""
        found: dict[int, Polynomial] = {}
        for number, made in enumerate(list(self.field.generators)):
            if made.kind == "sum" and number not in self.field.loose:
                self._relate(made.content, generator(number))
        for name, value in named:
            found |= self._solved_input(name, value)
            self._relate(value, name)
        return found

    def _solve(self, name: Polynomial, value: Polynomial) -> bool:
        # Sums that are only factors stay for now: a later definition may name them.
        try:
            value = substitute(value, self.solved)
        except NotSingleError:
            return False
        if len(value) > 1:
            lead, monomial, rest = self.field.normal(value)
            number = self.field.known_sum(rest)
            if number is not None and number not in self.solved:
                self.solved[number] = scale(name, 1 / lead, raised(monomial, -1))
                return True
        if len(value) != 1:
            return False
        ((monomial, coefficient),) = value.items()
        for kind in _SOLVED:
            for number, exponent in monomial:
                if kind in ("log", "function") and len(monomial) > 1:
                    continue
                if self.field.generators[number].kind == kind and exponent in (1, -1):
                    others = tuple(each for each in monomial if each[0] != number)
                    found = multiply(name, power({others: coefficient}, -1))
                    self.solved[number] = power(found, exponent)
                    self._solve_under_root(number)
                    # What was solved before may mention this generator: bring it up to date.
                    latest = {number: self.solved[number]}
                    for other, solution in self.solved.items():
                        if other != number:
                            self.solved[other] = substitute(solution, latest)
                    return True
        return False

    def _solve_under_root(self, root: int) -> None:
        """With σ for √s, s is σ²."""
        made = self.field.generators[root]
        if made.kind == "root" and len(made.content) == 1:
            ((monomial, coefficient),) = made.content.items()
            if len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0] not in self.solved:
                squared = scale(power(self.solved[root], made.degree), 1 / Fraction(coefficient))
                if monomial[0][0] not in generators_in(squared):
                    self.solved[monomial[0][0]] = squared

    def _solve_logs(self, values: Mapping[tuple[str, tuple[int, ...]], Polynomial]) -> None:
        found: dict[int, Polynomial] = {}
        for (array, place), value in values.items():
            if len(value) != 1:
                continue
            ((monomial, coefficient),) = value.items()
            exponentials = [each for each in monomial if self.field.generators[each[0]].kind == "exp"]
            if len(exponentials) != 1 or exponentials[0][1] != 1 or coefficient < 0:
                continue
            content = self.field.generators[exponentials[0][0]].content
            inputs = [number for each in content for number, power_ in each if power_ == 1]
            if len(content) != 1 or not inputs or inputs[0] in found:
                continue
            logarithm = self.field.logarithm(self.field.entry(array, place))
            # log(value) = content + others, so the input is (log name − others) / (its factor).
            others = subtract(self.field.logarithm(value), content)
            ((whole, share),) = content.items()
            factor = {tuple(each for each in whole if each[0] != inputs[0]): share}
            found[inputs[0]] = multiply(subtract(logarithm, others), power(factor, -1))
        self.solved.update(found)

    def _solved_input(self, name: Polynomial, value: Polynomial) -> dict[int, Polynomial]:
        """x̂ = (x − μ)/σ solved for x, where x is the only input in it."""
        try:
            value = self.fold(self._settled(value))
        except NotSingleError:
            return {}
        inputs = [
            (number, monomial)
            for monomial in value
            for number, exponent in monomial
            if number not in self._named and self.field.generators[number].kind == "entry"
        ]
        if len(inputs) != 1:
            return {}
        ((number, monomial),) = inputs
        if dict(monomial)[number] != 1:
            return {}
        factor = {tuple(each for each in monomial if each[0] != number): value[monomial]}
        rest = {each: share for each, share in value.items() if each != monomial}
        return {number: multiply(subtract(name, rest), power(factor, -1))}

    def _settled(self, value: Polynomial) -> Polynomial:
        for _ in range(16):
            present = generators_in(value)
            # A sum that is only a factor, and has no name, is written out after all.
            loose = present & self.field.loose - self.solved.keys()
            if not loose and self.solved.keys().isdisjoint(present):
                return value
            contents = {number: self.field.generators[number].content for number in loose}
            value = substitute(value, self.solved | contents)
            if len(value) > MOST_TERMS:
                break
        # Solutions that go round in circles, or grow: no way of naming.
        raise NotSingleError("the names do not settle")

    def _relate(self, many: Polynomial, one: Polynomial) -> None:
        try:
            left, right = self.fold(self._settled(many)), self._settled(one)
        except NotSingleError:
            return
        constant = {each: share for each, share in left.items() if right.keys() == {each}}
        left, right = subtract(left, constant), subtract(right, constant)
        if len(left) < 2 or len(right) > 1:
            return
        shared = common_monomial(left)
        left, right = scale(left, 1, raised(shared, -1)), scale(right, 1, raised(shared, -1))
        ((monomial, coefficient),) = right.items() if right else [((), 0)]
        self.relations.append((sorted(left.items()), monomial, coefficient))

    def rewrite(self, value: Polynomial) -> Polynomial:
        """`value` in the names.

        Raises
        ------
        NotSingleError
            If a name would stand for several terms under a negative power.
        """
        return self.fold(self._settled(value))

    def fold(self, value: Polynomial) -> Polynomial:
        """`value` with runs of terms replaced by the one term they are equal to."""
        again = True
        while again and len(value) > 1:
            again = False
            for relation in self.relations:
                shorter = _folded_once(value, relation)
                while shorter is not None:
                    value, again = shorter, True
                    shorter = _folded_once(value, relation)
        return value


def _folded_once(value: Polynomial, relation: Relation) -> Polynomial | None:
    terms, monomial, coefficient = relation
    if len(terms) > len(value):
        return None
    first = raised(terms[0][0], -1)
    for start in value:
        factor = times(start, first)
        matched = [(times(factor, each), share) for each, share in terms]
        if any(each not in value for each, _ in matched):
            continue
        ratios = Counter(Fraction(value[each]) / share for each, share in matched)
        (ratio, _), *_rest = ratios.most_common(1)
        change: Polynomial = {each: -ratio * share for each, share in matched}
        gain: Polynomial = {times(factor, monomial): ratio * coefficient} if coefficient else {}
        folded = add((value, change, gain))
        if len(folded) < len(value):
            return folded
    return None
