"""The pages of the catalogue, made from its problem files, with their derivations and proofs."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from symderiv import catalog
from symderiv.build.index import GROUPS, group_of
from symderiv.calculus import Derivation, derive_all
from symderiv.documents.latex import assumption_latex
from symderiv.documents.page import fragment
from symderiv.expression.nodes import Definition, Entry
from symderiv.notation.latex import to_latex
from symderiv.notation.mathml import latex_to_mathml
from symderiv.notation.text import to_text
from symderiv.problem import Problem

INTRODUCTION = """\
# Catalogue

{problems} problems with {derivatives} derivatives come with symderiv. Each page below is made from a
file in its notation when this documentation is built: the definitions, every derivative with its steps,
and the verdict of the prover on the form and on each step. `symderiv derive NAME` prints the same,
`symderiv emit NAME` the functions.
"""


#: A card shows so many derivatives at most.
MOST_FORMS = 3


def write_pages(app: Any) -> None:
    """Write the pages, those that have changed."""
    folder = Path(app.srcdir) / "generated" / "catalogue"
    folder.mkdir(parents=True, exist_ok=True)
    groups: dict[str, list[tuple[str, Problem, list[Derivation]]]] = {name: [] for name in GROUPS}
    for name in catalog.names():
        problem = catalog.load(name)
        derivations = list(derive_all(problem))
        groups[group_of(problem, derivations)].append((name, problem, derivations))
        write(folder / f"{name}.md", page(name, problem, derivations))
    write(folder / "index.md", index(groups))
    for left in set(folder.glob("*.md")) - {folder / f"{name}.md" for name in (*catalog.names(), "index")}:
        left.unlink()


def write(path: Path, text: str) -> None:
    """Write a page unless it is there already, so that only what changes is read again."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def page(name: str, problem: Problem, derivations: list[Derivation]) -> str:
    """One problem: its file, and its derivations."""
    parts = [f"# {problem.title}", problem.about]
    if problem.source:
        parts.append(f"*Source:* {problem.source}")
    rows = [f"{_left(each, problem)} = {to_latex(each.body, problem)}" for each in problem.definitions]
    definitions = "\n".join(f'<div class="math">{latex_to_mathml(row)}</div>' for row in rows)
    words = ("title", "about", "source")
    text = [line for line in catalog.text_of(name).splitlines() if line.partition(" ")[0] not in words]
    stated = "\n".join(text).strip()
    parts += [
        "```{raw} html\n" + definitions + "\n```",
        f"In `{name}.sd`, below the title:\n\n```text\n{stated}\n```",
    ]
    for derivation in derivations:
        shown = fragment(derivation, "textbook").strip().replace("<details>", "<details open>")
        parts += [f"## `{to_text(derivation.start)}`", "```{raw} html\n" + shown + "\n```"]
    parts.append(
        f"```text\nsymderiv derive {name}\nsymderiv emit {name} --target numpy\nsymderiv verify {name}\n```"
    )
    return "\n\n".join(filter(None, parts)) + "\n"


def _left(definition: Definition, problem: Problem) -> str:
    return to_latex(Entry(definition.name, definition.indices), problem)


def index(groups: dict[str, list[tuple[str, Problem, list[Derivation]]]]) -> str:
    """The way into the pages: every problem with its forms, under its heading."""
    entries = [entry for group in groups.values() for entry in group]
    parts = [
        INTRODUCTION.format(problems=len(entries), derivatives=sum(len(found) for _, _, found in entries))
    ]
    for title, group in groups.items():
        if not group:
            continue
        rows = []
        for name, problem, derivations in sorted(group, key=lambda entry: entry[1].title.casefold()):
            forms = "".join(f"<li>{_form(each, problem)}</li>" for each in derivations[:MOST_FORMS])
            if len(derivations) > MOST_FORMS:
                forms += f"<li><small>and {len(derivations) - MOST_FORMS} more</small></li>"
            rows.append(
                f'<article><h3><a href="{name}.html">{escape(problem.title)}</a></h3>'
                f"<p>{escape(problem.about)}</p><ul>{forms}</ul></article>"
            )
        parts.append(
            f'## {title}\n\n```{{raw}} html\n<div class="catalogue">\n' + "\n".join(rows) + "\n</div>\n```\n"
        )
    names = "\n".join(name for name, _, _ in sorted(entries, key=lambda entry: entry[1].title.casefold()))
    parts.append(f"```{{toctree}}\n:hidden:\n\n{names}\n```\n")
    return "\n".join(parts)


def _form(derivation: Derivation, problem: Problem) -> str:
    made = latex_to_mathml(f"{to_latex(derivation.start, problem)} = {to_latex(derivation.form, problem)}")
    stated = [
        latex_to_mathml(assumption_latex(each, problem), display=False) for each in derivation.assumptions
    ]
    return made + (f" <small>if {' and '.join(stated)}</small>" if stated else "")


def setup(app: Any) -> dict[str, bool]:
    """Write the pages before the sources are read."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
