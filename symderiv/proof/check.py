"""The finite part of the certificate: every pattern of the free letters, at every size that matters.

What is checked and why it is enough stands in :mod:`symderiv.proof.certificate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from math import log2
from typing import TypeAlias

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Entry, Expression, Index, Size, Sum
from symderiv.expression.traverse import walk
from symderiv.problem import names_in
from symderiv.proof.atoms import Hidden, split
from symderiv.proof.expand import ProofError
from symderiv.proof.free_places import Labels, index_terms, labels_as_letters, places_as_letters
from symderiv.proof.point import Point, Setting, Work, exponent_step
from symderiv.proof.prime_field import PRIME_EXPONENTS, Element, FieldError, PrimeField, Undefined
from symderiv.proof.reach import arranged, compares_order, order_in

#: How many sizes without a value may come before those that are checked.
_VOID_SIZES = 2

#: Places of the letters and labels on one axis, numbered in order of first appearance.
Pattern: TypeAlias = tuple[int, ...]
#: Signs and truth values that were settled.
_Choices: TypeAlias = dict[tuple[object, ...], int]
#: How many pairs of compared values may meet at once.
_MAX_TIES = 3
#: Which patterns had no value, at each level.
_Gaps: TypeAlias = frozenset[object]


class Refused(ProofError):
    """The certificate does not cover an equation."""


class NotZero(ProofError):
    """The check failed: as the certificate reads them, the sides differ.

    Attributes
    ----------
    sizes
        The sizes at which they do.
    """

    def __init__(self, message: str, sizes: Mapping[str, int]) -> None:
        super().__init__(message)
        self.sizes = dict(sizes)


class Check:
    """One run of the certificate.

    Parameters
    ----------
    difference, labels, apart, fixed
        As for :func:`symderiv.proof.certificate.certify`.
    work
        The budget.
    ties
        Whether the equation is claimed where compared values are equal too.
    keep
        As for :class:`symderiv.proof.atoms.Hidden`.

    Attributes
    ----------
    places
        For each axis, the largest size that was checked.
    smallest
        For each axis, the smallest size at which the equation has a value, where that is above 1.
    hidden
        The functions of sums that were taken as arrays.
    """

    def __init__(
        self,
        difference: Expression,
        labels: Labels,
        apart: Sequence[tuple[Index, Index]],
        fixed: dict[str, int],
        work: Work,
        *,
        ties: bool = True,
        keep: bool = True,
    ) -> None:
        self.ties = ties
        self.work = work
        self.fixed = fixed
        self.seed = repr(difference).encode()
        tree, pairs, needed = places_as_letters(labels_as_letters(difference, labels), fixed)
        self.smallest = {axis: size for axis, size in needed.items() if size > 1}
        self.apart = (*apart, *pairs)
        tree = split(tree)
        read = {term.array for term in index_terms(tree) if isinstance(term, Entry)}
        self.labels = {name: found for name, found in labels.items() if name in read}
        if read - set(self.labels):
            raise Refused("an index that is no label")
        if any(on in fixed for _, on in self.labels.values()):
            raise Refused("labels with indices, on an axis of known size")
        self.step = exponent_step(tree)
        self.hidden = Hidden(names_in(tree), self.step, keep=keep)
        tree = self.hidden.functions(tree)
        axes = tuple(axis for axis in _axes(tree, self.labels) if axis not in fixed)
        before = [(axis, on) for own, on in self.labels.values() for axis in own if axis in axes]
        self.tree, self.axes = arranged(tree, axes, before, self.hidden.sums_in)
        self.letters = free_indices(self.tree)
        self.ordered = compares_order(self.tree)
        self.places = dict.fromkeys(self.axes, 1)
        self.error = 0.0
        self._level_keys: set[tuple[object, ...]] = set()

    def run(self) -> int:
        """Check all there is to check; the error is below 2 to minus what is returned.

        Raises
        ------
        ProofError
            If the equation is not shown to hold.
        """
        if self._level(0, Setting(self.fixed)) is None:
            raise Refused("the equation has no value")
        return min(int(-log2(self.error)), PRIME_EXPONENTS[0] - 1)

    def _level(
        self,
        depth: int,
        setting: Setting,
    ) -> _Gaps | None:
        """Every pattern and size of one axis, those before it given.

        Returns the patterns without a value, or None where nothing has one.
        """
        if depth == len(self.axes):
            return frozenset() if self._vanishes(setting) else None
        axis = self.axes[depth]
        letters = [index for index in self.letters if index.axis == axis]
        chosen = [
            (name, place)
            for name, (own, on) in self.labels.items()
            if on == axis
            for place in product(*(range(setting.sizes[each]) for each in own))
        ]
        order = order_in(self.tree, axis, setting, self.work)
        gaps: set[object] = set()
        some = False
        if self.ordered:
            return self._ordered(depth, setting, letters, chosen, order)
        for pattern in self._patterns(letters, len(chosen)):
            places = dict(zip(letters, pattern, strict=False))
            values = dict(zip(chosen, pattern[len(letters) :], strict=True))
            known = max(pattern, default=-1) + 1
            at = partial(self._at, depth, setting, places, values)
            found = self._sizes(axis, max(1, known), order, at)
            if found is None:
                gaps.add(pattern)
            else:
                if gaps and not some:
                    raise Refused(f"the equation has a value only where letters on {axis} coincide")
                some = True
                gaps |= {(pattern, found)} if found[0] or found[1] > max(1, known) else set()
            self.work.step()
        return frozenset(gaps) if some else None

    def _at(
        self,
        depth: int,
        setting: Setting,
        places: Mapping[Index, int],
        values: Mapping[tuple[str, tuple[int, ...]], int],
        size: int,
    ) -> _Gaps | None:
        """One pattern of one axis at one size."""
        return self._level(depth + 1, setting.with_axis(self.axes[depth], size, places, values))

    def _ordered(
        self,
        depth: int,
        setting: Setting,
        letters: Sequence[Index],
        chosen: Sequence[tuple[str, tuple[int, ...]]],
        order: int,
    ) -> _Gaps:
        """Every placement at every size up to f + d: for equations that ask which place comes first."""
        axis = self.axes[depth]
        total = len(letters) + len(chosen)
        for size in range(1, max(1, total) + order + 1):
            for spots in product(range(size), repeat=total):
                places = dict(zip(letters, spots, strict=False))
                if any(places.get(a, -1) == places.get(b, -2) for a, b in self.apart):
                    continue
                values = dict(zip(chosen, spots[len(letters) :], strict=True))
                found = self._at(depth, setting, places, values, size)
                if found is None or found:
                    raise Refused(f"the equation has no value at some sizes of {axis}")
            self.places[axis] = max(self.places[axis], size)
        return frozenset()

    def _sizes(
        self, axis: str, least: int, order: int, at: Callable[[int], _Gaps | None]
    ) -> tuple[_Gaps, int] | None:
        """Check ``order + 1`` consecutive sizes from `least` on, passing over those without a value.

        Returns the gaps below and the first size checked; None where there is no value.
        """
        before: _Gaps | None = None
        first = least
        size = least
        while before is None or size <= first + order:
            if size > least + order + _VOID_SIZES:
                raise Refused(f"the equation has no value at some sizes of {axis}")
            found = at(size)
            if found is None and before is not None:
                raise Refused(f"the equation has no value at some sizes of {axis}")
            if found is not None:
                if before is None or found != before:
                    first = size
                before = found
                self.places[axis] = max(self.places[axis], size)
            elif size >= least + _VOID_SIZES:
                return None
            size += 1
        if first > 1 and first > least:
            self.smallest[axis] = max(first, self.smallest.get(axis, 1))
        return before, first

    def _patterns(self, letters: Sequence[Index], chosen: int) -> Iterator[Pattern]:
        """Which letters and labels stand at one place, in every way; in every order where that matters."""
        total = len(letters) + chosen
        forbidden = [
            (letters.index(a), letters.index(b)) for a, b in self.apart if a in letters and b in letters
        ]

        def grow(prefix: Pattern) -> Iterator[Pattern]:
            if len(prefix) == total:
                if all(prefix[a] != prefix[b] for a, b in forbidden):
                    yield prefix
                return
            for place in range(max(prefix, default=-1) + 2):
                yield from grow((*prefix, place))

        # The pattern with most places first: it is the one that most equations fail at.
        yield from sorted(grow(()), key=lambda pattern: -max(pattern, default=-1))

    def _vanishes(self, setting: Setting, given: Mapping[object, Element] | None = None) -> bool:
        """Whether the tree is zero for these sizes; False where it has no value.

        Raises
        ------
        NotZero
            If it is not.
        """
        pending: list[_Choices] = [{}]
        found: set[bool] = set()
        while pending:
            settled = pending.pop()
            choices = dict(settled)
            found.add(self._vanishes_under(choices, setting, given or {}))
            new = [key for key in choices if key not in settled]
            for number, key in enumerate(new):
                # A value that is the largest equals the largest in a whole region: no single point.
                signs = (1, 0) if self.ties or key in self._level_keys else (1,)
                for other in signs if key[0] == "sign" else (1,):
                    pending.append({**settled, **{each: choices[each] for each in new[:number]}, key: other})
        if len(found) > 1:
            raise Refused("the equation has a value for some signs only")
        return found.pop()

    def _vanishes_under(self, choices: _Choices, setting: Setting, given: Mapping[object, Element]) -> bool:
        for exponent in PRIME_EXPONENTS:
            point = self._point(exponent, setting, given, choices)
            try:
                value = point.value(self.tree)
            except Undefined:
                return False
            finally:
                self._level_keys |= point.level
            if not value.is_zero():
                tie = next((key for key, sign in choices.items() if key[0] == "sign" and not sign), None)
                if tie is None or len(given) >= _MAX_TIES:
                    raise NotZero(_told(setting.sizes), setting.sizes)
                return self._vanishes(setting, {**given, **self._meeting(point, tie)})
            degree, height = point.compared
            if max(value.height, 2 * height) + 2 < exponent:
                pairs = len(point.keys) ** 2
                bound = max(1, value.degree + pairs * 2 * degree)
                self.error += 2.0 ** max(log2(bound) - exponent, -1000)
                return True
        raise Refused("numbers that are too large for an exact check")

    def _point(
        self, exponent: int, setting: Setting, given: Mapping[object, Element], choices: _Choices
    ) -> Point:
        return Point(
            PrimeField(exponent), setting, self.seed, self.work,
            truth=frozenset(self.hidden.truth), choices=choices, step=self.step, given=given,
            pieces=frozenset(self.hidden.pieces),
        )  # fmt: skip

    def _meeting(self, point: Point, tie: tuple[object, ...]) -> dict[object, Element]:
        """A value for one entry at which two compared values meet: their gap is a + b v, b constant.

        Raises
        ------
        NotZero
            If none is found: the equation is not shown to hold where they meet.
        """
        left, right, env = point.gaps[tie]
        field = point.field

        def gaps(entry: object, seed: bytes) -> list[Element] | None:
            """The gap at the values 0, 1 and 2 of an entry."""
            found = []
            for value in range(3):
                given = {**point.given, entry: field.number(Fraction(value))}
                inner = Point(field, point.setting, seed, self.work, step=self.step, given=given)
                try:
                    found.append(inner.gap(left, right, dict(env)))
                except FieldError:
                    return None
                if inner.choices:
                    return None
            return found

        for entry in point.drawn():
            if entry in point.given:
                continue
            here, there = gaps(entry, self.seed), gaps(entry, b"elsewhere " + self.seed)
            if here is None or there is None:
                continue
            slope = field.add([here[1], field.negate(here[0])])
            bent = field.add([here[2], field.negate(here[1]), field.negate(slope)])
            again = field.add([there[1], field.negate(there[0])])
            # With a constant slope the entry at which they meet is one function of all the others.
            if bent.is_zero() and not slope.is_zero() and again.key() == slope.key():
                return {entry: field.multiply([field.negate(here[0]), field.inverse(slope)])}
        raise NotZero("its check fails where compared values meet", point.setting.sizes)


def _told(sizes: Mapping[str, int]) -> str:
    spots = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
    return f"its check fails at {spots}" if spots else "its check fails"


def _axes(node: Expression, labels: Labels) -> tuple[str, ...]:
    """The axes that a tree depends on, in order of first use."""
    found = dict.fromkeys(index.axis for index in free_indices(node))
    for _, part in walk(node):
        if isinstance(part, Sum):
            found.setdefault(part.index.axis)
        elif isinstance(part, Size):
            found.setdefault(part.axis)
    for own, on in labels.values():
        found.update(dict.fromkeys((*own, on)))
    return tuple(found)
