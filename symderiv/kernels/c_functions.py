"""Functions in C as text: their heads and calls, and those in which the loops over the samples stand.

A parallel region of OpenMP is moved out by the compiler into a function of its own, which takes its
arrays from memory: that they do not overlap (``restrict``) is forgotten there, and with it the vectors.
So the loops over the samples are static functions, of the samples from one to another, with ``restrict``
in their heads, and the region does nothing but call one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from symderiv.kernels.c_formula import CFormula
from symderiv.kernels.loop_program import LoopProgram, Parameter, Reduce, Start, Store, nodes
from symderiv.kernels.names import NameTable

INDENT = "    "
_SIGNATURE_WIDTH = 100
_CALL_WIDTH = 96
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Signature:
    """The parameters of a function: what they are called and what they are."""

    returns: str
    parameters: tuple[str, ...]

    def text(self, name: str, end: str) -> list[str]:
        """The head of a function, in lines of a readable width."""
        return _in_lines(f"{self.returns} {name}(", self.parameters, f"){end}", _SIGNATURE_WIDTH)


def call(function: str, arguments: Sequence[str]) -> list[str]:
    """A call, in lines of a readable width."""
    return _in_lines(f"{function}(", arguments, ");", _CALL_WIDTH)


def _in_lines(start: str, words: Sequence[str], end: str, width: int) -> list[str]:
    lines, line = [], start
    for number, each in enumerate(words):
        word = each + (", " if number + 1 < len(words) else end)
        if len(line) + len(word.rstrip()) > width:
            lines.append(line.rstrip())
            line = INDENT
        line += word
    return [*lines, line]


def block(head: str, body: Sequence[str]) -> list[str]:
    """A block in braces; what is a block by itself already needs no other."""
    if len(body) > 2 and (body[0], body[-1]) == ("{", "}") and all(each[0] == " " for each in body[1:-1]):
        body = [each.removeprefix(INDENT) for each in body[1:-1]]
    return [f"{head} {{", *(INDENT + line for line in body), "}"]


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in some code; comments are none."""
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", _COMMENT.sub("", text)) is not None


def parameter(each: Parameter, name: str, dtype: str, restrict: str) -> str:
    """A parameter of the program in a head; `restrict` stands behind the * of a pointer."""
    kind = "int64_t" if each.kind == "label" else dtype
    if each.is_result:
        return f"{kind} *{restrict}{name}"
    return f"const {kind} *{restrict}{name}" if each.axes else f"{kind} {name}"


class RowFunctions:
    """Static functions of the samples from `from` up to `to`.

    Each has what it needs of the function around it: sizes, arrays and the numbers that were worked out
    before, by the names that they have there.

    Attributes
    ----------
    lines
        The definitions that were made, in order.
    """

    def __init__(self, program: LoopProgram, names: NameTable, formula: CFormula, called: str) -> None:
        self.program, self.names, self.formula, self.called = program, names, formula, called
        self.dtype = formula.dtype.c
        self.lines: list[str] = []

    def add(self, kind: str, about: str, body: Sequence[str], known: Sequence[str]) -> tuple[str, list[str]]:
        """One more function; its name, and what has to be handed to it behind the first and last sample.

        `known` names the numbers that were worked out before.
        """
        name = self.names.give(f"{kind} of {self.called}", f"{self.called}_{kind}")
        given = [each for each in self._known(known) if mentions("\n".join(body), each[0])]
        head = ("ptrdiff_t from", "ptrdiff_t to", *(declared for _, declared in given))
        if self.lines:
            self.lines.append("")
        self.lines += [
            f"/* {about} */",
            *Signature("SHARED void", head).text(name, ""),
            "{",
            *(INDENT + line for line in body),
            "}",
        ]
        return name, [each for each, _ in given]

    def _known(self, known: Sequence[str]) -> list[tuple[str, str]]:
        """All that a function may need, each with its declaration."""
        axes = dict.fromkeys(axis for each in self.program.parameters for axis in each.axes)
        found = [(name, f"ptrdiff_t {name}") for name in map(self.formula.size_name, axes)]
        for each in self.program.parameters:
            name = self.names[each.name]
            found.append((name, parameter(each, name, self.dtype, "restrict ")))
        rows = next(each for each in self.program.body if getattr(each, "role", "") == "rows")
        stored = {each.target.array for each in nodes((rows,)) if isinstance(each, Store | Reduce | Start)}
        for buffer in self.program.buffers:
            if not buffer.per_row and buffer.indices:
                constant = "" if buffer.name in stored else "const "
                name = self.names[buffer.name]
                found.append((name, f"{constant}{self.dtype} *restrict {name}"))
        found += [(self.names[each], f"{self.dtype} {self.names[each]}") for each in known]
        return [*found, ("work", f"{self.dtype} *restrict work")]


__all__ = ["INDENT", "RowFunctions", "Signature", "call", "mentions", "parameter"]
