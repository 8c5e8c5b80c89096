r"""Letters that count steps: with ``h_t = \tanh(w h_{t-1})``, h_t and h_{t-1} are two quantities.

A name that an equation defines by itself one step before or after is no array over an axis: at its first
step there would be nothing to begin with. So each step of it, and of all that stands beside it, is a name of
its own, ``h_t`` and ``h_t_minus_1``. A letter that something is summed over counts places and not steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex.cursor import Shared
from symderiv.notation.tex.equations import Equation
from symderiv.notation.tex.name_parser import NameParser
from symderiv.notation.tex.reading import vocabulary
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import Name, Shifted, Unit
from symderiv.notation.tex.tokens import Token, matching


def step_letters(known: Scope, found: Sequence[Equation], source: Source) -> frozenset[str]:
    """The letters that count steps in some equations."""
    shared = Shared(source, vocabulary(known, None))
    letters: set[str] = set()
    for equation in found:
        if equation.continues or len(equation.sides) < 2:
            continue
        left = [each for each in _names(equation.sides[0], shared) if _is_alone(equation.sides[0], shared)]
        for own in left:
            if known.array(own) is not None:
                continue
            for other in (name for side in equation.sides[1:] for name in _names(side, shared)):
                if other.names == own.names:
                    letters |= set(_moved(own, other))
    return frozenset(letters - set(known.letters) - _summed(found))


def _is_alone(side: Sequence[Token], shared: Shared) -> bool:
    parser = NameParser(side, shared)
    if not side or not parser.starts_name():
        return False
    parser.name()
    return parser.at_end


def _names(side: Sequence[Token], shared: Shared) -> Iterator[Name]:
    parser = NameParser(side, shared)
    while not parser.at_end:
        begin = parser.place
        try:
            found = parser.name() if parser.starts_name() else None
        except NotationError:  # \mathbf 1, say
            found = None
        if found is None:
            parser.place = begin + 1
        else:
            yield found


def _moved(one: Name, other: Name) -> Iterator[str]:
    """The letters of subscripts that are another number of steps on in the other name."""
    for first, second in zip(_places(one), _places(other), strict=False):
        if _step(first) != _step(second) and _letter(first) == _letter(second) != "":
            yield _letter(first)


def _places(name: Name) -> tuple[Unit, ...]:
    return (*name.units, *((name.tag,) if name.tag is not None else ()))


def _letter(unit: Unit) -> str:
    if isinstance(unit, Shifted) and len(unit.names()) == 1:
        unit = unit.names()[0]
    return unit.names[0] if isinstance(unit, Name) and not unit.units else ""


def _step(unit: Unit) -> str:
    return unit.text if isinstance(unit, Shifted) else ""


def _summed(found: Sequence[Equation]) -> set[str]:
    """The letters below sum signs."""
    letters: set[str] = set()
    for equation in found:
        for side in equation.sides:
            tokens = list(side)
            for place, token in enumerate(tokens[:-2]):
                if token.is_command("sum", "prod") and tokens[place + 1].kind == "_":
                    group = tokens[place + 2].kind == "{"
                    end = matching(tokens, place + 2) if group else place + 3
                    letters |= {each.text for each in tokens[place + 2 : end] if each.kind == "letter"}
    return letters
