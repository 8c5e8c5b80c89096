"""What a shell offers at the next Tab: problems, the names in them, and the words that options know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from symderiv.problem import Problem

#: A word that a shell may offer, and what it says beside it.
Offer = tuple[str, str]


def words(*known: str) -> Callable[[str], list[str]]:
    """Offer the words that an option knows."""

    def offered(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return offered


def problems(incomplete: str) -> list[Offer]:
    """Offer the catalogue's names with their titles, and the problem files that are near."""
    from symderiv import catalog

    found = [(name, _title(name)) for name in catalog.names() if name.startswith(incomplete)]
    folder, _, begun = incomplete.rpartition("/")
    return found + [
        (f"{folder}/{name}" if folder else name, what) for name, what in _files(Path(folder or "."), begun)
    ]


def names_to_differentiate_by(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer the real inputs of the problem that the command line names, then what it defines."""
    problem = _problem(ctx)
    if problem is None:
        return []
    inputs = [(each.name, "input") for each in problem.inputs if not each.label_of]
    return _beginning(incomplete, [*inputs, *_defined(problem)])


def names_to_differentiate(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Offer what the problem that the command line names defines."""
    problem = _problem(ctx)
    return [] if problem is None else _beginning(incomplete, _defined(problem))


def axes(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer ``AXIS=`` for each axis of the problems that the command line names."""
    problem = _problem(ctx)
    return [] if problem is None else [f"{axis}=" for axis in problem.axes if axis.startswith(incomplete)]


def values(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer ``NAME=`` for each input of the problem that the command line names."""
    problem = _problem(ctx)
    given = () if problem is None else problem.inputs
    return [f"{each.name}=" for each in given if each.name.startswith(incomplete)]


def workloads(incomplete: str) -> list[str]:
    """Offer what can be measured."""
    from symderiv.bench.workloads import workloads as known

    return [name for name in known() if name.startswith(incomplete)]


def peers(incomplete: str) -> list[str]:
    """Offer the libraries that are measured beside what is emitted, installed or not."""
    from symderiv.bench.peers import PEERS

    return [name for name in PEERS if name.startswith(incomplete)]


def _problem(ctx: typer.Context) -> Problem | None:
    """The problem that is named so far; None where there is none, or it cannot be read."""
    from symderiv import catalog
    from symderiv.notation.errors import NotationError

    given = ctx.params.get("problem")
    name = given[0] if isinstance(given, list | tuple) and given else given
    if not isinstance(name, str) or name in ("", "-"):
        return None
    try:
        return catalog.load(name)
    except (catalog.UnknownProblemError, NotationError):
        return None


def _defined(problem: Problem) -> list[Offer]:
    return [(each.name, "definition") for each in problem.definitions]


def _beginning(start: str, offers: Iterable[Offer]) -> list[Offer]:
    return [offer for offer in offers if offer[0].startswith(start)]


def _title(name: str) -> str:
    """The title of a problem of the catalogue, taken from its text, for reading it whole takes longer."""
    from symderiv import catalog

    lines = (line.split(maxsplit=1) for line in catalog.text_of(name).splitlines())
    return next((rest[0] for first, *rest in filter(None, lines) if first == "title" and rest), "")


def _files(folder: Path, begun: str) -> list[Offer]:
    from symderiv import catalog

    try:
        near = sorted(folder.iterdir())
    except OSError:
        return []
    near = [path for path in near if path.name.startswith(begun) and (begun or not path.name.startswith("."))]
    return [
        (path.name, "a problem file") for path in near if path.suffix == catalog.SUFFIX and path.is_file()
    ]
