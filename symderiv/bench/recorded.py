"""Results that were kept as JSON, read back, so that tables and plots can be made from them anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symderiv.bench.accuracy import Errors
from symderiv.bench.cells import BenchError, Cell
from symderiv.bench.growth import Growth
from symderiv.bench.limits import Floor
from symderiv.bench.measure import CellResult, Measured, Options, Run
from symderiv.bench.timing import Timing
from symderiv.bench.workloads import workloads


@dataclass(frozen=True)
class RecordedTiming(Timing):
    """A timing of which the rounds are no longer known: the quartiles, and the ratio to what was emitted."""

    kept: tuple[float, float] = (0.0, 0.0)
    to_ours: float = 1.0

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile."""
        return self.kept

    def ratio(self, other: Timing) -> float:
        """How many times as long as the emitted function, whose timing `other` has to be."""
        return self.to_ours


@dataclass(frozen=True)
class Recorded:
    """What a file of results holds: one of the three, and where it was measured if that is known."""

    machine: str = ""
    run: Run | None = None
    accuracy: tuple[Errors, ...] = ()
    growth: tuple[Growth, ...] = ()


def read(text: str) -> Recorded:
    """What ``symderiv bench --json`` wrote.

    Raises
    ------
    BenchError
        If it is something else.
    """
    try:
        data = json.loads(text)
        if isinstance(data, dict):
            return Recorded(data["machine"], _run(data))
        if "eps" in data[0]:
            return Recorded(accuracy=tuple(_errors(each) for each in data))
        return Recorded(growth=tuple(_growth(each) for each in data))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise BenchError(
            f"expected what symderiv bench --json writes, found something else: {error!r}"
        ) from None


def _run(data: Mapping[str, Any]) -> Run:
    known = workloads()
    results = [
        _result(each, Cell(known[each["workload"]], tuple(each["shape"]), each["dtype"]))
        for each in data["cells"]
    ]
    options = Options(
        tuple(dict.fromkeys(each.cell.workload for each in results)),
        tuple(dict.fromkeys(each.cell.dtype for each in results)),
        threads=data["threads"],
        against=data["against"].removeprefix("emitted "),
    )
    missing = {str(place): sentence for place, sentence in enumerate(data["missing"])}
    return Run(options, dict(data["versions"]), missing, results)


def _result(data: Mapping[str, Any], cell: Cell) -> CellResult:
    if "floor" not in data:
        return CellResult(cell, trouble=data["left_out"])
    floor = data["floor"]
    return CellResult(
        cell,
        tuple(_measured(each) for each in data["candidates"]),
        Floor(floor["seconds"], floor["by"], floor["bytes_per_second"]),
    )


def _measured(data: Mapping[str, Any]) -> Measured:
    error = float("nan") if data["error_eps"] is None else data["error_eps"]
    timing = None
    if "median" in data:
        low, high = data["quartiles"]
        timing = RecordedTiming((data["median"],), (low, high), data.get("ratio", float("nan")))
    return Measured(data["peer"], data["label"], error, timing, data.get("trouble", ""))


def _errors(data: Mapping[str, Any]) -> Errors:
    return Errors(data["workload"], data["result"], data["dtype"], data["eps"])


def _growth(data: Mapping[str, Any]) -> Growth:
    seconds = {
        label: {int(size): each for size, each in times.items()} for label, times in data["seconds"].items()
    }
    title = workloads()[data["workload"]].title
    return Growth(data["workload"], title, data["axis"], data["fixed"], data["dtype"], seconds)
