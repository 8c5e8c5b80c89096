"""One-place mistakes in formulas: signs, factors, indices, deltas, transpositions, lost sums and factors."""

from collections.abc import Iterator

from symderiv.check.repairs import with_bound
from symderiv.expression.construct import add, multiply, negate, number, power
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    Add,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Sum,
)
from symderiv.expression.traverse import children, replace_at


def mutants(formula: Expression, letters: tuple[Index, ...]) -> Iterator[tuple[str, Expression]]:
    """Every formula that one mistake makes of `formula`, with the word for the mistake."""
    yield "sign", negate(formula)
    yield "constant factor", multiply(number(2), formula)
    for path, node, bound in with_bound(formula):
        if not isinstance(node, Derivative):
            for word, changed in _mutants_of(node, letters, bound):
                in_power = any(
                    isinstance(part, Power) and place == 1 for part, place in _steps(formula, path)
                )
                yield ("wrong exponent" if in_power else word), replace_at(formula, path, changed)


def _steps(formula: Expression, path: tuple[int, ...]) -> Iterator[tuple[Expression, int]]:
    """The parts that a path goes through, each with the place at which it goes on."""
    for place in path:
        yield formula, place
        formula = children(formula)[place]


def _mutants_of(
    node: Expression, letters: tuple[Index, ...], bound: tuple[Index, ...]
) -> Iterator[tuple[str, Expression]]:
    match node:
        case Add(terms):
            for place, term in enumerate(terms):
                before, after = terms[:place], terms[place + 1 :]
                yield "sign", add(*before, negate(term), *after)
                yield "wrong term", add(*before, *after)
                yield "constant factor", add(*before, multiply(number(2), term), *after)
        case Delta():
            yield "delta dropped", number(1)
        case Entry(array, indices):
            if len(indices) == 2 and indices[0] != indices[1] and node_is_square(node):
                yield "transposed matrix", Entry(array, indices[::-1])
            for place, old in enumerate(indices):
                for other in (*letters, *bound):
                    if isinstance(old, Index) and other != old and other.axis == old.axis:
                        yield "swapped index", Entry(array, (*indices[:place], other, *indices[place + 1 :]))
        case Sum(index, body):
            for other in letters:
                if other.axis == index.axis:
                    yield "inner sum dropped", rename(body, {index: other})
        case Multiply(factors):
            for place, factor in enumerate(factors):
                if not isinstance(factor, Number):
                    word = "delta dropped" if isinstance(factor, Delta) else "chain factor lost"
                    yield word, multiply(*factors[:place], *factors[place + 1 :])
        case Power(base, Number(value)):
            word = "chain factor lost" if value == -1 else "wrong exponent"
            yield word, power(base, number(value + 1))


def node_is_square(entry: Entry) -> bool:
    """Whether the two places of an entry are letters on one axis."""
    one, other = entry.indices
    return isinstance(one, Index) and isinstance(other, Index) and one.axis == other.axis


#: Other words that say the same of a mistake: a sum that is lost leaves an index that is in another place.
ALSO_RIGHT = {
    "swapped index": ("diagonal only", "off-diagonal only", "inner sum dropped", "transposed matrix"),
    "inner sum dropped": ("diagonal only", "off-diagonal only", "swapped index", "transposed matrix"),
    "transposed matrix": ("diagonal only", "off-diagonal only", "swapped index", "inner sum dropped"),
    "delta dropped": ("diagonal only",),
    "wrong term": ("sign", "diagonal only", "off-diagonal only", "chain factor lost", "delta dropped"),
    "chain factor lost": ("size factor", "wrong exponent"),
    "wrong exponent": ("sign",),
}
