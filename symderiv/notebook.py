"""``%%symderiv`` in notebooks: the formulas of a cell, checked, derived or explained.

IPython is not needed to import this, nor anywhere else in the package.
"""

from __future__ import annotations

import argparse
import re
import shlex
import typing
from typing import Any, NoReturn

from symderiv.arguments import UsageError, check_axes, parse_sizes
from symderiv.documents.fragments import ShowsItself

#: What a cell has to hold to be read as a document: mathematics that is marked as such.
_MARKED = re.compile(r"\$|\\\[|\\\(|\\begin\{|^```", re.MULTILINE)


class Results(tuple[Any, ...], ShowsItself):
    """Several derivatives, which a notebook shows one below the other."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_html_(self) -> str:
        return "\n".join(each._repr_html_() for each in self)

    def _repr_latex_(self) -> str:
        return "\n\n".join(each._repr_latex_() for each in self)


class _Parser(argparse.ArgumentParser):
    """A parser that raises where the one of the library ends the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%%symderiv: {message}; %%symderiv --help tells the options")


def parser() -> argparse.ArgumentParser:
    """The options of the magic, called as those of the command line are."""
    made = _Parser(
        prog="%%symderiv",
        description="Judge every = of the formulas in a cell, in text or LaTeX. A cell that marks its "
        "mathematics, by $$ or \\[, is read as a document.",
        add_help=False,
        allow_abbrev=False,
    )
    made.add_argument("--help", "-h", action="store_true", help="print this")
    made.add_argument("--name", default="", metavar="NAME", help="bind what is found to this name too")
    made.add_argument("--assume", action="append", default=[], metavar="EQUATION", help="what may be assumed")
    made.add_argument("--in", dest="within", default="", metavar="PROBLEM", help="whose names may be used")
    for word, metavar, what in (
        ("let", "DEFINITION", "a definition to use"),
        ("index", "LETTERS:AXIS", "index letters and their axis"),
        ("input", "ARRAYS", "inputs and their axes"),
        ("label", "LABELS:AXIS", "labels, which hold places on an axis"),
        ("function", "NAMES", "functions of which only smoothness is known"),
    ):
        made.add_argument(f"--{word}", action="append", default=[], metavar=metavar, help=what)
    made.add_argument("--latex", action="store_true", help="the cell is LaTeX, also where nothing says so")
    made.add_argument("--explain", action="store_true", help="show what is understood instead")
    made.add_argument("--derive", action="store_true", help="derive what the cell defines instead")
    made.add_argument("--wrt", action="append", default=[], metavar="NAME", help="what to differentiate by")
    made.add_argument("--of", default="", metavar="NAME", help="what to differentiate")
    made.add_argument("--size", action="append", default=[], metavar="AXIS=SIZE", help="a size of an axis")
    return made


def run(line: str, cell: str) -> Any:
    """What ``%%symderiv LINE`` finds in a cell.

    Parameters
    ----------
    line
        Options, such as ``--assume 'sum(k, t[k]) == 1'``.
    cell
        Formulas, or a text with formulas.

    Returns
    -------
    Report, Proof, Explanation, Result or Results
        Verdicts by default: a report for LaTeX and for documents, a proof for text notation.
    """
    asked = parser().parse_args(shlex.split(line))
    if asked.help:
        print(parser().format_help(), end="")
        return None
    if not cell.strip():
        raise UsageError("%%symderiv: expected formulas in the cell, found nothing")
    if (asked.wrt or asked.of or asked.size) and not asked.derive:
        raise UsageError("%%symderiv: expected --derive beside --wrt, --of and --size, found none")
    if asked.derive and asked.explain:
        raise UsageError("%%symderiv: expected --derive or --explain, found both")
    if asked.derive:
        return _derived(asked, cell)
    said: dict[str, Any] = {
        "let": asked.let, "index": asked.index, "inputs": asked.input, "labels": asked.label,
        "functions": asked.function, "latex": True if asked.latex else None,
    }  # fmt: skip
    from symderiv.api import explain, prove

    if asked.explain:
        return explain(cell, asked.within or None, **said)
    named = asked.within or any(said[word] for word in ("let", "index", "inputs", "labels", "functions"))
    report = None if named else _checked(asked, cell)
    return report if report is not None else prove(cell, asked.within or None, assume=asked.assume, **said)


def _checked(asked: argparse.Namespace, cell: str) -> Any:
    """The report on a document, or on formulas in LaTeX; None for other formulas."""
    from symderiv.check.judge import check_document
    from symderiv.check.sources import read_formulas, read_text
    from symderiv.notation.typed import is_latex

    if _MARKED.search(cell):
        return check_document(read_text(cell, "cell"), asked.assume)
    if asked.latex or is_latex(cell):
        return check_document(read_formulas(cell, "cell"), asked.assume)
    return None


def _derived(asked: argparse.Namespace, cell: str) -> Any:
    """The derivative that is asked for, or every one that the cell's problem has."""
    from symderiv.api import derive
    from symderiv.notation.typed import Said, problem_of, read_source, read_typed
    from symderiv.request import asking

    said = (asked.index, asked.input, asked.label, asked.let, asked.assume, asked.function)
    latex = True if asked.latex else None
    if any(said) or asked.within:
        from symderiv.api import load

        within = load(asked.within) if asked.within else None
        problem = problem_of(read_typed(cell, within, Said(*said), latex), cell)
    else:
        problem, _ = read_source(cell, "cell", latex)
    sizes = parse_sizes(asked.size)
    check_axes(sizes, [problem])
    if asked.wrt:
        return derive(problem, asked.wrt, asked.of or None, sizes or None)
    from symderiv.api import Result
    from symderiv.calculus import derive_all
    from symderiv.witness import witness

    found = [
        Result(each, witness(each, sizes) if sizes else None)
        for each in derive_all(asking(problem))
        if not asked.of or getattr(getattr(each.start, "of", None), "array", "") == asked.of
    ]
    if not found:
        raise UsageError("%%symderiv: expected something to derive, found nothing that depends on an input")
    return found[0] if len(found) == 1 else Results(found)


def register(shell: Any) -> None:
    """Teach a shell the cell magic, and how expressions are shown."""
    from IPython.core.error import UsageError as ShellError

    from symderiv.expression import nodes
    from symderiv.notation.latex import to_latex
    from symderiv.notation.mathml import mathml
    from symderiv.notation.text import to_text

    def symderiv(line: str, cell: str) -> Any:
        try:
            found = run(line, cell)
        except Exception as error:
            if not type(error).__module__.startswith("symderiv."):
                raise
            raise ShellError(str(error)) from None  # shown as its sentence alone
        name = parser().parse_known_args(shlex.split(line))[0].name
        if name:
            if not name.isidentifier():
                raise ShellError(f"%%symderiv: expected a name after --name, found {name!r}")
            shell.user_ns[name] = found
        return found

    symderiv.__doc__ = parser().format_help()
    shell.register_magic_function(symderiv, "cell", "symderiv")
    formatters = shell.display_formatter.formatters
    for kind in typing.get_args(nodes.Expression):
        formatters["text/plain"].for_type(kind, lambda node, printer, cycle: printer.text(to_text(node)))
        formatters["text/latex"].for_type(kind, lambda node: f"${to_latex(node)}$")
        formatters["text/html"].for_type(kind, mathml)
