"""An expression in the inputs alone: definitions written out, derivatives carried out.

This is the plain textbook differentiation, without recording, naming or cleverness. It shares the
table of scalar functions with the engine and nothing else, so that a result of the engine can be
compared with it.
"""

from __future__ import annotations

from collections.abc import Collection

from symderiv.expression.construct import add, multiply, power, subtract
from symderiv.expression.functions import FUNCTIONS, OF_TWO_VALUES, call
from symderiv.expression.indices import all_letters, fresh_index, indices_in_term, rename, rename_bound
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Multiply,
    Number,
    Power,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.problem import Problem, unfold


class ProofError(ValueError):
    """A tree that the prover does not handle."""


def in_inputs(node: Expression, problem: Problem, holding: Collection[str] = ()) -> Expression:
    """`node` with every definition written out, but for the names in `holding`, and differentiated.

    A derivative by a defined name holds that name as the variable, as everywhere in symderiv. The
    derivative of an unspecified function by its argument becomes an array of its own.

    Raises
    ------
    ProofError
        If a derivative by a defined name stands beside one of a name that it is built from.
    """
    match node:
        case Entry(array, _):
            definition = problem.definition(array)
            if definition is None or array in holding:
                return node
            return in_inputs(unfold(definition, node), problem, holding)
        case Derivative(of, by):
            for entry in by:
                if _is_slope(node, problem):
                    break
                if problem.definition(entry.array) and entry.array not in holding:
                    raise ProofError(f"{entry.array} is a variable here and written out elsewhere")
            return _carried_out(of, by, problem, holding)
        case _:
            return map_children(node, lambda child: in_inputs(child, problem, holding))


def variables(node: Expression, problem: Problem) -> frozenset[str]:
    """The defined names by which `node` differentiates."""
    return frozenset(
        entry.array
        for _, part in walk(node)
        if isinstance(part, Derivative) and not _is_slope(part, problem)
        for entry in part.by
        if problem.definition(entry.array) is not None
    )


def _is_slope(node: Derivative, problem: Problem) -> bool:
    """Whether a derivative is that of an unspecified function by its own argument: a datum."""
    unspecified = problem.upstream_of(node.of.array) if isinstance(node.of, Entry) else None
    return unspecified is not None and all(entry.array == unspecified.of for entry in node.by)


def _carried_out(
    of: Expression, by: tuple[Entry, ...], problem: Problem, holding: Collection[str]
) -> Expression:
    if isinstance(of, Entry):
        unspecified = problem.upstream_of(of.array)
        if unspecified is not None:
            return _through_unspecified(of.array, unspecified.of, by, problem, holding)
    inner = in_inputs(of, problem, holding)
    for entry in by:
        inner = differentiated(inner, entry)
    return inner


def _through_unspecified(
    name: str, argument: str, by: tuple[Entry, ...], problem: Problem, holding: Collection[str]
) -> Expression:
    """∂L/∂z_k = Σ_j ∂L/∂y_j ∂y_j/∂z_k for an unspecified L(y)."""
    if len(by) != 1:
        raise ProofError(f"second derivatives of the unspecified {name} are not handled")
    (entry,) = by
    slopes = f"d{name}_d{argument}"
    if entry.array == argument:
        return Entry(slopes, entry.indices)
    taken = {index.name for term in entry.indices for index in indices_in_term(term)}
    letters = []
    for axis in problem.axes_of(argument):
        letter = fresh_index(axis, taken, problem.letters_of(axis))
        taken.add(letter.name)
        letters.append(letter)
    middle = Entry(argument, tuple(letters))
    slope = differentiated(in_inputs(middle, problem, holding), entry)
    result: Expression = multiply(Entry(slopes, tuple(letters)), slope)
    for letter in reversed(letters):
        result = Sum(letter, result)
    return result


def differentiated(node: Expression, by: Entry) -> Expression:
    """The derivative of a tree without definitions by one entry."""
    match node:
        case Number() | Size() | Delta():
            return ZERO
        case Entry(array, indices):
            if array != by.array:
                return ZERO
            return multiply(*(Delta(a, b) for a, b in zip(indices, by.indices, strict=True)))
        case Add(terms):
            return add(*(differentiated(term, by) for term in terms))
        case Multiply(factors):
            return add(
                *(
                    multiply(*factors[:place], differentiated(factor, by), *factors[place + 1 :])
                    for place, factor in enumerate(factors)
                )
            )
        case Power(base, Number() as exponent):
            lowered = power(base, subtract(exponent, ONE))
            return multiply(exponent, lowered, differentiated(base, by))
        case Power(base, exponent):
            return multiply(node, differentiated(multiply(exponent, call("log", base)), by))
        case Call(function, (argument,)) if function in FUNCTIONS:
            return multiply(FUNCTIONS[function].derivative(argument), differentiated(argument, by))
        case Call(_, ()):
            return ZERO
        case Sum():
            return _of_sum(node, by)
        case Where(condition, then, otherwise):
            return Where(condition, differentiated(then, by), differentiated(otherwise, by))
        case Call(function, (first, second)) if function in OF_TWO_VALUES:
            operator = ">=" if function == "max" else "<="
            branches = (differentiated(first, by), differentiated(second, by))
            return Where(Compare(operator, first, second), *branches)
        case Extremum():
            return _of_extremum(node, by)
        case Product(_, _, None):
            return _of_product(node, by)
        case _:
            raise ProofError(f"no derivative is known here for {type(node).__name__}")


def _clear(index: Index, node: Expression, by: Entry, *more: str) -> Index:
    """`index`, or another letter where the variable has the same."""
    letters = {inner.name for term in by.indices for inner in indices_in_term(term)} | set(more)
    if index.name not in letters:
        return index
    return fresh_index(index.axis, letters | all_letters(node), [index.name])


def _of_sum(node: Sum, by: Entry) -> Expression:
    letter = _clear(node.index, node, by)
    renamed = node if letter == node.index else rename_bound(node, letter)
    assert isinstance(renamed, Sum)
    slope = differentiated(renamed.body, by)
    return ZERO if slope == ZERO else Sum(letter, slope, renamed.condition)


def _of_extremum(node: Extremum, by: Entry) -> Expression:
    """Σ_k [u_k = max] u_k', where the extremum is attained once."""
    letter = _clear(node.index, node, by)
    body = rename(node.body, {node.index: letter})
    attained = Where(Compare("==", body, node), ONE, ZERO)
    return Sum(letter, multiply(attained, differentiated(body, by)))


def _of_product(node: Product, by: Entry) -> Expression:
    """Σ_k u_k' Π_{l ≠ k} u_l."""
    kept = _clear(node.index, node, by)
    other = _clear(node.index, node, by, kept.name)
    slope = differentiated(rename(node.body, {node.index: kept}), by)
    rest = Product(other, rename(node.body, {node.index: other}), Compare("!=", other, kept))
    return Sum(kept, multiply(slope, rest))
