"""Judging mutants: tests are collected once, and a process forked for each mutant runs those that matter."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.mutation import coverage
from tests.mutation.changes import PACKAGE, ROOMS, ROOT, Mutant, Spot, digest, mutant_at
from tests.mutation.coverage import Covered, Watch
from tests.mutation.swap import functions, import_afresh, swaps

_OPTIONS = ["-q", "-s", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist"]
#: A test may take so many times its own processor time, and so many seconds besides.
_TIMES, _BESIDES = 4, 4
#: How much memory a mutant may take, in bytes.
_MEMORY = 3 << 30
_FAILED, _ODD = 1, 97


class Judge:
    """A pytest plugin that judges mutants where tests would be run."""

    def __init__(self, spots: Sequence[Spot], folder: Path, budget: float, first: Sequence[str]) -> None:
        self.spots, self.folder, self.budget, self.first = spots, folder, budget, first
        self.files = frozenset(str(file) for room in ROOMS for file in (PACKAGE / room).rglob("*.py"))
        self.early = Watch(self.files)
        self.kills: Counter[tuple[str, str]] = Counter()

    def pytest_configure(self) -> None:
        """Nothing that hypothesis tries is left to chance, or to a busy machine."""
        from hypothesis import HealthCheck, settings

        settings.register_profile(
            "mutation",
            database=None,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        settings.load_profile("mutation")
        self.early.start()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        self.session = session
        self.at_import = {ROOT / file: set(lines) for file, lines in self.early.stop().items()}
        self.items = {item.nodeid: item for item in session.items}
        self.covered = self._coverage()
        self.alive = functions(self.files)
        gc.collect()
        gc.freeze()
        _step_back()
        for spot in self.spots:
            record = self.judge(mutant_at(spot))
            with (self.folder / "results.jsonl").open("a", encoding="utf-8") as out:
                out.write(json.dumps(record) + "\n")
            say(
                "{module}:{line} {outcome} {by} [{tests} tests, {seconds} s]: {before}  ->  {after}".format(
                    **record
                )
            )
        return True

    def _coverage(self) -> dict[str, Covered]:
        """The coverage of every test; measured where it is not known."""
        file = self.folder / "coverage.jsonl"
        states = {
            path: coverage.state(self.files, path) for path in {item.path for item in self.session.items}
        }
        have = coverage.known(file)
        for item in self.session.items:
            at = states[item.path]
            if (item.nodeid, at) not in have:
                coverage.measure(
                    Watch(self.files),
                    lambda item=item: self._run([item]),
                    lambda found, name=item.nodeid, at=at: coverage.note(file, name, at, found),
                )
        have = coverage.known(file)
        found = {item.nodeid: have[item.nodeid, states[item.path]] for item in self.session.items}
        for name, each in found.items():
            if not each.passes:
                say(f"left out, because it fails without any mutant: {name}")
        return {name: each for name, each in found.items() if each.passes}

    def _run(self, items: Sequence[pytest.Item], limited: bool = False) -> bool:
        """Run tests in this process, until one fails."""
        for place, item in enumerate(items):
            if limited:
                signal.setitimer(signal.ITIMER_PROF, _BESIDES + _TIMES * self.covered[item.nodeid].seconds)
            following = items[place + 1] if place + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.session.testsfailed:
                return False
        return True

    def judging(self, mutant: Mutant) -> list[str]:
        """The tests that run what is changed, the cheap ones and those that told before first."""
        file = str(mutant.spot.file.relative_to(ROOT))
        room = file.split("/")[1]
        names: list[str] = []
        for first, last in mutant.lines:
            names = [name for name, each in self.covered.items() if each.runs(file, first, last)]
            if names:
                break
        at_import = self.at_import.get(mutant.spot.file, set())
        if not names and not at_import.isdisjoint(range(mutant.lines[0][0], mutant.lines[0][1] + 1)):
            # What runs when the module is imported matters wherever it is used.
            names = [name for name, each in self.covered.items() if each.lines.get(file)]

        def key(name: str) -> tuple[bool, bool, float]:
            told = self.kills[mutant.spot.module, name]
            later = not any(word in name for word in self.first), not name.startswith(f"tests/{room}/")
            return *later, (0.02 + self.covered[name].seconds) / (1 + told)

        return sorted(names, key=key)

    def within(self, names: Sequence[str]) -> list[str]:
        """As many of those tests as there is time for; one at least, and all that are to be asked first."""
        chosen: list[str] = []
        spent = 0.0
        for name in names:
            if not any(word in name for word in self.first):
                spent += self.covered[name].seconds
                if chosen and spent > self.budget:
                    break
            chosen.append(name)
        return chosen

    def judge(self, mutant: Mutant) -> dict[str, Any]:
        """Whether the tests notice a mutant."""
        names = self.judging(mutant)
        chosen = self.within(names)
        began = time.perf_counter()
        outcome, by = "survived", ""
        if mutant.same:
            outcome = "same"
        elif chosen:
            outcome, by = self._fork(mutant, chosen)
        self.kills[mutant.spot.module, by] += 1
        return {
            "module": mutant.spot.module, "function": mutant.function, "line": mutant.lines[0][0],
            "node": mutant.spot.node, "way": mutant.spot.way, "digest": digest(mutant.spot.file),
            "before": mutant.before, "after": mutant.after, "outcome": outcome, "by": by,
            "tests": f"{len(chosen)} of {len(names)}", "seconds": round(time.perf_counter() - began, 2),
        }  # fmt: skip

    def _fork(self, mutant: Mutant, names: Sequence[str]) -> tuple[str, str]:
        """How a mutant ends, and at which test."""
        back, out = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = _ODD
            try:
                os.close(back)
                status = self._inside(mutant, names, out)
            finally:
                os._exit(status)
        os.close(out)
        handle = os.pidfd_open(pid)
        if not select.select([handle], [], [], 60 + 100 * sum(self.covered[name].seconds for name in names))[
            0
        ]:
            os.killpg(pid, signal.SIGKILL)  # waits for something, and does not compute
        _, status = os.waitpid(pid, 0)
        os.close(handle)
        with os.fdopen(back, encoding="utf-8") as told:
            last = told.read().split("\n")[-2:-1]
        code = os.waitstatus_to_exitcode(status)
        outcome = (
            "survived" if code == 0 else "time" if code in (-signal.SIGPROF, -signal.SIGKILL) else "killed"
        )
        return outcome, "" if outcome == "survived" else "".join(last)

    def _inside(self, mutant: Mutant, names: Sequence[str], out: int) -> int:
        """Put the mutant in place, and run the tests; in the forked process."""
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        changed = swaps(mutant, self.alive)
        lines = self.at_import.get(mutant.spot.file, set())
        if changed is None or any(line in lines for line in self._body(mutant)):
            return self._afresh(mutant, names, out)
        for function, code in changed:
            function.__code__ = code
        self.session.config.pluginmanager.register(_Teller(out))
        return 0 if self._run([self.items[name] for name in names], limited=True) else _FAILED

    @staticmethod
    def _body(mutant: Mutant) -> Iterable[int]:
        """The lines where the change is; a definition's own line runs when its module is imported, always."""
        first, last = mutant.lines[0]
        return range(first, last + 1) if first != mutant.lines[2][0] else ()

    def _afresh(self, mutant: Mutant, names: Sequence[str], out: int) -> int:
        """Import everything again, with the mutant, and run the tests."""
        signal.setitimer(
            signal.ITIMER_PROF,
            40 + sum(_BESIDES + _TIMES * self.covered[name].seconds for name in names[:50]),
        )
        sys.settrace(None)
        gc.unfreeze()
        import_afresh(mutant)
        status = pytest.main(["-x", *_OPTIONS, *names], plugins=[_Teller(out)])
        return 0 if status == pytest.ExitCode.OK else _FAILED


class _Teller:
    """Tells which test is running."""

    def __init__(self, out: int) -> None:
        self.out = out

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        os.write(self.out, f"{nodeid}\n".encode())


def _step_back() -> None:
    """Leave the processors to whoever else wants them: judging is long, and nobody waits for it."""
    os.nice(19)
    group = Path("/proc/self/autogroup")
    if group.exists():
        os.setsid()
        with contextlib.suppress(OSError):
            group.write_text("19", encoding="ascii")


def say(text: str) -> None:
    print(text, flush=True)


def judge_all(
    spots: Sequence[Spot], tests: Sequence[str], folder: Path, budget: float, first: Sequence[str] = ()
) -> int:
    """Judge mutants by the tests, and add what is found to the folder's results."""
    return int(pytest.main([*_OPTIONS, *tests], plugins=[Judge(spots, folder, budget, first)]))
