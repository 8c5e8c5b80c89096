r"""Letters that count steps: with ``h_t = \tanh(w h_{t-1})``, h_t and h_{t-1} are two quantities.

A name that is made of itself one step before or after, in one equation or in several (``z_l = w_l a_{l-1}``
and ``a_l = f(z_l)``), is no array over an axis: at its first step there would be nothing to begin with. So
each step of it, and of all that stands beside it, is a name of its own, ``h_t`` and ``h_t_minus_1``. A
letter with a step in a bracket above, ``a^{(l-1)}``, counts layers in the same way. A letter that something
is summed over counts places and not steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
    made: dict[str, dict[str, set[str]]] = {}  # for each letter, what each name is made of
    moved: dict[str, set[tuple[str, str]]] = {}  # of that, what stands at another step
    for equation in found:
        if equation.continues or len(equation.sides) < 2:
            continue
        names = [name for side in equation.sides[1:] for name in _names(side, shared)]
        for own in _names(equation.sides[0], shared) if _is_alone(equation.sides[0], shared) else ():
            if known.array(own) is not None:
                continue
            for letter in filter(None, map(_letter, _places(own))):
                for other in names:
                    steps = {_step(place) for place in _places(other) if _letter(place) == letter}
                    if steps:
                        made.setdefault(letter, {}).setdefault(own.names[0], set()).add(other.names[0])
                    if steps - {_step(place) for place in _places(own)}:
                        moved.setdefault(letter, set()).add((own.names[0], other.names[0]))
    for letter, pairs in moved.items():
        if any(_reaches(made[letter], other, own) for own, other in pairs):
            letters.add(letter)
    above = (name.tag for each in found for side in each.sides for name in _names(side, shared))
    letters |= {_letter(tag) for tag in above if isinstance(tag, Shifted)} - {""}
    return frozenset(letters - set(known.letters) - _summed(found))


def _reaches(made: Mapping[str, set[str]], name: str, wanted: str) -> bool:
    """Whether a name is another, or is made of it in any number of definitions."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        one = todo.pop()
        if one == wanted:
            return True
        if one not in seen:
            seen.add(one)
            todo += made.get(one, ())
    return False


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
