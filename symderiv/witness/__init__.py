"""The explicit derivation: SymPy differentiates every entry for given sizes, exactly compared.

SymPy's part is independent of the index calculus: the definitions are written out in the inputs
with a plain symbol for each entry, and SymPy's ``diff`` is applied to that. The entries shown are
rewritten from SymPy's derivative; the form that the calculus found is only compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

from symderiv.calculus.derivation import Derivation
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Delta, Derivative, Entry, Expression, Index, IndexTerm, Position
from symderiv.notation.sympy_bridge import BridgeError
from symderiv.problem import Input
from symderiv.witness.explicit import Explicit
from symderiv.witness.field import Field, FieldError
from symderiv.witness.laurent import Polynomial, add, multiply, subtract
from symderiv.witness.numbers import Numbers, entry_reader
from symderiv.witness.reading import read_pattern
from symderiv.witness.run import Run, every_place
from symderiv.witness.trees import LABEL_DELTA, Trees, entry_tree, upstream_tree

#: Every assignment of places to the labels is checked up to this many.
MOST_LABELS = 64


#: More entries than this are not written out: SymPy differentiates each one.
MAX_ENTRIES = 4096


class WitnessError(ValueError):
    """A derivation that cannot be written out for these sizes."""


def witness(derivation: Derivation, sizes: Mapping[str, int]) -> Explicit:
    """Let SymPy differentiate every entry, and compare each with the derivation's form exactly.

    Parameters
    ----------
    derivation
        What the index calculus derived.
    sizes
        The number of places on each axis of the problem; all are 1 or more.

    Returns
    -------
    Explicit
        The entries in the problem's own names, and whether all of them agree.

    Raises
    ------
    WitnessError
        If a size is missing, or a part has no exact arithmetic (a maximum over an axis).
    """
    axes = dict.fromkeys((*derivation.problem.axes, *(a for _, each in derivation.extra for a in each)))
    for axis in axes:
        if sizes.get(axis, 0) < 1:
            raise WitnessError(f"expected a size of 1 or more for the axis {axis}, as in {axis}=5")
    letters = free_indices(derivation.start)
    count = prod(sizes[letter.axis] for letter in letters)
    if count > MAX_ENTRIES:
        raise WitnessError(
            f"expected at most {MAX_ENTRIES} entries to write out, found {count}; choose smaller sizes"
        )
    try:
        return _Witness(derivation, {axis: sizes[axis] for axis in axes}).explicit()
    except (BridgeError, FieldError) as error:
        raise WitnessError(f"cannot write this derivative out entry by entry: {error}") from error


class _Witness:
    """The work of :func:`witness`."""

    def __init__(self, derivation: Derivation, sizes: dict[str, int]) -> None:
        self.derivation, self.problem, self.sizes = derivation, derivation.problem, sizes
        self.field = Field()
        self.labels = [given for given in self.problem.inputs if given.label_of]
        assignments = _assignments(self.labels, sizes)
        self.runs = [(labels, Run(derivation, sizes, labels, self.field)) for labels in assignments]
        self.rows, self.columns, self.vector = _layout(derivation.start)
        self.trees = Trees(self.field, self._entry_tree)
        self.axes, self.upstream = self._arrays()

    def _arrays(self) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, str]]]:
        names = [given.name for given in self.problem.inputs]
        names += [definition.name for definition in self.problem.definitions]
        axes = {name: self.problem.axes_of(name) for name in names} | dict(self.derivation.extra)
        upstream = {}
        for unspecified in self.problem.upstream:
            axes[unspecified.name] = ()
            for order in ("d", "d2"):
                symbol = f"{order}{unspecified.name}_d{unspecified.of}"
                axes[symbol] = self.problem.axes_of(unspecified.of)
                upstream[symbol] = (unspecified.name, unspecified.of)
        for label in self.labels:
            axes[LABEL_DELTA + label.name] = (label.label_of or "",)
        return axes, upstream

    def _entry_tree(self, array: str, place: tuple[int, ...]) -> Expression:
        if array.startswith(LABEL_DELTA):
            label = Entry(array.removeprefix(LABEL_DELTA))
            return Delta(Position(place[0] + 1, self.axes[array][0]), label)
        if array in self.upstream:
            return upstream_tree(*self.upstream[array], place, self.axes[array])
        return entry_tree(array, place, self.axes[array])

    def explicit(self) -> Explicit:
        rows = every_place(self.rows, self.sizes)
        columns = every_place(self.columns[::-1], self.sizes)
        faults: list[str] = []
        undecided: list[str] = []
        slopes: dict[tuple[int, int, int], Polynomial] = {}
        by_place: list[tuple[dict[Index, int], Polynomial]] = []
        entries = []
        for at_row, row in enumerate(rows):
            line = []
            for at_column, column in enumerate(columns):
                places = {**row, **{letter: column[letter] for letter in self.columns}}
                named = []
                for at_run, (labels, run) in enumerate(self.runs):
                    slope = run.element(self.derivation.start, places)
                    slopes[at_run, at_row, at_column] = slope
                    named.append(run.named(slope, self.derivation.start, places))
                    for form, difference in run.differences(slope, places):
                        said = self._fault(run, labels, places, named[-1], form)
                        equal = self._looks_equal(difference, slope)
                        if equal:
                            # The zero test knows no relation between, say, tan and sin: it must not
                            # claim a difference.
                            said += "; the two look equal in numbers, but no exact proof was found"
                        (undecided if equal else faults).append(said)
                shown = self._over_labels(named, places)
                by_place.append((places, shown))
                line.append(shown)
            entries.append(line)
        reading = read_pattern(self, by_place)
        return Explicit(
            problem=self.problem,
            derivation=self.derivation,
            sizes=tuple(self.sizes.items()),
            rows=tuple(self._label(row, of=True) for row in rows),
            columns=() if self.vector else tuple(self._label(column, of=False) for column in columns),
            shape=self._shape(len(rows), len(columns)),
            entries=tuple(
                tuple(self.trees.element(reading.spelled.get(id(each), each)) for each in line)
                for line in entries
            ),
            agrees=not faults and not undecided,
            checked=len(slopes),
            pattern=reading.text,
            pattern_form=reading.form,
            faults=tuple(faults),
            undecided=tuple(undecided),
            assumed=self.runs[0][1].assumed,
            _numbers=lambda arrays: self._numbers(arrays, slopes, len(rows), len(columns)),
        )

    def _shape(self, rows: int, columns: int) -> tuple[int, ...]:
        if not self.vector:
            return (rows, columns)
        return (rows,) if self.rows else ()

    def _label(self, places: Mapping[Index, int], of: bool) -> Expression:
        start = self.derivation.start
        names: dict[Index, IndexTerm] = {
            letter: Position(place + 1, letter.axis) for letter, place in places.items()
        }
        whole = rename(start, names)
        if not isinstance(whole, Derivative) or self.vector:
            return whole
        if of and free_indices(whole.of) == () and isinstance(start, Derivative) and free_indices(start.of):
            return whole.of
        settled = [entry for entry in whole.by if not free_indices(entry)]
        changed = [entry for entry in settled if entry not in getattr(start, "by", ())]
        return changed[0] if len(changed) == 1 else Derivative(whole.of, whole.by)

    def _over_labels(self, named: list[Polynomial], places: Mapping[Index, int]) -> Polynomial:
        """One element for all places of a scalar label: what most have, and δ's for the rest."""
        if not self.labels or len(named) == 1:
            return named[0]
        if len(self.labels) > 1 or self.labels[0].axes:
            return named[0]
        label = self.labels[0]
        taken = {place for letter, place in places.items() if letter.axis == label.label_of}
        others = [each for at, each in enumerate(named) if at not in taken] or named
        base = max(others, key=others.count)
        parts = [base]
        for at, each in enumerate(named):
            if each != base:
                delta = self.field.entry(LABEL_DELTA + label.name, (at,))
                parts.append(multiply(delta, subtract(each, base)))
        return add(parts)

    def _fault(
        self,
        run: Run,
        labels: Mapping[str, Mapping[tuple[int, ...], int]],
        places: Mapping[Index, int],
        named: Polynomial,
        form: Expression,
    ) -> str:
        """A sentence on an entry that was not shown equal."""
        from symderiv.notation.text import to_text

        names: dict[Index, IndexTerm] = {
            letter: Position(place + 1, letter.axis) for letter, place in places.items()
        }
        where = to_text(rename(self.derivation.start, names))
        for name, table in labels.items():
            chosen = ", ".join(str(place + 1) for place in table.values())
            where += f" with {name} = {chosen}"
        found = run.named(run.element(form, places), form, places)
        mine, theirs = to_text(self.trees.element(named)), to_text(self.trees.element(found))
        said = f"{where}: SymPy gives {mine}, the form {to_text(form)} gives {theirs}"
        return said

    def _looks_equal(self, difference: Polynomial, slope: Polynomial) -> bool:
        """Whether a difference vanishes at arbitrary points (in floating point), where it has a value.

        Entries are positive first; then of both signs, so that either side of a kink is seen.
        """
        judged = False
        for signs in ((1,), (1, -1), (-1,)):

            def arbitrary(array: str, place: tuple[int, ...], signs: tuple[int, ...] = signs) -> float:
                seed = sum(map(ord, array)) * 37 + sum(
                    (at + 3) * (spot + 5) ** 2 for at, spot in enumerate(place)
                )
                return signs[seed % len(signs)] * (0.3 + (seed * 0.6180339887498949) % 1)

            numbers = Numbers(self.field, arbitrary)
            try:
                if abs(numbers.element(difference)) > 1e-9 * max(1.0, abs(numbers.element(slope))):
                    return False
                judged = True
            except (FieldError, ArithmeticError, ValueError):
                continue
        return judged

    def _numbers(
        self,
        arrays: Mapping[str, Any],
        slopes: Mapping[tuple[int, int, int], Polynomial],
        rows: int,
        columns: int,
    ) -> list[list[float]]:
        at_run = 0
        for at, (labels, _) in enumerate(self.runs):
            if all(_matches(table, arrays.get(name)) for name, table in labels.items()):
                at_run = at
                break
        else:
            raise WitnessError("expected the labels as places from 0 that were among those written out")
        try:
            numbers = Numbers(self.field, entry_reader(arrays))
            return [[numbers.element(slopes[at_run, row, column]) for column in range(columns)]
                    for row in range(rows)]  # fmt: skip
        except FieldError as error:
            raise WitnessError(str(error)) from error


def _layout(start: Expression) -> tuple[tuple[Index, ...], tuple[Index, ...], bool]:
    """The letters of the rows, those of the columns, and whether the result is a vector."""
    if not isinstance(start, Derivative):
        return free_indices(start), (), True
    of = free_indices(start.of)
    by = [tuple(letter for letter in free_indices(entry) if letter not in of) for entry in start.by]
    if of:
        columns = tuple(dict.fromkeys(letter for letters in by for letter in letters))
        return of, columns, not columns
    rows = by[0]
    if len(by) == 1:
        # The gradient by a vector is a vector, by a matrix it has the matrix's shape.
        return rows[:1], rows[1:], len(rows) < 2
    columns = tuple(letter for letters in by[1:] for letter in letters if letter not in rows)
    return rows, columns, not columns


def _assignments(
    labels: list[Input], sizes: Mapping[str, int]
) -> list[dict[str, dict[tuple[int, ...], int]]]:
    """Every assignment of places to labels, or a few that differ where there are too many."""
    spots = [
        (label.name, spot, sizes[label.label_of or ""])
        for label in labels
        for spot in product(*(range(sizes[axis]) for axis in label.axes))
    ]
    count = 1
    for _, _, size in spots:
        count *= size
    if count <= MOST_LABELS:
        chosen = list(product(*(range(size) for _, _, size in spots)))
    else:
        widest = max(size for _, _, size in spots)
        chosen = [
            tuple((at + turn) % size for at, (_, _, size) in enumerate(spots)) for turn in range(widest)
        ]
    found = []
    for places in chosen:
        tables: dict[str, dict[tuple[int, ...], int]] = {label.name: {} for label in labels}
        for (name, spot, _), place in zip(spots, places, strict=True):
            tables[name][spot] = place
        found.append(tables)
    return found


def _matches(table: Mapping[tuple[int, ...], int], values: Any) -> bool:
    import numpy as np

    if values is None:
        return False
    given = np.asarray(values)
    return all(int(given[spot]) == place for spot, place in table.items())


__all__ = ["Explicit", "WitnessError", "witness"]
