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
    """A value and the bound on its error, in eps of the dtype."""

    __slots__ = ("error", "value")
    tiny: ClassVar[float] = 0.0

    def __init__(self, value: float, error: float = 0.0) -> None:
        self.value = value
        self.error = error if math.isfinite(value) and not math.isnan(error) else 0.0

    def _like(self, value: float, error: float) -> Bounded:
        return type(self)(value, error + self.tiny)

    def __add__(self, other: Bounded | int) -> Bounded:
        if isinstance(other, int):
            return self if other == 0 else self + type(self)(float(other))
        total = self.value + other.value
        return self._like(total, self.error + other.error + _ROUNDING * abs(total))

    __radd__ = __add__

    def __neg__(self) -> Bounded:
        return type(self)(-self.value, self.error)

    def __abs__(self) -> Bounded:
        return type(self)(abs(self.value), self.error)  # changing a sign is exact

    def __sub__(self, other: Bounded) -> Bounded:
        return self + (-other)

    def __mul__(self, other: Bounded | int) -> Bounded:
        if isinstance(other, int):
            if other in (-1, 0, 1):  # exact
                return type(self)(self.value * other, self.error * abs(other))
            return self * type(self)(float(other))
        for sign, number in ((self, other), (other, self)):
            if abs(sign.value) == 1 and sign.error == 0:  # changing a sign is exact
                return type(self)(sign.value * number.value, number.error)
        product = self.value * other.value
        error = abs(self.value) * other.error + abs(other.value) * self.error + _ROUNDING * abs(product)
        return self._like(product, error)

    __rmul__ = __mul__

    def __rtruediv__(self, other: int) -> Bounded:
        value = other / self.value
        return self._like(value, abs(value / self.value) * self.error + _ROUNDING * abs(value))

    def __lt__(self, other: Bounded | int) -> bool:
        return self.value < _plain(other)

    def __gt__(self, other: Bounded | int) -> bool:
        return self.value > _plain(other)

    def __le__(self, other: Bounded | int) -> bool:
        return self.value <= _plain(other)

    def __ge__(self, other: Bounded | int) -> bool:
        return self.value >= _plain(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bounded | int) and self.value == _plain(other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def through(self, value: float, slope: float, own: float = _LIBRARY) -> Bounded:
        """A function's value, from its slope here; `own` is the error of the function itself."""
        return self._like(value, abs(slope) * self.error + own * abs(value))


def _plain(number: Bounded | int) -> float:
    return number.value if isinstance(number, Bounded) else number


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


def _gamma(u: Bounded) -> Bounded:
    """Python's is off by up to 4.4 eps, as measured between -12 and 40."""
    value = math.gamma(u.value)
    return u.through(value, value * FLOATS.functions["digamma"](u.value), 5.0)


def _log_gamma(u: Bounded) -> Bounded:
    """Of a relative error where it is large; near its zeros, 1 and 2, of an absolute one."""
    value, slope = math.lgamma(u.value), FLOATS.functions["digamma"](u.value)
    return u.through(value, slope) + type(u)(0.0, _LIBRARY)


def _digamma(u: Bounded) -> Bounded:
    """The same, with a zero near 1.46."""
    value, slope = (FLOATS.functions[name](u.value) for name in ("digamma", "trigamma"))
    return u.through(value, slope) + type(u)(0.0, _LIBRARY)


def _erfc(u: Bounded, own: float = _LIBRARY) -> Bounded:
    return u.through(math.erfc(u.value), 1.1284 * math.exp(-(u.value**2)), own)


_FUNCTIONS: dict[str, Callable[[Bounded], Bounded]] = {
    "exp": _exp,
    "log": _log,
    "sqrt": lambda u: u.through(math.sqrt(u.value), 0.5 / math.sqrt(u.value) if u.value else 0.0),
    "sin": lambda u: u.through(math.sin(u.value), math.cos(u.value)),
    "cos": lambda u: u.through(math.cos(u.value), math.sin(u.value)),
    "tan": lambda u: u.through(math.tan(u.value), 1 + math.tan(u.value) ** 2),
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
        tiny_in_eps: float,
        errors: Mapping[str, float] | None = None,
    ) -> None:
        functions = dict(_FUNCTIONS)
        for name, own in (errors or {}).items():
            functions[name] = partial(_WITH_OWN_ERROR[name], own=own)
        kind = type("BoundedOfDtype", (Bounded,), {"tiny": tiny_in_eps, "__slots__": ()})
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
