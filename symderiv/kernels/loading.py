"""Loading what was emitted: a Python module from its text.

What Numba compiles takes seconds, and it keeps the machine code beside the module's file. So a module that a
user asks for is kept in the user's cache, under a name made of its text: the next process finds both.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from symderiv.kernels.errors import KernelError, MissingError
from symderiv.kernels.function_spec import FunctionSpec
from symderiv.kernels.names import identifier

#: How many modules are kept in the user's cache; the oldest ones go first.
KEPT = 200

_loaded = 0


def load_module(source: str, name: str, _: Sequence[FunctionSpec]) -> ModuleType:
    """The same as :func:`load_source`, for the registry."""
    return load_source(source, name)


def load_source(source: str, name: str = "kernel") -> ModuleType:
    """Import emitted `source` from a temporary file. Only for what :func:`emit` wrote.

    Raises
    ------
    MissingError
        If a package that it imports is not installed.
    """
    global _loaded  # noqa: PLW0603 - each loaded module needs a name of its own
    _loaded += 1
    with tempfile.TemporaryDirectory(prefix="symderiv-") as folder:
        path = Path(folder) / f"{identifier(name)}.py"
        path.write_text(source, encoding="utf-8")
        return _imported(path, f"symderiv_emitted_{_loaded}_{path.stem}")


def load_kept(source: str, name: str = "kernel") -> ModuleType:
    """The same from a file in the user's cache, where the next process finds what was compiled.

    The same text gives the same module. Where nothing can be kept, it is loaded from a temporary file.
    """
    path = _kept(source, name)
    if path is None:
        return load_source(source, name)
    known = f"symderiv_kept_{path.stem}"
    if known not in sys.modules:
        # Known under the same name in every process: Numba looks there for what it stored.
        try:
            sys.modules[known] = _imported(path, known)
        except OSError:  # another process has just removed it
            return load_source(source, name)
    return sys.modules[known]


def cache_folder() -> Path:
    """Where modules are kept: ``$SYMDERIV_CACHE_DIR``, or a folder in the user's cache."""
    from platformdirs import user_cache_path

    own = os.environ.get("SYMDERIV_CACHE_DIR")
    return Path(own) if own else user_cache_path("symderiv", appauthor=False) / "modules"


def _kept(source: str, name: str) -> Path | None:
    """The file with this text in the user's cache, made if it is not there; None where it cannot be."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    try:
        folder = cache_folder()
        path = folder / f"{identifier(name)[:40]}_{digest}.py"
        if not _says(path, source):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="new-", dir=folder) as aside:
                new = Path(aside) / path.name
                new.write_text(source, encoding="utf-8")
                os.replace(new, path)  # no process ever finds half of it
            _forget(folder)
        return path
    except (OSError, UnicodeError):
        return None


def _says(path: Path, source: str) -> bool:
    """Whether a file is there and holds this text."""
    try:
        return path.read_text(encoding="utf-8") == source
    except (FileNotFoundError, UnicodeError):
        return False


def _forget(folder: Path) -> None:
    """Remove the oldest modules where there are more than are kept, and what was compiled of them."""
    modules = sorted(folder.glob("*.py"), key=lambda each: each.stat().st_mtime)
    for module in modules[:-KEPT]:
        for each in (*(folder / "__pycache__").glob(f"{module.stem}.*"), module):
            with contextlib.suppress(OSError):  # another process was faster, or uses it
                each.unlink()


def _imported(path: Path, name: str) -> ModuleType:
    """The module of a file."""
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise KernelError(f"The emitted module {path.name} cannot be loaded.")
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise MissingError(
            f"expected the package {error.name}, which {path.name} imports, found it missing; "
            f"install it: pip install {error.name}"
        ) from None
    return module
