"""The patterns of all entries together, and one form for them where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from symderiv.expression.nodes import Expression, Index
from symderiv.problem import Input, Problem
from symderiv.witness.field import Field
from symderiv.witness.laurent import Polynomial, subtract
from symderiv.witness.pattern import Partition, Reader, Renamer, joined, partition, renaming
from symderiv.witness.run import Run


class Entries(Protocol):
    """What reading needs to know of the witness."""

    problem: Problem
    sizes: dict[str, int]
    field: Field
    labels: list[Input]
    runs: list[tuple[Any, Run]]
    axes: dict[str, tuple[str, ...]]
    upstream: dict[str, tuple[str, str]]


@dataclass
class Reading:
    """The text, the form (None where there is no single one), and entries that were respelled."""

    text: str
    form: Expression | None = None
    spelled: dict[int, Polynomial] = field(default_factory=dict)


@dataclass
class _Group:
    places: Mapping[Index, int]
    element: Polynomial
    count: int = 1


def read_pattern(entries: Entries, elements: Sequence[tuple[Mapping[Index, int], Polynomial]]) -> Reading:
    """Compare the entries with each other, and write what they have in common with letters."""
    if len(entries.labels) > 1 or any(label.axes for label in entries.labels):
        return Reading("The entries are those for the first choice of labels.")
    groups: dict[Partition, _Group] = {}
    spelled: dict[int, Polynomial] = {}
    for places, element in elements:
        key = partition(places)
        group = groups.get(key)
        if group is None:
            groups[key] = _Group(places, element)
            continue
        group.count += 1
        moves = renaming(group.places, places, entries.sizes)
        expected = Renamer(entries.field, entries.axes, moves).element(group.element)
        if expected != element:
            run = entries.runs[0][1]
            difference = run.supposed(run.inputs_only(subtract(expected, element)))
            if not entries.field.is_zero(difference):
                return Reading("The entries do not follow one pattern in each case of equal indices.")
            spelled[id(element)] = expected
    return _written(entries, groups, spelled)


def _written(entries: Entries, groups: Mapping[Partition, _Group], spelled: dict[int, Polynomial]) -> Reading:
    from symderiv.notation.text import to_text

    preferred = {axis: entries.problem.letters_of(axis) for axis in entries.sizes}
    reader = Reader(entries.field, entries.axes, entries.upstream, entries.sizes, preferred)
    read: dict[Partition, Polynomial] = {}
    lines = []
    for key, group in groups.items():
        names = {letter: letters[0] for letters in key for letter in letters}
        element = reader.read(group.element, group.places, names)
        case = _case(key)
        start = f"{case}: " if case else ""
        if element is None:
            lines.append(f"{start}{group.count} entries, each the first one with its places renamed")
            continue
        read[key] = element
        form = reader.lettered.tree(element)
        lines.append(f"{start}{to_text(form)} ({group.count} {'entry' if group.count == 1 else 'entries'})")
    text = "Read off the entries: " + "; ".join(lines) + "."
    joint = _joint(reader, read) if len(read) == len(groups) else None
    if joint is None:
        return Reading(text, None, spelled)
    form = reader.lettered.tree(joint)
    if len(groups) > 1:
        text += f" Together: {to_text(form)}."
    return Reading(text, form, spelled)


def _case(key: Partition) -> str:
    """The case in words: ``i = j``, ``i != j``; empty where no two letters share an axis."""
    parts = []
    for at, group in enumerate(key):
        if len(group) > 1:
            parts.append(" = ".join(letter.name for letter in group))
        for other in key[at + 1 :]:
            if other[0].axis == group[0].axis:
                parts.append(f"{group[0].name} != {other[0].name}")
    return ", ".join(parts)


def _joint(reader: Reader, read: Mapping[Partition, Polynomial]) -> Polynomial | None:
    """One form for two patterns that differ in one pair of indices, or for a single pattern."""
    if len(read) == 1:
        return next(iter(read.values()))
    if len(read) != 2:
        return None
    same, apart = sorted(read, key=len)
    pairs = [group for group in same if len(group) > 1]
    if len(same) + 1 != len(apart) or len(pairs) != 1 or len(pairs[0]) != 2:
        return None
    first, second = pairs[0]
    return joined(reader, read[same], read[apart], (first, second))
