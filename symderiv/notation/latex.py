r"""From the tree to LaTeX, spelled the way people write it.

The order of the tree is kept, but for habits of print: a constant comes before a sum that would
begin with a minus (``1 - p_j``), a denominator before a tall factor (``\frac{1}{K} \sum_{k} x_k``), a
derivative that is still to be taken after the other factors, and a minus before a sum sign.
Parentheses are as few as leave one reading: a sum sign reaches over products and stops at ``+``,
``-`` and a closing bracket, and so does a derivative operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from symderiv.expression.construct import power
from symderiv.expression.functions import FUNCTIONS, WITHOUT_DERIVATIVE
from symderiv.expression.matrices import DETERMINANT, matrix_behind
from symderiv.expression.nodes import (
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
    IndexTerm,
    Multiply,
    Number,
    PlaceTerm,
    Position,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import is_within
from symderiv.expression.traverse import walk
from symderiv.expression.unspecified import is_unspecified, read_slope
from symderiv.notation.bounds import explicit
from symderiv.notation.latex_fractions import grouped, is_tall, sets_tall, signed, signed_term
from symderiv.notation.latex_names import array_latex, latex_name, slope_latex, subscript
from symderiv.notation.text import spelled_shift
from symderiv.problem import Problem, names_in

_RELATIONS = {"<": "<", "<=": r"\leq", ">": ">", ">=": r"\geq", "==": "=", "!=": r"\neq"}
#: Functions that take an upright sign and whose powers are written on the sign: tanh² u.
_POWER_ON_SIGN = frozenset({"sin", "cos", "tan", "sinh", "cosh", "tanh"})
#: Functions that are written before a single symbol without parentheses: log p_k.
_WITHOUT_PARENTHESES = _POWER_ON_SIGN | {"log"}


def to_latex(expression: Expression, problem: Problem | None = None) -> str:
    r"""`expression` in LaTeX (math mode), such as ``p_i \left(\delta_{ij} - p_j\right)``.

    Parameters
    ----------
    expression
        Any tree.
    problem
        Where the names come from. A name of the problem that would clash with a sign (``e``,
        ``sigma``) then makes the sign step aside; without it the names of `expression` count.

    Returns
    -------
    str
        Needs only amsmath and amssymb. Names are escaped: no name can start a LaTeX command.
    """
    names = names_in(expression)
    if problem is not None:
        names |= {given.name for given in problem.inputs} | {each.name for each in problem.definitions}
    return _Writer(frozenset(names)).write(explicit(expression)).text


class _Level(IntEnum):
    """How tightly a piece holds together; a place that needs more puts it in parentheses."""

    CASES = 0
    SUM = 1
    PRODUCT = 2
    FACTOR = 3  # a fraction, a power, a sum sign with its body
    ATOM = 4


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    level: _Level
    #: Whether a factor written to the right would be drawn in, as after a sum sign.
    reaches: bool = False


class _Writer:
    """Writes one expression; knows which names are taken."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def write(self, node: Expression, closed: bool = False) -> _Piece:
        """The piece for `node`; `closed` asks for one that reaches nothing on its right."""
        match node:
            case Number(value):
                return _number(value)
            case Size(axis):
                return _Piece(latex_name(axis), _Level.ATOM)
            case Entry():
                text = entry_latex(node)
                return _Piece(text, _Level.FACTOR if "^{" in text else _Level.ATOM)
            case Delta(left, right):
                return _Piece(rf"\delta_{subscript((_index(left), _index(right)))}", _Level.ATOM)
            case Add(terms):
                return self._sum(terms)
            case Multiply():
                return self._product(node)
            case Power(base, exponent):
                return self._power(base, exponent, closed)
            case Call(function, arguments):
                return self._call(function, arguments, closed)
            case Sum(index, body, condition):
                return self._binder(r"\sum", index, body, condition)
            case Product(index, body, condition):
                return self._binder(r"\prod", index, body, condition)
            case Extremum(kind, index, body):
                return self._binder(rf"\{kind}", index, body, None)
            case Where():
                return self._where(node)
            case Derivative(of, by):
                return self._derivative(of, by, closed)

    def parenthesised(self, node: Expression) -> str:
        return rf"\left({self.write(node).text}\right)"

    def _factor(self, node: Expression, last: bool) -> str:
        piece = self.write(node, closed=not last)
        if piece.level < _Level.FACTOR or (piece.reaches and not last):
            return rf"\left({piece.text}\right)"
        return piece.text

    def _sum(self, terms: Sequence[Expression]) -> _Piece:
        parts: list[str] = []
        if terms and signed_term(terms[0])[0] and isinstance(terms[-1], Number) and terms[-1].value > 0:
            terms = (terms[-1], *terms[:-1])  # 1 - p_j, not -p_j + 1
        for place, term in enumerate(terms):
            negative, rest = signed_term(term)
            piece = self.write(rest)
            text = rf"\left({piece.text}\right)" if piece.level < _Level.PRODUCT else piece.text
            if place:
                parts.append("- " + text if negative else "+ " + text)
            else:
                parts.append("-" + text if negative else text)
        return _Piece(" ".join(parts) if parts else "0", _Level.SUM)

    def _product(self, node: Multiply) -> _Piece:
        negative, rest = signed(node)
        if negative:
            piece = self.write(rest)
            text = rf"\left({piece.text}\right)" if piece.level < _Level.PRODUCT else piece.text
            return _Piece("-" + text, _Level.SUM, piece.reaches)
        groups = grouped(node.factors)
        parts: list[str] = []
        reaches = False
        for place, (above, below) in enumerate(groups):
            final = place == len(groups) - 1
            if below:
                parts.append(rf"\frac{{{self._sequence(above)}}}{{{self._sequence(below)}}}")
                continue
            for number, factor in enumerate(above):
                last = final and number == len(above) - 1
                text = self._factor(factor, last)
                if parts and (text[0].isdigit() or parts[-1] in ("0", "1")):
                    text = rf"\cdot {text}"
                parts.append(text)
                reaches = last and self.write(factor).reaches
        level = _Level.FACTOR if len(parts) == 1 else _Level.PRODUCT
        return _Piece(" ".join(parts), level, reaches)

    def _sequence(self, factors: Sequence[Expression]) -> str:
        """What stands above or below a fraction line, where nothing outside can reach in."""
        if not factors:
            return "1"
        if len(factors) == 1:
            return self.write(factors[0]).text
        return self.write(Multiply(tuple(factors))).text

    def _power(self, base: Expression, exponent: Expression, closed: bool) -> _Piece:
        if isinstance(exponent, Number):
            value = exponent.value
            if value < 0:
                below = self.write(power(base, Number(-value))).text
                return _Piece(rf"\frac{{1}}{{{below}}}", _Level.FACTOR)
            if value.numerator == 1 and value.denominator > 1:
                degree = "" if value.denominator == 2 else f"[{value.denominator}]"
                return _Piece(rf"\sqrt{degree}{{{self.write(base).text}}}", _Level.FACTOR)
            raised = str(value)
        else:
            raised = self.write(exponent).text
        if isinstance(base, Call) and base.function in _POWER_ON_SIGN and _is_whole(exponent):
            text = self._argument(base.arguments[0], closed)
            sign = FUNCTIONS[base.function].latex
            return _Piece(f"{sign}^{{{raised}}}{text}", _Level.FACTOR, not text.startswith(r"\left("))
        piece = self.write(base)
        if piece.level < _Level.ATOM:
            return _Piece(rf"\left({piece.text}\right)^{{{raised}}}", _Level.FACTOR)
        return _Piece(f"{piece.text}^{{{raised}}}", _Level.FACTOR)

    def _call(self, function: str, arguments: tuple[Expression, ...], closed: bool) -> _Piece:
        if function == "pi" and not arguments:
            return _Piece(r"\pi", _Level.ATOM)
        slope = read_slope(function) if is_unspecified(function) else None
        if slope is not None:
            inside = ", ".join(self.write(argument).text for argument in arguments)
            name = slope_latex(slope, len(arguments))
            return _Piece(rf"{name}\left({inside}\right)", _Level.ATOM)
        if len(arguments) != 1:
            inside = ", ".join(self.write(argument).text for argument in arguments)
            sign = rf"\{function}" if function in ("max", "min") else self._sign(function)
            return _Piece(rf"{sign}\left({inside}\right)", _Level.ATOM)
        argument = arguments[0]
        if function == "exp":
            return self._exponential(argument)
        if function == "sqrt":
            return _Piece(rf"\sqrt{{{self.write(argument).text}}}", _Level.FACTOR)
        if function == "abs":
            return _Piece(rf"\left|{self.write(argument).text}\right|", _Level.ATOM)
        if function == "step":
            return _Piece(rf"\mathbf{{1}}\left[{self.write(argument).text} > 0\right]", _Level.ATOM)
        sign = self._sign(function)
        if function not in _WITHOUT_PARENTHESES:
            return _Piece(rf"{sign}{self.parenthesised(argument)}", _Level.ATOM)
        text = self._argument(argument, closed)
        return _Piece(sign + text, _Level.FACTOR, reaches=not text.startswith(r"\left("))

    def _argument(self, argument: Expression, closed: bool) -> str:
        """What follows the sign of a function such as log: parentheses only where needed."""
        piece = self.write(argument)
        bare = piece.level == _Level.ATOM or (
            piece.level == _Level.FACTOR and is_tall(argument) and not isinstance(argument, Derivative)
        )
        return f" {piece.text}" if bare and not closed else rf"\left({piece.text}\right)"

    def _exponential(self, argument: Expression) -> _Piece:
        if "e" in self.names or any(
            sets_tall(part) or (isinstance(part, Call) and part.function == "exp")
            for _, part in walk(argument)
        ):
            return _Piece(rf"\exp{self.parenthesised(argument)}", _Level.ATOM)
        return _Piece(f"e^{{{self.write(argument).text}}}", _Level.FACTOR)

    def _sign(self, function: str) -> str:
        if function == "sigmoid" and "sigma" in self.names:
            return r"\operatorname{sigmoid}"
        if function in FUNCTIONS:
            return FUNCTIONS[function].latex
        if function in WITHOUT_DERIVATIVE:
            return rf"\operatorname{{{function}}}"
        return latex_name(function)

    def _binder(self, sign: str, index: Index, body: Expression, condition: Compare | None) -> _Piece:
        piece = self.write(body)
        text = rf"\left({piece.text}\right)" if piece.level < _Level.PRODUCT else piece.text
        letter = latex_name(index.name)
        below = letter if condition is None else self._restriction(letter, condition)
        return _Piece(rf"{sign}_{{{below}}} {text}", _Level.FACTOR, reaches=True)

    def _restriction(self, letter: str, condition: Compare) -> str:
        text = self._condition(condition)
        lower_bound = condition.operator == "=="  # as k = 1 under a sum sign is read
        return text if text.startswith(letter + " ") and not lower_bound else f"{letter} : {text}"

    def _condition(self, condition: Compare) -> str:
        if is_within(condition):
            assert isinstance(condition.left, PlaceTerm | Entry)
            return rf"1 \le {_index(condition.left)} \le {self._side(condition.right)}"
        return f"{self._side(condition.left)} {_RELATIONS[condition.operator]} {self._side(condition.right)}"

    def _side(self, side: IndexTerm | Expression) -> str:
        if isinstance(side, PlaceTerm):
            return _index(side)
        return self.write(side).text

    def _where(self, node: Where) -> _Piece:
        if node.then == ONE and node.otherwise == ZERO:
            return _Piece(rf"\mathbf{{1}}\left[{self._condition(node.condition)}\right]", _Level.ATOM)
        rows: list[str] = []
        rest: Expression = node
        while isinstance(rest, Where):
            rows.append(rf"{self.write(rest.then).text} & \text{{if }} {self._condition(rest.condition)}")
            rest = rest.otherwise
        rows.append(rf"{self.write(rest).text} & \text{{otherwise}}")
        separated = r" \\ ".join(rows)
        return _Piece(rf"\begin{{cases}} {separated} \end{{cases}}", _Level.CASES)

    def _derivative(self, of: Expression, by: tuple[Entry, ...], closed: bool) -> _Piece:
        order = "" if len(by) == 1 else f"^{len(by)}"
        below = " ".join(rf"\partial {entry_latex(entry)}" for entry in by)
        if isinstance(of, Entry):
            return _Piece(rf"\frac{{\partial{order} {entry_latex(of)}}}{{{below}}}", _Level.FACTOR)
        operator = rf"\frac{{\partial{order}}}{{{below}}}"
        piece = self.write(of)
        if closed or piece.level < _Level.FACTOR:
            return _Piece(rf"{operator} \left({piece.text}\right)", _Level.FACTOR)
        return _Piece(f"{operator} {piece.text}", _Level.FACTOR, reaches=True)


def entry_latex(entry: Entry) -> str:
    r"""One entry of an array, ``W_{ji}``; a name that has a subscript of its own is braced."""
    made = matrix_behind(entry.array)
    if made is not None:
        return _of_matrix(*made, entry.indices)
    if not entry.indices:
        return latex_name(entry.array)
    if entry.array == "delta" and len(entry.indices) == 2:
        name = r"\mathrm{delta}"  # \delta with two indices is Kronecker's
    else:
        name = array_latex(entry.array)
    indices = subscript([_index(term) for term in entry.indices])
    return f"{{{name}}}_{indices}" if "_{" in name else f"{name}_{indices}"


def _of_matrix(kind: str, matrix: str, indices: Sequence[IndexTerm]) -> str:
    r"""``\left(A^{-1}\right)_{ij}`` and ``\det\left(A\right)``."""
    name = array_latex(matrix)
    if kind == DETERMINANT:
        below = f"_{subscript([_index(term) for term in indices])}" if indices else ""
        return rf"\det\left({name}{below}\right)"
    if "^{" in name:
        name = f"{{{name}}}"
    return rf"\left({name}^{{-1}}\right)_{subscript([_index(term) for term in indices])}"


def _index(term: IndexTerm) -> str:
    match term:
        case Index(name, _):
            return latex_name(name)
        case Position(value, _):
            return str(value)
        case Shift():
            return spelled_shift(term, _index, " ")
        case Entry():
            return entry_latex(term)


def _number(value: Fraction) -> _Piece:
    magnitude = abs(value)
    if magnitude.denominator == 1:
        text, level = str(magnitude), _Level.ATOM
    else:
        text, level = rf"\frac{{{magnitude.numerator}}}{{{magnitude.denominator}}}", _Level.FACTOR
    return _Piece("-" + text, _Level.SUM) if value < 0 else _Piece(text, level)


def _is_whole(exponent: Expression) -> bool:
    return isinstance(exponent, Number) and exponent.value.denominator == 1
