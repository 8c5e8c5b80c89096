r"""What has a layout of its own: fractions, derivatives, roots, sums with bounds, cases."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from symderiv.notation.tex.cursor import Cursor, shown, split
from symderiv.notation.tex.name_parser import NameParser
from symderiv.notation.tex.syntax import (
    Applied,
    Bound,
    Bracket,
    Called,
    Case,
    Cases,
    Differentiated,
    Name,
    Numeral,
    Raised,
    Ranging,
    Ratio,
    Relation,
    Root,
    Syntax,
    Terms,
)
from symderiv.notation.tex.tokens import Token, closes, matching, opens

_CONDITION_WORDS = ("if", "for", "when", "where", "and", "with")
_REST_WORDS = ("otherwise", "else", "o.w.", "elsewhere")
#: Derivatives of a higher order than this are not written out by people.
_MAX_ORDER = 6


class ConstructParser(NameParser):
    """Reads what a command or an environment lays out."""

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
    def sub(self, tokens: Sequence[Token]) -> ConstructParser:
        """A parser of some of the tokens, for the same formula."""

    def construct(self) -> Syntax:
        """What begins with the command that stands here."""
        token = self.next()
        match token.text:
            case "frac":
                return self._fraction(token)
            case "sqrt":
                return self._root(token)
            case "partial":
                return self._partial(token)
            case "nabla":
                return self._nabla(token)
            case "pdv" | "dv":
                return self._pdv(token)
            case "boxed":
                return Bracket(token.at, "{", (self.sub(self.argument("a value")).group(),))
            case "underbrace" | "overbrace":
                inside = self.argument("a value")
                while self.token.kind in ("_", "^"):
                    self.next()
                    self.argument("a caption")
                return Bracket(token.at, "{", (self.sub(inside).group(),))
            case "dots" | "ldots" | "cdots":
                raise self.error(token, "dots leave open what is meant: write a sum over an index")
            case "binom" | "choose" | "det" | "infty":
                raise self.error(token, f"{shown(token)} is not supported yet")
            case _:
                raise self.error(token, f"expected a value, found {shown(token)}")

    # --- fractions and derivatives -------------------------------------------------------------

    def _fraction(self, token: Token) -> Syntax:
        above = self.argument("what stands above the line")
        below = self.argument("what stands below the line")
        kind = self._differential(above, below)
        if not kind:
            return Ratio(token.at, self.sub(above).group(), self.sub(below).group())
        order, rest = self._order(above)
        by = self._variables(kind, below, order)
        if rest:
            return Differentiated(token.at, self._differentiated(rest), by)
        return self._operator(token, by)

    def _differential(self, above: Sequence[Token], below: Sequence[Token]) -> str:
        r"""How the sides of a fraction begin that is a derivative: with ``\partial``, ``d`` or ``\delta``."""
        first, second = above[0], below[0]
        if first.is_command("partial") or second.is_command("partial"):
            if first.is_command("partial") and second.is_command("partial"):
                return "partial"
            wrong = second if first.is_command("partial") else first
            raise self.error(wrong, rf"expected \partial above and below the line, found {shown(wrong)}")
        for kind in ("d", "delta"):
            if kind in self.shared.vocabulary.names:
                continue
            matches = [
                (each.text == kind and each.kind in ("letter", "word", "command")) for each in (first, second)
            ]
            if (
                all(matches)
                and len(below) > 1
                and below[1].kind != "_"
                and (len(above) == 1 or above[1].kind != "_")
            ):
                if kind == "delta":
                    self.note(first.at, r"a fraction with \delta above and below is read as a derivative")
                return kind
        return ""

    def _order(self, above: Sequence[Token]) -> tuple[int, list[Token]]:
        r"""The order that ``\partial^2`` says, and what follows it."""
        cursor = Cursor(above, self.shared)
        cursor.next()
        order = 1
        if cursor.token.kind == "^":
            cursor.next()
            inside = cursor.argument("the order of the derivative")
            if len(inside) != 1 or inside[0].kind != "number" or not inside[0].text.isdecimal():
                raise self.error(inside[0], f"expected the order of the derivative, found {shown(inside[0])}")
            order = int(inside[0].text) if len(inside[0].text) < 3 else _MAX_ORDER + 1
            if not 1 <= order <= _MAX_ORDER:
                raise self.error(
                    inside[0], f"expected an order of 1 to {_MAX_ORDER}, found {shown(inside[0])}"
                )
        return order, [token for token in cursor.tokens[cursor.place :] if token.kind != "stop"]

    def _differentiated(self, tokens: Sequence[Token]) -> Syntax:
        parser = self.sub(tokens)
        of = parser.reach()
        if not parser.at_end:
            raise self.error(parser.token, "put brackets around the sum that is differentiated")
        return of

    def _variables(self, kind: str, below: Sequence[Token], order: int) -> tuple[Syntax, ...]:
        """What stands below: a variable after each sign, some with a power that says how often."""
        parser = self.sub(below)
        found: list[Syntax] = []
        while not parser.at_end:
            sign = parser.token
            if sign.text != kind or sign.kind not in ("command", "letter", "word"):
                raise parser.unexpected("\\partial" if kind == "partial" else kind)
            parser.next()
            if parser.at_end:
                raise parser.unexpected("a variable")
            found.append(_bare(parser.factor()))
        spread: list[Syntax] = []
        for variable in found:
            times = 1
            if isinstance(variable, Raised) and isinstance(variable.exponent, Numeral) and order > 1:
                times = (
                    int(variable.exponent.text)
                    if variable.exponent.text in ("1", "2", "3", "4", "5", "6")
                    else 0
                )
            if times != 1 and isinstance(variable, Raised):
                spread += [variable.base] * times
            else:
                spread.append(variable)
        for variables in (spread, found):
            if len(variables) == order:
                return tuple(variables)
        raise self.error(
            below[0], f"the derivative has order {order} above the line, but {len(spread)} below"
        )

    def _operator(self, token: Token, by: tuple[Syntax, ...]) -> Syntax:
        """An operator with what it is applied to: a bracket that follows, or else all the factors."""
        if self.token.kind in ("open", "{"):
            return Differentiated(token.at, self.factor(), by)
        if self.at_end or closes(self.token) or self.token.kind in (",", "rel"):
            raise self.unexpected("what is differentiated")
        return Differentiated(token.at, self.reach(), by)

    def _partial(self, token: Token) -> Syntax:
        if self.token.kind != "_":
            raise self.error(token, r"expected \frac{\partial ..}{\partial ..} or \partial_{..}")
        self.next()
        by = self.sub(self.argument("a variable")).value()
        return self._operator(token, (by,))

    def _nabla(self, token: Token) -> Syntax:
        if self.token.kind == "^":
            raise self.error(
                token, r"\nabla^2 is not supported yet: write \frac{\partial^2 L}{\partial x_i \partial x_j}"
            )
        if self.token.kind != "_":
            of = self.reach()
            if isinstance(of, Called) and len(of.arguments) == 1:  # the gradient of J(w) is the one by w
                return Differentiated(token.at, of, of.arguments)
            raise self.error(token, r"by what is this the gradient? write \nabla_x")
        return self._partial(token)

    def _pdv(self, token: Token) -> Syntax:
        order = 1
        if self.token.kind == "open" and self.token.text == "[":
            end = matching(self.tokens, self.place)
            inside = self.tokens[self.place + 1 : end]
            if end < 0 or len(inside) != 1 or inside[0].text not in ("1", "2", "3", "4"):
                raise self.error(self.token, "expected the order of the derivative in [ ]")
            order, self.place = int(inside[0].text), end + 1
        groups = [self.argument("a function or a variable")]
        while self.token.kind == "{" and len(groups) < 3:
            groups.append(self.argument("a variable"))
        if len(groups) == 1:
            return self._operator(token, (_bare(self.sub(groups[0]).factor()),) * order)
        by = [_bare(self.sub(group).value()) for group in groups[1:]]
        return Differentiated(
            token.at, self._differentiated(groups[0]), tuple(by * order if len(by) == 1 else by)
        )

    def _root(self, token: Token) -> Syntax:
        degree: Syntax | None = None
        if self.token.kind == "open" and self.token.text == "[":
            end = matching(self.tokens, self.place)
            if end < 0:
                raise self.error(self.token, "this [ is never closed")
            degree = self.sub(self.tokens[self.place + 1 : end]).value()
            self.place = end + 1
        elif self.token.kind == "open":
            bracket = self.factor()
            return Root(token.at, None, bracket)
        return Root(token.at, degree, self.sub(self.argument("what stands under the root")).group())

    def over(self) -> Syntax | None:
        r"""A group that holds ``a \over b``."""
        depth = 0
        for place in range(self.place, len(self.tokens)):
            token = self.tokens[place]
            depth += opens(token) - closes(token)
            if depth == 0 and token.is_command("choose"):
                raise self.error(token, r"\choose is not supported yet")
            if depth == 0 and token.is_command("over"):
                above = self.sub(self.tokens[self.place : place]).value()
                below = self.sub(self.tokens[place + 1 :]).value()
                self.place = len(self.tokens) - 1
                return Ratio(above.at, above, below)
        return None

    # --- sums ----------------------------------------------------------------------------------

    def bound_sum(self, kind: str, at: int) -> Syntax:
        """A sum or product sign with its letters, its bounds and what it reaches."""
        below, above = self._limits()
        if below is None:
            raise self.error(
                at, f"over which index is this {'sum' if kind == 'sum' else 'product'}? write \\{kind}_k"
            )
        return Bound(at, kind, self._over(below, above), self.reach())

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
        if last is not None and len(found) > 1 and any(each.first is None for each in found):
            raise self.error(last.at, "one upper bound for several indices: write a sum for each")
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

    def _between(self, parser: ConstructParser) -> Ranging:
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
            depth = 0
            for place, token in enumerate(row):
                depth += opens(token) - closes(token)
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


def _bare(node: Syntax) -> Syntax:
    """What stands in braces that only group."""
    while isinstance(node, Bracket) and node.sign == "{":
        (node,) = node.parts
    if isinstance(node, Terms) and len(node.terms) == 1 and not node.terms[0][0]:
        return node.terms[0][1]
    return node


def _without_punctuation(tokens: list[Token]) -> list[Token]:
    while tokens and (tokens[-1].kind in (",", ";", "quad", "newline", "&") or tokens[-1].is_op(".")):
        tokens = tokens[:-1]
    return tokens


def _sides(tokens: list[Token]) -> list[list[Token]]:
    sides: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += opens(token) - closes(token)
        if depth == 0 and token.kind == "rel" and token.text == "=":
            sides.append([])
        else:
            sides[-1].append(token)
    return sides
