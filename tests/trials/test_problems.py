"""Generated problems: what the engine derives is what the oracle says, at every step.

Many more are tried by hand with ``python -m tests.trials derive``.
"""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trials.judge import judge, problem_to_text, reads_back
from tests.trials.problems import Trial, problems, trials

few = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, print_blob=False)


@settings(few, max_examples=220)
@given(trials(), st.integers(0, 1))
def test_derivatives_are_the_oracles_and_every_step_is_true(trial: Trial, kind: int) -> None:
    assert judge(trial, Counter(), random.Random(kind)) == [], problem_to_text(trial.problem)


@settings(few, max_examples=100)
@given(problems())
def test_problems_read_back_from_their_text(problem) -> None:
    assert reads_back(problem) == []
