"""Loops that do nothing but store a result, in Numba: past the caches, or with memory fetched ahead.

Where a result is only written, a processor fetches the lines of memory that it writes to as late as it
writes to them. Asked for some rows of a cache earlier, they are there in time: a Jacobian of 8 MB takes two
thirds of the time where it was in no cache, and as long as before where it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.loop_formula import LoopFormula
from symderiv.kernels.loop_program import Node
from symderiv.kernels.names import NameTable
from symderiv.kernels.numba_streams import Streamed

_INDENT = "    "
#: Of how many parts of the samples one is worked on.
PARTS = "@parts of the samples"


class StorePrinter(ABC):
    """Prints these loops; what is in them is printed by a subclass."""

    names: NameTable
    formula: LoopFormula
    large: dict[str, str]
    ahead: dict[str, str]

    @abstractmethod
    def _node(self, node: Node) -> list[str]:
        """The lines of a statement."""

    @abstractmethod
    def _size(self, letter: Index) -> str:
        """How many places a loop over a letter has."""

    def _parts(self, rows: Mapping[str, Entry], places: str) -> str:
        """The statement that takes these places of rows."""
        parts = [self.names.give(name, f"{self.names[row.array]}_part") for name, row in rows.items()]
        taken = [
            f"{self.names[row.array]}[{', '.join([*map(self.formula.place, row.indices), places])}]"
            for row in rows.values()
        ]
        return f"{', '.join(parts)} = {', '.join(taken)}"

    def _stored(self, parts: Streamed) -> list[str]:
        """The ways in which a result that may outgrow the caches is stored; what follows is for others."""
        lines = self._past_the_caches(parts)
        return lines if parts.reads else [*lines, *self._fetched_ahead(parts)]

    def _past_the_caches(self, parts: Streamed) -> list[str]:
        """A loop over the parts of a row, whose whole lines are written past the caches."""
        self.names.put("@value of a place", "value")
        result = self.names.give(parts.result, f"{self.names[parts.stored]}_part")
        size = "large" if parts.reads else "huge"
        large = self.names.give(f"@{size} {parts.stored}", f"{size}_{self.names[parts.stored]}")
        least = "_CACHED" if parts.reads else "_FILLED"
        count = self.names.give(PARTS, "parts")
        self.large[large] = f"_is_streamed({self.names[parts.stored]}, {count}, {least})"
        begun = self._parts(parts.rows, "begin:end")
        letter = self.formula.letter(parts.loop.letter)
        inside: list[str] = []
        for node in parts.loop.body:
            stored = node is parts.store
            inside += self.formula.assigned("value", parts.store.value) if stored else self._node(node)
        return [
            f"if {large}:  # whole lines of memory are written past the caches",
            f"{_INDENT}for begin, end, whole in _in_lines({self.formula.entry(parts.rows[parts.result])}):",
            f"{_INDENT * 2}{begun}",
            f"{_INDENT * 2}for {letter} in range({result}.size):",
            *(_INDENT * 3 + line for line in inside),
            f"{_INDENT * 3}if whole:",
            f"{_INDENT * 4}_stream({result}, {letter}, value)",
            f"{_INDENT * 3}else:",
            f"{_INDENT * 4}{result}[{letter}] = value",
        ]

    def _fetched_ahead(self, parts: Streamed) -> list[str]:
        """The same in steps: while the places of one are written, the memory fetches what comes later."""
        self.formula.use("written")
        self.formula.use("fetch_to_write")
        step, line, lead = (
            self.names.give(f"@{each} of what is written", each) for each in ("at_a_time", "line", "lead")
        )
        place = self.names.give("@place that is fetched", "ahead")
        whole, size = self.names[parts.stored], self._size(parts.loop.letter)
        long = self.names.give(f"@long {parts.stored}", f"long_{whole}")
        each = f"{whole}.itemsize"
        self.ahead[long] = f"_is_fetched({whole})"
        self.ahead[f"{step}, {line}"] = (
            f"_WRITTEN // {each}, 64 // {each}  # places of a step, of a line of memory"
        )
        self.ahead[lead] = f"_AHEAD // {each}"
        letter = self.formula.letter(parts.loop.letter)
        inside = [text for node in parts.loop.body for text in self._node(node)]
        return [
            f"elif {long}:  # in steps: while one is written, the memory fetches what comes later",
            f"{_INDENT}for begin in range(0, {size}, {step}):",
            f"{_INDENT * 2}end = min(begin + {step}, {size})",
            f"{_INDENT * 2}for {place} in range(begin + {lead}, end + {lead}, {line}):",
            f"{_INDENT * 3}_fetch_to_write({self.formula.entry(parts.rows[parts.result])}, {place})",
            f"{_INDENT * 2}{self._parts(parts.rows, 'begin:end')}",
            f"{_INDENT * 2}for {letter} in range({self.names[parts.result]}.size):",
            *(_INDENT * 3 + text for text in inside),
        ]
