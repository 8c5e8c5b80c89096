"""Numbers for elements of the field: what SymPy's derivative is at given values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from symderiv.expression.oracle import FLOATS
from symderiv.witness.field import Field, FieldError
from symderiv.witness.laurent import Polynomial

_FUNCTIONS: dict[str, Callable[[float], float]] = {
    name: getattr(math, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "gamma")
} | {
    "digamma": FLOATS.functions["digamma"],
    "trigamma": FLOATS.functions["trigamma"],
    "Step": lambda u: 1.0 if u > 0 else 0.0,
    "log": math.log,
}


class Numbers:
    """Evaluates elements in floating point.

    Parameters
    ----------
    field
        Where the elements live.
    of_entry
        From an array and a place (from 0) to its value.
    """

    def __init__(self, field: Field, of_entry: Callable[[str, tuple[int, ...]], float]) -> None:
        self.field = field
        self._of_entry = of_entry
        self._memory: dict[int, float] = {}

    def element(self, polynomial: Polynomial) -> float:
        """The value of an element."""
        return math.fsum(self._term(monomial, coefficient) for monomial, coefficient in polynomial.items())

    def _term(self, monomial: tuple[tuple[int, int], ...], coefficient: Any) -> float:
        value = float(coefficient)
        for number, exponent in monomial:
            value *= self._generator(number) ** exponent
        return value

    def _generator(self, number: int) -> float:
        if number not in self._memory:
            self._memory[number] = self._made(number)
        return self._memory[number]

    def _made(self, number: int) -> float:
        made = self.field.generators[number]
        match made.kind:
            case "entry":
                return self._of_entry(made.name, made.content)
            case "pi":
                return math.pi
            case "prime":
                return math.log(made.content)
            case "sum":
                return self.element(made.content)
            case "exp":
                return math.exp(self.element(made.content))
            case "log":
                return math.log(self.element(made.content))
            case "root":
                return float(self.element(made.content) ** (1 / made.degree))
        if made.name not in _FUNCTIONS:
            raise FieldError(f"expected a function with a value, found {made.name}")
        return _FUNCTIONS[made.name](self.element(made.content))


def entry_reader(arrays: Mapping[str, Any]) -> Callable[[str, tuple[int, ...]], float]:
    """Reads entries from arrays (nested lists, NumPy arrays or numbers) by name."""
    import numpy as np

    tables = {name: np.asarray(values, dtype=float) for name, values in arrays.items()}

    def read(name: str, place: tuple[int, ...]) -> float:
        if name not in tables:
            raise FieldError(f"expected values for {name}, found only {', '.join(sorted(tables)) or 'none'}")
        table = tables[name]
        if table.ndim != len(place) or any(
            spot >= size for spot, size in zip(place, table.shape, strict=True)
        ):
            raise FieldError(f"{name} has no entry at place {tuple(spot + 1 for spot in place)}")
        return float(table[place])

    return read
