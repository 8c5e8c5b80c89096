r"""Names as they are written: letters, words, accents, fonts, and everything attached to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from symderiv.notation.latex_names import GREEK
from symderiv.notation.tex import commands as known
from symderiv.notation.tex.cursor import Cursor, shown, split
from symderiv.notation.tex.syntax import Factors, Name, Numeral, Opaque, Shifted, Syntax, Terms, Unit
from symderiv.notation.tex.tokens import Token, matching

_GREEK = frozenset(command[1:] for command in GREEK.values())
_SPELLINGS = {"varepsilon": ("eps", "varepsilon", "epsilon"), "epsilon": ("epsilon", "eps", "varepsilon"),
    "gamma": ("gamma", "gam"), "delta": ("delta", "dlt")}  # fmt: skip
#: The longest name, in signs.
MAX_NAME = 64


class NameParser(Cursor):
    """Reads names and subscripts."""

    #: Whether digits right after a letter belong to the name, as in W1; in subscripts, 11 is row 1, column 1.
    with_digits = False

    def starts_name(self) -> bool:
        """Whether a name can begin with the next token."""
        token = self.token
        if token.kind in ("letter", "word"):
            return True
        if (
            token.is_command(*known.FONTS)
            and self.ahead(2 if self.ahead().kind == "{" else 1).kind == "number"
        ):
            return False  # a vector of ones
        return token.kind == "command" and (
            token.text in _GREEK
            or token.text in known.FONTS
            or token.text in known.ACCENTS
            or token.text in ("ell", "hbar")
        )

    def name(self) -> Name:
        """A name with its subscripts, primes and marks, but without its power."""
        self.enter()
        result = self.attached(self.bare_name())
        self.leave()
        return result

    def bare_name(self) -> Name:
        """A letter, word, accented or declared name, without what is attached after it."""
        self.enter()
        token = self.token
        declared = self.symbol() or self._declared_word()
        if declared is not None:
            result = declared
        elif token.kind == "letter":
            self.next()
            own = token.text == "e" and "e" in self.shared.vocabulary.names
            result = Name(token.at, ("e", "e") if own else (token.text,))  # twice: not Euler's number
            if self.with_digits and token.text != "e" and _is_of_name(self.token):
                result = Name(token.at, (token.text + self.next().text,), word=True)
        elif token.kind == "word":
            self.next()
            result = Name(token.at, (token.text.replace(" ", "_").replace("-", "_"),), word=True)
        elif token.is_command(*known.ACCENTS):
            self.next()
            inner = self._wrapped("a letter under the accent")
            result = replace(
                inner, at=token.at, names=tuple(f"{each}_{known.ACCENTS[token.text]}" for each in inner.names)
            )
        elif token.is_command(*known.FONTS):
            self.next()
            bold = token.text in ("mathbf", "boldsymbol")
            inner = self._wrapped(f"a letter after {shown(token)}")
            result = replace(inner, at=token.at, bold=inner.bold or bold)
            if token.text == "mathcal" and inner.names == ("N",) and self.token.kind == "open":
                result = replace(result, names=("Normal",))  # N is the size of something as often
        elif token.kind == "command" and (token.text in _GREEK or token.text in ("ell", "hbar")):
            self.next()
            spellings = _SPELLINGS.get(token.text, (token.text,))
            twice = self.place > 1 and self.tokens[self.place - 2].kind == "number"  # 2\pi is the number
            if token.text == "pi" and self.shared.vocabulary.policy and not twice:
                spellings = ("pi_",)
            elif token.text == "pi" and self.token.kind == "_":
                spellings = ("pi", "pi_")  # \pi_k is an entry of some array, \pi the number
            result = Name(token.at, spellings)
        else:
            raise self.unexpected("a name")
        if len(result.names[0]) > MAX_NAME:
            raise self.error(token, f"this name has more than {MAX_NAME} characters: shorten it")
        self.leave()
        return result

    def symbol(self) -> Name | None:
        """A spelling that was declared to be one name, if it stands here."""
        for spelling, name in self.shared.vocabulary.symbols:
            place = self._match(spelling)
            if place is not None:
                at = self.token.at
                self.place = place
                return Name(at, (name,))
        return None

    def _match(self, spelling: Sequence[tuple[str, str]]) -> int | None:
        """Where a spelling ends that begins here; braces around single signs do not matter."""
        place = self.place
        opened = 0
        for kind, text in spelling:
            while self.tokens[place].kind == "{":
                place, opened = place + 1, opened + 1
            if (self.tokens[place].kind, self.tokens[place].text) != (kind, text):
                return None
            place += 1
            while opened and self.tokens[place].kind == "}":
                place, opened = place + 1, opened - 1
        return None if opened else place

    def _declared_word(self) -> Name | None:
        """The longest declared name that the next letters spell, if it has more than one letter."""
        names = self.shared.vocabulary.names
        place, spelled, found = self.place, "", None
        while len(spelled) <= MAX_NAME:
            token = self.tokens[place]
            fonts = token.is_command(*known.FONTS)
            if (token.kind == "letter" and (token.glued or not spelled)) or (spelled and _is_of_name(token)):
                spelled += token.text
                place += 1
            elif fonts and spelled and self.tokens[place + 1].kind == "letter":
                spelled += self.tokens[place + 1].text
                place += 2
            elif (
                fonts
                and spelled
                and [each.kind for each in self.tokens[place + 1 : place + 4]] == ["{", "letter", "}"]
            ):
                spelled += self.tokens[place + 2].text
                place += 4
            else:
                break
            if len(spelled) > 1 and spelled in names:
                found = (place, spelled)
        if found is None:
            return None
        at = self.token.at
        self.place = found[0]
        return Name(at, (found[1],), word=True)

    def _wrapped(self, what: str) -> Name:
        """The name inside the argument of an accent or a font."""
        if self.token.kind != "{":
            if self.token.kind == "number":
                raise self.unexpected(what)
            return self.bare_name()
        begin, end = self.place, matching(self.tokens, self.place)
        self.next()
        inside = self.tokens[begin + 1 : end]
        if len(inside) > 1 and all(token.kind == "letter" for token in inside):
            self.place = end + 1
            return Name(inside[0].at, ("".join(token.text for token in inside),), word=True)
        if not self.starts_name():
            raise self.unexpected(what)
        name = self.name()
        self.expect("}", "", "} after one name")
        return name

    def attached(self, name: Name) -> Name:
        """`name` with the subscripts, primes and marks that follow it."""
        while True:
            if self.token.kind == "_":
                self.next()
                name = self._at_step(replace(name, units=(*name.units, *self.units())))
            elif self.token.kind == "'":
                self.next()
                name = replace(name, primes=name.primes + 1)
            elif self.token.kind == "^":
                changed = self._mark(name)
                if changed is None:
                    return name
                name = changed
            else:
                return name

    def _at_step(self, name: Name) -> Name:
        """`name` with the subscripts that count steps taken into it: h_{t-1} is a name of its own."""
        steps = self.shared.vocabulary.steps
        if not steps:
            return name
        units = []
        for unit in name.units:
            suffix = _spelled_step(unit, steps)
            if suffix:
                name = replace(name, names=tuple(f"{each}_{suffix}" for each in name.names))
            else:
                units.append(unit)
        return replace(name, units=tuple(units))

    def _mark(self, name: Name) -> Name | None:
        r"""`name` with a superscript that is no power: ``^*``, ``^\prime``, ``^{(l)}``; None for a power."""
        begin = self.place + 1
        if self.tokens[begin].kind == "{":
            end = matching(self.tokens, begin)
            inside = self.tokens[begin + 1 : end]
            after = end + 1
        else:
            inside, after = [self.tokens[begin]], begin + 1
        if not inside:
            return None
        if all(token.is_command("prime") or token.kind == "'" for token in inside):
            self.place = after
            return replace(name, primes=name.primes + len(inside))
        sign_alone = len(inside) == 1 and inside[0].is_op("+", "-") and name.names != ("e",)
        more = after < len(self.tokens)  # the sign for a power may be the last of all
        loose = self.tokens[begin].kind != "{" and more and self.tokens[after].glued
        if sign_alone and not (loose and self.tokens[after].kind in ("letter", "number", "command")):
            # s^+ and s^- are two names; x^-1 lacks its braces.
            self.place = after
            sign = "plus" if inside[0].text == "+" else "minus"
            return replace(name, names=tuple(f"{each}_{sign}" for each in name.names))
        if len(inside) == 1 and inside[0].is_op("*"):
            self.place = after
            return replace(name, star=True)
        layer = self.shared.vocabulary.layers.mark(name.names[0], inside)
        if layer:
            self.place = after
            return replace(name, names=tuple(f"{each}{layer}" for each in name.names))
        turned = (inside[-1].kind == "letter" and inside[-1].text == "T") or inside[-1].is_command("top")
        if turned and inside[0].kind == "open" and matching(inside, 0) == len(inside) - 2:  # W^{(1)T}
            power = replace(inside[0], kind="^", text="^")
            self.tokens[after:after] = [power, inside[-1]]
            inside = inside[:-1]
        closing = {"(": ")", "[": "]"}.get(inside[0].text)
        if inside[0].kind == "open" and inside[-1].text == closing and len(inside) > 2:
            if name.tag is not None:
                raise self.error(inside[0], "a second superscript in parentheses: one is enough")
            middle = inside[1:-1]
            units = self._chunk(middle)
            euler = name.names == ("e",) and "e" not in self.shared.vocabulary.names
            if len(units) == 1 and not isinstance(units[0], Opaque) and not euler:
                self.place = after
                step = _spelled_step(units[0], self.shared.vocabulary.steps)
                if step:
                    return replace(name, names=tuple(f"{each}_{step}" for each in name.names))
                return replace(name, tag=units[0])
        return None

    def units(self) -> tuple[Unit, ...]:
        """The parts of a subscript."""
        token = self.token
        inside = self.argument("a subscript")
        found: list[Unit] = []
        for chunk in split(inside, (",", ";")):
            if not chunk:
                raise self.error(
                    token, "expected an index between the commas of this subscript, found nothing"
                )
            found += self._chunk(chunk)
        return tuple(found)

    def letters_of(self, tokens: list[Token]) -> list[Name] | None:
        """The names that `tokens` are, side by side; None where they hold anything else."""
        parser = NameParser(tokens, self.shared)
        found: list[Name] = []
        while not parser.at_end:
            if not parser.starts_name():
                return None
            found.append(parser.name())
        return found

    def _chunk(self, tokens: list[Token]) -> tuple[Unit, ...]:
        """The parts of a subscript between commas: letters side by side, or one thing that is no letter."""
        parser = NameParser(tokens, self.shared)
        found: list[Unit] = []
        while not parser.at_end:
            token = parser.token
            if token.kind == "number" and token.text.isdecimal():
                parser.next()
                found.append(Numeral(token.at, token.text))
            elif parser.starts_name():
                found.append(parser.name())
            elif token.is_op("*", "·") or (token.kind == ":" and len(tokens) == 1):
                parser.next()
                found.append(Opaque(token.at, ":"))  # a whole axis: X_{i,:} and W_{\cdot j}
            elif token.kind == "{":
                self.enter()
                found += parser.units()
                self.leave()
            else:
                begin, end = tokens[0].at, tokens[-1].end
                shift = NameParser(tokens, self.shared)._shift()
                text = self.written(begin, end)
                return (Opaque(begin, text) if shift is None else Shifted(begin, text, shift),)
        return tuple(found)

    def _shift(self) -> Syntax | None:
        """A sum of letters, each perhaps some whole number of times, and of whole numbers; else None."""
        at = self.token.at
        terms: list[tuple[bool, Syntax]] = []
        while not self.at_end:
            minus = self.token.is_op("-")
            if self.token.is_op("+", "-"):
                self.next()
            elif terms:
                return None
            factors: list[tuple[str, Syntax]] = []
            if self.token.kind == "number" and self.token.text.isdecimal():
                factors.append(("", Numeral(self.token.at, self.token.text)))
                self.next()
            if not self.at_end and self.starts_name():
                factors.append(("", self.name()))
            if not factors:
                return None
            terms.append((minus, factors[0][1] if len(factors) == 1 else Factors(at, tuple(factors))))
        return Terms(at, tuple(terms))


def _is_of_name(token: Token) -> bool:
    """Whether a token is digits right after what stands before it, as in W1."""
    return token.kind == "number" and token.glued and token.text.isdecimal()


def _spelled_step(unit: Unit, steps: frozenset[str]) -> str:
    """A subscript that counts steps, as a part of a name; nothing for any other."""
    match unit:
        case Name(_, (letter,), ()) if letter in steps:
            return letter
        case Shifted(_, text, _) if len(unit.names()) == 1 and unit.names()[0].names[0] in steps:
            signs = text.strip("'\"").replace("-", " minus ").replace("+", " plus ")
            spelled = "_".join(re.findall(r"[A-Za-z0-9]+", signs))
            return spelled
        case _:
            return ""
