"""The value of a tree at one random point modulo a prime, for given sizes.

Entries are random. A function of a value is a random number that goes with that value, so that equal
arguments have equal values and nothing else is known about it, but for what follows.

- e^u is a power of one random number for each u, so that e^{2u} = (e^u)²; sums in exponents must have
  been split before (:mod:`symderiv.proof.atoms`).
- w(u) = e^{iu}, of which sine and cosine are made, likewise; i is adjoined as a root of -1.
- log(1/u) = -log u, erf(-u) = -erf(u).
- A square root is adjoined: only its square is known, its sign is not.
- The sign of a difference is a choice, 0 among them; an equation has to hold for every choice.

A zero found in this way is a zero for all real values wherever both sides are defined, but for a
point that is a root by accident, whose probability is bounded (:mod:`symderiv.proof.prime_field`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import shake_256
from math import isqrt, lcm
from typing import TypeAlias

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    COMPARISONS,
    ZERO,
    Add,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Position,
    Power,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import children, compared_values, walk
from symderiv.problem import names_in
from symderiv.proof.expand import ProofError
from symderiv.proof.prime_field import Element, PrimeField, Undefined
from symderiv.proof.spelling import spelling

Env: TypeAlias = Mapping[Index, int]
#: Functions that turn sums into products: e^u, and w(u) = e^{iu}.
EXPONENTIALS = ("exp", "turn")


class OutOfWork(ProofError):
    """The work limit was reached."""


class Work:
    """Counts the nodes that were evaluated, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.done = 0

    def step(self) -> None:
        """One more node.

        Raises
        ------
        OutOfWork
            If that is one too many.
        """
        self.done += 1
        if self.done > self.limit:
            raise OutOfWork(f"the certificate would take more than {self.limit} steps")


@dataclass(frozen=True)
class Setting:
    """Where an equation is looked at: sizes of axes, places of free letters and of labels, from 0."""

    sizes: Mapping[str, int]
    places: Mapping[Index, int] = field(default_factory=dict)
    labels: Mapping[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)

    def with_axis(
        self,
        axis: str,
        size: int,
        places: Mapping[Index, int],
        labels: Mapping[tuple[str, tuple[int, ...]], int],
    ) -> Setting:
        """The same with one more axis."""
        return Setting({**self.sizes, axis: size}, {**self.places, **places}, {**self.labels, **labels})


class Point:
    """One random point.

    Parameters
    ----------
    field
        The arithmetic.
    setting
        Sizes and places.
    seed
        What the random numbers are drawn from: each is a hash of it and of what the number is for.
    work
        The budget.
    truth
        The arrays whose entries are 0 or 1.
    choices
        Signs of differences and truth values settled so far; new ones are added as -1 and 0.
    step
        What the exponents of exponentials are multiples of one over.
    given
        Entries that are not random.
    pieces
        The arrays that stand for something made of pieces, such as a maximum.
    """

    def __init__(
        self,
        field: PrimeField,
        setting: Setting,
        seed: bytes,
        work: Work,
        *,
        truth: frozenset[str] = frozenset(),
        choices: dict[tuple[object, ...], int] | None = None,
        step: int = 1,
        given: Mapping[object, Element] | None = None,
        pieces: frozenset[str] = frozenset(),
    ) -> None:
        self.field = field
        self.setting = setting
        self.sizes = setting.sizes
        self.seed = seed
        self.work = work
        self.truth = truth
        self.given = dict(given or {})
        self.pieces = pieces
        #: The differences that may be 0 in a whole region: where a value is the largest, say.
        self.level: set[tuple[object, ...]] = set()
        self.choices = {} if choices is None else choices
        #: The largest degree and height among values that were told apart, and how many there were.
        self.compared = (0, 0.0)
        self.keys: set[object] = set()
        #: What was compared, for each sign that was chosen.
        self.gaps: dict[tuple[object, ...], tuple[Expression, Expression, dict[Index, int]]] = {}
        self._entries: dict[tuple[object, ...], None] = {}
        self._drawn: dict[object, Element] = dict(self.given)
        self._memory: dict[tuple[Expression, tuple[int, ...]], Element] = {}
        self._step = step

    def value(self, node: Expression) -> Element:
        """The value of `node`."""
        return self._value(node, dict(self.setting.places))

    def _value(self, node: Expression, env: dict[Index, int]) -> Element:
        key = (node, tuple(env[index] for index in free_indices(node)))
        found = self._memory.get(key)
        if found is None:
            self.work.step()
            found = self._memory[key] = self._evaluated(node, env)
        return found

    def _evaluated(self, node: Expression, env: dict[Index, int]) -> Element:
        field = self.field
        match node:
            case Number(value):
                return field.number(value)
            case Size(axis):
                return field.number(Fraction(self.sizes[axis]))
            case Entry(array, indices):
                return self._entry(array, tuple(self.place(term, env) for term in indices))
            case Delta(left, right):
                return field.one if self.place(left, env) == self.place(right, env) else field.zero
            case Add(terms):
                return field.add([self._value(term, env) for term in terms])
            case Multiply(factors):
                return self._product(factors, env)
            case Power(base, Number(exponent)):
                return self._power(base, exponent, env)
            case Power(base, exponent_tree):
                pair = (self._value(base, env), self._value(exponent_tree, env))
                return self._function("power", pair)
            case Call(function, arguments):
                return self._call(function, arguments, env)
            case Where(condition, then, otherwise):
                return self._value(then if self._holds(condition, env) else otherwise, env)
            case Sum(index, body, condition):
                parts = []
                for place in range(self.sizes[index.axis]):
                    inner = {**env, index: place}
                    if condition is None or self._holds(condition, inner):
                        parts.append(self._value(body, inner))
                return field.add(parts)
            case _:
                raise ProofError(f"a {type(node).__name__} has no value in a prime field")

    def place(self, term: IndexTerm, env: Env) -> int:
        """The place, from 0, that an index stands for."""
        match term:
            case Index():
                return env[term]
            case Position(value, axis):
                if value > self.sizes[axis]:
                    raise ProofError(f"place {value} of the axis {axis} does not exist at every size")
                return value - 1
            case Entry(array, indices):
                return self.setting.labels[array, tuple(self.place(inner, env) for inner in indices)]
            case _:
                raise ProofError("an index that the certificate does not read")

    def _entry(self, array: str, place: tuple[int, ...]) -> Element:
        if array in self.truth:
            return self.field.number(Fraction(self.choices.setdefault(("truth", array, place), 0)))
        self._entries.setdefault((array, place))
        return self._draw((array, place))

    def drawn(self) -> list[tuple[object, ...]]:
        """The entries that were drawn, each an array and a place."""
        return list(self._entries)

    def _draw(self, key: object) -> Element:
        if key not in self._drawn:
            drawn = shake_256(self.seed + repr(key).encode()).digest(self.field.exponent // 8 + 16)
            self._drawn[key] = self.field.variable(int.from_bytes(drawn, "big"))
        return self._drawn[key]

    def _product(self, factors: tuple[Expression, ...], env: dict[Index, int]) -> Element:
        parts = []
        # A delta that is zero first: what goes with it need not be evaluated, nor have a value.
        for factor in sorted(factors, key=lambda each: not isinstance(each, Delta)):
            part = self._value(factor, env)
            if isinstance(factor, Delta) and part.is_zero():
                return self.field.zero
            parts.append(part)
        return self.field.multiply(parts)

    def _power(self, base: Expression, exponent: Fraction, env: dict[Index, int]) -> Element:
        if isinstance(base, Call) and base.function in EXPONENTIALS:
            return self._exponential(base.function, self._value(base.arguments[0], env), exponent)
        if exponent.denominator == 1:
            return self.field.power(self._value(base, env), int(exponent))
        if exponent.denominator == 2:
            return self.field.power(self._root(base, env), exponent.numerator)
        root = self._function(f"root {exponent.denominator}", (self._value(base, env),))
        return self.field.power(root, exponent.numerator)

    def _call(self, function: str, arguments: tuple[Expression, ...], env: dict[Index, int]) -> Element:
        if function == "sqrt":
            return self._root(arguments[0], env)
        if function in ("step", "sign"):
            sign = self._sign(arguments[0], ZERO, env)
            return self.field.number(Fraction(max(sign, 0) if function == "step" else sign))
        values = tuple(self._value(argument, env) for argument in arguments)
        field = self.field
        match function, values:
            case "exp" | "turn", (u,):
                return self._exponential(function, u, Fraction(1))
            case "imaginary", ():
                return self._adjoined("imaginary", field.number(Fraction(-1)))
            case "log", (u,):
                return self._logarithm(u)
            case "erf", (u,):
                return self._odd("erf", u)
            case _:
                return self._function(function, values)

    def _told_apart(self, key: object, *values: Element) -> None:
        """Remember that values were compared: their bounds go into the probability of an error."""
        self.keys.add(key)
        for value in values:
            degree, height = value.size()
            self.compared = (max(self.compared[0], degree), max(self.compared[1], height))

    def _function(self, name: str, values: tuple[Element, ...]) -> Element:
        key = (f"{name}()", *(value.key() for value in values))
        self._told_apart(key, *values)
        return self._draw(key)

    def _exponential(self, function: str, u: Element, exponent: Fraction) -> Element:
        if u.is_zero():
            return self.field.one
        return self.field.power(self._function(function, (u,)), int(exponent * self._step))

    def _logarithm(self, u: Element) -> Element:
        if u.is_zero():
            raise Undefined("a logarithm of zero")
        if u.key() == self.field.one.key():
            return self.field.zero
        inverse = self.field.inverse(u)
        if inverse.key() < u.key():
            return self.field.negate(self._function("log", (inverse,)))
        return self._function("log", (u,))

    def _odd(self, name: str, u: Element) -> Element:
        if u.is_zero():
            return self.field.zero
        opposite = self.field.negate(u)
        if opposite.key() < u.key():
            return self.field.negate(self._function(name, (opposite,)))
        return self._function(name, (u,))

    def _root(self, under: Expression, env: dict[Index, int]) -> Element:
        if isinstance(under, Number) and under.value >= 0:
            roots = isqrt(under.value.numerator), isqrt(under.value.denominator)
            if Fraction(roots[0] ** 2, roots[1] ** 2) == under.value:
                return self.field.number(Fraction(*roots))
        value = self._value(under, env)
        if has_sums(under):
            # By spelling, and even of zero: what sums are at a small size they need not be at every size.
            spelled, letters = spelling(under)
            return self._adjoined((spelled, tuple(env[index] for index in letters)), value)
        if value.is_zero():
            return self.field.zero
        self._told_apart(("sqrt", value.key()), value)
        return self._adjoined(("sqrt", value.key()), value)

    def _adjoined(self, key: object, under: Element) -> Element:
        if key not in self._drawn:
            self._drawn[key] = self.field.new_root(under)
        return self._drawn[key]

    def _holds(self, condition: Compare, env: dict[Index, int]) -> bool:
        values = compared_values(condition)
        if not values:
            assert isinstance(condition.left, Index | Position | Entry)
            assert isinstance(condition.right, Index | Position | Entry)
            compare = COMPARISONS[condition.operator]
            return compare(self.place(condition.left, env), self.place(condition.right, env))
        return COMPARISONS[condition.operator](self._sign(values[0], values[1], env), 0)

    def _sign(self, left: Expression, right: Expression, env: dict[Index, int]) -> int:
        """The sign of a difference: a choice, the opposite of that for the opposite difference."""
        gap = self.gap(left, right, env)
        if gap.is_zero():
            return 0
        opposite = self.field.negate(gap)
        turned = opposite.key() < gap.key()
        key = ("sign", (opposite if turned else gap).key())
        self._told_apart(key, gap)
        self.gaps.setdefault(key, (left, right, dict(env)))
        if self.pieces and any(self.pieces & names_in(side) for side in (left, right)):
            self.level.add(key)
        sign = self.choices.setdefault(key, -1)
        return -sign if turned else sign

    def gap(self, left: Expression, right: Expression, env: dict[Index, int]) -> Element:
        """The difference of two values."""
        return self.field.add([self._value(left, env), self.field.negate(self._value(right, env))])


def has_sums(node: Expression) -> bool:
    """Whether a tree depends on a whole axis: a sum over it, or its size."""
    return isinstance(node, Sum | Size) or any(has_sums(child) for child in children(node))


def exponent_step(node: Expression) -> int:
    """What every exponent of an exponential is a multiple of one over."""
    step = 1
    for _, part in walk(node):
        if isinstance(part, Power) and isinstance(part.base, Call) and isinstance(part.exponent, Number):
            step = lcm(step, part.exponent.value.denominator)
    return step
