"""The passes of a sample in C: which of them go through several samples together, and over which axis."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.nodes import Entry
from symderiv.expression.traverse import walk
from symderiv.kernels.c_loops import carried_in
from symderiv.kernels.c_stores import calls
from symderiv.kernels.loop_program import Loop, Node, Note, Reduce, Start, Store, nodes


def is_narrow(rows: Loop) -> bool:
    """Whether few lanes do for short rows: one pass is for sums, one uses them, and neither does much."""
    passes = [each for each in rows.body if isinstance(each, Loop)]
    sums = [each for each in passes if carried_in(each)]
    return len(passes) == 2 and len(sums) == 1 and not any(map(calls, passes))


def segments_of(body: Sequence[Node]) -> list[list[Node]]:
    """What goes through all samples together: each pass with what it starts from, and numbers between."""
    found: list[list[Node]] = []
    pending: list[Node] = []
    for each in body:
        if not isinstance(each, Loop):
            pending.append(each)
            continue
        starts = len(pending)
        while starts and isinstance(pending[starts - 1], Start | Note):
            starts -= 1
        if starts:
            found.append(pending[:starts])
        found.append([*pending[starts:], each])
        pending = []
    return [*found, pending] if pending else found


def homes(name: str, segments: Sequence[Sequence[Node]]) -> int:
    """In how many segments an array is used."""
    return sum(
        any(part.array == name for node in nodes(tuple(each)) for part in entries(node)) for each in segments
    )


def only_axis(rows: Loop) -> str | None:
    """The one axis of all loops inside the rows, none of them in another; None where it is otherwise."""
    inner = [each for each in rows.body if isinstance(each, Loop)]
    axes = {each.letter.axis for each in inner}
    nested = any(isinstance(node, Loop) for each in inner for node in each.body)
    shifted = any(each.window is not None for each in inner)
    return next(iter(axes)) if len(axes) == 1 and not nested and not shifted else None


def entries(node: Node) -> list[Entry]:
    """The entries that a node names, those inside of a loop left out."""
    match node:
        case Start(_, target):
            return [target]
        case Store(target, value) | Reduce(_, target, value):
            return [part for each in (target, value) for _, part in walk(each) if isinstance(part, Entry)]
    return []
