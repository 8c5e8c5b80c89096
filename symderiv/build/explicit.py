"""One derivation for the terminal: in any of the formats, with its explicit entries where asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from symderiv.build.plan import LIMITS, MAX_ENTRIES
from symderiv.calculus import Derivation
from symderiv.documents.data import derivation_json
from symderiv.documents.plain import derivation_text, table_text
from symderiv.documents.shown import Numbers, Shown
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Derivative, Index
from symderiv.expression.oracle import Oracle, OracleError, Table, multiprecision
from symderiv.problem import names_in

if TYPE_CHECKING:
    from symderiv.witness import Explicit


class ExplicitError(ValueError):
    """Sizes or values that give no explicit result; the message is one sentence."""


def document(
    derivation: Derivation,
    form: str = "text",
    level: str = "textbook",
    sizes: Mapping[str, int] | None = None,
    arrays: Mapping[str, Table] | None = None,
    *,
    symbols: bool = True,
) -> str:
    """A derivation in one of the formats ``text``, ``latex``, ``markdown`` and ``json``.

    Parameters
    ----------
    derivation, form, level
        What to write, how, and how many steps of it.
    sizes
        Where given, the explicit entries at these sizes are written too.
    arrays
        Where given (with `sizes`), the entries in numbers at these values of the inputs.
    symbols
        Whether the entries are written in symbols, as SymPy finds them.

    Raises
    ------
    ExplicitError
        If a size or a value is missing, or there are too many entries.
    """
    found = shown(derivation, sizes, arrays, symbols=symbols)
    explicit, letters = found.explicit, _letters(derivation)
    numbers = None if found.numbers is None else found.numbers.values
    if form == "json":
        data = derivation_json(derivation, level, explicit)
        if found.numbers is not None and numbers is not None:
            places = {",".join(str(spot + 1) for spot in place): value for place, value in numbers.items()}
            data["explicit"] = {
                **(data.get("explicit") or {}),
                "sizes": dict(found.numbers.sizes),
                "letters": [letter.name for letter in letters],
                "values": places,
            }
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    if form == "text":
        text = derivation_text(derivation, level)
        if explicit is not None:
            text += f"\n{explicit.to_text()}\n"
        if numbers is not None:
            text += "\n" + table_text(letters, {place: f"{value:.10g}" for place, value in numbers.items()})
        return text
    return _typeset(derivation, form, level, _tables(explicit, letters, numbers))


def shown(
    derivation: Derivation,
    sizes: Mapping[str, int] | None = None,
    arrays: Mapping[str, Table] | None = None,
    *,
    symbols: bool = True,
) -> Shown:
    """A derivation with its entries at given sizes, in symbols and in numbers; see :func:`document`.

    Raises
    ------
    ExplicitError
        If a size or a value is missing, or there are too many entries.
    """
    explicit, numbers, letters = None, None, _letters(derivation)
    if sizes is not None:
        sizes = {**dict.fromkeys(derivation.problem.idle_axes(), 1), **sizes}
        _check(derivation, letters, sizes)
        if arrays is not None:
            numbers = Numbers(letters, sizes, _numbers(derivation, letters, sizes, arrays))
        if symbols:
            from symderiv.witness import witness

            explicit = witness(derivation, sizes)
    return Shown(derivation, explicit, numbers)


def together(texts: Sequence[str], form: str) -> str:
    """Several documents as one: one after the other, or a list in JSON."""
    if len(texts) == 1:
        return texts[0]
    if form == "json":
        return "[\n" + ",\n".join(text.rstrip("\n") for text in texts) + "\n]\n"
    return "\n".join(texts)


def _typeset(derivation: Derivation, form: str, level: str, tables: Sequence[str]) -> str:
    """LaTeX or Markdown, with tables of explicit entries after it."""
    from symderiv.documents.latex import derivation_latex
    from symderiv.documents.markdown import derivation_markdown

    text = (derivation_latex if form == "latex" else derivation_markdown)(derivation, level)
    opening, closing = ("\\[", "\\]") if form == "latex" else ("\n$$", "$$")
    return text + "".join(f"{opening}\n{table}\n{closing}\n" for table in tables)


def _tables(
    explicit: Explicit | None, letters: tuple[Index, ...], numbers: Mapping[tuple[int, ...], float] | None
) -> list[str]:
    tables: list[str] = []
    if explicit is not None:
        from symderiv.documents.explicit import explicit_tables
        from symderiv.documents.latex import TEXT_WIDTH

        tables += explicit_tables(explicit, TEXT_WIDTH)
    return tables if numbers is None else [*tables, _latex_numbers(letters, numbers)]


def _letters(derivation: Derivation) -> tuple[Index, ...]:
    """The free letters of the result, in the order of the derivative that was asked for."""
    start = derivation.start
    parts = (start.of, *start.by) if isinstance(start, Derivative) else (start,)
    return tuple(dict.fromkeys(letter for part in parts for letter in free_indices(part)))


def _check(derivation: Derivation, letters: tuple[Index, ...], sizes: Mapping[str, int]) -> None:
    missing = [axis for axis in derivation.problem.axes if axis not in sizes]
    if missing:
        wanted = " ".join(f"--size {axis}=3" for axis in missing)
        raise ExplicitError(f"expected a size for {' and '.join(missing)} too, found none; add {wanted}")
    count = prod(sizes[letter.axis] for letter in letters)
    if count > MAX_ENTRIES:
        raise ExplicitError(
            f"--size: expected at most {MAX_ENTRIES} entries, found {count}: {LIMITS}; "
            "choose smaller sizes, or leave --size out for a result that holds for every size"
        )


def _numbers(
    derivation: Derivation, letters: tuple[Index, ...], sizes: Mapping[str, int], arrays: Mapping[str, Table]
) -> dict[tuple[int, ...], float]:
    """The entries in numbers, evaluated directly: of the general form, for values need meet no assumption."""
    problem = derivation.problem
    unspecified = [each.name for each in problem.upstream if each.name in names_in(derivation.result)]
    if unspecified:
        raise ExplicitError(
            f"expected a form without unspecified functions for --value, found {', '.join(unspecified)}; "
            "use --size for entries in symbols"
        )
    needed = {
        given.name
        for given in problem.inputs
        if given.name in names_in(derivation.result) or problem.depends(derivation.result, given.name)
    }
    for name in sorted(needed - arrays.keys()):
        axes = problem.axes_of(name)
        count = prod(sizes[axis] for axis in axes)
        raise ExplicitError(
            f"expected values for {name} too, found none; add --value {name}=... with {count} "
            f"number{'' if count == 1 else 's'}"
        )
    # So many digits that what is left of a difference of equal numbers is zero as a float.
    oracle = Oracle(sizes, arrays, problem.definitions, arithmetic=multiprecision(400))
    try:
        return {
            place: float(value) + 0.0 for place, value in oracle.table(derivation.result, letters).items()
        }
    except OracleError as error:
        raise ExplicitError(f"the form has no value in numbers: {error}") from None
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise ExplicitError(f"the form has no value in floating point at these values: {error}") from None


def _latex_numbers(letters: tuple[Index, ...], numbers: Mapping[tuple[int, ...], float]) -> str:
    if len(letters) != 2:
        return r" \quad ".join(f"{numbers[place]:.6g}" for place in sorted(numbers))
    rows = sorted({place[0] for place in numbers})
    columns = sorted({place[1] for place in numbers})
    lines = [" & ".join(f"{numbers[row, column]:.6g}" for column in columns) for row in rows]
    return r"\begin{pmatrix}" + r" \\ ".join(lines) + r"\end{pmatrix}"
