"""Which index places and letters range over the same axis, and what the axis is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

#: A letter, a label, or an index place of an array.
Slot: TypeAlias = tuple[str, str, int]
#: What an axis is called that nothing names.
_NAMES = ("K", "N", "M", "D", "H", "C", "B", "R")


class AxisClash(ValueError):
    """One letter over two axes. Says so in a sentence."""


class AxisTable:
    """Slots that have been tied together, and the names of their axes."""

    def __init__(self, arrays: Mapping[str, tuple[str, ...]]) -> None:
        self._leader: dict[Slot, Slot] = {}
        self._name: dict[Slot, str] = {}
        self._slots: dict[Slot, None] = {}
        for array, axes in arrays.items():
            for place, axis in enumerate(axes):
                self.name(("array", array, place), axis)

    def _find(self, slot: Slot) -> Slot:
        self._slots.setdefault(slot)
        leader = slot
        while leader in self._leader:
            leader = self._leader[leader]
        while slot != leader:  # so that the next way is short
            self._leader[slot], slot = leader, self._leader[slot]
        return leader

    def tie(self, one: Slot, other: Slot) -> bool:
        """Say that two have one axis; whether that was new.

        Raises
        ------
        AxisClash
            If they are known to have different ones.
        """
        first, second = self._find(one), self._find(other)
        if first == second:
            return False
        mine, theirs = self._name.get(first), self._name.get(second)
        if mine is not None and theirs is not None and mine != theirs:
            raise AxisClash(f"{one[1]} ranges over {mine}, but here it is a place on {theirs}")
        self._leader[second] = first
        if theirs is not None:
            self._name[first] = theirs
        return True

    def name(self, slot: Slot, axis: str) -> None:
        """Say what the axis of a slot is called; raises as :meth:`tie`."""
        leader = self._find(slot)
        known = self._name.setdefault(leader, axis)
        if known != axis:
            raise AxisClash(f"{slot[1]} ranges over {known}, but here it is a place on {axis}")

    def leader(self, slot: Slot) -> Slot:
        """The slot that stands for all those on one axis with this one."""
        return self._find(slot)

    def name_of(self, slot: Slot) -> str | None:
        """What the axis of a slot is called so far."""
        return self._name.get(self._find(slot))

    def has(self, slot: Slot) -> bool:
        """Whether a slot has been met."""
        return slot in self._slots

    def touch(self, slot: Slot) -> None:
        """Say that a slot exists, so that its axis is named with the others."""
        self._find(slot)

    def axes_named(self) -> set[str]:
        """The names of axes so far."""
        return set(self._name.values())

    def name_the_rest(self, taken: Iterable[str]) -> None:
        """Give a name to every axis that has none: one that is not `taken`."""
        used = set(taken)
        for slot in list(self._slots):
            leader = self._find(slot)
            if leader not in self._name:
                axis = next((name for name in _NAMES if name not in used), None)
                number = 1
                while axis is None:
                    axis = f"K{number}" if f"K{number}" not in used else None
                    number += 1
                self._name[leader] = axis
                used.add(axis)

    def axis(self, slot: Slot) -> str:
        """The name of the axis of a slot."""
        return self._name[self._find(slot)]
