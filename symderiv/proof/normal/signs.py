"""What is positive whatever the entries are."""

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
    """Whether `node` is positive wherever it is defined, for all real values of the entries."""
    match node:
        case Number(value):
            return value > 0
        case Size() | Call("exp" | "sqrt" | "sigmoid" | "cosh" | "softplus" | "pi", _):
            return True
        case Power(_, Number(value)) if value.denominator == 1 and value % 2 == 0:
            return True
        case Power(base, _):
            return is_positive(base)
        case Add(parts) | Multiply(parts):
            return all(is_positive(part) for part in parts)
        case Sum(_, body, _) | Product(_, body, _) | Extremum(_, _, body):
            return is_positive(body)
        case _:
            return False
