"""The sizes and values at which an equation is tried, and exact arithmetic for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import isqrt, prod
from typing import TypeAlias

from symderiv.expression.oracle import Arithmetic, OracleError

#: The values of one array by place, from 0.
Table: TypeAlias = dict[tuple[int, ...], Fraction]
#: An array with its axes, and the axis that its places are on if it is a label.
Array: TypeAlias = tuple[str, tuple[str, ...], str | None]

#: Rational values of functions that are not rational otherwise.
_AT_ZERO = {
    "exp": 1, "sin": 0, "cos": 1, "tan": 0, "sinh": 0, "cosh": 1, "tanh": 0, "erf": 0,
}  # fmt: skip
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
#: Labels of which every choice is tried have at most so many.
_MOST_CHOICES = 9
#: How many arrays are tried with the other sign than all others.
_MOST_TURNED = 3
NO_VALUE = (OracleError, ZeroDivisionError, ValueError, OverflowError)


def _exact(name: str) -> Callable[[Fraction], Fraction]:
    def apply(value: Fraction) -> Fraction:
        if name == "sqrt" and value >= 0:
            roots = isqrt(value.numerator), isqrt(value.denominator)
            if Fraction(roots[0] ** 2, roots[1] ** 2) == value:
                return Fraction(*roots)
        elif name == "log" and value == 1:
            return Fraction(0)
        elif name in _AT_ZERO and value == 0:
            return Fraction(_AT_ZERO[name])
        raise OracleError(f"{name} has no rational value here")

    return apply


#: Exact fractions; a function has a value only where that is known to be a fraction.
EXACT = Arithmetic(
    "exact", lambda value: value, {name: _exact(name) for name in ("sqrt", "log", *_AT_ZERO)}, None
)


def growing_sizes(axes: Sequence[str], fixed: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Sizes in growing order: for few axes every choice of 1 and 2, then some of 3."""
    if len(axes) <= 3:
        choices = sorted(product((1, 2), repeat=len(axes)), key=lambda sizes: (sum(sizes), sizes[::-1]))
    else:
        choices = [(1,) * len(axes), (2,) * len(axes)]
    choices.append(tuple(3 - place % 2 for place in range(len(axes))))
    seen = dict.fromkeys(
        tuple(fixed.get(axis, size) for axis, size in zip(axes, sizes, strict=True)) for sizes in choices
    )
    for sizes in seen:
        yield dict(zip(axes, sizes, strict=True))


def trials(
    wanted: Sequence[Array],
    sizes: Mapping[str, int],
    *,
    zeros: Collection[str],
    constants: Sequence[Fraction] = (),
    kinks: bool = False,
    partial: Collection[str] = (),
) -> Iterator[dict[str, Table]]:
    """Values to try, the simplest first.

    Parameters
    ----------
    wanted
        The arrays, those that matter first.
    sizes
        The size of every axis.
    zeros
        The arrays for which 0 is worth a trial, because functions have rational values there.
    constants
        Numbers that all entries are to be at once.
    kinks
        Whether more regions than usual have to be met.
    partial
        The arrays in functions that have a value for some numbers only.
    """
    places = [
        (name, place, label_of)
        for name, axes, label_of in wanted
        for place in product(*(range(sizes[axis]) for axis in axes))
    ]
    reals = [name for name, _, label_of in wanted if label_of is None]

    def filled(
        value: Callable[[int], Fraction],
        zero: Sequence[str] = (),
        label: Callable[[int], int] = lambda count: count,
        minus: str = "",
    ) -> dict[str, Table]:
        values: dict[str, Table] = {name: {} for name, _, _ in wanted}
        for count, (name, place, label_of) in enumerate(places):
            if label_of is not None:
                values[name][place] = Fraction(label(count) % sizes[label_of])
            else:
                found = Fraction(0) if name in zero else value(count)
                values[name][place] = -found if name == minus else found
        return values

    inside = [name for name in reals if name in zeros]
    yield filled(lambda count: Fraction(count + 1))
    if inside:
        for name in inside[:3]:
            yield filled(lambda count: Fraction(count + 1), [name])
        yield filled(lambda count: Fraction(count + 1), inside)
    yield filled(lambda count: Fraction((count + 1) * (-1) ** (count + 1)))
    yield filled(_generic)
    signed = [1 if count % 3 == 1 else -1 for count in range(len(places))]
    yield filled(lambda count: _generic(count) * signed[count])
    yield filled(lambda count: -30 * _generic(count))  # beyond the numbers that formulas hold
    for constant in constants:
        yield filled(lambda _, constant=constant: constant)  # type: ignore[misc]
    if kinks:
        # In the order of the primes an array might never cross a threshold that is given by another.
        for turn in (5, 8, 13):
            yield filled(lambda count, turn=turn: _scattered(turn, count))  # type: ignore[misc]
    if partial:
        for sign in (1, -1):
            yield filled(lambda count, sign=sign: sign * _small(count))  # type: ignore[misc]
        turned = [name for name in reals if name in partial][:_MOST_TURNED]
        for name in turned if len(reals) > 1 else ():
            yield filled(lambda count: 30 * _generic(count), minus=name)
            yield filled(_small, minus=name)
    for label in _label_choices([(count, sizes[of]) for count, (_, _, of) in enumerate(places) if of]):
        yield filled(_generic, label=label)


def _label_choices(labels: Sequence[tuple[int, int]]) -> Iterator[Callable[[int], int]]:
    """Where labels stand: every choice where there are few, else some with equal labels and without."""
    count = prod(size for _, size in labels)
    if not labels or count == 1:
        return
    if count <= _MOST_CHOICES:
        for places in product(*(range(size) for _, size in labels)):
            chosen = dict(zip((number for number, _ in labels), places, strict=True))
            yield lambda number, chosen=chosen: chosen[number]  # type: ignore[misc]
        return
    yield lambda _: 0
    for step in (0, 1):
        yield lambda number, step=step: number**2 + (number + step) // 2  # type: ignore[misc]


def _generic(count: int) -> Fraction:
    """Fractions without pattern."""
    return Fraction(_PRIMES[count % len(_PRIMES)] + 89 * (count // len(_PRIMES)), 19)


def _small(count: int) -> Fraction:
    """Fractions between 0 and 1 without pattern."""
    return Fraction(_PRIMES[count % len(_PRIMES)], 97 + 12 * (count // len(_PRIMES)))


def _scattered(turn: int, count: int) -> Fraction:
    """The same fractions in another order, and of both signs."""
    number = (turn * (count + 1)) % len(_PRIMES)
    value = Fraction(_PRIMES[number] + 89 * (count // len(_PRIMES)), 19)
    return value if (count + turn) % 3 else -value


def nudged(values: Mapping[str, Table]) -> dict[str, Table]:
    """Values a little beside others, by another distance for each entry; labels keep their places."""
    count = 0
    found: dict[str, Table] = {}
    for name, table in values.items():
        found[name] = {}
        for place, value in table.items():
            found[name][place] = value + _generic(count) / 10**9
            count += 1
    return found


def nested(table: Table, label: bool) -> object:
    """A table as text: one fraction, or nested lists of them in C order."""

    def below(prefix: tuple[int, ...], depth: int) -> object:
        if depth == 0:
            return str(table[prefix] + 1) if label else str(table[prefix])
        firsts = sorted({place[len(prefix)] for place in table if place[: len(prefix)] == prefix})
        return [below((*prefix, first), depth - 1) for first in firsts]

    return below((), len(next(iter(table))) if table else 0)
