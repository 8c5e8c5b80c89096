"""The syntax tree of a formula: what was written, before names have a meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as written."""

    at: int
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """A letter or word with all that is attached to it but a power.

    `names` are the spellings that the letter may stand for, the likeliest first. `units` are its subscripts
    in order, `tag` a superscript in parentheses, as in ``x^{(l)}``. `word` says that it was set upright,
    `bold` that it was set bold.
    """

    at: int
    names: tuple[str, ...]
    units: tuple[Unit, ...] = ()
    tag: Unit | None = None
    primes: int = 0
    star: bool = False
    word: bool = False
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """A subscript that is neither a letter nor a number, such as ``t-1`` or ``:`` for a whole axis."""

    at: int
    text: str

    @property
    def is_whole(self) -> bool:
        """Whether this stands for every place of an axis."""
        return self.text == ":"


@dataclass(frozen=True, slots=True)
class Shifted:
    """A subscript that is a sum of letters and whole numbers, such as ``i + k - 1``."""

    at: int
    text: str
    value: Syntax

    def names(self) -> tuple[Name, ...]:
        """The letters in it, in order."""
        return tuple(part for part in walk(self.value) if isinstance(part, Name))


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum of terms; True where a term has a minus."""

    at: int
    terms: tuple[tuple[bool, Syntax], ...]


@dataclass(frozen=True, slots=True)
class Factors:
    """A product, from left to right; an operator is ``""`` (side by side), ``*``, ``×``, ``/`` or ``⊙``."""

    at: int
    factors: tuple[tuple[str, Syntax], ...]


@dataclass(frozen=True, slots=True)
class Raised:
    """`base` to the power of `exponent` (which may turn out to be a transposition)."""

    at: int
    base: Syntax
    exponent: Syntax


@dataclass(frozen=True, slots=True)
class Transposed:
    """`base` with a transposition sign that can be nothing else."""

    at: int
    base: Syntax


@dataclass(frozen=True, slots=True)
class Ratio:
    """A fraction."""

    at: int
    above: Syntax
    below: Syntax


@dataclass(frozen=True, slots=True)
class Root:
    """A root; `degree` is None for a square root."""

    at: int
    degree: Syntax | None
    body: Syntax


@dataclass(frozen=True, slots=True)
class Bracket:
    r"""Something in brackets: ``(``, ``[``, ``\{``, ``{``, ``|``, ``||`` or ``<``, with one or more parts."""

    at: int
    sign: str
    parts: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Subscripted:
    """An entry of something in brackets: ``(a - b)_i``."""

    at: int
    base: Syntax
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """The array whose entry at `letters` is `body`: the value of a function that has entries."""

    at: int
    letters: tuple[Name, ...]
    body: Syntax


@dataclass(frozen=True, slots=True)
class Applied:
    """A known function applied to arguments, perhaps with primes."""

    at: int
    function: str
    arguments: tuple[Syntax, ...]
    primes: int = 0


@dataclass(frozen=True, slots=True)
class Called:
    """A name of the problem followed by arguments: ``f(x)``, or ``p(a)`` for an entry."""

    at: int
    name: Name
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A condition."""

    at: int
    operator: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class Ranging:
    """A letter that a sum runs over: with its bounds or its condition, as far as they are written."""

    at: int
    letter: Name
    first: Syntax | None = None
    last: Syntax | None = None
    condition: Relation | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A sum, product, maximum or minimum over letters."""

    at: int
    kind: str
    over: tuple[Ranging, ...]
    body: Syntax


@dataclass(frozen=True, slots=True)
class Kronecker:
    r"""``\delta_{ij}``."""

    at: int
    left: Unit
    right: Unit


@dataclass(frozen=True, slots=True)
class Indicator:
    """1 where a condition holds, else 0."""

    at: int
    condition: Relation


@dataclass(frozen=True, slots=True)
class Case:
    """A row of cases; the condition is None for "otherwise". Further sides are equations within the row."""

    at: int
    sides: tuple[Syntax, ...]
    condition: Relation | None


@dataclass(frozen=True, slots=True)
class Cases:
    """A choice between values."""

    at: int
    rows: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Differentiated:
    """The derivative of `of` by each of `by` in turn."""

    at: int
    of: Syntax
    by: tuple[Syntax, ...]


Unit: TypeAlias = Name | Numeral | Opaque | Shifted
Syntax: TypeAlias = (
    Numeral
    | Name
    | Opaque
    | Shifted
    | Terms
    | Factors
    | Raised
    | Transposed
    | Ratio
    | Root
    | Bracket
    | Subscripted
    | Array
    | Applied
    | Called
    | Relation
    | Bound
    | Kronecker
    | Indicator
    | Cases
    | Differentiated
)
#: Everything that can be met on a walk: the above, and the parts that are no value by themselves.
Part: TypeAlias = Syntax | Ranging | Case


def less_than_size(bound: Syntax | None) -> tuple[Name, int] | None:
    """The K and the 1 of the bound K - 1; None for any other."""
    match bound:
        case Terms(_, ((False, Name() as size), (True, Numeral(_, text)))):
            return (size, int(text)) if text.isdecimal() and len(text) < 7 else None
        case _:
            return None


def parts_of(node: Part) -> Iterator[Part]:
    """The pieces of syntax directly inside `node`, subscripts included, in the order of the source."""
    for name in _HOLDING.get(type(node)) or _holding(node):
        value = getattr(node, name)
        if isinstance(value, tuple):
            yield from _parts_in(value)
        elif value is not None:
            yield value


def _parts_in(items: tuple[object, ...]) -> Iterator[Part]:
    for item in items:
        if isinstance(item, tuple):
            yield from _parts_in(item)
        elif hasattr(item, "at"):
            yield item  # type: ignore[misc]


#: For each kind of syntax that was met: its fields that can hold pieces of syntax.
_HOLDING: dict[type, tuple[str, ...]] = {}


def _holding(node: Part) -> tuple[str, ...]:
    """The fields of a kind of syntax that can hold pieces of it: those of words and numbers cannot."""
    plain = ("int", "str", "bool", "tuple[str, ...]")
    found = tuple(field.name for field in fields(node) if str(field.type) not in plain)
    _HOLDING[type(node)] = found
    return found


def walk(node: Part) -> Iterator[Part]:
    """`node` and every piece of syntax inside it, from left to right."""
    todo = [node]
    while todo:
        part = todo.pop()
        yield part
        todo.extend(reversed(list(parts_of(part))))
