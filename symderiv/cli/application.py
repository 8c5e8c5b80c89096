"""The application itself: how it starts, how it answers, and how it fails."""

from __future__ import annotations

import errno
import functools
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NoReturn, ParamSpec

import typer
from typer.core import TyperCommand

from symderiv import __version__
from symderiv.arguments import UsageError
from symderiv.notation.errors import printable, quoted

_Parameters = ParamSpec("_Parameters")

app = typer.Typer(
    name="symderiv",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)


#: What the exit status of a command says where nothing more particular is told.
STATUS = {0: "done", 1: "the standard output takes no more"}
#: What it says of every command.
COMMON_STATUS = {
    2: "what is asked for is not understood, or a file cannot be read or written",
    130: "interrupted by Ctrl-C",
}


def examples(*lines: str, status: Mapping[int, str] = STATUS) -> str:
    """The end of a help text: what the exit status says, and examples. The marks keep lines as they are."""
    told = sorted((COMMON_STATUS | dict(status)).items())
    return "\n".join(
        [
            "\b", "Exit status:", *(f"  {number:<3}  {meaning}" for number, meaning in told), "",
            "\b", "Examples:", *(f"  symderiv {line}" for line in lines),
        ]
    )  # fmt: skip


class Command(TyperCommand):
    """A command that takes an option once, unless it is one that may be repeated."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments by their names alone, and then the options."""
        for heading, kind in (("Arguments", "argument"), ("Options", "option")):
            rows = []
            for each in self.get_params(ctx):
                record = each.get_help_record(ctx) if each.param_type_name == kind else None
                if record is not None:
                    name = getattr(each, "metavar", None) if kind == "argument" else None
                    rows.append((name or record[0], record[1]))
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def valued(self) -> set[str]:
        """The options that are followed by a value."""
        with_value = (each for each in self.params if not getattr(each, "is_flag", False))
        return {name for each in with_value for name in each.opts if name.startswith("--")}

    def words(self, args: list[str]) -> Iterator[tuple[str, str | None]]:
        """Each word of a command line, and the option whose value it is."""
        valued = self.valued()
        option: str | None = None
        for word in args:
            yield word, option
            option = word if option is None and word in valued else None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that is given twice where only one value is used."""
        if ctx.resilient_parsing and args and args[-1] in self.valued():
            args = args[:-1]  # the value comes at the next Tab; what stands before it is read all the same
        single = {name for each in self.params if not getattr(each, "multiple", True) for name in each.opts}
        found: set[str] = set()
        for word, option in self.words(args):
            if word == "--":
                break
            name = word.partition("=")[0]
            if option is None and name in single:
                if name in found and not ctx.resilient_parsing:  # which completion is
                    raise typer.BadParameter(f"{name}: expected it once, found it twice; give one value", ctx)
                found.add(name)
        return super().parse_args(ctx, args)


def main() -> NoReturn:
    """Run the command line; the console script and ``python -m symderiv`` come here."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (kept until the end)
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):  # pages say that they are UTF-8; a locale changes nothing
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
            setattr(sys, name, _whole(stream))
    try:
        try:
            app(prog_name="symderiv")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of a pipe has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except (OSError, RecursionError, MemoryError) as error:
        sys.exit(_refused(error))
    sys.exit(0)


def _whole(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """A stream that writes everything or fails.

    One that is not buffered (``PYTHONUNBUFFERED``) drops in silence what a disk has no room for.
    """
    if not isinstance(stream.buffer, io.RawIOBase):
        return stream
    buffer = io.BufferedWriter(stream.buffer)
    return io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=True)


#: What the standard output says when it takes no more; a file that is named says its name too.
_TAKES_NO_MORE = (errno.ENOSPC, errno.EFBIG, errno.EBADF, errno.EIO)


def _refused(error: OSError | RecursionError | MemoryError) -> int:
    """One sentence on what the machine refuses, and nothing left to flush at exit; the exit status."""
    from symderiv.system import reason, too_large

    name = getattr(error, "filename", None)
    if name is None and getattr(error, "errno", None) in _TAKES_NO_MORE:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _complain(f"expected to write to the standard output, found: {reason(error)}")
        return 1
    if isinstance(error, OSError):
        place = f"{quoted(os.fsdecode(name), 200)}: " if isinstance(name, str | bytes) else ""
        _complain(f"expected the machine to give what is needed, found: {place}{reason(error)}")
    else:
        _complain(too_large(error))
    return 2


def _complain(sentence: str) -> None:
    """Say a sentence on the standard error; where that takes no more, the exit status has to do."""
    try:
        typer.echo(printable(f"symderiv: {sentence}"), err=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def answering(command: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """Give `command` the manners of the command line: a sentence and a status, never a traceback.

    Every exception class of symderiv carries a sentence for the reader, and what the machine refuses is
    said in one; any other exception is a fault of ours and keeps its traceback.
    """

    @functools.wraps(command)
    def wrapped(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        try:
            _see_the_folder()
            command(*args, **kwargs)
            sys.stdout.flush()
        except KeyboardInterrupt:
            _complain("interrupted")
            raise typer.Exit(130) from None
        except typer.Exit:
            raise
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(141) from None
        except Exception as error:
            if type(error).__module__.startswith("symderiv."):
                _complain(str(error))
                raise typer.Exit(2) from None
            if isinstance(error, OSError | RecursionError | MemoryError):
                raise typer.Exit(_refused(error)) from None
            raise

    return wrapped


def _see_the_folder() -> None:
    """Raise where the current folder is gone: nothing that is named from there would be found."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise UsageError(
            "expected a current folder, found that it is gone (removed or moved); go to another one"
        ) from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"symderiv {__version__}")
        raise typer.Exit


@app.callback(
    epilog=examples(
        "derive softmax --wrt z",
        "prove 'd(p[i], z[j]) = p[i] * (delta(i, j) - p[j])' --in softmax",
        "check notes.md",
        "emit softmax --target numba --out softmax.py",
        "derive --help",
        status={0: "done, and nothing wrong was found", 1: "something is refuted, or failed"},
    )
)
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Write the mathematics once; get the derivation, the kernel and the proof."""
