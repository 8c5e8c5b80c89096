"""From the syntax of a formula to its meaning: an expression in the names of a problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import zip_longest

from symderiv.expression.functions import FUNCTIONS, PI, call
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    ONE,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Number,
    Size,
)
from symderiv.expression.unspecified import Slope
from symderiv.notation.errors import NotationError, quoted
from symderiv.notation.places import MAX_DIGITS
from symderiv.notation.tex.arithmetic import ArithmeticFault, binomial, quotient_of, raised_to
from symderiv.notation.tex.arrays import Value, together
from symderiv.notation.tex.binders import BinderReader
from symderiv.notation.tex.composed import COMPOSED
from symderiv.notation.tex.places import indicator
from symderiv.notation.tex.scope import readings
from symderiv.notation.tex.syntax import (
    Applied,
    Array,
    Bound,
    Bracket,
    Called,
    Cases,
    Differentiated,
    Factors,
    Indicator,
    Kronecker,
    Name,
    Numeral,
    Opaque,
    Part,
    Raised,
    Ratio,
    Relation,
    Root,
    Shifted,
    Subscripted,
    Syntax,
    Terms,
    Transposed,
)


class Reader(BinderReader):
    """Gives formulas their meaning in one scope."""

    def number(self, node: Syntax) -> Expression:
        """The value of a node, which must be a number and not an array."""
        value = self.value(node)
        if value.open or value.kind:
            raise self.error(node, f"expected a number here, found {value.shape}: give it indices")
        return value.expression

    def value(self, node: Syntax) -> Value:
        """The value of a node: an expression, and the indices that are left open."""
        try:
            return self._value(node)
        except ArithmeticFault as fault:
            raise self.error(node, str(fault)) from None

    def _value(self, node: Syntax) -> Value:
        match node:
            case Numeral():
                return Value(PI if node.text == "pi" else self._numeral(node))
            case Name():
                return self._name(node)
            case Terms(_, terms):
                return self.added([(negative, self.value(term), term) for negative, term in terms])
            case Factors(_, factors):
                before = self.entrywise
                self.entrywise = before or self._is_entrywise(factors)
                values = [(sign, self.value(factor), factor) for sign, factor in factors]
                self.entrywise = before
                return self.multiplied(values)
            case Raised():
                return self._raised(node)
            case Transposed(_, base):
                if isinstance(base, Numeral) and base.text == "1":
                    return Value(ONE, (), True, "ones")
                return self.transposed(self.value(base), node)
            case Ratio(_, above, below):
                return self.divided(self.value(above), self.value(below), node)
            case Root():
                return self._root(node)
            case Bracket(_, sign, parts):
                return self._bracket(node, sign, parts)
            case Subscripted(_, base, units):
                return self._subscripted(node, base, units)
            case Array(_, letters, body):
                return self._array(letters, body)
            case Applied():
                return self._applied(node)
            case Called(_, name, arguments):
                return self._called(node, name, arguments)
            case Bound():
                return self.bound(node)
            case Kronecker():
                return Value(self.kronecker(node))
            case Indicator(_, condition):
                return self._indicator(condition)
            case Cases():
                return self.cases(node)
            case Differentiated(_, of, by):
                return self.differentiated(node, of, by)
            case Relation():
                raise self.error(node, "a condition is not a value")
            case Opaque() | Shifted():
                raise self.error(node, "expected a value")

    def vector(self, node: Syntax) -> Value:
        """The value of a side of an equation whose other side is a vector.

        A dot between vectors of one size, in a term of it, can only be meant entry by entry.
        """
        match node:
            case Terms(_, terms):
                return self.added([(negative, self.vector(term), term) for negative, term in terms])
            case Factors(_, factors) if any(sign == "*" for sign, _ in factors):
                return self._dotted(node, factors)
            case _:
                return self.value(node)

    def _dotted(self, node: Factors, factors: Sequence[tuple[str, Syntax]]) -> Value:
        before, self.entrywise, notes = self.entrywise, True, dict(self.notes)
        try:
            values = [self.value(factor) for _, factor in factors]
        except NotationError:
            values = []
        self.entrywise = before
        columns = [place for place, value in enumerate(values) if len(value.open) == 1 and not value.row]
        dots = all(factors[place][0] == "*" for place in columns[1:])
        matrices = any(len(value.open) > 1 or value.row or value.kind for value in values)
        if len(columns) < 2 or not dots or matrices or len({values[place].axes for place in columns}) > 1:
            self.notes.clear()
            self.notes.update(notes)
            return self.value(node)
        self.note(node, "a dot between vectors, where the other side is a vector, multiplies entry by entry")
        signs = ["⊙" if sign == "*" else sign for sign, _ in factors]
        parts = [factor for _, factor in factors]
        return self.multiplied(list(zip(signs, values, parts, strict=True)))

    def _is_entrywise(self, factors: Sequence[tuple[str, Syntax]]) -> bool:
        """Whether a product multiplies arrays entry by entry: by its signs, or a star beside a vector."""
        signs = {sign for sign, _ in factors}
        return not signs.isdisjoint(("⊙", "⊘")) or (
            "×" in signs and any(self._is_vector(factor) for _, factor in factors)
        )

    def _is_vector(self, node: Syntax) -> bool:
        found = self.scope.array(node) if isinstance(node, Name) else None
        return found is not None and len(self.scope.arrays[found[0]]) - len(found[1]) == 1

    def _indicator(self, node: Relation) -> Value:
        """1 where a condition holds, entry by entry if it compares arrays."""
        if node.operator in ("<", ">", "<=", ">=") and self._common_axis(node.left, node.right) is None:
            values = [self.value(node.left), self.value(node.right)]
            return self.each(node, values, lambda left, right: indicator(Compare(node.operator, left, right)))
        return Value(indicator(self.compare(node)))

    def each(self, node: Part, values: Sequence[Value], change: Callable[..., Expression]) -> Value:
        """`change` made entry by entry to numbers and arrays of one shape."""
        found = together(values)
        if found is None:
            shapes = " and ".join(value.shape for value in values if value.open)
            raise self.error(node, f"these have different shapes: {shapes}")
        entries, shape = found
        return Value(change(*entries), shape.open, shape.row)

    def _numeral(self, node: Numeral) -> Number:
        if len(node.text) > MAX_DIGITS:
            raise self.error(node, f"this number is too long: at most {MAX_DIGITS} digits are allowed")
        return Number(Fraction(node.text))

    # --- names ---------------------------------------------------------------------------------

    def _name(self, node: Name) -> Value:
        found = self.scope.array(node)
        if found is not None:
            array, units = found
            if array in self.scope.labels:
                raise self.error(node, f"the label {array} is a place, not a number: write it as an index")
            axes = self.scope.arrays[array]
            if len(units) < len(axes) or any(isinstance(unit, Opaque) and unit.is_whole for unit in units):
                return self._part_of_array(node, array, units)
            return Value(self.entry(node, array, units))
        axis = self.scope.axis(node)
        if axis is not None:
            return Value(Size(axis))
        if node.names == ("I",) and len(node.units) == 1 and isinstance(node.units[0], Name):  # I_d
            size = self.scope.axis(node.units[0])
            if size is not None:
                row, column = self.placeholders.new(size), self.placeholders.new(size)
                return Value(Delta(row, column), (row, column))
        if node.names == ("1",) and len(node.units) == 1 and isinstance(node.units[0], Name):  # 1_n
            size = self.scope.axis(node.units[0])
            if size is not None:
                return Value(ONE, (self.placeholders.new(size),))
        if not node.units and not node.primes and not node.star and node.tag is None:
            if node.names[0] == "pi":
                return Value(PI)
            if node.names[0] == "e":
                return Value(call("exp", ONE))
            if node.names == ("1",):
                return Value(ONE, (), False, "ones")
            if node.names[0] == "I":
                return Value(ONE, (), False, "identity")
        spelled = next(iter(readings(node)))[0]
        if self.scope.letter(node) is not None:
            raise self.error(node, f"the index {spelled} has no value by itself: it stands in a subscript")
        primed = self._primed(node)
        if primed is not None:
            return primed
        if node.names[0] == "sigma" and not node.units and "sigma" not in self.scope.arrays:
            raise self.error(node, "sigma is not declared or defined, and without ( ) it is not the sigmoid")
        base = node.names[0]
        hint = self.scope.suggestions(spelled)
        if node.units and spelled != base and not hint:
            raise self.error(
                node, f"{quoted(base)} is not declared or defined, and neither is {quoted(spelled)}"
            )
        raise self.error(node, f"{quoted(spelled)} is not declared or defined{hint}")

    def _part_of_array(self, node: Name, array: str, units: Sequence[Syntax]) -> Value:
        """An array with none, only the first, or a ``:`` for some of its indices."""
        axes = self.scope.arrays[array]
        if len(units) > len(axes):
            return Value(self.entry(node, array, tuple(units)))  # which says how many there are to be
        places: list[IndexTerm] = []
        free: list[Index] = []
        for unit, axis in zip_longest(units, axes):
            if unit is None or (isinstance(unit, Opaque) and unit.is_whole):
                free.append(self.placeholders.new(axis))
                places.append(free[-1])
            else:
                places.append(self.place(unit, axis))
        rest = units[-1] if units else None
        row = len(free) == 1 < len(axes) == len(units) and isinstance(rest, Opaque)  # W_{i,:} is a row
        row = row or (len(free) == 1 == len(axes) and self.scope.stands_as_row(axes[0]))
        row = row or (len(free) == 1 < len(axes) and array in self.scope.rows)  # each x_i is a row
        return Value(Entry(array, tuple(places)), tuple(free), row)

    def _primed(self, node: Name) -> Value | None:
        """``f'`` of a definition that is made of one number alone: the derivative by it."""
        found = self.scope.array(replace(node, primes=0)) if node.primes and not node.star else None
        if found is None or found[0] not in self.scope.functions or found[0] in self.scope.upstream:
            return None
        inputs = [name for name in self.scope.given if self.scope.depends(found[0], name)]
        if len(inputs) != 1 or self.scope.arrays[inputs[0]]:
            raise self.error(
                node, f"by what is {found[0]} differentiated here? write the derivative as a fraction"
            )
        return Value(Derivative(Entry(found[0]), (Entry(inputs[0]),) * node.primes))

    def _called(self, node: Called, name: Name, arguments: tuple[Syntax, ...]) -> Value:
        slope = self.scope.slope(name)
        if slope is not None:
            return self._unspecified(node, slope, arguments)
        found = self.scope.array(name)
        if found is None and name.primes and len(arguments) == 1:
            found = self.scope.array(replace(name, primes=0))
            variable = self.value(arguments[0])
            if found is None:
                raise self._undefined(node)
            if not isinstance(variable.expression, Entry) or (variable.open and name.primes > 1):
                raise self.error(arguments[0], "expected a number by which to differentiate")
            return Value(Derivative(Entry(found[0]), (variable.expression,) * name.primes), variable.open)
        if found is None:
            raise self._undefined(node)
        array = found[0]
        if array in self.scope.applied:
            return self.value(name)
        if array not in self.scope.functions:
            return Value(self.entry(node, array, arguments))
        return Value(Entry(array))

    def _undefined(self, node: Called) -> NotationError:
        name = quoted(next(iter(readings(node.name)))[0])
        return self.error(node, f"{name} is called here, but it is not defined with such arguments")

    def _unspecified(self, node: Called, slope: Slope, arguments: tuple[Syntax, ...]) -> Value:
        """A call of an unspecified function or of its slope, entry by entry."""
        wanted = self.scope.unspecified[slope.function] or len(arguments)
        if len(arguments) != wanted:
            count = "1 argument" if wanted == 1 else f"{wanted} arguments"
            raise self.error(node, f"{slope.function} needs {count}, found {len(arguments)}")
        if max(slope.by, default=0) >= wanted or (wanted > 1 and node.name.primes and not node.name.units):
            raise self.error(
                node, f"by which argument is {slope.function} differentiated? write {slope.function}'_1(..)"
            )
        values = [self.value(argument) for argument in arguments]
        return self.each(node, values, lambda *given: call(slope.name(wanted), *given))

    def _subscripted(self, node: Subscripted, base: Syntax, units: Sequence[Syntax]) -> Value:
        if _is_norm(base) and isinstance(base, Bracket) and len(units) == 1:
            if _is_euclidean(units[0]):
                return self.value(base)
            return self.other_norm(base, units[0], self.value(base.parts[0]))
        value = self.value(base)
        if len(value.open) != len(units) or value.kind:
            count = (
                "no index"
                if not value.open
                else f"{len(value.open)} indices"
                if len(value.open) > 1
                else "1 index"
            )
            raise self.error(units[0], f"this is a subscript of {value.shape}, which takes {count}")
        places = [self.place(unit, index.axis) for unit, index in zip(units, value.open, strict=True)]
        return Value(value.at(places))

    def _array(self, letters: tuple[Name, ...], body: Syntax) -> Value:
        """The array of the values that `body` has at the places of `letters`."""
        places = [self.place(letter, None) for letter in letters]
        indices = [place for place in places if isinstance(place, Index)]
        free = tuple(self.placeholders.new(index.axis) for index in indices)
        return Value(rename(self.number(body), dict(zip(indices, free, strict=True))), free)

    # --- powers, roots, brackets, functions --------------------------------------------------------

    def _raised(self, node: Raised) -> Value:
        base, exponent = node.base, node.exponent
        # Twice where e is declared: as an index letter, say, of which there are no powers.
        if isinstance(base, Name) and set(base.names) == {"e"} and self.scope.array(base) is None:
            if base.units or base.primes:
                raise self.error(base, "e is not declared, and as Euler's number it takes no subscript")
            return self.value(exponent).map(lambda entry: call("exp", entry))
        inside = base.base if isinstance(base, Subscripted) and _is_euclidean(base.units[0]) else base
        if (
            isinstance(inside, Bracket)
            and inside.sign == "||"
            and isinstance(exponent, Numeral)
            and exponent.text == "2"
        ):
            return self.squared_norm(node, self.value(inside.parts[0]))
        if _is_minus_transposed(exponent) and (value := self.value(base)).open:
            return self.transposed(self.inverse(node, value), node)
        if _is_transposition(exponent) and isinstance(base, Numeral) and base.text == "1":
            return Value(ONE, (), True, "ones")
        value = self.value(base)
        if _is_transposition(exponent) and (value.open or value.kind or not self._is_declared(exponent)):
            return self.transposed(value, node)
        power = self.number(exponent)
        if value.open or value.kind:
            return self.array_power(node, value, power)
        return Value(raised_to(value.expression, power))

    def _is_declared(self, node: Syntax) -> bool:
        return isinstance(node, Name) and self.scope.array(node) is not None

    def _root(self, node: Root) -> Value:
        body = self.value(node.body)
        if node.degree is None:
            return body.map(lambda entry: call("sqrt", entry))
        degree = self.number(node.degree)
        if degree == Number(Fraction(2)):
            return body.map(lambda entry: call("sqrt", entry))
        return body.map(lambda entry: raised_to(entry, quotient_of(ONE, degree)))

    def _bracket(self, node: Bracket, sign: str, parts: tuple[Syntax, ...]) -> Value:
        if sign == "<":
            if len(parts) != 2:
                raise self.error(node, f"expected two vectors in these angle brackets, found {len(parts)}")
            return self.inner_product(node, self.value(parts[0]), self.value(parts[1]))
        if len(parts) != 1:
            raise self.error(node, "a list in brackets has no value: is the name before it a function?")
        value = self.value(parts[0])
        if sign == "||":
            return self.norm(node, value)
        if sign == "|":
            if len(value.open) == 2 and value.open[0].axis == value.open[1].axis:
                self.note(node, "bars around a matrix are its determinant")
                return self.determinant(node, value)
            if len(value.open) == 1:
                self.note(node, "bars around a vector are its length")
                return self.norm(node, value)
            if value.open:
                raise self.error(
                    node, "bars around an array are not supported: write |x_ij|, or \\|x\\| for its norm"
                )
            return Value(call("abs", value.expression))
        return value

    def _applied(self, node: Applied) -> Value:
        function = node.function
        if function in ("max", "min"):
            if len(node.arguments) != 2:
                found = f"expected {function}(a, b), found {len(node.arguments)}"
                raise self.error(node, f"{found}; over an index write \\{function}_k")
            values = [self.value(argument) for argument in node.arguments]
            return self.each(node, values, lambda left, right: call(function, left, right))
        if function in ("KL", "CE"):
            return self.divergence(node, function, *(self.value(argument) for argument in node.arguments))
        if function == "binom":
            above, below = (self.number(argument) for argument in node.arguments)
            return Value(binomial(above, below))
        if len(node.arguments) != 1:
            raise self.error(node, f"{function} needs 1 argument, found {len(node.arguments)}")
        before, self.entrywise = self.entrywise, self.entrywise or function == "diag"
        value = self.value(node.arguments[0])
        self.entrywise = before
        special = self.array_function(node, function, value)
        if special is not None:
            return special
        if node.primes:
            if function not in FUNCTIONS:
                raise self.error(node, f"this derivative of {function} is not supported yet: write it out")
            if node.primes == 1:
                return value.map(FUNCTIONS[function].derivative)
            by = value.expression
            if not isinstance(by, Entry):
                raise self.error(
                    node.arguments[0],
                    f"a higher derivative of {function} is understood at a name only: give this one",
                )
            return value.map(lambda u: Derivative(call(function, u), (by,) * node.primes))
        if function in COMPOSED:
            return value.map(COMPOSED[function])
        return value.map(lambda u: call(function, u))


def _is_transposition(node: Syntax) -> bool:
    return isinstance(node, Name) and node.names == ("T",) and not node.units


def _is_minus_transposed(node: Syntax) -> bool:
    return isinstance(node, Terms) and len(node.terms) == 1 and node.terms[0][0] and (
        _is_transposition(node.terms[0][1])
        or (isinstance(node.terms[0][1], Name) and node.terms[0][1].names == ("top",))
    )  # fmt: skip


def _is_norm(node: Syntax) -> bool:
    return isinstance(node, Bracket) and node.sign in ("||", "|")


def _is_euclidean(unit: Part) -> bool:
    return (isinstance(unit, Numeral) and unit.text == "2") or (
        isinstance(unit, Name) and unit.names == ("F",)
    )
