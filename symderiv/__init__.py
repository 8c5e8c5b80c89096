"""symderiv: derive gradients in index notation, emit kernels, verify them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symderiv.api import (
        RequestError,
        Result,
        backward,
        check,
        check_code,
        compile,
        derive,
        emit,
        explain,
        from_sympy,
        hvp,
        jvp,
        load,
        names,
        parse,
        prove,
        vjp,
    )

__version__ = "0.1.0"

__all__ = [
    "RequestError",
    "Result",
    "backward",
    "check",
    "check_code",
    "compile",
    "derive",
    "emit",
    "explain",
    "from_sympy",
    "hvp",
    "jvp",
    "load",
    "names",
    "parse",
    "prove",
    "vjp",
]


def __getattr__(name: str) -> Any:
    """The public functions, imported when one is first asked for."""
    if name in __all__:
        from symderiv import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
