"""True claims with one mistake in them: all are refuted at their place, and most are told by the right word.

Two hundred are tried by hand with ``python -m tests.trials mutants``.
"""

from tests.check.test_examples import EXPECTED
from tests.trials.mutants import chosen, found, is_right

#: How many mutants the quick run looks at.
SAMPLE = 18


def test_mutants_are_refuted_and_told_by_the_right_word() -> None:
    mutants = list(chosen(SAMPLE, 20, list(EXPECTED)[::5]))
    assert len({each.word for each in mutants}) >= 8
    said = [found(each) for each in mutants]
    assert [each.verdict for each in said] == ["refuted"] * SAMPLE
    right = [is_right(mutant, each) for mutant, each in zip(mutants, said, strict=True)]
    assert sum(right) >= 0.8 * SAMPLE
