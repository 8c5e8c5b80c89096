"""The ``symderiv`` command. No mathematics here, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, ParamSpec

import typer

from symderiv import __version__
from symderiv.arguments import UsageError, check_axes, parse_sizes, parse_values, suggestion
from symderiv.build import TARGETS, Plan

if TYPE_CHECKING:
    from symderiv.calculus import Derivation
    from symderiv.problem import Problem

_Parameters = ParamSpec("_Parameters")

app = typer.Typer(
    name="symderiv",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)

STEPS = ("brief", "textbook", "all")
PRODUCTS = ("vjp", "jvp", "hvp")
FORMATS = ("text", "latex", "markdown", "json")


def _examples(*lines: str) -> str:
    """The end of a help text; the mark keeps its lines as they are."""
    return "\n".join(["\b", "Examples:", *(f"  symderiv {line}" for line in lines)])


Name = Annotated[str, typer.Argument(metavar="PROBLEM", help="A catalogue name or the path of a .sd file.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PROBLEM]...", help="Catalogue names or .sd files; the whole catalogue if none."),
]
Sizes = Annotated[
    list[str] | None,
    typer.Option("--size", metavar="AXIS=SIZE", help="Size of an axis for explicit results, such as K=5."),
]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="TARGET", help="A language to emit: numpy or numba; may be repeated."),
]


def main() -> NoReturn:
    """Run the command line; the console script and ``python -m symderiv`` come here."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (kept until the end)
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
    except OSError as error:
        _cannot_write(error)
    sys.exit(0)


def _cannot_write(error: OSError) -> NoReturn:
    """The standard output takes no more: one sentence, and nothing left to flush at exit."""
    if error.errno not in (errno.ENOSPC, errno.EBADF, errno.EIO):
        raise error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(f"symderiv: expected to write to the standard output, found: {error.strerror}", file=sys.stderr)
    sys.exit(1)


def _answering(command: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """Give `command` the manners of the command line: a sentence and a status, never a traceback.

    Every exception class of symderiv carries a sentence for the reader; any other exception is a
    fault of ours and keeps its traceback.
    """

    @functools.wraps(command)
    def wrapped(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except KeyboardInterrupt:
            typer.echo("symderiv: interrupted", err=True)
            raise typer.Exit(130) from None
        except typer.Exit:
            raise
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(141) from None
        except OSError as error:
            _cannot_write(error)
        except Exception as error:
            if not type(error).__module__.startswith("symderiv."):
                raise
            typer.echo(f"symderiv: {error}", err=True)
            raise typer.Exit(2) from None

    return wrapped


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"symderiv {__version__}")
        raise typer.Exit


@app.callback(epilog=_examples("derive softmax --wrt z", "build"))
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Write the mathematics once; get the derivation, the kernel and the proof."""


@app.command("list", epilog=_examples("list"))
@_answering
def list_problems() -> None:
    """List the problems of the catalogue."""
    from symderiv import catalog

    names = catalog.names()
    width = max(map(len, names), default=0)
    for name in names:
        typer.echo(f"{name:<{width}}  {catalog.load(name).title}")


@app.command(
    short_help="Derive a derivative, step by step.",
    epilog=_examples(
        "derive softmax --wrt z",
        "derive cross_entropy",
        "derive softmax --wrt z --size K=3",
        "derive softmax --wrt z --product vjp",
        "derive softmax --wrt z --value z=0.1,0.5,2",
        "derive my.sd --of L --wrt W --steps all --format latex",
    ),
)
@_answering
def derive(  # noqa: PLR0917 (each parameter is an option)
    problem: Name,
    wrt: Annotated[
        list[str] | None,
        typer.Option(
            "--wrt",
            metavar="NAME",
            help="What to differentiate by; twice for a Hessian. Without it: every derivative of the file.",
        ),
    ] = None,
    of: Annotated[
        str,
        typer.Option(
            "--of", metavar="NAME", help="What to differentiate; the problem's output if not given."
        ),
    ] = "",
    size: Sizes = None,
    steps: Annotated[
        str, typer.Option("--steps", metavar="|".join(STEPS), help="How many steps to show.")
    ] = "textbook",
    form: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="How to write the derivation.")
    ] = "text",
    value: Annotated[
        list[str] | None,
        typer.Option(
            "--value",
            metavar="NAME=NUMBERS",
            help="Values of an input, such as z=0.1,0.5 (rows divided by ;).",
        ),
    ] = None,
    product: Annotated[
        str,
        typer.Option(
            "--product",
            metavar="|".join(PRODUCTS),
            help="The product with a cotangent (vjp), a tangent (jvp), or of a Hessian (hvp) instead.",
        ),
    ] = "",
) -> None:
    """Derive a derivative, step by step; with sizes or values, its explicit matrix too."""
    if product:
        _one_of("--product", product, PRODUCTS)
        if size or value or not wrt:
            raise UsageError(
                "--product: expected one --wrt and no sizes or values, "
                f"found {'sizes or values' if size or value else 'no --wrt'}"
            )
    _one_of("--steps", steps, STEPS)
    _one_of("--format", form, FORMATS)
    sizes = parse_sizes(size or ())
    given = _load(problem)
    check_axes(sizes, [given])
    arrays, implied = parse_values(value or (), given)
    for axis in implied.keys() & sizes.keys():
        if implied[axis] != sizes[axis]:
            raise UsageError(
                f"--size: expected {axis}={implied[axis]}, as the values say, found {axis}={sizes[axis]}"
            )
    from symderiv.build import explicit

    everything = {**sizes, **implied} if sizes or value else None
    texts = [
        explicit.document(derivation, form, steps, everything, arrays if value else None)
        for derivation in _derivations(given, of, tuple(wrt or ()), product)
    ]
    typer.echo(explicit.together(texts, form), nl=False)


@app.command(
    short_help="Write a module with a value and its derivatives.",
    epilog=_examples("emit softmax --target numba --out softmax_numba.py"),
)
@_answering
def emit(
    problem: Name,
    target: Annotated[str, typer.Option("--target", metavar="TARGET", help="numpy or numba.")] = "numpy",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write it.")] = None,
) -> None:
    """Write a module with the value and the derivatives, which needs nothing of symderiv."""
    from symderiv.build.folder import write_file
    from symderiv.kernels.emit import emit as emit_module

    _targets([target])
    text = emit_module(_load(problem), target)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_file(out, text)


@app.command(
    short_help="Derive, witness, emit and verify; write nothing.",
    epilog=_examples("verify", "verify softmax --target numba"),
)
@_answering
def verify(problem: Names = None, size: Sizes = None, target: Targets = None) -> None:
    """Derive, witness with SymPy, emit and verify, and write nothing."""
    from symderiv.build.main_job import run

    _finish(run(Plan.of(problem or (), parse_sizes(size or ()), _targets(target)), None))


@app.command(
    short_help="Derive, prove, emit, verify, and write everything.",
    epilog=_examples(
        "build",
        "build softmax my.sd --size K=5 --target numpy --out made",
        "build --check",
    ),
)
@_answering
def build(
    problem: Names = None,
    size: Sizes = None,
    target: Targets = None,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The folder to write.")] = Path(
        "generated"
    ),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: compare the folder with a fresh build.")
    ] = False,
) -> None:
    """Derive, prove, emit and verify everything, and write documents and modules to a folder.

    With names, only those problems are written afresh; the others in the folder stay.
    """
    from symderiv.build.main_job import run, run_check

    if check and (size or target):
        raise UsageError(
            "--check: expected no --size and no --target, for the folder's own are used; leave them out"
        )
    plan = Plan.of(problem or (), parse_sizes(size or ()), _targets(target))
    _finish(run_check(plan, out) if check else run(plan, out))


def _finish(failures: int) -> None:
    if failures:
        raise typer.Exit(1)


def _one_of(option: str, found: str, known: tuple[str, ...]) -> None:
    if found not in known:
        raise UsageError(
            f"{option}: expected {' or '.join(known)}, found {found!r}{suggestion(found, known)}"
        )


def _targets(names: list[str] | None) -> tuple[str, ...]:
    for name in names or ():
        _one_of("--target", name, TARGETS)
    return tuple(dict.fromkeys(names or TARGETS))


def _load(name: str) -> Problem:
    from symderiv import catalog

    return catalog.load(name)


def _derivations(problem: Problem, of: str, wrt: tuple[str, ...], product: str) -> Iterator[Derivation]:
    """What was asked for: one derivative or product, or all that the problem's own lines name."""
    if wrt:
        yield _derive(problem, of or problem.output(), wrt, product)
        return
    from symderiv.calculus import derive_all

    found = [each for each in derive_all(problem) if not of or _of(each) == of]
    if not found:
        names = ", ".join(given.name for given in problem.inputs if not given.label_of)
        raise UsageError(f"--wrt: expected one of {names}, for the problem itself asks for no derivative")
    yield from found


def _of(derivation: Derivation) -> str:
    of = getattr(derivation.start, "of", None)
    return getattr(of, "array", "")


def _derive(problem: Problem, of: str, wrt: tuple[str, ...], product: str) -> Derivation:
    from symderiv.calculus import Contraction, Engine

    made = [each.name for each in problem.definitions] + [each.name for each in problem.upstream]
    inputs = [each.name for each in problem.inputs if not each.label_of]
    if of not in made:
        raise UsageError(f"--of: expected one of {', '.join(made)}, found {of!r}{suggestion(of, made)}")
    known = [*inputs, *(each.name for each in problem.definitions if each.name != of)]
    for name in wrt:
        if name not in known:
            raise UsageError(
                f"--wrt: expected one of {', '.join(known)}, found {name!r}{suggestion(name, known)}"
            )
    engine = Engine(problem)
    if product:
        entry, (variable, *_) = engine.generic(of, wrt[:1])
        return engine.contract(Contraction(product, entry, variable))
    return engine.derive(*engine.generic(of, wrt))
