"""Simple formulas as MathML, which browsers set by themselves."""

from __future__ import annotations

from fractions import Fraction
from html import escape

from symderiv.expression.nodes import (
    Add,
    Call,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Position,
    Power,
    Size,
    Sum,
)  # fmt: skip

#: The largest formula that is set, in characters of MathML.
MAX_MATHML = 20_000


class NotSimpleError(Exception):
    """A formula that is better shown as text."""


def mathml(expression: Expression) -> str:
    """A formula as a ``<math>`` element; empty where it is not simple enough for one."""
    try:
        found = _row(expression)
    except (NotSimpleError, RecursionError):
        return ""
    return f"<math>{found}</math>" if len(found) <= MAX_MATHML else ""


def _row(node: Expression) -> str:
    match node:
        case Number(value):
            if value.denominator == 1:
                return _number(value.numerator)
            sign = "<mo>-</mo>" if value < 0 else ""
            return f"{sign}<mfrac>{_number(abs(value.numerator))}{_number(value.denominator)}</mfrac>"
        case Size(axis):
            return _name(axis)
        case Entry(array, indices):
            return _below(_name(array), indices) if indices else _name(array)
        case Delta(left, right):
            return _below("<mi>δ</mi>", (left, right))
        case Add(terms):
            return "<mrow>" + "".join(_term(each, number) for number, each in enumerate(terms)) + "</mrow>"
        case Multiply(factors):
            return _product(factors)
        case Power(base, exponent):
            return _power(base, exponent)
        case Call(function, (argument,)):
            return f"<mrow>{_name(function)}{_bracketed(argument)}</mrow>"
        case Sum(index, body, None):
            inside = _bracketed(body) if isinstance(body, Add) else _row(body)
            return f"<mrow><munder><mo>∑</mo>{_name(index.name)}</munder>{inside}</mrow>"
        case Derivative(of, (by,)) if isinstance(of, Entry):
            above, below = (f"<mrow><mo>∂</mo>{_row(each)}</mrow>" for each in (of, by))
            return f"<mfrac>{above}{below}</mfrac>"
        case _:
            raise NotSimpleError


def _number(value: int) -> str:
    sign = "<mo>-</mo>" if value < 0 else ""
    return f"<mrow>{sign}<mn>{abs(value)}</mn></mrow>" if sign else f"<mn>{value}</mn>"


def _name(name: str) -> str:
    first, _, rest = name.partition("_")
    shown = f"<mi>{escape(first or name)}</mi>"
    return f"<msub>{shown}<mi>{escape(rest)}</mi></msub>" if first and rest else shown


def _below(name: str, indices: tuple[object, ...]) -> str:
    parts = []
    for each in indices:
        if isinstance(each, Index):
            parts.append(_name(each.name))
        elif isinstance(each, Position):
            parts.append(_number(each.value))
        elif isinstance(each, Entry):
            parts.append(_row(each))
        else:
            raise NotSimpleError
    return f"<msub>{name}<mrow>{'<mo>,</mo>'.join(parts)}</mrow></msub>"


def _term(term: Expression, number: int) -> str:
    negative = _negated(term)
    if negative is not None:
        return f"<mo>-</mo>{_bracketed(negative) if isinstance(negative, Add) else _row(negative)}"
    return ("<mo>+</mo>" if number else "") + _row(term)


def _negated(term: Expression) -> Expression | None:
    """What follows the minus of a term; None for one without."""
    if isinstance(term, Number) and term.value < 0:
        return Number(-term.value)
    if isinstance(term, Multiply) and term.factors[0] == Number(Fraction(-1)):
        rest = term.factors[1:]
        return rest[0] if len(rest) == 1 else Multiply(rest)
    return None


def _product(factors: tuple[Expression, ...]) -> str:
    whole = Multiply(factors)
    negative = _negated(whole)
    if negative is not None:
        return f"<mrow>{_term(whole, 0)}</mrow>"
    above: list[Expression] = []
    below: list[Expression] = []
    for each in factors:
        inverse = isinstance(each, Power) and isinstance(each.exponent, Number) and each.exponent.value < 0
        if inverse:
            assert isinstance(each, Power)
            assert isinstance(each.exponent, Number)
            value = -each.exponent.value
            below.append(each.base if value == 1 else Power(each.base, Number(value)))
        else:
            above.append(each)
    if below:
        return f"<mfrac>{_factors(above) if above else '<mn>1</mn>'}{_factors(below)}</mfrac>"
    return _factors(above)


def _factors(factors: list[Expression]) -> str:
    if len(factors) == 1:
        return _row(factors[0])
    shown = []
    for place, each in enumerate(factors):
        open_ended = isinstance(each, Add) or (isinstance(each, Sum) and place < len(factors) - 1)
        if place and isinstance(each, Number):
            shown.append("<mo>·</mo>")
        shown.append(_bracketed(each) if open_ended else _row(each))
    return f"<mrow>{'<mo>&#x2062;</mo>'.join(shown)}</mrow>"


def _power(base: Expression, exponent: Expression) -> str:
    if isinstance(exponent, Number) and exponent.value < 0:
        return _product((Power(base, exponent),))
    simple = isinstance(base, Entry | Size) or (isinstance(base, Number) and base.value >= 0)
    if isinstance(base, Entry) and base.indices:
        below = _row(base)
        return f"<msup><mrow>{below}</mrow>{_row(exponent)}</msup>"
    return f"<msup>{_row(base) if simple else _bracketed(base)}{_row(exponent)}</msup>"


def _bracketed(node: Expression) -> str:
    return f"<mrow><mo>(</mo>{_row(node)}<mo>)</mo></mrow>"
