"""Tables and plots of what ``symderiv bench --json`` kept in ``benchmarks/results/``."""

from __future__ import annotations

import json
import shutil
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from extensions.catalogue import write
from symderiv.bench import plots, report
from symderiv.bench.peers import peer
from symderiv.bench.recorded import Recorded, read

NOTHING = "*No results are kept in this copy of the repository: `benchmarks/results/` holds none.*\n"


def write_results(app: Any) -> None:
    """Write the part of the page on measurements that comes from files, and the plots in it."""
    source = Path(app.srcdir)
    kept = sorted((source.parent / "benchmarks" / "results").glob("*.json"))
    parts, folder = source / "generated" / "parts", source / "generated" / "plots"
    parts.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    texts = {path: path.read_text(encoding="utf-8") for path in kept}
    catalogues = {path: made for path, text in texts.items() if "rows" in (made := json.loads(text))}
    found = [(path, read(text)) for path, text in texts.items() if path not in catalogues]
    found.sort(key=lambda each: (each[1].run is None, bool(each[1].growth)))  # speed, accuracy, growth
    made = [section(path, each, folder / path.stem) for path, each in found]
    made += [catalogue_section(path, each) for path, each in catalogues.items()]
    write(parts / "results.md", "\n".join(made) if made else NOTHING)


def section(path: Path, found: Recorded, folder: Path) -> str:
    """One file: where it was measured, its plots, its tables."""
    parts = [f"## {path.stem.replace('_', ' ').capitalize()}"]
    drawn: list[Path] = []
    tables: list[Table] = []
    if found.run is not None:
        run, threads = found.run, found.run.options.threads
        peers = [f"{peer(name).TITLE} {version}".strip() for name, version in run.versions.items()]
        measured = f"{found.machine}, {threads} thread{'' if threads == 1 else 's'}; {', '.join(peers)}."
        parts += [
            measured,
            *found.run.missing.values(),
            report.LEGEND.format(target=found.run.options.against),
        ]
        drawn = plots.write_ratios(found.run, folder)
        tables = report.summary_tables(found.run)
    tables += [report.accuracy_table(each) for each in found.accuracy]
    tables += [report.growth_table(each) for each in found.growth]
    drawn += plots.write_growth(found.growth, folder)
    parts += [f"![{each.stem.replace('_', ' ')}](generated/plots/{path.stem}/{each.name})" for each in drawn]
    parts += [markdown(each) for each in tables]
    return "\n\n".join(parts) + "\n"


def catalogue_section(path: Path, kept: dict[str, Any]) -> str:
    """What ``benchmarks/catalogue.py`` kept: a row for each problem, with its ratios at all sizes."""
    table = Table(title="Gradients: JAX's time over that of the emitted Numba function")
    table.add_column("problem")
    table.add_column("sizes", overflow="fold")
    table.add_column("ratios", justify="right")
    for name, rows in groupby(kept["rows"], key=itemgetter("problem")):
        each = list(rows)
        sizes = [" ".join(f"{axis}={size}" for axis, size in row["sizes"].items()) for row in each]
        table.add_row(
            f"{name} \\*" if each[0]["given"] else name,
            "; ".join(sizes),
            ", ".join(f"{row['ratio']:.2f}" for row in each),
        )
    ahead = sum(row["ratio"] > 1 for row in kept["rows"])
    said = [
        f"{kept['machine']}, 1 thread; `jax.jit` of JAX {kept['jax']}.",
        f"The emitted function is faster in {ahead} of {len(kept['rows'])} cases.",
        "Where a name has a star, it is given what the forward function returned.",
    ]
    title = f"## {path.stem.replace('_', ' ').capitalize()}"
    return "\n\n".join([title, " ".join(said), markdown(table), ""])


def markdown(table: Table) -> str:
    """A table of the terminal as one of Markdown."""
    columns = [[plain(column.header), *map(plain, column.cells)] for column in table.columns]
    rows = list(zip(*columns, strict=True))
    marks = ["---:" if column.justify == "right" else "---" for column in table.columns]
    lines = [f"| {' | '.join(row)} |" for row in [rows[0], marks, *rows[1:]]]
    return "\n".join([f"**{plain(table.title)}**", "", *lines])


def plain(cell: object) -> str:
    """What a cell says, its markup taken away."""
    return Text.from_markup(str(cell)).plain.replace("|", "\\|")


def setup(app: Any) -> dict[str, bool]:
    """Write the part before the sources are read."""
    app.connect("builder-inited", write_results)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
