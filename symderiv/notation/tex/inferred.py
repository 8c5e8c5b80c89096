"""Reads formulas whose names nobody declared: what they speak of is found from how they are written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeVar

from symderiv.expression.canonical import same
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Definition, Derivative, Entry, Expression, Index, Sum
from symderiv.expression.traverse import walk as walk_tree
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex.arrays import Value, named
from symderiv.notation.tex.bound_letters import with_letters_apart
from symderiv.notation.tex.calls import written_out
from symderiv.notation.tex.cursor import Shared
from symderiv.notation.tex.divergences import with_divergences, without_compared
from symderiv.notation.tex.equations import equations
from symderiv.notation.tex.function_indices import with_indices
from symderiv.notation.tex.guesses import Guess, guesses_of
from symderiv.notation.tex.indexed_calls import with_entries
from symderiv.notation.tex.inference import Defined, Found, infer
from symderiv.notation.tex.meaning import Reader
from symderiv.notation.tex.new_names import (
    definitions_in_turn,
    letters_in_subscripts,
    primed_functions,
    vocabulary_of,
)
from symderiv.notation.tex.parameters import with_own_parameters
from symderiv.notation.tex.point_sets import with_points
from symderiv.notation.tex.reach import reaching
from symderiv.notation.tex.reading import (
    Chain,
    Parsed,
    chain_of,
    letters_for,
    parse,
    parse_latex_chains,
    source_of,
)
from symderiv.notation.tex.repeated import with_sums
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.squares import roots_of
from symderiv.notation.tex.steps import step_letters
from symderiv.notation.tex.syntax import Called, Name, Part, walk
from symderiv.notation.tex.tokens import tokenize, without_boxes
from symderiv.notation.tex.uses import plain
from symderiv.problem import Expectation, Function, Input, Problem

_One = TypeVar("_One")
_Got = TypeVar("_Got")


def read_equations(  # noqa: PLR0917 (what a formula alone does not say)
    latex: str,
    problem: Problem | None = None,
    infer: bool = True,
    symbols: Mapping[str, str] | None = None,
    path: str = "formula",
    macros: Mapping[str, str | None] | None = None,
) -> tuple[Problem, tuple[Chain, ...]]:
    r"""Read every equation of a display, and find what its names stand for.

    Parameters
    ----------
    latex
        The display, with or without its ``$`` or ``\[``.
    problem
        What is declared already; declared names win over any inference.
    infer
        Whether names that are not declared may be inferred; otherwise they are errors.
    symbols
        Spellings that are to be read as one name: ``{r"\sigma^2": "v"}``.
    path
        A word for where the formula came from, for error messages.
    macros
        The commands that are defined, as for :func:`~symderiv.notation.tex.tokens.tokenize`.

    Returns
    -------
    problem, chains
        The problem with everything that was inferred: inputs, letters, definitions (equations whose left side
        is a new name with index letters); and all equations in order, definitions included. What was chosen
        where a formula can be read in more than one way stands in ``Chain.guesses`` of the equation where
        it was first needed: a sentence with line, column and length (:class:`~symderiv.notation.tex.Guess`).

    Raises
    ------
    NotationError
        If anything is not understood: with line, column and a caret.
    """
    if not infer:
        if problem is None:
            raise ValueError("read_equations needs a problem where nothing may be inferred")
        return problem, parse_latex_chains(latex, problem, symbols, path, macros)
    given, chains, _ = _read(latex, problem or Problem(path), symbols, path, macros)
    return given, chains


def problem_from_latex(
    latex: str, name: str = "formula", symbols: Mapping[str, str] | None = None
) -> Problem:
    r"""Make a problem of definitions in LaTeX, such as ``p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}``.

    Arrays, axes and index letters are inferred. A derivative on the left of an equation, or alone, is one
    that the problem is about; what it is said to be is not taken over (that is a claim, to be checked).

    Raises
    ------
    NotationError
        If anything is not understood, nothing is defined, or an equation is neither a definition nor about a
        derivative.
    """
    problem, chains, defined = _read(latex, Problem(name), symbols, name)
    source = source_of(latex, name)
    if not any(defined):
        raise source.error(
            0, "nothing is defined here: expected an equation such as p_i = ... with a new name"
        )
    expectations = []
    for chain, definition in zip(chains, defined, strict=True):
        if definition is not None:
            continue
        left = chain.sides[0] if chain.sides else None
        if not isinstance(left, Derivative) or not isinstance(left.of, Entry) or chain.continues:
            line, column = chain.positions[0]
            text = source.text.split("\n")[line - 1]
            message = "expected a definition (a new name = ...) or an equation for a derivative"
            raise NotationError(message, name, line, column, text)
        expectations.append(Expectation(left))
    return replace(problem, expectations=tuple(expectations))


@dataclass(frozen=True)
class Reading:
    """What the formulas of a document say.

    Attributes
    ----------
    problem
        Everything that was declared or inferred.
    chains
        All equations, in order.
    leading
        For each chain, how many of its equals signs define something: the rest are claims.
    """

    problem: Problem
    chains: tuple[Chain, ...]
    leading: tuple[int, ...]


def read_document(  # noqa: PLR0917 (the directives of a document)
    latex: str,
    problem: Problem,
    symbols: Mapping[str, str] | None = None,
    macros: Mapping[str, str | None] | None = None,
    path: str = "document",
    rows: Collection[str] = (),
    faults: list[NotationError] | None = None,
    einstein: bool = False,
    wide: bool = False,
) -> Reading:
    """Read all formulas of a document together.

    Parameters and errors are those of :func:`read_equations`; `macros` are the commands that the document
    defines, as for :func:`~symderiv.notation.tex.tokens.tokenize`, `rows` the vectors that stand as rows;
    with `einstein`, definitions sum over the letters that are on two factors; with `wide`, a logarithm
    without brackets is one of all the factors after it.
    Where several equations are at fault, `faults` takes the errors of all that were found together.
    """
    given, chains, defined = _read(
        latex,
        problem,
        symbols,
        path,
        macros,
        rows,
        together=True,
        faults=faults,
        einstein=einstein,
        wide=wide,
    )
    return Reading(given, chains, tuple(0 if each is None else 1 for each in defined))


def _read(  # noqa: PLR0917
    latex: str,
    problem: Problem,
    symbols: Mapping[str, str] | None,
    path: str,
    macros: Mapping[str, str | None] | None = None,
    rows: Collection[str] = (),
    together: bool = False,
    faults: list[NotationError] | None = None,
    einstein: bool = False,
    wide: bool = False,
) -> tuple[Problem, tuple[Chain, ...], list[Defined | None]]:
    source = source_of(latex, path)
    tokens, compared = without_compared(without_boxes(tokenize(source, macros, together)))
    subscripts = letters_in_subscripts(tokens)
    found_equations = equations(source, tokens, lambda token: token.text in subscripts, passing=together)
    known = replace(Scope.of_problem(problem), rows=frozenset(rows), wide=wide)
    known = replace(known, steps=step_letters(known, found_equations, source))
    found_equations = definitions_in_turn(known, found_equations, source, turned=together)
    primed = primed_functions(known, found_equations, symbols, source)
    known.unspecified.update(dict.fromkeys(primed, 0))
    problem = replace(problem, functions=(*problem.functions, *(Function(name, 0) for name in primed)))
    shared = Shared(source, vocabulary_of(known, found_equations, symbols, source))
    shared.notes.update(compared)
    parsed = _each(found_equations, lambda one: parse(source, [one], known, shared)[0], faults)
    parsed = with_indices(with_divergences(parsed, known), known, shared.notes)
    roots = roots_of(known, parsed, shared.notes)
    parsed = with_points(with_entries([*parsed, *roots.values()]), known, shared.notes)
    parsed, points = written_out(source, with_own_parameters(parsed, known))
    own = len(parsed) - len(roots)  # what the formulas say themselves
    parsed = [*parsed, *points]
    parsed = with_sums(parsed) if einstein else parsed
    parsed = with_letters_apart(parsed, known, shared.notes)
    found = infer(source, parsed, known, shared.notes)
    _check_calls(source, parsed, found)
    _tell_dependence(found, known)
    _check_circles(source, parsed, found)
    scopes = [replace(found.scope, letters=dict(letters[0])) for letters in found.letters_in]
    auxiliary = _Auxiliary(found.scope)
    chains = tuple(
        _each(
            list(zip(parsed, scopes, _by_equation(parsed, shared.notes), found.letters_in, strict=True)),
            lambda one: chain_of(source, one[0], one[1], one[2], define=auxiliary.define, letters=one[3]),
            faults,
        )
    )
    by_equation: list[Defined | None] = [None] * len(parsed)
    definitions: list[Definition] = []
    for each in found.definitions:
        by_equation[each.equation] = each
        letters = found.letters_in[each.equation][0]
        indices = tuple(Index(letter, letters[letter]) for letter in each.letters)
        body = chains[each.equation].sides[1]
        opened = chains[each.equation].open  # those that a whole array was given
        if opened and chains[each.equation].sides[0] != Entry(each.name, (*indices, *opened)):
            where = parsed[each.equation].sides[1]
            raise source.error(where.at, f"this has {len(opened)} more axes than {each.name} has on the left")
        indices += opened
        loose = [index.name for index in free_indices(body) if index not in indices]
        wider = reaching(body, loose[0]) if loose else None
        if wider is not None and all(index in indices for index in free_indices(wider)):
            where = parsed[each.equation].sides[1]
            told = f"the sum over {loose[0]} is read as one of all that is added after it"
            chains = _widened(chains, each.equation, wider, guesses_of(source, {told: where.at}))
            body, loose = wider, []
        if loose:
            where = parsed[each.equation].sides[1]
            told = f"the index {loose[0]} is neither summed nor on the left side"
            if any(isinstance(part, Sum) and part.index.name == loose[0] for _, part in walk_tree(body)):
                told = f"{loose[0]} is summed in one term and free in another: put brackets around the sum"
            raise source.error(where.at, told)
        definitions.append(Definition(each.name, indices, body))
    for number, place in enumerate(roots, own):
        by_equation[place] = by_equation[number]
    chains, by_equation = chains[:own], by_equation[:own]
    scope = found.scope
    inputs = tuple(Input(name, scope.arrays[name], scope.labels.get(name)) for name in found.inputs)
    given = tuple(
        replace(each, label_of=scope.labels[each.name]) if each.name in found.relabelled else each
        for each in problem.inputs
    )
    return (
        replace(
            problem,
            inputs=(*given, *inputs),
            letters=(*problem.letters, *found.letters),
            definitions=(*problem.definitions, *auxiliary.definitions, *definitions),
        ),
        chains,
        by_equation,
    )


def _widened(
    chains: tuple[Chain, ...], number: int, body: Expression, guesses: tuple[Guess, ...]
) -> tuple[Chain, ...]:
    """The chains, with another reading of what one of them defines."""
    chain = chains[number]
    sides = (chain.sides[0], body, *chain.sides[2:])
    changed = replace(chain, sides=sides, guesses=(*chain.guesses, *guesses))
    return (*chains[:number], changed, *chains[number + 1 :])


def _each(
    items: Sequence[_One], read: Callable[[_One], _Got], faults: list[NotationError] | None
) -> list[_Got]:
    """What is read of each item; where some cannot be read, the first error, and all of them in `faults`."""
    got = []
    for item in items:
        try:
            got.append(read(item))
        except NotationError as error:
            if faults is None:
                raise
            faults.append(error)
    if faults:
        raise faults[0]
    return got


class _Auxiliary:
    """Names for matrices without one, of which a formula takes the inverse or the determinant."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.definitions: list[Definition] = []

    def define(self, reader: Reader, where: Part, value: Value) -> str:
        """The name of a matrix, which is defined if it is not yet."""
        entries, letters = named([value], letters_for(reader.scope))
        loose = [index.name for index in free_indices(entries[0]) if index not in letters]
        if loose:
            raise reader.error(where, f"this matrix has the free index {loose[0]}: define it by a name first")
        for each in self.definitions:
            same_letters = dict(zip(letters, each.indices, strict=False))
            if len(letters) == len(each.indices) and same(rename(entries[0], same_letters), each.body):
                return each.name
        taken = self.scope.declared() | {each.name for each in self.definitions}
        name = next(name for number in count(1) if (name := f"M_{number}") not in taken)
        self.definitions.append(Definition(name, letters, entries[0]))
        self.scope.arrays[name] = tuple(index.axis for index in letters)
        reader.note(where, f"the matrix in the brackets is called {name}")
        return name


def _by_equation(parsed: Sequence[Parsed], notes: Mapping[str, int]) -> list[dict[str, int]]:
    """The notes of each equation: those that stand after it begins and before the next one does."""
    begins = [min(begin for begin, _ in each.spans) for each in parsed]
    found: list[dict[str, int]] = [{} for _ in parsed]
    for sentence, at in notes.items():
        number = max((place for place, begin in enumerate(begins) if begin <= at), default=0)
        found[number][sentence] = at
    return found


def _check_calls(source: Source, parsed: Sequence[Parsed], found: Found) -> None:
    """A function is understood at the argument that it was defined with, and nowhere else."""
    functions = {each.name: [plain(argument) for argument in each.arguments] for each in found.definitions}
    for each in parsed:
        for side in each.sides:
            for part in walk(side):
                if not isinstance(part, Called):
                    continue
                name = plain(replace(part.name, primes=0))
                if not functions.get(name):
                    continue
                arguments = [plain(one) if isinstance(one, Name) else "" for one in part.arguments]
                if arguments != functions[name]:
                    expected = f"{name}({', '.join(functions[name])})"
                    raise source.error(
                        part.at, f"{name} is defined as {expected}: other arguments are not supported yet"
                    )


def _tell_dependence(found: Found, known: Scope) -> None:
    """Let the scope know what each definition is made of."""
    uses = found.uses

    def depends(name: str, other: str) -> bool:
        seen: set[str] = set()
        todo = [name]
        while todo:
            for used in uses.get(todo.pop(), ()):
                if used == other:
                    return True
                if used not in seen:
                    seen.add(used)
                    todo.append(used)
        return known.depends(name, other)

    found.scope.depends = depends
    found.scope.given = (*known.given, *found.inputs)


def _check_circles(source: Source, parsed: Sequence[Parsed], found: Found) -> None:
    for each in found.definitions:
        if found.scope.depends(each.name, each.name):
            where = parsed[each.equation].sides[0]
            raise source.error(where.at, f"{each.name} is defined by itself")
