"""An expression in the inputs alone: definitions written out, derivatives carried out.

This is the plain textbook differentiation, without recording, naming or cleverness. It shares the
table of scalar functions with the engine and nothing else, so that a result of the engine can be
compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import permutations

from symderiv.expression.construct import add, multiply, power, subtract
from symderiv.expression.functions import FUNCTIONS, OF_TWO_VALUES, call
from symderiv.expression.indices import (
    all_letters,
    fresh_index,
    indices_in_term,
    mentions,
    rename,
    rename_bound,
)
from symderiv.expression.matrices import INVERSE, inverse_of, matrix_behind
from symderiv.expression.nodes import (
    MINUS_ONE,
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
    IndexTerm,
    Multiply,
    Number,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.expression.unspecified import is_unspecified, slope_by
from symderiv.problem import Problem, Upstream, names_in, unfold
from symderiv.proof.deltas import without_label_conditions
from symderiv.proof.matrices import of_product

#: Unspecified functions are differentiated up to this often.
MAX_ORDER = 4


class ProofError(ValueError):
    """A tree that the prover does not handle."""


def in_inputs(node: Expression, problem: Problem) -> Expression:
    """`node` with every derivative carried out and every definition written out.

    Raises
    ------
    ProofError
        If an unspecified function is differentiated too often, or there is no derivative.
    """
    names = {each.name for each in problem.definitions}
    return with_definitions(carried_out(node, problem), problem, names)


def carried_out(node: Expression, problem: Problem, holding: Collection[str] = ()) -> Expression:
    """`node` without derivatives, in the names of the problem: each stands for its value.

    A derivative is that of the definitions, written out as far as it reaches; a name in its result is
    no variable any more, but short for the value that its definition gives. So an equation without
    derivatives that holds whatever numbers the names stand for holds for these numbers, and any of the
    names may be written out, or not, to show it.

    A derivative by a defined name holds that name as the variable, and what it is built from is then
    no part of it; `holding` are the names that are held so around `node`. The derivative of an
    unspecified function by its argument becomes an array of its own.
    """
    if isinstance(node, Derivative):
        return _carried_out(node.of, node.by, problem, holding)
    node = without_label_conditions(node, problem)
    return map_children(node, lambda child: carried_out(child, problem, holding))


def with_definitions(node: Expression, problem: Problem, names: Collection[str]) -> Expression:
    """A tree without derivatives, with the definitions of `names` written out wherever they are used."""
    if isinstance(node, Entry):
        _, matrix = matrix_behind(node.array) or ("", node.array)
        definition = problem.definition(matrix)
        if definition is None or matrix not in names:
            return node
        if matrix != node.array:
            product = of_product(node, definition)
            return node if product is None else with_definitions(product, problem, names)
        return with_definitions(carried_out(unfold(definition, node), problem), problem, names)
    return map_children(node, lambda child: with_definitions(child, problem, names))


def outermost(node: Expression, problem: Problem) -> frozenset[str]:
    """The defined names in a tree that no other name in it is made of.

    A matrix whose inverse or determinant is in the tree comes last: its laws need its name.
    """
    entries = {part.array for _, part in walk(node) if isinstance(part, Entry)}
    matrices = {made[1] for name in entries if (made := matrix_behind(name)) is not None}
    names = {name for name in entries | matrices if problem.definition(name) is not None}
    names = names - matrices or names
    return frozenset(
        name
        for name in names
        if not any(other != name and problem.depends(Entry(other), name) for other in names)
    )


def variables(nodes: Iterable[Expression], problem: Problem) -> frozenset[str]:
    """The defined names by which `nodes` differentiate: a claim is often true of any value of them."""
    return frozenset(
        entry.array
        for node in nodes
        for _, part in walk(node)
        if isinstance(part, Derivative) and not _is_slope(part, problem)
        for entry in part.by
        if problem.definition(entry.array) is not None
    )


def inverted(nodes: Iterable[Expression], problem: Problem) -> frozenset[str]:
    """The defined matrices whose inverse or determinant is in play: a claim is often true of any matrix."""
    todo = {name for node in nodes for name in names_in(node)}
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo |= problem.directly_uses(name)
    matrices = {made[1] for name in seen if (made := matrix_behind(name)) is not None}
    return frozenset(name for name in matrices if problem.definition(name) is not None)


def _is_slope(node: Derivative, problem: Problem) -> bool:
    """Whether a derivative is that of an unspecified function by its own argument: a datum."""
    unspecified = problem.upstream_of(node.of.array) if isinstance(node.of, Entry) else None
    return unspecified is not None and all(entry.array == unspecified.of for entry in node.by)


def _slopes(unspecified: Upstream, order: int) -> str:
    """The array of derivatives of an order of an unspecified function; no name of a problem is spelled so."""
    if order == 0:
        return unspecified.name
    return f"d{'' if order == 1 else order}{unspecified.name}/d{unspecified.of}"


def _carried_out(
    of: Expression, by: tuple[Entry, ...], problem: Problem, holding: Collection[str]
) -> Expression:
    """The derivative by each entry in turn, the last one outermost."""
    if not by:
        return carried_out(of, problem, holding)
    last = by[-1]
    opened = problem.definition(last.array) is not None and last.array not in holding
    around = {*holding, last.array} if opened else holding
    return _slope(_carried_out(of, by[:-1], problem, around), last, problem, around)


def _slope(node: Expression, by: Entry, problem: Problem, holding: Collection[str]) -> Expression:
    """The derivative of a tree without derivatives by one entry, through the names that are not held."""

    def of_entry(entry: Entry, by: Entry) -> Expression:
        if entry.array == by.array:
            return slope_of_entry(entry.indices, by.indices)
        if matrix_behind(entry.array) is not None:
            return _of_matrix(entry, by, problem, holding)
        definition = problem.definition(entry.array)
        if definition is None or entry.array in holding or not problem.depends(entry, by.array, holding):
            return ZERO
        body = carried_out(unfold(definition, entry), problem, holding)
        # Sigmoid' is sigmoid (1 - sigmoid): the value of the body is the entry's, at whatever letters.
        return _replaced(_slope(body, by, problem, holding), body, entry)

    return add(differentiated(node, by, of_entry), *_through_unspecified(node, by, problem, holding))


def _replaced(node: Expression, part: Expression, new: Expression) -> Expression:
    return new if node == part else map_children(node, lambda child: _replaced(child, part, new))


def _through_unspecified(
    node: Expression, by: Entry, problem: Problem, holding: Collection[str]
) -> Iterator[Expression]:
    """What a derivative owes to the unspecified functions that a tree names, and to their derivatives.

    ∂L/∂z_k = Σ_j ∂L/∂y_j ∂y_j/∂z_k for an unspecified L(y); ∂L/∂y_j depends on z through y again.
    """
    names = names_in(node)
    for unspecified in problem.upstream:
        for order in range(MAX_ORDER + 1):
            if _slopes(unspecified, order) not in names:
                continue
            if order == MAX_ORDER:
                raise ProofError(f"derivatives of {unspecified.name} of an order above {MAX_ORDER}")
            taken = {index.name for term in by.indices for index in indices_in_term(term)}
            taken |= all_letters(node)
            places = [_fresh_place(unspecified.of, problem, taken) for _ in range(order + 1)]
            letters = [index for place in places[:-1] for index in place]
            outer = differentiated(node, Entry(_slopes(unspecified, order), tuple(letters)), _by_itself)
            if by.array == unspecified.of:
                result = multiply(outer, _symmetric(unspecified, [*places[:-1], by.indices]))
            else:
                middle = _slope(Entry(unspecified.of, places[-1]), by, problem, holding)
                result = multiply(outer, _symmetric(unspecified, places), middle)
                letters += places[-1]
            for letter in reversed(letters):
                result = Sum(letter, result)
            yield result


def _by_itself(entry: Entry, by: Entry) -> Expression:
    """An entry by one of its own array; what a name or a matrix owes to it is found where that is opened."""
    return slope_of_entry(entry.indices, by.indices) if entry.array == by.array else ZERO


def _fresh_place(array: str, problem: Problem, taken: set[str]) -> tuple[Index, ...]:
    """A new letter for each axis of an array."""
    letters = []
    for axis in problem.axes_of(array):
        letter = fresh_index(axis, taken, problem.letters_of(axis))
        taken.add(letter.name)
        letters.append(letter)
    return tuple(letters)


def _symmetric(unspecified: Upstream, places: Sequence[tuple[IndexTerm, ...]]) -> Expression:
    """An entry of the derivatives of an unspecified function, which do not depend on their order."""
    name = _slopes(unspecified, len(places))
    orders = list(permutations(places))
    entries = [Entry(name, tuple(index for place in order for index in place)) for order in orders]
    return multiply(Number(Fraction(1, len(orders))), add(*entries))


def differentiated(node: Expression, by: Entry, of_entry: Callable[[Entry, Entry], Expression]) -> Expression:
    """The derivative of a tree without derivatives by one entry; `of_entry` gives that of another entry."""

    def slope_of(part: Expression) -> Expression:
        return differentiated(part, by, of_entry)

    match node:
        case Number() | Size() | Delta():
            return ZERO
        case Entry():
            return of_entry(node, by)
        case Add(terms):
            return add(*(slope_of(term) for term in terms))
        case Multiply(factors):
            return add(
                *(
                    multiply(*factors[:place], slope_of(factor), *factors[place + 1 :])
                    for place, factor in enumerate(factors)
                )
            )
        case Power(base, Number() as exponent):
            lowered = power(base, subtract(exponent, ONE))
            return multiply(exponent, lowered, slope_of(base))
        case Power(base, exponent):
            return multiply(node, slope_of(multiply(exponent, call("log", base))))
        case Call(function, (argument,)) if function in FUNCTIONS:
            return multiply(FUNCTIONS[function].derivative(argument), slope_of(argument))
        case Call(function, arguments) if is_unspecified(function):
            return add(*(multiply(slope_by(node, place), slope_of(u)) for place, u in enumerate(arguments)))
        case Call(_, ()):
            return ZERO
        case Sum():
            return _of_sum(node, by, slope_of)
        case Where(condition, then, otherwise):
            return Where(condition, slope_of(then), slope_of(otherwise))
        case Call(function, (first, second)) if function in OF_TWO_VALUES:
            operator = ">=" if function == "max" else "<="
            branches = (slope_of(first), slope_of(second))
            return Where(Compare(operator, first, second), *branches)
        case Extremum():
            return _of_extremum(node, by, slope_of)
        case Product():
            return _of_product(node, by, slope_of)
        case _:
            raise ProofError(f"no derivative is known here for {type(node).__name__}")


def _of_matrix(node: Entry, by: Entry, problem: Problem, holding: Collection[str]) -> Expression:
    """d inv(A)[i, j] = -Σ inv(A)[i, a] dA[a, b] inv(A)[b, j]; d det(A) = det(A) Σ inv(A)[b, a] dA[a, b]."""
    kind, matrix = matrix_behind(node.array) or ("", "")
    row_axis, column_axis = problem.axes_of(matrix)[-2:]
    taken = all_letters(node) | all_letters(by)
    a = fresh_index(row_axis, taken, problem.letters_of(row_axis))
    b = fresh_index(column_axis, taken | {a.name}, problem.letters_of(column_axis))
    ahead = node.indices[:-2] if kind == INVERSE else node.indices

    def inverse(row: IndexTerm, column: IndexTerm) -> Entry:
        return Entry(inverse_of(matrix), (*ahead, row, column))

    slope = _slope(Entry(matrix, (*ahead, a, b)), by, problem, holding)
    if slope == ZERO:
        return ZERO
    if kind == INVERSE:
        row, column = node.indices[-2:]
        return multiply(MINUS_ONE, Sum(a, Sum(b, multiply(inverse(row, a), slope, inverse(b, column)))))
    return multiply(node, Sum(a, Sum(b, multiply(inverse(b, a), slope))))


def slope_of_entry(indices: tuple[IndexTerm, ...], by: tuple[IndexTerm, ...]) -> Expression:
    """δ's for an entry by another of its array; 0 where both places are the same, but outside of it."""
    slope = multiply(*(Delta(a, b) for a, b in zip(indices, by, strict=True)))
    for a, b in zip(indices, by, strict=True):
        if isinstance(a, Shift) and isinstance(b, Shift):
            slope = Where(Compare("in", a, Size(a.axis)), slope, ZERO)
    return slope


def _clear(index: Index, node: Expression, by: Entry, *more: str) -> Index:
    """`index`, or another letter where the variable has the same."""
    letters = {inner.name for term in by.indices for inner in indices_in_term(term)} | set(more)
    if index.name not in letters:
        return index
    return fresh_index(index.axis, letters | all_letters(node), [index.name])


def _of_sum(node: Sum, by: Entry, slope_of: Callable[[Expression], Expression]) -> Expression:
    letter = _clear(node.index, node, by)
    renamed = node if letter == node.index else rename_bound(node, letter)
    assert isinstance(renamed, Sum)
    slope = slope_of(renamed.body)
    return ZERO if slope == ZERO else Sum(letter, slope, renamed.condition)


def _of_extremum(node: Extremum, by: Entry, slope_of: Callable[[Expression], Expression]) -> Expression:
    """Σ_k [u_k = max] u_k', where the extremum is attained once."""
    if not mentions(node.body, node.index):
        return slope_of(node.body)
    letter = _clear(node.index, node, by)
    body = rename(node.body, {node.index: letter})
    attained = Where(Compare("==", body, node), ONE, ZERO)
    return Sum(letter, multiply(attained, slope_of(body)))


def _of_product(node: Product, by: Entry, slope_of: Callable[[Expression], Expression]) -> Expression:
    """Σ_k u_k' Π_{l ≠ k} u_l, over those places that meet the condition."""
    kept = _clear(node.index, node, by)
    other = _clear(node.index, node, by, kept.name)
    first = node if kept == node.index else rename_bound(node, kept)
    second = rename_bound(node, other)
    assert isinstance(first, Product)
    assert isinstance(second, Product)
    body = second.body if second.condition is None else Where(second.condition, second.body, ONE)
    rest = Product(other, body, Compare("!=", other, kept))
    return Sum(kept, multiply(slope_of(first.body), rest), first.condition)
