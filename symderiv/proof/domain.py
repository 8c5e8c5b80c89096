"""Where an equation is claimed: away from the zeros of its denominators and from its kinks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symderiv.expression.construct import factors_of, subtract
from symderiv.expression.nodes import ZERO, Call, Expression, Extremum, Number, Power, Where
from symderiv.expression.traverse import compared_values, walk
from symderiv.notation.text import to_text
from symderiv.proof.normal import is_positive

_WITH_KINKS = ("relu", "abs", "sign", "step")


def domain(sides: Sequence[Expression], *, kinks: bool = True) -> tuple[str, ...]:
    """What must not be zero for the sides as they are written to have a value, in text.

    With `kinks` this is so for the arguments of functions that have one too, where a slope is claimed.
    """
    return tuple(dict.fromkeys(f"{to_text(node)} ≠ 0" for side in sides for node in _not_zero(side, kinks)))


def _has_extremum(node: Expression) -> bool:
    """Whether the largest of some values stands in a tree: it is equal to one of them everywhere."""
    return any(isinstance(part, Extremum) for _, part in walk(node))


def _is_reciprocal(node: Expression) -> bool:
    """Whether a value is never 0 because it is one over another, or a number."""
    match node:
        case Number(value):
            return value != 0
        case Power(_, Number(exponent)):
            return exponent < 0
        case _:
            return False


def _not_zero(side: Expression, kinks: bool) -> Iterator[Expression]:
    for _, part in walk(side):
        match part:
            case Power(base, Number(exponent)) if exponent < 0 and not is_positive(base):
                yield from (each for each in factors_of(base) if not _is_reciprocal(each))
            case Call(name, (argument,)) if kinks and name in _WITH_KINKS and not is_positive(argument):
                yield argument
            case Where(condition, _, _) if kinks:
                values = compared_values(condition)
                if values and not (condition.operator in ("==", "!=") and any(map(_has_extremum, values))):
                    yield values[0] if values[1] == ZERO else subtract(*values)
            case _:
                pass
