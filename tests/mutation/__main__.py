"""Mutation testing: ``python -m tests.mutation --rooms calculus proof --count 100 --seed 1``.

A mutant is the source of one module with one small change (see `changes`). The tests are collected once, in
one process, and each test is run once to see which lines it runs. Then every mutant of a random sample is
judged in a process forked from that one: its functions get the changed code, and the tests that run the
changed line follow, the cheap ones first, until one fails or runs out of time. What is found is added to
``build/mutation/results.jsonl``: a run that was stopped goes on where it was, and a larger sample holds the
smaller one.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path

from tests.mutation.changes import ROOMS, ROOT, Spot, digest, spots
from tests.mutation.judge import judge_all
from tests.mutation.results import looked_at, read, report, same

#: The tests that judge; of those that run a changed line, the ones of its own room come first.
JUDGES = ("tests/calculus", "tests/proof", "tests/check/test_judge.py", "tests/test_matrices.py")
#: Long tests that say once more what shorter ones say; ``--which ''`` asks them too.
LONG = (
    "every_step", "every_result_and_every_step", "contractions", "no_mutant", "no_true_equation",
    "known_form_is_proved", "results_keep", "example_is_true", "wrong_example", "what_the_catalogue_states",
)  # fmt: skip


def main() -> int:
    """Judge a sample of mutants, and print the survivors and the score."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Mutation testing.")
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(ROOMS))
    parser.add_argument(
        "--count", type=int, default=100, help="how many mutants of each room; 0: see what the tests run"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30, help="seconds of tests for one mutant, at most")
    parser.add_argument("--only", default="", help="only modules whose name holds this word")
    parser.add_argument("--judges", nargs="+", default=list(JUDGES), help="the tests that judge")
    parser.add_argument(
        "--which",
        default=" and ".join(f"not {word}" for word in LONG),
        help="which tests of these, as for pytest -k",
    )
    parser.add_argument("--first", nargs="+", default=[], help="words in the names of tests to ask first")
    parser.add_argument(
        "--again", action="store_true", help="judge what survived and was not looked at once more"
    )
    parser.add_argument("--report", action="store_true", help="judge nothing; say what is known")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "mutation", help="where results are kept"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.report:
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        have, said = read(options.folder), looked_at()
        wanted: list[Spot] = []
        new: list[Spot] = []
        for room in options.rooms:
            sample = list(spots(room))
            random.Random(options.seed).shuffle(sample)
            sample = [each for each in sample if options.only in each.module][: options.count]
            for each in sample:
                known = have.get((each.module, each.node, each.way, digest(each.file)))
                if known is None:
                    new.append(each)
                elif options.again and known["outcome"] == "survived" and same(known) not in said:
                    wanted.append(each)
        random.Random(options.seed).shuffle(new)
        wanted += new
        status = judge_all(
            wanted, [*options.judges, "-k", options.which], options.folder, options.seconds, options.first
        )
        if status:
            return status
    report(options.folder, options.rooms)
    return 0


if __name__ == "__main__":
    sys.exit(main())
