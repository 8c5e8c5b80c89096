"""One-place changes of a formula, each with the mistake that it undoes.

The mistakes are those that people make: a sign, a factor, an exponent, an index, a delta, a sum, a factor of
the chain rule. A false right side for which one such change gives a true one is told by that change, and
the changed formula is the right form that stays nearest to what was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product, repeat

from symderiv.expression.construct import add, divide, multiply, negate, number, power
from symderiv.expression.indices import all_letters, free_indices, fresh_index, rename
from symderiv.expression.nodes import (
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
)
from symderiv.expression.traverse import children, map_children, replace_at, walk
from symderiv.problem import Problem

#: The words of a diagnosis, the likeliest explanation first.
WORDS = (
    "sign", "constant factor", "size factor", "delta dropped", "inner sum dropped", "restricted sum",
    "transposed matrix", "swapped index", "captured index", "wrong exponent", "chain factor lost",
    "chain factor doubled", "term missing", "wrong term", "wrong name",
)  # fmt: skip
#: Places of a letter of which some are given to another letter, at most.
MOST_SPOTS = 5
_CONSTANTS = tuple(Fraction(*pair) for pair in ((2, 1), (1, 2), (3, 1), (1, 3), (4, 1), (1, 4)))


@dataclass(frozen=True, slots=True)
class Repair:
    """A changed formula: `word` names the mistake that the change undoes, `detail` says more."""

    word: str
    detail: str
    formula: Expression


def repairs(formula: Expression, problem: Problem, letters: Sequence[Index]) -> Iterator[Repair]:
    """Every one-place change of `formula`, the likeliest mistakes first.

    Parameters
    ----------
    formula
        A right side.
    problem
        Where its names come from.
    letters
        The free letters of the equation.
    """
    found = [
        Repair(
            "wrong exponent"
            if repair.word == "constant factor" and _in_exponent(formula, path)
            else repair.word,
            repair.detail,
            replace_at(formula, path, repair.formula),
        )
        for path, node, bound in with_bound(formula)
        for repair in _changes(node, problem, (*letters, *bound), path)
    ]
    rank = {word: place for place, word in enumerate(WORDS)}
    yield from sorted(found, key=lambda repair: rank[repair.word])


def _in_exponent(formula: Expression, path: Sequence[int]) -> bool:
    """Whether a part stands in the exponent of a power or of e."""
    for place in path:
        if (isinstance(formula, Power) and place == 1) or (
            isinstance(formula, Call) and formula.function == "exp"
        ):
            return True
        formula = children(formula)[place]
    return False


def with_bound(formula: Expression) -> Iterator[tuple[tuple[int, ...], Expression, tuple[Index, ...]]]:
    """Every part with its path and the letters that are bound around it."""
    todo: list[tuple[tuple[int, ...], Expression, tuple[Index, ...]]] = [((), formula, ())]
    while todo:
        path, node, bound = todo.pop()
        yield path, node, bound
        inner = (*bound, node.index) if isinstance(node, Sum | Product | Extremum) else bound
        todo += [((*path, place), child, inner) for place, child in enumerate(children(node))]


def _changes(
    node: Expression, problem: Problem, letters: Sequence[Index], path: tuple[int, ...]
) -> Iterator[Repair]:
    match node:
        case Add(terms):
            for place, term in enumerate(terms):
                others = (*terms[:place], *terms[place + 1 :])
                yield Repair("sign", "", add(*terms[:place], negate(term), *terms[place + 1 :]))
                yield Repair("wrong term", "one term too many", add(*others))
                if isinstance(term, Number):
                    yield from _other_numbers(terms, place, problem)
        case Entry() if node.indices:
            yield from _other_indices(node, problem, letters)
        case Delta(left, right):
            for index in letters:
                for old in (left, right):
                    if isinstance(old, Index) and old.axis == index.axis and old != index:
                        yield Repair("swapped index", "", rename(node, {old: index}))
        case Power(base, Number(value)):
            for changed in (-value, value + 1, value - 1, 2 * value, value / 2, -value / 2, -2 * value):
                if changed not in (0, value):
                    yield Repair("wrong exponent", str(value), power(base, number(changed)))
        case Power(base, exponent):
            yield Repair("wrong exponent", "", power(base, negate(exponent)))
            yield Repair("wrong exponent", "", power(base, add(exponent, number(1))))
            yield Repair("wrong exponent", "", power(base, add(exponent, number(-1))))
        case Sum(index, body, condition):
            if condition is not None:
                yield Repair("restricted sum", "the sum runs over all places", Sum(index, body))
            elif index not in free_indices(body):
                yield from _taken_in(index, body, problem)
            for free in letters:
                if free.axis == index.axis:
                    yield Repair("wrong term", "one term of the sum is meant", rename(body, {index: free}))
    if isinstance(node, Number):
        for one, other in _pairs(letters):
            yield Repair("delta dropped", "", multiply(node, Delta(one, other)))
    if isinstance(node, Delta) or (isinstance(node, Number) and path):
        return
    if not isinstance(node, Add | Number) or not path:
        yield Repair("sign", "", negate(node))
    yield from _factors(node, problem, letters)
    if not isinstance(node, Sum | Size):
        yield from _sums(node, letters)


def _taken_in(index: Index, body: Expression, problem: Problem) -> Iterator[Repair]:
    """A sum over something that does not stand in it: with the value or the letter that is meant instead."""
    for name in sorted(
        {part.array for _, part in walk(body) if isinstance(part, Entry) and not part.indices}
    ):
        for given in problem.inputs:
            if len(given.axes) == 1 and problem.input(name) is not None:
                inside = Index(index.name, given.axes[0])
                told = f"the sum does not run over the {name} that stands in it"
                yield Repair(
                    "swapped index", told, Sum(inside, _with(body, name, Entry(given.name, (inside,))))
                )
    for free in free_indices(body):
        told = f"the sum runs over {index.name}, which does not stand in it: {free.name} does"
        inside = Index(index.name, free.axis)
        yield Repair("swapped index", told, Sum(inside, rename(body, {free: inside})))


def _with(node: Expression, name: str, value: Expression) -> Expression:
    """An expression with a value for a number's name."""
    if isinstance(node, Entry) and node.array == name and not node.indices:
        return value
    return map_children(node, lambda child: _with(child, name, value))


def _other_numbers(terms: Sequence[Expression], place: int, problem: Problem) -> Iterator[Repair]:
    """A number among terms with a constant or a size as a factor, or over one."""
    before, term, after = terms[:place], terms[place], terms[place + 1 :]
    for constant in _CONSTANTS:
        other = add(*before, multiply(number(constant), term), *after)
        yield Repair("constant factor", str(1 / constant), other)
    for axis in problem.axes:
        yield Repair("size factor", axis, add(*before, divide(term, Size(axis)), *after))
        yield Repair("size factor", f"1/{axis}", add(*before, multiply(Size(axis), term), *after))


def _factors(node: Expression, problem: Problem, letters: Sequence[Index]) -> Iterator[Repair]:
    """Constant factors, sizes, exponents, and factors that the chain rule brings."""
    for constant in _CONSTANTS:
        yield Repair("constant factor", str(1 / constant), multiply(number(constant), node))
    for axis in problem.axes:
        yield Repair("size factor", axis, divide(node, Size(axis)))
        yield Repair("size factor", f"1/{axis}", multiply(Size(axis), node))
    if isinstance(node, Entry) and not isinstance(node, Number):
        yield Repair("wrong exponent", "1", power(node, number(2)))
        yield Repair("chain factor doubled", "", number(1))
    if isinstance(node, Multiply):
        for place in range(len(node.factors)):
            rest = (*node.factors[:place], *node.factors[place + 1 :])
            yield Repair("chain factor doubled", "", multiply(*rest))
            yield Repair("wrong exponent", "", multiply(*rest, power(node.factors[place], number(-1))))
    for one, other in _pairs(letters):
        if one in free_indices(node) or other in free_indices(node):
            yield Repair("delta dropped", "", multiply(node, Delta(one, other)))


def missing_factors(
    problem: Problem, letters: Sequence[Index], parts: Sequence[Expression]
) -> list[Expression]:
    """What a chain rule may have lost: values of names at the free letters, slopes, and one over them."""
    found: list[Expression] = []
    entries = values_at(problem, letters)
    for entry in entries:
        found += [entry, power(entry, number(-1)), add(number(1), negate(entry))]
        found += [multiply(entry, add(number(1), negate(entry))), add(number(1), negate(power(entry, 2)))]
    found += [power(entry, number(exponent)) for entry in entries for exponent in (-2, 2)]
    found += [
        add(one, negate(other))
        for one in entries
        for other in entries
        if one != other and one.indices == other.indices
    ]
    return [*found, *parts]


def values_at(problem: Problem, letters: Sequence[Index]) -> list[Entry]:
    """The values of all names at some letters; labels are none."""
    names = [*(each.name for each in problem.definitions), *(each.name for each in problem.inputs)]
    labels = {each.name for each in problem.inputs if each.label_of is not None}
    return [
        Entry(name, indices)
        for name in names
        if name not in labels
        for indices in _places(problem.axes_of(name), letters)
    ]


def _places(axes: Sequence[str], letters: Sequence[Index]) -> Iterator[tuple[Index, ...]]:
    if not axes:
        yield ()
        return
    for letter in letters:
        if letter.axis == axes[0]:
            for rest in _places(axes[1:], letters):
                yield (letter, *rest)


def _sums(node: Expression, letters: Sequence[Index]) -> Iterator[Repair]:
    """A sum over one of the letters of a part, as where somebody forgot it."""
    for index in free_indices(node):
        bound = fresh_index(
            index.axis, all_letters(node) | {letter.name for letter in letters}, ["k", "l", "m"]
        )
        bodies = [rename(node, {index: bound})]
        if isinstance(node, Multiply | Entry):
            bodies += _renamed_in_some(node, index, bound)
        others = [letter for letter in letters if letter.axis == index.axis]
        for body in bodies:
            yield Repair("inner sum dropped", index.axis, Sum(bound, body))
        for body, other in product(bodies, others):
            apart = Sum(bound, body, Compare("!=", bound, other))
            yield Repair("inner sum dropped", f"{index.axis} without {other.name}", apart)


def _renamed_in_some(node: Expression, index: Index, bound: Index) -> Iterator[Expression]:
    """`node` with some but not all of the places of a letter given to another letter."""
    spots: list[bool] = []
    _with_letter_at(node, index, bound, repeat(False), spots)
    if 2 <= len(spots) <= MOST_SPOTS:
        for chosen in product((True, False), repeat=len(spots)):
            if any(chosen) and not all(chosen):
                yield _with_letter_at(node, index, bound, iter(chosen), [])


def _with_letter_at(
    node: Expression, index: Index, bound: Index, pick: Iterator[bool], seen: list[bool]
) -> Expression:
    """`node` with `bound` for `index` where the next of `pick` says so; `seen` takes what was picked."""

    def entry_of(entry: Entry) -> Entry:
        indices = []
        for own in entry.indices:
            if own == index:
                seen.append(next(pick))
            indices.append(bound if own == index and seen[-1] else own)
        return Entry(entry.array, tuple(indices))

    match node:
        case Entry():
            return entry_of(node)
        case Derivative(of, by):
            inner = _with_letter_at(of, index, bound, pick, seen)
            return Derivative(inner, tuple(entry_of(each) for each in by))
        case _:
            return map_children(node, lambda child: _with_letter_at(child, index, bound, pick, seen))


def _other_indices(node: Entry, problem: Problem, letters: Sequence[Index]) -> Iterator[Repair]:
    indices = node.indices
    if len(indices) == 2:
        swapped = Entry(node.array, (indices[1], indices[0]))
        yield Repair("transposed matrix", node.array, swapped)
    for place, old in enumerate(indices):
        if not isinstance(old, Index):
            continue
        for index in letters:
            if index != old and index.axis == old.axis:
                changed = Entry(node.array, (*indices[:place], index, *indices[place + 1 :]))
                yield Repair("swapped index", f"{old.name} for {index.name}", changed)
    axes = problem.axes_of(node.array)
    names = [each.name for each in problem.inputs] + [each.name for each in problem.definitions]
    for name in names:
        if name != node.array and problem.axes_of(name) == axes:
            yield Repair("wrong name", f"{node.array} for {name}", Entry(name, indices))


def _pairs(letters: Sequence[Index]) -> Iterator[tuple[Index, Index]]:
    for place, one in enumerate(letters):
        for other in letters[place + 1 :]:
            if one.axis == other.axis:
                yield one, other
