"""Many problems at once: requests to worker processes, outcomes into the folder, a table at the end."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import FrameType

from symderiv import catalog
from symderiv.build import report
from symderiv.build.folder import compare, locked, prepare, write
from symderiv.build.index import index_files
from symderiv.build.job import perform as perform_one
from symderiv.build.manifest import MANIFEST, Manifest
from symderiv.build.plan import Outcome, Plan, Request
from symderiv.problem import Problem

#: What a problem must be called, for its name is that of files and functions; no name leads out of the
#: folder, is hidden in it, or is that of one of its own files.
_NAME = re.compile(r"(?!__)\w[\w-]*")


class BuildError(ValueError):
    """A plan that cannot be followed; the message is one sentence for its writer."""


def run(plan: Plan, out: Path | None) -> int:
    """Do what `plan` says, report on the terminal, and write the folder `out` if there is one.

    What failed is not written: the files of that problem stay as they were. Without a folder the
    emitted modules are tried with a long axis too.

    Returns
    -------
    int
        How many things went wrong.

    Raises
    ------
    BuildError, FolderError, NotationError, UnknownProblemError
        If the plan or the folder cannot be used; nothing has been written then.
    """
    requests = _requests(plan, out, "large" if out is None else "small")
    if out is not None:
        prepare(out)
        Manifest.read(out)
    with _stoppable():
        outcomes = perform(requests)
        report.table(outcomes)
        report.notes(outcomes)
        failed = report.failures(outcomes)
        if out is not None:
            changed = _write(out, outcomes, whole=not plan.names)
            report.say(f"{out}: {len(changed)} file{'' if len(changed) == 1 else 's'} changed")
    return failed


def run_check(plan: Plan, out: Path) -> int:
    """Compare the folder `out` with a fresh build of what it records; print a diff.

    Returns
    -------
    int
        How many files differ or could not be made.
    """
    if not (out / MANIFEST).is_file():
        raise BuildError(
            f"expected a folder that symderiv build has written, found no {MANIFEST} in {out}; "
            "build first, or name the folder with --out"
        )
    old = Manifest.read(out)
    named = {Path(name).stem if name.endswith(catalog.SUFFIX) else name for name in plan.names}
    for name in sorted(named - old.problems.keys()):
        raise BuildError(f"expected problems that {out} holds, found {name!r}; build it there first")
    requests = [
        Request(name, _source(out, name, record.path), record.path, tuple(record.sizes.items()),
                record.targets, verify="none", formats=record.formats)
        for name, record in sorted(old.problems.items())
    ]  # fmt: skip
    if old.whole and not plan.names:
        known = {request.name for request in requests if not request.path}
        requests += [request for request in _requests(plan, out, "none") if request.name not in known]
    with _stoppable():
        outcomes = perform([each for each in requests if not named or each.name in named])
    failed = report.failures(outcomes)
    fresh = Manifest({each.name: each.record for each in outcomes if each.record is not None}, old.whole)
    files = {name: text for each in outcomes for name, text in each.files.items()}
    files |= {**index_files(fresh), MANIFEST: fresh.to_json()}
    differences = compare(out, files)
    if named:
        differences = [each for each in differences if each.name.split("/")[0] in named]
    for each in differences:
        report.say(f"{each.name}: {each.kind}")
        if each.diff:
            report.say(each.diff)
    if not (differences or failed):
        report.say(f"{out}: all {len(files)} files are those of a fresh build")
    foreign = [each for each in differences if each.name not in files and each.name not in old.files]
    if len(foreign) < len(differences):
        report.complain(
            f"{out}: {len(differences) - len(foreign)} of {len(files)} files differ from a fresh build; "
            "run symderiv build and look at the changes"
        )
    if foreign:
        report.complain(
            f"{out}: found what no build wrote, and none removes; move it away: "
            f"{', '.join(each.name for each in foreign[:5])}{', ...' if len(foreign) > 5 else ''}"
        )
    return failed + len(differences)


def perform(requests: Sequence[Request]) -> list[Outcome]:
    """The outcomes of all requests, in their order, by as many processes as there are processors."""
    processes = min(len(requests), os.cpu_count() or 1)
    with report.progress(len(requests)) as done:
        if processes < 2:
            outcomes = []
            for request in requests:
                outcomes.append(perform_one(request))
                done(outcomes[-1])
            return outcomes
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_worker)
        try:
            # Workers inherit the ignored signal: an interrupt is the business of this process.
            with _ignoring(signal.SIGINT):
                futures: dict[Future[Outcome], int] = {
                    pool.submit(_perform, request): place for place, request in enumerate(requests)
                }
            found: dict[int, Outcome] = {}
            for future in as_completed(futures):
                place = futures[future]
                try:
                    found[place] = future.result()
                except BrokenProcessPool:
                    name = requests[place].name
                    found[place] = Outcome(name, failures=("its process ended early (out of memory?)",))
                done(found[place])
            pool.shutdown()
            return [found[place] for place in range(len(requests))]
        except BaseException:
            for child in multiprocessing.active_children():
                child.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


#: In a process of the pool: whether it works on a problem.
_works = threading.Event()


def _worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: _told_to_end(number))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _told_to_end(number: int) -> None:
    """End by way of `finally` where a problem is worked on; elsewhere at once.

    The pool would take an exception for one of the answer that it is sending, and try to send that
    instead, to a parent that reads no more.
    """
    if _works.is_set():
        sys.exit(128 + number)
    os._exit(128 + number)


def _end_with_parent() -> None:
    """A parent that is killed cannot tell its workers: none of them goes on for nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _perform(request: Request) -> Outcome:
    """One problem, in a process of the pool, which ends when it is told to.

    The exit is raised, so that what this problem has begun ends first: a compiler that runs, a folder
    that is only for now. The pool would take it for an answer and go on with the next problem.
    """
    _works.set()
    try:
        return perform_one(request)
    except SystemExit as stopped:
        os._exit(int(stopped.code or 1))
    finally:
        _works.clear()


@contextlib.contextmanager
def _ignoring(number: signal.Signals) -> Iterator[None]:
    try:
        before = signal.signal(number, signal.SIG_IGN)
    except ValueError:  # not in the main thread: the signal is not ours to handle
        yield
        return
    try:
        yield
    finally:
        signal.signal(number, before)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM and a lost terminal end the work by way of `finally`, as an interrupt does."""

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    try:
        before = {number: signal.signal(number, stop) for number in numbers}
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _requests(plan: Plan, out: Path | None, verify: str) -> list[Request]:
    if plan.given is not None:
        problems = {plan.given.name: plan.given}
    else:
        problems = {source: catalog.load(source) for source in plan.names or catalog.names()}
    _check_sizes(plan, list(problems.values()))
    requests: dict[str, Request] = {}
    for source, problem in problems.items():
        if not _NAME.fullmatch(problem.name):
            raise BuildError(
                f"expected a file name of letters, digits and _, which names the modules, "
                f"found {Path(source).name!r}; rename the file"
            )
        if problem.name in requests:
            raise BuildError(
                f"expected problems of different names, found {problem.name!r} twice; rename one file"
            )
        sizes = tuple((axis, size) for axis, size in plan.sizes if axis in problem.axes)
        path = ""
        if source.endswith(catalog.SUFFIX) and out is not None:
            path = Path(os.path.relpath(Path(source).resolve(), out.resolve())).as_posix()
        requests[problem.name] = Request(
            problem.name, source, path, sizes, plan.targets, verify, plan.given, plan.formats
        )
    return [requests[name] for name in sorted(requests)]


def _check_sizes(plan: Plan, problems: Sequence[Problem]) -> None:
    known = dict.fromkeys(axis for problem in problems for axis in problem.axes)
    for axis, _ in plan.sizes:
        if axis not in known:
            raise BuildError(f"--size: expected an axis among {', '.join(known)}, found {axis!r}")


def _source(out: Path, name: str, path: str) -> str:
    return str(Path(os.path.normpath(out / path))) if path else name


def _write(out: Path, outcomes: Sequence[Outcome], whole: bool) -> list[str]:
    """Bring the folder to what the outcomes say; what failed stays as it was."""
    with locked(out):
        old = Manifest.read(out)
        kept = {
            name: record
            for name, record in old.problems.items()
            if not whole or record.path or any(each.name == name for each in outcomes)
        }
        made = {each.name: each.record for each in outcomes if each.record is not None}
        new = Manifest({**kept, **made}, whole or old.whole)
        files = {name: text for each in outcomes for name, text in each.files.items()}
        if new.problems:
            files |= index_files(new)
        return write(out, new, files, old)
