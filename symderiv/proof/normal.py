"""The normal form: one sum of terms, each a number times powers of atoms.

Two trees with the same normal form are equal for every size of every axis, because each rewrite
below is: products over brackets multiplied out, δ's sifted, factors pulled out of sums, sums split,
e^{a+b} = e^a e^b, log(ab) = log a + log b, log e^u = u, and the functions of the exponential family
written by e. The converse does not hold: different normal forms prove nothing.

Atoms are entries, sizes, exponentials, function values and sums over an axis that nothing can be
pulled out of, each in canonical spelling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import floor

from symderiv.expression.canonical import canonical, sort_key
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    factors_of,
    multiply,
    negate,
    number,
    power,
    subtract,
)
from symderiv.expression.functions import PI, call
from symderiv.expression.indices import indices_in_term, mentions, rename
from symderiv.expression.matrices import product_with_inverse
from symderiv.expression.nodes import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    Extremum,
    Index,
    Multiply,
    Number,
    PlaceTerm,
    Position,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import conditions_of, decided, is_within, solved, within
from symderiv.expression.traverse import compared_values, map_children, walk
from symderiv.proof.deltas import by_preference, classes, written_at
from symderiv.proof.expand import ProofError
from symderiv.proof.places import bound_of, implied, is_bound, least_spelling, solved_delta, without_bounds

#: A normal form with more terms than this is given up: no answer rather than a long wait.
MAX_TERMS = 4000
#: After this many products of terms the way to a normal form is given up.
MAX_WORK = 20_000
#: Numbers under roots are taken apart into primes up to this one.
MAX_PRIME = 1000
#: Whole powers of brackets up to this are multiplied out.
MAX_POWER = 8

#: A monomial: canonical atom -> exponent. A polynomial: monomial (sorted) -> coefficient.
_Monomial = tuple[tuple[Expression, Fraction], ...]
_Polynomial = dict[_Monomial, Fraction]


class Normal:
    """Brings trees to normal form, with equations to use along the way.

    Parameters
    ----------
    equations
        From a sum in canonical spelling to what it may be replaced by: an assumption Σ_k t_k = 1.
    """

    def __init__(self, equations: Mapping[Expression, Expression] | None = None) -> None:
        self._equations = dict(equations or {})
        self._work = 0
        self._known: frozenset[Compare] = frozenset()  # the bounds that hold where one stands

    def of(self, node: Expression) -> Expression:
        """The normal form of `node` as a tree; zero is ``Number(0)``."""
        return _tree(self._polynomial(node))

    def is_zero(self, node: Expression) -> bool:
        """Whether `node` is zero by its normal form, also after clearing denominators."""
        found = self._polynomial(node)
        if not found:
            return True
        cleared = self._cleared(found)
        return cleared is not None and not cleared

    def _cleared(self, found: _Polynomial) -> _Polynomial | None:
        """The numerator over the common denominator of the brackets below, or None without any."""
        below: dict[Expression, Fraction] = {}
        for monomial in found:
            for base, exponent in monomial:
                if isinstance(base, Add) and exponent < 0:
                    below[base] = max(below.get(base, Fraction(0)), -exponent)
        if not below or any(each.denominator != 1 for each in below.values()):
            return None
        terms = []
        for monomial, coefficient in found.items():
            powers = dict(below)
            rest: list[Expression] = [Number(coefficient)]
            for base, exponent in monomial:
                if base in below:
                    powers[base] += exponent
                else:
                    rest.append(power(base, Number(exponent)))
            terms.append(multiply(*rest, *(power(base, Number(each)) for base, each in powers.items())))
        return self._sum([self._polynomial(term) for term in terms])

    def _polynomial(self, node: Expression) -> _Polynomial:
        match node:
            case Number(value):
                return {(): value} if value else {}
            case Add(terms):
                return self._sum([self._polynomial(term) for term in terms])
            case Multiply(factors):
                result: _Polynomial = {(): Fraction(1)}
                for factor in factors:
                    result = self._product(result, self._polynomial(factor))
                return result
            case Power(base, Number(exponent)):
                return self._power(base, exponent)
            case Power(base, exponent):
                if is_positive(base):
                    return self._polynomial(call("exp", multiply(exponent, call("log", base))))
                return self._varying_power(base, self._polynomial(exponent))
            case Call():
                return self._call(node)
            case Sum():
                return self._total(node)
            case Delta(left, right) if left == right:
                return {(): Fraction(1)}
            case Delta(Position(), Position()):
                return {}
            case Delta():
                solved_for_one = solved_delta(node)
                return self._atom(node) if solved_for_one == node else self._polynomial(solved_for_one)
            case Entry(_, indices) if conditions_of(indices):
                return self._entry(node)
            case Where(condition, then, otherwise):
                return self._by_cases(condition, then, otherwise)
            case Extremum(_, index, body) if not mentions(body, index):
                return self._polynomial(body)
            case _:
                return self._atom(map_children(node, self.of))

    def _entry(self, node: Entry) -> _Polynomial:
        """An entry at shifted places, with the bounds that it is 0 without."""
        bounds = [
            bound_of(condition.left, condition.right.axis)
            for condition in conditions_of(node.indices)
            if condition not in self._known
            and isinstance(condition.left, Shift)
            and isinstance(condition.right, Size)
        ]
        if ZERO in bounds:
            return {}
        written = [(canonical(bound), Fraction(1)) for bound in bounds if bound != ONE]
        return self._monomial([*written, (canonical(node), Fraction(1))], Fraction(1))

    def _atom(self, node: Expression) -> _Polynomial:
        key = canonical(node)
        if key in self._equations:
            return self._polynomial(self._equations[key])
        if isinstance(key, Number):
            return {(): key.value} if key.value else {}
        return self._monomial([(key, Fraction(1))], Fraction(1))

    def _sum(self, parts: list[_Polynomial]) -> _Polynomial:
        result: _Polynomial = {}
        for part in parts:
            for monomial, coefficient in part.items():
                total = result.get(monomial, Fraction(0)) + coefficient
                if total:
                    result[monomial] = total
                else:
                    result.pop(monomial, None)
        if len(result) > MAX_TERMS:
            raise ProofError(f"the normal form has more than {MAX_TERMS} terms")
        return result

    def _product(self, left: _Polynomial, right: _Polynomial) -> _Polynomial:
        if len(left) * len(right) > MAX_TERMS * 4:
            raise ProofError(f"the normal form has more than {MAX_TERMS} terms")
        return self._sum([self._monomial([*a, *b], x * y) for a, x in left.items() for b, y in right.items()])

    def _monomial(self, powers: list[tuple[Expression, Fraction]], coefficient: Fraction) -> _Polynomial:
        """One term: equal atoms merged, deltas used up, square roots squared."""
        self._work += 1
        if self._work > MAX_WORK:
            raise ProofError(f"the normal form needs more than {MAX_WORK} products of terms")
        merged: dict[Expression, Fraction] = {}
        for base, exponent in powers:
            merged[base] = merged.get(base, Fraction(0)) + exponent
        merged = {base: exponent for base, exponent in merged.items() if exponent}
        for base, exponent in merged.items():
            if isinstance(base, Delta | Where) and exponent < 0:
                raise ProofError("a division by zero")
            if isinstance(base, Delta | Where):
                merged[base] = Fraction(1)
            if isinstance(base, Call) and base.function == "step" and exponent > 1:
                merged[base] = Fraction(1)
        again = self._under_bounds(merged, coefficient)
        if again is not None:
            return again
        for needless in implied(merged):
            del merged[needless]
        deltas = [base for base in merged if isinstance(base, Delta)]
        for delta in deltas:
            again = self._under_shifted_delta(delta, merged, coefficient)
            if again is not None:
                return again
        if deltas:
            again = self._under_deltas(merged, coefficient)
            if again is not None:
                return again
        for base in list(merged):
            if isinstance(base, Call) and base.function == "sqrt" and merged[base].denominator != 1:
                rest = {key: each for key, each in merged.items() if key != base}
                inner = self._power(base.arguments[0], merged[base] / 2)
                return self._product(self._monomial(list(rest.items()), coefficient), inner)
            if isinstance(base, Call) and base.function == "sqrt" and merged[base] not in (0, 1):
                # √u^n is u^⌊n/2⌋ times √u or 1, so that 1/√u and √u/u have one spelling.
                whole = floor(merged[base] / 2)
                rest = {**merged, base: merged[base] - 2 * whole}
                inner = self._power(base.arguments[0], Fraction(whole))
                return self._product(self._monomial(list(rest.items()), coefficient), inner)
            whole = merged[base].denominator == 1
            if isinstance(base, Add) and whole and 0 < merged[base] <= MAX_POWER:
                rest = {key: each for key, each in merged.items() if key != base}
                return self._product(
                    self._monomial(list(rest.items()), coefficient), self._power(base, merged[base])
                )
        return {tuple(sorted(merged.items(), key=lambda item: sort_key(item[0]))): coefficient}

    def _under_bounds(self, merged: dict[Expression, Fraction], coefficient: Fraction) -> _Polynomial | None:
        """[s in N] f([s in N] x_s) = [s in N] f(x_s): inside of functions and sums, the bound is 1."""
        bounds = [base for base in merged if is_bound(base)]
        if not bounds:
            return None
        written = {base: without_bounds(base, merged) for base in merged if not is_bound(base)}
        if all(base is other for base, other in written.items()):
            return None
        before = self._known
        # Those that follow from them are known too: they must not be written inside again.
        self._known = before | {
            part.condition
            for base in merged
            for _, part in walk(base)
            if isinstance(part, Where) and is_bound(part) and without_bounds(part, merged) == ONE
        }
        factors = [power(other, Number(merged[base])) for base, other in written.items()]
        inside = self._polynomial(multiply(Number(coefficient), *factors))
        self._known = before
        # The bounds themselves are known inside only: here they stand as factors.
        return self._product({tuple((base, Fraction(1)) for base in bounds): Fraction(1)}, inside)

    def _under_shifted_delta(
        self, delta: Delta, merged: dict[Expression, Fraction], coefficient: Fraction
    ) -> _Polynomial | None:
        """δ_{k, j-i} f_k = δ_{k, j-i} f_{j-i}: the letter that a shifted delta is solved for disappears."""
        letter, place = delta.left, delta.right
        if not isinstance(letter, Index) or not isinstance(place, Shift):
            return None
        rest = [power(base, Number(exponent)) for base, exponent in merged.items() if base != delta]
        if not any(mentions(factor, letter) for factor in rest):
            return None
        renamed = rename(multiply(Number(coefficient), *rest), {letter: place})
        return self._product(self._polynomial(renamed), {((delta, Fraction(1)),): Fraction(1)})

    def _under_deltas(self, merged: dict[Expression, Fraction], coefficient: Fraction) -> _Polynomial | None:
        """δ_ij f_j = δ_ij f_i: of the places that the deltas make equal, every term is written with one.

        None where it is written so already.
        """
        plain = [base for base in merged if isinstance(base, Delta) and not isinstance(base.right, Shift)]
        for places, deltas in classes(plain):
            if sum(isinstance(place, Position) for place in places) > 1:
                return {}
            kept, *others = by_preference(places)
            spelled = {canonical(Delta(kept, place)) for place in others}
            rest = [power(base, Number(each)) for base, each in merged.items() if base not in deltas]
            moved = [written_at(factor, kept, others) for factor in rest]
            if moved == rest and spelled == set(deltas):
                continue
            monomial = tuple(
                sorted(((delta, Fraction(1)) for delta in spelled), key=lambda each: sort_key(each[0]))
            )
            return self._product(
                self._polynomial(multiply(Number(coefficient), *moved)), {monomial: Fraction(1)}
            )
        return None

    def _power(self, base: Expression, exponent: Fraction) -> _Polynomial:
        inner = self._polynomial(base)
        if not inner:
            if exponent > 0:
                return {}
            raise ProofError("a division by zero")
        if exponent == Fraction(1, 2):
            return self._call(Call("sqrt", (base,)))
        if len(inner) == 1:
            ((monomial, coefficient),) = inner.items()
            if exponent.denominator == 1:
                # 1 / x[s] has a value only where s is in bounds: the bound stays above the bar.
                powers = [
                    (atom, Fraction(1) if is_bound(atom) else each * exponent) for atom, each in monomial
                ]
                return self._monomial(powers, coefficient ** int(exponent))
        if exponent.denominator == 1 and 0 < exponent <= MAX_POWER:
            result = inner
            for _ in range(int(exponent) - 1):
                result = self._product(result, inner)
            return result
        return self._power_of_bracket(inner, exponent)

    def _varying_power(self, base: Expression, exponent: _Polynomial) -> _Polynomial:
        """u^{e + n} = u^e u^n for a whole number n; else a power whose exponent varies is an atom."""
        whole = floor(exponent.get((), Fraction(0)))
        rest = self._sum([exponent, {(): Fraction(-whole)} if whole else {}])
        result: _Polynomial = {(): Fraction(1)}
        if whole:
            result = self._power(base, Fraction(whole))
        return self._product(result, self._atom(Power(self.of(base), _tree(rest)))) if rest else result

    def _power_of_bracket(self, inner: _Polynomial, exponent: Fraction) -> _Polynomial:
        """A bracket below the bar: its common factor in front, its first term positive and plain."""
        shared = _content(inner)
        if exponent.denominator != 1:
            shared = {atom: each for atom, each in shared.items() if is_positive(atom)}
        rest = inner
        if shared:
            inverse = [(atom, -each) for atom, each in shared.items()]
            rest = self._sum(
                [self._monomial([*monomial, *inverse], each) for monomial, each in inner.items()]
            )
        if not rest:
            raise ProofError("a division by zero")
        scale = rest[min(rest, key=_monomial_key)] if exponent.denominator == 1 else Fraction(1)
        rest = {monomial: coefficient / scale for monomial, coefficient in rest.items()}
        bracket = canonical(_tree(rest))
        outside = self._monomial([(atom, each * exponent) for atom, each in shared.items()], Fraction(1))
        number = scale ** int(exponent) if exponent.denominator == 1 else Fraction(1)
        if isinstance(bracket, Number) and exponent.denominator == 1:
            # What is in front may leave a number only: 1 - e / (1 + e) is (1 + e)^(-1).
            number *= bracket.value ** int(exponent)
            return {monomial: each * number for monomial, each in outside.items()}
        if not isinstance(bracket, Add):
            base, own = base_and_exponent(bracket)
            if isinstance(own, Number):
                if own.value % 2 == 0 and exponent.denominator != 1 and not is_positive(base):
                    base, own = bracket, ONE  # (u^2)^(1/3) is not u^(2/3) where u is negative
                return self._product(outside, self._monomial([(base, own.value * exponent)], number))
            raise ProofError("a power that the normal form does not handle")
        return self._product(outside, {((bracket, exponent),): number})

    def _call(self, node: Call) -> _Polynomial:
        name, arguments = node.function, node.arguments
        if len(arguments) != 1:
            return self._atom(Call(name, tuple(self.of(argument) for argument in arguments)))
        written = _by_exponentials(name, arguments[0])
        if written is not None:
            return self._polynomial(written)
        inner = self._polynomial(arguments[0])
        if name == "step":
            return self._is_positive_there(inner)
        if name == "sign" and inner and is_positive(_tree(inner)):
            return {(): Fraction(1)}
        if name == "exp":
            return self._exponential(inner)
        if name == "log":
            return self._logarithm(inner)
        if name == "sqrt" and len(inner) == 1:
            return self._root(inner)
        return self._atom(Call(name, (_tree(inner),)))

    def _root(self, inner: _Polynomial) -> _Polynomial:
        """√(a b) = √a √b where a is a positive constant: a number comes out of the root by its primes."""
        ((monomial, coefficient),) = inner.items()
        if coefficient <= 0:
            return self._atom(call("sqrt", _tree(inner)))
        apart = [(atom, each) for atom, each in monomial if isinstance(atom, Size) or atom == PI]
        # e^u is positive, so the root of its square is it.
        squared = [pair for pair in monomial if _is_exponential(pair[0]) and pair[1] % 2 == 0]
        rest = {tuple(pair for pair in monomial if pair not in (*apart, *squared)): Fraction(1)}
        number = coefficient.numerator * coefficient.denominator
        result: _Polynomial = {(): Fraction(1, coefficient.denominator)}
        for prime, power_of_it in _primes(number):
            root = self._monomial(
                [(call("sqrt", Number(Fraction(prime))), Fraction(power_of_it))], Fraction(1)
            )
            result = self._product(result, root)
        result = self._product(result, self._monomial([(u, each / 2) for u, each in squared], Fraction(1)))
        for atom, each in apart:
            result = self._product(result, self._monomial([(call("sqrt", atom), each)], Fraction(1)))
        return result if rest == {(): 1} else self._product(result, self._atom(call("sqrt", _tree(rest))))

    def _exponential(self, inner: _Polynomial) -> _Polynomial:
        """e^{a + b} = e^a e^b, e^{n u} = (e^u)^n, e^{log u} = u."""
        result: _Polynomial = {(): Fraction(1)}
        for monomial, coefficient in inner.items():
            atoms = [atom for atom, _ in monomial]
            if len(monomial) == 1 and monomial[0][1] == 1:
                atom = atoms[0]
                if isinstance(atom, Call) and atom.function == "log" and coefficient.denominator == 1:
                    result = self._product(result, self._power(atom.arguments[0], coefficient))
                    continue
            unit = canonical(Call("exp", (_tree({monomial: Fraction(1)}),)))
            result = self._product(result, self._monomial([(unit, coefficient)], Fraction(1)))
        return result

    def _logarithm(self, inner: _Polynomial) -> _Polynomial:
        """log(ab) = log a + log b, log u^n = n log u, log e^u = u, factors that all terms share in front.

        An even power is positive whatever the sign of its base, so log u^2 is 2 log u only where u is
        known to be positive; where it is not, log u^2 stays as it is.
        """
        if not inner:
            raise ProofError("a logarithm of zero")
        if all(coefficient < 0 for coefficient in inner.values()):
            return self._atom(call("log", _tree(inner)))
        shared = _content(inner)
        if len(inner) == 1:
            ((monomial, coefficient),) = inner.items()
            parts = [self._log_of_number(coefficient)]
            return self._sum([*parts, *(self._log_of_atom(atom, each) for atom, each in monomial)])
        divided = self._product(
            inner, self._monomial([(atom, -each) for atom, each in shared.items()], Fraction(1))
        )
        parts = [self._log_of_atom(atom, each) for atom, each in shared.items()]
        return self._sum([*parts, self._atom(call("log", _tree(divided)))])

    def _log_of_number(self, number: Fraction) -> _Polynomial:
        """By the primes of a positive number, log 12 = 2 log 2 + log 3."""
        result: _Polynomial = {}
        for part, sign in ((number.numerator, 1), (number.denominator, -1)):
            for prime, times in _primes(part):
                atom = self._atom(call("log", Number(Fraction(prime))))
                result = self._sum([result, {each: value * times * sign for each, value in atom.items()}])
        return result

    def _log_of_atom(self, atom: Expression, exponent: Fraction) -> _Polynomial:
        if exponent.denominator == 1 and exponent % 2 == 0 and not is_positive(atom):
            # log u^(2m) is m log u^2, whatever the sign of u.
            squared = canonical(call("log", power(atom, 2)))
            return self._monomial([(squared, Fraction(1))], exponent / 2)
        if isinstance(atom, Call) and atom.function == "exp":
            inner = self._polynomial(atom.arguments[0])
        elif isinstance(atom, Call) and atom.function == "sqrt":
            root = self._logarithm(self._polynomial(atom.arguments[0]))
            inner = {monomial: coefficient / 2 for monomial, coefficient in root.items()}
        elif isinstance(atom, Delta):
            raise ProofError("a logarithm of a delta")
        elif is_bound(atom):
            raise ProofError("a logarithm of an entry that may be outside of its array")
        else:
            inner = self._monomial([(canonical(call("log", atom)), Fraction(1))], Fraction(1))
        return {monomial: coefficient * exponent for monomial, coefficient in inner.items()}

    def _by_cases(self, condition: Compare, then: Expression, otherwise: Expression) -> _Polynomial:
        """where(c, a, b) = b + [c] (a - b)."""
        known = decided(condition) if is_within(condition) else None
        if known is None and condition in self._known:
            known = True
        if known is not None:
            return self._polynomial(then if known else otherwise)
        holds, outside = self._truth(condition), self._polynomial(otherwise)
        before = self._known
        if is_within(condition):
            self._known = before | {condition}
        inside = self._polynomial(then)
        self._known = before
        lost = self._product(holds, outside)
        return self._sum([outside, self._product(holds, inside), {key: -each for key, each in lost.items()}])

    def _truth(self, condition: Compare) -> _Polynomial:
        """[c]: 1 where a condition holds, else 0. Equal places are a delta; the rest comes down to one sign.

        a ≤ b is what b < a is not, and a > b is b < a; two values are compared by the sign of their
        difference, which a positive factor does not change.
        """
        if is_within(condition):
            return self._atom(Where(condition, ONE, ZERO))
        operator, left, right = condition.operator, condition.left, condition.right
        if operator in ("!=", "<=", ">="):
            opposite = {"!=": "==", "<=": ">", ">=": "<"}[operator]
            return self._opposite(self._truth(Compare(opposite, left, right)))
        if operator == ">":
            left, right = right, left
        values = compared_values(Compare(operator, left, right))
        if not values and operator == "==":
            assert isinstance(left, PlaceTerm | Entry)
            assert isinstance(right, PlaceTerm | Entry)
            return self._polynomial(Delta(left, right))
        if not values:
            if left == right:
                return {}
            if isinstance(left, Position) and isinstance(right, Position):
                return {(): Fraction(1)} if left.value < right.value else {}
            return self._atom(Where(Compare("<", left, right), ONE, ZERO))
        difference = self._polynomial(subtract(values[1], values[0]))
        if operator == "==":
            return self._is_zero_there(difference)
        return self._is_positive_there(difference)

    def _opposite(self, truth: _Polynomial) -> _Polynomial:
        return self._sum([{(): Fraction(1)}, {monomial: -each for monomial, each in truth.items()}])

    def _is_positive_there(self, value: _Polynomial) -> _Polynomial:
        """[u > 0], with positive common factors of u taken away."""
        if not set(value) - {()}:
            return {(): Fraction(1)} if value.get((), 0) > 0 else {}
        value = self._primitive(value)
        if not set(value) - {()}:
            return {(): Fraction(1)} if value.get((), 0) > 0 else {}
        return self._atom(Where(Compare("<", ZERO, _tree(value)), ONE, ZERO))

    def _is_zero_there(self, value: _Polynomial) -> _Polynomial:
        """[u = 0], which is [-u = 0] too."""
        if not set(value) - {()}:
            return {} if value.get((), 0) else {(): Fraction(1)}
        value = self._primitive(value)
        if min(value.items(), key=lambda term: _monomial_key(term[0]))[1] < 0:
            value = {monomial: -each for monomial, each in value.items()}
        return self._atom(Where(Compare("==", _tree(value), ZERO), ONE, ZERO))

    def _primitive(self, value: _Polynomial) -> _Polynomial:
        """A value divided by its positive common factors, so that its sign is the same."""
        shared = {atom: -each for atom, each in _content(value).items() if is_positive(atom)}
        if shared:
            value = self._product(value, self._monomial(list(shared.items()), Fraction(1)))
        scale = next(abs(each) for _, each in sorted(value.items(), key=lambda term: _monomial_key(term[0])))
        return {monomial: each / scale for monomial, each in value.items()}

    def _total(self, node: Sum) -> _Polynomial:
        """A sum over an axis, term by term: deltas sifted, constants counted, factors pulled out."""
        if node.condition is not None:
            return self._restricted(node, node.condition)
        parts = []
        # A letter of its own, so that nothing inside can clash with it.
        letter = Index(f"{node.index.name}~", node.index.axis)
        body = rename(node.body, {node.index: letter})
        for monomial, coefficient in self._polynomial(body).items():
            parts.append(self._total_of_term(letter, monomial, coefficient))
        return self._sum(parts)

    def _total_of_term(self, letter: Index, monomial: _Monomial, coefficient: Fraction) -> _Polynomial:
        factors = [power(atom, Number(each)) for atom, each in monomial]
        for place, factor in enumerate(factors):
            if isinstance(factor, Delta) and mentions(factor, letter):
                other = solved(factor.left, factor.right, letter)
                if other is None or isinstance(other, Position):
                    continue  # the axis may be too short to have that place
                rest = multiply(Number(coefficient), *factors[:place], *factors[place + 1 :])
                rest = multiply(bound_of(other, letter.axis), rename(rest, {letter: other}))
                return self._polynomial(rest)
        outside = [factor for factor in factors if not mentions(factor, letter)]
        inside = [factor for factor in factors if mentions(factor, letter)]
        without = _without_inverses(letter, inside)
        if without is not None:
            return self._polynomial(multiply(Number(coefficient), *outside, without))
        total = _nested(letter, inside) if inside else Size(letter.axis)
        result = self._atom(total)
        for factor in outside:
            result = self._product(result, self._polynomial(factor))
        return {key: each * coefficient for key, each in result.items()}

    def _restricted(self, node: Sum, condition: Compare) -> _Polynomial:
        """Σ_{k ≠ i} f_k = Σ_k f_k - f_i, Σ_{k = i} f_k = f_i, and Σ_{k < i} f_k = Σ_k [k < i] f_k."""
        sides = (condition.left, condition.right)
        if condition.operator in ("!=", "==") and node.index in sides:
            other = condition.right if condition.left == node.index else condition.left
            if isinstance(other, Index | Shift | Entry) and node.index not in indices_in_term(other):
                picked = rename(node.body, {node.index: other})
                bound = within(other, node.index.axis)
                picked = picked if bound is None else Where(bound, picked, ZERO)
                if condition.operator == "==":
                    return self._polynomial(picked)
                return self._polynomial(add(Sum(node.index, node.body), negate(picked)))
        return self._polynomial(Sum(node.index, Where(condition, node.body, ZERO)))


def _without_inverses(letter: Index, factors: list[Expression]) -> Expression | None:
    """Σ over a letter of factors, with a δ for a matrix next to its inverse; None where none is."""
    letters, core = _flat(letter, factors)
    for each in letters:
        uses = [factor for factor in core if mentions(factor, each)]
        delta = product_with_inverse(uses, each)
        if delta is not None:
            total = multiply(delta, *(factor for factor in core if factor not in uses))
            for other in reversed([other for other in letters if other != each]):
                total = Sum(other, total)
            return total
    return None


def _nested(letter: Index, factors: list[Expression]) -> Expression:
    """Σ over a letter of factors, sums among them moved outwards: Σ_c g_c Σ_k V_kc is Σ_c Σ_k g_c V_kc.

    So a sum over several axes has one spelling, whichever of them was summed first.
    """
    letters, core = _flat(letter, factors)
    return least_spelling(letters, core)


def _flat(letter: Index, factors: list[Expression]) -> tuple[list[Index], list[Expression]]:
    """A letter with those of the sums among the factors, and the factors without these sums."""
    letters: list[Index] = [letter]
    core: list[Expression] = []
    for factor in factors:
        while isinstance(factor, Sum) and factor.condition is None:
            own = Index(f"{factor.index.name}~{len(letters)}", factor.index.axis)
            letters.append(own)
            factor = rename(factor.body, {factor.index: own})
        core.extend(factors_of(factor))
    return letters, core


def _is_exponential(atom: Expression) -> bool:
    return isinstance(atom, Call) and atom.function == "exp"


def _content(polynomial: _Polynomial) -> dict[Expression, Fraction]:
    """The powers of atoms that all terms share (deltas excepted)."""
    monomials = [dict(monomial) for monomial in polynomial]
    shared: dict[Expression, Fraction] = {}
    for atom in dict.fromkeys(atom for monomial in monomials for atom in monomial):
        if isinstance(atom, Delta) or is_bound(atom):
            continue
        exponents = [monomial.get(atom, Fraction(0)) for monomial in monomials]
        least = min(exponents)
        if least:
            shared[atom] = least
    return shared


def _primes(number: int) -> Iterator[tuple[int, int]]:
    """The prime factors of a whole number with their powers; what has no small factor stays whole."""
    divisor = 2
    while divisor * divisor <= number and divisor < MAX_PRIME:
        count = 0
        while number % divisor == 0:
            number, count = number // divisor, count + 1
        if count:
            yield divisor, count
        divisor += 1
    if number > 1:
        yield number, 1


def _monomial_key(monomial: _Monomial) -> tuple[object, ...]:
    return tuple((sort_key(atom), exponent) for atom, exponent in monomial)


def _tree(polynomial: _Polynomial) -> Expression:
    terms = [
        multiply(Number(polynomial[monomial]), *(power(atom, Number(each)) for atom, each in monomial))
        for monomial in sorted(polynomial, key=_monomial_key)
    ]
    return add(*terms) if terms else ZERO


def _by_exponentials(name: str, u: Expression) -> Expression | None:
    """The functions of the exponential family by e; those with a kink by their step."""
    up, down = call("exp", u), call("exp", multiply(MINUS_ONE, u))
    match name:
        case "sigmoid":
            return power(add(ONE, down), -1)
        case "softplus":
            return call("log", add(ONE, up))
        case "tanh":
            return multiply(add(up, negate(down)), power(add(up, down), -1))
        case "sinh":
            return multiply(number(Fraction(1, 2)), add(up, negate(down)))
        case "cosh":
            return multiply(number(Fraction(1, 2)), add(up, down))
        case "relu":
            return multiply(call("step", u), u)
        case "abs":
            return multiply(call("sign", u), u)
        case _:
            return None


def is_positive(node: Expression) -> bool:
    """Whether `node` is positive wherever it is defined, for all real values of the entries."""
    match node:
        case Number(value):
            return value > 0
        case Size() | Call("exp" | "sqrt" | "sigmoid" | "cosh" | "softplus" | "pi", _):
            return True
        case Power(_, Number(value)) if value.denominator == 1 and value % 2 == 0:
            return True
        case Power(base, _):
            return is_positive(base)
        case Add(parts) | Multiply(parts):
            return all(is_positive(part) for part in parts)
        case Sum(_, body, _) | Product(_, body, _) | Extremum(_, _, body):
            return is_positive(body)
        case _:
            return False
