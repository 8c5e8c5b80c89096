"""From a syntax tree to an expression: names are looked up, index letters get their axes.

What is written is kept in its order; only numbers are folded together, and signs are taken to the
front of their product. ``a - b`` becomes the sum of a and -1 · b, ``a / b`` the product of a and b^(-1).
"""

from __future__ import annotations

from fractions import Fraction

from lark import Token

from symderiv.expression.construct import add, divide, factors_of, multiply, power, terms_of
from symderiv.expression.functions import FUNCTIONS, OF_TWO_VALUES, PI, WITHOUT_DERIVATIVE, call
from symderiv.expression.matrices import determinant_of, inverse_of
from symderiv.expression.nodes import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Number,
    Power,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import shifted
from symderiv.expression.unspecified import MAX_ARGUMENTS, is_unspecified, read_slope
from symderiv.notation.bounds import settle
from symderiv.notation.errors import NotationError
from symderiv.notation.places import SUMS, PlaceBuilder, as_token, as_tree, index_count
from symderiv.notation.syntax import MAX_NESTING, Node, near

#: The largest exponent, and the largest denominator of one, that may be written.
MAX_EXPONENT = 1000
#: The most bits that the numerator or denominator of a number may have: it is printed with no more digits
#: than may be written, so what is printed can be read.
MAX_BITS = 664

_BINDERS = ("sum", "prod", "max", "min")
#: What is written for functions that go by another name here, or by none.
_WRITTEN = {"ln": "did you mean log?", "softmax": "write exp(z[i]) / sum(k, exp(z[k]))"}
_CONDITIONED = ("comparison", "within", "filtered", "filtered_within")


class Builder(PlaceBuilder):
    """Builds the expressions of one line: the places in brackets, and everything around them."""

    def value(self, node: Node) -> Expression:
        """The expression of a node in the place of a value."""
        match node.data:
            case "sum":
                return self._sum(node)
            case "product":
                return self._product(node)
            case "signed":
                minus = sum(child == "-" for child in node.children[:-1]) % 2
                inner = self.value(as_tree(node.children[-1]))
                return multiply(MINUS_ONE, inner, keep=True) if minus else inner
            case "raised":
                return self._raised(node)
            case "number":
                return self.number(as_token(node.children[0]))
            case "name":
                return self._name(as_token(node.children[0]))
            case "entry":
                return self._entry(node)
            case "matrix_entry":
                return self._matrix_entry(node)
            case "call":
                return self._call(node)
            case "comparison" | "within":
                raise self.error(node, "a condition is not a value: write where(condition, a, b)")
            case _:
                raise self.error(node, "expected a value")

    def _sum(self, node: Node) -> Expression:
        terms: list[Expression] = []
        constant = Fraction(0)
        negative = False
        for child in node.children:
            if isinstance(child, Token):
                negative = child == "-"
                continue
            term = self.value(as_tree(child))
            if negative:
                term = multiply(MINUS_ONE, term, keep=True)
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
            factor = self.value(as_tree(child))
            if below:
                if ZERO in factors_of(factor):
                    raise self.error(child, "division by zero")
                factor = divide(ONE, factor, keep=True)
            for part in (factor, *(factor.factors if hasattr(factor, "factors") else ())):
                if isinstance(part, Number):
                    constant = self._bounded(constant * part.value, child)
            factors.append(factor)
        return multiply(*factors, keep=True)

    def _raised(self, node: Node) -> Expression:
        base, exponent = self.value(as_tree(node.children[0])), self.value(as_tree(node.children[2]))
        if isinstance(exponent, Number):
            self._check_exponent(exponent, node.children[2])
            if ZERO in factors_of(base) and exponent.value < 0:
                raise self.error(node, "zero to a negative power is a division by zero")
            if isinstance(base, Number):
                bits = max(base.value.numerator.bit_length(), base.value.denominator.bit_length())
                if bits * abs(exponent.value) > MAX_BITS and bits > 1:
                    raise self._too_large(node)
        result = power(base, exponent, keep=True)
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
                _label_as_value(name),
            )
        if names.is_value(name):
            count = names.count(name)
            if count:
                message = f"{name} needs {index_count(count)}: matrix notation is not supported yet"
                raise self.error(token, message)
            return Entry(name)
        if name in names.functions or not is_unspecified(name):
            raise self.error(token, f"the function {name} needs an argument in ( )")
        if names.letter_axis(name) is not None:
            raise self.error(
                token,
                f"the index {name} has no value by itself: it stands in [ ] or delta; "
                f"for a number at each place, declare an input that holds them, such as position[{name}]",
            )
        raise self.error(token, f"{name} is not declared or defined{names.suggestions(name)}")

    def _entry(self, node: Node) -> Expression:
        name = str(node.children[0])
        if self.names.is_label(name):
            raise self.error(
                node,
                _label_as_value(name),
            )
        return self.entry(node)

    def whole(self, node: Node) -> Expression:
        """The expression of a line or of one side of it, with the bounds of shifted indices settled."""
        return settle(self.value(node), self._outside)

    def _outside(self, entry: Entry, why: str) -> NotationError:
        return self.error(self.shifted[entry], why)

    def _call(self, node: Node) -> Expression:
        name, names = str(node.children[0]), self.names
        arguments = [as_tree(child) for child in node.children[1:] if child is not None]
        if name in _BINDERS and arguments and (name in ("sum", "prod") or self._binds(arguments[0])):
            return self._binder(node, name, arguments)
        match name:
            case "sum" | "prod":
                raise self.error(node, f"expected {name}(k, body) with an index letter")
            case "delta":
                return self._delta(node, arguments)
            case "where":
                if len(arguments) != 3:
                    raise self.error(node, f"expected where(condition, a, b), found {_count(arguments)}")
                condition = self._condition(arguments[0])
                return Where(condition, self.value(arguments[1]), self.value(arguments[2]))
            case "d":
                return self._derivative(node, arguments)
            case "det" | "logdet" if not self.names.is_value(name):
                determinant = Entry(determinant_of(self._square(node, arguments)))
                return determinant if name == "det" else call("log", determinant)
            case "inv" if not self.names.is_value(name):
                raise self.error(node, "the inverse of a matrix needs indices here: inv(A)[i, j]")
        base, prime, _ = name.partition("'")
        if base in names.functions:
            return self._unspecified(node, name, [self.value(argument) for argument in arguments])
        if prime:
            return self._known_slope(node, name, arguments)
        if name in FUNCTIONS or name in WITHOUT_DERIVATIVE:
            wanted = 1
        elif name in OF_TWO_VALUES:
            wanted = 2
        else:
            raise self._unknown_function(node, name)
        if len(arguments) != wanted:
            raise self.error(node, f"{name} needs {_arguments(wanted)}, found {_count(arguments)}")
        return call(name, *(self.value(argument) for argument in arguments))

    def _matrix_entry(self, node: Node) -> Expression:
        """``inv(A)[i, j]``."""
        called, *places = (as_tree(child) for child in node.children)
        name = str(called.children[0])
        arguments = [as_tree(child) for child in called.children[1:] if child is not None]
        if name != "inv" or self.names.is_value(name):
            raise self.error(node, f"{name}(...) has no entries: only the inverse of a matrix, inv(A)[i, j]")
        matrix = self._square(called, arguments)
        if len(places) != 2:
            raise self.error(node, f"inv({matrix}) needs 2 indices, found {index_count(len(places))}")
        axis = self.names.place_axis(matrix, 0)
        return Entry(inverse_of(matrix), tuple(self.index(place, axis) for place in places))

    def _square(self, node: Node, arguments: list[Node]) -> str:
        """The name of the square matrix that the inverse or the determinant is of."""
        function = str(node.children[0])
        if len(arguments) != 1 or arguments[0].data != "name":
            raise self.error(node, f"{function} needs the name of a matrix: define what is in the brackets")
        name = str(arguments[0].children[0])
        if not self.names.is_value(name):
            raise self.error(arguments[0], self.names.no_array(name))
        axes = [self.names.place_axis(name, place) for place in range(self.names.count(name))]
        if len(axes) != 2 or axes[0] != axes[1]:
            shown = f"{name}[{', '.join(axis or '?' for axis in axes)}]" if axes else f"{name}, a number"
            raise self.error(arguments[0], f"{function} needs a square matrix, found {shown}")
        return name

    def _unspecified(self, node: Node, name: str, arguments: list[Expression]) -> Expression:
        """A call of a declared function, or of its slope."""
        count = len(arguments)
        slope = read_slope(name)
        if (
            slope is None
            or (count > 1 and "'" in name and not name[-1].isdigit())
            or max(slope.by, default=0) >= max(count, 1)
        ):
            raise self.error(
                node, f"{name}: expected f'(u), or with several arguments which are meant, as in g'1(u, v)"
            )
        wanted = self.names.functions[slope.function] or count
        if not 1 <= count <= MAX_ARGUMENTS or count != wanted:
            raise self.error(node, f"{name} needs {_arguments(max(wanted, 1))}, found {_arguments(count)}")
        self.names.functions[slope.function] = count
        return Call(slope.name(count), tuple(arguments))

    def _known_slope(self, node: Node, name: str, arguments: list[Node]) -> Expression:
        """``tanh'(u)``: the slope of a known function of one argument."""
        base = name.rstrip("'")
        if base not in FUNCTIONS:
            raise self._unknown_function(node, name.partition("'")[0])
        if len(name) != len(base) + 1 or len(arguments) != 1:
            raise self.error(node, f"expected {base}'(u); write a higher derivative as d({base}(x), x, x)")
        argument = self.value(arguments[0])
        slope = FUNCTIONS[base].derivative(argument)
        return multiply(ZERO, argument, keep=True) if slope == ZERO else slope

    def _unknown_function(self, node: Node, name: str) -> NotationError:
        names = self.names
        if name in names.upstream:
            return self.error(node, f"{name} is a function of {names.upstream[name].of}: write {name} alone")
        if names.is_value(name) or name in names.axes:
            what = names.kind(name)
            return self.error(node, f"{name} is {what}, not a function: write {name} * (...) or {name}[...]")
        known = [*names.functions, *FUNCTIONS, *WITHOUT_DERIVATIVE, *_BINDERS, "delta", "where", "d"]
        hint = f"; {_WRITTEN[name]}" if name in _WRITTEN else near(name, known)
        return self.error(
            node, f"{name} is not a known function: declare an unspecified one (function {name}){hint}"
        )

    def _binds(self, first: Node) -> bool:
        """Whether the first argument of max or min is an index letter, not a value."""
        if first.data in _CONDITIONED:
            return True  # which is then refused with a sentence of its own
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
                self.bound.append(letter)
                self.value(arguments[-1])  # what is wrong in the body may be why the axis is not known
                raise self.no_axis(letter, token)
            if letter in self.bound:
                raise self.shadowing(letter, token)
            if len(self.bound) >= MAX_NESTING:
                raise self.error(token, f"more than {MAX_NESTING} sums are nested here: define parts by name")
            self.binders.append((letter, token))
            self.bound.append(letter)
            condition = None
            if argument.data in ("comparison", "within"):
                condition = self._condition(argument)
            elif argument.data == "filtered":
                condition = self._condition_of(*argument.children[1:])
            elif argument.data == "filtered_within":
                condition = self._within(*argument.children[1:])
            if condition is not None and name in ("max", "min"):
                raise self.error(argument, f"{name} over an axis takes no condition")
            opened.append((Index(letter, axis), condition))
        body = self.value(arguments[-1])
        for index, condition in reversed(opened):
            self.bound.pop()
            if name == "sum":
                body = Sum(index, body, condition)
            elif name == "prod":
                body = Product(index, body, condition)
            else:
                body = Extremum(name, index, body)
        return body

    def _binding_letter(self, name: str, argument: Node) -> Token:
        first = argument.children[0] if argument.data in _CONDITIONED else argument
        if isinstance(first, Token):
            token = first
        elif first.data == "name":
            token = as_token(first.children[0])
        else:
            raise self.error(argument, f"expected an index letter before the body of {name}")
        if not self.names.is_letter(str(token)):
            kind = self.names.kind(str(token))
            raise self.error(token, f"{token} is {kind}: {name} needs an index letter before its body")
        return token

    def _delta(self, node: Node, arguments: list[Node]) -> Expression:
        if len(arguments) != 2:
            raise self.error(node, f"expected delta(i, j), found {_count(arguments)}")
        axis = self.common_axis(*arguments)
        return Delta(*self.compared(arguments[0], arguments[1], axis))

    def _derivative(self, node: Node, arguments: list[Node]) -> Expression:
        if len(arguments) < 2:
            raise self.error(node, f"expected d(f, x), with a variable, found {_count(arguments)}")
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

    def condition(self, node: Node) -> Compare:
        """The condition that an ``equation`` line with another sign than == is."""
        return self._condition_of(*node.children)

    def _condition(self, node: Node) -> Compare:
        if node.data == "within":
            return self._within(*node.children)
        if node.data != "comparison":
            raise self.error(node, "expected a condition such as k != i or z[k] > 0")
        return self._condition_of(*node.children)

    def _within(self, left: object, right: object) -> Compare:
        """``i + k in N``: the place is one of the axis."""
        axis = as_token(right)
        if str(axis) not in self.names.axes:
            kind = self.names.kind(str(axis)) or "not declared"
            raise self.error(axis, f"expected an axis after in, but {axis} is {kind}")
        node = as_tree(left)
        place = self.index(node, str(axis) if node.data in SUMS or node.data == "number" else None)
        if isinstance(place, Index) and place.axis != str(axis):
            place = shifted([(1, place)], 0, str(axis))
        return Compare("in", place, Size(str(axis)))

    def _condition_of(self, left: object, operator: object, right: object) -> Compare:
        first, second, comparison = as_tree(left), as_tree(right), str(operator)
        axis = self.common_axis(first, second)
        if axis is None and not (self.is_bound(first) or self.is_bound(second)):
            return Compare(comparison, self.value(first), self.value(second))
        return Compare(comparison, *self.compared(first, second, axis))

    def is_bound(self, node: Node) -> bool:
        """Whether a node is a letter of unknown axis: an undeclared name is reported as a value."""
        return node.data == "name" and str(node.children[0]) in self.bound


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


def _count(arguments: list[Node]) -> str:
    return _arguments(len(arguments))


def _label_as_value(name: str) -> str:
    return f"the label {name} is a place, not a number: write it as an index: p[{name}] or delta(k, {name})"
