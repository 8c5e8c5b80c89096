"""Loading what was emitted: a Python module from its text."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from symderiv.kernels.errors import KernelError, MissingError
from symderiv.kernels.function_spec import FunctionSpec
from symderiv.kernels.names import identifier

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
        specification = importlib.util.spec_from_file_location(
            f"symderiv_emitted_{_loaded}_{path.stem}", path
        )
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
