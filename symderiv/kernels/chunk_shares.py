"""What reads exponentials that were taken by chunks: each is multiplied by the share of its chunk.

See :mod:`symderiv.kernels.chunks` for the shares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from symderiv.expression.construct import factors_of, multiply
from symderiv.expression.indices import mentions
from symderiv.expression.nodes import Entry, Expression, Index, Multiply, Shift
from symderiv.expression.traverse import map_children
from symderiv.kernels.hoist import SCALE
from symderiv.kernels.loop_program import Loop, Node, Note, Reduce, Store
from symderiv.kernels.loop_walk import arrays_of, entries_read

#: As an index term, an entry of this name at a place is the chunk in which that place is.
CHUNK_AT = "@chunk at"


class Later:
    """What reads exponentials after their pass: each is multiplied by the share of its chunk."""

    def __init__(self, chunk: Index, shares: dict[str, Entry], new: Callable[[str], Entry]) -> None:
        self.chunk, self.shares, self.new = chunk, shares, new
        #: What a pass needs of its chunk: local variables, by their values.
        self.made: dict[Expression, Entry] = {}

    def body(self, body: Sequence[Node]) -> tuple[Node, ...] | None:
        """The nodes with shares; None where one of them is of another kind."""
        found: list[Node] = []
        for each in body:
            if not set(self.shares) & arrays_of((each,)):
                found.append(each)
            elif isinstance(each, Store) and each.target.array not in self.shares and not _is_shifted(each):
                found.append(replace(each, value=self._times(each.value, None)))
            elif isinstance(each, Loop) and each.role == "pass" and is_place_by_place(each):
                found.append(self._pass(each))
            elif not isinstance(each, Note):
                return None
            else:
                found.append(each)
        return tuple(found)

    def _pass(self, loop: Loop) -> Loop:
        """A pass, chunk by chunk; an array in which something else is stored holds exponentials no more."""
        self.made = {}
        inside: list[Node] = []
        for each in loop.body:
            if isinstance(each, Store | Reduce):
                each = replace(each, value=self._times(each.value, loop.letter))
                self.shares.pop(each.target.array, None)
            inside.append(each)
        before = [Store(entry, value) for value, entry in self.made.items()]
        return Loop(self.chunk, (*before, replace(loop, body=tuple(inside))), "chunks")

    def _times(self, node: Expression, letter: Index | None) -> Expression:
        """`node` with every exponential times its share; factors of the whole chunk are one number."""
        if isinstance(node, Entry):
            return self._whole(node, letter) if node.array in self.shares else node
        if isinstance(node, Multiply):
            factors = list(factors_of(multiply(*node.factors)))
            here = next((each for each in factors if self._is_along(each, letter)), None)
            if here is not None:
                assert isinstance(here, Entry)
                fixed = [each for each in factors if isinstance(each, Entry) and each.array.startswith(SCALE)]
                rest = [
                    each if each is here else self._times(each, letter)
                    for each in factors
                    if each not in fixed
                ]
                return multiply(self._local(multiply(*fixed, self.shares[here.array])), *rest)
        return map_children(node, lambda child: self._times(child, letter))

    def _whole(self, entry: Entry, letter: Index | None) -> Expression:
        share = self.shares[entry.array]
        if self._is_along(entry, letter):
            return multiply(self._local(share), entry)
        return multiply(Entry(share.array, (Entry(CHUNK_AT, entry.indices[-1:]),)), entry)

    def _is_along(self, node: Expression, letter: Index | None) -> bool:
        return isinstance(node, Entry) and node.array in self.shares and node.indices[-1:] == (letter,)

    def _local(self, value: Expression) -> Entry:
        if value not in self.made:
            self.made[value] = self.new(SCALE)
        return self.made[value]


def _is_shifted(store: Store) -> bool:
    return any(isinstance(term, Shift) for entry in entries_read(store) for term in entry.indices)


def is_place_by_place(loop: Loop) -> bool:
    """Whether its letter is nothing but the last place of entries, and it holds no other loop."""
    letter = loop.letter
    if loop.window is not None:
        return False
    for each in loop.body:
        if isinstance(each, Note):
            continue
        if not isinstance(each, Store | Reduce) or _is_elsewhere(each.target, letter):
            return False
        if mentions(_without_rows(each.value, letter), letter):
            return False
    return True


def _is_elsewhere(entry: Entry, letter: Index) -> bool:
    """Whether a letter is another place of an entry than its last."""
    return mentions(
        Entry("", entry.indices[:-1] if entry.indices[-1:] == (letter,) else entry.indices), letter
    )


def _without_rows(node: Expression, letter: Index) -> Expression:
    """`node` with numbers in place of the entries whose last place is the letter."""
    if isinstance(node, Entry):
        return node if _is_elsewhere(node, letter) else Entry(node.array)
    return map_children(node, lambda child: _without_rows(child, letter))
