r"""Names that equations define by something made of them: ``\sigma^2 = ...`` and ``\log p(x) = ...``.

A square defines its positive root, ``\sigma = \sqrt{...}``, or what is squared on the other side too; a
logarithm defines the exponential, ``p(x) = \exp(...)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.scope import Scope
from symderiv.notation.tex.syntax import Applied, Bracket, Called, Name, Numeral, Raised, Root, Syntax, Terms
from symderiv.notation.tex.uses import plain, value_names


def roots_of(known: Scope, parsed: Sequence[Parsed], notes: dict[str, int]) -> Mapping[int, Parsed]:
    """For each equation that defines a square or a logarithm, the one that defines the name in it."""
    alone = {_own(left) for left in _lefts(parsed)}
    found: dict[int, Parsed] = {}
    for number, each in enumerate(parsed):
        if each.continues or each.conditions or len(each.sides) < 2:
            continue
        name, body, told = _inverted(each.sides[0], each.sides[1])
        if name is None or body is None:
            continue
        head = name.name if isinstance(name, Called) else name
        if head.names[0] in ("e", "pi") and not head.units:
            continue
        own = _own(name)
        inside = {plain(replace(part, units=())) for part in value_names(each.sides[1])}
        if head.primes or own in alone or own in inside or _is_known(known, head):
            continue
        found[number] = Parsed([name, body], [], each.spans[:2], False)
        alone.add(own)
        notes.setdefault(f"{plain(head)} is read as {told}", name.at)
    return found


def _inverted(left: Syntax, right: Syntax) -> tuple[Name | Called | None, Syntax | None, str]:
    """The name that stands in a square or a logarithm, what it is, and that in words."""
    match left, right:
        case Raised(_, Name() as name, Numeral(_, "2")), Raised(_, base, Numeral(_, "2")):
            return name, base, "what is squared on the right"
        case Raised(_, Name() as name, Numeral(_, "2")), _:
            return name, Root(right.at, None, right), "the positive root of what is written"
        case Terms(_, ((True, (Name() | Called()) as name),)), _:
            return name, Terms(right.at, ((True, right),)), "the negative of what is written"
        case Applied(_, "log", (argument,), 0), _:
            inner = argument
            while isinstance(inner, Bracket) and inner.sign in ("{", "(", "[") and len(inner.parts) == 1:
                (inner,) = inner.parts
            if isinstance(inner, Name | Called):
                return inner, Applied(right.at, "exp", (right,)), "the exponential of what is written"
    return None, None, ""


def _is_known(known: Scope, name: Name) -> bool:
    return known.array(name) is not None or known.slope(name) is not None


def _own(left: Name | Called) -> str:
    return plain(replace(left.name if isinstance(left, Called) else left, units=()))


def _lefts(parsed: Sequence[Parsed]) -> list[Name | Called]:
    found = [each.sides[0] for each in parsed if len(each.sides) > 1 and not each.continues]
    return [left for left in found if isinstance(left, Name | Called)]
