"""The way into an output folder: a page and a table of everything in it."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.build.manifest import INDEX, INDEX_PAGE, Manifest, Record
from symderiv.build.report import counted, steps
from symderiv.calculus import Derivation
from symderiv.documents.environment import html_environment
from symderiv.documents.escape import escape_markdown
from symderiv.documents.formulas import formula, with_math
from symderiv.documents.structure import structure
from symderiv.expression.nodes import Derivative, Entry
from symderiv.problem import Problem

#: The headings of the page, in order.
ELEMENTWISE, ARRAYS = "Functions entry by entry", "Functions of whole arrays"
NUMBERS, LAYERS, OTHERS = "Losses and other single numbers", "Layers under any loss", "Others"
GROUPS = (ELEMENTWISE, ARRAYS, NUMBERS, LAYERS, OTHERS)


def group_of(problem: Problem, derivations: Sequence[Derivation]) -> str:
    """The heading that a problem stands under: by its output, and by the structure of its derivatives."""
    output = problem.output()
    if problem.upstream:
        return LAYERS
    if not problem.axes_of(output):
        return NUMBERS
    kinds = set()
    for each in derivations:
        start = each.start
        if isinstance(start, Derivative) and isinstance(start.of, Entry) and start.of.array == output:
            found = structure(each)
            kinds |= {part.kind for part in found.parts} if found else set()
    return ELEMENTWISE if kinds == {"diagonal"} else ARRAYS


def index_files(manifest: Manifest) -> dict[str, str]:
    """The page and the table, by the names of their files."""
    return {INDEX: index_table(manifest), INDEX_PAGE: index_page(manifest)}


def index_page(manifest: Manifest) -> str:
    """The page that leads to all the others: each problem with its forms, under its heading."""
    groups: dict[str, list[dict[str, object]]] = {name: [] for name in GROUPS}
    ordered = sorted(manifest.problems.items(), key=lambda item: (item[1].title.casefold(), item[0]))
    for name, record in ordered:
        groups[record.group if record.group in groups else OTHERS].append(_entry(name, record))
    rows = [row for record in manifest.problems.values() for row in record.rows]
    proved = sum(row.proof.startswith("proved") for row in rows)
    return (
        html_environment()
        .get_template("index.html.j2")
        .render(
            groups=[(name, entries) for name, entries in groups.items() if entries],
            problems=counted(len(manifest.problems), "problem"),
            derivatives=counted(len(rows), "derivative"),
            proved="each" if proved == len(rows) else f"{proved} of them",
            steps=counted(sum(row.steps for row in rows), "step"),
        )
    )


def _entry(name: str, record: Record) -> dict[str, object]:
    pages = [file for file in record.files if file.endswith(".html")]
    others = [file for file in record.files if file not in pages]  # the title leads to the page
    return {
        "title": record.title or name,
        "about": record.about,
        "page": pages[0] if pages else "",
        "forms": [
            (formula(row.latex[1], row.latex[0]), with_math(f"${row.latex[2]}$") if row.latex[2] else "")
            for row in record.rows
            if row.latex[0]
        ],
        "files": sorted(((file, _kind(file, name)) for file in others), key=_place),
    }


#: What files are called on the page by how their names go on behind that of the problem, in its order.
_KINDS = {
    "tex": "LaTeX", "numpy.py": "NumPy", "numba.py": "Numba", "c": "C", "h": "header",
    "json": "JSON", "md": "Markdown",
}  # fmt: skip


def _kind(file: str, name: str) -> str:
    """What a file is: a document of a kind, or the module for a target."""
    rest = file.rsplit("/", maxsplit=1)[-1].removeprefix(name).lstrip("._")
    return _KINDS.get(rest, rest.removesuffix(".py"))


def _place(entry: tuple[str, str]) -> tuple[int, str]:
    """Where a file stands among the others of its problem; one of no known kind is last."""
    known = list(_KINDS.values())
    return known.index(entry[1]) if entry[1] in known else len(known), entry[1]


def index_table(manifest: Manifest) -> str:
    """The way into a folder as a Markdown table."""
    lines = [
        "# Derivatives, documents and kernels",
        "",
        "Written by `symderiv build`; do not edit. A proved form holds for every size of every axis,",
        "under the assumption that it names, if it names one; its steps are proved one by one as well.",
        "",
        "| problem | derivative | form | steps | checked by | files |",
        "|---|---|---|---|---|---|",
    ]
    for name in sorted(manifest.problems):
        record = manifest.problems[name]
        links = " ".join(f"[{file.split('/')[-1]}]({file})" for file in record.files)
        for place, row in enumerate(record.rows):
            first, last = (f"**{escape_markdown(record.title or name)}**", links) if place == 0 else ("", "")
            cells = (first, f"`{row.derivative}`", f"`{row.form}`", steps(row), row.proof, last)
            lines.append(f"| {' | '.join(_in_table(cell) for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _in_table(cell: str) -> str:
    """A cell without bars of its own, escaped ones included."""
    return cell.replace(r"\|", "|").replace("|", "&#124;")
