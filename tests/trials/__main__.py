"""Long runs of the trials, by hand.

    python -m tests.trials derive --examples 2000 --seed 1 [--limit 20]

Failures are collected, the shortest problem of each kind is printed at the end, and the exit status
is 1 where there was one.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import time
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from symderiv.notation.text import to_text
from tests.trials.judge import judge, problem_to_text
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
    signal.signal(signal.SIGALRM, _stop)

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
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            wrong: list[Any] = judge(trial, counts, chosen)
        except Slow:
            wrong = [f"slow: more than {limit} s"]
        except Exception as error:
            import traceback

            place = traceback.extract_tb(error.__traceback__)[-1]
            wrong = [f"{type(error).__name__} in {place.name}: {error}"]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
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


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description="Long runs of generated trials.")
    parser.add_argument("what", choices=["derive"])
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=20.0, help="most seconds for one trial")
    parser.add_argument("--depth", type=int, default=3, help="how deep a body may be")
    parser.add_argument("--longest", type=int, default=4, help="most definitions of a problem")
    options = parser.parse_args()
    return derive_run(options.examples, options.seed, options.limit, options.depth, options.longest)


if __name__ == "__main__":
    sys.exit(bool(main()))
