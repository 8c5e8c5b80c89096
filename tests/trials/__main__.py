"""Long runs of the trials, by hand.

    python -m tests.trials derive --examples 2000 --seed 1 [--limit 20]
    python -m tests.trials hostile --examples 10000 --seed 1
    python -m tests.trials notation --examples 5000 --seed 1
    python -m tests.trials documents --examples 5000 --seed 1
    python -m tests.trials mutants --examples 200 --seed 1

Failures are collected, the shortest problem of each kind is printed at the end, and the exit status
is 1 where there was one.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from symderiv.expression.nodes import Expression
from symderiv.notation.text import to_text
from tests.notation.trees import PROBLEM, expressions, has_zero_division
from tests.trials import documents, mutants
from tests.trials.documents import Attempt
from tests.trials.hostile import DERIVING, READING, Hostile, Outcome, attempt, texts
from tests.trials.judge import judge, prints, problem_to_text, there_and_back
from tests.trials.problems import Trial, trials


class Slow(BaseException):
    """A trial took longer than its limit."""


def _stop(*_: object) -> None:
    raise Slow


def derive_run(examples: int, number: int, limit: float, depth: int, longest: int) -> int:
    """Judge `examples` random problems; the number of kinds of failure."""
    counts: Counter[str] = Counter()
    failures: dict[str, tuple[str, str]] = {}
    slowest = (0.0, "")
    chosen = random.Random(number)
    signal.signal(signal.SIGPROF, _stop)

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(trials(depth, longest))
    def run(trial: Trial) -> None:
        nonlocal slowest
        text = f"{problem_to_text(trial.problem)}\n== {to_text(trial.of)} by {trial.by}"
        begin = time.perf_counter()
        signal.setitimer(signal.ITIMER_PROF, limit)
        try:
            wrong: list[Any] = judge(trial, counts, chosen)
        except Slow:
            wrong = [f"slow: more than {limit} s"]
        except Exception as error:
            import traceback

            place = traceback.extract_tb(error.__traceback__)[-1]
            wrong = [f"{type(error).__name__} in {place.name}: {error}"]
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        counts["problems"] += 1
        slowest = max(slowest, (time.perf_counter() - begin, text))
        for sentence in wrong[:1]:
            kind = sentence.split(":")[0]
            counts[f"WRONG {kind}"] += 1
            if kind not in failures or len(text) < len(failures[kind][0]):
                failures[kind] = (text, sentence)

    begin = time.perf_counter()
    run()
    for name, count in sorted(counts.items()):
        print(f"{count:>8}  {name}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.perf_counter() - begin:.0f} s, peak {peak:.0f} MiB, slowest trial {slowest[0]:.1f} s")
    if slowest[0] > limit / 2:
        print(slowest[1])
    for kind, (text, sentence) in failures.items():
        shown = "\n".join(line for line in text.splitlines() if not line.startswith("index"))
        print(f"--- {kind}\n{shown}\n{sentence}")
    return len(failures)


def notation_run(examples: int, number: int) -> int:
    """Write `examples` random trees as text, LaTeX and SymPy, and read them; the kinds of failure."""
    counts: Counter[str] = Counter()
    failures: dict[str, tuple[str, str]] = {}

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(expressions(24))
    def run(tree: Expression) -> None:
        if has_zero_division(tree):
            return
        counts["trees"] += 1
        try:
            wrong = prints(PROBLEM, tree) + there_and_back(PROBLEM, tree, counts)
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        for sentence in wrong:
            kind = sentence.split(":")[0]
            counts[f"WRONG {kind}"] += 1
            if kind not in failures or len(sentence) < len(failures[kind][1]):
                failures[kind] = (to_text(tree), sentence)

    run()
    for name, count in sorted(counts.items()):
        print(f"{count:>8}  {name}")
    for kind, (text, sentence) in failures.items():
        print(f"--- {kind}\n{text}\n{sentence}")
    return len(failures)


def hostile_run(examples: int, number: int) -> int:
    """Read `examples` hostile texts; the number of faults and of those that took too long."""
    counts: Counter[str] = Counter()
    wrong: dict[str, tuple[str, Hostile]] = {}
    slowest: list[tuple[float, str, str]] = []
    signal.signal(signal.SIGPROF, _stop)
    for hostile in texts(examples, number):
        signal.setitimer(signal.ITIMER_PROF, READING + DERIVING + 8)
        try:
            outcome = attempt(hostile)
        except Slow:
            outcome = Outcome("hang", f"no end after {READING + DERIVING + 8:.0f} s", 0, 0)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        counts[f"{hostile.reader}: {outcome.kind}"] += 1
        slowest.append((outcome.reading, hostile.what, "reading"))
        slowest.append((outcome.deriving, hostile.what, "deriving"))
        if outcome.kind in ("fault", "hang"):
            kind = f"{hostile.reader}: {outcome.message.split(':')[0]}"
        elif outcome.reading > READING or outcome.deriving > DERIVING:
            kind = f"slow {hostile.reader}: {outcome.reading:.1f} s and {outcome.deriving:.1f} s"
        else:
            continue
        counts[f"WRONG {hostile.what}: {outcome.kind}" if examples < 1000 else "WRONG"] += 1
        if kind not in wrong or len(hostile.text) < len(wrong[kind][1].text):
            wrong[kind] = (outcome.message, hostile)
    for name, count in sorted(counts.items()):
        print(f"{count:>8}  {name}")
    for seconds, what, which in sorted(slowest, reverse=True)[:8]:
        print(f"{seconds:8.2f} s  {which} {what}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak:.0f} MiB")
    for kind, (message, hostile) in wrong.items():
        print(
            f"--- {kind} ({hostile.what}, {len(hostile.text)} characters)\n{hostile.text[:300]!r}\n{message}"
        )
    return len(wrong)


def documents_run(examples: int, number: int) -> int:
    """Judge extreme documents, hostile files and `examples` mutated documents; the kinds of fault."""
    counts: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    wrong: dict[str, tuple[str, str]] = {}
    slowest: list[tuple[float, str]] = []

    def count(kind: str, what: str, found: Attempt, text: str, due: str = "") -> None:
        counts[f"{kind}: {found.kind}"] += 1
        verdicts.update(found.verdicts)
        slowest.append((found.seconds, what))
        if found.kind == "fault" or (due and due not in found.message):
            key = f"{kind} {what if kind != 'mutated' else found.message.split(':')[0]}"
            if key not in wrong or len(text) < len(wrong[key][1]):
                wrong[key] = (found.message or f"expected {due}", text)

    with tempfile.TemporaryDirectory() as folder:
        for due, path in documents.hostile_files(Path(folder)):
            count("file", path.name[:40], documents.attempt(path), "", due)
    for what, text in documents.extremes():
        count("extreme", what, documents.attempt(text), text[:200])
    for text, name in documents.mutated_documents(examples, number):
        count("mutated", name, documents.attempt(text, name), text)
    for name, amount in (*sorted(counts.items()), *sorted(verdicts.items())):
        print(f"{amount:>8}  {name}")
    for seconds, what in sorted(slowest, reverse=True)[:8]:
        print(f"{seconds:8.2f} s  {what}")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    for kind, (message, text) in wrong.items():
        print(f"--- {kind}\n{message}\n{text!r:.3000}")
    return len(wrong)


def mutants_run(examples: int, number: int) -> int:
    """Judge `examples` mutants of right documents; how many are not refuted."""
    missed = 0
    for line, found in mutants.table(examples, number):
        print(line, flush=True)
        missed += found is not None and found.verdict != "refuted"
    return missed


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="Long runs of generated trials.")
    parser.add_argument("what", choices=["derive", "hostile", "notation", "documents", "mutants"])
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=20.0, help="most seconds for one trial")
    parser.add_argument("--depth", type=int, default=3, help="how deep a body may be")
    parser.add_argument("--longest", type=int, default=4, help="most definitions of a problem")
    options = parser.parse_args()
    if options.what == "notation":
        return notation_run(options.examples, options.seed)
    if options.what == "mutants":
        return mutants_run(options.examples, options.seed)
    if options.what == "documents":
        return documents_run(options.examples, options.seed)
    if options.what == "hostile":
        return hostile_run(options.examples, options.seed)
    return derive_run(options.examples, options.seed, options.limit, options.depth, options.longest)


if __name__ == "__main__":
    sys.exit(bool(main()))
