"""Nested loops that run over the same axis, one after the other, as one: what lies between them gets small.

Σ_a Σ_b w_ab x_{i+a, j+b} comes as two statements, and so as two nests: one fills an array over (i, j, a),
the other sums it over a. Done together for each i and j, that array is one line of numbers
(:mod:`symderiv.kernels.contraction`).

A loop that reads what the loop before it writes joins that loop, from the outermost inwards, where each
turn needs of the other loop nothing but what the same turn made. An innermost loop does not join one that
holds loops: its own is done on whole vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.loop_program import (
    Loop,
    LoopProgram,
    Node,
    Note,
    Reduce,
    Start,
    Store,
    nodes,
)
from symderiv.kernels.loop_walk import arrays_of, common_places, entries_of, entries_read, renamed, set_in


def fused(program: LoopProgram) -> LoopProgram:
    """`program` with nests joined to those whose values they need."""
    return replace(program, body=_fused(program.body))


def _fused(body: Sequence[Node]) -> tuple[Node, ...]:
    found = _once(body)
    while len(again := _once(found)) < len(found):  # two joined loops may need each other
        found = again
    return tuple(
        replace(each, body=_fused(each.body)) if isinstance(each, Loop) and each.role != "pass" else each
        for each in found
    )


def _once(body: Sequence[Node]) -> list[Node]:
    """A body, its loops from the first to the last joined to the one before."""
    found: list[Node] = []
    for each in body:
        place = _loop_before(found)
        joined = None
        if isinstance(each, Loop) and place is not None:
            joined = _joined(found[place], found[place + 1 :], each)
        if joined is None or place is None:
            found.append(each)
        else:
            found[place:] = joined
    return found


def _loop_before(body: Sequence[Node]) -> int | None:
    """The last loop that does more than to set sums to 0."""
    loops = [
        place
        for place, each in enumerate(body)
        if isinstance(each, Loop) and any(isinstance(node, Store | Reduce) for node in nodes((each,)))
    ]
    return max(loops, default=None)


def _joined(first: Node, between: Sequence[Node], second: Loop) -> list[Node] | None:
    """Both loops as one, after what stood between them; None where they have to stay two."""
    assert isinstance(first, Loop)
    if first.role or second.role or first.window is not None or second.window is not None:
        return None
    if first.letter.axis != second.letter.axis or _is_innermost(first) != _is_innermost(second):
        return None
    if not _stored(first.body) & {entry.array for entry in _read(second.body)}:
        return None  # nothing to be gained
    if any(not _may_be_first(each, first) for each in between):
        return None
    inside = second.body
    if first.letter != second.letter:  # swapped, so that no letter is bound twice
        names = {second.letter: first.letter, first.letter: second.letter}
        inside = renamed(inside, names)
    if not _is_turn_by_turn(first.body, inside, first.letter):
        return None
    notes = [each for each in between if isinstance(each, Note)]
    earlier = [each for each in between if not isinstance(each, Note)]
    if _is_innermost(first):
        return [*notes, *earlier, replace(first, body=(*first.body, *inside))]
    return [*earlier, replace(first, body=(*first.body, *notes, *inside))]


def _is_innermost(loop: Loop) -> bool:
    return not any(isinstance(each, Loop) for each in loop.body)


def _stored(body: Sequence[Node]) -> set[str]:
    """The arrays that a body writes; local variables are none."""
    targets = [each.target for each in nodes(tuple(body)) if isinstance(each, Store | Reduce | Start)]
    return {target.array for target in targets if target.indices}


def _read(body: Sequence[Node]) -> list[Entry]:
    return [entry for node in nodes(tuple(body)) for entry in entries_read(node)]


def _may_be_first(node: Node, loop: Loop) -> bool:
    """Whether a node after a loop may as well stand before it."""
    if isinstance(node, Note):
        return True
    touched = arrays_of((node,))
    return not touched & set_in(loop.body) and not set_in((node,)) & arrays_of(loop.body)


def _is_turn_by_turn(first: Sequence[Node], second: Sequence[Node], letter: Index) -> bool:
    """Whether each turn of the second loop needs of the first, and disturbs of it, its own turn only."""
    written = set_in(first) | set_in(second)
    by_array: dict[str, list[Entry]] = {}
    shared = arrays_of(first) & arrays_of(second) & written
    for entry in (*entries_of(first), *entries_of(second)):
        if entry.array in shared:
            by_array.setdefault(entry.array, []).append(entry)
    for name, entries in by_array.items():
        if all(not entry.indices for entry in entries):
            if not (_is_set_first(first, name) and _is_set_first(second, name)):
                return False
        elif not common_places(entries, letter):
            return False
    return True


def _is_set_first(body: Sequence[Node], name: str) -> bool:
    """Whether a turn sets a local variable before anything is made of it."""
    for node in nodes(tuple(body)):
        if isinstance(node, Store | Reduce | Start):
            if any(entry.array == name for entry in entries_read(node)):
                return False
            if node.target.array == name:
                return not isinstance(node, Reduce)
    return True
