"""The names that formulas define, found by their tokens: before that, letters side by side are a product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symderiv.notation.errors import Source
from symderiv.notation.tex import commands as known_commands
from symderiv.notation.tex.cursor import Shared, Vocabulary, in_one_line
from symderiv.notation.tex.equations import Equation
from symderiv.notation.tex.layers import layers_of
from symderiv.notation.tex.name_parser import NameParser
from symderiv.notation.tex.reading import (
    vocabulary,
)
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.spelled import (
    bracketed_names,
    differentials,
    is_of_policy,
    name_with_letters_above,
    without_log,
)
from symderiv.notation.tex.syntax import Name
from symderiv.notation.tex.tokens import Token, matching
from symderiv.notation.tex.uses import plain

#: Functions of matrices, which no document defines anew: tr(AB) = tr(BA) says something of them.
_OF_MATRICES = frozenset({"tr", "det", "logdet", "diag"})


def letters_in_subscripts(tokens: Sequence[Token]) -> set[str]:
    """The single letters that stand in a subscript somewhere."""
    letters: set[str] = set()
    for place, token in enumerate(tokens[:-1]):
        if token.kind == "_":
            group = tokens[place + 1].kind == "{"
            end = matching(list(tokens), place + 1) if group else place + 2
            letters |= {each.text for each in tokens[place + 1 : end] if each.kind == "letter"}
    return letters


def definitions_in_turn(
    known: Scope, found: Sequence[Equation], source: Source, turned: bool = False
) -> list[Equation]:
    r"""The equations, ``f(x) = \sigma(x) = ...`` as two: f is sigma, and sigma is what follows.

    Both names must be new: neither is declared, defined by another equation, or used in what follows.
    Where it may be `turned`, a new name on the right of an equation is defined, too, as documents do.
    """
    shared = Shared(source, vocabulary(known, None))
    found = _with_names_at_ends(known, found, shared)
    if turned:
        found = _turned_round(known, found, shared)
    alone = [_new_name(side, shared) for each in found for side in each.sides[:1] if len(each.sides) > 1]
    result: list[Equation] = []
    for equation in found:
        rest = equation
        while len(rest.sides) > 2 and not rest.continues:
            first, second = (_new_name(side, shared) for side in rest.sides[:2])
            after = rest.sides[2]
            taken = {*known.declared(), *alone}
            if not first or not second or first == second or second in taken:
                break
            if first in known.declared() or _occurs(rest.sides[1], after):
                break
            result.append(Equation(rest.sides[:2], rest.conditions))
            rest = Equation(rest.sides[1:], rest.conditions)
        result.append(rest)
    return result


def _with_names_at_ends(known: Scope, found: Sequence[Equation], shared: Shared) -> list[Equation]:
    r"""The equations, and ``\partial E / \partial u_j = y_j - t_j = e_j`` with a new e as a definition too.

    Such a name stands at the end of a chain: it is not declared, no equation begins with it, and it does
    not occur before. A formula must stand before its chain: what comes later is not new.
    """
    lefts = [_new_name(each.sides[0], shared) for each in found if len(each.sides) > 1 and each.sides[0]]
    taken = {*known.declared(), *lefts}
    seen: set[tuple[str, str]] = set()
    result: list[Equation] = []
    for equation in found:
        signs = {(token.kind, token.text) for side in equation.sides[:-1] for token in side}
        last = equation.sides[-1] if equation.sides else []
        name = _new_name(last, shared) if len(equation.sides) > 2 and not equation.conditions else ""
        base = next(((token.kind, token.text) for token in last if token.kind in ("letter", "command")), None)
        new = name and name not in taken and base not in seen | signs and base != ("command", "frac")
        if new and seen and _is_derivative(equation.sides[0]):
            result += [
                Equation(equation.sides[:-1], equation.conditions, equation.continues),
                Equation([last, equation.sides[-2]]),
            ]
            taken.add(name)
        else:
            result.append(equation)
        seen |= signs | {(token.kind, token.text) for token in last}
    return result


def _turned_round(known: Scope, found: Sequence[Equation], shared: Shared) -> list[Equation]:
    r"""The equations, with ``\log v = s`` as a definition of s where s is new: of any s it would be false.

    The name is not declared, no equation begins with it and it does not stand before; the left side is no
    name, which would be defined itself, and no derivative, of which something can be claimed wrongly.
    """
    lefts = {_new_name(each.sides[0], shared) for each in found if len(each.sides) > 1 and each.sides[0]}
    seen: set[tuple[str, str]] = set()
    result: list[Equation] = []
    for equation in found:
        signs = {(token.kind, token.text) for side in equation.sides for token in side}
        if len(equation.sides) == 2 and not equation.continues and all(equation.sides):
            left, right = equation.sides
            letter = len(right) == 1 and right[0].kind in ("letter", "command")
            name = _new_name(right, shared) if letter else ""
            new = name and name not in {*known.declared(), *lefts}
            inside = {(token.kind, token.text) for token in left}
            stands = (right[0].kind, right[0].text) in seen | inside
            apart = any(token.is_command("partial", "nabla", "frac") or token.text == "'" for token in left)
            if new and not stands and not apart and not _new_name(left, shared) and name != "pi":
                equation = replace(equation, sides=[right, left])
        seen |= signs
        result.append(equation)
    return result


def _is_derivative(side: Sequence[Token]) -> bool:
    return any(token.is_command("partial", "nabla") for token in side[:3])


def primed_functions(
    known: Scope, found: Sequence[Equation], symbols: Mapping[str, str] | None, source: Source
) -> list[str]:
    r"""The names that stand with primes before a bracket, as in ``g'(z_j)``, and that nothing defines.

    They are functions of which nothing is known but that they are differentiable.
    """
    shared = Shared(source, vocabulary(known, symbols))
    lefts = [each.sides[0] for each in found if len(each.sides) > 1 and not each.continues]
    defined = {_new_name(side, shared) for side in lefts if not _has_primes(side)}
    names: dict[str, None] = {}
    for equation in found:
        for side in (*equation.sides, *equation.conditions):
            parser = NameParser(side, shared)
            while not parser.at_end:
                token = parser.token
                primed = token.kind in ("letter", "command") and parser.starts_name()
                if not primed or token.is_command("sigma", *known_commands.FONTS, *known_commands.ACCENTS):
                    parser.next()
                    continue
                name = parser.name()
                own = plain(replace(name, primes=0, units=()))
                called = parser.token.kind == "open" and parser.token.text == "("
                if name.primes and called and not name.units and own not in {*known.declared(), *defined}:
                    names.setdefault(own)
    return list(names)


def _has_primes(side: Sequence[Token]) -> bool:
    return any(token.kind == "'" for token in side)


def _new_name(side: Sequence[Token], shared: Shared) -> str:
    """The name that a side such as ``a``, ``a_i`` or ``f(x)`` consists of, or nothing."""
    parser = NameParser(side, shared)
    if not side or not parser.starts_name():
        return ""
    name = parser.name()
    if name.primes or name.star:
        return ""
    if parser.at_end:
        return plain(replace(name, units=())) if name.units else plain(name)
    return _called(side, shared)


def _occurs(side: Sequence[Token], tokens: Sequence[Token]) -> bool:
    return any((token.kind, token.text) == (side[0].kind, side[0].text) for token in tokens)


def vocabulary_of(
    known: Scope, found: Sequence[Equation], symbols: Mapping[str, str] | None, source: Source
) -> Vocabulary:
    """The declared names, and those that stand alone on the left of an equation."""
    words: set[str] = set()
    functions: set[str] = set()
    declared = vocabulary(known, symbols)
    declared = replace(
        declared,
        layers=layers_of([side for each in found for side in (*each.sides, *each.conditions)]),
        policy="pi" not in declared.names and any(map(is_of_policy, found)),
    )
    raised = _raised_names(found, source, declared)
    for equation in found:
        if equation.continues or len(equation.sides) < 2 or not equation.sides[0]:
            continue
        word = _leading_word(equation.sides[0])
        if word and (word in declared.names or not declared.names.issuperset(word)):
            words.add(word)
        if [token.text for token in in_one_line(equation.sides[0])] == ["e"] and not _has_euler(found):
            words.add("e")
        own = any(token.is_command("sigma") for side in equation.sides[1:] for token in side)
        if own and equation.sides[0][0].is_command("sigma"):
            continue  # sigma(x) = 1 - sigma(-x) says something of the sigmoid
        called = _called(equation.sides[0], Shared(source, replace(declared, names=declared.names | words)))
        if called:
            functions.add(called)

    applied = "sigma" not in declared.names | words | functions and _is_sigmoid(found)

    def calls(name: Name, inside: Sequence[Token]) -> bool:
        own = plain(replace(name, primes=0))
        if own in functions and _is_product(name, inside):
            return False
        return (
            own in functions
            or own.removesuffix("_dot").removesuffix("_dot") in functions
            or known.calls(name, inside)
        )

    if _is_variable("sigma", found):
        words.add("sigma")
    # A function that is defined here is declared too: sigma(x) = ... is then no sigmoid.
    differences = differentials(found, declared.names | declared.sizes)
    symbols_found = (*declared.symbols, *raised, *bracketed_names(found), *differences)
    names = declared.names | words | functions
    turned = "t" not in names and _is_turned_by_t(found)
    return replace(
        declared, names=names, symbols=symbols_found, calls=calls, sigmoid=applied,
        functions=frozenset(functions), digamma="psi" not in names and _is_gamma(found),
        turned_by_t=turned, policy="pi" not in names and any(map(is_of_policy, found)),
    )  # fmt: skip


def _is_sigmoid(found: Sequence[Equation]) -> bool:
    """Whether sigma is applied in every formula, but for derivatives of it, and defined by none."""
    applied = False
    for side in (side for each in found for side in each.sides):
        if side and side[0].is_command("sigma") and (len(side) == 1 or side[1].kind != "open"):
            return False
        for place, token in enumerate(side):
            if not token.is_command("sigma"):
                continue
            following = side[place + 1] if place + 1 < len(side) else token
            before = (
                side[max(0, place - 3) : place] if side[place - 1].text == "2" else side[place - 1 : place]
            )
            below = place > 1 and side[place - 2].is_command("frac")  # \frac1\sigma (...)
            if following.kind == "open" and following.text == "(" and not below:
                applied = True
            elif following.kind != "}" or not {"partial", "d"} & {each.text for each in before}:
                return False
    return applied


def _is_gamma(found: Sequence[Equation]) -> bool:
    """Whether the gamma function stands in some formula."""
    return any(
        token.is_command("Gamma") and side[place + 1].kind == "open"
        for each in found
        for side in each.sides
        for place, token in enumerate(side[:-1])
    )


def _is_variable(letter: str, found: Sequence[Equation]) -> bool:
    r"""Whether derivatives are taken by a Greek letter, none of it: ``\sigma(a + b)`` is then a product."""
    by = False
    for side in (side for each in found for side in each.sides):
        for place, token in enumerate(side):
            if place and token.is_command(letter) and side[place - 1].text in ("partial", "d"):
                below = place > 2 and [each.kind for each in side[place - 3 : place - 1]] == ["}", "{"]
                if not below:
                    return False
                by = True
    return by


def _has_euler(found: Sequence[Equation]) -> bool:
    """Whether e is raised to something other than 2 or a transposition somewhere."""
    for equation in found:
        for side in equation.sides:
            for place, token in enumerate(side[:-2]):
                if (token.kind, token.text, side[place + 1].kind) == ("letter", "e", "^"):
                    group = side[place + 2].kind == "{"
                    end = matching(list(side), place + 2) if group else place + 3
                    above = [each.text for each in side[place + 2 + group : end]]
                    if above not in (["2"], ["T"], ["top"]):
                        return True
    return False


def _is_turned_by_t(found: Sequence[Equation]) -> bool:
    """Whether t is only ever a power by itself, of a factor before a capital letter or of one: x^t A x."""
    matrices = False
    for side in (side for each in found for side in (*each.sides, *each.conditions)):
        tokens = [token for token in side if token.kind not in ("{", "}")]
        for place, token in enumerate(tokens):
            if (token.kind, token.text) != ("letter", "t") or (
                token.glued and tokens[place - 1].kind == "letter"
            ):
                continue
            if place < 2 or tokens[place - 1].kind != "^":
                return False
            around = tokens[place + 1 : place + 2]
            if around and around[0].kind in ("letter", "open"):
                base = tokens[place - 2]
                matrices |= any(one.kind == "letter" and one.text.isupper() for one in (base, *around))
    return matrices


def _is_product(name: Name, inside: Sequence[Token]) -> bool:
    """Whether the bracket after a function holds the function itself without argument: f (1 - f)."""
    return any(
        token.text in name.names and token.kind in ("letter", "command")
        and not (place + 1 < len(inside) and inside[place + 1].kind in ("open", "_"))
        for place, token in enumerate(inside)
    )  # fmt: skip


def _leading_word(side: Sequence[Token]) -> str:
    """The letters without space between them that a left side begins with, if they are one name."""
    word = ""
    side = side[1:] if side and side[0].kind == "{" else side
    if side and side[0].kind == "word" and " " not in side[0].text:
        word = side[0].text  # \mathrm{std}: the letters std are that name too
        return "" if len(word) < 2 or word in known_commands.FUNCTION_WORDS else word
    for place, token in enumerate(side):
        if token.kind == "letter" and (token.glued or not place):
            word += token.text
            continue
        if token.kind not in ("_", "open", "'"):
            return ""
        break
    if place == len(side) - 1 and side[place].kind == "letter" and len(word) > 1:
        return word  # LSE = ...: alone it is a name, whatever it is before a bracket
    called = word == "KL" and side[len(word) : len(word) + 1] and side[len(word)].kind == "open"
    single = len(word) < 2 or word in known_commands.FUNCTION_WORDS or word in ("max", "min") or called
    return "" if single else word


def _called(side: Sequence[Token], shared: Shared) -> str:
    """The name of a function that a left side such as ``f(x)`` or ``\\log f(x)`` defines."""
    parser = NameParser(without_log(side), shared)
    if not parser.starts_name():
        return ""
    name = parser.name()
    if (
        plain(name) in known_commands.FUNCTION_WORDS
        and known_commands.FUNCTION_WORDS[plain(name)] in _OF_MATRICES
    ):
        return ""
    if parser.token.kind != "open" or parser.token.text != "(" or name.primes:
        return ""
    end = matching(parser.tokens, parser.place)
    if end < 0 or plain(name).endswith("_dot"):
        return ""
    of_two = plain(name).endswith("KL") and any(token.kind == "bar" for token in parser.tokens)
    parser.place = end + 1
    if parser.token.kind == "_":  # f(z)_i, an entry of the value
        parser.next()
        parser.units()
    return "" if of_two or not parser.at_end else plain(name)


def _raised_names(
    found: Sequence[Equation], source: Source, declared: Vocabulary
) -> list[tuple[tuple[tuple[str, str], ...], str]]:
    r"""New names with a letter above, as in ``z^l = ...`` and ``\delta^h_t = ...``: signs and names."""
    spellings = []
    summed = _summed_letters(found)
    for equation in found:
        if equation.continues or len(equation.sides) < 2 or not equation.sides[0]:
            continue
        own = _without_places(equation.sides[0], summed)
        spelled = name_with_letters_above(NameParser(own, Shared(source, declared))) or _difference(own)
        if not spelled:
            continue
        signs = tuple(
            (token.kind, token.text) for token in in_one_line(own) if token.kind not in ("{", "}", "stop")
        )
        spellings.append((signs, spelled))
    return spellings


def _without_places(side: Sequence[Token], letters: set[str]) -> Sequence[Token]:
    """A side such as ``y^{LS}_k`` without its last subscript, where that holds a summed letter."""
    place = max((place for place, token in enumerate(side) if token.kind == "_"), default=0)
    above = any(token.kind == "^" for token in side[:place])
    return side[:place] if above and any(token.text in letters for token in side[place + 1 :]) else side


def _difference(side: Sequence[Token]) -> str:
    r"""The name of a difference that a side such as ``\Delta s`` consists of, or nothing."""
    if len(side) == 2 and side[0].is_command("Delta") and side[1].kind in ("letter", "command"):
        return f"Delta_{side[1].text}"
    return ""


def _summed_letters(found: Sequence[Equation]) -> set[str]:
    """The letters below sum signs."""
    letters: set[str] = set()
    for side in (side for equation in found for side in equation.sides):
        for place, token in enumerate(side[:-2]):
            if token.is_command("sum", "prod") and side[place + 1].kind == "_":
                end = matching(list(side), place + 2) if side[place + 2].kind == "{" else place + 3
                letters |= {each.text for each in side[place + 2 : end] if each.kind == "letter"}
    return letters
