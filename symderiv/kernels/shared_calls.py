"""A function of the same value in several statements is worked out once.

A gradient uses what the value of its function used, often in formulas of their own: the sigmoid of a
score in the derivative by each of two scores, for one. Sums are named once as they are made; this does
the same for calls. Only functions that are finite everywhere are taken: others may stand where a
condition keeps them from being asked outside of their domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from symderiv.expression.canonical import canonical
from symderiv.expression.indices import free_indices, fresh_name, rename
from symderiv.expression.nodes import Call, Entry, Expression, Index, IndexTerm
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.program import Statement

#: Finite for every finite argument, and of some cost.
_TAKEN = ("sigmoid", "softplus", "tanh", "erf", "erfc", "sin", "cos")


def with_calls_shared(
    statements: Sequence[Statement], batch: Index | None, taken: Collection[str]
) -> tuple[Statement, ...]:
    """`statements`, with a statement of its own for each call that stands in them more than once.

    Parameters
    ----------
    batch
        The letter of the samples, which comes first.
    taken
        Names that arrays have beside those of the statements.
    """
    counts: Counter[str] = Counter()
    for each in statements:
        if each.scatter is None:
            counts.update(_key(call, batch) for body in each.bodies() for call in _calls(body))
    names: dict[str, str] = {}
    found: list[Statement] = []
    used = {*taken, *(each.name for each in statements)}

    def change(node: Expression) -> Expression:
        if isinstance(node, Call) and node.function in _TAKEN and counts[_key(node, batch)] > 1:
            key, letters = _key(node, batch), _letters(node, batch)
            if key not in names:
                names[key] = _free_name(node, used)
                used.add(names[key])
                found.append(Statement(names[key], letters, map_children(node, change)))
            return Entry(names[key], letters)
        return map_children(node, change)

    for each in statements:
        if each.scatter is not None:
            found.append(each)
            continue
        is_one = each.reduced is None and not each.cases and not each.stored
        if is_one and isinstance(each.body, Call) and each.indices == _letters(each.body, batch):
            # It is the call and nothing else, so its name is that of the call.
            key = _key(each.body, batch)
            if each.body.function in _TAKEN and key not in names:
                names[key] = each.name
                found.append(replace(each, body=map_children(each.body, change)))
                continue
        body = change(each.body)
        cases = tuple(replace(case, body=change(case.body)) for case in each.cases)
        found.append(replace(each, body=body, cases=cases))
    return tuple(found)


def _calls(body: Expression) -> list[Call]:
    return [part for _, part in walk(body) if isinstance(part, Call) and part.function in _TAKEN]


def _letters(call: Call, batch: Index | None) -> tuple[Index, ...]:
    """The letters of a call, those of the samples first."""
    letters = free_indices(call)
    return tuple(sorted(letters, key=lambda letter: (letter != batch, letters.index(letter))))


def _key(call: Call, batch: Index | None) -> str:
    """Equal for calls that have the same values, whatever their letters (but that of the samples) are."""
    letters = [letter for letter in free_indices(call) if letter != batch]
    numbered: dict[Index, IndexTerm] = {
        letter: Index(f"#{number}", letter.axis) for number, letter in enumerate(letters)
    }
    return repr(canonical(rename(call, numbered)))


def _free_name(call: Call, used: Collection[str]) -> str:
    arrays = dict.fromkeys(part.array for _, part in walk(call) if isinstance(part, Entry))
    return fresh_name("_".join([call.function, *list(arrays)[:2]]), used)
