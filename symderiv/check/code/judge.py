"""Judges a function: runs it at generic values and compares what it returns with the oracle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from symderiv.check.code import diagnosis
from symderiv.check.code.declaration import Declaration, Function, declare, find_function
from symderiv.check.code.errors import CodeError
from symderiv.check.code.process import Outcome, run_function
from symderiv.check.code.target import Target, read_target
from symderiv.check.code.values import Trial, far_trial, trials
from symderiv.check.diagnosis import Diagnosis
from symderiv.documents.fragments import ShowsItself

if TYPE_CHECKING:
    import numpy as np

#: How long a function may run, in seconds, and how much memory it may have, in MiB, if nobody says.
SECONDS = 20.0
MEMORY = 2048
#: How many roundings of the largest term, or of the inputs as the result is conditioned, are forgiven.
ROUNDINGS = 8192
#: A relative difference below this may come from a coarse method, such as finite differences.
COARSE = 1e-5
_EPSILON = {"float16": 2.0**-10, "float32": 2.0**-23}


@dataclass(frozen=True)
class CodeReport(ShowsItself):
    """What was found about a function.

    Attributes
    ----------
    function, target, declaration
        What was judged, against what, and how its arguments and result were read.
    verdict
        ``agrees`` (at the points that were tried: no proof), ``refuted``, or ``undecided`` where the function
        cannot be judged, for it fails or is too coarse.
    message
        The verdict in one sentence.
    points, sizes
        How many points were tried, and the sizes of the axes there.
    digits
        For ``agrees``: to how many digits, of the largest entry, at the worst place.
    counterexample
        Where it is wrong or fails: sizes, arguments, and the worst entry or the shapes.
    diagnosis
        What is wrong.
    assuming
        What the values of the inputs keep.
    remarks
        What else was seen.
    seconds, memory
        The limits under which the function was run.
    """

    function: Function
    target: Target
    declaration: Declaration
    verdict: str
    message: str
    points: int = 0
    sizes: tuple[Mapping[str, int], ...] = ()
    digits: int | None = None
    counterexample: Mapping[str, Any] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    assuming: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    seconds: float = SECONDS
    memory: int = MEMORY

    def __bool__(self) -> bool:
        """Whether the function agrees."""
        return self.verdict == "agrees"

    def __str__(self) -> str:
        from symderiv.check.code.report import text

        return "\n".join(text(self))

    def _repr_html_(self) -> str:
        from symderiv.check.code.report import html

        return html(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``--format json`` writes it."""
        from symderiv.check.code.report import data

        return data(self)


@dataclass(frozen=True)
class _Tried:
    """A point and what came of it there."""

    trial: Trial
    outcome: Outcome
    expected: np.ndarray[Any, Any]
    allowed: float
    scale: float

    @property
    def fits(self) -> bool:
        return tuple(self.outcome.shape) == tuple(self.expected.shape)

    @property
    def error(self) -> float:
        """The largest difference, infinite where an entry is no number."""
        import numpy as np

        if self.outcome.values is None:
            return math.inf
        with np.errstate(all="ignore"):
            gaps = np.abs(self.outcome.values - self.expected)
        return float(np.max(np.where(np.isnan(gaps), math.inf, gaps), initial=0.0))

    @property
    def right(self) -> bool:
        return bool(self.fits and self.error <= self.allowed)


def check_code(
    code: str,
    against: str,
    args: str = "",
    returns: str = "",
    *,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> CodeReport:
    """Run a hand-written function in a process of its own, and judge what it returns.

    This runs the code, with limits on time and memory. They guard against accidents; code that is not
    trusted should not be run.

    Parameters
    ----------
    code
        ``FILE.py::function``.
    against
        ``PROBLEM`` or ``PROBLEM:derivative``, such as ``softmax:d(p[i], z[j])``.
    args
        What the parameters stand for: ``S = p[k], x = x[j] as j 1``. Parameters that are called like a name
        of the problem need not be listed.
    returns
        How the result is laid out: ``(i j) t``; the letters of the derivative in order, if empty.
    seconds, memory
        The limits: seconds for everything, MiB for the process.

    Raises
    ------
    CodeError, NotationError, UnknownProblemError
        If the function, its declaration or the problem is not understood.
    """
    function, target = find_function(code), read_target(against)
    declaration = declare(function, target, args, returns)
    points, assuming = trials(target, declaration)
    if not points:
        raise CodeError(f"found no values of the inputs at which {target} can be computed")
    far = far_trial(target, declaration)
    again = max(range(len(points)), key=lambda number: float(abs(points[number].expected).max(initial=0)))
    calls = [trial.arguments for trial in (*points, points[again], *((far,) if far else ()))]
    outcomes = run_function(function, calls, seconds, memory * 2**20)
    tried = _tried(target, declaration, points, outcomes)
    found = _verdict(target, declaration, tried)
    if len(outcomes) > len(points) and _differ(outcomes[again], outcomes[len(points)]):
        found |= {
            "verdict": "refuted",
            "message": "returns other values when it is called again with the same arguments",
            "diagnosis": Diagnosis(
                "not repeatable",
                "its result depends on chance, or on something that earlier calls have changed",
            ),
            "counterexample": _where(tried[again], declaration),
        }
    remarks = [*found.pop("remarks", ())]
    if far is not None and len(outcomes) == len(calls) and found["verdict"] == "agrees":
        remarks += _far_remark(outcomes[-1])
    return CodeReport(
        function, target, declaration, points=len(tried), assuming=assuming, remarks=tuple(remarks),
        sizes=tuple(each.trial.sizes for each in tried), seconds=seconds, memory=memory, **found,
    )  # fmt: skip


def _tried(
    target: Target, declaration: Declaration, points: Sequence[Trial], outcomes: Sequence[Outcome]
) -> list[_Tried]:
    """The points with what is right there, and how far off rounding may lead.

    The scale of a point is its largest entry, or how much the result moves with the inputs if that is more;
    where both vanish (a softmax of one score is 1 whatever it is), it is that of the other points.
    """
    import numpy as np

    scales = [max(float(np.max(np.abs(trial.expected), initial=0.0)), trial.conditioning) for trial in points]
    usual = max(scales)
    found = []
    for trial, outcome, scale in zip(points, outcomes, scales, strict=False):
        scale = scale if scale > 1e-6 * usual else usual or 1.0
        epsilon = _EPSILON.get(outcome.dtype, 2.0**-52)
        expected = declaration.result.arranged(trial.expected, target.letters)
        found.append(_Tried(trial, outcome, expected, ROUNDINGS * epsilon * scale, scale))
    return found


def _verdict(target: Target, declaration: Declaration, tried: Sequence[_Tried]) -> dict[str, Any]:
    returned = [each for each in tried if each.outcome.kind == "value"]
    failed = next((each for each in tried if each.outcome.kind != "value"), None)
    wrong = [each for each in returned if not each.right]
    if wrong:
        told = _wrong(target, declaration, returned, wrong)
        if failed is not None:
            told["remarks"] = (f"at {sizes_in_words(failed.trial.sizes)} it {_failure(failed.outcome)}",)
        return told
    if failed is not None:
        word = {"raised": "exception", "other": "no numbers", "unreadable": "no numbers"}
        kind = failed.outcome.kind
        return {
            "verdict": "undecided",
            "message": f"cannot be judged: {_failure(failed.outcome)}",
            "diagnosis": Diagnosis(word.get(kind, kind), _failure(failed.outcome)),
            "counterexample": _where(failed, declaration),
        }
    changed = next((each for each in returned if each.outcome.changed), None)
    if changed is not None:
        names = ", ".join(changed.outcome.changed)
        return {
            "verdict": "refuted",
            "message": f"returns the right values, but changes what it is given: {names}",
            "diagnosis": Diagnosis("arguments changed", f"{names} is not what it was before the call"),
            "counterexample": _where(changed, declaration),
        }
    digits = min(_digits(each) for each in returned)
    told = {"verdict": "agrees", "message": "agrees at every point that was tried", "digits": digits}
    if not any(each.trial.expected.any() for each in returned):
        told["remarks"] = ("the right result is zero at every point that was tried",)
    return told


def _differ(first: Outcome, second: Outcome) -> bool:
    """Whether two results of one call differ, by more than another order of additions makes."""
    import numpy as np

    if first.values is None or second.values is None:
        return False
    if first.values.shape != second.values.shape:
        return True
    return not np.allclose(first.values, second.values, rtol=1e-5, atol=1e-12, equal_nan=True)


def _failure(outcome: Outcome) -> str:
    return outcome.message + (f" (line {outcome.line})" if outcome.line else "")


def _digits(each: _Tried) -> int:
    """To how many digits of the scale a result is right; doubles hold 15."""
    relative = each.error / each.scale
    return 15 if relative < 1e-15 else math.floor(-math.log10(relative))


def _wrong(
    target: Target, declaration: Declaration, returned: Sequence[_Tried], wrong: Sequence[_Tried]
) -> dict[str, Any]:
    first = wrong[0]
    if all(each.fits and each.error <= COARSE * each.scale for each in wrong):
        digits = min(_digits(each) for each in wrong)
        return {
            "verdict": "undecided",
            "message": f"agrees to {digits} digits only, fewer than rounding explains: "
            "finite differences, or single precision inside, perhaps",
            "counterexample": _where(first, declaration, target),
        }
    values = [each for each in returned if each.outcome.values is not None]
    points = [each.trial for each in values]
    results = [each.outcome.values for each in values if each.outcome.values is not None]
    if all(each.fits for each in returned):
        restored = [
            declaration.result.restored(result, target.letters, trial.sizes)
            for result, trial in zip(results, points, strict=True)
        ]
        told = diagnosis.wrong_values(target, points, restored)
        message = "returns wrong values"
    else:
        first = next(each for each in returned if not each.fits)
        told = diagnosis.wrong_shape(declaration.result, target, points, results)
        message = f"returns the shape {first.outcome.shape}, expected {first.expected.shape}"
    return {
        "verdict": "refuted", "message": message, "diagnosis": told,
        "counterexample": _where(first, declaration, target),
    }  # fmt: skip


def _where(each: _Tried, declaration: Declaration, target: Target | None = None) -> dict[str, Any]:
    """A point in plain data: sizes, arguments, and with a target what is wrong there."""
    import numpy as np

    found: dict[str, Any] = {
        "sizes": dict(each.trial.sizes),
        "arguments": {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in each.trial.arguments.items()
        },
    }
    if target is None:
        return found
    if not each.fits:
        return {**found, "expected_shape": list(each.expected.shape), "found_shape": list(each.outcome.shape)}
    assert each.outcome.values is not None
    result = declaration.result.restored(each.outcome.values, target.letters, each.trial.sizes)
    with np.errstate(all="ignore"):
        gaps = np.abs(result - each.trial.expected)
    gaps = np.where(np.isnan(gaps), np.inf, gaps)
    place = np.unravel_index(int(np.argmax(gaps)), gaps.shape)
    # Where the entry stands in the array that the function has returned.
    numbers = np.arange(gaps.size).reshape(gaps.shape)
    at = np.argwhere(declaration.result.arranged(numbers, target.letters) == numbers[place])[0]
    return {
        **found,
        "places": {letter.name: int(spot) + 1 for letter, spot in zip(target.letters, place, strict=True)},
        "index": [int(spot) for spot in at],
        "expected": float(each.trial.expected[place]),
        "found": _number(float(result[place])),
    }


def _number(value: float) -> float | str:
    """A number, or its name where JSON has no such number."""
    return value if math.isfinite(value) else str(value)


def sizes_in_words(sizes: Mapping[str, int]) -> str:
    """``B = 2, K = 3``; of a scalar problem, that it has no axes."""
    return ", ".join(f"{axis} = {size}" for axis, size in sizes.items()) or "the only size"


def _far_remark(outcome: Outcome) -> list[str]:
    import numpy as np

    if outcome.values is None or bool(np.isfinite(outcome.values).all()):
        return []
    return ["at values around 1000 it returns NaN or infinite entries where the right ones are finite"]
