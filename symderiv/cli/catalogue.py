"""``symderiv list``."""

from __future__ import annotations

import typer

from symderiv.cli.application import Command, answering, app, examples


@app.command("list", cls=Command, epilog=examples("list"))
@answering
def list_problems() -> None:
    """List the problems of the catalogue."""
    from symderiv import catalog

    names = catalog.names()
    width = max(map(len, names), default=0)
    for name in names:
        typer.echo(f"{name:<{width}}  {catalog.load(name).title}")
