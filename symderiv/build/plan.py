"""What a build is asked for, and what its parts hand to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symderiv.build.manifest import FORMATS, Record, Row

if TYPE_CHECKING:
    from symderiv.problem import Problem

#: The languages that a build emits, in order (those of the kernels room; its module is heavier).
TARGETS = ("numpy", "numba", "c")
#: The largest size of an axis for which an explicit result is written out, and the most entries of one.
MAX_SIZE = 64
MAX_ENTRIES = 1024
#: Both limits in words.
LIMITS = f"an explicit result has at most {MAX_SIZE} places on an axis and {MAX_ENTRIES} entries"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for: problems by name, or one `given`; neither means the whole catalogue."""

    names: tuple[str, ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()
    targets: tuple[str, ...] = TARGETS
    given: Problem | None = None
    formats: tuple[str, ...] = FORMATS

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        sizes: Mapping[str, int],
        targets: Sequence[str],
        formats: Sequence[str] = FORMATS,
    ) -> Plan:
        """A plan from sequences and a mapping."""
        return cls(tuple(dict.fromkeys(names)), tuple(sizes.items()), tuple(targets), formats=tuple(formats))


#: How emitted modules are tried.
VERIFICATIONS = ("none", "small", "large")


@dataclass(frozen=True, slots=True)
class Request:
    """One problem to be done, as it is handed to a worker process.

    `source` is what the catalogue loads, unless the problem is `given`; `path` what the record keeps
    of it (empty for a problem of the catalogue). `verify` says how the emitted modules are tried:
    not at all, at small sizes, or with a long axis too (slow).
    """

    name: str
    source: str
    path: str
    sizes: tuple[tuple[str, int], ...]
    targets: tuple[str, ...]
    verify: str = "small"
    given: Problem | None = None
    formats: tuple[str, ...] = FORMATS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes
    ----------
    name
        The problem.
    rows
        The derivatives that were found, whatever else failed.
    seconds
        How long each of them took to derive, without its proofs and its witness.
    record, files
        What the folder is to record, and the text of each file; None and empty after a failure.
    failures
        One sentence for each thing that went wrong.
    errors
        For each target, the error of its module that came nearest to what is allowed, and what is
        allowed there, both in eps.
    notes
        What could not be looked into on this machine, in sentences.
    """

    name: str
    rows: tuple[Row, ...] = ()
    record: Record | None = None
    files: dict[str, str] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    errors: dict[str, tuple[float, float]] = field(default_factory=dict)
    seconds: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
