"""What the kernels room refuses, in one sentence each."""

from __future__ import annotations


class KernelError(ValueError):
    """A problem that cannot be emitted: something in it has no lowering, or a rewrite was wrong."""


class MissingError(KernelError):
    """Something is not on this machine that the code of a target needs to run."""
