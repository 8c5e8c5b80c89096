"""The program of the other process: runs one function at given arguments and writes down what it returns.

It is started by its path, in a folder of its own, and imports nothing of symderiv. Nothing that it writes is
trusted by the reader: results are plain numbers, with their shape beside them.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from typing import Any

#: The largest result that is written down, in numbers.
MAX_RESULT = 1_000_000


def main() -> None:
    """Do the job that ``job.json`` describes, one call after the other."""
    with open("job.json", encoding="utf-8") as file:
        job = json.load(file)
    folder = os.getcwd()
    limit(job["seconds"], job["memory"])
    sys.path.extend(path for path in job["paths"] if path not in sys.path)
    try:
        import numpy as np

        arguments = np.load("arguments.npz", allow_pickle=False)
        calls = [
            {name: arguments[value] if kind == "array" else value for name, (kind, value) in call.items()}
            for call in job["calls"]
        ]
        function = getattr(load(job["file"]), job["function"])
    except BaseException as error:
        write(folder, "import", failure(error, job["file"]))
        return
    write(folder, "ready", {})
    process = os.getpid()
    for number, given in enumerate(calls):
        report, array = run(np, function, job["positional"], given)
        if os.getpid() != process:  # the function has forked, and this is its copy
            os._exit(0)
        if isinstance(report, BaseException):
            report = failure(report, job["file"])
        if array is not None and array.size <= MAX_RESULT:
            with open(os.path.join(folder, f"{number}.bin"), "wb") as out:
                out.write(np.ascontiguousarray(array, dtype="<f8").tobytes())
        write(folder, str(number), report)


def limit(seconds: float, memory: int) -> None:
    """Bound what this process may use, where the system can."""
    try:
        import resource
    except ImportError:
        return
    whole = math.ceil(seconds)
    bounds = [
        ("RLIMIT_CPU", whole + 1), ("RLIMIT_AS", memory), ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", 32 * MAX_RESULT), ("RLIMIT_NPROC", 0),
    ]  # fmt: skip
    for name, value in bounds:
        with contextlib.suppress(AttributeError, ValueError, OSError):
            resource.setrlimit(getattr(resource, name), (value, value))


def load(path: str) -> Any:
    """The file as a module; its neighbours can be imported too, but stand in for nothing installed."""
    import importlib.util

    sys.path.append(os.path.dirname(path))
    spec = importlib.util.spec_from_file_location("code_to_check", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run(np: Any, function: Any, positional: list[str], given: dict[str, Any]) -> tuple[Any, Any]:
    """One call: a report of what came of it, or the exception, and the array that was returned."""
    before = {name: value.copy() for name, value in given.items() if isinstance(value, np.ndarray)}
    # By place as far as can be: what a decorator has put around a function need not know its names.
    first_left_out = next((place for place, name in enumerate(positional) if name not in given), None)
    by_place = [given[name] for name in positional[:first_left_out]]
    by_name = {name: value for name, value in given.items() if name not in positional[:first_left_out]}
    try:
        found = function(*by_place, **by_name)
        if found is None or isinstance(found, tuple):
            return {"kind": "other", "type": "None" if found is None else f"a tuple of {len(found)}"}, None
        if isinstance(found, np.ma.MaskedArray):
            return {"kind": "other", "type": "a masked array"}, None
        array = np.asarray(found)
    except BaseException as error:
        return error, None
    if array.dtype.kind not in "fiub":
        return {"kind": "other", "type": f"{type(found).__name__} of {array.dtype}"[:80]}, None
    changed = [
        name for name, value in before.items() if not np.array_equal(value, given[name], equal_nan=True)
    ]
    shape = [int(side) for side in array.shape]
    return {"kind": "value", "shape": shape, "dtype": str(array.dtype), "changed": changed}, array


def failure(error: BaseException, file: str) -> dict[str, Any]:
    """An exception: its type, its message, and the last line of the user's file that it passed."""
    line, place = 0, error.__traceback__
    while place is not None:
        if place.tb_frame.f_code.co_filename == file:
            line = place.tb_lineno
        place = place.tb_next
    kind = "memory" if isinstance(error, MemoryError) else "raised"
    try:
        message = str(error)[:300]
    except BaseException:
        message = ""
    return {"kind": kind, "type": type(error).__name__[:80], "message": message, "line": line}


def write(folder: str, name: str, report: dict[str, Any]) -> None:
    """Write a report whole: it appears under its name only when it is complete."""
    path = os.path.join(folder, f"{name}.json")
    with open(f"{path}.part", "w", encoding="utf-8") as out:
        json.dump(report, out)
    os.replace(f"{path}.part", path)


if __name__ == "__main__":
    main()
    # Threads that the function has left behind must not hold the process.
    os._exit(0)
