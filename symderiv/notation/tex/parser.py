r"""The grammar of formulas: sums, products, powers, brackets and functions, by recursive descent.

Products are written side by side, so what a sign means depends on what is known of the names around it; that
is what :class:`~symderiv.notation.tex.cursor.Vocabulary` tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.notation.errors import quoted
from symderiv.notation.tex.cursor import shown
from symderiv.notation.tex.function_parser import STOP_WORDS, FunctionParser
from symderiv.notation.tex.syntax import (
    Applied,
    Bracket,
    Called,
    Differentiated,
    Factors,
    Indicator,
    Name,
    Numeral,
    Raised,
    Relation,
    Subscripted,
    Syntax,
    Terms,
    Transposed,
)
from symderiv.notation.tex.tokens import Token, matching
from symderiv.notation.tex.uses import plain

#: The sign of a product in the tree: ``*`` for a dot, ``×`` for a star or a cross.
_SIGNS = {".": "*", "·": "*", "*": "×"}
_CLOSING = {"(": ")", "[": "]", "\\{": "\\}", "<": ">", ".": "."}


class Parser(FunctionParser):
    """Reads values."""

    with_digits = True

    def value(self) -> Syntax:
        """Everything that is left, as one value."""
        if self.at_end:
            raise self.unexpected("a value")
        result = self.expression()
        if not self.at_end:
            raise self.unexpected("an operator or the end")
        return result

    def expression(self) -> Syntax:
        """Terms with signs between them."""
        self.enter()
        begin = self.token.at
        terms: list[tuple[bool, Syntax]] = []
        while not terms or self.token.is_op("+", "-"):
            negative = self.signs()
            terms.append((negative, self.term()))
        self.leave()
        if len(terms) == 1 and not terms[0][0]:
            return terms[0][1]
        return Terms(begin, tuple(terms))

    def signs(self) -> bool:
        """Take the signs that stand here; whether they make a minus."""
        negative = False
        while self.token.is_op("+", "-"):
            negative ^= self.next().text == "-"
        return negative

    def term(self) -> Syntax:
        """Factors side by side or with signs between them."""
        begin = self.token.at
        factors: list[tuple[str, Syntax]] = [("", self.factor())]
        while True:
            token = self.token
            if token.is_op("*", "·", "/", "⊙", "⊘", "."):
                if token.text == "." and not self.starts_factor(1) and not self.ahead().is_op("+", "-"):
                    if self.ahead().kind == "stop":
                        self.next()
                    break
                self.next()
                negative = self.signs()
                factor = self.factor()
                if negative:
                    factor = Terms(factor.at, ((True, factor),))
                factors.append((_SIGNS.get(token.text, token.text), factor))
            elif self.starts_factor():
                if factors[-1][0] == "/":
                    self.note(
                        token.at,
                        f"a slash divides by the next factor alone: {shown(token)} after it multiplies",
                    )
                factors.append(("", self.factor()))
            else:
                break
        return factors[0][1] if len(factors) == 1 else Factors(begin, tuple(factors))

    def reach(self) -> Syntax:
        """What a sum sign or an operator reaches: a sign, and factors up to the next plus or minus."""
        begin = self.token.at
        negative = self.signs()
        body = self.term()
        return Terms(begin, ((True, body),)) if negative else body

    def starts_factor(self, ahead: int = 0) -> bool:
        """Whether a factor can begin with the next token, or the one so far ahead."""
        token = self.ahead(ahead)
        match token.kind:
            case "number" | "letter" | "{" | "begin":
                return True
            case "open":
                return True
            case "word":
                return token.text.lower() not in STOP_WORDS
            case "bar":
                return token.side == "left" or (not self.bars and not token.side)
            case "command":
                return token.text not in (
                    "over",
                    "choose",
                    "forall",
                    "mid",
                    "dots",
                    "ldots",
                    "cdots",
                    "infty",
                )
            case _:
                return False

    def factor(self) -> Syntax:
        """Something with its powers and subscripts."""
        self.enter()
        base = self._without_transposing_prime(self.atom())
        raised = False
        while True:
            token = self.token
            if token.kind == "^":
                if raised:
                    raise self.error(token, "a second superscript: put the power and its base in braces")
                raised = True
                base = self._raise(base)
            elif token.kind == "_":
                base = self._subscript(base)
            elif token.kind == "'" and isinstance(base, Bracket) and self.shared.vocabulary.matrices:
                self.next()
                self.note(token.at, "a prime after a bracket is read as a transposition")
                base = Transposed(token.at, base)
            elif token.kind == "'":
                raise self.error(token, "a prime can follow a name only")
            elif token.kind == "!":
                self.next()
                more = Terms(token.at, ((False, base), (False, Numeral(token.at, "1"))))
                base = Applied(token.at, "gamma", (more,))
            else:
                self.leave()
                return base

    def _without_transposing_prime(self, base: Syntax) -> Syntax:
        """``X'`` of a declared array X, where no X' is declared or defined, as its transpose."""
        if not isinstance(base, Name) or base.primes != 1 or base.units:
            return base
        known = self.shared.vocabulary
        own = plain(replace(base, primes=0))
        if own not in known.matrices or plain(base) in known.names:
            return base
        self.note(base.at, f"{own}' is read as the transpose of {own}")
        return Transposed(base.at, replace(base, primes=0))

    def _raise(self, base: Syntax) -> Syntax:
        token = self.next()
        inside = self.argument("a power")
        bare = base.parts[0] if isinstance(base, Bracket) and base.sign == "{" else base
        if len(inside) == 1 and isinstance(bare, Name) and inside[0].text in ("top", "T"):
            base = bare  # {w'_j}^T
        if len(inside) == 1 and inside[0].is_command("top"):
            return Transposed(token.at, base)
        if len(inside) == 1 and inside[0].text == "t" and self.shared.vocabulary.turned_by_t:
            return Transposed(token.at, base)
        if len(inside) == 2 and inside[0].is_op("-") and inside[1].is_command("top"):
            inverse = Terms(inside[0].at, ((True, Name(inside[1].at, ("T",))),))
            return Raised(base.at, base, inverse)
        return Raised(base.at, base, self.sub(inside).value())

    def _subscript(self, base: Syntax) -> Syntax:
        token = self.next()
        above = self.ahead() if self.token.kind == "{" else self.token
        if (
            isinstance(base, Bracket)
            and above.is_op("+")
            and (self.token is above or self.ahead(2).kind == "}")
        ):
            self.place += 1 if self.token is above else 3
            return Applied(base.at, "relu", base.parts)  # [x]_+, the positive part
        units = self.units()
        match base:
            case Raised(at, Name() as name, exponent):
                if name.names != ("e",) or "e" in self.shared.vocabulary.names:
                    if len(units) == 2 and isinstance(exponent, Terms):
                        self.note(at, "the power is read as one of the entry, not of the matrix")
                    return Raised(at, replace(name, units=(*name.units, *units)), exponent)
                if isinstance(exponent, Name):
                    moved = replace(exponent, units=(*exponent.units, *units))
                    read = self.written(exponent.at, self.tokens[self.place - 1].end)
                    self.note(
                        at, f"{self.written(at, self.tokens[self.place - 1].end)} is read as e^{{{read}}}"
                    )
                    return Raised(at, name, moved)
                raise self.error(token, "this subscript follows a power: put it where it belongs")
            case Bracket(_, "{", (Name() as name,)):
                return self.attached(replace(name, units=(*name.units, *units)))
            case Name():
                return replace(base, units=(*base.units, *units))
            case Bracket() | Applied() | Subscripted() | Called():
                return Subscripted(base.at, base, units)
            case _:
                raise self.error(token, "a subscript can follow a name or a bracket only")

    # --- atoms ---------------------------------------------------------------------------------

    def atom(self) -> Syntax:
        """Something that is one thing by itself."""
        token = self.token
        match token.kind:
            case "number":
                return self._number()
            case "open":
                symbol = self.symbol()
                return self.bracket() if symbol is None else self.attached(symbol)
            case "bar":
                return self._bars()
            case "{":
                symbol = self.symbol()
                return self._group() if symbol is None else self.attached(symbol)
            case "begin":
                return self.table()
            case "letter" | "word":
                return self.word()
            case "command":
                return self.command()
            case _:
                raise self.unexpected("a value")

    def _number(self) -> Syntax:
        token = self.next()
        if token.text == "1":
            indicator = self.indicator(token)
            if indicator is not None:
                return indicator
        return Numeral(token.at, token.text)

    def indicator(self, one: Token) -> Syntax | None:
        """The condition in brackets or in a subscript after a one, if there is any."""
        place = self.place
        if self.token.kind == "_":
            self.next()
        inside: Sequence[Token]
        if self.token.kind == "{":
            inside = self.argument("a condition")
        elif self.token.kind == "open":
            end = matching(self.tokens, self.place)
            if end < 0:
                return None
            inside = self.tokens[self.place + 1 : end]
            self.place = end + 1
        else:
            self.place = place
            return None
        while inside and inside[0].kind in ("{", "open") and matching(list(inside), 0) == len(inside) - 1:
            inside = inside[1:-1]
        if not any(token.kind == "rel" for token in inside):
            self.place = place
            return None
        return Indicator(one.at, self.sub(inside).condition())

    def bracket(self) -> Syntax:
        """Something in brackets, with commas or without."""
        token = self.next()
        if token.text == ".":
            return self._before_bar(token)
        closing = _CLOSING[token.text]
        bars, self.bars = self.bars, []
        parts: list[Syntax] = [self.expression()]
        if token.text == "[" and self.token.kind == "rel":
            condition = self.relation(parts[0])
            self._close(token, closing)
            self.bars = bars
            return Indicator(token.at, condition)
        while self.token.kind in (",", ";") or (token.text == "<" and self.token.kind == "bar"):
            self.next()
            parts.append(self.expression())
        self._close(token, closing)
        self.bars = bars
        return Bracket(token.at, token.text, tuple(parts))

    def _before_bar(self, opened: Token) -> Syntax:
        r"""What stands in ``\left. \right|``: with a remark below the bar, which is passed over."""
        bars, self.bars = self.bars, []
        inside = self.expression()
        self.bars = bars
        self._close(opened, "|")
        if self.token.kind == "_":
            self.next()
            where = self.token
            below = self.argument("what stands below the bar")
            taken = self._slope_at(inside, below)
            if taken is not None:
                return taken
            if any(token.kind != "word" for token in below):
                raise self.error(
                    where, "a value taken at a point is not supported yet: give it a name and an equation"
                )
            remark = " ".join(token.text for token in below)
            self.note(where.at, f"the remark {quoted(remark)} below the bar is passed over")
        return Bracket(opened.at, "(", (inside,))

    def _slope_at(self, slope: Syntax, below: Sequence[Token]) -> Syntax | None:
        r"""The slope of a function f(x) at the ``x = 3`` below a bar, as ``f'(3)``; None for anything else.

        What it is differentiated by goes with it: only the definition tells whether that is the argument.
        """
        if not isinstance(slope, Differentiated) or len(below) < 3:
            return None
        parser = self.sub(below)
        at = parser.name() if parser.starts_name() else None
        if at is None or parser.token.kind != "rel" or parser.token.text != "=":
            return None
        parser.next()
        of = slope.of
        same = all(isinstance(by, Name) and plain(by) == plain(at) for by in slope.by)
        if isinstance(of, Called) and [plain(one) for one in of.arguments if isinstance(one, Name)] == [
            plain(at)
        ]:
            of = of.name
        if not same or not isinstance(of, Name) or plain(of) not in self.shared.vocabulary.functions:
            return None
        return Called(slope.at, replace(of, primes=len(slope.by)), (at, parser.value()))

    def _close(self, opened: Token, closing: str) -> None:
        if self.token.kind != "close":
            if self.at_end:
                raise self.error(opened, f"this {shown(opened)} is never closed")
            raise self.unexpected(f"an operator or {closing}")
        cases = opened.text == "\\{" and self.token.text == "."
        if self.token.text != closing and not cases:
            raise self.unexpected(closing)
        self.next()

    def _bars(self) -> Syntax:
        token = self.next()
        sign = token.text
        if sign == "|" and self.token.kind == "bar" and self.token.text == "|" and self.token.glued:
            self.next()
            sign = "||"
        self.bars.append(sign)
        inside = self.expression()
        if self.at_end:
            raise self.error(token, f"this {sign} is never closed")
        end = self.expect("bar", "", f"an operator or {sign}")
        if sign == "||" and end.text == "|":
            self.expect("bar", "|", "||")
        elif sign != end.text:
            raise self.error(end, f"expected {sign}, found {shown(end)}")
        self.bars.pop()
        return Bracket(token.at, sign, (inside,))

    def _group(self) -> Syntax:
        token = self.token
        inside = self.argument("a value")
        content = self.sub(inside).group()
        one = isinstance(content, Numeral) and content.text == "1"
        if one or (isinstance(content, Name) and (content.names, content.units) == (("1",), ())):
            indicator = self.indicator(token)
            if indicator is not None:
                return indicator
        if isinstance(content, Name) and self.token.kind in ("_", "'"):
            return self.called(self.attached(content))
        if isinstance(content, Terms) and self.token.kind == "^":
            self.note(token.at, "braces group without showing: what is raised here is all that they hold")
        return Bracket(token.at, "{", (content,))

    # --- conditions ----------------------------------------------------------------------------

    def condition(self) -> Relation:
        """Everything that is left, as one condition."""
        condition = self.relation(self.expression())
        if not self.at_end:
            raise self.unexpected("the end of the condition")
        return condition

    def relation(self, left: Syntax) -> Relation:
        """A condition whose left side was read already."""
        token = self.token
        if token.kind != "rel" or token.text not in ("=", "!=", "<", "<=", ">", ">=", "in", "notin"):
            raise self.unexpected("a condition such as i = j or x > 0")
        self.next()
        right = self.expression()
        if self.token.kind == "rel":
            first = isinstance(left, Numeral) and left.text == "1" and token.text == "<="
            if {token.text, self.token.text} <= {"<", "<="} or {token.text, self.token.text} <= {">", ">="}:
                first = first and token.text == self.token.text == "<="
                if not first:
                    second = self.next()
                    later = Relation(second.at, second.text, right, self.expression())
                    return Relation(token.at, "both", Relation(token.at, token.text, left, right), later)
            if not first or self.token.text != "<=":
                raise self.error(
                    self.token, "a condition with two signs is not supported yet: give one at a time"
                )
            self.next()
            return Relation(token.at, "within", right, self.expression())
        return Relation(token.at, "==" if token.text == "=" else token.text, left, right)

    def sub(self, tokens: Sequence[Token]) -> Parser:
        """A parser of some of the tokens, for the same formula."""
        return Parser(tokens, self.shared)

    def group(self) -> Syntax:
        r"""What stands in braces: a value, or two around ``\over``."""
        value = self.over()
        if value is None:
            value = self.expression()
            if not self.at_end:
                raise self.unexpected("an operator or }")
        return value
