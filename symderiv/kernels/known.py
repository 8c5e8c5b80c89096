"""What entries are judged by, worked out once for all ways in which a function is called."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from symderiv.expression.oracle import Oracle
from symderiv.kernels.accuracy import ErrorOracle


class Known:
    """What the entries of a call are judged by; the oracles are made where an entry is not known yet."""

    def __init__(
        self,
        references: dict[Any, Any],
        bounds: dict[Any, float],
        exact: Callable[[], Oracle],
        rounding: Callable[[], ErrorOracle],
    ) -> None:
        self.references, self.bounds = references, bounds
        self._made = exact, rounding

    @cached_property
    def exact(self) -> Oracle:
        """What references are worked out by."""
        return self._made[0]()

    @cached_property
    def rounding(self) -> ErrorOracle:
        """What bounds are."""
        return self._made[1]()


__all__ = ["Known"]
