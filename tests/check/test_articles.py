r"""Two derivations as articles print them, with the mistakes that they have, and no others."""

from symderiv.check import check_document, read_text

SQUARED_ERROR = r"""
The outputs are $ y_1 = \frac{e^{z_1}}{\sum_k e^{z_k}}, \dots, y_K = \frac{e^{z_K}}{\sum_k e^{z_k}} $ .

Where $i = j$ ,

$$\frac{\partial y_i}{\partial z_i} = \frac{\partial \frac{e^{z_i}}{\sum_k e^{z_k}}}{\partial z_i}
= \frac{e^{z_i} \sum_k e^{z_k} - e^{z_i} e^{z_i}}{(\sum_k e^{z_k})^2}
= \frac{e^{z_i}}{(\sum_k e^{z_k})^2} \frac{\sum_k e^{z_k} - e^{z_i}}{(\sum_k e^{z_k})^2} = y_i(1 - y_i)$$

and where $i \neq j$ ,

$$\frac{\partial y_i}{\partial z_j}
= \frac{0 \sum_k e^{z_k} - e^{z_i} e^{z_j}}{(\sum_k e^{z_k})^2} = -y_i y_j$$

The squared error is

$$L(y, t) = \frac{1}{2} \sum_{k=1}^K (y_k - t_k)^2$$

$$\frac{\partial L}{\partial y_j} = 2(y_j - t_j)$$

and another loss is

$$L(y, t) = \sum_k t_k \log(y_k)$$

$$\frac{\partial L}{\partial y_j} = \frac{t_j}{y_j}$$

$$\frac{\partial L}{\partial z_k}
= y_k \left( \frac{\partial L}{\partial y_k}
- \sum_{j=1}^K \frac{\partial L}{\partial y_j} y_j \right)$$
"""
CROSS_ENTROPY = r"""
$$ p_i = \frac{e^{a_i}}{\sum_{k=1}^N e^a_k} $$

If $i=j$,

$$ \begin{align*} \frac{\partial p_i}{\partial a_j}
&= \frac{e^{a_i} \left( \sum_{k=1}^N e^{a_k} - e^{a_j}\right )}{\left( \sum_{k=1}^N e^{a_k}\right)^2} \\
&= p_i(1-p_j) \end{align*} $$

$$ \frac{\partial p_i}{\partial a_j}
= \begin{cases}p_i(1-p_j) & if & i=j \\ -p_j.p_i & if & i \neq j \end{cases} $$

With the outputs $o_i$ of the layer before,

$$ \begin{align*} L &= - \sum_i y_i log(p_i) \\
\frac{\partial L}{\partial o_i} &= - \sum_k y_k \frac{\partial log(p_k)}{\partial o_i } \\
&= - \sum y_k \frac{1}{p_k} \times \frac{\partial p_k}{\partial o_i} \end{align*} $$

$$ \frac{\partial L}{\partial o_i} = p_i - y_i $$
"""


def told(text: str) -> list[tuple[int, int, str, str]]:
    found = check_document(read_text(text, "article.md")).judgements
    return [
        (
            each.display,
            each.equality,
            each.verdict,
            each.condition or (each.diagnosis.word if each.diagnosis else ""),
        )
        for each in found
        if each.verdict != "proved"
    ]


def test_the_mistakes_of_an_article_on_the_squared_error() -> None:
    assert told(SQUARED_ERROR) == [
        (1, 3, "refuted", "chain factor doubled"),
        (1, 4, "refuted", "earlier slip"),
        (4, 1, "refuted", "constant factor"),
        (5, 0, "definition", ""),
    ]


def test_the_mistakes_of_an_article_on_the_cross_entropy() -> None:
    assert told(CROSS_ENTROPY) == [(1, 0, "note", ""), (5, 1, "conditional", "sum(k, y[k]) == 1")]
    note = next(
        each for each in check_document(read_text(CROSS_ENTROPY)).judgements if each.verdict == "note"
    )
    assert "e^{a_k}" in note.message
