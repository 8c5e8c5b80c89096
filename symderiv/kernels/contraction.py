"""Intermediates of nested loops, as small as they can be, and what follows from that.

1. *contract*: an array whose entries are all used in the turn of a loop in which they were made needs no
   axis for the letter of that loop; without axes, it is a local variable.
2. *collect*: a sum that is kept in a local variable is collected in that variable from the start.
3. *hoist*: what does not change along an innermost loop is worked out before it, as along a pass
   (:mod:`symderiv.kernels.hoist`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from symderiv.expression.indices import fresh_name
from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.hoist import hoisted, safe_divisors
from symderiv.kernels.loop_program import Buffer, Loop, LoopProgram, Node, Note, Start, Store, nodes
from symderiv.kernels.loop_walk import arrays_of, common_places, entries_of, mapped
from symderiv.kernels.nests import TOTAL

_Term = TypeVar("_Term")


def contracted(program: LoopProgram) -> LoopProgram:
    """`program` with smaller intermediates in its nests."""
    work = _Contraction({each.name: each for each in program.buffers}, safe_divisors(program.body))
    body = work.nested(program.body, set())
    body = _with_notes_near(body, work.buffers)
    used = arrays_of(body)
    buffers = tuple(each for each in work.buffers.values() if each.name in used)
    return replace(program, body=body, buffers=buffers)


@dataclass
class _Contraction:
    """Works on the loops of a program, from the outermost inwards."""

    buffers: dict[str, Buffer]
    divisors: frozenset[str]

    def nested(self, body: tuple[Node, ...], outside: set[str]) -> tuple[Node, ...]:
        """The loops of a body done; buffers that are used `outside` of it are left as they are."""
        found = list(body)
        for number, loop in enumerate(body):
            if isinstance(loop, Loop) and loop.role != "pass":
                others = outside | arrays_of((*body[:number], *body[number + 1 :]))
                inside = loop.body
                if not loop.role:
                    inside = self._smaller(inside, loop.letter, others)
                    inside = self._collected(inside, others)
                inside = self.nested(inside, others)
                if not loop.role:
                    inside = self._hoisted(inside)
                found[number] = replace(loop, body=inside)
        return tuple(found)

    # -- 1. contract ------------------------------------------------------------------------

    def _smaller(self, body: tuple[Node, ...], letter: Index, others: set[str]) -> tuple[Node, ...]:
        for name in sorted(arrays_of(body) - others):
            entries = [entry for entry in entries_of(body) if entry.array == name]
            places = common_places(entries, letter)
            if name not in self.buffers or not places:
                continue

            def smaller(entry: Entry, name: str = name, places: Sequence[int] = places) -> Entry:
                if entry.array != name:
                    return entry
                return Entry(name, _left_out(entry.indices, places))

            body = mapped(body, smaller)
            kept = _left_out(self.buffers[name].indices, places)
            self.buffers[name] = replace(self.buffers[name], indices=kept)
        return body

    # -- 2. collect -------------------------------------------------------------------------

    def _collected(self, body: tuple[Node, ...], others: set[str]) -> tuple[Node, ...]:
        total = Entry(TOTAL, ())
        for stop, store in enumerate(body):
            if not (isinstance(store, Store) and store.value == total and not store.target.indices):
                continue
            kept = store.target
            starts = [
                place
                for place, each in enumerate(body[:stop])
                if isinstance(each, Start) and each.target == total
            ]
            if not starts or kept.array not in self.buffers or kept.array in others:
                continue
            before, during, after = body[: starts[-1]], body[starts[-1] : stop], body[stop + 1 :]
            if kept.array in arrays_of(during):
                continue
            during = mapped(during, lambda entry, kept=kept: kept if entry == total else entry)  # type: ignore[misc]
            return self._collected((*before, *during, *after), others)
        return body

    # -- 3. hoist ---------------------------------------------------------------------------

    def _hoisted(self, body: tuple[Node, ...]) -> tuple[Node, ...]:
        def innermost(node: Node) -> bool:
            if not isinstance(node, Loop) or node.role or node.window is not None:
                return False
            return not any(isinstance(each, Loop) for each in node.body)

        marked = tuple(
            replace(each, role="pass") if isinstance(each, Loop) and innermost(each) else each
            for each in body
        )
        return tuple(
            replace(each, role="") if isinstance(each, Loop) and each.role == "pass" else each
            for each in hoisted(marked, self._new, self.divisors)
        )

    def _new(self, stem: str) -> Entry:
        name = fresh_name(stem, self.buffers)
        self.buffers[name] = Buffer(name, ())
        return Entry(name, ())


def _with_notes_near(body: tuple[Node, ...], buffers: Mapping[str, Buffer]) -> tuple[Node, ...]:
    """The body, in which what is said of an array that has lost axes stands where it is first set."""
    moved = {
        each.of.array: each
        for each in nodes(body)
        if isinstance(each, Note)
        and each.of is not None
        and each.of.array in buffers
        and len(each.of.indices) != len(buffers[each.of.array].indices)
    }
    waiting = dict(moved)

    def placed(part: tuple[Node, ...]) -> Iterator[Node]:
        for each in part:
            if isinstance(each, Loop):
                yield replace(each, body=tuple(placed(each.body)))
            elif not isinstance(each, Note):
                note = waiting.pop(each.target.array, None)
                if note is not None:
                    yield replace(note, of=each.target)
                yield each
            elif each not in moved.values():
                yield each

    return tuple(placed(body)) if moved else body


def _left_out(terms: tuple[_Term, ...], places: Sequence[int]) -> tuple[_Term, ...]:
    return tuple(term for place, term in enumerate(terms) if place not in places)
