"""Hostile texts get an answer or a sentence, soon: never a traceback, never a hang.

Many more are tried by hand with ``python -m tests.trials hostile``.
"""

from __future__ import annotations

from collections import Counter

import pytest

from symderiv.calculus import CalculusError, derive
from symderiv.calculus import engine as engine_module
from symderiv.calculus.tidy import Arranger
from symderiv.expression.nodes import Entry
from symderiv.expression.traverse import count_nodes
from symderiv.notation.reader import read_problem
from tests.trials.hostile import DERIVING, READING, Hostile, attempt, extremes, texts

#: Extremes that take seconds to judge stay with the long runs.
QUICK = [
    hostile
    for hostile in extremes()
    if len(hostile.text) < 30_000 and not any(word in hostile.what for word in ("twice", "times", "thrice"))
]


def wrong(hostile: Hostile) -> str:
    outcome = attempt(hostile)
    if outcome.kind == "fault" or outcome.reading > READING or outcome.deriving > DERIVING:
        return f"{hostile.what} for {hostile.reader}: {outcome} {hostile.text[:300]!r}"
    return ""


def test_extremes_are_read_or_refused_within_their_time() -> None:
    assert [found for hostile in QUICK[::4] if (found := wrong(hostile))] == []


def test_mutations_and_noise_are_read_or_refused_within_their_time() -> None:
    everything = len(list(extremes()))
    mutations = list(texts(everything + 1_200, seed=5))[everything:]
    assert [found for hostile in mutations if (found := wrong(hostile))] == []
    kinds = Counter(attempt(hostile).kind for hostile in mutations[:200])
    assert kinds["read"] > 10  # not all mutations destroy the meaning
    assert kinds["refused"] > 50


def test_a_refusal_names_its_place() -> None:
    for hostile in list(texts(900, seed=6))[700:]:
        outcome = attempt(hostile)
        if outcome.kind == "refused":
            first, _, caret = outcome.message.split("\n")
            assert len(first.split(":")) >= 4, outcome.message
            assert caret.endswith("^")
            assert all(letter.isprintable() or letter == "\t" for letter in outcome.message.replace("\n", ""))


def test_what_grew_too_large_is_refused_before_it_is_put_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting a million nodes in order takes seconds."""
    problem = read_problem(f"input x, y\nf = {' * '.join(['x'] * 300)} * y", "long")
    ordered = []
    arrange = Arranger.arrange
    monkeypatch.setattr(Arranger, "arrange", lambda self, node: ordered.append(node) or arrange(self, node))
    with pytest.raises(CalculusError, match="grew beyond 20000 nodes"):
        derive(problem, Entry("f"), (Entry("x"),))
    assert ordered
    assert max(map(count_nodes, ordered)) < 80_000


def test_a_derivation_that_explodes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = read_problem("input s\nf = " + "tanh(" * 12 + "s" + ")" * 12, "nest")
    monkeypatch.setattr(engine_module, "MAX_WORK", 8_000)
    by = Entry("s")
    assert derive(problem, Entry("f"), (by,)).steps
    with pytest.raises(CalculusError, match="too much work: define parts by name"):
        derive(problem, Entry("f"), (by, by))
