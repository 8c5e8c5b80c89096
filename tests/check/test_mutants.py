"""True claims with one mistake in them: all are found out, and most are told by the right word."""

import random
from collections.abc import Iterator
from dataclasses import replace

from symderiv.check import read_text
from symderiv.check.content import Claim, Content
from symderiv.check.judge import judge
from symderiv.check.points import Sides, Special, close
from symderiv.check.reading import read
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Expression
from tests.check.mutants import ALSO_RIGHT, mutants
from tests.check.test_examples import EXPECTED, FOLDER

#: How many mutants the quick run looks at; 200 and more were looked at by hand.
SAMPLE = 30


def _pool() -> Iterator[tuple[Content, Claim, str, Expression]]:
    """Every mutant of every true claim of the examples whose values differ from those of the claim."""
    for name, expected in EXPECTED.items():
        content = read(read_text((FOLDER / f"{name}.md").read_text("utf-8"), name))
        for claim in content.claims:
            if expected.get(f"{claim.display}.{claim.equality}") != "proved":
                continue
            letters = tuple(dict.fromkeys((*free_indices(claim.left), *free_indices(claim.right))))
            for word, changed in mutants(claim.right, letters):
                if set(free_indices(changed)) <= set(letters):
                    yield content, claim, word, changed


def _differs(content: Content, claim: Claim, changed: Expression) -> bool:
    """Whether the values tell a mutant from the truth, where the document's assumptions hold."""
    sides = Sides.of(claim.problem, claim.left, changed, Special.of(content.assumptions))
    return any(
        a is not None and b is not None and not close(a, b)
        for lefts, rights in zip(sides.lefts, sides.rights(), strict=True)
        for a, b in zip(lefts.values(), rights.values(), strict=True)
    )


def test_mutants_are_refuted_and_told_by_the_right_word() -> None:
    pool = list(_pool())
    random.Random(20).shuffle(pool)
    words: list[bool] = []
    for content, claim, word, changed in pool:
        if len(words) == SAMPLE:
            break
        if not _differs(content, claim, changed):
            continue
        found = judge(content, replace(claim, right=changed, first=None))
        assert found.verdict in ("refuted", "conditional"), (claim.written, word)
        if found.verdict == "conditional":
            continue  # i != j, a symmetric matrix, the true class: NOTATION's conditions
        assert found.counterexample
        assert found.diagnosis is not None
        words.append(found.diagnosis.word in (word, *ALSO_RIGHT.get(word, ())))
    assert sum(words) >= 0.8 * SAMPLE
