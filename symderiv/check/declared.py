"""What the directives of a document declare, sorted by what is done with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from symderiv import catalog
from symderiv.check.directives import ROLES, Directive
from symderiv.check.document import Document
from symderiv.check.spelling import definition_in_latex, name_in_latex, value_in_latex
from symderiv.expression.nodes import Index
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex.spelled import spelled_name
from symderiv.notation.text import to_text
from symderiv.problem import Function, Input, Problem, Upstream, axis_of_size

#: Ends the line of one formula.
LINE = " \\\\ "
_ARRAY = re.compile(r"\s*(?P<name>.+?)\s*(?:\[(?P<axes>[^\[\]]*)\])?\s*")
_CALL = re.compile(r"\s*(?P<name>[^()]+?)\s*\((?P<argument>.+)\)\s*")
_SQUARE = re.compile(r"(\\?[A-Za-z]+)\s*\^\s*(?:2|\{2\})")
_LIKE = re.compile(r"\s*(?P<name>\w+)\s*\((?P<arguments>[^()]*)\)\s*as\s+(?P<result>\S+)\s*")


@dataclass
class Said:
    """What the directives say.

    Attributes
    ----------
    lets
        Definitions in LaTeX, to be read before the displays, each with the place of its directive.
    symbols
        Spellings that are one name.
    roles
        The role of a display, by its number.
    letters, inputs, upstream
        What is declared.
    row
        Arrays that stand as rows in matrix notation.
    fixed
        Names that are held constant.
    assumptions
        The ``assume`` lines: they are read when all names are known.
    einstein
        Whether an index that occurs twice in a product is summed.
    functions
        Functions of which nothing is known.
    lefts
        For a display without a left side, where a directive gives it one, and that in LaTeX.
    """

    lets: list[tuple[str, int]] = field(default_factory=list)
    symbols: dict[str, str] = field(default_factory=dict)
    roles: dict[int, str] = field(default_factory=dict)
    letters: list[Index] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    upstream: list[Upstream] = field(default_factory=list)
    row: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    assumptions: list[Directive] = field(default_factory=list)
    einstein: bool = False
    wide: bool = False
    functions: list[Function] = field(default_factory=list)
    lefts: dict[int, tuple[int, str]] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The definitions of the directives, a line each."""
        return "".join(latex + LINE for latex, _ in self.lets)

    def let_at(self, offset: int) -> tuple[str, int]:
        """The definition that holds the character at `offset` of the prefix."""
        for each in self.lets:
            offset -= len(each[0]) + len(LINE)
            if offset < 0:
                return each
        return self.lets[-1]

    def problem(self, name: str) -> Problem:
        """A problem with everything that is declared and nothing that is defined."""
        return Problem(
            name,
            letters=tuple(self.letters),
            inputs=tuple(self.inputs),
            upstream=tuple(self.upstream),
            functions=tuple(self.functions),
        )


def said_by(document: Document, directives: Sequence[Directive]) -> tuple[Said, list[NotationError]]:
    """What directives say, and an error at each that is not understood."""
    said = Said()
    errors: list[NotationError] = []
    for each in directives:
        try:
            if each.keyword in ROLES:
                following = next((b.number for b in document.blocks if b.number and b.begin > each.begin), 0)
                said.roles[following] = each.keyword
                if each.keyword == "claim" and each.text:
                    said.lefts[following] = (each.begin, _left_of_next(each))
            else:
                _MEANING[each.keyword](said, each)
        except NotationError as error:
            errors.append(document.error(each.begin + error.column - 1, error.message))
    _add_roots(said, document)
    return said, errors


def _add_roots(said: Said, document: Document) -> None:
    r"""What \sigma is beside a \sigma^2 that is one name, where formulas speak of it too: its root."""
    formulas = "\n".join(document.text[each.begin : each.end] for each in document.blocks if each.number)
    for spelled, name in said.symbols.items():
        match = _SQUARE.fullmatch(spelled)
        if match is None:
            continue
        base = rf"{re.escape(match[1])}(?![A-Za-z])"
        alone = re.search(rf"{base}(?!\s*\^\s*(?:2|\{{2\}}))", formulas)
        if alone is not None and re.search(rf"{base}\s*&?\s*=", formulas) is None:
            said.lets.append((rf"{match[1]} = \sqrt{{{name_in_latex(name)}}}", 0))


def _left_of_next(each: Directive) -> str:
    """The left side that ``claim d(f, x) = next`` gives the next display, in LaTeX."""
    left, equals, following = each.text.rpartition("=")
    if not equals or following.strip() != "next":
        raise _error(each, "expected a left side and next, as in: claim d(f, x) = next")
    return value_in_latex(Source(left, "directive"), 0, left)


def _error(each: Directive, message: str, column: int = 1) -> NotationError:
    return NotationError(message, "directive", 1, column, each.text)


def _let(said: Said, each: Directive) -> None:
    try:
        definition = definition_in_latex(Source(each.text, "directive"), 0, each.text)
    except NotationError:
        if "\\" not in each.text.partition("=")[2]:
            raise
        definition = " ".join(each.text.split())  # written in LaTeX, as the displays are
    said.lets.append((definition, each.begin))


def _symbol(said: Said, each: Directive) -> None:
    spelled, _, name = each.text.rpartition(" as ")
    if not spelled.strip():
        raise _error(each, r"expected a spelling and a name, as in: symbol \sigma^2 as v")
    said.symbols[spelled.strip()] = name.strip()


def _assume(said: Said, each: Directive) -> None:
    said.assumptions.append(each)


def _index(said: Said, each: Directive) -> None:
    letters, colon, axis = each.text.partition(":")
    if not colon:
        raise _error(each, "expected letters and their axis, as in: index i, j : K")
    said.letters += [Index(spelled_name(letter), spelled_name(axis)) for letter in letters.split(",")]


def _input(said: Said, each: Directive) -> None:
    for piece in _pieces(each.text):
        match = _ARRAY.fullmatch(piece)
        if match is None:
            raise _error(each, "expected arrays with their axes, as in: input X[N, D], t[K]")
        axes = _axes(match["axes"]) if match["axes"] else ()
        said.inputs.append(Input(_named(said, match["name"]), axes))


def _axes(text: str) -> tuple[str, ...]:
    """The axes of an array: names of sizes, and sizes such as 3, whose axis is called size_3."""
    return tuple(
        axis_of_size(int(axis)) if axis.strip().isdecimal() and int(axis) > 0 else spelled_name(axis)
        for axis in text.split(",")
    )


def _named(said: Said, spelled: str) -> str:
    """The name that is spelled; a spelling that holds more than letters is that name wherever it stands."""
    known = said.symbols.get(spelled.strip())
    if known:
        return known
    name = spelled_name(spelled)
    if re.search(r"[\\^{}]", spelled):
        said.symbols.setdefault(spelled.strip(), name)
    return name


def _label(said: Said, each: Directive) -> None:
    arrays, colon, axis = each.text.rpartition(":")
    if not colon:
        raise _error(each, "expected labels and the axis they are places on, as in: label y[N] : K")
    for piece in _pieces(arrays):
        match = _ARRAY.fullmatch(piece)
        if match is None:
            raise _error(each, "expected labels and the axis they are places on, as in: label y[N] : K")
        axes = _axes(match["axes"]) if match["axes"] else ()
        said.inputs.append(Input(_named(said, match["name"]), axes, spelled_name(axis)))


def _upstream(said: Said, each: Directive) -> None:
    match = _CALL.fullmatch(each.text)
    if match is None:
        raise _error(each, "expected a function and its array, as in: upstream L(y)")
    said.upstream.append(Upstream(_named(said, match["name"]), _named(said, match["argument"])))


def _like(said: Said, each: Directive) -> None:
    match = _LIKE.fullmatch(each.text)
    if match is None:
        raise _error(each, "expected a definition of the catalogue, as in: like softmax(z) as p")
    try:
        problem = catalog.load(match["name"])
    except catalog.UnknownProblemError as error:
        raise _error(each, str(error)) from None
    given = [spelled_name(argument) for argument in match["arguments"].split(",")]
    if len(given) != len(problem.inputs):
        wanted = ", ".join(each.name for each in problem.inputs)
        raise _error(each, f"{match['name']} is made of {wanted}: give a name for each")
    names = dict(zip((each.name for each in problem.inputs), given, strict=True))
    names[problem.output()] = spelled_name(match["result"])
    for definition in problem.definitions:
        letters = ", ".join(index.name for index in definition.indices)
        left = f"{definition.name}[{letters}]" if letters else definition.name
        text = _renamed(f"{left} = {to_text(definition.body)}", names)
        said.lets.append((definition_in_latex(Source(text, "directive"), 0, text), each.begin))


def _renamed(text: str, names: dict[str, str]) -> str:
    return re.sub(r"[A-Za-z_]\w*", lambda match: names.get(match[0], match[0]), text, flags=re.ASCII)


def _row(said: Said, each: Directive) -> None:
    said.row |= {spelled_name(name) for name in _pieces(each.text)}


def _column(said: Said, each: Directive) -> None:
    said.row -= {spelled_name(name) for name in _pieces(each.text)}


def _fixed(said: Said, each: Directive) -> None:
    said.fixed |= {spelled_name(name) for name in _pieces(each.text)}


def _einstein(said: Said, each: Directive) -> None:
    said.einstein = True


def _function(said: Said, each: Directive) -> None:
    for name in _pieces(each.text):
        call = _CALL.fullmatch(name)
        said.functions.append(Function(_named(said, call["name"] if call else name), 0))


def _depends(said: Said, each: Directive) -> None:
    names, on, variable = each.text.rpartition(" on ")
    if not on or len(list(_pieces(variable))) != 1:
        raise _error(each, "expected names and the one that they depend on, as in: depends E, Z on theta")
    of = _named(said, variable)
    said.upstream += [Upstream(_named(said, name), of) for name in _pieces(names)]


def _pieces(text: str) -> Iterator[str]:
    """The parts between the commas that stand outside brackets."""
    depth, start = 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "[({") - (letter in "])}")
        if letter == "," and depth == 0:
            yield text[start:place]
            start = place + 1
    if text[start:].strip():
        yield text[start:]


_MEANING: dict[str, Callable[[Said, Directive], None]] = {
    "let": _let,
    "symbol": _symbol,
    "assume": _assume,
    "index": _index,
    "input": _input,
    "label": _label,
    "upstream": _upstream,
    "like": _like,
    "row": _row,
    "column": _column,
    "fixed": _fixed,
    "einstein": _einstein,
    "function": _function,
    "depends": _depends,
}
