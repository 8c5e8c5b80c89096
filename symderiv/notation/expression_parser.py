"""From a syntax tree to an expression: names are looked up, index letters get their axes.

What is written is kept in its order; only numbers are folded together, and signs are taken to the
front of their product. ``a - b`` becomes the sum of a and -1 · b, ``a / b`` the product of a and b^(-1).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from lark import Token

from symderiv.expression.construct import add, divide, multiply, power, terms_of
from symderiv.expression.functions import FUNCTIONS, OF_TWO_VALUES, PI, WITHOUT_DERIVATIVE, call
from symderiv.expression.nodes import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Number,
    Position,
    Power,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.notation.errors import NotationError, Source
from symderiv.notation.names import Names
from symderiv.notation.syntax import Node, near, start_of

#: The largest exponent, and the largest denominator of one, that may be written.
MAX_EXPONENT = 1000
#: The most bits that the numerator or denominator of a number may have.
MAX_BITS = 2048
#: The most digits of a number as written, and the largest power of ten in one such as 1e-8.
MAX_DIGITS = 200

_BINDERS = ("sum", "prod", "max", "min")
_SHIFT = "shifted indices such as x[i + k] are not supported yet: an index is a letter, a place such as 1, or a label"


class Builder:
    """Builds the expressions of one line.

    Parameters
    ----------
    names
        What the names stand for; the axes of the letters must have been inferred.
    source, begin
        The text and where in it the line begins: for the places of errors.
    left
        The letters on the left side of the line, which are free in it. None where any may be.
    """

    def __init__(self, names: Names, source: Source, begin: int, left: Iterable[str] | None = None) -> None:
        self.names = names
        self.source = source
        self.begin = begin
        self.left = None if left is None else set(left)
        self._bound: list[str] = []
        self._free: set[str] = set(left or ())
        self._binders: list[tuple[str, Node | Token]] = []

    def error(self, where: Node | Token, message: str) -> NotationError:
        """An error at a piece of syntax."""
        return self.source.error(self.begin + start_of(where), message)

    def finish(self) -> None:
        """Check the line as a whole: no sum may use a letter that is free in the same line."""
        for letter, where in self._binders:
            if letter in self._free:
                raise self._shadowing(letter, where)

    def value(self, node: Node) -> Expression:
        """The expression of a node in the place of a value."""
        match node.data:
            case "sum":
                return self._sum(node)
            case "product":
                return self._product(node)
            case "signed":
                minus = sum(child == "-" for child in node.children[:-1]) % 2
                inner = self.value(_tree(node.children[-1]))
                return multiply(MINUS_ONE, inner) if minus else inner
            case "raised":
                return self._raised(node)
            case "number":
                return self._number(_token(node.children[0]))
            case "name":
                return self._name(_token(node.children[0]))
            case "entry":
                return self._entry(node)
            case "call":
                return self._call(node)
            case "comparison":
                raise self.error(node, "a condition is not a value: write where(condition, a, b)")
            case _:
                raise self.error(node, "expected a value")

    def index(self, node: Node, axis: str | None) -> IndexTerm:
        """The index term of a node that stands for a place on `axis` (None: not known from outside)."""
        if node.data == "number":
            return self._position(_token(node.children[0]), axis)
        if node.data not in ("name", "entry"):
            raise self.error(node, _SHIFT)
        name = str(node.children[0])
        if self.names.is_label(name):
            label_axis = self.names.inputs[name].label_of
            if axis is not None and label_axis != axis:
                raise self.error(
                    node, f"the label {name} is a place on {label_axis}, but this index is on {axis}"
                )
            return self._label(node)
        if node.data == "entry":
            raise self.error(node, f"{name} cannot be an index: only labels can (label {name} : K)")
        if not self.names.is_letter(name):
            kind = self.names.kind(name)
            raise self.error(node, f"{name} is {kind} and cannot be an index: use an index letter")
        found = self.names.letter_axis(name)
        if found is None:
            raise self._no_axis(name, node)
        if axis is not None and found != axis:
            raise self.error(node, f"the index {name} ranges over {found}, but this index is on {axis}")
        if name not in self._bound:
            if self.left is not None and name not in self.left:
                raise self.error(
                    node, f"the index {name} is neither summed nor on the left side: sum over it or rename it"
                )
            self._free.add(name)
        return Index(name, found)

    def _sum(self, node: Node) -> Expression:
        terms: list[Expression] = []
        constant = Fraction(0)
        negative = False
        for child in node.children:
            if isinstance(child, Token):
                negative = child == "-"
                continue
            term = self.value(_tree(child))
            if negative:
                term = multiply(MINUS_ONE, term)
            for part in terms_of(term):
                if isinstance(part, Number):
                    constant = self._bounded(constant + part.value, child)
                terms.append(part)
        if constant and sum(isinstance(term, Number) for term in terms) == 1:
            return Add(tuple(terms))  # 1 - x stays in its order
        return add(*terms)

    def _product(self, node: Node) -> Expression:
        factors: list[Expression] = []
        constant = Fraction(1)
        below = False
        for child in node.children:
            if isinstance(child, Token):
                below = child == "/"
                continue
            factor = self.value(_tree(child))
            if below:
                if factor == ZERO:
                    raise self.error(child, "division by zero")
                factor = divide(ONE, factor)
            for part in (factor, *(factor.factors if hasattr(factor, "factors") else ())):
                if isinstance(part, Number):
                    constant = self._bounded(constant * part.value, child)
            factors.append(factor)
        return multiply(*factors)

    def _raised(self, node: Node) -> Expression:
        base, exponent = self.value(_tree(node.children[0])), self.value(_tree(node.children[2]))
        if isinstance(exponent, Number):
            self._check_exponent(exponent, node.children[2])
            if base == ZERO and exponent.value < 0:
                raise self.error(node, "zero to a negative power is a division by zero")
            if isinstance(base, Number):
                bits = max(base.value.numerator.bit_length(), base.value.denominator.bit_length())
                if bits * abs(exponent.value) > MAX_BITS and bits > 1:
                    raise self._too_large(node)
        result = power(base, exponent)
        if isinstance(result, Power) and isinstance(result.exponent, Number):
            self._check_exponent(result.exponent, node.children[2])
        return result

    def _check_exponent(self, exponent: Number, where: Node | Token) -> None:
        if abs(exponent.value) > MAX_EXPONENT or exponent.value.denominator > MAX_EXPONENT:
            raise self.error(where, f"this exponent is too large: at most {MAX_EXPONENT} is allowed")

    def _bounded(self, value: Fraction, where: Node | Token) -> Fraction:
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise self._too_large(where)
        return value

    def _too_large(self, where: Node | Token) -> NotationError:
        return self.error(where, f"the numbers here grow too large: at most {MAX_BITS} bits are allowed")

    def _number(self, token: Token) -> Expression:
        mantissa, _, exponent = str(token).lower().partition("e")
        if len(mantissa) > MAX_DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) > MAX_DIGITS:
            raise self.error(token, f"this number is too long: at most {MAX_DIGITS} digits are allowed")
        return Number(Fraction(str(token).rstrip(".") if not exponent else str(token)))

    def _name(self, token: Token) -> Expression:
        name = str(token)
        names = self.names
        if name == "pi":
            return PI
        if name in names.axes:
            return Size(name)
        if names.is_label(name):
            raise self.error(
                token,
                f"the label {name} is a place, not a number: use it as an index, in [ ] or delta(k, {name})",
            )
        if names.is_value(name):
            count = names.count(name)
            if count:
                raise self.error(
                    token,
                    f"{name} needs {_indices(count)}; whole arrays (matrix notation) are not supported yet",
                )
            return Entry(name)
        if name in FUNCTIONS or name in WITHOUT_DERIVATIVE or name in OF_TWO_VALUES:
            raise self.error(token, f"the function {name} needs an argument in ( )")
        if names.letter_axis(name) is not None:
            raise self.error(
                token, f"the index {name} has no value by itself: it stands in [ ] or delta(i, j)"
            )
        raise self.error(token, f"{name} is not declared or defined{names.suggestions(name)}")

    def _entry(self, node: Node) -> Expression:
        name = str(node.children[0])
        if self.names.is_label(name):
            raise self.error(
                node,
                f"the label {name} is a place, not a number: use it as an index, in [ ] or delta(k, {name}[n])",
            )
        return self.entry(node)

    def entry(self, node: Node) -> Entry:
        """The entry of an array that a node names, brackets and all."""
        names = self.names
        name, parts = str(node.children[0]), node.children[1:]
        if not names.is_value(name):
            kind = names.kind(name)
            what = f"is {kind}, not an array" if kind else "is not declared or defined"
            raise self.error(node, f"{name} {what}{names.suggestions(name)}")
        count = names.count(name)
        if len(parts) != count:
            raise self.error(node, f"{name} needs {_indices(count)}, found {_indices(len(parts))}")
        return Entry(
            name,
            tuple(self.index(_tree(part), names.place_axis(name, place)) for place, part in enumerate(parts)),
        )

    def _label(self, node: Node) -> Entry:
        return self.entry(node)

    def _position(self, token: Token, axis: str | None) -> Position:
        number = self._number(token)
        assert isinstance(number, Number)
        if number.value.denominator != 1 or number.value < 1:
            raise self.error(token, f"expected a place counted from 1, found {token}")
        if axis is None:
            raise self.error(token, f"it is not known which axis the place {token} is on")
        return Position(int(number.value), axis)

    def _call(self, node: Node) -> Expression:
        name = str(node.children[0])
        arguments = [_tree(child) for child in node.children[1:] if child is not None]
        if name in _BINDERS and arguments and (name in ("sum", "prod") or self._binds(arguments[0])):
            return self._binder(node, name, arguments)
        match name:
            case "sum" | "prod":
                raise self.error(node, f"expected {name}(k, body) with an index letter")
            case "delta":
                return self._delta(node, arguments)
            case "where":
                if len(arguments) != 3:
                    raise self.error(
                        node, f"expected where(condition, a, b), found {_arguments(len(arguments))}"
                    )
                condition = self._condition(arguments[0])
                return Where(condition, self.value(arguments[1]), self.value(arguments[2]))
            case "d":
                return self._derivative(node, arguments)
        if name in FUNCTIONS or name in WITHOUT_DERIVATIVE:
            wanted = 1
        elif name in OF_TWO_VALUES:
            wanted = 2
        else:
            raise self._unknown_function(node, name)
        if len(arguments) != wanted:
            raise self.error(node, f"{name} needs {_arguments(wanted)}, found {_arguments(len(arguments))}")
        return call(name, *(self.value(argument) for argument in arguments))

    def _unknown_function(self, node: Node, name: str) -> NotationError:
        names = self.names
        if name in names.upstream:
            return self.error(
                node, f"{name} is already a function of {names.upstream[name].of}: write {name} alone"
            )
        if names.is_value(name) or name in names.axes:
            what = names.kind(name)
            return self.error(node, f"{name} is {what}, not a function: write {name} * (...) or {name}[...]")
        known = [*FUNCTIONS, *WITHOUT_DERIVATIVE, *_BINDERS, "delta", "where", "d"]
        hint = "; did you mean log?" if name == "ln" else near(name, known)
        return self.error(
            node, f"{name} is not a known function (functions of your own are not supported yet){hint}"
        )

    def _binds(self, first: Node) -> bool:
        """Whether the first argument of max or min is an index letter, not a value."""
        if first.data == "filtered":
            return True
        return first.data == "name" and self.names.is_letter(str(first.children[0]))

    def _binder(self, node: Node, name: str, arguments: list[Node]) -> Expression:
        if len(arguments) < 2:
            raise self.error(node, f"expected {name}(k, body): an index letter, a comma and a body")
        opened: list[tuple[Index, Compare | None]] = []
        for argument in arguments[:-1]:
            token = self._binding_letter(name, argument)
            letter = str(token)
            axis = self.names.letter_axis(letter)
            if axis is None:
                raise self._no_axis(letter, token)
            if letter in self._bound:
                raise self._shadowing(letter, token)
            self._binders.append((letter, token))
            self._bound.append(letter)
            condition = None
            if argument.data == "comparison":
                condition = self._condition(argument)
            elif argument.data == "filtered":
                condition = self._condition_of(argument, *argument.children[1:])
            if condition is not None and name in ("max", "min"):
                raise self.error(argument, f"{name} over an axis takes no condition")
            opened.append((Index(letter, axis), condition))
        body = self.value(arguments[-1])
        for index, condition in reversed(opened):
            self._bound.pop()
            if name == "sum":
                body = Sum(index, body, condition)
            elif name == "prod":
                body = Product(index, body, condition)
            else:
                body = Extremum(name, index, body)
        return body

    def _binding_letter(self, name: str, argument: Node) -> Token:
        first = argument.children[0] if argument.data in ("comparison", "filtered") else argument
        if isinstance(first, Token):
            token = first
        elif first.data == "name":
            token = _token(first.children[0])
        else:
            raise self.error(argument, f"expected an index letter before the body of {name}")
        if not self.names.is_letter(str(token)):
            kind = self.names.kind(str(token))
            raise self.error(token, f"{token} is {kind}: {name} needs an index letter before its body")
        return token

    def _delta(self, node: Node, arguments: list[Node]) -> Expression:
        if len(arguments) != 2:
            raise self.error(node, f"expected delta(i, j), found {_arguments(len(arguments))}")
        axis = self._axis_of(arguments[0]) or self._axis_of(arguments[1])
        return Delta(self.index(arguments[0], axis), self.index(arguments[1], axis))

    def _derivative(self, node: Node, arguments: list[Node]) -> Expression:
        if len(arguments) < 2:
            raise self.error(
                node, f"expected d(f, x) with at least one variable, found {_arguments(len(arguments))}"
            )
        of = self.value(arguments[0])
        variables: list[Entry] = []
        for argument in arguments[1:]:
            variable = self.value(argument) if argument.data in ("name", "entry") else None
            if not isinstance(variable, Entry):
                raise self.error(argument, "expected an entry of an array, such as z[j], to differentiate by")
            if variable.array in self.names.upstream:
                raise self.error(argument, f"{variable.array} is unspecified: it cannot be differentiated by")
            variables.append(variable)
        return Derivative(of, tuple(variables))

    def _axis_of(self, node: Node) -> str | None:
        """The axis of an index term, if the node can be one."""
        if node.data not in ("name", "entry"):
            return None
        name = str(node.children[0])
        if self.names.is_label(name):
            return self.names.inputs[name].label_of
        if node.data == "name" and self.names.is_letter(name):
            return self.names.letter_axis(name)
        return None

    def _condition(self, node: Node) -> Compare:
        if node.data != "comparison":
            raise self.error(node, "expected a condition such as k != i or z[k] > 0")
        return self._condition_of(node, *node.children)

    def _condition_of(self, node: Node, left: object, operator: object, right: object) -> Compare:
        first, second, comparison = _tree(left), _tree(right), str(operator)
        axis = self._axis_of(first) or self._axis_of(second)
        if axis is None and not (self._is_free_letter(first) or self._is_free_letter(second)):
            return Compare(comparison, self.value(first), self.value(second))
        return Compare(comparison, self.index(first, axis), self.index(second, axis))

    def _is_free_letter(self, node: Node) -> bool:
        """Whether a node is a letter of unknown axis: an undeclared name is reported as a value."""
        return node.data == "name" and str(node.children[0]) in self._bound

    def _shadowing(self, letter: str, where: Node | Token) -> NotationError:
        return self.error(
            where, f"the index {letter} is already in use around this sum: give the sum a letter of its own"
        )

    def _no_axis(self, letter: str, where: Node | Token) -> NotationError:
        return self.error(
            where,
            f"the axis of the index {letter} is not known from its use: add a line 'index {letter} : K'",
        )


def _indices(count: int) -> str:
    return "no index" if count == 0 else "1 index" if count == 1 else f"{count} indices"


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


def _tree(child: object) -> Node:
    assert not isinstance(child, Token)
    return child  # type: ignore[return-value]


def _token(child: object) -> Token:
    assert isinstance(child, Token)
    return child
