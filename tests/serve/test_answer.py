"""From what is typed to the parts of the page."""

from __future__ import annotations

import html
import itertools
import re

import pytest

from symderiv.serve.answer import PARTS, Part, answer
from symderiv.serve.examples import EXAMPLES, GROUPS
from symderiv.serve.limits import MAX_TEXT
from tests.documents.html import Element, read

SOFTMAX = r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}"


def words(parts: list[Part], name: str) -> str:
    """What one part says, without markup."""
    whole = "".join(each.html for each in parts if each.name == name)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", whole)).split())


def kind(parts: list[Part]) -> str:
    return [each.kind for each in parts if each.kind][-1]


def worked(text: str) -> list[Part]:
    """The parts up to the kernels, which take the longest."""
    return list(itertools.takewhile(lambda part: part.name != "kernels", answer(text)))


EXPECTED = {
    "softmax": "derived", "cross-entropy": "derived", "least-squares": "derived", "attention": "derived",
    "wrong-softmax": "refuted", "chain": "refuted", "condition": "conditional", "identity": "proved",
    "notes": "refuted", "layer-norm": "proved", "focal-loss": "derived", "logsumexp": "derived",
    "prototypes": "derived",
}  # fmt: skip


def test_each_example_stands_under_a_heading_once() -> None:
    named = [name for _, _, names in GROUPS for name in names]
    assert sorted(named) == sorted(EXAMPLES) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example(name: str) -> None:
    emitted = name in ("attention", "layer-norm")
    parts = list(answer(EXAMPLES[name].text)) if emitted else worked(EXAMPLES[name].text)
    assert kind(parts) == EXPECTED[name]
    assert {each.name for each in parts} <= set(PARTS)
    assert "understood" in {each.name for each in parts}
    assert not [each for each in page(parts).inside() if "style" in each.attributes]
    if name not in ("identity", "notes"):
        assert "Derivation, in" in words(parts, "derivation")
    if emitted:
        assert words(parts, "kernels").count("Copy") == 4  # NumPy, Numba, C and its header
    if EXPECTED[name] == "derived":
        assert "each proved for every size of every axis" in words(parts, "verdict")


def test_a_chain_shows_its_first_wrong_sign() -> None:
    text = "y = a*x^2\nd(y, x) = 2*a*x = a*x = 2*a*x"
    parts = worked(text)
    said = words(parts, "verdict")
    assert said.startswith("Refuted The first = that is wrong is at 2:17")
    assert said.count("This is the first") == 1
    assert "the mistake is on the left of this sign" in said
    assert "Diagnosis: constant factor (1/2)" in said
    begin, end = re.findall(r'data-begin="(\d+)" data-end="(\d+)"', parts[1].html)[0]
    assert text[int(begin) : int(end)] == "="
    assert text[: int(begin)].endswith("2*a*x ")


def test_places_are_those_of_a_browser() -> None:
    text = "# 𝒳 is one letter here and two there\ny = x^2; d(y, x) = x"
    said = next(each.html for each in answer(text) if each.kind == "refuted")
    place = re.search(r'data-begin="(\d+)"', said)
    assert place is not None
    units = text.encode("utf-16-le")
    assert units[2 * int(place[1]) :].decode("utf-16-le") == "= x"


def test_every_guess_is_shown_with_its_place() -> None:
    said = words(worked(r"L = -\log p_y"), "understood")
    assert "p_y is read as one name: its subscript is no index (1:" in said
    assert "Nothing had to be guessed" in words(worked(SOFTMAX), "understood")


@pytest.mark.parametrize(
    ("text", "told", "place"),
    [
        ("sum(k, x[k]^2", "this ( is never closed", "1:4"),
        ("x[i] = 1\ny = foo(2)", "foo is not a known function", "2:5"),
        (SOFTMAX + "\\\\\n\\frac{1}{", "", "2:"),
    ],
)
def test_what_is_not_understood_has_a_caret(text: str, told: str, place: str) -> None:
    parts = worked(text)
    assert [each.name for each in parts] == ["verdict"]
    assert kind(parts) == "unreadable"
    said = words(parts, "verdict")
    assert f"Not understood at {place}" in said
    assert told in said
    assert said.endswith("^")


NOTHING = ("", "  \n", "x = 3", "x" * (MAX_TEXT + 1), "d(L, z[j])")


@pytest.mark.parametrize("text", NOTHING, ids=range(len(NOTHING)))
def test_what_asks_for_nothing_gets_a_sentence(text: str) -> None:
    parts = worked(text)
    assert kind(parts) in ("unreadable", "stopped")
    assert len(words(parts, "verdict")) > 30
    assert words(parts, "verdict").startswith("Too long" if len(text) > MAX_TEXT else "Nothing to do yet")


def test_displays_without_words_are_a_document() -> None:
    claims = "$$ y = x^2 $$\n\n$$ \\frac{dy}{dx} = 3 x $$"
    for text in (claims, claims.replace("$$ y", r"\[ y").replace("^2 $$", r"^2 \]")):
        said = words(worked(text), "verdict")
        assert said.startswith("Refuted The = at 3:18 is wrong")
    assert kind(worked("$$ y = x^2 $$")) == "derived"  # one alone is a formula
    assert "in lines" in words(worked("Let $y = x^2$, so $\\frac{dy}{dx} = 3 x$."), "verdict")


def test_a_value_without_a_name_gets_one() -> None:
    parts = worked(r"\|A x - b\|^2")
    assert kind(parts) == "derived"
    assert "f is short for" in words(parts, "understood")
    assert "3 derivatives" in words(parts, "verdict")
    asked = worked("d(log(sum(k, exp(z[k]))), z[j])")
    assert "1 derivative in" in words(asked, "verdict")
    claimed = worked(r"\frac{d}{dx} \sigma(x) = \sigma(x) (1 + \sigma(x))")
    assert kind(claimed) == "refuted"
    assert "Derivation, in" in words(claimed, "derivation")


@pytest.mark.parametrize(
    "text",
    [
        f"{SOFTMAX}, L = -\\sum_k t_k \\log p_k \\\\\n\\frac{{\\partial L}}{{\\partial z_j}} = p_j - t_j",
        EXAMPLES["condition"].text,
        f"Here ${SOFTMAX}$ and\n\n$$ L = -\\sum_k t_k \\log p_k $$\n\n"
        "$$ \\frac{\\partial L}{\\partial z_j} = p_j - t_j $$",
    ],
    ids=["latex", "text", "document"],
)
def test_an_assumption_is_offered_and_taken(text: str) -> None:
    parts = worked(text)
    assert kind(parts) == "conditional"
    offered = re.search(r'class="assume" data-text="([^"]+)"', "".join(each.html for each in parts))
    assert offered is not None
    again = worked(f"{text}\nassume {html.unescape(offered[1])}\n")
    assert kind(again) == "proved"


def test_names_are_declared_between_lines_of_latex() -> None:
    assert kind(worked("function g\nindex i : N\ny_i = g(\\frac{x_i}{2})")) == "derived"
    wrong = worked("assume sum(k\ny = \\frac{x}{2}")
    assert "Not understood at 1:1" in words(wrong, "verdict")


HOSTILE = (
    "<script>alert(1)</script>", "</textarea><img src=x onerror=alert(1)>", "{{ 7 * 7 }}{% raw %}",
    "\"><svg onload=alert(1)>", "__import__('os').system('x')", "\\input{/etc/passwd}", "\\write18{x}",
    "*/ x /*", "\u202eabc\u2066", "' onmouseover='x", "&lt;b&gt;", "<!-- x -->", "]]>", "javascript:alert(1)",
)  # fmt: skip
PLACES = (
    "{}",
    "y = x^2; {} = 2",
    "\\text{{}} = \\frac{1}{2}",
    "x_{{}} = \\frac{1}{2}",
    "assume {}\ny = \\frac{x}{2}",
)
DANGEROUS = {"script", "style", "iframe", "object", "form", "input", "textarea", "a", "img"}
#: Where all of them stand at once: what is made of them is derived, set and emitted.
WHOLE = (
    "title {}\nabout {}\nsource {}\ninput x\ny = x^2\nderive d(y, x)",
    "# {}\ny = x^2; d(y, x) = x",
    "Some words {} here $$ y = x^2 $$ and $$ \\frac{dy}{dx} = x $$",
)


def page(parts: list[Part]) -> Element:
    """A page of the parts, read: an attribute that runs or fetches something would not pass."""
    body = "".join(each.html for name in PARTS for each in parts if each.name == name)
    head = "<html lang='en'><head><title>x</title></head>"
    return read(f"{head}<body><h1>x</h1><h2>x</h2>{body}</body></html>")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_typed_stays_text(text: str) -> None:
    for place in PLACES:
        found = page(worked(place.replace("{}", text)))
        assert not {each.tag for each in found.inside()} & DANGEROUS
        assert "49" not in found.text or "7 * 7" not in text


def test_what_is_typed_stays_text_in_all_that_is_made_of_it() -> None:
    everything = " ".join(each for each in HOSTILE if each.isprintable() and "\\" not in each)
    for place in WHOLE:
        found = page(list(answer(place.replace("{}", everything))))
        tags = [each.tag for each in found.inside()]
        assert not set(tags) & DANGEROUS
        assert "button" in tags


def test_this_would_notice_markup() -> None:
    with pytest.raises(AssertionError):
        page([Part("verdict", "<p onclick='x'>y</p>")])
    assert {each.tag for each in page([Part("verdict", "<script>x</script>")]).inside()} & DANGEROUS
