"""What is left of a tree without its index letters, its order and its numbers.

Two trees of which one is the other with letters renamed have one skeleton, so that different
skeletons tell quickly that nothing can be matched.
"""

from __future__ import annotations

from functools import lru_cache

from symderiv.expression.nodes import (
    Call,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Multiply,
    Number,
    Product,
    Size,
    Sum,
)
from symderiv.expression.traverse import children


@lru_cache(maxsize=32768)
def skeleton(node: Expression) -> int:
    """A number for the shape of `node`; the same for every renaming of its letters.

    Numbers do not count: a - b and b - a are one bracket but for the sign, and which of the two is
    written may hang on the letters. Sums in a row may have changed places.
    """
    parts: tuple[Expression, ...] = children(node)
    head: object = ""
    match node:
        case Number():
            return 0
        case Multiply(factors):
            parts = tuple(factor for factor in factors if not isinstance(factor, Number))
            if len(parts) == 1:
                return skeleton(parts[0])
        case Entry(array, _):
            head = array
        case Size(axis):
            head = axis
        case Call(function, _):
            head = function
        case Sum(_, _, None):
            axes = []
            inner: Expression = node
            while isinstance(inner, Sum) and inner.condition is None:
                axes.append(inner.index.axis)
                inner = inner.body
            head, parts = tuple(sorted(axes)), (inner,)
        case Sum(index, _, _) | Product(index, _, _) | Extremum(_, index, _):
            head = index.axis
        case Derivative(_, by):
            head = tuple(entry.array for entry in by)
    return hash((type(node).__name__, head, tuple(sorted(skeleton(part) for part in parts))))
