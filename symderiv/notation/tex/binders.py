"""What binds or differentiates: sums with their bounds, cases, derivatives."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.construct import divide, factors_of
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Compare,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    Number,
    Position,
    Product,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import shifted
from symderiv.expression.traverse import compared_values
from symderiv.notation.tex.arithmetic import ArithmeticFault, product_of, quotient_of, raised_to, sum_of
from symderiv.notation.tex.arrays import Value, together
from symderiv.notation.tex.guesses import LAST_OF_CASES
from symderiv.notation.tex.matrices import MatrixReader
from symderiv.notation.tex.places import complementary
from symderiv.notation.tex.syntax import (
    Applied,
    Bound,
    Bracket,
    Called,
    Cases,
    Differentiated,
    Name,
    Numeral,
    Raised,
    Ranging,
    Relation,
    Subscripted,
    Syntax,
    less_than_size,
)
from symderiv.problem import axis_of_size


class BinderReader(MatrixReader):
    """Gives sums, cases and derivatives their meaning."""

    # --- sums and cases ------------------------------------------------------------------------

    def bound(self, node: Bound) -> Value:
        """A sum, product, maximum or minimum over indices."""
        over = [self._ranging(ranging, node.kind) for ranging in node.over]
        value = self.value(node.body)
        if value.kind:
            raise self.error(node.body, f"the size of {value.shape} is not known here")
        body = value.expression
        for index, condition in reversed(over):
            match node.kind:
                case "sum":
                    body = Sum(index, body, condition)
                case "prod":
                    body = Product(index, body, condition)
                case kind:
                    if condition is not None:
                        raise self.error(node, f"{kind} over an index takes no condition")
                    body = Extremum(kind, index, body)
        if value.open and node.kind != "sum":
            raise self.error(node.body, f"expected a number here, found {value.shape}")
        return Value(body, value.open, value.row)

    def _ranging(self, node: Ranging, kind: str) -> tuple[Index, Compare | None]:
        name = node.letter
        if self.scope.array(name) is not None or self.scope.axis(name) is not None:
            spelled = self.place_name(name)
            raise self.error(name, f"{spelled} is {self.scope.kind(spelled)}: expected an index letter")
        place = self.place(name, None)
        assert isinstance(place, Index)
        condition = self._set_or_condition(node, place)
        bound = self._bounds(node, place)
        if bound is not None and condition is not None:
            raise self.error(node, "bounds and a condition together are not supported yet")
        return place, bound or condition

    def place_name(self, name: Name) -> str:
        """The declared name that a written name is."""
        found = self.scope.array(name)
        return found[0] if found is not None else self.scope.axis(name) or self.letter_name(name)

    def _set_or_condition(self, node: Ranging, index: Index) -> Compare | None:
        condition = node.condition
        if condition is None:
            return None
        places = condition.right
        if condition.operator == "in" and isinstance(places, Name) and self.scope.axis(places) == index.axis:
            return None
        return self.compare(condition)

    def _bounds(self, node: Ranging, index: Index) -> Compare | None:
        """The condition that bounds make; None where they take in the whole axis."""
        first = 1
        if node.first is not None:
            if (
                not isinstance(node.first, Numeral)
                or not node.first.text.isdecimal()
                or len(node.first.text) > 9
            ):
                raise self.error(node.first, "expected a number as the lower bound")
            first = int(node.first.text)
        short = less_than_size(node.last)
        if first == 1 and short is not None and self.scope.axis(short[0]) == index.axis:
            return Compare("in", shifted([(1, index)], short[1], index.axis), Size(index.axis))
        last = self._last(node, index, first)
        if first <= 1 and last is None:
            return None
        if first > 1 and last is None:
            return Compare(">=", index, Position(first, index.axis))
        if first == 1 and last is not None:
            return Compare("<=", index, Position(last, index.axis))
        raise self.error(node, "two bounds that both leave something out are not supported yet")

    def _last(self, node: Ranging, index: Index, first: int) -> int | None:
        """The upper bound, counted from 1; None for the end of the axis."""
        upper = node.last
        if upper is None:
            return None
        if isinstance(upper, Numeral) and upper.text.isdecimal() and len(upper.text) < 9 and first:
            last = int(upper.text)
            return None if last > 0 and index.axis == axis_of_size(last) else last
        value = self.value(upper).expression
        if value == Size(index.axis) and first:
            return None
        if not first and value == sum_of(((False, Size(index.axis)), (True, ONE))):
            self.note(
                upper, f"{index.name} is counted from 0 to {index.axis} - 1: read as all of {index.axis}"
            )
            return None
        if not first and value == Size(index.axis) and index.axis not in self.scope.numbers:
            self.note(
                upper, f"{index.name} is counted from 0 to {index.axis}: read as all places of its axis"
            )
            return None
        where = "K - 1, for a count from 0".replace("K", index.axis) if not first else index.axis
        raise self.error(upper, f"expected {where}: the index {index.name} ranges over {index.axis}")

    def cases(self, node: Cases) -> Value:
        """A choice between numbers, or between arrays of one shape, which must leave nothing out."""
        values = [self.value(row.sides[0]) for row in node.rows]
        found = together(values)
        if found is None or any(value.kind for value in values):
            shapes = " and ".join(dict.fromkeys(value.shape for value in values if value.open or value.kind))
            raise self.misshapen(node, f"these cases have different shapes: {shapes}")
        entries, shape = found
        conditions = [self._conditions(row.condition) for row in node.rows]
        return Value(
            self._chosen_by(node, list(zip(conditions, entries, strict=True))), shape.open, shape.row
        )

    def _conditions(self, node: Relation | None) -> tuple[Compare, ...]:
        """The conditions of a row: two for ``a < x < b``, none for the rest."""
        if node is None:
            return ()
        if node.operator == "both" and isinstance(node.left, Relation) and isinstance(node.right, Relation):
            return self.compare(node.left), self.compare(node.right)
        return (self.compare(node),)

    def _chosen_by(self, node: Cases, rows: list[tuple[tuple[Compare, ...], Expression]]) -> Expression:
        """The choice, with another one inside it for each row that has two conditions."""
        place = next((place for place, (conditions, _) in enumerate(rows) if len(conditions) == 2), None)
        if place is None:
            return self._chosen(node, [(each[0] if each else None, value) for each, value in rows])
        before, (both, value), after = rows[:place], rows[place], rows[place + 1 :]
        earlier = [each[0] for each, _ in before if len(each) == 1]
        if not after and all(any(complementary(one, other) for one in earlier) for other in both):
            return self._chosen_by(node, [*before, ((), value)])
        last = before[-1][0] if before else ()
        for one, other in (both, both[::-1]):
            if len(last) == 1 and complementary(last[0], one):  # it holds wherever this row is come to
                return self._chosen_by(
                    node, [*before, ((), self._chosen_by(node, [((other,), value), *after]))]
                )
        inner = self._chosen_by(node, [((both[1],), value), *after])
        return self._chosen_by(node, [*before, ((both[0],), inner), *after])

    def _chosen(self, node: Cases, rows: list[tuple[Compare | None, Expression]]) -> Expression:
        for place, (condition, _) in enumerate(rows[:-1]):
            if condition is None:
                raise self.error(
                    node.rows[min(place, len(node.rows) - 1)], "only the last row can go without a condition"
                )
        last, result = rows[-1]
        if last is not None and _leaves_a_kink(tuple(condition for condition, _ in rows if condition)):
            self.note(node.rows[-1], LAST_OF_CASES)
        elif last is not None and not (
            len(rows) == 2 and rows[0][0] is not None and complementary(rows[0][0], last)
        ):
            raise self.error(
                node.rows[-1], "these cases may leave something out: let the last one be \\text{otherwise}"
            )
        for condition, value in reversed(rows[:-1]):
            assert condition is not None
            result = Where(condition, value, result)
        return result

    # --- derivatives ---------------------------------------------------------------------------

    def differentiated(self, node: Differentiated, of: Syntax, by: Sequence[Syntax]) -> Value:
        """A derivative by entries or whole arrays."""
        value = self.value(of)
        if value.kind:
            raise self.error(of, f"the size of {value.shape} is not known here")
        variables: list[Value] = []
        factor: Expression = ONE
        for variable in by:
            entry, inner = self._variable(variable, len(by))
            variables.append(entry)
            factor = product_of(factor, inner) if inner != ONE else factor
        entries = []
        for each in variables:
            assert isinstance(each.expression, Entry)
            entries.append(each.expression)
        derivative: Expression = Derivative(value.expression, tuple(entries))
        if factor != ONE:
            derivative = product_of(derivative, factor)
        free = tuple(index for each in variables for index in each.open)
        row = len(free) == 1 and not value.open and any(each.row for each in variables)
        return Value(derivative, (*value.open, *free), row)

    def _variable(self, node: Syntax, count: int) -> tuple[Value, Expression]:
        """What is differentiated by, and the factor that a derivative by a function of it brings in."""
        while isinstance(node, Bracket) and len(node.parts) == 1 and node.sign in ("{", "("):
            (node,) = node.parts
        if isinstance(node, Raised | Applied) and count == 1:
            found = self._variable_of_function(node)
            if found is not None:
                return found
        if not isinstance(node, Name | Called | Subscripted):
            raise self.error(node, "expected an entry of an array, such as z_j, to differentiate by")
        value = self.value(node)
        if not isinstance(value.expression, Entry):
            raise self.error(node, "expected an entry of an array, such as z_j, to differentiate by")
        if value.expression.array in self.scope.upstream:
            raise self.error(node, f"{value.expression.array} is unspecified: it cannot be differentiated by")
        return value, ONE

    def _variable_of_function(self, node: Raised | Applied) -> tuple[Value, Expression] | None:
        r"""A derivative by ``\log u`` or by a power of u: ∂f/∂g(u) is ∂f/∂u divided by g'(u)."""
        if isinstance(node, Raised):
            of = node.base
        elif node.function == "log" and len(node.arguments) == 1:
            of = node.arguments[0]
        else:
            return None
        entry, inner = self._variable(of, 1)
        if entry.open:
            return None
        value = self.number(of)
        if isinstance(node, Raised):
            power = self.number(node.exponent)
            if not isinstance(power, Number):
                return None
            slope = product_of(power, raised_to(value, sum_of(((False, power), (True, ONE)))))
        else:
            slope = quotient_of(ONE, value)
        assert isinstance(entry.expression, Entry)
        self.note(
            node, "a derivative by a function of u is the one by u, divided by the slope of the function"
        )
        if ZERO in factors_of(slope):
            raise ArithmeticFault("division by zero")
        return entry, product_of(inner, divide(ONE, slope)) if inner != ONE else divide(ONE, slope)


def _leaves_a_kink(conditions: Sequence[Compare]) -> bool:
    """Whether conditions on two values leave out nothing, or no more than that the values are equal."""
    signs: set[str] = set()
    first = conditions[0]
    for each in conditions:
        if not compared_values(each):
            return False
        if (each.left, each.right) == (first.left, first.right):
            signs.add(each.operator)
        elif (each.right, each.left) == (first.left, first.right):
            signs.add({"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(each.operator, each.operator))
        else:
            return False
    return bool(signs & {"<", "<="}) and bool(signs & {">", ">="})
