"""Function values as the certificate sees them: split where they come apart, arrays of their own where
they depend on a whole axis.

:func:`split` writes exponentials of sums as products, logarithms of products as sums (by the normal
form of the function's value alone, so that the tree around it stays factored), and the circular
functions by w(u) = e^{iu}. :class:`Hidden` then puts an array in the place of every function value
that depends on a whole axis, e^{Σ_j W_jk x_j} say: E_k. What is proved for any array E is proved for
this one. Equal values, by spelling, get the same array.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import add, divide, multiply, negate, power, subtract
from symderiv.expression.functions import call
from symderiv.expression.indices import mentions
from symderiv.expression.nodes import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Entry,
    Expression,
    Extremum,
    Multiply,
    Number,
    Power,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import children, compared_values, map_children, walk
from symderiv.proof.expand import ProofError
from symderiv.proof.normal import Normal
from symderiv.proof.point import EXPONENTIALS, has_sums
from symderiv.proof.spelling import spelling

#: Functions that are one formula here and another there.
_IN_PIECES = ("relu", "abs", "sign", "step", "max", "min")
_HALF = Number(Fraction(1, 2))


def split(node: Expression) -> Expression:
    """`node` with its function values split into products and sums of simpler ones."""
    match node:
        case Call("sqrt", (argument,)):
            return _root(_under_root(argument))
        case Call("sin" | "cos" | "tan" as name, (argument,)):
            return _circular(name, Normal().of(argument))
        case Call("log", (Multiply(factors),)) if not any(map(_is_negative, factors)):
            # An equation that holds for log|u| holds for log u, and log|uv| is log|u| + log|v|.
            return add(*(split(call("log", factor)) for factor in factors))
        case Call("log", (Power(base, Number(exponent)),)) if exponent < 0:
            return negate(split(call("log", power(base, Number(-exponent)))))
        case Call("exp" | "log" | "sigmoid" | "softplus" | "tanh" | "sinh" | "cosh"):
            return _inside(_normal(node))
        case Call("relu" | "abs" as name, (argument,)):
            sign = "step" if name == "relu" else "sign"
            return multiply(split(call(sign, argument)), split(argument))
        case Call(name, (first, second)) if name in ("max", "min"):
            operator = ">" if name == "max" else "<"
            return split(Where(Compare(operator, first, second), first, second))
        case Call(name, arguments):
            return Call(name, tuple(_normal(argument) for argument in arguments))
        case Power(base, Number(exponent)) if exponent.denominator == 2:
            return power(_root(_under_root(base)), Number(exponent * 2))
        case Power(base, exponent) if not isinstance(exponent, Number) or exponent.value.denominator != 1:
            return _inside(_normal(node))
        case Power(base, Number(exponent)):
            return _whole_power(split(base), exponent)
        case _:
            return map_children(node, split)


def _is_negative(node: Expression) -> bool:
    return isinstance(node, Number) and node.value < 0


def _whole_power(base: Expression, exponent: Fraction) -> Expression:
    """A whole power of a product, factor by factor, so that no more is below the bar than has to be."""
    match base:
        case Multiply(factors):
            return multiply(*(_whole_power(factor, exponent) for factor in factors))
        case Power(inner, Number(own)):
            return power(inner, Number(own * exponent))
        case _:
            return power(base, Number(exponent))


def _under_root(node: Expression) -> Expression:
    """What a root is taken of: with sums in one spelling, as roots of sums are told apart by it."""
    return canonical(_inside(_normal(node))) if has_sums(node) else split(node)


def _normal(node: Expression) -> Expression:
    """The normal form, or the tree as it is where that is too large."""
    try:
        return Normal().of(node)
    except ProofError:
        return node


def _inside(node: Expression) -> Expression:
    """The circular functions inside a function value that has been split itself."""
    if isinstance(node, Call) and node.function in ("sin", "cos", "tan"):
        return split(node)
    return map_children(node, _inside)


def _root(under: Expression) -> Expression:
    """A square root, those of exponentials taken: √(e^u v) = e^{u/2} √v."""
    factors = under.factors if isinstance(under, Multiply) else (under,)
    outside: list[Expression] = []
    rest: list[Expression] = []
    for factor in factors:
        match factor:
            case Call("exp", _):
                outside.append(Power(factor, _HALF))
            case Power(Call("exp", _) as base, Number(exponent)):
                outside.append(Power(base, Number(exponent / 2)))
            case _:
                rest.append(factor)
    if rest:
        outside.append(Call("sqrt", (multiply(*rest),)))
    return multiply(*outside)


def _circular(name: str, argument: Expression) -> Expression:
    """Sin u = (w - 1/w)/2i and cos u = (w + 1/w)/2 with w = e^{iu}, a product over the terms of u."""
    turn: Expression = ONE
    for term in argument.terms if isinstance(argument, Add) else (argument,):
        factors = term.factors if isinstance(term, Multiply) else (term,)
        numbers = [factor for factor in factors if isinstance(factor, Number)]
        rest = [factor for factor in factors if not isinstance(factor, Number)]
        coefficient = numbers[0] if numbers else ONE
        if rest:
            turn = multiply(turn, power(call("turn", multiply(*rest)), coefficient))
        elif coefficient != ZERO:
            turn = multiply(turn, power(call("turn", ONE), coefficient))
    back = divide(ONE, turn)
    imaginary = call("imaginary")
    sine = multiply(_HALF, MINUS_ONE, imaginary, subtract(turn, back))
    cosine = multiply(_HALF, add(turn, back))
    if name == "tan":
        return divide(sine, cosine)
    return sine if name == "sin" else cosine


class Hidden:
    """Puts arrays in the place of what depends on a whole axis and has no finite order in it.

    Parameters
    ----------
    taken
        Names that are in use.
    step
        What the exponents of exponentials are multiples of one over.
    keep
        Whether sizes outside of all sums stay as they are where others are hidden.
    """

    def __init__(self, taken: Collection[str], step: int = 1, *, keep: bool = True) -> None:
        self._keep = keep
        #: Whether a size was hidden.
        self.sizes = False
        self._step = step
        self._names: dict[Expression, str] = {}
        self._prefix = "~"
        while any(name.startswith(self._prefix) for name in taken):
            self._prefix += "~"
        #: The arrays whose entries are 0 or 1.
        self.truth: set[str] = set()
        #: Those that stand for something made of pieces: it may be equal to another value in a whole region.
        self.pieces: set[str] = set()

    @property
    def count(self) -> int:
        """How many arrays there are."""
        return len(self._names)

    def functions(self, node: Expression) -> Expression:
        """`node` with an array for every function value, extremum and product over an axis that needs one."""
        match node:
            case Extremum(_, index, body) if not mentions(body, index):
                return self.functions(body)
            case Extremum() | Product():
                return self.array(node)
            case Where(condition, then, otherwise):
                return self._cases(condition, self.functions(then), self.functions(otherwise))
            case Sum(index, body, condition):
                values = compared_values(condition)
                if condition is None or not values:
                    return Sum(index, self.functions(body), condition)
                return self.functions(Sum(index, Where(condition, body, ZERO)))
            case Power(Call(name, (argument,)), Number(exponent)) if name in EXPONENTIALS:
                return self._exponential(name, self.functions(argument), exponent)
            case Call(name, (argument,)) if name in EXPONENTIALS:
                return self._exponential(name, self.functions(argument), Fraction(1))
        node = map_children(node, self.functions)
        match node:
            case Call("sqrt", _):
                return node
            case Call("step", (argument,)) if has_sums(argument):
                return self.array(node, truth=True)
            case Call() if has_sums(node):
                return self.array(node)
            case Power(base, Number(exponent)):
                if exponent.denominator <= 2 or not has_sums(base):
                    return node
                root = self.array(Power(base, Number(Fraction(1, exponent.denominator))))
                return power(root, Number(Fraction(exponent.numerator)))
            case Power() if has_sums(node):
                return self.array(node)
            case _:
                return node

    def _exponential(self, name: str, argument: Expression, exponent: Fraction) -> Expression:
        """e^{cu} as a whole power of one e^{u/n}: the array stands for that."""
        node = call(name, argument)
        if has_sums(argument):
            return power(self.array(node), Number(exponent * self._step))
        return node if exponent == 1 else Power(node, Number(exponent))

    def _cases(self, condition: Compare, then: Expression, otherwise: Expression) -> Expression:
        values = compared_values(condition)
        if not values:
            return Where(condition, then, otherwise)
        left, right = (self.functions(value) for value in values)
        compared = Compare(condition.operator, left, right)
        if not has_sums(left) and not has_sums(right):
            return Where(compared, then, otherwise)
        holds = self.array(Where(compared, ONE, ZERO), truth=True)
        return add(otherwise, multiply(holds, add(then, negate(otherwise))))

    def sums_in(self, tree: Expression, node: Expression) -> Expression:
        """`tree` with an array in the place of every sum and size in `node`, wherever else they occur too.

        A size that stands outside of all sums may stay one, so that it can still count them.
        """
        for part in _outermost_sums(node):
            spelled, _ = spelling(part)
            self.array(part)
            self.sizes |= isinstance(part, Size)
            tree = self._everywhere(tree, type(part), spelled, not isinstance(part, Size) or not self._keep)
        return tree

    def _everywhere(self, node: Expression, kind: type, spelled: Expression, here: bool) -> Expression:
        if isinstance(node, kind) and here:
            found, letters = spelling(node)
            if found == spelled:
                return Entry(self._names[spelled], letters)
        here = here or isinstance(node, Sum)
        return map_children(node, lambda child: self._everywhere(child, kind, spelled, here))

    def array(self, node: Expression, truth: bool = False) -> Expression:
        """The entry of a new array that stands for `node`, the same one for the same spelling."""
        spelled, letters = spelling(node)
        if spelled not in self._names:
            self._names[spelled] = f"{self._prefix}{len(self._names)}"
            if truth:
                self.truth.add(self._names[spelled])
            if any(map(self._is_in_pieces, (part for _, part in walk(node)))):
                self.pieces.add(self._names[spelled])
        return Entry(self._names[spelled], letters)

    def _is_in_pieces(self, node: Expression) -> bool:
        match node:
            case Extremum():
                return True
            case Call(name, _):
                return name in _IN_PIECES
            case Entry(array, _):
                return array in self.pieces or array in self.truth
            case Where() | Sum() | Product():
                return bool(compared_values(node.condition))
            case _:
                return False


def _outermost_sums(node: Expression) -> Iterator[Expression]:
    if isinstance(node, Sum | Size):
        yield node
    else:
        for child in children(node):
            yield from _outermost_sums(child)
