"""The scalar functions of the notation in SymPy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sympy

from symderiv.expression.unspecified import is_unspecified


class BridgeError(ValueError):
    """An expression that cannot be written in SymPy here."""


class Step(sympy.Function):  # type: ignore[misc]
    """1 for a positive argument, else 0; its derivative is 0 away from the kink."""

    @classmethod
    def eval(cls, u: Any) -> Any:
        """Return the value at a number; anything else stays as it is."""
        if u.is_number and u.is_positive:
            return sympy.Integer(1)
        return sympy.Integer(0) if u.is_number and u.is_nonpositive else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Return the derivative away from the kink."""
        return sympy.Integer(0)


_PLAIN = {
    name: getattr(sympy, name)
    for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "gamma")
}


@cache
def unspecified(name: str) -> Any:
    """An unspecified function of one argument, whose derivative is called by one prime more."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return unspecified(f"{name}'")(self.args[0])

    return type(name, (sympy.Function,), {"fdiff": fdiff, "nargs": 1})


def apply_function(name: str, arguments: Sequence[Any]) -> Any:
    """The scalar function `name` of SymPy arguments, in elementary functions where it has them.

    Raises
    ------
    BridgeError
        If SymPy is not given this function.
    """
    if name == "pi":
        return sympy.pi
    if name in _PLAIN and len(arguments) == 1:
        return _PLAIN[name](arguments[0])
    if len(arguments) == 1:
        (u,) = arguments
        match name:
            case "digamma":
                return sympy.polygamma(0, u)
            case "trigamma":
                return sympy.polygamma(1, u)
            case "sigmoid":
                return 1 / (1 + sympy.exp(-u))
            case "softplus":
                return sympy.log(1 + sympy.exp(u))
            case "step":
                return Step(u)
            case "relu":
                return u * Step(u)
            case "abs":
                return u * (Step(u) - Step(-u))
            case "sign":
                return Step(u) - Step(-u)
    if name in ("max", "min") and len(arguments) == 2:
        u, v = arguments
        larger = Step(u - v) if name == "max" else Step(v - u)
        return v + larger * (u - v)
    if is_unspecified(name):
        if len(arguments) > 1:
            raise BridgeError(
                f"an unspecified function of several arguments, {name}, is not written out entry by entry"
            )
        return unspecified(name)(*arguments)
    raise BridgeError(f"expected a function with an explicit form in SymPy, found {name}")
