"""Elements of the field as trees, with positions or with letters for indices."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symderiv.expression.construct import add as add_trees
from symderiv.expression.construct import multiply as multiply_trees
from symderiv.expression.construct import number as number_tree
from symderiv.expression.construct import power as power_tree
from symderiv.expression.functions import PI
from symderiv.expression.nodes import Call, Derivative, Entry, Expression, Position
from symderiv.witness.field import Field
from symderiv.witness.laurent import Coefficient, Monomial, Polynomial, common_monomial, raised, scale

#: From an array and a place (from 0) to its tree.
EntryTree = Callable[[str, tuple[int, ...]], Expression]

#: With a label's name behind it: the array of δ's between a place and the label.
LABEL_DELTA = "δ "


def product_tree(
    coefficient: Coefficient, monomial: Monomial, of_generator: Callable[[int], Expression]
) -> Expression:
    """One term as a tree, what is divided by at the end."""
    above = [power_tree(of_generator(number), exponent) for number, exponent in monomial if exponent > 0]
    below = [power_tree(of_generator(number), exponent) for number, exponent in monomial if exponent < 0]
    return multiply_trees(number_tree(Fraction(coefficient)), *above, *below)


def sum_tree(polynomial: Polynomial, of_generator: Callable[[int], Expression]) -> Expression:
    """A polynomial as a tree: common factors in front, numbers first, then what is added."""
    if not polynomial:
        return number_tree(0)
    if len(polynomial) == 1:
        ((monomial, coefficient),) = polynomial.items()
        return product_tree(coefficient, monomial, of_generator)
    shared = common_monomial(polynomial)
    rest = scale(polynomial, 1, raised(shared, -1))
    sizes = {abs(Fraction(coefficient)) for coefficient in rest.values()}
    content = sizes.pop() if len(sizes) == 1 else Fraction(1)
    if shared and all(coefficient < 0 for coefficient in rest.values()):
        content = -content
    rest = scale(rest, 1 / content)
    ordered = sorted(
        rest.items(), key=lambda each: (each[1] < 0, sum(abs(exponent) for _, exponent in each[0]), each[0])
    )
    terms = [product_tree(coefficient, monomial, of_generator) for monomial, coefficient in ordered]
    # `construct.add` puts a number last; 1 − p reads better, so a positive number stays in front.
    total = add_trees(*terms)
    first = terms[0]
    if ordered[0][0] == () and ordered[0][1] > 0:
        total = type(total)((first, *terms[1:]))  # type: ignore[call-arg, arg-type]
    above = tuple(each for each in shared if each[1] > 0)
    below = tuple(each for each in shared if each[1] < 0)
    front = product_tree(content, above, of_generator)
    return multiply_trees(front, total, product_tree(1, below, of_generator))


class Trees:
    """Writes elements as trees."""

    def __init__(self, field: Field, of_entry: EntryTree) -> None:
        self.field = field
        self._of_entry = of_entry
        self._memory: dict[int, Expression] = {}

    def element(self, polynomial: Polynomial) -> Expression:
        """The tree of an element."""
        return sum_tree(polynomial, self.generator)

    def generator(self, number: int) -> Expression:
        """The tree of one generator."""
        if number not in self._memory:
            self._memory[number] = self._made(number)
        return self._memory[number]

    def _made(self, number: int) -> Expression:
        made = self.field.generators[number]
        match made.kind:
            case "entry":
                return self._of_entry(made.name, made.content)
            case "pi":
                return PI
            case "prime":
                return Call("log", (number_tree(made.content),))
            case "sum":
                return self.element(made.content)
            case "root":
                inner = self.element(made.content)
                if made.degree == 2:
                    return Call("sqrt", (inner,))
                return power_tree(inner, number_tree(Fraction(1, made.degree)))
            case "function":
                return Call("step" if made.name == "Step" else made.name, (self.element(made.content),))
            case kind:
                return Call(kind, (self.element(made.content),))


def entry_tree(array: str, place: tuple[int, ...], axes: tuple[str, ...]) -> Entry:
    """An entry at fixed places: ``W[2, 1]``."""
    return Entry(array, tuple(Position(spot + 1, axis) for spot, axis in zip(place, axes, strict=True)))


def upstream_tree(name: str, array: str, place: tuple[int, ...], axes: tuple[str, ...]) -> Derivative:
    """A derivative of an unspecified function at fixed places; `place` holds one place after another."""
    width = len(axes)
    if not width:
        return Derivative(Entry(name), (Entry(array),))
    by = tuple(entry_tree(array, place[at : at + width], axes) for at in range(0, len(place), width))
    return Derivative(Entry(name), by)
