"""Functions entry by entry, such as an activation and its derivative: all samples can be one row.

Where each entry of the results is made of the entries at the same place alone, it makes no difference
where a sample ends. As one row, the samples are one long loop, which is done on vectors also where each of
them is too short for these (ten classes: two to five times as fast).
"""

from __future__ import annotations

from symderiv.expression.nodes import Delta, Index, Product, Size, Sum, Where
from symderiv.expression.traverse import compared_values, walk
from symderiv.kernels.loop_program import Loop, LoopProgram, Node, Note, Store, formulas
from symderiv.kernels.loop_walk import entries_of, independent_rows


def is_elementwise(program: LoopProgram) -> bool:
    """Whether all samples of a program can be worked on as one."""
    rows = independent_rows(program)
    arrays = [each for each in program.parameters if each.axes]
    if rows is None:
        return False
    if (
        program.sizes
        or len({each.axes for each in arrays}) != 1
        or any(each.kind == "label" for each in arrays)
    ):
        return False
    axes = arrays[0].axes
    if axes[0] != rows.letter.axis or len(axes) < 2 or len(set(axes)) < len(axes):
        return False
    if any(each.indices for each in program.buffers):
        return False
    return _is_entry_by_entry(rows.body, (rows.letter,), axes) and not _has_places(rows.body)


def _is_entry_by_entry(body: tuple[Node, ...], letters: tuple[Index, ...], axes: tuple[str, ...]) -> bool:
    """Whether loops over all axes in order store entries that are made of those at the same place."""
    for node in body:
        match node:
            case Note():
                continue
            case Store():
                entries = list(entries_of((node,)))
                whole = letters if tuple(each.axis for each in letters) == axes else None
                if any(each.indices and each.indices != whole for each in entries):
                    return False
            case Loop():
                if node.window is not None or node.role not in ("", "pass"):
                    return False
                if not _is_entry_by_entry(node.body, (*letters, node.letter), axes):
                    return False
            case _:
                return False
    return True


def _has_places(body: tuple[Node, ...]) -> bool:
    """Whether it makes a difference which place an entry has, or how many there are."""
    for value in formulas(body):
        for _, part in walk(value):
            if isinstance(part, Delta | Size | Sum | Product):
                return True
            if isinstance(part, Where) and not compared_values(part.condition):
                return True
    return False


__all__ = ["is_elementwise"]
