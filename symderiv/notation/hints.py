"""What was inferred of the names and sums of a typed formula, and may be meant otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from symderiv.expression.indices import mentions
from symderiv.expression.nodes import Definition, Entry, Extremum, Product, Sum
from symderiv.expression.traverse import walk
from symderiv.notation.errors import Source
from symderiv.notation.tex import Guess
from symderiv.notation.text import to_text
from symderiv.notation.undeclared import AXIS_NAMES
from symderiv.problem import Input, Problem


def of_names(inferred: Sequence[Input], text: str, problem: Problem, latex: bool) -> Iterator[Guess]:
    """What was inferred of names and may be meant otherwise; labels in LaTeX are told by its reader."""
    for given in inferred:
        if given.label_of is not None:
            if latex:
                continue
            message = (
                f"{given.name} is read as a label, a fixed place on {given.label_of}: "
                "it is neither summed over nor on the left side"
            )
        elif not given.axes and given.name in AXIS_NAMES and problem.axes:
            message = (
                f"{given.name} is read as a number; if it is the size of an axis, declare letters that range "
                f"over it, such as k : {given.name}"
            )
        else:
            continue
        yield guess_of_name(given.name, text, message)


def of_sums(definitions: Sequence[Definition], text: str) -> Iterator[Guess]:
    """The letters over which entries are summed or multiplied that the letter does not choose."""
    for definition in definitions:
        for _, part in walk(definition.body):
            if (
                isinstance(part, Sum | Product | Extremum)
                and not mentions(part.body, part.index)
                and (isinstance(part, Extremum) or part.condition is None)
                and any(isinstance(each, Entry) and each.indices for _, each in walk(part.body))
            ):
                letter = part.index.name
                yield guess_of_name(
                    letter, text, f"{letter} does not occur in what is taken over {letter}: {to_text(part)}"
                )


def guess_of_name(name: str, text: str, message: str) -> Guess:
    """A guess, at the place where a name first stands."""
    found = re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text)
    place = Source(text, "").error(found.start() if found else 0, "")
    return Guess(message, place.line, place.column, len(name))
