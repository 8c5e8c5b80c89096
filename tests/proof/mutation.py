"""Formulas changed in one place: what a slip of the pen makes of them."""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.expression.construct import add, multiply, negate, number, power
from symderiv.expression.indices import free_indices, rename_term
from symderiv.expression.nodes import (
    Add,
    Call,
    Delta,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Size,
    Sum,
)
from symderiv.expression.traverse import Path, at, replace_at, walk

_OTHER_FUNCTION = {
    "exp": "cosh",
    "sin": "cos",
    "cos": "sin",
    "sigmoid": "tanh",
    "tanh": "sigmoid",
    "log": "exp",
}


def mutants(form: Expression) -> Iterator[Expression]:
    """The form with a sign, factor, index, δ, exponent, number, sum or function changed, once each."""
    yield negate(form)
    yield multiply(number(2), form)
    yield add(form, number(1))
    for path, part in walk(form):
        for changed in _changes(part, _letters_at(form, path)):
            if changed != part:
                yield replace_at(form, path, changed)


def _letters_at(form: Expression, path: Path) -> list[Index]:
    """The free letters of a form, and those of the sums around one of its parts."""
    around = [at(form, path[:depth]) for depth in range(len(path) + 1)]
    letters = [*free_indices(form), *(node.index for node in around if isinstance(node, Sum))]
    return list(dict.fromkeys(letters))


def _changes(part: Expression, letters: list[Index]) -> Iterator[Expression]:
    match part:
        case Number(value):
            yield Number(value + 1)
            yield Number(-value)
        case Size():
            yield number(1)
            yield add(part, number(-1))
        case Delta(left, right):
            yield number(0)
            yield number(1)
            yield from (
                Delta(left, other) for other in letters if isinstance(right, Index) and _fits(other, right)
            )
        case Add(terms):
            for place, term in enumerate(terms):
                rest = (*terms[:place], *terms[place + 1 :])
                yield add(*rest)
                yield add(*rest, negate(term))
        case Multiply(factors):
            for place, factor in enumerate(factors):
                if not isinstance(factor, Number):
                    rest = (*factors[:place], *factors[place + 1 :])
                    yield multiply(*rest)
                    yield multiply(*rest, power(factor, 2))
                    yield multiply(*rest, power(factor, -1))
        case Power(base, Number(exponent)):
            yield Power(base, Number(exponent + 1))
            yield Power(base, Number(-exponent))
        case Sum(index, body, condition):
            yield from _picked(body, index, letters)
            if condition is not None:
                yield Sum(index, body)
        case Call(function, arguments) if function in _OTHER_FUNCTION:
            yield Call(_OTHER_FUNCTION[function], arguments)
        case Entry(array, indices):
            for place, term in enumerate(indices):
                for other in letters:
                    if isinstance(term, Index) and _fits(other, term):
                        moved = tuple(
                            rename_term(each, {term: other}) if spot == place else each
                            for spot, each in enumerate(indices)
                        )
                        yield Entry(array, moved)


def _fits(other: Index, index: Index) -> bool:
    return other.axis == index.axis and other != index


def _picked(body: Expression, index: Index, letters: list[Index]) -> Iterator[Expression]:
    """One term of a sum instead of all."""
    from symderiv.expression.indices import rename

    for other in letters:
        if _fits(other, index):
            yield rename(body, {index: other})
            return
