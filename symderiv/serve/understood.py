"""What a typed text is: a document, or formulas with what is asked of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from symderiv.check.document import Document
from symderiv.check.sources import read_text
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Definition, Derivative, Entry, Expression
from symderiv.notation.errors import NotationError
from symderiv.notation.reader import read_problem
from symderiv.notation.text import to_text
from symderiv.notation.typed import Said, Typed, is_latex, not_depending, read_typed, with_spare_letters
from symderiv.problem import Expectation, Problem
from symderiv.request import asking, known_names
from symderiv.serve.limits import MAX_TEXT

#: What a value without a name is called: the first that is free.
_NAMES = ("f", "g", "h", "F", "G", "H", "value")
#: What is left of a text beside its mathematics is a sentence if it holds a word.
_WORD = re.compile(r"[^\W\d_]{2,}")
_DELIMITERS = ("$", r"\[", r"\(")
_COMMAND = re.compile(r"\\(?:begin|end)\{\w+\*?\}|\\[A-Za-z]+")
_DECLARES_INPUT = re.compile(r"^\s*(input|label)\s+[A-Za-z_]", re.MULTILINE)
#: What is said of names between lines of LaTeX, in the words of problem files.
_SAYS = re.compile(r"^[ \t]*(index|input|label|function|assume)[ \t]+(\S.*)$", re.MULTILINE)


class AskedError(ValueError):
    """A text of which nothing can be asked; the message is one sentence, `text` the part it is about."""

    def __init__(self, message: str, text: str = "") -> None:
        super().__init__(message)
        self.text = text


@dataclass(frozen=True)
class Formulas:
    """Formulas that were understood.

    Attributes
    ----------
    typed
        The statements, their names, and what was guessed.
    problem
        The same as a problem, with the derivatives that are asked for.
    derives
        Whether there is something to derive and to emit.
    named
        What was given a name: pairs of a name and its value in text notation.
    """

    typed: Typed
    problem: Problem
    derives: bool
    named: tuple[tuple[str, str], ...] = ()


def understood(text: str) -> Formulas | Document:
    """What a text is.

    Raises
    ------
    symderiv.notation.errors.NotationError
        If it is a formula that is not understood.
    AskedError
        If it asks for nothing.
    """
    if not text.strip():
        raise AskedError("expected a formula, a problem or a derivation, found nothing; take an example")
    if len(text) > MAX_TEXT:
        raise AskedError(
            f"expected at most {MAX_TEXT} characters, found {len(text)}; give longer texts to symderiv check"
        )
    document = read_text(text, "text")
    if _is_written(document):
        return document
    typed = _typed(text)
    if lacking := not_depending(typed):
        raise AskedError(lacking)
    return _asked(typed)


def _typed(text: str) -> Typed:
    """A problem file, or formulas; between lines of LaTeX, names may be declared as in a problem file."""
    wrong: NotationError | None = None
    if _DECLARES_INPUT.search(text):
        try:
            return Typed(read_problem(text, "formula"), ())
        except NotationError as error:
            wrong = error
    if is_latex(text):
        return _typed_latex(text)
    try:
        return read_typed(text)
    except NotationError as error:
        raise wrong or error from None


def _typed_latex(text: str) -> Typed:
    said: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    for match in _SAYS.finditer(text):
        said.setdefault(match[1], []).append(match[2])
        lines.setdefault(f"--{match[1]}", text.count("\n", 0, match.start()) + 1)
    declared = Said(
        said.get("index", ()), said.get("input", ()), said.get("label", ()), (), said.get("assume", ()),
        said.get("function", ()),
    )  # fmt: skip
    try:
        return read_typed(_SAYS.sub("", text), None, declared, True)
    except NotationError as error:
        if error.path not in lines:
            raise
        line = lines[error.path]
        raise NotationError(error.message, "formula", line, 1, text.split("\n")[line - 1]) from None


def assumed_in(text: str) -> list[str]:
    """The equations of the lines ``assume ...`` of a document."""
    return [match[2] for match in _SAYS.finditer(text) if match[1] == "assume" and "==" in match[2]]


def _is_written(document: Document) -> bool:
    """Whether a text is a document: words stand beside its mathematics, or several delimited displays do."""
    maths = [each for each in document.blocks if each.kind in ("display", "inline")]
    if not maths:
        return False
    if sum(document.text[: each.begin].endswith(_DELIMITERS) for each in maths) > 1:
        return True
    pieces, last = [], 0
    for each in maths:
        pieces.append(document.text[last : each.begin])
        last = each.end
    beside = _SAYS.sub("", "\n".join([*pieces, document.text[last:]]))
    return _WORD.search(_COMMAND.sub(" ", beside)) is not None


def _asked(typed: Typed) -> Formulas:
    """The formulas with the derivatives that they speak of; without any, those by the inputs."""
    problem, named = typed.problem, []
    claims = any(each.claims() for each in typed.statements)
    claims = claims or any(each.form is not None for each in problem.expectations)
    for statement in typed.statements:
        if statement.defines:
            continue
        left = statement.sides[0]
        if len(statement.sides) > 1 and not isinstance(left, Derivative):
            continue
        value = left.of if isinstance(left, Derivative) else left
        if not isinstance(value, Entry):
            problem, value = _with_name(problem, value)
            named.append((value.array, to_text(problem.definitions[-1].body)))
        elif not isinstance(left, Derivative):
            continue
        if isinstance(left, Derivative):
            asked = Expectation(Derivative(value, left.by))
            problem = replace(problem, expectations=(*problem.expectations, asked))
    if typed.statements:  # else it is a problem file, whose letters are its own
        problem = replace(problem, letters=with_spare_letters(problem))
    derives = bool(problem.definitions) and (bool(problem.expectations) or not claims)
    if derives:
        problem = asking(problem)
    if not (claims or (derives and problem.expectations)):
        raise AskedError(
            "expected a definition such as f = ..., a derivative or an equation to prove, "
            "found nothing that depends on anything"
        )
    return Formulas(typed, problem, derives, tuple(named))


def _with_name(problem: Problem, value: Expression) -> tuple[Problem, Entry]:
    """The problem in which a value has a name."""
    taken = {*known_names(problem), *problem.axes, *(index.name for index in problem.letters)}
    name = next(each for each in (*_NAMES, *(f"value_{place}" for place in range(100))) if each not in taken)
    letters = free_indices(value)
    definition = Definition(name, letters, value)
    return replace(problem, definitions=(*problem.definitions, definition)), Entry(name, letters)
