"""The scalar functions as Python libraries spell them, and the helpers where they have none."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symderiv.expression.construct import coefficient_and_rest
from symderiv.expression.nodes import Add, Call, Expression, Multiply, Number, Power, Size
from symderiv.kernels.errors import KernelError
from symderiv.kernels.formula import exact

#: Functions that NumPy has, by our name.
FUNCTION_IN_NUMPY = {
    "exp": "exp", "log": "log", "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "abs": "abs", "sign": "sign",
    "max": "maximum", "min": "minimum", "expm1": "expm1",
}  # fmt: skip

#: Functions that Python's math module has: what Numba compiles, and what constants are made of.
FUNCTION_IN_MATH = {
    name: name
    for name in (
        "exp",
        "log",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "erf",
        "gamma",
        "erfc",
        "expm1",
    )
} | {"log_gamma": "lgamma"}

#: Functions that an emitted module brings along where it needs them.
HELPERS = ("sigmoid", "softplus", "relu", "step", "erf", "erfc", "gamma", "log_gamma", "digamma")


def constant_value(node: Expression, size: Callable[[str], str]) -> str:
    """A formula without arrays as a Python expression over ``math`` and the sizes of axes."""
    match node:
        case Number(value):
            return exact(value)
        case Size(axis):
            return size(axis)
        case Call("pi", ()):
            return "math.pi"
        case Call(name, (argument,)) if name in FUNCTION_IN_MATH:
            return f"math.{FUNCTION_IN_MATH[name]}({constant_value(argument, size)})"
        case Call("abs", (argument,)):
            return f"abs({constant_value(argument, size)})"
        case Power(base, exponent):
            if exponent == Number(Fraction(1, 2)):
                return f"math.sqrt({constant_value(base, size)})"
            if exponent == Number(Fraction(1)):
                return constant_value(base, size)
            if coefficient_and_rest(exponent)[0] < 0:
                return f"(1 / {constant_value(Power(base, _negated(exponent)), size)})"
            return f"({constant_value(base, size)} ** {constant_value(exponent, size)})"
        case Add(terms):
            return f"({' + '.join(constant_value(term, size) for term in terms)})"
        case Multiply(factors):
            return f"({' * '.join(constant_value(factor, size) for factor in factors)})"
    raise KernelError(f"A constant with {type(node).__name__.lower()} in it cannot be emitted.")


def _negated(exponent: Expression) -> Expression:
    coefficient, rest = coefficient_and_rest(exponent)
    if rest == Number(Fraction(1)):
        return Number(-coefficient)
    return Multiply((Number(-coefficient), rest))
