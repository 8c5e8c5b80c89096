"""What a printer gives for one function."""

from __future__ import annotations

from dataclasses import dataclass, field

from symderiv.kernels.array_ready import Plain


@dataclass
class PrintedFunction:
    """The code of one function.

    Attributes
    ----------
    body
        The lines that compute the results, inside the function that checks its arguments.
    kernel
        The lines of a compiled kernel that the body calls; empty where there is none.
    helpers
        The helper functions that the code uses.
    declared
        The lines that declare it, for a target with a header.
    example
        The lines of a call, for a target with a header.
    before
        The lines of the short way, at the top of the function.
    threaded
        Whether several threads can share the samples.
    plain
        The short way of a function over whole arrays, or None.
    quiet
        Whether what NumPy warns of on the way is meant so.
    flat
        Whether the body takes flattened results as the caller has them.
    products
        Whether large matrix products are left to a library.
    """

    body: list[str]
    kernel: list[str] = field(default_factory=list)
    helpers: set[str] = field(default_factory=set)
    declared: list[str] = field(default_factory=list)
    example: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    threaded: bool = False
    plain: Plain | None = None
    quiet: bool = False
    flat: bool = False
    products: bool = False
