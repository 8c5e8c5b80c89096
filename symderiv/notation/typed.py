r"""What a person types at a command line: formulas in text or LaTeX, and what is said about their names.

Text and LaTeX are told apart by a backslash, ``_{`` or ``^{``. Declarations are read first, then the
definitions and the formula together, so that what a name is can follow from any of them; assumptions
speak of all of it and come last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from symderiv.expression.nodes import Derivative, Entry, Expression, Extremum, Index, Product, Sum
from symderiv.expression.traverse import walk
from symderiv.notation.dependence import functions_of_names, without_dependence
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.formulas import Piece, Statement, read_pieces, statements_in
from symderiv.notation.hints import guess_of_name, of_names, of_sums
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.tex import Chain, Guess, parse_latex_chain, parse_latex_chains, read_equations
from symderiv.notation.tex.reading import source_of
from symderiv.problem import Assumption, Expectation, Problem

_DECLARES = re.compile(r"^\s*(input|label)\s+[A-Za-z_]", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*", re.ASCII)


@dataclass(frozen=True)
class Said:
    """What is said about the names of a formula.

    Attributes
    ----------
    index, inputs, labels
        Declarations as the lines of a problem file have them: ``i, k : K``, ``W[N, K]``, ``y : K``.
    lets
        Definitions, in text or LaTeX.
    assumptions
        Assumptions, in text or LaTeX.
    functions
        Names of functions of which only smoothness is known.
    """

    index: Sequence[str] = ()
    inputs: Sequence[str] = ()
    labels: Sequence[str] = ()
    lets: Sequence[str] = ()
    assumptions: Sequence[str] = ()
    functions: Sequence[str] = ()

    def declarations(self) -> list[Piece]:
        """The declarations, ready to be read."""
        return [
            *(Piece(text, "--index", "index") for text in self.index),
            *(Piece(text, "--input", "input") for text in self.inputs),
            *(Piece(text, "--label", "label") for text in self.labels),
            *(Piece(text, "--function", "function") for text in self.functions),
        ]


@dataclass(frozen=True)
class Typed:
    """What was understood.

    Attributes
    ----------
    problem
        Every name: what was given, declared, inferred and defined.
    statements
        The formula's statements, in order; definitions by the side (``--let``) are not among them.
    guesses
        What was chosen where another reading is possible.
    latex
        Whether the formula is written in LaTeX.
    inferred
        The inputs that nobody declared.
    """

    problem: Problem
    statements: tuple[Statement, ...]
    guesses: tuple[Guess, ...] = ()
    latex: bool = False
    inferred: tuple[str, ...] = ()


def is_latex(text: str) -> bool:
    """Whether a formula is in LaTeX: it has a backslash, a dollar sign, or an index or power in braces."""
    return any(sign in text for sign in ("\\", "$", "_{", "^{"))


def read_typed(
    formula: str,
    base: Problem | None = None,
    said: Said | None = None,
    latex: bool | None = None,
    name: str = "formula",
) -> Typed:
    r"""Read a formula, or several.

    Parameters
    ----------
    formula
        Statements divided by ``;`` or new lines in text, by ``\\`` in LaTeX. Empty for none.
    base
        A problem whose names may be used.
    said
        What is declared, defined and assumed besides.
    latex
        Whether the formula is LaTeX; None to find out.
    name
        What the problem is called where there is no base.

    Raises
    ------
    NotationError
        At the first thing that is not understood: with its place and a caret.
    """
    said = said or Said()
    base = base or Problem(name)
    typed = _read(formula, base, said, latex)
    said_of = [side for statement in typed.statements for side in statement.sides]
    said_of += [each.body for each in typed.problem.definitions]
    found = functions_of_names(typed.problem, said_of, of_inputs=True)
    unknown = [each for each in found if each.name in typed.inferred]
    if not unknown:
        return typed
    typed = _read(formula, replace(base, upstream=(*base.upstream, *unknown)), said, latex)
    written = "\n".join((formula, *said.lets))
    guesses = (
        guess_of_name(
            each.name, written,
            f"{each.name} is nowhere defined: it is any differentiable function of {each.of}; "
            "declare it as an input if it is a constant",
        )
        for each in unknown
    )  # fmt: skip
    return replace(typed, guesses=(*typed.guesses, *guesses))


def _read(formula: str, base: Problem, said: Said, latex: bool | None) -> Typed:
    latex = is_latex(formula) if latex is None else latex
    pieces = said.declarations()
    pieces += [Piece(text, "--let", defines=True) for text in said.lets if not is_latex(text)]
    tex_lets = [text for text in said.lets if is_latex(text)]
    assumed = [Piece(text, "--assume", "assume") for text in said.assumptions if not is_latex(text)]
    if latex:
        problem, _ = read_pieces(pieces, base)
        problem, statements, guesses = _read_tex(problem, tex_lets, formula)
        problem, _ = read_pieces(assumed, problem)
    else:
        problem, _, guesses = _read_tex(base, tex_lets, "") if tex_lets else (base, (), ())
        pieces += [Piece(formula, "formula")] if formula.strip() else []
        problem, everything = read_pieces([*pieces, *assumed], problem)
        statements = tuple(each for each in everything if each.path != "--let")
    declared = [text for _, text in statements_in(formula) if _DECLARES.match(text)]
    known = {given.name for given in base.inputs}
    known |= set(_NAME.findall(" ".join((*said.inputs, *said.labels, *declared))))
    inferred = [given for given in problem.inputs if given.name not in known]
    written = "\n".join((formula, *said.lets))
    new = [each for each in problem.definitions if base.definition(each.name) is None]
    guesses = (*guesses, *of_names(inferred, written, problem, latex), *of_sums(new, written))
    extra = [_tex_assumption(text, problem) for text in said.assumptions if is_latex(text)]
    problem = replace(problem, assumptions=(*problem.assumptions, *extra))
    return Typed(problem, statements, guesses, latex, tuple(given.name for given in inferred))


def not_depending(typed: Typed) -> str:
    """What a derivative lacks to be understood: nothing makes the undeclared name depend on anything."""
    declared = {given.name for given in typed.problem.inputs} - set(typed.inferred)
    claimed = (side for statement in typed.statements for side in statement.sides)
    found = without_dependence(typed.problem, claimed, declared)
    if found is None:
        return ""
    of, by = found
    return (
        f"nothing that is written makes {of} depend on {by}, so that d({of}, {by}) says nothing: "
        f"define {of.partition('[')[0]}, or declare it as an input if it is a constant"
    )


def read_source(text: str, name: str, latex: bool | None = None) -> tuple[Problem, tuple[Guess, ...]]:
    """A whole problem: the lines of a problem file, or formulas in text or LaTeX; and what was guessed.

    Where the text declares inputs, every name must be declared, as in a file; else they are inferred.
    """
    if _DECLARES.search(text) and not latex:
        return read_problem(text, name), ()
    typed = read_typed(text, None, None, latex, name)
    return problem_of(typed, text), typed.guesses


def read_expression(text: str, problem: Problem, latex: bool | None = None) -> Expression:
    """One value in the names of a problem, in text or LaTeX."""
    if is_latex(text) if latex is None else latex:
        chain = parse_latex_chain(text, problem)
        if len(chain.sides) != 1 or chain.continues:
            raise Source(text, "formula").error(0, "expected one value, found an equation")
        return chain.sides[0]
    return parse_expression(text, problem)


def problem_of(typed: Typed, formula: str) -> Problem:
    """The problem that a formula states: its definitions, and the derivatives that it asks for.

    A derivative alone, or on the left of an equation, is asked for; what it is said to be is not
    taken over, for that is a claim.

    Raises
    ------
    NotationError
        If the formula defines nothing, one of its statements is neither, or a name is differentiated by
        what nothing makes it depend on.
    """
    problem = typed.problem
    for statement in typed.statements:
        if statement.defines:
            continue
        left = statement.sides[0]
        if not isinstance(left, Derivative) or not isinstance(left.of, Entry):
            raise Source(formula, "formula").error(
                max(formula.find(statement.written[0]), 0),
                "expected a definition (a new name = ...) or a derivative of a name",
            )
        problem = replace(problem, expectations=(*problem.expectations, Expectation(left)))
    if not problem.definitions:
        example = "p_i = ..." if typed.latex else "p[i] = ..."
        raise Source(formula, "formula").error(
            0, f"nothing is defined here: expected an equation such as {example} with a new name"
        )
    if lacking := not_depending(typed):
        raise Source(formula, "formula").error(0, lacking)
    return replace(problem, letters=with_spare_letters(problem))


def with_spare_letters(problem: Problem) -> tuple[Index, ...]:
    """The letters of a problem, those of its sums last: ∂p_i/∂z_j is easier to read than ∂p_i/∂z_k.

    An axis all of whose letters are in use gets a spare one.
    """
    nodes = [part for each in problem.definitions for _, part in walk(each.body)]
    bound = [part.index for part in nodes if isinstance(part, Sum | Product | Extremum)]
    free = [index for each in problem.definitions for index in each.indices]
    unused = [index for index in problem.letters if index not in free and index not in bound]
    taken = {index.name for index in (*problem.letters, *free)}
    taken |= {given.name for given in problem.inputs} | {each.name for each in problem.definitions}
    for axis in problem.axes:
        letter = next((each for each in "ijlmn" if each not in taken), None)
        if letter is not None and all(index.axis != axis for index in unused):
            taken.add(letter)
            unused.append(Index(letter, axis))
    return tuple(dict.fromkeys((*free, *unused, *problem.letters)))


def _read_tex(
    base: Problem, lets: Sequence[str], formula: str
) -> tuple[Problem, tuple[Statement, ...], tuple[Guess, ...]]:
    """Definitions and a formula in LaTeX, read as one display."""
    given = [("--let", source_of(text, "--let").text) for text in lets]
    if formula or not lets:
        given.append(("formula", source_of(formula, "formula").text))
    starts = []
    lines: list[str] = []
    for _, text in given:
        starts.append(len(lines))
        lines += [*text.split("\n"), r"\\"]
    try:
        problem, chains = read_equations("\n".join(lines[:-1]), base)
    except NotationError as error:
        place = max(number for number, start in enumerate(starts) if start < error.line)
        raise NotationError(
            error.message, given[place][0], error.line - starts[place], error.column, error.source_line
        ) from None
    statements: list[Statement] = []
    guesses: list[Guess] = []
    defined = {each.name for each in base.definitions}
    for chain in chains:
        place = max(number for number, start in enumerate(starts) if start < chain.positions[0][0])
        guesses += [replace(guess, line=guess.line - starts[place]) for guess in chain.guesses]
        defines = _defines(chain, problem, defined)
        defined.add(defines)
        line, column = chain.positions[0]
        if given[place][0] == "--let":
            if not defines:
                message = "expected a definition of a new name, such as p_i = ..."
                raise NotationError(message, "--let", line - starts[place], column, lines[line - 1])
            continue
        if chain.continues:
            message = "expected a left side, found an equals sign first"
            raise NotationError(message, "formula", line - starts[place], column, lines[line - 1])
        statements.append(Statement(chain.sides, chain.written, defines, chain.conditions))
        statements += [
            Statement(each.sides, each.written, "", (*chain.conditions, *each.conditions))
            for each in chain.inner
        ]
    return problem, tuple(statements), tuple(guesses)


def _defines(chain: Chain, problem: Problem, defined: set[str]) -> str:
    """The name that a chain defines, or nothing."""
    left = chain.sides[0] if len(chain.sides) > 1 else None
    if not isinstance(left, Entry) or left.array in defined or chain.continues:
        return ""
    definition = problem.definition(left.array)
    return left.array if definition is not None and definition.body == chain.sides[1] else ""


def _tex_assumption(text: str, problem: Problem) -> Assumption:
    chains = parse_latex_chains(text, problem, path="--assume")
    if len(chains) != 1 or len(chains[0].sides) != 2 or chains[0].continues:
        raise source_of(text, "--assume").error(0, r"expected one equation, such as \sum_k t_k = 1")
    return Assumption(*chains[0].sides)
