"""Pages in a real browser: nothing sticks out, mathematics is set, ink can be told from its ground."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from symderiv import catalog
from symderiv.build.explicit import shown
from symderiv.build.index import index_page
from symderiv.build.manifest import Manifest, Record, Row
from symderiv.calculus import derive_all
from symderiv.check import check_file
from symderiv.check.page import html_report
from symderiv.documents.page import page
from symderiv.documents.shown import Module, Shown
from symderiv.kernels.emit import emit
from tests.documents.chromium import Browser, chromium

PROBLEMS = ("softmax", "attention_head", "huber")
#: Contrast of text with what is behind it, by the formula of the Web Content Accessibility Guidelines.
CONTRASTS = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const colour = text => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const found = colour(getComputedStyle(e).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255];
  };
  const poor = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !e.checkVisibility()) continue;
    if (e.closest('svg, script, style')) continue;
    seen += 1;
    const pair = [light(colour(getComputedStyle(e).color)), light(ground(e))];
    const [a, b] = pair.sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) poor.push(e.outerHTML.slice(0, 100));
  }
  return [seen, poor.slice(0, 5)];
})()
"""
#: How much higher each fraction is than its numerator: more than it, where it is set and not in a row.
FRACTIONS = """
(() => {
  const high = e => e.getBoundingClientRect().height;
  const all = [...document.querySelectorAll('mfrac')].filter(e => e.checkVisibility());
  return all.map(e => high(e) / high(e.firstElementChild));
})()
"""
#: Boxes that can be scrolled but not reached by keyboard.
UNREACHABLE = """
[...document.querySelectorAll('*')].filter(e => e.checkVisibility() && e.clientWidth
  && /auto|scroll/.test(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1
  && !e.matches('[tabindex="0"], [tabindex="0"] *')).map(e => e.outerHTML.slice(0, 200))
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    texts = {}
    for name in PROBLEMS:
        problem = catalog.load(name)
        modules = [Module("numpy", f"{name}_numpy.py", emit(problem, "numpy"))]
        every = [Shown(each) for each in derive_all(problem)]
        texts[name] = page(problem, every, level="all", modules=modules)
    problem = catalog.load("softmax")
    numbers = shown(derive_all(problem)[0], {"K": 8}, {"z": {(k,): k / 3 - 1.0 for k in range(8)}})
    texts["numbers"] = page(problem, [numbers], level="all").replace("<details", "<details open")
    long = " + ".join(["x_k"] * 60)
    row = Row("", "", "proved", latex=(r"\frac{a}{b}", rf"\sum_{{k}} {long}", "a = b"))
    record = Record("A" * 90, "", {}, (), ("a/a.html", "a/a.tex"), (row,), about="word " * 60)
    texts["index"] = index_page(Manifest({"a": record}))
    notes = folder / "notes.md"
    notes.write_text(f"$$ y = x / (1 + x) = x / (2 + x) $$\n\n$$ {long.replace('x_k', 'x')} = 91 x $$\n")
    texts["check"] = html_report([check_file(notes)])
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("name", [*PROBLEMS, "numbers", "index", "check"])
@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")]
)
def test_a_page_as_it_is_shown(
    browser: Browser, pages: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    browser.open(pages[name], width, scheme)
    assert browser.value("document.documentElement.scrollWidth") <= width
    seen, poor = browser.value(CONTRASTS)
    assert seen > 20
    assert not poor
    assert browser.value(UNREACHABLE) == []
    heights = browser.value(FRACTIONS)
    assert heights or name == "check"
    assert all(height > 1.5 for height in heights)
    happened = {each["method"] for each in browser.events}
    assert not happened & {"Log.entryAdded", "Runtime.exceptionThrown"}
    requests = [each["params"] for each in browser.events if each["method"] == "Network.requestWillBeSent"]
    assert [each["request"]["url"] for each in requests] == [pages[name].as_uri()]


def test_steps_unfold_by_keyboard_and_without_scripts(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["huber"], 1280, "light", scripts=False)
    count = "document.querySelectorAll('details[open]').length"
    before = browser.value(count)
    assert before > 5
    for _ in range(60):
        browser.press("Tab")
        if browser.value("document.activeElement.tagName") == "SUMMARY":
            break
    assert browser.value("document.activeElement.tagName") == "SUMMARY"
    assert browser.value("getComputedStyle(document.activeElement).outlineStyle") != "none"
    browser.press("Enter", "\r")
    assert browser.value(count) == before - 1
    assert browser.value("[...document.querySelectorAll('button')].every(e => e.hidden)")


def test_the_copy_button(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["softmax"], 1280, "light")
    browser.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    copied = browser.value(
        "new Promise(done => { navigator.clipboard.writeText = async text => done(text);"
        " document.querySelector('button.copy').click(); })"
    )
    assert copied == emit(catalog.load("softmax"), "numpy")
