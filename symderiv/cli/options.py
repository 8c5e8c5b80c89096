"""What several commands share: their arguments and options, and the checks of what was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from symderiv.arguments import UsageError, suggestion
from symderiv.build import TARGETS
from symderiv.cli import completion

if TYPE_CHECKING:
    from symderiv.problem import Problem


def choice(option: str, words: tuple[str, ...], about: str) -> Any:
    """An option that takes one of some words, which shells complete."""
    return typer.Option(option, metavar="|".join(words), help=about, autocompletion=completion.words(*words))


Name = Annotated[
    str,
    typer.Argument(
        metavar="PROBLEM",
        help="A catalogue name or the path of a .sd file.",
        autocompletion=completion.problems,
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PROBLEM",
        help="Catalogue names or .sd files; the whole catalogue if none.",
        autocompletion=completion.problems,
    ),
]
Sizes = Annotated[
    list[str] | None,
    typer.Option(
        "--size",
        metavar="AXIS=SIZE",
        help="Size of an axis for explicit results, such as K=5; may be repeated.",
        autocompletion=completion.axes,
    ),
]
Targets = Annotated[
    list[str] | None,
    choice("--target", TARGETS, "A language to emit; may be repeated. Without it: all of them."),
]


def one_of(option: str, found: str, known: tuple[str, ...]) -> None:
    """Raise `UsageError` for a word that is not among those that an option knows."""
    if found not in known:
        raise UsageError(
            f"{option}: expected {' or '.join(known)}, found {found!r}{suggestion(found, known)}"
        )


def targets(names: list[str] | None) -> tuple[str, ...]:
    """The languages that were asked for, each once; all of them if none was."""
    for name in names or ():
        one_of("--target", name, TARGETS)
    return tuple(dict.fromkeys(names or TARGETS))


def load(name: str) -> Problem:
    """The problem of a catalogue name or a file."""
    from symderiv import catalog

    return catalog.load(name)
