"""What is positive, or never negative, whatever the entries are."""

from __future__ import annotations

from symderiv.expression.nodes import (
    Add,
    Call,
    Expression,
    Extremum,
    Multiply,
    Number,
    Power,
    Product,
    Size,
    Sum,
)


def is_positive(node: Expression) -> bool:
    """Whether `node` is above zero wherever it is defined, for all real values of the entries."""
    match node:
        case Number(value):
            return value > 0
        case Size() | Call("exp" | "sigmoid" | "cosh" | "softplus" | "pi", _):
            return True
        case Call("sqrt", (argument,)):
            return is_positive(argument)
        case Power(base, _):
            return is_positive(base)
        case Add(parts):
            return any(map(is_positive, parts)) and all(map(is_not_negative, parts))
        case Multiply(parts):
            return all(map(is_positive, parts))
        case Sum(_, body, None) | Product(_, body, _) | Extremum(_, _, body):
            return is_positive(body)
        case _:
            return False


def is_not_negative(node: Expression) -> bool:
    """Whether `node` is zero or above wherever it is defined, for all real values of the entries."""
    match node:
        case Number(value):
            return value >= 0
        case Call("sqrt" | "abs" | "relu" | "step", _):
            return True
        case Power(_, Number(value)) if value.denominator == 1 and value % 2 == 0:
            return True
        case Power(base, _):
            return is_not_negative(base)
        case Add(parts) | Multiply(parts):
            return all(map(is_not_negative, parts))
        case Sum(_, body, _) | Product(_, body, _) | Extremum(_, _, body):
            return is_not_negative(body)
        case _:
            return is_positive(node)
