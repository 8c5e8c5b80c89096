"""The fuzzer's corpus is read as ever, and some hundreds of changes of it end in an answer or a sentence.

Far more is tried by hand, led by coverage: ``python -m tests.fuzz all --runs 100000 --seed 1``.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import CORPUS, TARGETS, attempt, corpus, decoded

#: How many changed inputs each target gets, and which part of its corpus: some take long for one.
CHANGED = {"expression": 250, "problem": 100, "latex": 150, "statements": 100, "derive": 15, "document": 4}
EVERY = {"expression": 1, "problem": 6, "latex": 1, "statements": 1, "derive": 25, "document": 25}


@pytest.mark.parametrize("name", TARGETS)
def test_corpus_and_changes_of_it(name: str) -> None:
    target = TARGETS[name]
    kept = corpus(target)
    mutator, rng = Mutator([decoded(data) for data in kept]), random.Random(11)
    inputs = kept[:: EVERY[name]]
    for _ in range(CHANGED[name]):
        text = mutator.change(decoded(rng.choice(kept)), rng)
        inputs.append(text.encode("utf-8", errors="surrogatepass"))
    found = [attempt(target, data) for data in inputs]
    assert [
        (each.message, data) for each, data in zip(found, inputs, strict=True) if each.kind == "fault"
    ] == []
    kinds = Counter(each.kind for each in found)
    assert kinds["read"] > 2
    assert kinds["refused"] > 2 or name == "document"  # a document is judged, whatever stands in it


def test_the_corpus_stays_small() -> None:
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 100_000
