"""Which lines hold plain words, and which define a name that is spelled like a keyword."""

import pytest

from symderiv.notation.reader import read_problem

REST = "input x[K]\nindex k : K\n"


@pytest.mark.parametrize("words", ["[1] A paper, 2020", "[1, 2]", "[1] with x = 3 in it", "[a, b", "[[1]] x"])
@pytest.mark.parametrize("keyword", ["title", "about", "source"])
def test_words_may_begin_with_a_bracket(keyword: str, words: str) -> None:
    problem = read_problem(f"{keyword} {words}\n{REST}y[k] = exp(x[k])\n", "words")
    assert getattr(problem, keyword) == words


@pytest.mark.parametrize("left", ["source[k]", "source [k]", "title  [k] ", "about[k]"])
def test_an_array_may_be_called_like_a_keyword(left: str) -> None:
    problem = read_problem(f"{REST}{left} = exp(x[k])\n", "array")
    assert [each.name for each in problem.definitions] == [left.partition("[")[0].strip()]
    assert problem.title + problem.about + problem.source == ""
