r"""Matrix notation: sums, products, powers and functions of whole arrays, read into index notation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from symderiv.expression.functions import call
from symderiv.expression.indices import rename
from symderiv.expression.matrices import determinant_of, inverse_of
from symderiv.expression.nodes import (
    MINUS_ONE,
    ONE,
    Delta,
    Entry,
    Expression,
    Extremum,
    Index,
    Number,
    Sum,
)
from symderiv.notation.tex.arithmetic import product_of, quotient_of, raised_to, sum_of
from symderiv.notation.tex.arrays import Value, contracted, diagonal, together
from symderiv.notation.tex.places import PlaceReader
from symderiv.notation.tex.syntax import (
    Applied,
    Bracket,
    Differentiated,
    Numeral,
    Opaque,
    Part,
    Raised,
    Syntax,
)

_TWO = Number(Fraction(2))


class MatrixReader(PlaceReader):
    """What the operations mean where some operands are arrays."""

    def added(self, terms: Sequence[tuple[bool, Value, Syntax]]) -> Value:
        """A sum of numbers, or of arrays of one shape."""
        shaped = next((value for _, value, _ in terms if value.open), None)
        values: list[Value] = []
        for _, value, where in terms:
            if value.kind:
                value = self.sized(value, shaped, where)
            elif shaped is not None and not value.open and len(shaped.open) > 1:
                raise self.misshapen(where, f"a number cannot be added to {shaped.shape}")
            elif shaped is not None and not value.open:
                self.note(where, "a number added to an array is added to each of its entries")
            values.append(value)
        widest = next((value for value in values if len(value.open) == 2), None)
        if widest is not None and widest.axes[0] != widest.axes[1]:
            pairs = zip(terms, values, strict=True)
            values = [self._in_every_row(value, widest, where) for (_, _, where), value in pairs]
            shaped = widest
        for (_, _, where), value in zip(terms, values, strict=True):
            if shaped is not None and value.open and not value.same_shape(shaped):
                raise self.misshapen(where, f"{value.shape} cannot be added to {shaped.shape}")
        found = together(values)
        assert found is not None
        entries, shape = found
        signs = [negative for negative, _, _ in terms]
        if len(terms) == 1 and terms[0][1].kind:
            raise self.error(terms[0][2], f"the size of {terms[0][1].shape} is not known here")
        return Value(sum_of(list(zip(signs, entries, strict=True))), shape.open, shape.row)

    def _in_every_row(self, value: Value, matrix: Value, where: Syntax) -> Value:
        """The bias b of XW + b, a vector over one axis of a matrix: it is added to every row or column."""
        if len(value.open) != 1 or value.axes[0] not in matrix.axes:
            return value
        along = matrix.axes.index(value.axes[0])
        self.note(where, f"a vector is added to every {('column', 'row')[along]} of a matrix")
        return Value(value.at((matrix.open[along],)), matrix.open)

    def sized(self, value: Value, shape: Value | None, where: Syntax) -> Value:
        """An identity matrix or a vector of ones in the size of what it stands with."""
        if shape is None:
            raise self.error(where, f"the size of {value.shape} is not known here")
        if value.kind == "ones" and len(shape.open) == 1:
            return Value(value.expression, shape.open, shape.row)
        if value.kind == "identity" and len(shape.open) == 2 and shape.open[0].axis == shape.open[1].axis:
            return Value(product_of(value.expression, Delta(*shape.open)), shape.open)
        if value.kind in ("rows", "columns") and len(shape.open) == 2:
            place = shape.open[1 if value.kind == "rows" else 0]
            if place.axis == value.along[0].axis:
                return Value(rename(value.expression, {value.along[0]: place}), shape.open)
        raise self.misshapen(where, f"{value.shape} cannot be added to {shape.shape}")

    def multiplied(self, factors: Sequence[tuple[str, Value, Syntax]]) -> Value:
        """A product, from left to right: of numbers, of arrays entry by entry (⊙), or of matrices."""
        if not any(value.open or value.kind for _, value, _ in factors):
            result: list[Expression] = []
            for sign, value, _ in factors:
                result.append(quotient_of(ONE, value.expression) if sign == "/" else value.expression)
            return Value(product_of(*result))
        (_, total, before), *rest = factors
        while rest:
            (sign, value, where), *rest = rest
            if rest and total.row and value.row and rest[0][0] != "/":
                # v^T A v^T v: a row times a row does not conform; the second makes a number with the next.
                number = contracted(value, rest[0][1], product_of) if rest[0][1].open else None
                if number is not None and not number.open:
                    value, rest = number, rest[1:]
            if sign in ("⊙", "⊘") and total.open and value.open and together((total, value)) is None:
                value, rest = self._with_following(total, value, rest)  # y ⊙ X w is y ⊙ (X w)
            if total.kind == value.kind == "ones" and value.row and rest and not total.row:
                # 1 1^T x: the number 1^T x at every place.
                value, rest = self._times("", value, rest[0][1], rest[0][2]), rest[1:]
            derivatives = isinstance(before, Differentiated) and isinstance(where, Differentiated)
            if derivatives and len(total.open) == 1 and len(value.open) > 1:
                # The chain rule as people write it: contracted over the array between them.
                total = Value(total.expression, total.open, row=True)
                total = Value(*_column(self._times(sign, total, value, where)))
            else:
                total = self._times(sign, total, value, where)
            before = where
        return total

    def _with_following(
        self, total: Value, value: Value, rest: list[tuple[str, Value, Syntax]]
    ) -> tuple[Value, list[tuple[str, Value, Syntax]]]:
        """A value by the factors after it, if so it gets the shape of `total`, and those that are left."""
        product = value
        for place, (sign, factor, _) in enumerate(rest):
            following = contracted(product, factor, product_of) if not sign and factor.open else None
            if following is None:
                break
            product = following
            if together((total, product)) is not None:
                return product, rest[place + 1 :]
        return value, rest

    def _times(self, sign: str, left: Value, right: Value, where: Syntax) -> Value:
        if sign == "/":
            return self.divided(left, right, where)
        if sign == "⊘":
            right = right.map(lambda entry: quotient_of(ONE, entry))
            sign = "⊙"
        if left.kind == "identity" and right.open and sign != "⊙":
            return right.map(lambda entry: product_of(left.expression, entry))
        if right.kind == "identity" and left.open and sign != "⊙":
            return left.map(lambda entry: product_of(entry, right.expression))
        if not left.open or not right.open:
            if (left.kind and right.kind) or (left.open and right.kind) or (right.open and left.kind):
                if left.kind == "ones" or right.kind == "ones":
                    return self._times_ones(left, right, where)
                raise self.error(where, f"the product of {left.shape} and {right.shape} is not supported yet")
            shaped = left if left.open or left.kind else right
            product = product_of(left.expression, right.expression)
            return Value(product, shaped.open, shaped.row, shaped.kind, shaped.along)
        if sign == "⊙":
            found = together((left, right))
            if found is None:
                raise self.error(where, f"{left.shape} and {right.shape} have no product entry by entry")
            return Value(product_of(*found[0]), found[1].open, found[1].row)
        result = contracted(left, right, product_of)
        if result is None and sign == "*" and len(left.open) == len(right.open) == 1:
            return self.inner_product(where, left, right)
        if result is None and sign == "×" and left.same_shape(right):
            self.note(where, "a star or cross between arrays of one shape multiplies them entry by entry")
            return self._times("⊙", left, right, where)
        if result is None:
            raise self.misshapen(where, f"{left.shape} times {right.shape} does not conform")
        return result

    def _times_ones(self, left: Value, right: Value, where: Syntax) -> Value:
        """``1^T x`` and ``A 1``: sums over an axis."""
        if left.kind == "ones" and left.row and right.open and not (len(right.open) == 1 and right.row):
            body = Sum(right.open[0], product_of(left.expression, right.expression))
            return Value(body, right.open[1:], row=bool(right.open[1:]))
        if right.kind == "ones" and not right.row and (len(left.open) > 1 or left.row):
            return Value(Sum(left.open[-1], product_of(left.expression, right.expression)), left.open[:-1])
        if left.kind == "ones" and not left.row and len(right.open) == 1 and right.row:
            return Value(product_of(left.expression, right.expression), (), False, "rows", right.open)
        if right.kind == "ones" and right.row and len(left.open) == 1 and not left.row:
            return Value(product_of(left.expression, right.expression), (), False, "columns", left.open)
        raise self.error(where, f"the product of {left.shape} and {right.shape} is not supported yet")

    def divided(self, above: Value, below: Value, where: Part) -> Value:
        """A quotient; only a number can divide an array."""
        if below.open or below.kind:
            raise self.error(where, f"{above.shape} cannot be divided by {below.shape}: give them indices")
        quotient = quotient_of(above.expression, below.expression)
        return Value(quotient, above.open, above.row, above.kind, above.along)

    def transposed(self, value: Value, where: Part) -> Value:
        """The transpose: a matrix with its axes swapped, a column as a row."""
        if value.kind:
            kind = {"rows": "columns", "columns": "rows"}.get(value.kind, value.kind)
            return Value(value.expression, (), value.kind == "ones" and not value.row, kind, value.along)
        match len(value.open):
            case 1:
                return Value(value.expression, value.open, not value.row)
            case 2:
                return Value(value.expression, value.open[::-1])
            case _:
                raise self.error(where, f"{value.shape} cannot be transposed (a power of T needs T declared)")

    def array_power(self, node: Raised, value: Value, power: Expression) -> Value:
        """A power of an array: the square is the squared norm, as people write it."""
        if self.entrywise and value.open and power != MINUS_ONE:
            self.note(node, "the power of an array in a product entry by entry is read entry by entry")
            return value.map(lambda entry: raised_to(entry, power))
        if power == _TWO and value.open:
            kind = "a vector" if len(value.open) == 1 else "an array"
            self.note(node, f"the square of {kind} is read as its squared norm")
            return Value(self._squares(value))
        if power == MINUS_ONE:
            return self.inverse(node, value)
        raise self.error(node, f"this power of {value.shape} is not supported yet: give it indices")

    def _squares(self, value: Value) -> Expression:
        total = raised_to(value.expression, _TWO)
        for index in reversed(value.open):
            total = Sum(index, total)
        return total

    def inverse(self, node: Part, value: Value) -> Value:
        """The inverse of a matrix; what has no name is given one, where that is possible."""
        if value.kind == "identity":
            return value
        matrix, turned = self._matrix(node, value, "inverse")
        places = value.open[::-1] if turned else value.open
        return Value(Entry(inverse_of(matrix), places), value.open)

    def determinant(self, node: Part, value: Value) -> Value:
        """The determinant of a matrix."""
        if value.kind == "identity":
            return Value(ONE)
        return Value(Entry(determinant_of(self._matrix(node, value, "determinant")[0])))

    def _matrix(self, node: Part, value: Value, what: str) -> tuple[str, bool]:
        """The name of the square matrix that a value is, and whether it is transposed."""
        if len(value.open) != 2 or value.open[0].axis != value.open[1].axis:
            raise self.error(node, f"{value.shape} has no {what}: only a square matrix has one")
        entry = value.expression
        if isinstance(entry, Entry) and set(entry.indices) == set(value.open):
            return entry.array, entry.indices != value.open
        if self.define is None:
            raise self.error(node, f"the {what} of a named matrix only is understood here: define this one")
        return self.define(node, value), False

    def norm(self, node: Bracket, value: Value) -> Value:
        """The Euclidean norm of a vector, and the Frobenius norm of a matrix."""
        if value.kind:
            raise self.error(node, f"the size of {value.shape} is not known here")
        if not value.open:
            return Value(call("abs", value.expression))
        return Value(call("sqrt", self._squares(value)))

    def squared_norm(self, node: Part, value: Value) -> Value:
        r"""``\|x\|^2``, without the root that the square takes away."""
        if value.kind:
            raise self.error(node, f"the size of {value.shape} is not known here")
        return Value(self._squares(value))

    def other_norm(self, node: Bracket, which: Part, value: Value) -> Value:
        """The sum of the absolute values of a vector, or the largest of them."""
        if value.kind:
            raise self.error(node, f"the size of {value.shape} is not known here")
        sizes = value.map(lambda entry: call("abs", entry))
        if isinstance(which, Numeral) and which.text == "1" and len(value.open) <= 1:
            return Value(Sum(value.open[0], sizes.expression) if value.open else sizes.expression)
        if isinstance(which, Opaque) and which.text == r"\infty" and len(value.open) <= 1:
            return Value(Extremum("max", value.open[0], sizes.expression) if value.open else sizes.expression)
        raise self.error(
            which, "only the norms with 1, 2 and \\infty of vectors, and the Frobenius norm, are supported"
        )

    def divergence(self, node: Applied, name: str, left: Value, right: Value) -> Value:
        """KL(p | q) = Σ p log(p / q), and the cross-entropy CE(y, p) = -Σ y log p."""
        if not left.open or not right.open:
            shapes = f"found {left.shape} and {right.shape}"
            raise self.error(node, f"{name} needs two arrays, {shapes}")
        found = together((left, right))
        if found is None:
            raise self.error(node, f"{left.shape} and {right.shape} have no {name}: the shapes differ")
        (first, second), shape = found
        ratio = quotient_of(first, second) if name == "KL" else second
        total = product_of(first, call("log", ratio))
        for index in reversed(shape.open):
            total = Sum(index, total)
        return Value(sum_of(((name == "CE", total),)))

    def inner_product(self, node: Part, left: Value, right: Value) -> Value:
        """The sum of the products of entries at the same place."""
        if [index.axis for index in left.open] != [index.axis for index in right.open] or not left.open:
            raise self.error(node, f"{left.shape} and {right.shape} have no inner product")
        total = product_of(left.expression, right.at(left.open))
        for index in reversed(left.open):
            total = Sum(index, total)
        return Value(total)

    def array_function(self, node: Applied, function: str, value: Value) -> Value | None:
        """A function that takes a whole array; None for one that is applied entry by entry."""
        if function in ("det", "logdet"):
            found = self.determinant(node, value)
            return found if function == "det" else found.map(lambda entry: call("log", entry))
        if function not in ("softmax", "logsumexp", "diag", "tr"):
            return None
        if not value.open:
            raise self.error(node, f"{function} needs an array, found {value.shape}")
        if function in ("diag", "tr"):
            return self._diagonals(node, function, value)
        last = value.open[-1]
        bound = self.placeholders.new(last.axis)
        exponential = value.map(lambda entry: call("exp", entry))
        total = Sum(bound, exponential.at((*value.open[:-1], bound)))
        if function == "logsumexp":
            return Value(call("log", total), value.open[:-1])
        return Value(quotient_of(exponential.expression, total), value.open, value.row)

    def _diagonals(self, node: Applied, function: str, value: Value) -> Value:
        if function == "diag" and len(value.open) == 1:
            return diagonal(value, self.placeholders, product_of)
        if len(value.open) == 2 and value.open[0].axis == value.open[1].axis:
            place = self.placeholders.new(value.open[0].axis)
            entry = value.at((place, place))
            return Value(entry, (place,)) if function == "diag" else Value(Sum(place, entry))
        raise self.error(node, f"{function} of {value.shape} is not defined")


def _column(value: Value) -> tuple[Expression, tuple[Index, ...]]:
    return value.expression, value.open
