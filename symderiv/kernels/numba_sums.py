"""Long sums by chunks.

Each vector of a processor adds up its own share of a row, and so many terms after each other lose digits:
in a row of 128256, the mean of a layer normalisation comes out with five times the error that it has
where each 1024 terms are added up by themselves, and then the sums of these.
"""

from __future__ import annotations

from dataclasses import dataclass

from symderiv.expression.indices import mentions
from symderiv.expression.nodes import Entry
from symderiv.kernels.loop_program import Loop, Reduce
from symderiv.kernels.loop_walk import entries_in
from symderiv.kernels.numba_streams import by_parts, rows_of

#: How many terms are added up by themselves.
CHUNK = 1024


@dataclass(frozen=True)
class SumByChunks:
    """A pass that does nothing but add up, over parts of rows.

    Attributes
    ----------
    loop
        The loop over one part.
    sums
        What it adds to.
    rows
        By the name of its part, the row that each part is of: an entry without its last place.
    """

    loop: Loop
    sums: tuple[Entry, ...]
    rows: dict[str, Entry]


def sum_by_chunks(node: Loop) -> SumByChunks | None:
    """`node` by chunks; None where it is not a pass over rows, or does more than adding up their terms."""
    sums = [each for each in node.body if isinstance(each, Reduce) and each.kind == "sum"]
    if node.role != "pass" or node.window is not None or len(sums) != len(node.body):
        return None
    targets = tuple(each.target for each in sums)
    if any(each.indices for each in targets):
        return None
    values = [each.value for each in sums]
    entries = [entry for each in values for entry in entries_in(each)]
    rows = rows_of(entries, values, node.letter)
    if not rows or any(mentions(Entry("", row.indices), node.letter) for row in rows.values()):
        return None
    return SumByChunks(by_parts(node), targets, rows)
