"""What a reader sees of a run: tables on the terminal, and the same as JSON."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symderiv.bench.cells import Cell, shape_text
from symderiv.bench.measure import CellResult, Measured, Run, machine
from symderiv.bench.peers import peer
from symderiv.bench.timing import time_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from symderiv.bench.accuracy import Errors
    from symderiv.bench.growth import Growth

LEGEND = (
    "ratio: a peer's time over that of the emitted {target} function (above 1 the emitted one is faster), "
    "the median of the rounds, with the quartiles of the times in brackets. share of floor: the least time "
    "that the machine allows (bytes copied, exponentials, products; measured in the same run) over the time. "
    "error: in eps of the largest entry, against float64."
)


def header(run: Run) -> list[str]:
    """On what and with what it was measured, and who is missing."""
    options = run.options
    versions = ", ".join(f"{peer(name).TITLE} {version}".strip() for name, version in run.versions.items())
    threads = f"{options.threads} thread{'' if options.threads == 1 else 's'}"
    return [f"{machine()}, {threads}; {versions}", *run.missing.values()]


def cell_table(result: CellResult, against: str) -> Table:
    """All candidates of one cell, the fastest first."""
    from rich.table import Table

    floor = result.floor
    assert floor is not None
    title = f"{title_of(result.cell)}: floor {time_text(floor.seconds)} by {floor.by}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("candidate", "median", "quartiles", "ratio", "share of floor", "error"):
        table.add_column(
            column, justify="left" if column == "candidate" else "right", no_wrap=column != "candidate"
        )
    ours = result.ours(against)
    timed = sorted(
        (each for each in result.measured if each.timing is not None),
        key=lambda each: each.timing.median if each.timing else math.inf,
    )
    for each in timed:
        timing = each.timing
        assert timing is not None
        low, high = timing.quartiles
        ratio = timing.ratio(ours.timing) if ours is not None and ours.timing is not None else math.nan
        table.add_row(
            each.name, time_text(timing.median), f"[{time_text(low)}, {time_text(high)}]".replace("[", r"\["),
            "" if math.isnan(ratio) else f"{ratio:.2f}",
            f"{floor.seconds / timing.median:.0%}", f"{each.error:.1f}",
            style="bold" if each is ours else None,
        )  # fmt: skip
    for each in result.measured:
        if each.timing is None:
            table.add_row(each.name, each.trouble, "", "", "", "")
    return table


def title_of(cell: Cell) -> str:
    """A cell in words."""
    axes = "×".join(cell.workload.axes)
    return f"{cell.workload.title}, {axes} = {shape_text(cell.shape)}, {cell.dtype}"


def best_by_peer(result: CellResult) -> dict[str, Measured]:
    """The fastest candidate of each peer; each emitted target is a peer of its own."""
    found: dict[str, Measured] = {}
    for each in result.measured:
        if each.timing is None:
            continue
        name = each.label if each.peer == "symderiv" else each.peer
        known = found.get(name)
        if known is None or known.timing is None or each.timing.median < known.timing.median:
            found[name] = each
    return found


def summary_tables(run: Run) -> list[Table]:
    """For each workload and dtype: the ratio to each peer's best, shape by shape."""
    from rich.table import Table

    against = run.options.against
    groups: dict[tuple[str, str], list[CellResult]] = defaultdict(list)
    for result in run.results:
        if result.floor is not None:
            groups[result.cell.workload.name, result.cell.dtype].append(result)
    tables = []
    for results in groups.values():
        cell = results[0].cell
        ours_name = f"emitted {against}"
        names = list(
            dict.fromkeys(name for each in results for name in best_by_peer(each) if name != ours_name)
        )
        table = Table(
            title=f"{cell.workload.title}, {cell.dtype}: times slower than {ours_name}",
            title_justify="left", title_style="bold", box=None, pad_edge=False,
        )  # fmt: skip
        table.add_column("×".join(cell.workload.axes))
        for name in (ours_name, *names, "share of floor"):
            table.add_column(name, justify="right")
        for each in results:
            ours, best = each.ours(against), best_by_peer(each)
            assert each.floor is not None
            if ours is None or ours.timing is None:
                continue
            ratios = [best[name].timing.ratio(ours.timing) if name in best else math.nan for name in names]  # type: ignore[union-attr]
            table.add_row(
                shape_text(each.cell.shape), time_text(ours.timing.median),
                *("" if math.isnan(ratio) else f"{ratio:.2f}" for ratio in ratios),
                f"{each.floor.seconds / ours.timing.median:.0%}",
            )  # fmt: skip
        tables.append(table)
    return tables


def print_summary(run: Run, console: Console) -> None:
    """The summary of all that was measured."""
    for table in summary_tables(run):
        console.print(table)
        console.print()
    if run.results:
        console.print(LEGEND.format(target=run.options.against), style="dim", soft_wrap=False)


def as_json(run: Run) -> str:
    """A run as JSON."""
    options = run.options
    data = {
        "machine": machine(),
        "threads": options.threads,
        "against": f"emitted {options.against}",
        "versions": run.versions,
        "missing": list(run.missing.values()),
        "cells": [_cell_data(each, options.against) for each in run.results],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _cell_data(result: CellResult, against: str) -> dict[str, Any]:
    cell, floor = result.cell, result.floor
    data: dict[str, Any] = {"workload": cell.workload.name, "shape": list(cell.shape), "dtype": cell.dtype}
    if floor is None:
        return {**data, "left_out": result.trouble}
    ours = result.ours(against)
    return {
        **data,
        "bytes": cell.bytes_moved,
        "floor": {"seconds": floor.seconds, "by": floor.by, "bytes_per_second": floor.bandwidth},
        "candidates": [_measured_data(each, ours, floor.seconds) for each in result.measured],
    }


def _measured_data(each: Measured, ours: Measured | None, floor: float) -> dict[str, Any]:
    data: dict[str, Any] = {"peer": each.peer, "label": each.label}
    data["error_eps"] = None if math.isnan(each.error) else each.error
    if each.timing is None:
        return {**data, "trouble": each.trouble}
    low, high = each.timing.quartiles
    data |= {"median": each.timing.median, "quartiles": [low, high], "rounds": len(each.timing.seconds)}
    if ours is not None and ours.timing is not None:
        data["ratio"] = each.timing.ratio(ours.timing)
    return {**data, "share_of_floor": floor / each.timing.median}


def accuracy_table(errors: Errors) -> Table:
    """The errors in one result: a line for each candidate, a column for each class of input."""
    from rich.table import Table

    what = errors.workload if errors.result == errors.workload else f"{errors.workload}, {errors.result}"
    table = Table(
        title=f"{what}, {errors.dtype}: largest error in eps of an entry's terms",
        title_justify="left", title_style="bold", box=None, pad_edge=False,
    )  # fmt: skip
    table.add_column("candidate")
    for kind in errors.by_class:
        table.add_column(kind, justify="right")
    names = dict.fromkeys(name for row in errors.by_class.values() for name in row)
    for name in names:
        found = (row.get(name, "") for row in errors.by_class.values())
        table.add_row(name, *(each if isinstance(each, str) else f"{each:.2g}" for each in found))
    return table


def accuracy_json(found: Sequence[Errors]) -> str:
    """The accuracy table as JSON."""
    data = [
        {"workload": each.workload, "result": each.result, "dtype": each.dtype, "eps": each.by_class}
        for each in found
    ]
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def growth_table(growth: Growth) -> Table:
    """The times by size, and the fitted exponent of each target."""
    from rich.table import Table

    table = Table(
        title=f"{growth.title}, {growth.fixed}, {growth.dtype}: time by {growth.axis}",
        title_justify="left", title_style="bold", box=None, pad_edge=False,
    )  # fmt: skip
    table.add_column(growth.axis, justify="right")
    for label in growth.seconds:
        table.add_column(label, justify="right")
    sizes = dict.fromkeys(size for times in growth.seconds.values() for size in times)
    for size in sizes:
        cells = (times.get(size) for times in growth.seconds.values())
        table.add_row(str(size), *("" if each is None else time_text(each) for each in cells))
    exponents = growth.exponents.values()
    table.add_row(
        "exponent", *("" if math.isnan(each) else f"{each:.2f}" for each in exponents), style="bold"
    )
    return table


def growth_json(found: Sequence[Growth]) -> str:
    """The growth of the costs as JSON."""
    data = [
        {
            "workload": each.name, "axis": each.axis, "fixed": each.fixed, "dtype": each.dtype,
            "seconds": each.seconds,
            "exponents": {label: None if math.isnan(c) else c for label, c in each.exponents.items()},
        }
        for each in found
    ]  # fmt: skip
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
