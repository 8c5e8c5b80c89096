"""SciPy: its softmax and log-softmax, with the rest in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symderiv.bench.cells import Candidate, Case

TITLE = "SciPy"
REQUIRES = "scipy"


def version() -> str:
    """SciPy's version."""
    import scipy

    return str(scipy.__version__)


def candidates(case: Case) -> Iterator[Candidate]:
    """Where it has a function for the workload."""
    import numpy as np
    from scipy.special import log_softmax, softmax

    given, name = case.inputs, case.cell.workload.name
    if name == "softmax":
        yield Candidate(TITLE, "softmax", lambda: (softmax(given["z"], axis=-1),))
    elif name == "cross_entropy":
        z, y = given["z"], given["y"]
        rows = np.arange(len(y))

        def call() -> tuple[Any, ...]:
            logs = log_softmax(z, axis=-1)
            gradient = np.exp(logs)
            gradient[rows, y] -= 1
            return -np.mean(logs[rows, y]), gradient / z.dtype.type(len(y))

        yield Candidate(TITLE, "log_softmax", call)
