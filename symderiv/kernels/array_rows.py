"""Which functions can be computed for blocks of samples, so that what is worked on stays in the cache."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from symderiv.expression.indices import indices_in_term
from symderiv.expression.nodes import Delta, Entry, Expression, Index, Size
from symderiv.expression.traverse import walk
from symderiv.kernels.array_formula import letters_of
from symderiv.kernels.array_ready import sizes_read
from symderiv.kernels.function_spec import WEIGHT
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.program import Statement
from symderiv.problem import names_in


@dataclass(frozen=True)
class Rows:
    """A function whose samples do not depend on each other.

    Attributes
    ----------
    batch
        The axis of the samples.
    arguments, results
        Those that have a part for each sample.
    others
        What all samples share.
    columns
        The axis of the places of one sample, where it may pay to work along columns; or empty.
    """

    batch: str
    arguments: tuple[str, ...]
    results: tuple[str, ...]
    others: tuple[str, ...]
    columns: str


def rows_of(lowered: Lowered, statements: Sequence[Statement], passes: int) -> Rows | None:
    """How a function is computed by blocks of samples; None where it cannot be, or is in one pass.

    Parameters
    ----------
    passes
        How many steps go over arrays of the full size.
    """
    batch = lowered.spec.batch
    reductions = sum(bool(each.reduce) for each in statements)
    if batch is None or passes + reductions < 2 or not all(_is_alone(each, batch) for each in statements):
        return None
    arguments = lowered.spec.arguments
    batched = tuple(each.name for each in arguments if each.axes[:1] == (batch.axis,))
    results = tuple(each.name for each in lowered.spec.results)
    if not batched or any(batch.axis in each.axes[1:] for each in arguments):
        return None
    used = {name for each in statements for body in each.bodies() for name in names_in(body)}
    others = tuple(each.name for each in arguments if each.name not in batched)
    others += (WEIGHT,) if WEIGHT in used else ()
    return Rows(batch.axis, batched, results, others, _columns(statements, batch))


def _is_alone(statement: Statement, batch: Index) -> bool:
    """Whether each sample's part is computed from its own parts, along the first axis."""
    if statement.indices[:1] != (batch,) or batch in statement.summed or statement.scatter is not None:
        return False
    if any(batch in (late, early) for case in statement.cases for late, early in case.on):
        return False
    return all(_keeps_to(part, batch) for body in statement.bodies() for _, part in walk(body))


def _keeps_to(part: Expression, batch: Index) -> bool:
    match part:
        case Entry(_, indices):
            return all(place == 0 or term != batch for place, term in enumerate(indices)) and (
                not indices or indices[0] == batch or batch not in set(indices_in_term(indices[0]))
            )
        case Size(axis):
            return axis != batch.axis
        case Delta(left, right):
            return batch not in (left, right)
        case _:
            return True


def _columns(statements: Sequence[Statement], batch: Index) -> str:
    """The axis of one sample's places, if that is the only one and a largest of them is looked for."""
    letters = {index for each in statements for index in each.letters if index != batch}
    axes = {index.axis for index in letters}
    extrema = any(each.reduce in ("max", "min") for each in statements)
    if not extrema or len(axes) != 1:
        return ""
    for statement in statements:
        if len(statement.letters) > 2 or len(statement.indices) > 2:
            return ""
        for body in statement.bodies():
            for _, part in walk(body):
                if isinstance(part, Entry) and len(letters_of(part)) > 2:
                    return ""
    return axes.pop()


def by_rows(
    lowered: Lowered, names: NameTable, rows: Rows, lines: Sequence[str], kernel: str
) -> tuple[list[str], list[str]]:
    """The call of a kernel for blocks of samples, and the kernel."""
    given, results, others = (
        [names[name] for name in group] for group in (rows.arguments, rows.results, rows.others)
    )
    apart = f", {_tuple(others)}" if others else ""
    call = f"_in_blocks({kernel}, ({', '.join((*given, *results))}){apart})"
    if rows.columns:
        samples, places = (names[f"size of {axis}"] for axis in (rows.batch, rows.columns))
        inside = f"{_tuple(given)}, {_tuple(results)}"
        called = [
            f"if {samples} >= 128 and {places} <= 32:  # NumPy is slow at reducing many short rows",
            f"    _by_columns({kernel}, {inside}{apart})",
            "else:",
            f"    {call}",
        ]
    else:
        called = [call]
    name = kernel.removeprefix("_").removesuffix("_rows")
    head = [f"def {kernel}({', '.join((*given, *results, *others))}):"]
    head.append(f'    """The samples of one block of {name}."""')
    text = "\n".join(line.partition("  #")[0] for line in lines if not line.startswith("#"))
    if re.search(r"\bdtype\b", text):
        labels = {names[each.name] for each in lowered.spec.arguments if each.kind == "label"}
        real = next(name for name in (*given, *results) if name not in labels)
        head.append(f"    dtype = {real}.dtype")
    every = [names[f"size of {axis}"] for argument in lowered.spec.arguments for axis in argument.axes]
    wanted = frozenset(size for size in every if re.search(rf"\b{size}\b", text))
    head += [f"    {line}" for line in sizes_read(lowered, names, wanted)]
    return called, [*head, *(f"    {line}" for line in lines)]


def _tuple(parts: Sequence[str]) -> str:
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"
