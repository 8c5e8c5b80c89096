"""A derivation as plain text for a terminal, in the text notation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symderiv.calculus import Derivation, Step, cases
from symderiv.documents.outline import reason
from symderiv.expression.nodes import Index
from symderiv.notation.text import to_text

#: Beyond this column a step's rule is put on the line above.
_RULE_COLUMN = 72


def derivation_text(derivation: Derivation, level: str = "textbook") -> str:
    """The definitions, each shown step with its rule, the cases, and the form under assumptions.

    Parameters
    ----------
    derivation
        What to show.
    level
        How many steps: one of :data:`symderiv.calculus.derivation.LEVELS`.
    """
    problem = derivation.problem
    lines = [problem.title or problem.name, ""]
    for each in problem.definitions:
        letters = ", ".join(index.name for index in each.indices)
        name = f"{each.name}[{letters}]" if letters else each.name
        lines.append(f"  {name} = {to_text(each.body)}")
    for upstream in problem.upstream:
        lines.append(f"  {upstream.name} is any differentiable function of {upstream.of}")
    for name, axes in derivation.extra:
        shape = f"[{', '.join(axes)}]" if axes else ""
        lines.append(f"  {name}{shape} is given")
    lines += ["", f"    {to_text(derivation.start)}"]
    lines += _chain(derivation.shown(level))
    if not derivation.steps:
        lines.append(f"  = {to_text(derivation.result)}")
    if derivation.assumed_result is not None:
        stated = ", ".join(
            f"{to_text(each.left)} == {to_text(each.right)}" for each in derivation.assumptions
        )
        lines += ["", f"with {stated}", "", f"    {to_text(derivation.result)}"]
        lines += _chain(derivation.shown_assumed(level))
    found = cases(derivation)
    if found:
        lines.append("")
        for case in found:
            delta = to_text(case.delta).removeprefix("delta(").removesuffix(")").split(", ")
            sign = " == " if case.equal else " != "
            lines.append(f"  {sign.join(delta)}:  {to_text(case.value)}")
    return "\n".join(lines) + "\n"


def _chain(steps: Sequence[Step]) -> list[str]:
    lines = []
    for step in steps:
        formula = f"  = {to_text(step.after)}"
        why = reason(step)
        if len(formula) + 2 <= _RULE_COLUMN:
            lines.append(f"{formula:<{_RULE_COLUMN}}{why}")
        else:
            lines += [f"{'':<{_RULE_COLUMN}}{why}", formula]
    return lines


def table_text(letters: Sequence[Index], entries: Mapping[tuple[int, ...], str]) -> str:
    """Entries by place (counted from 1): a number, a row, a matrix, else one entry a line.

    Parameters
    ----------
    letters
        The free indices, one for each part of a place.
    entries
        The text of each entry.
    """
    width = max((len(text) for text in entries.values()), default=0)
    rows = 1 + max((place[0] for place in entries), default=0) if len(letters) == 2 else 0
    columns = 1 + max((place[1] for place in entries), default=0) if rows else 0
    if rows and columns * (width + 2) <= 110:
        head = f"rows {letters[0].name} = 1..{rows}, columns {letters[1].name} = 1..{columns}"
        body = ["  " + "  ".join(f"{entries[i, j]:>{width}}" for j in range(columns)) for i in range(rows)]
        return "\n".join([head, *body]) + "\n"
    lines = []
    for place in sorted(entries):
        pairs = zip(letters, place, strict=True)
        label = ", ".join(f"{index.name} = {spot + 1}" for index, spot in pairs)
        lines.append(f"  {label + ': ' if label else ''}{entries[place]}")
    return "\n".join(lines) + "\n"
