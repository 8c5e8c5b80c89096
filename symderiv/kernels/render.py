"""From lowered functions to a file: the rendering of its template."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from symderiv.expression.nodes import Entry
from symderiv.kernels.blocks import FEW_BYTES, ROWS
from symderiv.kernels.errors import KernelError
from symderiv.kernels.long_lines import in_short_lines
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import identifier, plain_text
from symderiv.kernels.records import FunctionRecord, function_record, wrapped
from symderiv.kernels.registry import Target
from symderiv.kernels.spelling import respelled
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from symderiv.resources import template_folder

if TYPE_CHECKING:
    from jinja2 import Environment

#: Words of the code that the head of a file must bring along.
_WORDS = (
    "math", "types", "overload", "intrinsic", "ir", "get_host_cpu_features", "parse_assembly",
    "_EXACT", "_count",
)  # fmt: skip


def render(problem: Problem, target: Target, functions: Sequence[Lowered], stem: str) -> dict[str, str]:
    """The text of each emitted file, by the end of its name: a header first, if the target has one."""
    environment = _environment(template_folder())
    helpers: set[str] = set()
    records: list[FunctionRecord] = []
    for function in functions:
        try:
            record, used = function_record(function, target)
        except KernelError as error:
            raise KernelError(f"{function.spec.name} cannot be emitted: {error}") from error
        if any(record.name == other.name for other in records):
            raise KernelError(
                f"Two functions of {problem.name} would both be called {record.name}: rename a variable."
            )
        records.append(record)
        helpers |= used
    helper_files = [f"{target.folder}/{name}{target.suffix}.j2" for name in sorted(helpers)]
    code = [line for record in records for line in (*record.body, *record.kernel)]
    code += [environment.get_template(path).render() for path in helper_files]
    uses = {word for word in _WORDS if any(re.search(rf"\b{word}\b", text) for text in code)}
    known = {
        "problem_name": plain_text(problem.name),
        "title": plain_text(problem.title or problem.name),
        "about": wrapped(problem.about),
        "source": wrapped(f"Source: {problem.source}") if problem.source else "",
        "sizes": {plain_text(axis): size for function in functions for axis, size in function.sizes.items()},
        "definitions": [plain_text(line) for line in _definitions(problem)],
        "forms": list(dict.fromkeys(each for record in records for each in _forms(record))),
        "target": target.name,
        "checks": f"{target.folder}/checks{target.suffix}.j2",
        "contiguous": target.contiguous,
        "functions": records,
        "exported": [record.name for record in records],
        "helper_files": helper_files,
        "uses": uses,
        "has_threads": any(record.threaded for record in records),
        "has_products": any(record.products for record in records),
        "has_totals": any("_NOWHERE" in line for record in records for line in record.before),
        "has_short": any(record.before for record in records),
        "has_reductions": any(record.reductions for record in records),
        "has_losses": any(record.reduction for record in records),
    }
    if target.header:
        known |= {
            "stem": stem,
            "guard": f"{identifier(stem).upper()}_H",
            "uses_work": any("_work(" in line for record in records for line in record.declared),
        }
    return {
        suffix: _tidy(environment.get_template(f"{target.folder}/module{suffix}.j2").render(known), suffix)
        for suffix in (target.header, target.suffix)
        if suffix
    }


@lru_cache(maxsize=1)
def _environment(folder: Path) -> Environment:
    """The templates of all targets: each is compiled once, which takes longer than it takes to render it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python source, not HTML; all text goes through plain_text
    )
    made.filters["comment"] = c_comment
    made.globals |= {"samples_of_block": ROWS, "bytes_of_sample": FEW_BYTES}
    return made


def _tidy(text: str, suffix: str) -> str:
    """No long lines, no blanks at the ends of lines, and one line end at the end."""
    text = in_short_lines(text, python=suffix == ".py")
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n") + "\n"


def c_comment(text: str) -> str:
    """Text for the inside of a comment in C: nothing in it ends the comment or begins another."""
    return text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("\\\\", "\\")


def _definitions(problem: Problem) -> list[str]:
    lines = []
    for definition in problem.definitions:
        left = to_text(Entry(definition.name, definition.indices))
        lines.append(f"{left} = {to_text(definition.body)}")
    for each in problem.upstream:
        lines.append(f"{each.name} is any differentiable function of {each.of}")
    other = [each for each in respelled(problem).definitions if each not in problem.definitions]
    if other:
        lines += [
            "computed as",
            *(f"{to_text(Entry(each.name, each.indices))} = {to_text(each.body)}" for each in other),
        ]
    return lines


def _forms(record: FunctionRecord) -> list[str]:
    return [*record.lines, *(each.formula for each in record.results if each.formula)]
