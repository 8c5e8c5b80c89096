"""``symderiv serve``: the playground in a browser."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from symderiv.arguments import UsageError
from symderiv.cli.application import Command, answering, app, examples


@app.command(
    cls=Command,
    short_help="Open a playground in the browser.",
    epilog=examples(
        "serve",
        "serve --open",
        "serve --port 0",
        "serve --seconds 60 --memory 4096",
        status={0: "ended by Ctrl-C", 130: "interrupted by Ctrl-C before it served"},
    ),
)
@answering
def serve(  # noqa: PLR0917 (each parameter is an option)
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", help="Where to listen; 0 takes any port that is free.")
    ] = 8000,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="ADDRESS", help="The address to listen on; one of this machine alone."
        ),
    ] = "127.0.0.1",
    public: Annotated[
        bool,
        typer.Option("--public", help="Allow a --host that other machines reach; nothing asks who they are."),
    ] = False,
    opens: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = False,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=64, help="Formulas worked on at once.")
    ] = min(4, os.cpu_count() or 1),
    queue: Annotated[
        int, typer.Option("--queue", metavar="N", min=0, max=1000, help="Formulas that may wait beside them.")
    ] = 64,
    seconds: Annotated[
        float,
        typer.Option(
            "--seconds", metavar="S", min=1, max=3600, help="Processor time that one formula may take."
        ),
    ] = 20.0,
    memory: Annotated[
        int,
        typer.Option("--memory", metavar="MIB", min=256, max=2**20, help="MiB that one formula may take."),
    ] = 1024,
) -> None:
    """Serve a page on this machine into which formulas are typed, until Ctrl-C.

    It shows at once what was understood, the verdict with its counterexample, the derivation and the
    kernels. Everything comes from this machine: nothing is fetched, kept or logged. Each formula is
    worked on in a process of its own with limits on time and memory; nothing that is typed is ever run,
    and kernels are emitted as text alone.
    """
    if not hasattr(os, "fork"):
        raise UsageError(
            "symderiv serve: expected a system on which processes fork (Linux, macOS), found another"
        )
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise UsageError(
            "serve: expected Starlette and uvicorn, found them missing; install them by "
            "pip install 'symderiv[serve]'"
        ) from None
    from symderiv.serve import Limits
    from symderiv.serve.server import serve as run

    run(host, port, Limits(seconds, memory, workers, queue), public=public, opens=opens, tell=typer.echo)
