"""Shapes as far as they are known, and what a piece of syntax tells of its own by its letters."""

from __future__ import annotations

from dataclasses import dataclass

from symderiv.notation.tex.axes import Slot
from symderiv.notation.tex.syntax import (
    Applied,
    Bracket,
    Differentiated,
    Factors,
    Name,
    Numeral,
    Raised,
    Ratio,
    Syntax,
    Terms,
    Transposed,
)


@dataclass(frozen=True)
class Shape:
    """The axes of a value, as slots; none for a number.

    `kind` is ``identity`` for I and ``ones`` for a vector of ones, which fit what they meet.
    """

    slots: tuple[Slot, ...] = ()
    row: bool = False
    kind: str = ""

    @property
    def is_array(self) -> bool:
        """Whether this has any axis."""
        return bool(self.slots)

    @property
    def is_column(self) -> bool:
        """Whether this is a vector that stands as a column."""
        return len(self.slots) == 1 and not self.row


NUMBER = Shape()


def bare(node: Syntax) -> Name | None:
    """The name that a factor is, with or without a power or brackets."""
    while True:
        match node:
            case Name():
                return node
            case Bracket(_, "(" | "{", (inside,)):
                node = inside
            case Raised(_, base, exponent) if is_minus_one(exponent):
                node = base
            case _:
                return None


def deciding(node: Syntax) -> Name | None:
    """The name whose letter tells what a value of unknown shape is: the last factor of the first term."""
    match node:
        case Name():
            return node if node.names != ("e",) else None
        case Bracket(_, _, (inside,)):
            return deciding(inside)
        case Terms(_, terms):
            return next((name for _, term in terms if (name := deciding(term)) is not None), None)
        case Factors(_, factors) if all(sign in ("", "*", "×") for sign, _ in factors):
            return deciding(factors[-1][1])
        case Factors(_, factors) if all(sign in ("⊙", "⊘") for sign, _ in factors[1:]):
            return next((name for _, factor in factors if (name := deciding(factor)) is not None), None)
        case Differentiated(_, _, (by,)):
            return deciding(by)
        case Transposed(_, base) | Ratio(_, base, _):
            return deciding(base)
        case Raised(_, base, exponent) if is_minus_one(exponent):
            return deciding(base)
        case Applied(_, _, (argument,)):
            return deciding(argument)
        case _:
            return None


def is_capital(node: Syntax) -> bool:
    """Whether a factor is a name with a capital letter, which stands for a matrix."""
    name = bare(node)
    return name is not None and name.names[0][:1].isupper()


def is_minus_one(exponent: Syntax) -> bool:
    """Whether an exponent is -1, or the -T of a transposed inverse."""
    match exponent:
        case Terms(_, ((True, Numeral(_, "1") | Name(_, ("T",))),)):
            return True
        case _:
            return False


def times_sign(left: Shape, right: Shape) -> Shape:
    """The shape of a product with an identity or with a vector of ones."""
    if left.kind and right.kind:
        return NUMBER if left.row else left
    sign, other = (left, right) if left.kind else (right, left)
    if sign.kind == "identity" or not other.is_array:
        return other if other.is_array else sign
    if sign is left and sign.row:
        return Shape(other.slots[1:], row=len(other.slots) > 1)
    return Shape(other.slots[:-1]) if sign is right and not sign.row else other
