r"""Names in the place of a value, and functions with their arguments."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

from symderiv.notation.tex import commands as known
from symderiv.notation.tex.construct_parser import ConstructParser
from symderiv.notation.tex.cursor import split
from symderiv.notation.tex.guesses import TAKES_ONE
from symderiv.notation.tex.name_parser import NameParser
from symderiv.notation.tex.syntax import (
    Applied,
    Bound,
    Bracket,
    Called,
    Differentiated,
    Factors,
    Kronecker,
    Name,
    Numeral,
    Raised,
    Ranging,
    Ratio,
    Syntax,
    Unit,
)
from symderiv.notation.tex.tokens import Token, matching
from symderiv.notation.tex.uses import plain

#: Words that end a value, as in the rows of cases.
STOP_WORDS = frozenset({"if", "for", "when", "where", "otherwise", "else", "and", "with"})
#: What the size of a vector of ones is called; any other letter below it may be a class.
_SIZES = frozenset("NMBDTKnmd")


class FunctionParser(ConstructParser):
    """Reads what begins with a name or a command."""

    @abstractmethod
    def indicator(self, one: Token) -> Syntax | None:
        """The condition in brackets or in a subscript after a one, if there is any."""

    @abstractmethod
    def bracket(self) -> Syntax:
        """Something in brackets, with commas or without."""

    def word(self) -> Syntax:
        """A name or a function that begins with a letter or an upright word."""
        if self.token.text in ("1", "I") and not self._spells_declared():
            place = self.place
            indicator = self.indicator(self.next())
            if indicator is not None:
                return indicator
            self.place = place
        if self.token.kind == "word":
            text = self.token.text
            if text in STOP_WORDS:
                raise self.unexpected("a value")
            if text in ("max", "min"):
                self.next()
                return self.extremum(text, self.tokens[self.place - 1].at)
            if text in known.FUNCTION_WORDS and not self._is_declared(text):
                return self._function(self.next().at, known.FUNCTION_WORDS[text])
            return self._name()
        if self._spells_declared():
            return self._name()
        if self.token.text == "d":
            derivative = self.d_with_slash()
            if derivative is not None:
                return derivative
        for word in ("KL", "CE"):
            if self._spells(word) and self.ahead(2).text == "(":
                return self._of_two(word, self.token.at, 2) or self._name()
        if self.token.text not in "slmectard":
            return self._name()
        for function in known.BARE_FUNCTIONS:
            if self._spells(function):
                at = self.token.at
                self.place += len(function)
                if function in ("max", "min"):
                    return self.extremum(function, at)
                return self._function(at, known.FUNCTION_WORDS[function])
        return self._name()

    def _spells(self, word: str) -> bool:
        for number, letter in enumerate(word):
            token = self.ahead(number)
            if token.kind != "letter" or token.text != letter or (number and not token.glued):
                return False
        return True

    def _spells_declared(self) -> bool:
        place = self.place
        found = self.symbol() or self._declared_word()
        self.place = place
        return found is not None

    def _is_declared(self, name: str) -> bool:
        return name in self.shared.vocabulary.names

    def command(self) -> Syntax:
        """What begins with a command."""
        token = self.token
        name = token.text
        if name in known.FUNCTION_COMMANDS:
            return self._function(self.next().at, name)
        if name == "mathbb" and not self._is_declared("E"):
            inside = self.ahead(2 if self.ahead().kind == "{" else 1)
            if inside.text == "E":
                raise self.error(
                    token, r"expectations (\mathbb E) are not supported yet: write the sum over the outcomes"
                )
        if name in known.FONTS:
            indicator = self._font_of_one()
            if indicator is not None:
                return indicator
        if name in ("sum", "prod"):
            return self.bound_sum(name, self.next().at)
        if name in ("max", "min"):
            return self.extremum(name, self.next().at)
        if self.starts_name():
            return self._name()
        return self.construct()

    def _font_of_one(self) -> Syntax | None:
        r"""``\mathbb{1}`` and ``\mathbf 1``, with the condition that follows, or else a vector of ones."""
        place = self.place
        font = self.next()
        inside = self.tokens[self.place : self.place + 3]
        if inside[0].kind == "{" and len(inside) == 3 and inside[2].kind == "}":
            one = inside[1]
            self.place += 3
        else:
            one = inside[0]
            if one.kind == "number" and len(one.text) > 1:
                self.place = place
                return None
            self.next()
        if (one.kind, one.text) == ("number", "1") or (font.text == "mathbb" and one.text == "I"):
            return self.indicator(font) or self._ones(font)
        if one.text == "I" and not self._is_declared("I"):
            indicator = self.indicator(font)
            if indicator is not None:
                return indicator
        self.place = place
        return None

    def _ones(self, font: Token) -> Name:
        r"""A vector of ones, ``\mathbf 1`` or with its size, ``\mathbf 1_n``."""
        name = Name(font.at, ("1",), word=True)
        if self.token.kind != "_":
            return name
        where = self.next()
        name = replace(name, units=self.units())
        spelled = name.units[0].names[0] if isinstance(name.units[0], Name) else ""
        if len(name.units) == 1 and spelled in self.shared.vocabulary.sizes:
            return name
        if len(name.units) > 1 or spelled not in _SIZES:
            raise self.error(where, "expected the size of this vector of ones: declare it with 'input'")
        self.note(where.at, f"the vector of ones of size {spelled} fits what it stands with")
        return replace(name, units=())

    def _name(self) -> Syntax:
        begin = self.token
        declared = self._spells_declared()
        name = self.name()
        first = name.names[0]
        if not declared and self.token.text == "(":
            words = name.units if first == "D" and name.units else (name,)
            spelled = "".join(unit.names[0] for unit in words if isinstance(unit, Name))
            if spelled in ("KL", "CE"):
                found = self._of_two(spelled, name.at, 0)
                if found is not None:
                    return found
        if not declared and not name.word:
            if first == "delta" and len(name.units) == 2 and name.tag is None and not name.primes:
                return Kronecker(name.at, name.units[0], name.units[1])
            if first == "delta" and len(name.units) == 1 and name.tag is None and not name.primes:
                above = self._letter_above(name.units[0])
                if above is not None:
                    return Kronecker(name.at, above, name.units[0])
            if (
                first == "sigma"
                and not name.units
                and not self._is_declared("sigma")
                and self._sigmoid_follows()
            ):
                return self._function(name.at, "sigmoid", name.primes)
            if first == "Gamma" and not self._is_declared("Gamma") and self.token.kind == "open":
                return self._function(name.at, "gamma", name.primes)
            if (
                first == "psi"
                and not name.units
                and self.shared.vocabulary.digamma
                and self.token.text == "("
            ):
                self.note(begin.at, r"\psi beside \Gamma is read as the digamma function")
                return self._function(name.at, "digamma", name.primes)
            if first == "Sigma" and name.units and not self._is_declared("Sigma") and self.starts_factor():
                self.note(begin.at, r"\Sigma with an index under it is read as a sum")
                over = tuple(Ranging(unit.at, unit) for unit in name.units if isinstance(unit, Name))
                if len(over) == len(name.units):
                    return Bound(name.at, "sum", over, self.reach())
        return self.called(name)

    def _letter_above(self, below: Unit) -> Name | None:
        r"""The j of ``\delta_i^j``, where both letters are free on the left of the equation; else None."""
        begin = self.place
        if self.token.kind == "^" and isinstance(below, Name) and plain(below) in self.shared.given:
            self.next()
            inside = NameParser(self.argument("a power"), self.shared)
            above = inside.name() if inside.starts_name() else None
            if above is not None and inside.at_end and plain(above) in self.shared.given:
                return above
        self.place = begin
        return None

    def called(self, name: Name) -> Syntax:
        """A name, or its call where a bracket follows that holds what it is called with."""
        if self.token.kind == "open" and self.token.text in ("(", "["):
            end = matching(self.tokens, self.place)
            inside = self.tokens[self.place + 1 : end]
            if end > 0 and self.shared.vocabulary.calls(name, inside):
                arguments = self._arguments()
                return Called(name.at, name, arguments)
            if self._is_unknown_function(name):
                called = name.names[0]
                raise self.error(
                    name.at, f"{called}(..) is no function that is known here: define it by an equation"
                )
        return name

    def _is_unknown_function(self, name: Name) -> bool:
        """Whether an upright word right before a round bracket is a name of which nothing is known.

        A letter with digits, such as a1, is no word: ``a1 (1 - a1)`` is a product.
        """
        several = len(name.names[0]) > 1 and not name.names[0][1:].isdigit()
        upright = name.word and several and not name.units and name.tag is None
        return upright and self.token.text == "(" and not self._is_declared(plain(name))

    def _of_two(self, word: str, at: int, letters: int) -> Syntax | None:
        r"""``KL(p \| q)`` or ``CE(y, p)``, after a word of so many letters; None for other calls."""
        begin = self.place
        self.place += letters
        end = matching(self.tokens, self.place)
        inside = self.tokens[self.place + 1 : end] if end > 0 else []
        kinds = (",", ";") if word == "CE" else (",", ";", "bar")
        pieces = [piece for piece in split(inside, kinds) if piece]
        if len(pieces) != 2:
            self.place = begin
            return None
        self.place = end + 1
        return Applied(at, word, tuple(self.sub(piece).value() for piece in pieces))

    def _sigmoid_follows(self) -> bool:
        if self.token.kind == "open" and self.token.text == "(":
            return True
        power = self.token.kind == "^"
        return (
            power
            and self.ahead().kind == "number"
            and self.ahead(2).kind == "open"
            and self.ahead(2).text == "("
        )

    def _arguments(self) -> tuple[Syntax, ...]:
        """What stands in the brackets of a call, between its commas and the bar of ``p(x | y)``."""
        end = matching(self.tokens, self.place)
        inside = self.tokens[self.place + 1 : end] if end > 0 else []
        pieces = split(inside, (",", ";", "bar"))
        if sum(token.kind == "bar" for token in inside) == 1 and len(pieces) > 1 and all(pieces):
            self.place = end + 1
            return tuple(self.sub(piece).value() for piece in pieces)
        bracket = self.bracket()
        if isinstance(bracket, Bracket):
            return bracket.parts
        return (bracket,)

    def _function(self, at: int, function: str, primes: int = 0) -> Syntax:
        """A function with its argument: in brackets, in braces, or the factor that follows."""
        power: Syntax | None = None
        base = self._base_of_log() if function == "log" else None
        while self.token.kind in ("'", "^"):
            if self.next().kind == "'":
                primes += 1
                continue
            inside = self.argument("a power")
            if all(token.is_command("prime") for token in inside):
                primes += len(inside)
                continue
            if power is not None:
                raise self.error(inside[0], "a second superscript: write brackets")
            power = self.sub(inside).value()
            if inside[0].is_op("-"):
                raise self.error(
                    inside[0], f"{function} with a power of -1 has two meanings: write 1/{function}(...)"
                )
        applied: Syntax = Applied(at, function, self._function_arguments(function), primes)
        if base is not None:
            applied = Ratio(at, applied, Applied(base.at, "log", (base,)))
        if power is None:
            return applied
        return Raised(at, applied, power)

    def _base_of_log(self) -> Syntax | None:
        r"""The 2 of ``\log_2 x``; e, which needs no other logarithm below it, is none."""
        if self.token.kind != "_":
            return None
        self.next()
        base = self.sub(self.argument("the base of the logarithm")).value()
        euler = isinstance(base, Name) and base.names == ("e",) and not base.units
        return None if euler else base

    def _function_arguments(self, function: str) -> tuple[Syntax, ...]:
        token = self.token
        if function == "diag" and token.text == "(":
            listed = self._listed()
            if listed is not None:
                return (listed,)
        if token.kind == "open" and token.text != "<":
            return self._arguments()
        if token.kind == "{":
            inside = self.argument("an argument")
            return (self.sub(inside).group(),)
        if not self.starts_factor():
            raise self.unexpected(f"the argument of {function}")
        first = self.factor()
        if isinstance(first, Numeral) and self.starts_factor() and not self._starts_function():
            factors: list[tuple[str, Syntax]] = [("", first)]
            while self.starts_factor() and not self._starts_function():
                factors.append(("", self.factor()))
            self.note(token.at, f"{function} takes {self.written(token.at, self.tokens[self.place - 1].end)}")
            return (Factors(token.at, tuple(factors)),)
        wide = function == "log" and self.shared.vocabulary.wide
        if (function == "tr" or wide) and self.starts_factor() and not self._starts_function():
            product: list[tuple[str, Syntax]] = [("", first)]
            while self.starts_factor() and not self._starts_function():
                product.append(("", self.factor()))
            if wide:
                self.note(
                    token.at, f"{function} takes {self.written(token.at, self.tokens[self.place - 1].end)}"
                )
            return (Factors(token.at, tuple(product)),)
        reaching = isinstance(first, Bound | Differentiated | Applied)
        if not reaching and (self.starts_factor() or self.token.is_op("/")):
            read = self.written(token.at, self.tokens[self.place - 1].end)
            self.note(token.at, f"{function} without brackets {TAKES_ONE} {read}")
        return (first,)

    def _listed(self) -> Name | None:
        r"""The array w whose entries ``(w_1, \dots, w_n)`` lists in brackets; None for anything else."""
        end = matching(self.tokens, self.place)
        pieces = split(self.tokens[self.place + 1 : end], (",",)) if end > 0 else []
        if len(pieces) < 3 or not (len(pieces[-2]) == 1 and pieces[-2][0].is_command(*known.DOTS)):
            return None
        names = []
        for piece in (*pieces[:-2], pieces[-1]):
            parser = NameParser(piece, self.shared)
            name = parser.name() if parser.starts_name() else None
            if name is None or not parser.at_end or len(name.units) != 1:
                return None
            names.append(name)
        *first, last = names
        places = [unit.text for name in first if isinstance(unit := name.units[0], Numeral)]
        same = all(replace(name, at=0, units=()) == replace(last, at=0, units=()) for name in first)
        if not same or places != [str(number + 1) for number in range(len(first))]:
            return None
        if not isinstance(last.units[0], Name):
            return None
        self.place = end + 1
        return replace(last, units=())

    def _starts_function(self) -> bool:
        token = self.token
        named = token.kind == "word" and token.text in known.FUNCTION_WORDS
        return (
            named
            or token.is_command(*known.FUNCTION_COMMANDS)
            or (token.kind == "letter" and any(self._spells(function) for function in known.BARE_FUNCTIONS))
        )
