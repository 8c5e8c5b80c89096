"""Kinks that a derivation met: equalities at which a slope need not exist, and what its form takes there.

A rule for a function with a kink, for branches or for a largest value holds away from an equality.
The form that comes out has a value there all the same, since step(0) is 0 and every branch says on
which side an equality counts. Both are gathered here from the steps of a derivation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product as choices

from symderiv.calculus.derivation import Derivation, Kink, Step
from symderiv.expression.canonical import canonical
from symderiv.expression.functions import FUNCTIONS, OF_TWO_VALUES, call
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import (
    ZERO,
    Call,
    Compare,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Where,
)
from symderiv.expression.traverse import at, compared_values, map_children, walk
from symderiv.notation.text import to_text

_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
#: The slopes of functions with a kink at 0, which are 0 there.
_SLOPES = {"relu": "step", "abs": "sign"}
_WITH_EQUALITY = ("<=", ">=", "==")


def met(derivation: Derivation) -> tuple[Kink, ...]:
    """The kinks that the steps of a derivation met, those of the results it used among them, each once."""
    found: dict[tuple[Expression, Expression], Kink] = {}
    for step in derivation.steps:
        for kink in _of_step(step, derivation):
            found.setdefault((canonical(kink.left), canonical(kink.right)), kink)
    return tuple(found.values())


def _of_step(step: Step, derivation: Derivation) -> Iterator[Kink]:
    node = at(step.before, step.path)
    if not isinstance(node, Derivative):
        if derivation.extra and step.note:
            yield from _of_product(step, derivation.lemmas)
        return
    by = node.by[0].array
    match node.of:
        case Entry(array, _) if step.rule.name == "known result":
            yield from _of_lemma(node, array, derivation.lemmas)
        case Call(function, (argument,)) if function in FUNCTIONS and FUNCTIONS[function].kink:
            yield Kink(argument, ZERO, slope=_SLOPES.get(function, ""))
        case Call(function, (first, second)) if function in OF_TWO_VALUES:
            yield Kink(first, second, Compare(">=" if function == "max" else "<=", first, second))
        case Where(condition, _, _) if step.rule.name == "piecewise":
            values = compared_values(condition)
            if values and any(derivation.problem.depends(value, by) for value in values):
                kept = condition.operator in _WITH_EQUALITY
                operator = condition.operator if kept else _NEGATED[condition.operator]
                yield Kink(values[0], values[1], Compare(operator, values[0], values[1]))
        case Extremum(_, index, body) if derivation.problem.depends(node.of, by):
            yield Kink(rename(body, {index: index}), node.of)


def _of_lemma(node: Derivative, array: str, lemmas: Sequence[Derivation]) -> Iterator[Kink]:
    """The kinks of a result that is put in, with its letters."""
    for lemma in lemmas:
        start = lemma.start
        if not (isinstance(start, Derivative) and isinstance(start.of, Entry) and start.of.array == array):
            continue
        if [entry.array for entry in start.by] != [entry.array for entry in node.by]:
            continue
        assert isinstance(node.of, Entry)
        before = (*start.of.indices, *(term for entry in start.by for term in entry.indices))
        after = (*node.of.indices, *(term for entry in node.by for term in entry.indices))
        names: dict[Index, IndexTerm] = {
            old: new for old, new in zip(before, after, strict=True) if isinstance(old, Index)
        }
        for kink in lemma.kinks:
            yield _renamed(kink, names)


def _of_product(step: Step, lemmas: Sequence[Derivation]) -> Iterator[Kink]:
    """The kinks of a product that is put in; their letters are any."""
    if step.rule.name == "known contraction":
        for lemma in lemmas:
            if lemma.extra:
                yield from (replace(kink, value=None) for kink in lemma.kinks)


def _renamed(kink: Kink, names: dict[Index, IndexTerm]) -> Kink:
    side = kink.side
    if side is not None:
        left, right = (rename(value, names) for value in compared_values(side))
        side = Compare(side.operator, left, right)
    return Kink(rename(kink.left, names), rename(kink.right, names), side, kink.slope)


def settled(
    kinks: Sequence[Kink], start: Expression, form: Expression, simplify: Callable[[Expression], Expression]
) -> tuple[Kink, ...]:
    """The kinks as they stand in `form`, each with the value that it takes there.

    A letter that was summed over and sifted away gives way to the one that is left of it. Where one is
    still summed over, the form has many values there, and none is given.
    """
    letters = free_indices(start)
    found = []
    for kink in kinks:
        if kink.is_tie:
            found.append(kink)
            continue
        kink = _in_letters_of(form, kink, letters)
        value = None
        if set(letters) >= {*free_indices(kink.left), *free_indices(kink.right)}:
            there = _there(form, kink)
            if there != form or form == ZERO:
                value = simplify(_put_in(there, kink) if isinstance(kink.left, Entry) else there)
        found.append(replace(kink, value=value))
    return tuple(found)


def _in_letters_of(form: Expression, kink: Kink, letters: tuple[Index, ...]) -> Kink:
    """The kink at letters that are free in `form`, if it occurs in it at those only."""
    own = tuple(dict.fromkeys((*free_indices(kink.left), *free_indices(kink.right))))
    bound = [index for index in own if index not in letters]
    if not bound or _occurs(form, kink):
        return kink
    for chosen in choices(*([each for each in letters if each.axis == index.axis] for index in bound)):
        moved = _renamed(kink, dict(zip(bound, chosen, strict=True)))
        if _occurs(form, moved):
            return moved
    return kink


def _occurs(form: Expression, kink: Kink) -> bool:
    return any(_decided(part, kink) is not None for _, part in walk(form))


def _put_in(node: Expression, kink: Kink) -> Expression:
    """`node` with the right side of the equality for its left side."""
    if node == kink.left:
        return kink.right
    return map_children(node, lambda child: _put_in(child, kink))


def _decided(node: Expression, kink: Kink) -> Expression | None:
    """What a step, a sign or a choice between branches is at the equality; None for anything else."""
    match node:
        case Call("step" | "sign", (argument,)) if kink.side is None and _same(argument, kink.left):
            return ZERO
        case Where(condition, then, otherwise) if kink.side is not None:
            values = compared_values(condition)
            if values and _same(values[0], kink.left) and _same(values[1], kink.right):
                return then if condition.operator in _WITH_EQUALITY else otherwise
    return None


def _there(node: Expression, kink: Kink) -> Expression:
    """`node` at the equality."""
    node = map_children(node, lambda child: _there(child, kink))
    decided = _decided(node, kink)
    return node if decided is None else decided


def _same(one: Expression, other: Expression) -> bool:
    return canonical(one) == canonical(other)


def sentence(kink: Kink, spell: Callable[[Expression], str], relations: dict[str, str] | None = None) -> str:
    """What a reader is told of a kink: where, and what the form takes there.

    Parameters
    ----------
    kink
        The kink.
    spell
        From an expression to its spelling.
    relations
        How ``==``, ``<=`` and the like are spelled, and ``begin`` and ``end`` of a formula; text notation
        where it is not given.
    """
    signs = relations or {}
    begin, end = signs.get("begin", ""), signs.get("end", "")

    def related(left: Expression, operator: str, right: Expression) -> str:
        return f"{begin}{spell(left)} {signs.get(operator, operator)} {spell(right)}{end}"

    if isinstance(kink.right, Extremum):
        most = "largest" if kink.right.kind == "max" else "smallest"
        return (
            f"This holds away from ties for the {most} {begin}{spell(kink.left)}{end} over "
            f"{begin}{kink.right.index.name}{end}; there each of them counts."
        )
    where = f"This holds away from {related(kink.left, '==', kink.right)}"
    if kink.value is not None:
        return f"{where}; there the form takes the value {begin}{spell(kink.value)}{end}."
    if kink.side is not None:
        left, right = compared_values(kink.side)
        return f"{where}; there the form goes by {related(left, kink.side.operator, right)}."
    if kink.slope:
        return f"{where}; there {related(call(kink.slope, kink.left), '==', ZERO)}."
    return f"{where}."


def sentences(derivation: Derivation) -> list[str]:
    """What a reader is told of all kinks of a derivation, in text notation."""
    return [sentence(kink, to_text) for kink in derivation.kinks]


__all__ = ["Kink", "met", "sentence", "sentences", "settled"]
