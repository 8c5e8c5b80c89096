"""Formulas on the command line: their options, how they are read, and where a problem comes from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symderiv.arguments import MAX_TEXT, UsageError
from symderiv.cli import completion
from symderiv.cli.application import Command
from symderiv.cli.options import load

if TYPE_CHECKING:
    from symderiv.notation.typed import Typed
    from symderiv.problem import Problem

Formula = Annotated[
    list[str],
    typer.Argument(
        metavar="FORMULA",
        help="Text notation or LaTeX; its words are put together. A single - reads the standard input.",
    ),
]
Within = Annotated[
    str,
    typer.Option(
        "--in",
        metavar="PROBLEM",
        help="A catalogue name or .sd file whose names may be used.",
        autocompletion=completion.problems,
    ),
]
Lets = Annotated[
    list[str] | None,
    typer.Option("--let", metavar="DEFINITION", help="A definition, in text or LaTeX; may be repeated."),
]
Indexes = Annotated[
    list[str] | None,
    typer.Option(
        "--index", metavar="LETTERS:AXIS", help="Index letters and their axis: 'i, k : K'; may be repeated."
    ),
]
Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input", metavar="ARRAYS", help="Inputs and their axes: 'W[N, K], x[N]'; may be repeated."
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        metavar="LABELS:AXIS",
        help="Labels, which hold places on an axis: 'y : K'; may be repeated.",
    ),
]
Functions = Annotated[
    list[str] | None,
    typer.Option(
        "--function",
        metavar="NAMES",
        help="Functions of which only smoothness is known: 'f, g'; may be repeated.",
    ),
]
Assumptions = Annotated[
    list[str] | None,
    typer.Option(
        "--assume", metavar="EQUATION", help="An assumption, such as 'sum(k, t[k]) == 1'; may be repeated."
    ),
]
AsLatex = Annotated[
    bool, typer.Option("--latex", help="The formula is LaTeX, also where nothing in it says so.")
]
Source = Annotated[
    str,
    typer.Argument(
        metavar="PROBLEM",
        help="A catalogue name, the path of a .sd file, or - for the standard input.",
        autocompletion=completion.problems,
    ),
]
TexFormulas = Annotated[
    list[str] | None,
    typer.Option(
        "--latex", metavar="TEX", help="Definitions in LaTeX instead of a PROBLEM; may be repeated."
    ),
]
TextFormulas = Annotated[
    list[str] | None,
    typer.Option("--formula", metavar="TEXT", help="Definitions in text notation instead; may be repeated."),
]


#: What is said where a text is to come from the standard input, and there is none.
CLOSED = "expected text on the standard input, found that it is closed"


class FormulaCommand(Command):
    """A command whose arguments are formulas: one that begins with a minus is no option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put a space before words such as ``-log(p[i])``, so that they are not taken for options."""
        words: list[str] = []
        for word, option in self.words(args):
            help_wanted = word == "-h" and not words
            formula = word.startswith("-") and not word.startswith("--") and word != "-" and not help_wanted
            words.append(f" {word}" if formula and option is None else word)
        return super().parse_args(ctx, words)


def typed_in(words: list[str]) -> str:
    """A formula from the words of a command line, or from the standard input."""
    text = " ".join(words).strip()
    return standard_input() if text == "-" else text


def standard_input() -> str:
    """All of the standard input, as text."""
    try:
        text = sys.stdin.buffer.read(4 * MAX_TEXT + 1).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("expected text in UTF-8 on the standard input, found other bytes") from None
    except (OSError, ValueError, AttributeError):
        raise UsageError(CLOSED) from None
    if not text.strip():
        raise UsageError("expected a formula on the standard input, found nothing")
    return text


def read(  # noqa: PLR0917 (one parameter an option)
    formula: str,
    within: str,
    lets: list[str] | None,
    index: list[str] | None,
    inputs: list[str] | None,
    label: list[str] | None,
    assume: list[str] | None,
    function: list[str] | None,
    latex: bool,
) -> Typed:
    """What was typed, read in the names that were given."""
    from symderiv.notation.typed import Said, read_typed

    said = Said(index or (), inputs or (), label or (), lets or (), assume or (), function or ())
    return read_typed(formula, load(within) if within else None, said, latex or None)


def problem_from(  # noqa: PLR0917 (one parameter an option)
    name: str,
    latex: list[str] | None,
    formula: list[str] | None,
    index: list[str] | None = None,
    inputs: list[str] | None = None,
    label: list[str] | None = None,
    assume: list[str] | None = None,
    function: list[str] | None = None,
) -> Problem:
    """The problem that a command line gives: by name, as a file, on the standard input, or in formulas."""
    given = [word for word, found in (("PROBLEM", name), ("--latex", latex), ("--formula", formula)) if found]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise UsageError(
            f"expected one of PROBLEM, --latex and --formula, found {found}; see symderiv ... --help"
        )
    declared = {
        "--index": index, "--input": inputs, "--label": label, "--assume": assume, "--function": function,
    }  # fmt: skip
    said = [word for word, found in declared.items() if found]
    if name and name != "-":
        if said:
            raise UsageError(f"{said[0]}: expected --latex, --formula or -, found the problem {name!r}")
        return load(name)
    from symderiv.notation.typed import Said, problem_of, read_source, read_typed

    text = standard_input() if name else "\n\\\\\n".join(latex or ()) or "\n".join(formula or ())
    if name and not said:
        problem, guesses = read_source(text, "formula")
    else:
        tex = None if name else bool(latex)
        given_names = Said(index or (), inputs or (), label or (), (), assume or (), function or ())
        typed = read_typed(text, None, given_names, tex)
        problem, guesses = problem_of(typed, text), typed.guesses
    for guess in guesses:
        typer.echo(f"symderiv: note: {guess.message} ({guess.line}:{guess.column})", err=True)
    return problem
