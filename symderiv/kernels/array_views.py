"""Arrays of NumPy seen as matrices: the letters of a group as one axis, and axes in another order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symderiv.expression.nodes import Index


def merged(
    text: str, axes: Sequence[Sequence[Index]], size: Callable[[str], str], open_letter: Index | None = None
) -> str:
    """An array with each group of letters as one axis: the same memory under another shape.

    Parameters
    ----------
    text
        The array.
    axes
        The letters of each axis.
    size
        The name of the size of an axis of the problem.
    open_letter
        A letter of which only a part of the places is there.
    """
    groups = [place for place, each in enumerate(axes) if len(each) > 1]
    if not groups:
        return text
    # One length follows from the others: that of the part at hand, or else the longest to write.
    free = next((place for place, each in enumerate(axes) if open_letter in each), groups[-1])
    lengths = [
        "-1" if place == free else " * ".join(size(index.axis) for index in each)
        for place, each in enumerate(axes)
    ]
    return f"{text}.reshape({', '.join(lengths)})"


def turned(text: str, order: Sequence[int]) -> str:
    """An array with its axes in another order."""
    count = len(order)
    if list(order) == list(range(count)):
        return text
    if count == 2:
        return f"{text}.T"
    if list(order[:-2]) == list(range(count - 2)):
        return f"{text}.swapaxes(-1, -2)"
    return f"{text}.transpose({', '.join(map(str, order))})"
