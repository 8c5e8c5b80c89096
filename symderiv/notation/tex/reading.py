"""Reads LaTeX formulas in the names of a problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Compare, Expression, Index
from symderiv.expression.traverse import walk
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex.arrays import Value, named
from symderiv.notation.tex.cursor import Shared, Vocabulary
from symderiv.notation.tex.equations import Equation, equations
from symderiv.notation.tex.guesses import Guess, guesses_of
from symderiv.notation.tex.meaning import Reader
from symderiv.notation.tex.parser import Parser
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.spelled import is_of_policy
from symderiv.notation.tex.syntax import Cases, Name, Part, Relation, Syntax
from symderiv.notation.tex.syntax import walk as walk_syntax
from symderiv.notation.tex.tokens import Token, tokenize, without_boxes
from symderiv.notation.tex.uses import plain, subscripts
from symderiv.problem import Problem

#: Letters for the indices of whole arrays, where those that are declared do not suffice.
_SPARE_LETTERS = ("k", "l", "m", "n", "i", "j")
#: What sizes the bracket after it.
_SIZE = re.compile(r"\\(?:left|[bB]igg?l?)\s*\Z")
_LONGEST_SIZE = 12
_DISPLAYS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))


@dataclass(frozen=True)
class Chain:
    """A chain ``a = b = c``, or a lone value.

    Attributes
    ----------
    sides
        The values between the equals signs.
    conditions
        What is written after the chain: it is claimed only where these hold.
    guesses
        How something was read where another reading is possible: a sentence and its place each.
    positions
        The line and the column where each side begins, counted from 1.
    written
        Each side as it stands in the source.
    open
        The letters that were given to whole arrays: the chain holds for every place that they name.
    continues
        Whether the source begins with an equals sign; the first side stands in an earlier formula.
    inner
        Equations inside the rows of cases, each with the condition of its row.
    """

    sides: tuple[Expression, ...]
    conditions: tuple[Compare, ...] = ()
    guesses: tuple[Guess, ...] = ()
    positions: tuple[tuple[int, int], ...] = ()
    written: tuple[str, ...] = ()
    open: tuple[Index, ...] = ()
    continues: bool = False
    inner: tuple[Chain, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The sentences of the guesses."""
        return tuple(guess.message for guess in self.guesses)


@dataclass
class Parsed:
    """The syntax of one equation."""

    sides: list[Syntax]
    conditions: list[Relation]
    spans: list[tuple[int, int]]
    continues: bool

    def parts(self) -> tuple[Syntax | Relation, ...]:
        """The sides and the conditions."""
        return (*self.sides, *self.conditions)


def parse_latex(
    latex: str, problem: Problem, symbols: Mapping[str, str] | None = None, path: str = "formula"
) -> Expression:
    r"""Read one value in LaTeX, such as ``p_i (\delta_{ij} - p_j)``, in the names of `problem`.

    Parameters
    ----------
    latex
        The formula, with or without its ``$``.
    problem
        Where the names come from. Other letters get their axes from the arrays that they index.
    symbols
        Spellings that are to be read as one name: ``{r"\sigma^2": "v"}``.
    path
        A word for where the formula came from, for error messages.

    Raises
    ------
    NotationError
        If the formula is not understood in these names: with line, column and a caret.
    """
    source, found = _equations(latex, problem, path)
    if len(found) != 1 or len(found[0].sides) != 1 or found[0].conditions or found[0].continues:
        place = found[0].sides[1][0].at if found and len(found[0].sides) > 1 and found[0].sides[1] else 0
        raise source.error(place, "expected one value, found an equation or several things")
    (chain,) = _chains(source, found, Scope.of_problem(problem), symbols)
    return chain.sides[0]


def parse_latex_chain(
    latex: str, problem: Problem, symbols: Mapping[str, str] | None = None, path: str = "formula"
) -> Chain:
    """Read one chain of equations, ``a = b = c``; a lone value is a chain of one side.

    Parameters and errors as for :func:`parse_latex`; several equations are an error too.
    """
    chains = parse_latex_chains(latex, problem, symbols, path)
    if len(chains) != 1:
        source = Source(latex, path)
        raise source.error(0, f"expected one equation, found {len(chains)}")
    return chains[0]


def parse_latex_chains(
    latex: str,
    problem: Problem,
    symbols: Mapping[str, str] | None = None,
    path: str = "formula",
    macros: Mapping[str, str | None] | None = None,
) -> tuple[Chain, ...]:
    """Read every equation of a display; parameters and errors as for :func:`parse_latex`."""
    source, found = _equations(latex, problem, path, macros)
    return _chains(source, found, Scope.of_problem(problem), symbols)


def source_of(latex: str, path: str) -> Source:
    """The formula without its dollar signs, every character at its old place."""
    stripped = latex.strip()
    start = latex.find(stripped)
    for opening, closing in _DISPLAYS:
        if stripped.startswith(opening) and stripped.endswith(closing) and len(stripped) >= 2 * len(opening):
            inside = stripped[len(opening) : -len(closing)]
            if "$" in inside:
                break
            latex = latex[:start] + " " * len(opening) + inside + " " * len(closing)
            break
    source = Source(latex, path)
    if not latex.strip():
        raise source.error(0, "expected a formula, found nothing")
    return source


def _equations(
    latex: str, problem: Problem, path: str, macros: Mapping[str, str | None] | None = None
) -> tuple[Source, list[Equation]]:
    source = source_of(latex, path)
    arrays = {given.name for given in problem.inputs if given.label_of is None}
    arrays |= {each.name for each in problem.definitions} | set(problem.axes)
    tokens = without_boxes(tokenize(source, macros))
    return source, equations(source, tokens, lambda token: token.text not in arrays)


def parse(source: Source, found: Sequence[Equation], scope: Scope, shared: Shared) -> list[Parsed]:
    """The syntax of equations."""
    parsed = []
    for equation in found:
        shared.given = frozenset()
        sides = []
        for number, side in enumerate(equation.sides):
            if not side:
                where = _near(source.text, equation.sides, number)
                raise source.error(where, "expected a value on this side of the equals sign, found nothing")
            sides.append(Parser(side, shared).value())
            if number == 0:
                letters = (unit for unit in subscripts(sides[0]) if isinstance(unit, Name))
                shared.given = frozenset(plain(unit) for unit in letters)
        shared.given = frozenset()
        conditions = [
            relation for each in equation.conditions for relation in _conditions(each, shared, scope)
        ]
        spans = [(side[0].at, side[-1].end) for side in equation.sides]
        parsed.append(Parsed(sides, conditions, spans, equation.continues))
    return parsed


def _near(text: str, sides: Sequence[Sequence[Token]], number: int) -> int:
    """The place of an empty side: after the equals sign before it, or at the one after it."""
    before = sides[number - 1] if number else ()
    sign = text.find("=", before[-1].end if before else 0)
    return sign + (1 if number else 0)


def _conditions(tokens: list[Token], shared: Shared, scope: Scope) -> list[Relation]:
    """The condition after a chain; ``for all k`` says nothing that is not so anyway."""
    if tokens[0].is_command("forall") or tokens[0].text in ("for all", "for"):
        rest = tokens[1:]
        if not any(token.kind == "rel" for token in rest) or any(token.text == "in" for token in rest):
            return []
        tokens = rest
    sets = [place for place, token in enumerate(tokens) if token.kind == "rel"]
    if len(sets) == 1 and [token.text for token in tokens[sets[0] : sets[0] + 2]] in (
        ["in", "mathbb"],
        ["in", "mathcal"],
    ):
        return []  # x \in \mathbb R^n says what kind of thing x is
    if tokens[0].kind == "word" or (tokens[0].text == "i" and tokens[1].text == "f" and tokens[1].glued):
        tokens = tokens[1 if tokens[0].kind == "word" else 2 :]
    return [Parser(tokens, shared).condition()]


def vocabulary(scope: Scope, symbols: Mapping[str, str] | None) -> Vocabulary:
    """What the parser must know of the names."""
    spellings = []
    for spelling, name in (symbols or {}).items():
        tokens = tokenize(Source(spelling, "symbol"))
        signs = tuple((token.kind, token.text) for token in tokens if token.kind not in ("{", "}", "stop"))
        spellings.append((signs, name))
    spellings.sort(key=lambda each: -len(each[0]))
    return Vocabulary(
        scope.declared(),
        tuple(spellings),
        scope.calls,
        steps=scope.steps,
        matrices=scope.matrices(),
        sizes=frozenset(scope.axes) - scope.arrays.keys(),
        wide=scope.wide,
    )


def _chains(
    source: Source, found: Sequence[Equation], scope: Scope, symbols: Mapping[str, str] | None
) -> tuple[Chain, ...]:
    chains = []
    for equation in found:
        words = vocabulary(scope, symbols)
        policy = "pi_" in scope.arrays and is_of_policy(equation)
        shared = Shared(source, replace(words, policy=policy))
        (parsed,) = parse(source, [equation], scope, shared)
        chains.append(chain_of(source, parsed, scope, shared.notes))
    return tuple(chains)


def chain_of(
    source: Source,
    parsed: Parsed,
    scope: Scope,
    notes: dict[str, int],
    *,
    define: Callable[[Reader, Part, Value], str] | None = None,
    letters: Sequence[Mapping[str, str]] | None = None,
) -> Chain:
    """The meaning of one equation.

    `define` gives a matrix without a name one, if that may be done. `letters` are the axes of the letters
    in each side and condition, where they are known: a letter may be summed over another axis in each.
    """
    reader = Reader(scope, source, notes)
    if define is not None:
        reader.define = partial(define, reader)
    declared = dict(scope.letters)
    for part in parsed.parts():
        reader.infer_letters(part)
    try:
        common = scope.letters
        places = letters or [{}] * len(parsed.parts())
        values: list[Value] = []
        for side, own in zip(parsed.sides, places, strict=False):
            scope.letters = {**common, **own}
            beside = bool(values) and len(values[0].open) == 1 and not values[0].row
            values.append(reader.vector(side) if beside else reader.value(side))
        scope.letters = common
        conditions = tuple(reader.compare(condition) for condition in parsed.conditions)
        inner = tuple(_inner(source, parsed, reader, notes))
        sides, open_letters = _sides(reader, parsed, values)
        sides = tuple(reader.settled(side, where) for side, where in zip(sides, parsed.sides, strict=True))
    finally:
        scope.letters = declared
    for entry in sides:
        _note_letters(entry, notes)
    return Chain(
        sides,
        conditions,
        guesses_of(source, notes),
        tuple(_position(source, begin) for begin, _ in parsed.spans),
        tuple(source.text[_sized(source.text, begin) : end] for begin, end in parsed.spans),
        open_letters,
        parsed.continues,
        inner,
    )


def _sized(text: str, begin: int) -> int:
    r"""Where the ``\left`` stands that belongs to a bracket; the bracket's own place where there is none."""
    found = _SIZE.search(text, max(0, begin - _LONGEST_SIZE), begin)
    return found.start() if found is not None else begin


def _sides(
    reader: Reader, parsed: Parsed, values: list[Value]
) -> tuple[tuple[Expression, ...], tuple[Index, ...]]:
    shaped = next((value for value in values if value.open), None)
    values = [
        reader.sized(value, shaped, side) if value.kind else value
        for side, value in zip(parsed.sides, values, strict=True)
    ]
    for side, value in zip(parsed.sides, values, strict=True):
        if shaped is not None and value.open and value.axes != shaped.axes:
            raise reader.misshapen(side, f"{value.shape} cannot equal {shaped.shape}")
        if shaped is not None and value.open and value.row != shaped.row:
            reader.note(side, f"{value.shape} equals {shaped.shape} where their entries are equal")
        if shaped is not None and not value.open and len(values) > 1:
            reader.note(side, f"a number that equals {shaped.shape} is each of its entries")
    entries, letters = named(values, letters_for(reader.scope))
    return tuple(entries), letters


def letters_for(scope: Scope) -> Callable[[str], list[str]]:
    """The letters that the indices of whole arrays are given, by axis: declared ones, then spare ones."""
    spare = [name for name in _SPARE_LETTERS if not scope.declares(name)]
    return lambda axis: [*(name for name, own in scope.letters.items() if own == axis), *spare]


def _inner(source: Source, parsed: Parsed, reader: Reader, notes: dict[str, int]) -> list[Chain]:
    """The equations inside the rows of cases."""
    found = []
    for side in parsed.sides:
        for part in walk_syntax(side):
            if not isinstance(part, Cases):
                continue
            for row in part.rows:
                if len(row.sides) < 2:
                    continue
                entries, _ = named([reader.value(each) for each in row.sides], letters_for(reader.scope))
                values = tuple(
                    reader.settled(each, where) for each, where in zip(entries, row.sides, strict=True)
                )
                conditions = () if row.condition is None else (reader.compare(row.condition),)
                positions = tuple(_position(source, each.at) for each in row.sides)
                found.append(Chain(values, conditions, (), positions))
    return found


def _note_letters(side: Expression, notes: dict[str, int]) -> None:
    """Say it where a letter is both summed and free: its sum may be meant to reach further."""
    from symderiv.expression.nodes import Extremum, Product, Sum

    free = set(free_indices(side))
    for _, part in walk(side):
        if isinstance(part, Sum | Product | Extremum) and part.index in free:
            letter = part.index.name
            notes.setdefault(
                f"{letter} is summed in one place and free in another: these are two different letters",
                0,
            )


def _position(source: Source, offset: int) -> tuple[int, int]:
    error: NotationError = source.error(offset, "")
    return error.line, error.column
