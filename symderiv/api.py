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
from symderiv.request import RequestError, entries

if TYPE_CHECKING:
    from symderiv.calculus.backward import Backward
    from symderiv.documents.explanation import Explanation
    from symderiv.documents.verdicts import Proof
    from symderiv.notation.typed import Typed
    from symderiv.witness import Explicit

__all__ = [
    "RequestError",
    "Result",
    "compile",
    "derive",
    "emit",
    "explain",
    "from_sympy",
    "hvp",
    "jvp",
    "load",
    "names",
    "parse",
    "prove",
    "vjp",
]


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
    if sizes is not None:
        _check_sizes(sizes, given)
    if wrt is not None and (not isinstance(wrt, str | Sequence) or not all(isinstance(e, str) for e in wrt)):
        raise TypeError(f"wrt: expected a name such as 'z', or several, found {wrt!r}")
    if of is not None:
        _expect("of", of, str, "a name such as 'p'")
    engine = Engine(given)
    if wrt is None:
        entry, by = _stated(given, of)
    else:
        entry, by = entries(given, engine, of or given.output(), (wrt,) if isinstance(wrt, str) else wrt)
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


@dataclass(frozen=True)
class BackwardResult:
    """A backward pass: one line a cotangent, in an order in which they can be computed.

    Attributes
    ----------
    passed
        The lines, with the derivation of each contribution.
    """

    passed: Backward

    @property
    def forms(self) -> dict[str, str]:
        """From each cotangent, such as ``z_bar[k]``, to its form, both in text notation.

        A cotangent that is given has no form and is left out.
        """
        from symderiv.notation.text import to_text

        stages = self.passed.stages
        return {
            to_text(each.cotangent): to_text(each.form)
            for each in stages
            if each.parts or each.given is not None
        }

    @property
    def proved(self) -> bool:
        """Whether each line is proved for every size."""
        from symderiv.proof.stages import prove_stage

        verdicts = [each for stage in self.passed.stages for each in prove_stage(stage, self.passed)]
        return all(each.kind == "proved" for each in verdicts)

    def text(self) -> str:
        """The lines for a terminal."""
        return self._document("text")

    def latex(self) -> str:
        """The lines in LaTeX, to paste into one's notes (needs amsmath)."""
        return self._document("latex")

    def markdown(self) -> str:
        """The lines in Markdown."""
        return self._document("markdown")

    def data(self) -> dict[str, Any]:
        """The lines as plain data."""
        from symderiv.documents.backward import backward_data

        return backward_data(self.passed)

    def _document(self, form: str) -> str:
        from symderiv.documents.backward import backward_document

        return backward_document(self.passed, form)


def backward(
    problem: Problem | str | Path, wrt: str | Sequence[str] = (), every: bool = False
) -> BackwardResult:
    """The backward pass of a problem: all derivatives of its output in one sweep.

    Parameters
    ----------
    problem
        A problem, a name of the catalogue, or the path of an ``.sd`` file.
    wrt
        The inputs whose cotangents are wanted; without it those by which the problem's own lines
        differentiate its output, or all real inputs.
    every
        Whether each intermediate has a line of its own, though lines would be shorter without.

    Raises
    ------
    CalculusError
        If a name is not of the problem, or the output does not depend on it.
    """
    from symderiv.calculus.backward import backward as sweep

    return BackwardResult(sweep(load(problem), (wrt,) if isinstance(wrt, str) else tuple(wrt), every))


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


def parse(
    text: str, problem: Problem | str | Path | None = None, name: str = "problem", latex: bool | None = None
) -> Any:
    r"""Read text notation or LaTeX: a whole problem, or an expression in the names of `problem`.

    Parameters
    ----------
    text
        ``p[i] = exp(z[i]) / sum(k, exp(z[k]))`` or ``p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}``, a problem
        file's lines, or an expression. Where a problem declares no inputs, they are inferred from use.
    problem
        Whose names an expression is in.
    name
        What a whole problem is to be called.
    latex
        Whether the text is LaTeX; None to find out (by a backslash, ``_{`` or ``^{``).

    Returns
    -------
    Problem or Expression
        An expression where `problem` is given, else the problem that `text` states.

    Raises
    ------
    symderiv.notation.errors.NotationError
        With the line, the column and a caret.
    """
    from symderiv.notation.typed import is_latex, read_expression, read_source

    _expect("text", text, str, "a string")
    tex = is_latex(text) if latex is None else latex
    if problem is not None:
        return read_expression(text, load(problem), tex)
    return read_source(text, name, tex)[0]


def from_sympy(
    expression: Any, problem: Problem | str | Path | None = None, name: str = "problem", output: str = "f"
) -> Any:
    """Take SymPy's ``Indexed``, ``Sum``, ``Product`` and ``KroneckerDelta`` over.

    Parameters
    ----------
    expression
        An expression, an equation ``Eq(p[i], ...)`` that defines a name, or a list of these. Sums run
        from 1 to n, or from 0 to n - 1, where n is a symbol: the size of an axis of that name.
    problem
        Whose names the expression is in; it becomes a tree then.
    name, output
        What the problem is called, and what it defines where `expression` is no equation.

    Returns
    -------
    Problem or Expression
        A problem without `problem`, a tree with it.

    Raises
    ------
    BridgeError
        If a part has no counterpart in the notation.
    """
    from symderiv.notation.sympy_bridge import from_sympy as tree_of
    from symderiv.notation.sympy_bridge import problem_from_sympy

    if problem is not None:
        return tree_of(expression, load(problem))
    return problem_from_sympy(expression, name, output)


def prove(
    formula: str,
    problem: Problem | str | Path | None = None,
    *,
    let: str | Sequence[str] = (),
    assume: str | Sequence[str] = (),
    index: str | Sequence[str] = (),
    inputs: str | Sequence[str] = (),
    labels: str | Sequence[str] = (),
    functions: str | Sequence[str] = (),
    latex: bool | None = None,
) -> Proof:
    """Prove ``LHS = RHS`` for every size of every axis, or refute it by the smallest counterexample.

    Parameters
    ----------
    formula
        An equation, a chain of them, or definitions and equations, in text or LaTeX.
    problem
        A problem whose names may be used.
    let
        Definitions to use, in text or LaTeX.
    assume
        Assumptions, such as ``sum(k, t[k]) == 1``.
    index, inputs, labels, functions
        Declarations, such as ``i, k : K``, ``W[N, K]``, ``y : K`` and ``f``; what is not declared is
        inferred, but for functions.
    latex
        Whether the formula is LaTeX; None to find out.

    Returns
    -------
    Proof
        True in a condition where everything is proved; printed, it says what was found.

    Raises
    ------
    symderiv.notation.errors.NotationError
        If the formula is not understood.
    RequestError
        If there is no equation to judge.
    """
    from symderiv.documents.verdicts import proof_of

    typed = _typed(formula, problem, let, assume, index, inputs, labels, functions, latex)
    if not any(each.claims() for each in typed.statements):
        raise RequestError(f"expected an equation to prove, found {formula!r}")
    return proof_of(typed)


def explain(
    formula: str,
    problem: Problem | str | Path | None = None,
    *,
    let: str | Sequence[str] = (),
    index: str | Sequence[str] = (),
    inputs: str | Sequence[str] = (),
    labels: str | Sequence[str] = (),
    functions: str | Sequence[str] = (),
    latex: bool | None = None,
) -> Explanation:
    """What is understood of a formula: its letters, its names, and the choices between readings.

    Parameters and errors are those of :func:`prove`.
    """
    from symderiv.documents.explanation import explain as explanation_of

    return explanation_of(_typed(formula, problem, let, (), index, inputs, labels, functions, latex))


def _typed(  # noqa: PLR0917 (what prove and explain share)
    formula: str,
    problem: Problem | str | Path | None,
    let: str | Sequence[str],
    assume: str | Sequence[str],
    index: str | Sequence[str],
    inputs: str | Sequence[str],
    labels: str | Sequence[str],
    functions: str | Sequence[str],
    latex: bool | None,
) -> Typed:
    from symderiv.notation.typed import Said, read_typed

    _expect("formula", formula, str, "a string")
    words = (index, inputs, labels, let, assume, functions)
    said = Said(*([each] if isinstance(each, str) else each for each in words))
    return read_typed(formula, None if problem is None else load(problem), said, latex)


def _expect(name: str, found: object, kind: type, words: str) -> None:
    if not isinstance(found, kind):
        raise TypeError(f"{name}: expected {words}, found {found!r}")


def load(problem: Problem | str | Path) -> Problem:
    """A problem as it is, of the catalogue by name, or of a file."""
    if isinstance(problem, Problem):
        return problem
    if not isinstance(problem, str | Path):
        raise TypeError(f"expected a Problem, a name of the catalogue or a path, found {problem!r}")
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


def _check_sizes(sizes: object, problem: Problem) -> None:
    """Raise where `sizes` does not give a size to axes of the problem."""
    if not isinstance(sizes, Mapping):
        raise TypeError(f"sizes: expected a mapping such as {{'K': 3}}, found {sizes!r}")
    for axis, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool):
            raise TypeError(f"sizes: expected a whole number for {axis}, found {size!r}")
        if axis not in problem.axes:
            raise RequestError(
                f"sizes: expected an axis of {problem.name} ({', '.join(problem.axes)}), found {axis!r}"
            )


def _contracted(kind: str, problem: Problem | str | Path, wrt: str, of: str | None) -> Result:
    given = load(problem)
    engine = Engine(given)
    output, by = entries(given, engine, of or given.output(), (wrt,))
    return Result(engine.contract(Contraction(kind, output, by[0])))
