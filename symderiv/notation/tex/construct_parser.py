r"""What a command lays out: fractions, derivatives, roots."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise

from symderiv.notation.tex import commands as known
from symderiv.notation.tex.cursor import Cursor, shown
from symderiv.notation.tex.sum_parser import SumParser
from symderiv.notation.tex.syntax import (
    Applied,
    Bracket,
    Called,
    Differentiated,
    Name,
    Numeral,
    Raised,
    Ratio,
    Root,
    Syntax,
    Terms,
    Transposed,
)
from symderiv.notation.tex.tokens import Nesting, Token, closes, matching
from symderiv.notation.tex.uses import plain

#: Derivatives of a higher order than this are not written out by people.
_MAX_ORDER = 6


class ConstructParser(SumParser):
    """Reads what a command lays out."""

    @abstractmethod
    def starts_factor(self, ahead: int = 0) -> bool:
        """Whether a factor can begin with the next token, or the one so far ahead."""

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
            case "binom":
                above, below = (self.sub(self.argument("a number")).group() for _ in range(2))
                return Applied(token.at, "binom", (above, below))
            case "choose" | "infty":
                raise self.error(token, f"{shown(token)} is not supported yet")
            case _:
                raise self.error(token, f"expected a value, found {shown(token)}")

    # --- fractions and derivatives -------------------------------------------------------------

    def _fraction(self, token: Token) -> Syntax:
        above = _unwrapped(self.argument("what stands above the line"))
        below = _unwrapped(self.argument("what stands below the line"))
        kind = self._differential(above, below)
        if not kind:
            return Ratio(token.at, self.sub(above).group(), self.sub(below).group())
        if kind == "bare":
            return self._operator(token, (_bare(self.sub(below).value()),))
        order, rest = self._order(above)
        by = self._variables(kind, below, order)
        if rest:
            of = self._bare_function(rest, by) or self._differentiated(rest)
            return Differentiated(token.at, of, by)
        return self._operator(token, by)

    def _differential(self, above: Sequence[Token], below: Sequence[Token]) -> str:
        r"""How the sides of a fraction begin that is a derivative: with ``\partial``, ``d`` or ``\delta``."""
        first, second = above[0], below[0]
        if all(_is_slashed(side) for side in (above, below)):
            return ""
        if first.is_command("partial") and len(above) == 1 and not second.is_command("partial"):
            self.note(second.at, f"the derivative by {shown(second)} is meant, though it has no \\partial")
            return "bare"
        if first.is_command("partial") or second.is_command("partial"):
            if first.is_command("partial") and second.is_command("partial"):
                return "partial"
            wrong = second if first.is_command("partial") else first
            raise self.error(wrong, rf"expected \partial above and below the line, found {shown(wrong)}")
        for kind in ("d", "delta"):
            size = kind == "d" and "d" in self.shared.vocabulary.sizes and _both_differ(above, below)
            if kind in self.shared.vocabulary.names and not size:
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

    def _bare_function(self, tokens: Sequence[Token], by: tuple[Syntax, ...]) -> Syntax | None:
        r"""The function of ``\frac{d \tanh}{dz}``, which has no argument: it is one of the variable."""
        (token, *more) = tokens
        if token.is_command("sigma") and not more and self.shared.vocabulary.sigmoid:
            return Applied(token.at, "sigmoid", by[:1])
        if more or token.kind not in ("command", "word") or token.text not in known.FUNCTION_WORDS:
            return None
        if token.text in self.shared.vocabulary.names or token.is_command("gamma"):  # \gamma is a letter
            return None
        return Applied(token.at, known.FUNCTION_WORDS[token.text], by[:1])

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
            variable = _bare(parser.factor())
            if isinstance(variable, Name) and parser.token.kind == "open" and parser.token.text == "(":
                bracket = parser.factor()  # H(a), which turns out to be an entry
                parts = bracket.parts if isinstance(bracket, Bracket) else (bracket,)
                variable = Called(variable.at, variable, parts)
            found.append(variable)
        if order > 1:  # d^2 f / dx dx^T: the matrix, however its letters stand
            found = [_untransposed(each) for each in found]
        return self._as_often(found, order, below[0])

    def _as_often(self, found: list[Syntax], order: int, where: Token) -> tuple[Syntax, ...]:
        """The variables of a derivative of this order, those with a power as often as it says."""
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
        raise self.error(where, f"the derivative has order {order} above the line, but {len(spread)} below")

    def _operator(self, token: Token, by: tuple[Syntax, ...]) -> Syntax:
        """An operator with what it is applied to: a bracket that follows, or else all the factors."""
        if self.token.kind in ("open", "{"):
            return Differentiated(token.at, self.factor(), by)
        if self.at_end or closes(self.token) or self.token.kind in (",", "rel"):
            raise self.unexpected("what is differentiated")
        return Differentiated(token.at, self.reach(), by)

    def _partial(self, token: Token) -> Syntax:
        if self.token.kind != "_":
            return self._partial_with_slash(token)
        self.next()
        by = self.sub(self.argument("a variable")).value()
        return self._operator(token, (by,))

    def _partial_with_slash(self, token: Token) -> Syntax:
        r"""``\partial L / \partial x``, with an order and several variables perhaps."""
        expected = r"expected \frac{\partial ..}{\partial ..} or \partial_{..}"
        order = 1
        if self.token.kind == "^":
            self.next()
            (order_token, *more) = self.argument("the order of the derivative")
            if more or order_token.text not in ("1", "2", "3", "4"):
                raise self.error(order_token, "expected the order of the derivative, 1 to 4")
            order = int(order_token.text)
        if self.token.is_op("/"):
            of: Syntax | None = None
        elif self.starts_factor():
            of = self.factor()
        else:
            raise self.error(token, expected)
        if not (self.token.is_op("/") and self.ahead().is_command("partial")):
            raise self.error(token, expected)
        self.next()
        where = self.token
        found: list[Syntax] = []
        while self.token.is_command("partial") and len(found) < order:
            self.next()
            found.append(_bare(self.factor()))
        by = self._as_often(found, order, where)
        return self._operator(token, by) if of is None else Differentiated(token.at, of, by)

    def d_with_slash(self) -> Syntax | None:
        """``dL/dx`` and ``d/dx``, where d is no name; None for anything else."""
        begin, place = self.token, self.place
        self.next()
        of: Name | None = None
        if self.token.glued and self.starts_name():
            of = self.name()
        slash, second, variable = self.token, self.ahead(), self.ahead(2)
        letter = (second.kind, second.text) == ("letter", "d")
        if not (slash.is_op("/") and letter and variable.glued and variable.kind in ("letter", "command")):
            self.place = place
            return None
        self.place += 2
        by = (self.factor(),)
        if of is None:
            return self._operator(begin, by)
        return Differentiated(begin.at, of, by)

    def _nabla(self, token: Token) -> Syntax:
        if self.token.kind == "^":
            return self._hessian(token)
        if self._is_hessian():
            self.next()
            by = self.sub(self.argument("a variable")).value()
            self.next()
            self.argument("a power")
            self.note(token.at, r"\nabla^2 is read as the matrix of second derivatives")
            return self._operator(token, (by, by))
        if self.token.kind == "_":
            place = self.place
            self.next()
            by = self.sub(self.argument("a variable")).value()
            if self.starts_name():
                of = self.factor()
                dotted = self.token.is_op("·", "⊙", "*")
                if dotted and isinstance(of, Name | Called):  # \nabla_w L \cdot v: the gradient times v
                    return Differentiated(token.at, of, (by,))
            self.place = place
        if self.token.kind != "_":
            alone = self._of_defined(token)
            if alone is not None:
                return alone
            of = self.reach()
            if isinstance(of, Called) and len(of.arguments) == 1:  # the gradient of J(w) is the one by w
                return Differentiated(token.at, of, of.arguments)
            raise self.error(token, r"by what is this the gradient? write \nabla_x")
        return self._partial(token)

    def _of_defined(self, token: Token) -> Syntax | None:
        r"""``\nabla f`` where a formula defines f(x): by its argument, which is found later."""
        place = self.place
        of = self.factor() if self.starts_name() else None
        functions = self.shared.vocabulary.functions
        if isinstance(of, Name) and not of.units and not of.primes and plain(of) in functions:
            return Differentiated(token.at, of, ())
        self.place = place
        return None

    def _is_hessian(self) -> bool:
        r"""Whether what follows is the ``_x^2`` of ``\nabla_x^2 L``."""
        place, found = self.place, False
        if self.token.kind == "_":
            self.next()
            self.argument("a variable")
            if self.token.kind == "^":
                self.next()
                found = [each.text for each in self.argument("a power")] == ["2"]
        self.place = place
        return found

    def _hessian(self, token: Token) -> Syntax:
        r"""``\nabla^2_x L``: the matrix of second derivatives."""
        self.next()
        power = self.argument("a power")
        second = len(power) == 1 and power[0].text == "2"
        if second and self.token.kind != "_" and self.starts_name():
            of = self.reach()
            if isinstance(of, Called) and len(of.arguments) == 1:  # the Hessian of J(w) is the one by w
                self.note(token.at, r"\nabla^2 is read as the matrix of second derivatives")
                return Differentiated(token.at, of, of.arguments * 2)
        if not second or self.token.kind != "_":
            raise self.error(
                token,
                r"by what is this the matrix of second derivatives? write \nabla^2_x, or f(x) after \nabla^2",
            )
        self.next()
        by = self.sub(self.argument("a variable")).value()
        self.note(token.at, r"\nabla^2 is read as the matrix of second derivatives")
        return self._operator(token, (by, by))

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
        nesting = Nesting()
        for place in range(self.place, len(self.tokens)):
            token = self.tokens[place]
            if not nesting.after(token) and token.is_command("over", "choose"):
                above = self.sub(self.tokens[self.place : place]).value()
                below = self.sub(self.tokens[place + 1 :]).value()
                self.place = len(self.tokens) - 1
                if token.text == "choose":
                    return Applied(above.at, "binom", (above, below))
                return Ratio(above.at, above, below)
        return None


def _unwrapped(tokens: Sequence[Token]) -> list[Token]:
    r"""The tokens of a group without further braces around all of them, as in ``{{\partial x}}``."""
    inside = list(tokens)
    while inside and inside[0].kind == "{" and matching(inside, 0) == len(inside) - 1 > 1:
        inside = inside[1:-1]
    return inside


def _is_slashed(side: Sequence[Token]) -> bool:
    r"""Whether a derivative with a slash stands here, as in a ratio of two: ``\partial Y/\partial K``."""
    return side[0].is_command("partial") and any(
        one.is_op("/") and other.is_command("partial") for one, other in pairwise(side)
    )


def _both_differ(above: Sequence[Token], below: Sequence[Token]) -> bool:
    """Whether a d stands before a name on both sides of a fraction: nobody writes a size so."""
    return all(
        len(side) > 1 and side[1].kind in ("letter", "word", "command") and side[1].text != "cdot"
        for side in (above, below)
    )


def _untransposed(node: Syntax) -> Syntax:
    """A variable without the transposition that only says how the second derivatives are laid out."""
    match node:
        case Transposed(_, base):
            return base
        case Raised(_, base, Name(_, ("T",), (), None)):
            return base
        case _:
            return node


def _bare(node: Syntax) -> Syntax:
    """What stands in braces that only group."""
    while isinstance(node, Bracket) and node.sign == "{":
        (node,) = node.parts
    if isinstance(node, Terms) and len(node.terms) == 1 and not node.terms[0][0]:
        return node.terms[0][1]
    return node
