"""Floor 8: the ``symderiv`` command, a file a command. No mathematics, and nothing heavy before it is needed.

The help lists the commands in the order in which their files are imported here.
"""

from symderiv.cli import catalogue, derive, backward, prove, explain, check, emit, build, bench, serve  # noqa: F401, I001 (to be registered)
from symderiv.cli.application import app, main

__all__ = ["app", "main"]
