"""Loops that store a result in order, in C: past the caches where it is large, or with memory fetched ahead.

The same as in :mod:`symderiv.kernels.numba_stores`, and for the same reasons.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from symderiv.expression.indices import mentions
from symderiv.expression.nodes import Call, Entry, Position
from symderiv.expression.traverse import walk
from symderiv.kernels.c_formula import CFormula, Dtype
from symderiv.kernels.c_functions import block
from symderiv.kernels.loop_program import Loop, Node, Reduce, Start, Store
from symderiv.kernels.loop_walk import entries_in


class CStores(ABC):
    """Prints these loops; what is in them is printed by a subclass."""

    formula: CFormula
    dtype: Dtype
    #: The results that are nowhere read.
    unread: set[str]
    #: Whether results are streamed in what is printed; None to decide when it is run.
    stream: bool | None
    #: The local variables that are declared in the blocks that are open.
    open: list[set[str]]

    @abstractmethod
    def _node(self, node: Node) -> list[str]:
        """The lines of a statement."""

    @abstractmethod
    def loop(self, node: Loop) -> list[str]:
        """The lines of a loop."""

    @abstractmethod
    def inside(self, body: Sequence[Node]) -> list[str]:
        """The lines of what is in a block."""

    def streamed(self, node: Loop) -> Store | None:
        """The one result that an innermost loop stores in order, and that is read nowhere."""
        if node.window is not None or any(isinstance(each, Loop | Start | Reduce) for each in node.body):
            return None
        found = [
            each
            for each in node.body
            if isinstance(each, Store)
            and each.target.array in self.unread
            and each.target.indices[-1] == node.letter
            and node.letter not in each.target.indices[:-1]
        ]
        return found[0] if len(found) == 1 else None

    def is_large(self, node: Loop, streamed: Store) -> str:
        """The condition under which the result that a loop stores is written past the caches."""
        return f"{self._bytes(streamed)} > {'FILLED' if fills(node, streamed) else 'STREAMED'}"

    def _numbers(self, streamed: Store) -> str:
        """How many numbers a result has."""
        return " * ".join(self.formula.places(axis) for axis in self.formula.axes[streamed.target.array])

    def _bytes(self, streamed: Store) -> str:
        """How many bytes it has."""
        return f"{self._numbers(streamed)} * (ptrdiff_t)sizeof({self.dtype.c})"

    def _stored(self, node: Loop, streamed: Store, begin: str, end: str) -> list[str]:
        """The ways in which a result that may outgrow the caches is stored."""
        self.stream = True
        lines = block(f"if ({self.is_large(node, streamed)})", self.loop(node))
        self.stream = False
        if fills(node, streamed):
            row = f"{self.formula.places(node.letter.axis)} * (ptrdiff_t)sizeof({self.dtype.c})"
            condition = f"{self._bytes(streamed)} >= FETCHED && {row} >= WRITTEN"
            lines += block(f"else if ({condition})", self._fetched_ahead(node, streamed, begin, end))
        lines += block("else", self.loop(node))
        self.stream = None
        return lines

    def _row(self, node: Loop, streamed: Store) -> str:
        """The address of the row that is stored, up to the place in it."""
        target = streamed.target
        start = Entry(target.array, (*target.indices[:-1], Position(1, node.letter.axis)))
        return f"&{self.formula.stored(start).removesuffix('0]')}"

    def _fetched_ahead(self, node: Loop, streamed: Store, begin: str, end: str) -> list[str]:
        """In steps: while the places of one are written, the memory fetches what comes later."""
        self.formula.helpers |= {"fetch_to_write", "places"}
        letter = self.formula.letter(node.letter)
        array, place = self._row(node, streamed).removeprefix("&").split("[", 1)
        fetched = f"smaller_place({place}ahead + AHEAD / size, {self._numbers(streamed)} - 1)"
        inner = [
            f"const ptrdiff_t stop = smaller_place(start + WRITTEN / size, {end});",
            *block(
                "for (ptrdiff_t ahead = start; ahead < stop; ahead += 64 / size)",
                [f"const ptrdiff_t place = {fetched};", f"FETCH_TO_WRITE(&{array}[place]);"],
            ),
            *block(f"for (ptrdiff_t {letter} = start; {letter} < stop; {letter}++)", self.inside(node.body)),
        ]
        return [
            f"const ptrdiff_t size = (ptrdiff_t)sizeof({self.dtype.c});",
            *block(f"for (ptrdiff_t start = {begin}; start < {end}; start += WRITTEN / size)", inner),
        ]

    def _past_the_caches(self, node: Loop, streamed: Store, begin: str, end: str) -> list[str]:
        """Stores that leave the caches alone, for a result that is larger than these: by whole lines."""
        self.formula.helpers |= {"stream", "places"}
        letter = self.formula.letter(node.letter)
        place = f"{self._row(node, streamed)}begin]"
        self.open.append(set())
        body: list[str] = []
        for each in node.body:
            if each is streamed:
                body.append(f"part[{letter} - begin] = {self.formula.text(streamed.value)};")
            else:
                body += self._node(each)
        self.open.pop()
        inner = [
            f"end = {self.dtype.short}_end_of_part({place}, begin, {end});",
            f"{self.dtype.c} part[PART];",
            *block(f"for (ptrdiff_t {letter} = begin; {letter} < end; {letter}++)", body),
            f"{self.dtype.short}_stream({place}, part, end - begin);",
        ]
        return block(f"for (ptrdiff_t begin = {begin}, end; begin < {end}; begin = end)", inner)


def fills(node: Loop, streamed: Store) -> bool:
    """Whether a loop does little but write: it reads nothing that has as many places as the result."""
    values = [each.value for each in node.body if isinstance(each, Store)]
    read = {entry for value in values for entry in entries_in(value) if mentions(entry, node.letter)}
    return not calls(node) and all(len(each.indices) < len(streamed.target.indices) for each in read)


def calls(node: Loop) -> bool:
    """Whether a loop has much to do for each number, so that few lanes keep a processor busy."""
    values = [each.value for each in node.body if isinstance(each, Store | Reduce)]
    return any(isinstance(part, Call) for value in values for _, part in walk(value))
