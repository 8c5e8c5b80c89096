"""Hand-written functions, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symderiv.system import within_limits

if TYPE_CHECKING:
    from symderiv.check.code import CodeReport


@within_limits
def check_code(
    code: str,
    against: str,
    args: str = "",
    returns: str = "",
    *,
    seconds: float = 20.0,
    memory: int = 2048,
) -> CodeReport:
    """Run a hand-written NumPy function in a process of its own, and judge what it returns.

    This runs the code, with limits on time and memory. They guard against accidents, not malice.

    Parameters
    ----------
    code
        The function, as ``FILE.py::function``.
    against
        What it is to compute: ``PROBLEM`` or ``PROBLEM:derivative``, such as ``softmax:d(p[i], z[j])``.
    args
        What its parameters stand for, such as ``S = p[k], x = x[j] as j 1``; those that are called like a
        name of the problem need not be listed. Arrays come in double precision, labels as places from 0.
    returns
        How the result is laid out, such as ``(i j) t``; the letters of the derivative in order, if empty.
    seconds, memory
        The limits: seconds for everything, MiB for the process.

    Returns
    -------
    CodeReport
        True where the function agrees at every point that was tried; printed, it says what was found.

    Raises
    ------
    CodeError, NotationError, UnknownProblemError
        If the function, what its parameters are or the problem is not understood.
    """
    from symderiv.check.code import check_code as judged

    return judged(code, against, args, returns, seconds=seconds, memory=memory)
