"""A Jacobian as a picture: what kind of matrix it is, and its entries as colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symderiv.documents.environment import html_environment
from symderiv.documents.fragments import ShowsItself
from symderiv.request import RequestError

if TYPE_CHECKING:
    from symderiv.calculus import Derivation
    from symderiv.documents.figures import Figure
    from symderiv.problem import Problem


@dataclass(frozen=True)
class Picture(ShowsItself):
    """A derivative as a picture, which a notebook shows.

    Attributes
    ----------
    words
        What the matrix is, such as ``(diagonal) − (rank one)``; empty where nothing is known of it.
    values
        The entries in numbers, as nested lists; None without values of the inputs.
    html
        The pictures, as a part of a page.
    """

    words: str
    values: Any
    html: str

    def __str__(self) -> str:
        rows = self.values if isinstance(self.values, list) else [] if self.values is None else [self.values]
        return "\n".join([*filter(None, [self.words]), *map(_row, rows)])

    def _repr_html_(self) -> str:
        return self.html


def picture(derivation: Derivation, values: Mapping[str, Any]) -> Picture:
    """The picture of a derivative, its entries in colours where values of the inputs are given."""
    from symderiv.documents.figures import figure, heat_figure

    shown: Figure | None = figure(derivation)
    heat = numbers = None
    if values:
        from symderiv.build.explicit import shown as with_entries

        arrays, sizes = _tables(derivation.problem, values)
        found = with_entries(derivation, sizes, arrays, symbols=False).numbers
        assert found is not None
        heat = heat_figure(derivation, found)
        numbers = _nested(found.values, tuple(found.sizes[letter.axis] for letter in found.letters))
    template = html_environment().get_template("picture.html.j2")
    return Picture(shown.words if shown else "", numbers, template.render(figure=shown, heat=heat))


def _tables(
    problem: Problem, values: Mapping[str, Any]
) -> tuple[dict[str, dict[tuple[int, ...], float]], dict[str, int]]:
    """The values by place, and the sizes of the axes that they imply."""
    import numpy as np

    arrays: dict[str, dict[tuple[int, ...], float]] = {}
    sizes: dict[str, int] = {}
    for name, value in values.items():
        given = problem.input(name)
        if given is None:
            known = ", ".join(each.name for each in problem.inputs)
            raise RequestError(f"expected values of an input of {problem.name} ({known}), found {name!r}")
        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise RequestError(f"expected numbers for {name}, found {value!r}") from None
        if array.ndim != len(given.axes):
            raise RequestError(f"expected {len(given.axes)} axes of {name}, found {array.ndim}")
        for axis, size in zip(given.axes, array.shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise RequestError(f"expected {sizes[axis]} places of {name} on {axis}, found {size}")
        arrays[name] = {place: float(entry) for place, entry in np.ndenumerate(array)}
    return arrays, sizes


def _nested(values: Mapping[tuple[int, ...], float], shape: tuple[int, ...]) -> Any:
    def at(place: tuple[int, ...]) -> Any:
        if len(place) == len(shape):
            return values[place]
        return [at((*place, number)) for number in range(shape[len(place)])]

    return at(())


def _row(row: Any) -> str:
    def numbers(part: Any) -> Iterator[float]:
        if isinstance(part, list):
            for each in part:
                yield from numbers(each)
        else:
            yield part

    return "  ".join(f"{value:12.6g}" for value in numbers(row))
