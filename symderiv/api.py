"""The library's face: what ``import symderiv as sd`` offers.

>>> import symderiv as sd
>>> sd.derive("softmax", wrt="z").form_text
'p[i] * (delta(i, j) - p[j])'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symderiv.calculus import Case, Contraction, Derivation, Engine, Step
from symderiv.calculus import cases as cases_of
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Derivative, Entry, Expression, Index
from symderiv.problem import Problem

if TYPE_CHECKING:
    from symderiv.witness import Explicit


class RequestError(ValueError):
    """A request that names nothing in the problem; the message is one sentence."""


@dataclass(frozen=True)
class Result:
    """A derivative, or a product with one, in closed form and with its derivation.

    Attributes
    ----------
    derivation
        Every step that was taken, and where they lead.
    explicit
        The entries at the sizes that were asked for; None without sizes.
    """

    derivation: Derivation
    explicit: Explicit | None = None

    @property
    def problem(self) -> Problem:
        """What was differentiated."""
        return self.derivation.problem

    @property
    def form(self) -> Expression:
        """The simplest form reached, under the assumptions that :attr:`assumptions` names."""
        return self.derivation.form

    @property
    def form_text(self) -> str:
        """The form in text notation."""
        from symderiv.notation.text import to_text

        return to_text(self.form)

    @property
    def form_latex(self) -> str:
        """The form in LaTeX."""
        from symderiv.notation.latex import to_latex

        return to_latex(self.form, self.problem)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The assumptions that the form rests on, in text notation."""
        from symderiv.notation.text import to_text

        return tuple(f"{to_text(each.left)} == {to_text(each.right)}" for each in self.derivation.assumptions)

    @property
    def cases(self) -> tuple[Case, ...]:
        """The form where the places of its deltas are the same, and where they are not."""
        return cases_of(self.derivation)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every rewrite, in order, those under the assumptions last."""
        return self.derivation.steps + self.derivation.assumed_steps

    def text(self, level: str = "textbook") -> str:
        """The derivation for a terminal; `level` is ``brief``, ``textbook`` or ``all``."""
        from symderiv.documents.plain import derivation_text

        return derivation_text(self.derivation, level)

    def latex(self, level: str = "textbook") -> str:
        """The derivation as LaTeX to paste (needs amsmath)."""
        from symderiv.documents.latex import derivation_latex

        return derivation_latex(self.derivation, level)

    def markdown(self, level: str = "textbook") -> str:
        """The derivation as Markdown with ``$$`` displays."""
        from symderiv.documents.markdown import derivation_markdown

        return derivation_markdown(self.derivation, level)

    def document(self, level: str = "textbook") -> str:
        """A LaTeX document on this one derivation that compiles by itself."""
        from symderiv.documents.latex import latex_document

        return latex_document(self.problem, [self.derivation], self.explicit, level)

    def to_dict(self, level: str = "textbook") -> dict[str, Any]:
        """The derivation as plain data: strings, lists and dictionaries."""
        from symderiv.documents.data import derivation_json

        return derivation_json(self.derivation, level, self.explicit)

    def to_sympy(self, sizes: Mapping[str, int] | None = None) -> Any:
        """The form as SymPy.

        Parameters
        ----------
        sizes
            The number of places on each axis; None keeps indices (``IndexedBase``, ``Sum``,
            ``KroneckerDelta``).

        Returns
        -------
        sympy object
            With sizes, all definitions are written out in the inputs: an expression for a scalar, a
            column for a vector, a ``Matrix`` for two free indices, an N-dimensional array for more.
        """
        from symderiv.notation.sympy_bridge import as_array, explicit, to_sympy

        if sizes is None:
            return to_sympy(self.form)
        letters = letters_of(self.derivation)

        def entries(rest: tuple[Index, ...], places: dict[Index, int]) -> Any:
            if not rest:
                return explicit(self.form, self.problem, sizes, places)
            every = range(1, sizes[rest[0].axis] + 1)
            return [entries(rest[1:], places | {rest[0]: place}) for place in every]

        found = entries(letters, {})
        return as_array(found, len(letters)) if letters else found

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        from symderiv.notation.text import to_text

        return f"<{to_text(self.derivation.start)} = {self.form_text}>"

    def _repr_latex_(self) -> str:
        from symderiv.documents.latex import assumption_latex
        from symderiv.notation.latex import to_latex

        start = to_latex(self.derivation.start, self.problem)
        stated = [assumption_latex(each, self.problem) for each in self.derivation.assumptions]
        condition = r" \qquad \text{if } " + r" \text{ and } ".join(stated) if stated else ""
        return rf"$\displaystyle {start} = {self.form_latex}{condition}$"


def letters_of(derivation: Derivation) -> tuple[Index, ...]:
    """The free letters of a result, in the order in which the derivative names them."""
    start = derivation.start
    parts = (start.of, *start.by) if isinstance(start, Derivative) else (start,)
    return tuple(dict.fromkeys(letter for part in parts for letter in free_indices(part)))


def derive(
    problem: Problem | str | Path,
    wrt: str | Sequence[str] | None = None,
    of: str | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Result:
    """Derive one derivative of a problem.

    Parameters
    ----------
    problem
        A problem, a name of the catalogue, or the path of an ``.sd`` file.
    wrt
        What to differentiate by: ``"z"``, or with letters of one's own ``"z[j]"``; two of them for
        a second derivative. Without it, the first derivative that the problem states (of `of`).
    of
        What to differentiate; the problem's output if not given.
    sizes
        Where given, SymPy derives every entry at these sizes too: see :attr:`Result.explicit`.

    Raises
    ------
    RequestError
        If a name is not of the problem.
    """
    given = load(problem)
    engine = Engine(given)
    if wrt is None:
        entry, by = _stated(given, of)
    else:
        entry, by = _entries(given, engine, of or given.output(), (wrt,) if isinstance(wrt, str) else wrt)
    derivation = engine.derive(entry, by)
    if sizes is None:
        return Result(derivation)
    from symderiv.witness import witness

    return Result(derivation, witness(derivation, sizes))


def vjp(problem: Problem | str | Path, wrt: str, of: str | None = None) -> Result:
    """The product of a cotangent with the derivative: Σ over the output, without the matrix."""
    return _contracted("vjp", problem, wrt, of)


def jvp(problem: Problem | str | Path, wrt: str, of: str | None = None) -> Result:
    """The product of the derivative with a tangent: Σ over the variable, without the matrix."""
    return _contracted("jvp", problem, wrt, of)


def hvp(problem: Problem | str | Path, wrt: str, of: str | None = None) -> Result:
    """The product of a scalar's second derivative with a tangent, without the matrix."""
    return _contracted("hvp", problem, wrt, of)


def emit(problem: Problem | str | Path, target: str = "numpy") -> str:
    """The source of a module with the problem's functions, which needs nothing of symderiv."""
    from symderiv.kernels.emit import emit as emit_module

    return emit_module(load(problem), target)


def compile(
    problem: Problem | str | Path, target: str = "numpy", function: str | None = None
) -> Callable[..., Any]:
    """Emit a module, load it, and give one of its functions (the forward function by default)."""
    from symderiv.kernels.emit import compile_function

    return compile_function(load(problem), target, function)


def parse(text: str, problem: Problem | str | Path | None = None, name: str = "problem") -> Any:
    """Read text notation: a whole problem, or an expression in the names of `problem`.

    Returns
    -------
    Problem or Expression
        An expression where `problem` is given, else the problem that `text` states.

    Raises
    ------
    symderiv.notation.errors.NotationError
        With the line, the column and a caret.
    """
    from symderiv.notation.reader import parse_expression, read_problem

    if problem is not None:
        return parse_expression(text, load(problem))
    return read_problem(text, name)


def load(problem: Problem | str | Path) -> Problem:
    """A problem as it is, of the catalogue by name, or of a file."""
    if isinstance(problem, Problem):
        return problem
    from symderiv import catalog

    return catalog.load(problem)


def names() -> tuple[str, ...]:
    """The names of the catalogue's problems."""
    from symderiv import catalog

    return catalog.names()


def _stated(problem: Problem, of: str | None) -> tuple[Entry, tuple[Entry, ...]]:
    for expectation in problem.expectations:
        stated = expectation.derivative
        if isinstance(stated.of, Entry) and of in (None, stated.of.array):
            return stated.of, stated.by
    raise RequestError(
        f"expected what to differentiate {problem.name} by, found nothing; give wrt, one of "
        f"{', '.join(each.name for each in problem.inputs if each.label_of is None)}"
    )


def _entries(problem: Problem, engine: Engine, of: str, by: Sequence[str]) -> tuple[Entry, tuple[Entry, ...]]:
    """The entries that a request names; letters are chosen where it names arrays alone."""
    if not by:
        raise RequestError(f"expected a name to differentiate {of} by, found none")
    asked = [_entry(problem, text) for text in (of, *by)]
    for entry in asked[1:]:
        given = problem.input(entry.array)
        if given is not None and given.label_of:
            raise RequestError(f"expected a real array to differentiate by, found the label {entry.array}")
        if entry.array == asked[0].array:
            raise RequestError(f"expected another name than {of} to differentiate it by, found {entry.array}")
    chosen_of, chosen_by = engine.generic(asked[0].array, tuple(entry.array for entry in asked[1:]))
    entries = [
        entry if entry.indices else chosen
        for entry, chosen in zip(asked, (chosen_of, *chosen_by), strict=True)
    ]
    return entries[0], tuple(entries[1:])


def _entry(problem: Problem, text: str) -> Entry:
    """``z`` or ``z[j]`` as an entry, its name checked."""
    name = text.split("[", maxsplit=1)[0].strip()
    known = [given.name for given in problem.inputs] + [each.name for each in problem.definitions]
    known += [each.name for each in problem.upstream]
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=2, cutoff=0.5)
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        raise RequestError(f"expected a name of {problem.name} ({', '.join(known)}), found {name!r}{meant}")
    if "[" not in text:
        return Entry(name)
    from symderiv.notation.reader import parse_expression

    entry = parse_expression(text, problem)
    if not isinstance(entry, Entry):
        raise RequestError(f"expected one entry such as {name}[j], found {text!r}")
    return entry


def _contracted(kind: str, problem: Problem | str | Path, wrt: str, of: str | None) -> Result:
    given = load(problem)
    engine = Engine(given)
    output, by = _entries(given, engine, of or given.output(), (wrt,))
    return Result(engine.contract(Contraction(kind, output, by[0])))
