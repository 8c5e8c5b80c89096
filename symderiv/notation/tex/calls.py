r"""Functions that formulas define, ``f(x) = x^2``, at other arguments: ``f(-x)``, ``f'(u)``, ``\dot f``.

A call with the argument of the definition stays a name. Any other is written out, as syntax, before names
have a meaning: ``f(-x)`` becomes what f is with -x in the place of x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from symderiv.notation.errors import NotationError, Source
from symderiv.notation.tex.reading import Parsed
from symderiv.notation.tex.syntax import (
    Array,
    Bracket,
    Called,
    Differentiated,
    Factors,
    Name,
    Numeral,
    Part,
    Raised,
    Ranging,
    Root,
    Subscripted,
    Syntax,
    Unit,
    walk,
)
from symderiv.notation.tex.uses import plain, subscripts, value_names

#: How many pieces of syntax a display may have when all calls are written out.
MAX_PARTS = 20_000


@dataclass(frozen=True)
class Function:
    """A function that an equation defines: of `arguments`, with an entry for each of `letters`.

    `squared` tells the arguments that are written as squares, as in ``N(x; \\mu, \\sigma^2)``.
    """

    name: str
    arguments: tuple[Name, ...]
    letters: tuple[Name, ...]
    body: Syntax
    squared: tuple[bool, ...] = ()

    def given(self, arguments: tuple[Syntax, ...]) -> tuple[Syntax, ...]:
        r"""The arguments of a call, with a root for each that the definition has squared."""
        if len(arguments) != len(self.squared):
            return arguments
        return tuple(
            part if not square else base if (base := squared(part)) is not None else Root(part.at, None, part)
            for square, part in zip(self.squared, arguments, strict=True)
        )


def written_out(source: Source, parsed: Sequence[Parsed]) -> tuple[list[Parsed], list[Parsed]]:
    """The equations with every call at an argument other than that of the definition written out.

    Returns
    -------
    equations, points
        The equations, and further ones that define a name for each value u of which ``f'(u)`` speaks.

    Raises
    ------
    NotationError
        If a call cannot be written out: other numbers of arguments, a function by itself, f' of a sum.
    """
    functions: dict[str, Function] = {}
    for each in parsed:
        found = _function(each)
        if found is not None:
            functions.setdefault(found.name, found)
    if not functions:
        return list(parsed), []
    parsed = _with_own_arguments(parsed, functions)
    points: list[Parsed] = []
    return [_Writer(source, functions, points).equation(each) for each in parsed], points


def _with_own_arguments(parsed: Sequence[Parsed], functions: dict[str, Function]) -> list[Parsed]:
    """The equations, with other names for the arguments of functions that are arrays elsewhere.

    With ``N(x | \\mu) = ...`` and ``N(x | \\mu_k)``, mu is a number in the first alone.
    """
    result = list(parsed)
    for each in parsed:
        found = _function(each)
        if found is None or functions[found.name] != found:
            continue
        indexed = [_indexed_names(other) for other in parsed]
        here = _indexed_names(each)
        own = {plain(name) for name in found.arguments} & (_entries_given(parsed, found) - here)
        if not own:
            continue
        values: dict[str, Syntax] = {
            name: Name(each.sides[0].at, (f"{name}_in_{found.name}",), word=True) for name in own
        }
        for number, (other, arrays) in enumerate(zip(result, indexed, strict=True)):
            if arrays.isdisjoint(own) and (other is each or _calls_as_defined(other, found)):
                sides = [_substituted(side, values, {}) for side in other.sides]
                result[number] = replace(other, sides=sides)
                changed = _function(result[number]) if other is each else None
                if changed is not None:
                    functions[found.name] = changed
    return result


def _entries_given(parsed: Sequence[Parsed], function: Function) -> set[str]:
    """The arrays whose entries a function is called with."""
    return {
        plain(replace(argument, units=()))
        for each in parsed
        for side in each.sides
        for part in walk(side)
        if isinstance(part, Called) and plain(part.name) == function.name
        for argument in function.given(part.arguments)
        if isinstance(argument, Name) and argument.units
    }


def _indexed_names(each: Parsed) -> set[str]:
    """The names that have a subscript somewhere in an equation, without it."""
    return {plain(replace(name, units=())) for side in each.sides for name in value_names(side) if name.units}


def _calls_as_defined(each: Parsed, function: Function) -> bool:
    """Whether an equation speaks of a function at the arguments of its definition."""
    return any(
        isinstance(part, Called)
        and plain(part.name) == function.name
        and _is_own(function, function.given(part.arguments))
        for side in each.sides
        for part in walk(side)
    )


def _is_own(function: Function, arguments: tuple[Syntax, ...]) -> bool:
    """Whether these are the arguments of the definition."""
    given = [plain(one) if isinstance(one, Name) else "" for one in arguments]
    return given == [plain(argument) for argument in function.arguments]


def _function(each: Parsed) -> Function | None:
    """The function that an equation defines, of values: p(a) with an index letter is an entry."""
    if len(each.sides) < 2 or each.continues:
        return None
    left, body = each.sides[:2]
    letters: tuple[Name, ...] = ()
    if isinstance(left, Subscripted) and all(isinstance(unit, Name) for unit in left.units):
        letters = tuple(unit for unit in left.units if isinstance(unit, Name))
        left = left.base
    if not isinstance(left, Called) or left.name.primes or _undotted(left.name):
        return None
    given = tuple(base if (base := squared(part)) is not None else part for part in left.arguments)
    roots = tuple(base is not part for base, part in zip(given, left.arguments, strict=True))
    arguments = tuple(part for part in given if isinstance(part, Name) and not part.units)
    places = {plain(unit) for unit in subscripts(body) if isinstance(unit, Name)}
    if len(arguments) != len(left.arguments) or any(plain(argument) in places for argument in arguments):
        return None
    own = plain(left.name)
    if any(plain(name) == own for name in value_names(body)):
        return None
    return Function(own, arguments, letters, body, roots)


def squared(argument: Syntax) -> Syntax | None:
    r"""The sigma of an argument ``\sigma^2``; None for any other."""
    match argument:
        case Raised(_, Name() as base, Numeral(_, "2")):
            return base
        case _:
            return None


def _undotted(name: Name) -> Name | None:
    r"""The name under ``\dot``, or None."""
    if not name.names[0].endswith("_dot"):
        return None
    return replace(name, names=tuple(each.removesuffix("_dot") for each in name.names))


class _Writer:
    """Writes out the calls of some equations."""

    def __init__(self, source: Source, functions: dict[str, Function], points: list[Parsed]) -> None:
        self.source = source
        self.points = points
        self.functions = functions
        self.count = 0

    def equation(self, each: Parsed) -> Parsed:
        sides = [self.value(side, ()) for side in each.sides]
        conditions = [self.value(condition, ()) for condition in each.conditions]
        return replace(each, sides=sides, conditions=conditions)

    def error(self, where: Part, message: str) -> NotationError:
        return self.source.error(where.at, message)

    def value(self, node: Any, inside: tuple[str, ...]) -> Any:
        """`node` with its calls written out; `inside` are the functions that this is the body of."""
        self.count += 1
        if self.count > MAX_PARTS:
            raise self.error(node, "this formula grows too large when its functions are written out")
        if isinstance(node, Called):
            node = replace(node, arguments=tuple(self.value(part, inside) for part in node.arguments))
            if plain(replace(node.name, primes=0)) in self.functions:
                called = self.functions[plain(replace(node.name, primes=0))]
                node = replace(node, arguments=called.given(node.arguments))
        else:
            node = rebuilt(node, lambda part: self.value(part, inside))
        match node:
            case Subscripted(at, Called(_, name, arguments), units) if plain(name) in self.functions:
                function = self.functions[plain(name)]
                if len(units) != len(function.letters):
                    return node
                if _is_own(function, arguments):
                    return replace(name, at=at, units=(*name.units, *units))
                return self._at(node, function, arguments, units, inside)
            case Called(_, name, arguments) if name.primes and not name.star:
                own = self.functions.get(plain(replace(name, primes=0)))
                return self._slope(node, own, inside) if own else node
            case Differentiated(at, Name() as name, ()):
                return self._gradient(node, name)
            case Called(at, name, arguments) if _undotted(name) is not None:
                return self._moving(node, name, at)
            case Name() if not node.units and _undotted(node) is not None:
                return self._moving(node, node, node.at)
            case Called(_, name, arguments) if plain(name) in self.functions:
                function = self.functions[plain(name)]
                if _is_own(function, arguments):
                    return node
                body = self._at(node, function, arguments, function.letters, inside)
                return Array(node.at, function.letters, body) if function.letters else body
            case _:
                return node

    def _at(
        self,
        node: Syntax,
        function: Function,
        arguments: tuple[Syntax, ...],
        units: tuple[Unit, ...],
        inside: tuple[str, ...],
    ) -> Syntax:
        """The body of a function at other arguments."""
        if len(arguments) != len(function.arguments):
            expected = ", ".join(plain(argument) for argument in function.arguments)
            raise self.error(
                node, f"{function.name} is defined as {function.name}({expected}): it takes as many arguments"
            )
        if function.name in inside:
            raise self.error(node, f"{function.name} is defined by itself")
        bound = {plain(part.letter) for part in walk(function.body) if isinstance(part, Ranging)}
        for place in (*units, *(part for argument in arguments for part in subscripts(argument))):
            if isinstance(place, Name) and plain(place) in bound - {plain(each) for each in function.letters}:
                raise self.error(
                    node, f"{plain(place)} is summed inside {function.name}: use another letter here"
                )
        values = {plain(name): argument for name, argument in zip(function.arguments, arguments, strict=True)}
        places = {plain(name): unit for name, unit in zip(function.letters, units, strict=True)}
        body = _substituted(function.body, values, places)
        return Bracket(node.at, "(", (self.value(body, (*inside, function.name)),))

    def _slope(self, node: Called, function: Function, inside: tuple[str, ...]) -> Syntax:
        """f'(u): by the argument of the definition, or by another name."""
        if _is_own(function, node.arguments):
            return node
        if len(node.arguments) == 2 and [plain(function.arguments[0])] == [
            plain(one) for one in node.arguments[:1] if isinstance(one, Name)
        ]:
            node = replace(node, arguments=node.arguments[1:])  # the value below a bar, |_{x = 3}
        if len(node.arguments) != 1 or len(function.arguments) != 1:
            raise self.error(node, f"by what is {function.name} differentiated here? write a fraction")
        (argument,) = node.arguments
        if not isinstance(argument, Name) or argument.names[0] in ("e", "pi"):
            argument = self._point(argument, function)
        body = self._at(node, function, (argument,), function.letters, inside)
        return Differentiated(node.at, body, (argument,) * node.name.primes)

    def _point(self, value: Syntax, function: Function) -> Name:
        """A name for the value at which a slope is taken: by the name, it is a derivative like any other."""
        if any(isinstance(part, Ranging) for part in walk(value)) or any(subscripts(value)):
            raise self.error(
                value, f"{function.name}' is understood at a name only: give this argument a name"
            )
        name = Name(value.at, (f"point_{len(self.points) + 1}",), word=True)
        self.points.append(Parsed([name, value], [], [(value.at, value.at + 1)] * 2, False))
        return name

    def _gradient(self, node: Differentiated, name: Name) -> Syntax:
        r"""``\nabla f`` for f(x): by x."""
        function = self.functions.get(plain(name))
        if function is None or len(function.arguments) != 1:
            raise self.error(node, r"by what is this the gradient? write \nabla_x")
        return replace(node, by=tuple(replace(each, at=node.at) for each in function.arguments))

    def _moving(self, node: Syntax, name: Name, at: int) -> Syntax:
        r"""``\dot f`` for f(x): the slope of f times ``\dot x``; of f(t) the slope."""
        inner = _undotted(name)
        assert inner is not None
        twice = _undotted(inner)
        inner = twice or inner
        function = self.functions.get(plain(inner))
        if function is None or len(function.arguments) != 1 or function.letters:
            return node
        if isinstance(node, Called) and not _is_own(function, node.arguments):
            raise self.error(node, f"the dot of {function.name} is understood at its own argument only")
        (variable,) = function.arguments
        times = 2 if twice else 1
        slope = Differentiated(at, replace(inner, at=at), (replace(variable, at=at),) * times)
        if plain(variable) == "t":
            return slope  # x(t) moves in the time t itself
        if twice:
            raise self.error(
                node, f"two dots are understood above functions of t only: {function.name} is none"
            )
        dotted = replace(variable, at=at, names=tuple(f"{each}_dot" for each in variable.names))
        return Factors(at, (("", slope), ("", dotted)))


def rebuilt(node: Any, change: Callable[[Any], Any]) -> Any:
    """`node` with `change` made to the pieces of syntax directly inside it."""

    def changed(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(changed(item) for item in value)
        return change(value) if hasattr(value, "at") else value

    old = {field.name: getattr(node, field.name) for field in fields(node)}
    new = {name: changed(value) for name, value in old.items()}
    return node if all(new[name] is old[name] for name in old) else replace(node, **new)


def _substituted(node: Any, values: dict[str, Syntax], places: dict[str, Unit]) -> Any:
    """`node` with values for the arguments of a function, and places for its index letters."""
    if isinstance(node, Name) and node.tag is None and not node.primes and not node.star:
        own = plain(replace(node, units=()))
        if own in values:
            units = tuple(_substituted(unit, {}, places) for unit in node.units)
            return _with_units(values[own], node.at, units)
        if own in places and not node.units:
            return places[own]
    return rebuilt(node, lambda part: _substituted(part, values, places))


def _with_units(value: Syntax, at: int, units: tuple[Unit, ...]) -> Syntax:
    if isinstance(value, Name):
        return replace(value, at=at, units=(*value.units, *units))
    bracket = Bracket(at, "(", (value,))
    return Subscripted(at, bracket, units) if units else bracket
