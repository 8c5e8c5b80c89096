"""How far a sum in a definition reaches: ``L = sum_i a_i + b_i`` can only mean the sum of both."""

from __future__ import annotations

from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Add, Expression, Multiply, Number, Sum


def reaching(body: Expression, letter: str) -> Expression | None:
    """A value in which the sum over `letter` takes in what is added after it; None where none can.

    After a minus sign it would be open whether what follows is subtracted too: such a sum is left alone.
    """
    if not isinstance(body, Add):
        return None
    for place, term in enumerate(body.terms[:-1]):
        found = _sum_in(term, letter)
        if found is None:
            continue
        rest = body.terms[place + 1 :]
        free = {index for each in rest for index in free_indices(each) if index.name == letter}
        rest = tuple(rename(each, dict.fromkeys(free, found.index)) for each in rest)
        wider = Sum(found.index, Add((found.body, *rest)), found.condition)
        changed: Expression = wider
        if isinstance(term, Multiply):
            changed = Multiply(tuple(wider if each is found else each for each in term.factors))
        return Add((*body.terms[:place], changed)) if place else changed
    return None


def _sum_in(term: Expression, letter: str) -> Sum | None:
    """The sum over a letter that a term is, or is a positive multiple of."""
    factors = term.factors if isinstance(term, Multiply) else (term,)
    if any(isinstance(each, Number) and each.value < 0 for each in factors):
        return None
    last = factors[-1]
    return last if isinstance(last, Sum) and last.index.name == letter else None
