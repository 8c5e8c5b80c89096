"""Assumptions, by writing an array as what they say it is: t_k = τ_k / Σ_l τ_l where Σ_k t_k = 1.

An equation holds for all t with Σ_k t_k = 1 if and only if it holds with t_k = τ_k / Σ_l τ_l for all
τ, since every such t is its own τ. Multiplied by powers of Σ_l τ_l this is the equation made
homogeneous in t. Other assumptions that name an array's entries are used in the same way; one
that cannot be is left out, and what is proved without it holds with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.construct import add, divide, multiply, negate, power
from symderiv.expression.functions import call
from symderiv.expression.indices import all_letters, free_indices, fresh_index, rename
from symderiv.expression.matrices import symmetrised
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Power,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children
from symderiv.problem import Assumption, names_in
from symderiv.proof.free_places import index_terms


def under(node: Expression, assumptions: Sequence[Assumption]) -> tuple[Expression, tuple[Assumption, ...]]:
    """`node` with the arrays that assumptions are about written out, and the assumptions used.

    An array is written out by one assumption at most.
    """
    used: list[Assumption] = []
    done: set[str] = set()
    for assumption in assumptions:
        written = _one_hot(assumption, assumptions) or _written(assumption)
        if written is None:
            continue
        array, letters, entry = written
        if array in done or array not in names_in(node) or _chooses_places(node, array):
            continue
        symmetric = (
            isinstance(assumption.right, Entry) and assumption.right.array == array and len(letters) == 2
        )
        node = symmetrised(node, array) if symmetric else _replaced(node, array, letters, entry)
        done.add(array)
        used.append(assumption)
    return node, tuple(used)


def _chooses_places(node: Expression, array: str) -> bool:
    return any(isinstance(term, Entry) and term.array == array for term in index_terms(node))


def _one_hot(
    assumption: Assumption, every: Sequence[Assumption]
) -> tuple[str, tuple[Index, ...], Expression] | None:
    """t_i t_j = t_i δ_ij with a total of 1: t_k is 1 at one place, δ_kc, and 0 elsewhere."""
    match assumption.left, assumption.right:
        case Multiply((Entry(array, indices) as entry, Entry() as other)), Multiply(
            (first, Delta(left, right))
        ):
            letters = _distinct(indices)
        case _:
            return None
    if letters is None or first != entry or not isinstance(right, Index) or left != letters[-1]:
        return None
    if other != Entry(array, (*letters[:-1], right)):
        return None
    if not any(
        isinstance(each.left, Sum) and each.left.body == rename(entry, {letters[-1]: each.left.index})
        for each in every
        if each.right == ONE
    ):
        return None
    return array, letters, Delta(letters[-1], Entry(f"place of {array}", letters[:-1]))


def _written(assumption: Assumption) -> tuple[str, tuple[Index, ...], Expression] | None:
    """The array that an assumption is about, its letters, and what it says its entry is."""
    left, right = assumption.left, assumption.right
    match left:
        case Sum(index, Entry(array, indices) as entry, None):
            exponent = 1
        case Sum(index, Power(Entry(array, indices) as entry, Number(value)), None) if value == 2:
            exponent = 2
        case Where(Compare(">" | ">=" as operator, Entry(array, indices) as entry, value), then, otherwise):
            # Every positive number is an exponential, and every one that is not negative a square.
            whole = (value, then, otherwise, right) == (ZERO, ONE, ZERO, ONE)
            letters = _distinct(indices)
            own = call("exp", entry) if operator == ">" else power(entry, 2)
            return (array, letters, own) if whole and letters is not None else None
        case Power(Entry(array, indices) as entry, Number(value)) if value == 2:
            letters = _distinct(indices)
            if letters is None or right not in (ONE, entry):
                return None
            chosen: Expression = call("step", entry)  # 0 or 1, whatever the entry
            if right == ONE:
                chosen = add(multiply(Number(ONE.value * 2), chosen), negate(ONE))
            return array, letters, chosen
        case Entry(array, indices):
            return _entry_is(left, right)
        case _:
            return None
    letters = _distinct(indices)
    if letters is None or index not in letters or array in names_in(right):
        return None
    if not set(free_indices(right)) <= set(letters) - {index}:
        return None
    other = fresh_index(index.axis, all_letters(left) | all_letters(right), [index.name])
    again: Expression = rename(entry, {index: other})
    if exponent == 1 and right == ZERO:
        mean = divide(Sum(other, again), Size(index.axis))
        return array, letters, add(entry, negate(mean))
    total = Sum(other, power(again, exponent))
    if exponent == 1:
        return array, letters, multiply(right, divide(entry, total))
    if right != ONE:
        return None
    return array, letters, divide(entry, call("sqrt", total))


def _entry_is(left: Entry, right: Expression) -> tuple[str, tuple[Index, ...], Expression] | None:
    """A[i, j] = something: of other arrays, or ± the same entry with two indices exchanged."""
    letters = _distinct(left.indices)
    if letters is None or not set(free_indices(right)) <= set(letters):
        return None
    if left.array not in names_in(right):
        return left.array, letters, right
    half = Number(ONE.value / 2)
    match right:
        case Entry(array, indices) if array == left.array and _exchanges(left.indices, indices):
            return array, letters, multiply(half, add(left, right))
        case Multiply((Number(value), Entry(array, indices))) if value == -1:
            if array == left.array and _exchanges(left.indices, indices):
                return array, letters, multiply(half, add(left, right))
    return None


def _exchanges(first: Sequence[IndexTerm], second: Sequence[IndexTerm]) -> bool:
    """Whether two lists of letters differ by one exchange of two of them."""
    different = [place for place, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]]
    if len(different) != 2:
        return False
    a, b = different
    return first[a] == second[b] and first[b] == second[a]


def _distinct(indices: Sequence[IndexTerm]) -> tuple[Index, ...] | None:
    letters = tuple(index for index in indices if isinstance(index, Index))
    return letters if len(letters) == len(indices) == len(set(letters)) else None


def _replaced(node: Expression, array: str, letters: tuple[Index, ...], entry: Expression) -> Expression:
    if isinstance(node, Entry) and node.array == array:
        return rename(entry, dict(zip(letters, node.indices, strict=True)))
    return map_children(node, lambda child: _replaced(child, array, letters, entry))
