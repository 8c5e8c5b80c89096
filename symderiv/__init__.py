"""symderiv: derive gradients in index notation, emit kernels, verify them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symderiv.api import (
        BackwardResult,
        LimitError,
        Picture,
        RequestError,
        Result,
        Verification,
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
        verify,
        vjp,
    )

__version__ = "0.1.0"

__all__ = [
    "BackwardResult",
    "LimitError",
    "Picture",
    "RequestError",
    "Result",
    "Verification",
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
    "verify",
    "vjp",
]


def __getattr__(name: str) -> Any:
    """The public functions, imported when one is first asked for."""
    if name in __all__:
        from symderiv import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext symderiv`` calls: there is ``%%symderiv`` in the notebook from then on."""
    from symderiv.notebook import register

    register(shell)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
