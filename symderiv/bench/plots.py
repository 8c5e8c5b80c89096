"""Plots of a run as SVG: ratios by shape, a roofline, growth. The same data give the same bytes."""

from __future__ import annotations

import importlib.util
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symderiv.bench.cells import BenchError, shape_text
from symderiv.bench.limits import exp_rate
from symderiv.bench.measure import CellResult, Run
from symderiv.bench.report import best_by_peer

if TYPE_CHECKING:
    from symderiv.bench.growth import Growth

MARKERS = "osD^vP*Xph"


def require() -> None:
    """Refuse in one sentence where there is nothing to plot with.

    Raises
    ------
    BenchError
        If matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise BenchError(
            "--plots: expected matplotlib, found none; install it with: pip install 'symderiv[bench]'"
        )


def _figure(**size: Any) -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "symderiv", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(**size)
    return figure, axes


def _write(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": "symderiv"}, bbox_inches="tight")
    pyplot.close(figure)
    return path


def write_plots(run: Run, folder: Path) -> list[Path]:
    """All plots of a run, into a folder; the paths that were written."""
    groups = _groups(run)
    written = write_ratios(run, folder)
    for dtype in run.options.dtypes:
        results = [each for group in groups.values() for each in group if each.cell.dtype == dtype]
        if results:
            written.append(_roofline(results, run, dtype, folder / f"roofline_{dtype}.svg"))
    return written


def write_ratios(run: Run, folder: Path) -> list[Path]:
    """The plots of how many times as long the others take, which need nothing but the times of a run."""
    return [
        _ratios(results, run.options.against, folder / f"ratio_{name}_{dtype}.svg")
        for (name, dtype), results in _groups(run).items()
    ]


def _groups(run: Run) -> dict[tuple[str, str], list[CellResult]]:
    groups: dict[tuple[str, str], list[CellResult]] = defaultdict(list)
    for result in run.results:
        if result.ours(run.options.against) is not None:
            groups[result.cell.workload.name, result.cell.dtype].append(result)
    return groups


def _ratios(results: Sequence[CellResult], against: str, path: Path) -> Path:
    """How many times as long each peer's best takes, by shape."""
    figure, axes = _figure(figsize=(1.2 + 0.9 * len(results), 3.6))
    ours_name = f"emitted {against}"
    names = list(dict.fromkeys(name for each in results for name in best_by_peer(each) if name != ours_name))
    for number, name in enumerate(names):
        places, ratios = [], []
        for place, each in enumerate(results):
            ours, best = each.ours(against), best_by_peer(each).get(name)
            if best is not None and best.timing is not None and ours is not None and ours.timing is not None:
                places.append(place)
                ratios.append(best.timing.ratio(ours.timing))
        axes.plot(places, ratios, MARKERS[number % len(MARKERS)], label=name, linestyle="-", linewidth=0.7)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_yscale("log")
    axes.set_xticks(range(len(results)), [shape_text(each.cell.shape) for each in results], rotation=30)
    cell = results[0].cell
    axes.set_title(f"{cell.workload.title}, {cell.dtype}")
    axes.set_ylabel(f"time / time of {ours_name}")
    axes.grid(axis="y", which="both", linewidth=0.3)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return _write(figure, path)


def _roofline(results: Sequence[CellResult], run: Run, dtype: str, path: Path) -> Path:
    """Bytes a second against the bytes that a cell moves, and the copy that was measured beside each."""
    figure, axes = _figure(figsize=(7, 4.2))
    roofs = sorted((each.cell.bytes_moved, each.floor.bandwidth) for each in results if each.floor)
    axes.plot(*zip(*roofs, strict=True), "k-", linewidth=1, label="a copy of as many bytes")
    rate = exp_rate(dtype, run.options.threads)
    bytes_an_exp = {
        each.cell.bytes_moved / cost.exps
        for each in results
        if (cost := each.cell.workload.cost(each.cell.shape)).exps and not cost.products
    }
    for each_size in sorted(bytes_an_exp):
        label = f"{rate / 1e9:.2g} G exponentials/s at {each_size:g} bytes each"
        axes.axhline(rate * each_size, color="black", linestyle=":", linewidth=1, label=label)
    for number, title in enumerate(dict.fromkeys(each.cell.workload.title for each in results)):
        points = sorted(
            (each.cell.bytes_moved, each.cell.bytes_moved / _seconds(each, run.options.against))
            for each in results
            if each.cell.workload.title == title
        )
        axes.plot(*zip(*points, strict=True), MARKERS[number % len(MARKERS)], label=title, linestyle="none")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("bytes that must be read and written")
    axes.set_ylabel("bytes a second")
    threads = f"{run.options.threads} thread{'' if run.options.threads == 1 else 's'}"
    axes.set_title(f"Roofline of emitted {run.options.against}, {dtype}, {threads}")
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.grid(which="both", linewidth=0.3)
    return _write(figure, path)


def _seconds(each: CellResult, against: str) -> float:
    ours = each.ours(against)
    return ours.timing.median if ours is not None and ours.timing is not None else math.nan


def write_growth(growths: Sequence[Growth], folder: Path) -> list[Path]:
    """The growth of the cost with one size, a plot for each workload and dtype."""
    written = []
    for each in growths:
        figure, axes = _figure(figsize=(5, 3.6))
        for number, (label, seconds) in enumerate(each.seconds.items()):
            sizes = list(seconds)
            axes.plot(sizes, [seconds[size] for size in sizes], MARKERS[number % len(MARKERS)], linestyle="-",
                      linewidth=0.8, label=f"{label}, exponent {each.exponents[label]:.2f}")  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(each.axis)
        axes.set_ylabel("seconds a call")
        axes.set_title(f"{each.title}, {each.fixed}, {each.dtype}")
        axes.grid(which="both", linewidth=0.3)
        axes.legend(fontsize=7)
        written.append(_write(figure, folder / f"growth_{each.name}_{each.axis}_{each.dtype}.svg"))
    return written
