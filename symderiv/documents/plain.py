"""A derivation as plain text for a terminal, in the text notation."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from symderiv.calculus import Case, Derivation
from symderiv.calculus.kinks import sentences
from symderiv.documents.outline import Line, Passage, outline, places_note
from symderiv.expression.nodes import Index
from symderiv.notation.text import to_text
from symderiv.problem import Problem

#: A line stays within this many columns where its formula allows it.
_WIDTH = 100
#: A left side longer than this stands on a line of its own.
_LEFT = 20


def derivation_text(derivation: Derivation, level: str = "textbook") -> str:
    """The definitions, one line for each shown step with its rule in brackets, the form, its cases.

    Results of other derivations that are used stand before the chain, by number, without their own
    steps; at the level ``all`` their chains are written out as well.

    Parameters
    ----------
    derivation
        What to show.
    level
        How many steps: one of :data:`symderiv.calculus.derivation.LEVELS`.
    """
    passages = outline([derivation], level)
    lines = [*heading(derivation.problem), *_given(derivation), ""]
    for passage in passages[:-1]:
        number = f"({passage.number})"
        if level == "all":
            lines += [*_passage(passage, f"{number} "), ""]
        else:
            start, result = to_text(passage.derivation.start), to_text(passage.derivation.result)
            lines += _folded(f"{number} {start} = ", result)
    if len(passages) > 1 and lines[-1]:
        lines.append("")
    lines += _passage(passages[-1], "")
    return "\n".join(lines) + "\n"


def heading(problem: Problem) -> list[str]:
    """The title and the definitions of a problem."""
    title = problem.title or problem.name
    lines = [title, "=" * len(title)]
    pairs = [(_left(each.name, each.indices), to_text(each.body)) for each in problem.definitions]
    margin = max((len(left) for left, _ in pairs), default=0)
    for left, right in pairs:
        lines += _folded(f"{left:<{margin}} = ", right)
    for upstream in problem.upstream:
        lines.append(f"{upstream.name} is any differentiable function of {upstream.of}")
    for function in problem.functions:
        of = "a number" if function.arity <= 1 else f"{function.arity} numbers"
        lines.append(f"{function.name} is any differentiable function of {of}")
    note = places_note(problem)
    return [*lines, note] if note else lines


def _given(derivation: Derivation) -> list[str]:
    """The arrays that a product brought in."""
    return [
        f"{name}[{', '.join(axes)}] is given" if axes else f"{name} is given"
        for name, axes in derivation.extra
    ]


def _left(name: str, indices: Sequence[Index]) -> str:
    return f"{name}[{', '.join(index.name for index in indices)}]" if indices else name


def _passage(passage: Passage, label: str) -> list[str]:
    """The chain, the form, the form under the assumptions, and the cases."""
    derivation = passage.derivation
    start, result = to_text(derivation.start), to_text(derivation.result)
    whole = f"{label}{start}"
    lines = _chain(whole, passage.lines) if passage.lines else _folded(f"{whole} = ", result)
    if derivation.assumed_result is not None:
        lines += ["", f"assuming {assumptions_text(derivation)}"]
        lines += _chain(f"{label}{start}", passage.assumed)
    if passage.cases:
        lines.append("")
        lines += cases_text(start, passage.cases)
    if derivation.kinks:
        lines += ["", *sentences(derivation)]
    return lines


def assumptions_text(derivation: Derivation) -> str:
    """The assumptions that a derivation used, in text notation."""
    return " and ".join(f"{to_text(each.left)} == {to_text(each.right)}" for each in derivation.assumptions)


def _chain(start: str, lines: Sequence[Line]) -> list[str]:
    """One line a step: the equality signs below each other, the reason in brackets at the right."""
    long = len(start) > _LEFT
    margin = "  " if long else " " * (len(start) + 1)
    rows: list[tuple[str, str]] = []
    for line in lines:
        formula = to_text(line.after)
        if not rows or rows[-1][0] != formula:
            rows.append((formula, f"[{line.reason}]"))
    written = [start] if long else []
    room = _WIDTH - len(margin) - 4
    fitting = [len(formula) for formula, reason in rows if len(formula) + len(reason) <= room]
    column = max(fitting, default=0)
    for place, (formula, reason) in enumerate(rows):
        left = f"{start} = " if place == 0 and not long else f"{margin}= "
        if len(formula) <= column and column + len(reason) <= room + 10:
            written.append(f"{left}{formula:<{column}}  {reason}")
        else:
            written += _folded(left, formula)
            written[-1] = f"{written[-1]:<{len(margin) + column + 2}}  {reason}"
    return written


def _folded(left: str, formula: str) -> list[str]:
    """A long formula on several lines, each of which begins with the operator that joins it."""
    if len(left) + len(formula) <= _WIDTH:
        return [left + formula]
    indent = " " * (len(left) + 2)
    protected = formula.replace(", ", ",\0").replace(" / ", "\0/\0")
    for operator in "+-*":
        protected = protected.replace(f" {operator} ", f" {operator}\0")
    folded = textwrap.wrap(
        protected, _WIDTH, initial_indent=left, subsequent_indent=indent, break_long_words=False
    )
    return [line.replace("\0", " ") for line in folded]


def cases_text(start: str, cases: Sequence[Case]) -> list[str]:
    """One line a case: the value where the two places are the same, and where they are not."""
    rows = []
    for case in cases:
        sides = to_text(case.delta).removeprefix("delta(").removesuffix(")").split(", ")
        rows.append(((" == " if case.equal else " != ").join(sides), to_text(case.value)))
    margin = max(len(condition) for condition, _ in rows)
    return [f"if {condition:<{margin}} : {value}" for condition, value in rows]


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
