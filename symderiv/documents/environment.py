"""The Jinja environment of the documents."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from symderiv.resources import template_folder

if TYPE_CHECKING:
    from jinja2 import Environment


@lru_cache(maxsize=1)
def latex_environment() -> Environment:
    """Templates for LaTeX: ``((* block *))``, ``((( value )))``, and no name left undefined.

    Values are not escaped here: what comes from a user is made harmless where it enters a view.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(template_folder() / "latex"),
        block_start_string="((*",
        block_end_string="*))",
        variable_start_string="(((",
        variable_end_string=")))",
        comment_start_string="((=",
        comment_end_string="=))",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,
    )


@lru_cache(maxsize=1)
def html_environment() -> Environment:
    """Templates for pages: every value is escaped, but for markup that is marked as such."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from symderiv.documents.picture import inked

    made = Environment(
        loader=FileSystemLoader(template_folder() / "html"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=True,
    )
    made.filters["inked"] = inked
    return made
