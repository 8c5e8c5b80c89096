"""What is found in a document: its problem, its claims, and what is not understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symderiv.check.document import Document, Place
from symderiv.check.prose import Said
from symderiv.expression.nodes import Compare, Expression
from symderiv.notation.errors import NotationError
from symderiv.problem import Assumption, Problem


@dataclass(frozen=True)
class Claim:
    """One ``=`` that is claimed.

    Attributes
    ----------
    place
        Where the right side begins in the document.
    display, equality
        Which display of the document, and which claimed ``=`` of it, both counted from 1.
    left, right
        Both sides.
    conditions
        Where the chain is claimed only.
    written
        Both sides as they stand in the source.
    chain
        Counts the chains of the document: the claims of one chain have one number.
    notes
        How the chain was read where another reading is possible.
    problem
        What the names of both sides stand for.
    offset
        Where the equals sign stands in the document's text.
    sentence
        A condition in the sentence before the display.
    first, last
        Both ends of its chain.
    span
        Where its left side begins and its right side ends in the document's text.
    end
        Where its right side ends.
    away
        Whether it is claimed away from kinks only: in its chain stands a derivative, or the document leaves
        open what holds on a kink.
    """

    place: Place
    display: int
    equality: int
    left: Expression
    right: Expression
    conditions: tuple[Compare, ...]
    written: tuple[str, str]
    chain: int
    notes: tuple[str, ...] = ()
    problem: Problem = field(default_factory=lambda: Problem("document"))
    offset: int = 0
    sentence: Said | None = None
    first: Expression | None = None
    last: Expression | None = None
    span: tuple[int, int] = (0, 0)
    end: Place | None = None
    away: bool = False


@dataclass(frozen=True)
class Unreadable:
    """A display or a directive that is not understood."""

    error: NotationError
    display: int = 0


@dataclass(frozen=True)
class Misshapen:
    """A claim in matrix notation whose shapes do not fit: understood, and false as it stands.

    `equality` is the ``=`` before the side that does not fit, `left` what stands on the left of it, where
    that can be read by itself.
    """

    error: NotationError
    display: int
    equality: int
    left: Expression | None = None


@dataclass(frozen=True)
class Remark:
    """How a formula was read where print would read it otherwise."""

    place: Place
    message: str
    display: int


@dataclass(frozen=True)
class Anew:
    """A display that defines a name anew: from there on it has its new meaning."""

    place: Place
    name: str
    display: int


@dataclass(frozen=True)
class Content:
    """What a document says.

    `where` holds what is assumed of places and values, such as j ≠ y_i: claims that speak of them are made
    there only. `layouts` names, for a display and an equality that fit only so, the vector that has to be a
    row. `fixed` names are constants where something is differentiated.
    `symbols` are the spellings that are one name. `passed` are the displays that are passed over whole.
    `choices` says in sentences how definitions were read where there is more than one way.
    """

    document: Document
    problem: Problem
    claims: tuple[Claim, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    misshapen: tuple[Misshapen, ...] = ()
    einstein: bool = False
    layouts: Mapping[tuple[int, int], str] = field(default_factory=dict)
    anew: tuple[Anew, ...] = ()
    remarks: tuple[Remark, ...] = ()
    where: tuple[Compare, ...] = ()
    fixed: frozenset[str] = frozenset()
    symbols: Mapping[str, str] = field(default_factory=dict)
    passed: frozenset[int] = frozenset()
    choices: tuple[str, ...] = ()
