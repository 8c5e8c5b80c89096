r"""Sums with their bounds, maxima, and cases."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from symderiv.notation.tex.cursor import split
from symderiv.notation.tex.name_parser import NameParser
from symderiv.notation.tex.syntax import (
    Applied,
    Bound,
    Bracket,
    Case,
    Cases,
    Name,
    Ranging,
    Relation,
    Syntax,
)
from symderiv.notation.tex.tokens import Nesting, Token, matching
from symderiv.notation.tex.uses import subscripts

_CONDITION_WORDS = ("if", "for", "when", "where", "and", "with")
_REST_WORDS = ("otherwise", "else", "o.w.", "elsewhere")


class SumParser(NameParser):
    """Reads sums and cases; what they hold is read by the parsers built on this one."""

    @abstractmethod
    def value(self) -> Syntax:
        """Everything that is left, as one value."""

    @abstractmethod
    def expression(self) -> Syntax:
        """Terms with signs between them."""

    @abstractmethod
    def term(self) -> Syntax:
        """Factors side by side or with signs between them."""

    @abstractmethod
    def factor(self) -> Syntax:
        """Something with its powers and subscripts."""

    @abstractmethod
    def atom(self) -> Syntax:
        """Something that is one thing by itself."""

    @abstractmethod
    def reach(self) -> Syntax:
        """What a sum sign or an operator reaches."""

    @abstractmethod
    def group(self) -> Syntax:
        """What stands in braces."""

    @abstractmethod
    def condition(self) -> Relation:
        """Everything that is left, as one condition."""

    @abstractmethod
    def sub(self, tokens: Sequence[Token]) -> SumParser:
        """A parser of some of the tokens, for the same formula."""

    # --- sums ----------------------------------------------------------------------------------

    def bound_sum(self, kind: str, at: int) -> Syntax:
        """A sum or product sign with its letters, its bounds and what it reaches."""
        below, above = self._limits()
        if below is None:
            return self._over_the_only_letter(kind, at)
        return Bound(at, kind, self._over(below, above), self.reach())

    def _over_the_only_letter(self, kind: str, at: int) -> Syntax:
        """A sum sign without index: over the only letter that stands in subscripts of what it reaches."""
        word = "sum" if kind == "sum" else "product"
        body = self.reach() if self.token.kind != "stop" else None
        units = subscripts(body) if body is not None else ()
        letters = {
            unit.names[0]: unit
            for unit in units
            if isinstance(unit, Name) and not unit.word and len(unit.names[0]) == 1
        }
        if len(letters) > 1:  # those on the left of the equation are given
            letters = {letter: unit for letter, unit in letters.items() if letter not in self.shared.given}
        if body is None or len(letters) != 1:
            raise self.error(at, f"over which index is this {word}? write \\{kind}_k")
        ((letter, unit),) = letters.items()
        self.note(at, f"this {word} has no index: it is read as one over {letter}")
        return Bound(at, kind, (Ranging(at, replace(unit, at=at)),), body)

    def extremum(self, kind: str, at: int) -> Syntax:
        """A maximum of values in brackets, or one over an index."""
        below, above = self._limits()
        if below is not None:
            return Bound(at, kind, self._over(below, above), self.reach())
        if self.token.kind != "open":
            raise self.unexpected(f"\\{kind}_k or \\{kind}(a, b)")
        bracket = self.atom()
        return Applied(at, kind, bracket.parts if isinstance(bracket, Bracket) else (bracket,))

    def _limits(self) -> tuple[list[Token] | None, list[Token] | None]:
        below: list[Token] | None = None
        above: list[Token] | None = None
        while self.token.kind in ("_", "^"):
            token = self.next()
            inside = self.argument("a bound")
            if token.kind == "_" and below is None:
                below = inside
            elif token.kind == "^" and above is None:
                above = inside
            else:
                raise self.error(token, "a second bound on the same side")
        return below, above

    def _over(self, below: list[Token], above: list[Token] | None) -> tuple[Ranging, ...]:
        if below[0].is_command("substack"):
            below = below[2:-1]
        last = self.sub(above).value() if above is not None else None
        found: list[Ranging] = []
        for chunk in split(below, (",",)):
            for ranging in self._rangings(chunk, below[0], last):
                same = next(
                    (
                        place
                        for place, other in enumerate(found)
                        if other.letter.names == ranging.letter.names
                    ),
                    -1,
                )
                if same < 0:
                    found.append(ranging)
                elif found[same].condition is None and ranging.condition is not None:
                    old = found[same]
                    found[same] = Ranging(old.at, old.letter, old.first, old.last, ranging.condition)
                else:
                    raise self.error(ranging.at, f"the index {ranging.letter.names[0]} stands here twice")
        first = found[-1].first
        if last is not None and len(found) > 1 and any(each.first is None for each in found):
            alone = any(each.first is not None or each.condition is not None for each in found[:-1])
            if alone or first is None:
                raise self.error(last.at, "one upper bound for several indices: write a sum for each")
            self.note(last.at, "both bounds are read as those of each index under the sum sign")
            found = [replace(each, first=first) for each in found]
        return tuple(found)

    def _rangings(self, tokens: list[Token], where: Token, last: Syntax | None) -> list[Ranging]:
        if not tokens:
            raise self.error(where, "expected an index letter, found nothing")
        parser = self.sub(tokens)
        if parser.token.kind == "number":
            return [self._between(parser)]
        letters: list[Name] = []
        while parser.starts_name():
            letters.append(parser.name())
        if not letters:
            raise parser.unexpected("an index letter")
        if parser.at_end:
            return [Ranging(letter.at, letter, None, last) for letter in letters]
        if len(letters) > 1:
            raise parser.unexpected("a comma")
        letter, token = letters[0], parser.token
        if token.kind in (":", "bar") or token.is_command("mid"):
            parser.next()
            return [Ranging(letter.at, letter, None, last, parser.condition())]
        if token.kind == "rel" and token.text == "=":
            parser.next()
            return [Ranging(letter.at, letter, parser.value(), last)]
        # The letter comes first; the condition is read again with it.
        return [Ranging(letter.at, letter, None, last, self.sub(tokens).condition())]

    def _between(self, parser: SumParser) -> Ranging:
        r"""``1 \leq k \leq K``."""
        first = parser.factor()
        parser.expect("rel", "<=", "≤ and an index letter")
        letter = parser.name()
        parser.expect("rel", "<=", "≤ and an upper bound")
        return Ranging(letter.at, letter, first, parser.value())

    # --- cases ---------------------------------------------------------------------------------

    def table(self) -> Syntax:
        """The environment that stands here: cases, or what is not supported."""
        token = self.token
        end = matching(self.tokens, self.place)
        if token.text not in ("cases", "dcases", "array"):
            raise self.error(token, f"{token.text} is not supported yet: write its entries with indices")
        if token.text == "array" and not (self.place and self.tokens[self.place - 1].text == "\\{"):
            raise self.error(token, "array is understood as cases only, after \\left\\{")
        rows = [row for row in split(self.tokens[self.place + 1 : end], ("newline",)) if row]
        self.place = end + 1
        if not rows:
            raise self.error(token, "expected rows in these cases, found none")
        found = tuple(self._row(row) for row in rows)
        if token.text == "array" and self.token.kind == "close":
            return Cases(token.at, found)
        return Cases(token.at, found)

    def _row(self, tokens: list[Token]) -> Case:
        value, condition = self._row_parts(tokens)
        value = _without_punctuation(value)
        condition = _without_punctuation([token for token in condition if token.kind not in ("quad", "&")])
        if not value:
            raise self.error(tokens[0], "expected a value in this row, found nothing")
        sides = tuple(self.sub(side).value() for side in _sides(value))
        return Case(tokens[0].at, sides, self._row_condition(condition))

    def _row_parts(self, tokens: list[Token]) -> tuple[list[Token], list[Token]]:
        """The value and the condition of a row: cut at a column sign, a word, a wide space or a comma."""
        cells = [cell for cell in split(tokens, ("&",)) if cell]
        if len(cells) == 2:
            return cells[0], cells[1]
        if len(cells) > 2:
            return cells[0], [token for cell in cells[1:] for token in cell]
        row = cells[0] if cells else tokens
        for kinds in (("word",), ("quad",), (",",)):
            nesting = Nesting()
            for place, token in enumerate(row):
                depth = nesting.after(token)
                cuts = token.kind in kinds and (
                    token.kind != "word" or token.text.split()[0] in (*_CONDITION_WORDS, *_REST_WORDS)
                )
                if depth == 0 and place and cuts:
                    return row[:place], row[place:] if token.kind == "word" else row[place + 1 :]
        return row, []

    def _row_condition(self, tokens: list[Token]) -> Relation | None:
        if not tokens:
            return None
        first = tokens[0]
        letters = "".join(token.text for token in tokens[:9] if token.kind == "letter")
        if (first.kind == "word" and first.text.split()[0] in _REST_WORDS) or letters in _REST_WORDS:
            return None
        if first.kind == "word" and first.text in _CONDITION_WORDS:
            tokens = tokens[1:]
        elif (
            len(tokens) > 2
            and first.text == "i"
            and tokens[1].text == "f"
            and tokens[1].glued
            and tokens[2].kind != "rel"
        ):
            tokens = tokens[2:]
        if not tokens:
            raise self.error(first, "expected a condition, found nothing")
        return self.sub(_without_punctuation(tokens)).condition()


def _without_punctuation(tokens: list[Token]) -> list[Token]:
    while tokens and (tokens[-1].kind in (",", ";", "quad", "newline", "&") or tokens[-1].is_op(".")):
        tokens = tokens[:-1]
    return tokens


def _sides(tokens: list[Token]) -> list[list[Token]]:
    sides: list[list[Token]] = [[]]
    nesting = Nesting()
    for token in tokens:
        if not nesting.after(token) and token.kind == "rel" and token.text == "=":
            sides.append([])
        else:
            sides[-1].append(token)
    return sides
