"""Where the templates are: beside the package's code when installed, in the checkout otherwise."""

from __future__ import annotations

from pathlib import Path


def template_folder() -> Path:
    """The folder that holds one folder of templates a target.

    Raises
    ------
    FileNotFoundError
        If the templates are neither in the installed package nor in a checkout around it.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "templates", package.parent / "templates"):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(
        f"expected the folder of templates in {package} or beside it, found none; install symderiv again"
    )
