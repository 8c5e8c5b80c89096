"""Emitted modules, judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from symderiv.api.problems import load
from symderiv.documents.fragments import Row, ShowsItself, table
from symderiv.problem import Problem
from symderiv.system import within_limits

if TYPE_CHECKING:
    from symderiv.kernels.checker import Check


@dataclass(frozen=True)
class Verification(ShowsItself):
    """What was found when the functions of an emitted module were run.

    Attributes
    ----------
    problem, target
        What was emitted, and in which language.
    checks
        One for each function, dtype, and kind of input that was tried.
    """

    problem: Problem
    target: str
    checks: tuple[Check, ...]

    def __bool__(self) -> bool:
        """Whether every entry of every result is within its bound."""
        return all(each.ok for each in self.checks)

    def __repr__(self) -> str:
        return f"<{self.problem.name}, {self.target}: {self._summary()}>"

    def __str__(self) -> str:
        rows = [f"{self.problem.name}, {self.target}: {self._summary()}"]
        return "\n".join([*rows, *(f"  {row.headline}: {row.details[0]}" for row in self._rows())])

    def _repr_html_(self) -> str:
        return table(f"{self.problem.name}, {self.target}: {self._summary()}", self._rows())

    def _summary(self) -> str:
        wrong = sum(not each.ok for each in self.checks)
        names = len({each.function for each in self.checks})
        return (
            f"{names} function{'' if names == 1 else 's'}, {len(self.checks)} checks against 50 digits, "
            f"{f'{wrong} failed' if wrong else 'all passed'}"
        )

    def _rows(self) -> list[Row]:
        """A row for each function: its first failure, else how near it came to its bound."""
        rows = []
        for name in dict.fromkeys(each.function for each in self.checks):
            own = [each for each in self.checks if each.function == name]
            wrong = next((each for each in own if not each.ok), None)
            nearest = max((each.worst / each.bound for each in own if each.bound > 0), default=0.0)
            said = f"the largest error is {nearest:.2g} of its bound" if wrong is None else str(wrong)
            rows.append(Row("refuted" if wrong else "agrees", None, name, [said]))
        return rows


@within_limits
def verify(
    problem: Problem | str | Path, target: str = "numpy", sizes: Mapping[str, int] | None = None
) -> Verification:
    """Emit a module, run each of its functions, and compare every entry with an evaluation in 50 digits.

    Parameters
    ----------
    problem
        A problem, a name of the catalogue, or the path of an ``.sd`` file.
    target
        ``numpy``, ``numba`` or ``c`` (which needs a C compiler).
    sizes
        Sizes that the module is written for; without them it takes every size.

    Returns
    -------
    Verification
        True where every entry is within the bound that an analysis of rounding errors gives it.
    """
    from symderiv.kernels.verify import verify as verified
    from symderiv.request import asking

    given = asking(load(problem))
    options = {} if sizes is None else {"sizes": sizes}
    return Verification(given, target, tuple(verified(given, target, **options)))
