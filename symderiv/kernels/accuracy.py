"""How large the rounding error of a formula may be: a running error analysis over the oracle.

A :class:`Bounded` number carries its value and a bound, to first order, on the absolute error that
floating point of one dtype makes on the way to it, in units of that dtype's eps:

    a + b       err(a) + err(b) + |a + b| / 2
    a · b       |a| err(b) + |b| err(a) + |a b| / 2
    f(u)        |f'(u)| err(u) + 2 |f(u)|                (what library functions promise; a module's
                                                          own exp and log state theirs, instead of the 2)
    Σ of n      Σ err + min(n - 1, 2 √n) Σ |terms| / 2   (Higham and Mary, SIAM J. Sci. Comput. 41, 2019)

Every operation also counts the smallest normal number once, for results that underflow. The
largest value, max_k u_k, is exact as a choice. The formula judged is the one that is emitted, so
the bound says how well *that order of operations* can do; whether its value is right at all is
judged against the meaning.

Where a divisor may be 0 within its own error, no bound is known on what is divided by it, nor on
anything made of that: such a number is NaN here, and its bound is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar

from symderiv.expression.nodes import Definition
from symderiv.expression.oracle import FLOATS, Arithmetic, Oracle

#: A correctly rounded operation is within half an eps.
_ROUNDING = 0.5
_LIBRARY = 2.0


class Bounded:
    """A value and the bound on its error, in eps of the dtype; the bound is infinite where none is known."""

    __slots__ = ("error", "value")
    tiny: ClassVar[float] = 0.0
    eps: ClassVar[float] = 2.0**-52

    def __init__(self, value: float, error: float = 0.0) -> None:
        self.value = value
        unknown = error == math.inf and not math.isinf(value)
        self.error = error if unknown or (math.isfinite(value) and not math.isnan(error)) else 0.0

    def _like(self, value: float, error: float, *of: Bounded) -> Bounded:
        """What an operation gives; it is unknown where one of the operands is."""
        if self.error == math.inf or any(each.error == math.inf for each in of):
            return type(self)(math.nan, math.inf)
        return type(self)(value, error + self.tiny)

    def __add__(self, other: Bounded | int) -> Bounded:
        if isinstance(other, int):
            return self if other == 0 else self + type(self)(float(other))
        total = self.value + other.value
        return self._like(total, self.error + other.error + _ROUNDING * abs(total), other)

    __radd__ = __add__

    def __neg__(self) -> Bounded:
        return type(self)(-self.value, self.error)

    def __abs__(self) -> Bounded:
        return type(self)(abs(self.value), self.error)  # changing a sign is exact

    def __sub__(self, other: Bounded) -> Bounded:
        return self + (-other)

    def __mul__(self, other: Bounded | int) -> Bounded:
        if isinstance(other, int):
            if other in (-1, 0, 1) and self.error < math.inf:  # exact
                return type(self)(self.value * other, self.error * abs(other))
            return self * type(self)(float(other))
        for sign, number in ((self, other), (other, self)):
            if abs(sign.value) == 1 and sign.error == 0:  # changing a sign is exact
                return type(self)(sign.value * number.value, number.error)
        product = self.value * other.value
        error = abs(self.value) * other.error + abs(other.value) * self.error + _ROUNDING * abs(product)
        return self._like(product, error, other)

    __rmul__ = __mul__

    def __rtruediv__(self, other: int) -> Bounded:
        if self.value == 0 == self.error:
            return type(self)(math.copysign(math.inf, self.value))
        nearest = abs(self.value) - self.error * self.eps  # to 0
        if nearest <= 0:
            return type(self)(math.nan, math.inf)
        value = other / self.value
        return self._like(value, abs(value) / nearest * self.error + _ROUNDING * abs(value))

    def __lt__(self, other: Bounded | int) -> bool:
        return _plain(self) < _plain(other)

    def __gt__(self, other: Bounded | int) -> bool:
        return _plain(self) > _plain(other)

    def __le__(self, other: Bounded | int) -> bool:
        return _plain(self) <= _plain(other)

    def __ge__(self, other: Bounded | int) -> bool:
        return _plain(self) >= _plain(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bounded | int) and _plain(self) == _plain(other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def through(self, value: float, slope: float, own: float = _LIBRARY) -> Bounded:
        """A function's value, from its slope here; `own` is the error of the function itself."""
        return self._like(value, abs(slope) * self.error + own * abs(value))


def _plain(number: Bounded | int) -> float:
    """What is compared: where it is not known, neither is what comes of it."""
    if not isinstance(number, Bounded):
        return number
    if number.error == math.inf:
        raise ArithmeticError("a number without a bound is compared")
    return number.value


def _finite_exp(u: float) -> float:
    """e^u, or infinity where floating point has no larger number."""
    try:
        return math.exp(u)
    except OverflowError:
        return math.inf


def _exp(u: Bounded, own: float = _LIBRARY) -> Bounded:
    value = _finite_exp(u.value)
    return u.through(value, value, own)


def _log(u: Bounded, own: float = _LIBRARY) -> Bounded:
    if u.value == 0:
        return type(u)(-math.inf)
    return u.through(math.log(u.value), 1 / u.value, own)


def _sigmoid(u: float) -> float:
    small = math.exp(-abs(u))
    return (1 if u >= 0 else small) / (1 + small)


def _tan(u: Bounded) -> Bounded:
    return u.through(math.tan(u.value), 1 + math.tan(u.value) ** 2)


def _gamma(u: Bounded) -> Bounded:
    """Off by up to 10 units in the last place, as Python's own tests and the GNU library's manual tell."""
    value = math.gamma(u.value)
    return u.through(value, value * FLOATS.functions["digamma"](u.value), 10.0)


def _log_gamma(u: Bounded) -> Bounded:
    """As Python works it out: by Lanczos' sum S, and by reflection left of 0.

        log S(x) - g + (x - 1/2) (log(x + g - 1/2) - 1)

    S is a quotient of two polynomials of degree 12 without a negative coefficient, so of a relative error:
    49 roundings, as of a sum. Near the zeros of the result, 1 and 2, what is left is the error of its terms.
    """
    kind, x, g = type(u), abs(u.value), 6.024680040776729583740234375
    away, constant = kind(x) + kind(-0.5), kind(g - 0.5)
    product = away * (_log(kind(x) + constant) + kind(-1.0))
    log_sum = math.lgamma(x) + g - product.value
    found = kind(log_sum, _ROUNDING * 2 * math.sqrt(49) + _LIBRARY * abs(log_sum)) + kind(-g) + product
    if u.value < 0:
        turned = kind(math.pi, math.pi) * kind(abs(x - round(x)))
        sine = turned.through(math.sin(turned.value), math.cos(turned.value))
        found = _log(kind(math.pi, math.pi)) - _log(abs(sine)) - _log(kind(x)) - found
    value, slope = math.lgamma(u.value), FLOATS.functions["digamma"](u.value)
    return u.through(value, slope, 0.0) + kind(0.0, found.error)


def _digamma(u: Bounded) -> Bounded:
    """As the templates work it out, in float64 whatever the dtype is; its series is off by 1/4 eps at most.

    To add 1 rounds only where the exponent grows.
    """
    kind = type(u)
    x, total = kind(u.value), kind(0.0)
    if not u.value > 0:
        turned = _tan(kind(math.pi, math.pi) * kind(u.value - round(u.value)))
        x, total = kind(1.0) - x, -(kind(math.pi, math.pi) * (1 / turned))
    while x.value < 10:
        total = total - 1 / x
        more = x.value + 1
        grows = math.frexp(more)[1] > math.frexp(x.value)[1]
        x = kind(more, x.error + _ROUNDING * more * grows)
    total += _log(x) - kind(0.5) * (1 / x) - kind(1 / 12) * (1 / (x * x))
    value, slope = (FLOATS.functions[name](u.value) for name in ("digamma", "trigamma"))
    return u.through(value, slope, 0.0) + kind(0.0, total.error + 0.25)


def _erfc(u: Bounded, own: float = _LIBRARY) -> Bounded:
    return u.through(math.erfc(u.value), 1.1284 * math.exp(-(u.value**2)), own)


_FUNCTIONS: dict[str, Callable[[Bounded], Bounded]] = {
    "exp": _exp,
    "log": _log,
    "sqrt": lambda u: u.through(math.sqrt(u.value), 0.5 / math.sqrt(u.value) if u.value else 0.0),
    "sin": lambda u: u.through(math.sin(u.value), math.cos(u.value)),
    "cos": lambda u: u.through(math.cos(u.value), math.sin(u.value)),
    "tan": _tan,
    "sinh": lambda u: u.through(math.sinh(u.value), math.cosh(u.value)),
    "cosh": lambda u: u.through(math.cosh(u.value), math.sinh(u.value)),
    "tanh": lambda u: u.through(math.tanh(u.value), 1 - math.tanh(u.value) ** 2),
    "erf": lambda u: u.through(math.erf(u.value), 1.1284 * math.exp(-(u.value**2))),
    "erfc": _erfc,
    "expm1": lambda u: u.through(math.expm1(u.value), math.exp(u.value)),
    "log_gamma": _log_gamma,
    "digamma": _digamma,
    "gamma": _gamma,
}

#: Functions that a module may bring along, and that are better or worse there than a library's.
_WITH_OWN_ERROR: dict[str, Callable[..., Bounded]] = {"exp": _exp, "log": _log, "erfc": _erfc}


class ErrorOracle(Oracle):
    """Evaluates the stable form of a function over bounded numbers."""

    def __init__(
        self,
        sizes: Mapping[str, int],
        arrays: Mapping[str, Mapping[tuple[int, ...], Any]],
        definitions: Sequence[Definition],
        dtype: str,
        errors: Mapping[str, float] | None = None,
    ) -> None:
        import numpy as np

        info = np.finfo(dtype)
        tiny, eps = float(info.tiny), float(info.eps)
        functions = dict(_FUNCTIONS)
        for name, own in (errors or {}).items():
            functions[name] = partial(_WITH_OWN_ERROR[name], own=own)
        kind = type("BoundedOfDtype", (Bounded,), {"tiny": tiny / eps, "eps": eps, "__slots__": ()})
        self.kind: type[Bounded] = kind
        arithmetic = Arithmetic("bounded", self._constant, functions, kind(math.pi, math.pi))
        super().__init__(sizes, arrays, definitions, None, arithmetic)

    def _constant(self, value: Fraction) -> Bounded:
        number = value.numerator / value.denominator
        exact = value.denominator & (value.denominator - 1) == 0
        return self.kind(number, 0.0 if exact else _ROUNDING * abs(number))

    def _fold(self, operation: Any, start: int, values: list[Any]) -> Any:
        if start == 0 and len(values) > 2:
            total = sum(each.value for each in values)
            size = sum(abs(each.value) for each in values)
            growth = min(len(values) - 1, 2 * math.sqrt(len(values)))
            return self.kind(
                total,
                sum(each.error for each in values) + _ROUNDING * growth * size + len(values) * self.kind.tiny,
            )
        result = values[0] if values else self.arithmetic.from_fraction(Fraction(start))
        for each in values[1:]:
            result = operation(result, each)
        return result

    def total(self, values: list[Any]) -> Any:
        """The sum of `values`, with the error of adding them up."""
        return self._fold(lambda a, b: a + b, 0, values)

    def _call(self, name: str, arguments: list[Any]) -> Any:
        if name == "log_ratio":
            u, m, log_s = arguments
            return (u - m) - log_s
        if name == "minus_infinity":
            return self.kind(-math.inf)
        if name in self.arithmetic.functions:  # those of kernels only, too: something is known of them
            return self._plain(name, *arguments)
        return super()._call(name, arguments)

    def _plain(self, name: str, u: Any) -> Any:
        match name:
            case "sigmoid":
                value = _sigmoid(u.value)
                return u.through(value, value * (1 - value))
            case "softplus":
                value = max(u.value, 0.0) + math.log1p(math.exp(-abs(u.value)))
                return u.through(value, _sigmoid(u.value))
            case "relu":
                return u if u.value > 0 else self.kind(0.0, u.error)
            case "step" | "sign" | "abs":
                return super()._plain(name, u)
        return super()._plain(name, u)
