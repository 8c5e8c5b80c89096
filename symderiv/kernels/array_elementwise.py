"""Formulas over whole arrays as steps: full factors and terms one by one, what is small all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from fractions import Fraction

from symderiv.expression.construct import coefficient_and_rest, factors_of, multiply, power
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import (
    ONE,
    Add,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Where,
)
from symderiv.expression.traverse import compared_values
from symderiv.kernels.array_formula import ArrayFormula
from symderiv.kernels.array_steps import Operand, Step, Steps, Text, Value, axes_of
from symderiv.kernels.formula import ATOM, is_constant, is_negative
from symderiv.kernels.program import Statement
from symderiv.kernels.python_functions import FUNCTION_IN_NUMPY

#: Whole powers up to this one are products.
_MULTIPLIED_OUT = 3


class Elementwise:
    """Splits formulas into steps.

    Parameters
    ----------
    steps
        Where the steps are added.
    statements
        All statements of the function.
    shifted
        The arrays of exponentials that are at most 1, with a 1 among them.
    """

    def __init__(self, steps: Steps, statements: Sequence[Statement], shifted: Collection[str]) -> None:
        self.steps = steps
        self._invertible = _invertible(statements, shifted)
        self._known: dict[tuple[object, ...], Value] = {}
        self._formula = ArrayFormula(steps.arrays, ())

    def evaluated(self, node: Expression, order: tuple[Index, ...]) -> Operand:
        """A formula over axes in this order: what is small, or there already, as it is."""
        self._formula = ArrayFormula(self.steps.arrays, order)
        return self._operand(node)

    def _is_full(self, node: Expression) -> bool:
        return set(free_indices(node)) >= set(self._formula.order)

    def _text(self, node: Expression) -> Text:
        return Text(*self._formula.piece(node), frozenset(self.steps.reads(node)))

    def _operand(self, node: Expression) -> Operand:
        if not self._is_full(node) or isinstance(node, Delta):
            return self._text(node)
        match node:
            case Entry(array, indices):
                same = indices == self._formula.order and array in self.steps.values
                return self.steps.values[array] if same else self._text(node)
            case Add(terms):
                return self._sum(terms)
            case Multiply(factors):
                flat = multiply(*factors)
                return self._product(flat) if isinstance(flat, Multiply) else self._operand(flat)
            case Power(base, exponent):
                return self._power(base, exponent)
            case Where(condition, then, otherwise):
                if is_constant(then) and is_constant(otherwise):
                    return self.steps.formula(self._text(node).code, self._formula.order, node)
                return self._choice(condition, then, otherwise)
            case Call(name, arguments):
                return self._call(name, arguments)
            case _:
                return self._text(node)

    def _apply(self, function: str, *operands: Operand) -> Value:
        """A function entry by entry; the same of the same is computed once."""
        key = (function, *operands, axes_of(self._formula.order))
        if key not in self._known:
            self._known[key] = self.steps.made(
                Step("entrywise", function, operands=operands), self._formula.order
            )
        return self._known[key]

    def _sum(self, terms: tuple[Expression, ...]) -> Operand:
        first, *others = self._formula.ordered(terms)
        gathered: Expression | None = first  # the terms so far, while they are small together
        so_far: Operand = Text("") if not self._is_full(first) else self._operand(first)
        if self._is_full(first):
            gathered = None
        for term in others:
            if gathered is not None and not self._is_full(Add((gathered, term))):
                gathered = Add((*(gathered.terms if isinstance(gathered, Add) else (gathered,)), term))
                continue
            if gathered is not None:
                so_far, gathered = self._text(gathered), None
            coefficient, rest = coefficient_and_rest(term)
            negative = coefficient < 0
            other = self._operand(multiply(Number(-coefficient), rest) if negative else term)
            so_far = self._apply("subtract" if negative else "add", so_far, other)
        return so_far if gathered is None else self._text(gathered)

    def _product(self, node: Multiply) -> Operand:
        """Full factors one by one; what is small, all together where that is small too."""
        coefficient, rest = coefficient_and_rest(node)
        factors = [each for each in factors_of(rest) if not isinstance(each, Number)]
        # Those over the same axes together: they make the smaller array.
        alike = Counter(axes_of(free_indices(each)) for each in factors)
        factors.sort(key=lambda each: -alike[axes_of(free_indices(each))])
        groups: list[Expression] = []
        above: list[Expression] = []
        below: list[Expression] = []
        for factor in factors:
            under = isinstance(factor, Power) and is_negative(factor.exponent)
            if self._is_full(factor):
                (below if under else above).append(_inverse(factor) if under else factor)
                continue
            for number, group in enumerate(groups):
                if not self._is_full(more := Multiply((*factors_of(group), factor))):
                    groups[number] = more
                    break
            else:
                groups.append(factor)
        if coefficient != 1:
            if groups:
                groups[0] = Multiply((Number(coefficient), *factors_of(groups[0])))
            elif abs(coefficient) != 1 or not above:
                groups.append(Number(coefficient))
        so_far: Operand | None = None
        for each in above:
            other = self._operand(each)
            so_far = other if so_far is None else self._apply("multiply", so_far, other)
        for together in groups:
            so_far = self._times(so_far, together)
        for divisor in below:
            bottom = self._operand(divisor)
            so_far = self._apply("divide", so_far or Text("1"), bottom)
        assert so_far is not None
        if coefficient == -1 and not groups:
            return self._apply("negative", so_far)
        return so_far

    def _times(self, so_far: Operand | None, group: Expression) -> Operand:
        """`so_far` times a small formula, divided by it where that is all it does."""
        if so_far is None:
            return self._text(multiply(*factors_of(group)))
        coefficient, rest = coefficient_and_rest(group)
        parts = factors_of(rest)
        if rest == ONE and coefficient.numerator == 1 and coefficient.denominator not in (1, 2, 4, 8):
            divisor: Expression = Number(Fraction(coefficient.denominator))
            return self._apply("divide", so_far, self._text(divisor))
        if abs(coefficient) == 1 and all(isinstance(p, Power) and is_negative(p.exponent) for p in parts):
            below = [_inverse(part) for part in parts]
            if all(isinstance(each, Entry) and each.array in self._invertible for each in below):
                # One inverse for many products: quicker than as many quotients
                return self._apply("multiply", so_far, self._text(multiply(*factors_of(group))))
            divisor = multiply(Number(coefficient), *below)
            return self._apply("divide", so_far, self._text(divisor))
        return self._apply("multiply", so_far, self._text(multiply(*factors_of(group))))

    def _power(self, base: Expression, exponent: Expression) -> Operand:
        node = Power(base, exponent)
        if is_negative(exponent):
            return self._apply("divide", Text("1"), self._operand(_inverse(node)))
        if exponent == Number(Fraction(1, 2)):
            return self._apply("sqrt", self._operand(base))
        value = self._operand(base)
        whole = exponent.value if isinstance(exponent, Number) else Fraction(0)
        if whole in range(2, _MULTIPLIED_OUT + 1):
            result: Operand = value
            for _ in range(int(whole) - 1):
                result = self._apply("multiply", result, value)
            return result
        return self._apply("power", value, self._operand(exponent))

    def _choice(self, condition: Compare, then: Expression, otherwise: Expression) -> Operand:
        code = plain = self._formula.condition(condition)
        swapped = not self._is_full(then) and self._is_full(otherwise)
        if swapped:
            then, otherwise = otherwise, then
        else:
            code = _negated(condition, code)
        compared = compared_values(condition)
        mask = Text(code, ATOM, frozenset(self.steps.reads(*compared)))
        # To put the other value where the condition fails, or the first one where it holds
        step = Step(
            "choice", "" if swapped else plain, operands=(self._operand(then), self._operand(otherwise), mask)
        )
        return self.steps.made(step, self._formula.order)

    def _call(self, name: str, arguments: tuple[Expression, ...]) -> Operand:
        if name == "log_ratio":
            u, m, log_s = (self._operand(each) for each in arguments)
            less = self._apply("subtract", u, m)
            if log_s == Text("0"):
                return less
            return self._apply("subtract", less, log_s)
        if name == "relu":
            return self._apply("maximum", self._operand(arguments[0]), Text("0"))
        if name in FUNCTION_IN_NUMPY:
            given = tuple(self._operand(each) for each in arguments)
            return self._apply(FUNCTION_IN_NUMPY[name], *given)
        self.steps.arrays.helpers.add(name)
        given = tuple(self._operand(each) for each in arguments)
        code = f"_{name}({', '.join(f'{{{place}}}' for place in range(len(given)))})"
        key = (code, *given, axes_of(self._formula.order))
        if key not in self._known:
            self._known[key] = self.steps.made(Step("formula", code, operands=given), self._formula.order)
        return self._known[key]


def _inverse(node: Expression) -> Expression:
    assert isinstance(node, Power)
    return power(node.base, multiply(Number(Fraction(-1)), node.exponent))


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _negated(condition: Compare, code: str) -> str:
    """The opposite; of numbers that may be NaN, which fails a turned comparison as well, by ``~``."""
    turned = condition.operator in ("==", "!=") or not compared_values(condition)
    sign = f" {condition.operator} "
    if turned and condition.operator in _OPPOSITE and code.count(sign) == 1:
        return code.replace(sign, f" {_OPPOSITE[condition.operator]} ")
    is_call = code.startswith("_inside(") and code.endswith(")")
    return f"~{code}" if is_call else f"~({code})"


def _invertible(statements: Sequence[Statement], shifted: Collection[str]) -> set[str]:
    """The arrays whose inverses neither overflow nor underflow: roots, and sums with a 1 among the terms."""
    found = set()
    for statement in statements:
        body = statement.body
        if statement.reduce == "sum" and isinstance(body, Entry) and body.array in shifted:
            found.add(statement.name)
        if not statement.reduce and (
            (isinstance(body, Call) and body.function == "sqrt")
            or (isinstance(body, Power) and body.exponent == Number(Fraction(1, 2)))
        ):
            found.add(statement.name)
    return found
