"""The page of the command line, made from the help of each command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from extensions.catalogue import write
from symderiv.cli import app as application

INTRODUCTION = """\
# Command line

What `symderiv COMMAND --help` prints, command by command. `symderiv --install-completion` teaches a
shell (bash, zsh, fish, PowerShell) to complete commands, options, the problems of the catalogue and the
names in them.
"""
#: Columns of a help text on the page.
WIDTH = 88


def write_page(app: Any) -> None:
    """Write the page."""
    command = typer.main.get_command(application)
    parts = [INTRODUCTION, _section("symderiv", command, None)]
    with command.make_context("symderiv", [], resilient_parsing=True) as context:
        for name, each in command.commands.items():  # type: ignore[attr-defined]
            parts.append(_section(f"symderiv {name}", each, context))
    folder = Path(app.srcdir) / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "commands.md", "\n".join(parts))


def _section(title: str, command: Any, parent: Any) -> str:
    name = title.rpartition(" ")[2]
    made = command.context_class(
        command, info_name=name, parent=parent, terminal_width=WIDTH, resilient_parsing=True
    )
    return f"## {title}\n\n```text\n{command.get_help(made).rstrip()}\n```\n"


def setup(app: Any) -> dict[str, bool]:
    """Write the page before the sources are read."""
    app.connect("builder-inited", write_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
