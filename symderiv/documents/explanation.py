"""What was understood of a formula: printed back, with its letters, its names and the choices made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from symderiv.documents.fragments import ShowsItself, explanation_html
from symderiv.expression.indices import free_indices
from symderiv.expression.matrices import INVERSE, matrix_behind
from symderiv.expression.nodes import (
    Add,
    Call,
    Delta,
    Derivative,
    Entry,
    Extremum,
    Multiply,
    Product,
    Sum,
)
from symderiv.expression.traverse import walk
from symderiv.notation.formulas import Statement
from symderiv.notation.latex import to_latex
from symderiv.notation.latex_names import array_latex
from symderiv.notation.text import condition_to_text, definition_to_text, to_text
from symderiv.notation.typed import Typed
from symderiv.problem import Problem, names_in

_BINDERS = {Sum: "sum", Product: "product"}


@dataclass(frozen=True)
class Read:
    """One statement as it was understood.

    Attributes
    ----------
    text, latex
        The statement printed back.
    role
        ``definition``, ``claim``, or ``value`` for an expression without ``=``.
    where
        The conditions after it, in text notation.
    free, bound
        The axis of each letter that the statement holds for, and of each that a sum, a product or an
        extremum runs over.
    functions
        The functions that it uses.
    """

    text: str
    latex: str
    role: str
    where: tuple[str, ...]
    free: dict[str, str]
    bound: dict[str, str]
    functions: tuple[str, ...]


@dataclass(frozen=True)
class NameRead:
    """What a name was understood to be.

    Attributes
    ----------
    name, latex
        The name in text notation and in LaTeX.
    kind
        ``array``, ``number``, ``label``, ``definition``, ``unspecified function``, ``inverse`` or
        ``determinant``.
    axes
        The axes of its indices, in order.
    of
        The axis that a label is a place on, the argument of an unspecified function, or the matrix.
    definition
        The definition, in text notation.
    inferred
        Whether nobody declared it.
    """

    name: str
    latex: str
    kind: str
    axes: tuple[str, ...] = ()
    of: str = ""
    definition: str = ""
    inferred: bool = False


@dataclass(frozen=True)
class Explanation(ShowsItself):
    """What was understood of a formula.

    Attributes
    ----------
    problem
        Every name, declared and inferred.
    statements
        Each statement, in order.
    names
        Each name that the formula uses, through definitions too.
    notes
        What was chosen where another reading is possible: sentence, line and column.
    """

    problem: Problem
    statements: tuple[Read, ...]
    names: tuple[NameRead, ...]
    notes: tuple[tuple[str, int, int], ...] = field(default=())

    def __repr__(self) -> str:
        return f"<{'; '.join(each.text for each in self.statements)}>"

    def __str__(self) -> str:
        lines: list[str] = []
        for statement in self.statements:
            lines += [*_statement_text(statement), ""]
        if self.names:
            rows = [name_row(each) for each in self.names]
            width = max(len(first) for first, _ in rows)
            lines += ["names", *(f"  {first:<{width}}  {rest}" for first, rest in rows), ""]
        lines += [
            f"note: {message}" + (f" ({line}:{column})" if line else "")
            for message, line, column in self.notes
        ]
        return "\n".join(lines).rstrip("\n")

    def _repr_html_(self) -> str:
        return explanation_html(self)

    def _repr_latex_(self) -> str:
        return (
            "$$\\begin{gathered}\n"
            + " \\\\\n".join(each.latex for each in self.statements)
            + "\n\\end{gathered}$$"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "statements": [
                {
                    "text": each.text, "latex": each.latex, "role": each.role, "where": list(each.where),
                    "free": each.free, "summed": each.bound, "functions": list(each.functions),
                }
                for each in self.statements
            ],
            "names": [
                {
                    "name": each.name, "latex": each.latex, "kind": each.kind, "axes": list(each.axes),
                    "of": each.of or None, "definition": each.definition or None, "inferred": each.inferred,
                }
                for each in self.names
            ],
            "notes": [
                {"message": message, "line": line or None, "column": column or None}
                for message, line, column in self.notes
            ],
        }  # fmt: skip


def explain(typed: Typed) -> Explanation:
    """What was understood of a formula."""
    used = _names_used(typed.statements, typed.problem)
    notes = [(guess.message, guess.line, guess.column) for guess in typed.guesses]
    if typed.latex:
        notes += [(message, 0, 0) for each in typed.statements for message in dict.fromkeys(_scopes(each))]
    return Explanation(
        typed.problem,
        tuple(_read(each, typed.problem) for each in typed.statements),
        tuple(name_read(name, typed.problem, name in typed.inferred) for name in used),
        tuple(dict.fromkeys(notes)),
    )


def _names_used(statements: Sequence[Statement], problem: Problem) -> list[str]:
    """The names in some statements, in order, each followed by those that its definition uses."""
    used: dict[str, None] = {}
    for statement in statements:
        for side in statement.sides:
            leaves = [part for _, part in walk(side) if isinstance(part, Entry | Delta | Derivative)]
            todo = [name for part in (*leaves, side) for name in sorted(names_in(part))]
            while todo:
                name = todo.pop(0)
                if name not in used:
                    used[name] = None
                    todo = [*sorted(problem.directly_uses(name)), *todo]
    return list(used)


def _read(statement: Statement, problem: Problem) -> Read:
    nodes = [part for side in statement.sides for _, part in walk(side)]
    bound = {part.index.name: part.index.axis for part in nodes if isinstance(part, Sum | Product | Extremum)}
    letters = {(index.name, index.axis) for side in statement.sides for index in free_indices(side)}
    free = dict(sorted(letters))
    role = "definition" if statement.defines else "claim" if len(statement.sides) > 1 else "value"
    return Read(
        " = ".join(to_text(side) for side in statement.sides),
        " = ".join(to_latex(side, problem) for side in statement.sides),
        role,
        tuple(condition_to_text(each) for each in statement.conditions),
        free,
        bound,
        tuple(dict.fromkeys(part.function for part in nodes if isinstance(part, Call))),
    )


def name_read(name: str, problem: Problem, inferred: bool = False) -> NameRead:
    """What a name of a problem stands for."""
    latex = array_latex(name)
    given = problem.input(name)
    if given is not None:
        kind = "label" if given.label_of else "array" if given.axes else "number"
        return NameRead(name, latex, kind, given.axes, given.label_of or "", "", inferred)
    made = matrix_behind(name)
    if made is not None:
        of = array_latex(made[1])
        kind, spelled = ("inverse", f"{of}^{{-1}}") if made[0] == INVERSE else ("determinant", rf"\det {of}")
        return NameRead(name, spelled, kind, problem.axes_of(name), made[1])
    definition = problem.definition(name)
    if definition is not None:
        axes = tuple(index.axis for index in definition.indices)
        return NameRead(name, latex, "definition", axes, "", definition_to_text(definition))
    unspecified = problem.upstream_of(name)
    return NameRead(name, latex, "unspecified function", (), unspecified.of if unspecified else "")


def _scopes(statement: Statement) -> Iterator[str]:
    """How far each sum reaches that stands before a further term."""
    for side in statement.sides:
        for _, part in walk(side):
            if not isinstance(part, Add):
                continue
            for term in part.terms[:-1]:
                last = term.factors[-1] if isinstance(term, Multiply) else term
                if isinstance(last, Sum | Product):
                    sign, letter, body = _BINDERS[type(last)], last.index.name, to_text(last.body)
                    yield f"the {sign} over {letter} reaches over {body} and stops before the next + or -"


def _statement_text(statement: Read) -> list[str]:
    rows = [(statement.role, statement.text), ("in LaTeX", statement.latex)]
    if statement.where:
        rows.append(("where", " and ".join(statement.where)))
    for word, letters in (("free", statement.free), ("summed", statement.bound)):
        if letters:
            rows.append((word, ", ".join(f"{letter} over {axis}" for letter, axis in letters.items())))
    if statement.functions:
        rows.append(("functions", ", ".join(statement.functions)))
    return [f"{word:<10}  {text}" for word, text in rows]


def name_row(each: NameRead) -> tuple[str, str]:
    """A name with its axes, and what it is."""
    shape = f"{each.name}[{', '.join(each.axes)}]" if each.axes else each.name
    match each.kind:
        case "label":
            what = f"label, a place on {each.of}"
        case "definition":
            what = each.definition
        case "inverse" | "determinant":
            what = f"{each.kind} of {each.of}"
        case "unspecified function":
            what = f"any differentiable function of {each.of}"
        case _:
            what = each.kind
    if each.inferred and each.kind in ("array", "number", "label"):
        what += ", inferred"
    return shape, what if each.latex == each.name else f"{what}, {each.latex} in LaTeX"
