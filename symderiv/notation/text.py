"""Trees in text notation, as people write them: few parentheses, ``a - b``, ``a / b``.

What is printed reads back as the same tree, up to order and the letters of sums. The order of the
tree is kept; only factors with a negative exponent move below the bar.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symderiv.expression.indices import all_letters, free_indices, fresh_index, rename_bound
from symderiv.expression.nodes import (
    Add,
    Binder,
    Call,
    Compare,
    Definition,
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
from symderiv.expression.traverse import children, rebuild
from symderiv.notation.bounds import explicit

# How tightly an expression holds together; a part that holds less tightly than its place asks for
# goes into parentheses.
_SUM, _PRODUCT, _POWER, _ATOM = range(4)


def to_text(expression: Expression) -> str:
    """`expression` in text notation.

    A sum's letter that is also free, or bound around it, is given a new name: the text has one
    meaning for a letter at a place.
    """
    return _spell(distinct_letters(explicit(expression)))[0]


def index_to_text(term: IndexTerm) -> str:
    """One index place in text notation: a letter, a place counted from 1, or a label."""
    match term:
        case Index(name, _):
            return name
        case Position(value, _):
            return str(value)
        case Shift():
            return spelled_shift(term, index_to_text, " * ")
        case Entry():
            return _entry(term)


def spelled_shift(shift: Shift, spell: Callable[[IndexTerm], str], times: str) -> str:
    """``i + k - 1``, with letters as `spell` gives them and `times` between a number and a letter.

    A letter of another axis is spelled ``i + 0``: what is read without a sign is no shift.
    """
    parts = [
        (count < 0, spell(term) if abs(count) == 1 else f"{abs(count)}{times}{spell(term)}")
        for count, term in shift.terms
    ]
    if not parts:
        return f"{shift.offset} + 0"
    if shift.offset or len(parts) == 1:
        parts.append((shift.offset < 0, str(abs(shift.offset))))
    (negative, text), *others = parts
    if negative:
        text = f"-{text}"
    return text + "".join(f" - {part}" if minus else f" + {part}" for minus, part in others)


def definition_to_text(definition: Definition) -> str:
    """A definition as a line of a problem file."""
    left = _entry(Entry(definition.name, definition.indices))
    return f"{left} = {_spell(distinct_letters(explicit(definition.body), definition.indices))[0]}"


def condition_to_text(condition: Compare) -> str:
    """A condition in text notation, such as ``i != j``."""
    return _condition(condition)


def _spell(node: Expression) -> tuple[str, int]:
    """The text of a node, and how tightly it holds together."""
    match node:
        case Number(value):
            return _number(value)
        case Size(axis):
            return axis, _ATOM
        case Entry():
            return _entry(node), _ATOM
        case Delta(left, right):
            return f"delta({index_to_text(left)}, {index_to_text(right)})", _ATOM
        case Add(terms):
            return _sum(terms)
        case Multiply(factors):
            return _product(factors)
        case Power(base, exponent):
            return _power(base, exponent)
        case Call("pi", ()):
            return "pi", _ATOM
        case Call(function, arguments):
            return f"{function}({', '.join(_inside(part) for part in arguments)})", _ATOM
        case Sum() | Product() | Extremum():
            return _binder(node), _ATOM
        case Where(condition, then, otherwise):
            return f"where({_condition(condition)}, {_inside(then)}, {_inside(otherwise)})", _ATOM
        case Derivative(of, by):
            return f"d({', '.join([_inside(of), *(_entry(entry) for entry in by)])})", _ATOM


def _inside(node: Expression) -> str:
    return _spell(node)[0]


def _at_least(node: Expression, tightness: int) -> str:
    text, found = _spell(node)
    return text if found >= tightness else f"({text})"


def _number(value: Fraction) -> tuple[str, int]:
    if value.denominator == 1:
        return str(value.numerator), _ATOM if value >= 0 else _SUM
    return f"{value.numerator}/{value.denominator}", _PRODUCT if value >= 0 else _SUM


def _entry(entry: Entry) -> str:
    if not entry.indices:
        return entry.array
    return f"{entry.array}[{', '.join(index_to_text(term) for term in entry.indices)}]"


def _sum(terms: tuple[Expression, ...]) -> tuple[str, int]:
    if not terms:
        return "0", _ATOM
    if len(terms) == 1:
        return _spell(terms[0])
    text = ""
    for place, term in enumerate(terms):
        negative, rest = _split_sign(term)
        if place == 0:
            text = f"-{rest}" if negative else rest
        else:
            text += f" - {rest}" if negative else f" + {rest}"
    return text, _SUM


def _split_sign(term: Expression) -> tuple[bool, str]:
    """Whether a term is printed with a minus, and the text of what follows it."""
    text, tightness = _spell(term)
    if isinstance(term, Number | Multiply) and text.startswith("-"):
        return True, text[1:]
    if isinstance(term, Add) and text.startswith("-"):
        return False, f"({text})"
    return False, text if tightness >= _SUM else f"({text})"


def _product(factors: tuple[Expression, ...]) -> tuple[str, int]:
    if not factors:
        return "1", _ATOM
    if len(factors) == 1:
        return _spell(factors[0])
    coefficient = Fraction(1)
    above: list[str] = []
    below: list[str] = []
    apart: list[str] = []
    for place, factor in enumerate(factors):
        if place == 0 and isinstance(factor, Number):
            coefficient = factor.value
        elif (denominator := _denominator(factor)) is not None:
            # a / (b * (c / d)) would read back as a / (b * c / d): a quotient below stands by itself
            (apart if _is_quotient(denominator) else below).append(_at_least(denominator, _POWER))
        else:
            above.append(_at_least(factor, _POWER))
    if len(factors) - (isinstance(factors[0], Number)) == 0:
        return _number(coefficient)
    sign = "-" if coefficient < 0 else ""
    size = abs(coefficient)
    if below and size.denominator != 1:
        below.insert(0, str(size.denominator))
        size = Fraction(size.numerator)
    if size != 1 or not above:
        above.insert(0, _number(size)[0])
    text = sign + " * ".join(above)
    if below:
        bottom = " * ".join(below)
        text += f" / {bottom}" if len(below) == 1 else f" / ({bottom})"
    text += "".join(f" / {each}" for each in apart)
    return text, _SUM if sign else _PRODUCT


def _denominator(factor: Expression) -> Expression | None:
    """What stands below the bar for a factor with a negative whole exponent."""
    if not isinstance(factor, Power) or not isinstance(factor.exponent, Number):
        return None
    exponent = factor.exponent.value
    if exponent >= 0 or exponent.denominator != 1:
        return None
    if exponent != -1:
        return Power(factor.base, Number(-exponent))
    # 1 / (a * b) reads back as a^(-1) * b^(-1): a product below stays a power, but for a quotient.
    plain = isinstance(factor.base, Multiply) and not any(map(_denominator, factor.base.factors))
    return None if plain else factor.base


def _is_quotient(node: Expression) -> bool:
    """Whether what stands below a bar has a bar itself."""
    if isinstance(node, Power) and isinstance(node.exponent, Number):
        return node.exponent.value < 0
    return isinstance(node, Multiply)


def _power(base: Expression, exponent: Expression) -> tuple[str, int]:
    below = _denominator(Power(base, exponent))
    if below is not None:
        return f"1 / {_at_least(below, _POWER)}", _PRODUCT
    return f"{_at_least(base, _ATOM)}^{_at_least(exponent, _POWER)}", _POWER


def _binder(node: Binder) -> str:
    name = {Sum: "sum", Product: "prod"}.get(type(node)) or getattr(node, "kind", "")
    heads = [_head(node)]
    body = node.body
    while type(body) is type(node) and getattr(body, "kind", "") == getattr(node, "kind", ""):
        assert isinstance(body, Sum | Product | Extremum)
        heads.append(_head(body))
        body = body.body
    return f"{name}({', '.join([*heads, _inside(body)])})"


def _head(node: Binder) -> str:
    """The letter of a sum, with its condition: ``k``, ``k != i`` or ``k if z[k] > 0``."""
    letter = node.index.name
    condition = None if isinstance(node, Extremum) else node.condition
    if condition is None:
        return letter
    if condition.left == node.index:
        return _condition(condition)
    if condition.right == node.index and condition.operator in ("==", "!="):
        return _condition(Compare(condition.operator, condition.right, condition.left))
    return f"{letter} if {_condition(condition)}"


def _condition(condition: Compare) -> str:
    left, right = (_side(side) for side in (condition.left, condition.right))
    return f"{left} {condition.operator} {right}"


def _side(side: IndexTerm | Expression) -> str:
    return index_to_text(side) if isinstance(side, PlaceTerm) else _inside(side)


def distinct_letters(node: Expression, free: tuple[Index, ...] = ()) -> Expression:
    """The tree with bound letters renamed where they are free as well, or bound around the place."""
    taken = {index.name: index.axis for index in (*free_indices(node), *free)}
    return _rename_below(node, frozenset(taken), {**taken})


def _rename_below(node: Expression, around: frozenset[str], axes: dict[str, str]) -> Expression:
    if isinstance(node, Sum | Product | Extremum):
        letter = node.index.name
        if letter in around or axes.get(letter, node.index.axis) != node.index.axis:
            taken = around | all_letters(node) | set(axes)
            index = fresh_index(node.index.axis, taken, [letter])
            node = rename_bound(node, index)
        axes[node.index.name] = node.index.axis
        around = around | {node.index.name}
    old = children(node)
    new = tuple(_rename_below(child, around, axes) for child in old)
    return node if all(a is b for a, b in zip(old, new, strict=True)) else rebuild(node, new)


__all__ = ["condition_to_text", "definition_to_text", "index_to_text", "spelled_shift", "to_text"]
