"""Names and text from a problem, made safe for a Python file.

A problem is written by anyone: its names may be Python keywords, builtins or names of helpers in
the emitted file, and its title may hold whatever ends a docstring or a comment.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

#: Words that an emitted file uses itself.
USED_BY_TEMPLATES = (
    "np", "math", "njit", "out", "reduction", "dtype", "real", "row", "rows", "single", "losses",
    "weight", "value", "sizes", "arrays", "diagonal", "total", "self", "cls", "types", "overload",
    "intrinsic", "ir", "kernel", "block", "start", "stop", "done", "threads",
    "from_dtype", "get_host_cpu_features", "parse_assembly", "models", "register_model", "unbox",
    "NativeValue", "collections", "ctypes", "os", "queue", "threading",
    "here", "held", "sample", "at_once", "into", "begin", "end", "whole", "places",
)  # fmt: skip

RESERVED = frozenset((*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *USED_BY_TEMPLATES))


def identifier(name: str) -> str:
    """`name` as a plain ASCII identifier that is not reserved and does not start with ``_``."""
    spelled = "".join(_ascii(letter) for letter in unicodedata.normalize("NFKC", name))
    spelled = re.sub(r"[^A-Za-z0-9_]", "_", spelled).lstrip("_")
    if not spelled or spelled[0].isdigit():
        spelled = f"x{spelled}"
    return f"{spelled}_" if spelled in RESERVED else spelled


def _ascii(letter: str) -> str:
    if letter.isascii():
        return letter
    described = unicodedata.name(letter, "")
    if described.startswith("COMBINING"):
        return "_" + described.split()[1].lower()
    if "LETTER" in described:
        word = described.split()[-1]
        return word.capitalize() if "CAPITAL" in described else word.lower()
    return "_"


class NameTable:
    """From the problem's names to names in the file, each given once and never twice the same."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._given: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._given[name]

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def give(self, name: str, like: str = "") -> str:
        """The file's name for `name`: `like` (or `name` itself) where that is free."""
        if name not in self._given:
            wanted = candidate = identifier(like or name)
            number = 2
            while candidate in self._taken:
                candidate = f"{wanted}_{number}"
                number += 1
            self.put(name, candidate)
        return self._given[name]

    def put(self, name: str, exactly: str) -> None:
        """Let `name` be spelled `exactly` so in the file."""
        self._taken.add(exactly)
        self._given[name] = exactly


def plain_text(text: str) -> str:
    """`text` on one line, fit for a comment or a docstring between triple double quotes."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split()).replace("\\", "\\\\").replace('"""', "'''")
