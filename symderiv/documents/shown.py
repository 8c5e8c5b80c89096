"""What a page is made from: derivations with their entries, emitted modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symderiv.calculus.derivation import Derivation
from symderiv.expression.nodes import Index

if TYPE_CHECKING:
    from symderiv.witness import Explicit


@dataclass(frozen=True, slots=True)
class Numbers:
    """The entries of a result in numbers: by place, counted from 0, of these letters."""

    letters: tuple[Index, ...]
    sizes: Mapping[str, int]
    values: Mapping[tuple[int, ...], float]


@dataclass(frozen=True, slots=True)
class Shown:
    """One derivation to show, with its entries at given sizes and in numbers where they are known."""

    derivation: Derivation
    explicit: Explicit | None = None
    numbers: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Module:
    """An emitted module: the target, the name of its file, its text."""

    target: str
    file: str
    source: str
