"""The playground in a real browser: by hand and by link, dark and light, on a telephone, without scripts."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

from symderiv.serve.examples import EXAMPLES
from symderiv.serve.limits import MAX_TEXT
from tests.documents.chromium import Browser, chromium
from tests.documents.test_browser import CONTRASTS, UNREACHABLE
from tests.serve.running import Running, running

HOSTILE = "<script>window.broken = 1</script></textarea><img src=x onerror='window.broken = 2'> {{ 7 * 7 }}"
DONE = "document.getElementById('status').textContent.startsWith('Done')"
FAULTS = {"Log.entryAdded", "Runtime.exceptionThrown"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def server(browser: Browser) -> Iterator[Running]:  # where there is no browser, none is started
    with running("--workers", "1") as found:
        yield found


def link(text: str) -> str:
    """What stands behind the # of an address that carries a text."""
    return "#f=" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def show(
    browser: Browser, server: Running, behind: str = "", width: int = 1280, scheme: str = "light"
) -> None:
    browser.open("about:blank", width, scheme)  # another # alone would not load the page again
    browser.open(server.address + behind, width, scheme)


def verdict(browser: Browser) -> str:
    return str(browser.value("document.querySelector('#verdict h2').textContent"))


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("wrong-softmax", 1280, "light"), ("chain", 390, "dark"), ("attention", 390, "light"),
        ("condition", 1280, "dark"),
    ],
)  # fmt: skip
def test_an_answer_as_it_is_shown(
    browser: Browser, server: Running, name: str, width: int, scheme: str
) -> None:
    show(browser, server, link(EXAMPLES[name].text), width, scheme)
    browser.until(DONE)
    assert browser.value("document.getElementById('text').value") == EXAMPLES[name].text
    browser.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert browser.value("document.documentElement.scrollWidth") <= width
    seen, poor = browser.value(CONTRASTS)
    assert seen > 100
    assert not poor
    assert browser.value(UNREACHABLE) == []
    assert browser.value("document.querySelectorAll('#kernels pre .k').length") > 50
    assert not [each for each in browser.events if each["method"] in FAULTS]
    requests = [each["params"] for each in browser.events if each["method"] == "Network.requestWillBeSent"]
    assert all(each["request"]["url"].startswith(server.address) for each in requests)
    assert not any("#f=" in each["request"].get("postData", "") for each in requests)


def test_typing_is_answered_and_the_address_carries_it(browser: Browser, server: Running) -> None:
    show(browser, server)
    browser.until(DONE)  # the first example is there at once
    assert verdict(browser) == "Derived and proved"
    browser.value("(() => { const box = document.getElementById('text'); box.focus(); box.value = ''; })()")
    browser.send("Input.insertText", text="y = x^2\nd(y, x) = 3 * x")
    browser.until(f"{DONE} && document.querySelector('#verdict h2').textContent === 'Refuted'")
    assert browser.value("location.hash") == link("y = x^2\nd(y, x) = 3 * x")
    browser.value("document.querySelector('#verdict button.place').click()")
    selected = "(e => e.value.slice(e.selectionStart, e.selectionEnd))(document.getElementById('text'))"
    assert browser.value(selected) == "="
    copied = browser.value(
        "new Promise(done => { navigator.clipboard.writeText = async text => done(text);"
        " document.querySelector('#verdict .copy-text').click(); })"
    )
    assert copied == "2 * x"
    browser.send("Input.insertText", text="")
    browser.value("document.querySelector('a[href=\"#kernels\"]').click()")
    assert browser.value("location.hash") == link("y = x^2\nd(y, x) = 3 * x")
    assert browser.value("document.activeElement.id") == "kernels"


def test_by_keyboard_alone(browser: Browser, server: Running) -> None:
    show(browser, server, link("y = x^2"))
    browser.until(DONE)
    browser.value("document.getElementById('text').focus()")
    browser.send("Input.insertText", text="; d(y, x) = x; ")
    browser.send(
        "Input.dispatchKeyEvent",
        type="keyDown",
        key="Enter",
        code="Enter",
        windowsVirtualKeyCode=13,
        modifiers=2,
    )
    browser.until("document.querySelector('#verdict h2')?.textContent === 'Refuted'")
    browser.press("Tab")
    assert browser.value("document.activeElement.id") == "go"
    for _ in range(30):
        browser.press("Tab")
        if browser.value("document.activeElement.matches('.examples a[href$=condition]')"):
            break
    assert browser.value("getComputedStyle(document.activeElement).outlineStyle") != "none"
    browser.press("Enter", "\r")
    browser.until(f"{DONE} && document.querySelector('#verdict .assume') !== null")
    browser.value("document.querySelector('#verdict .assume').click()")
    browser.until("document.querySelector('#verdict h2')?.textContent === 'Proved'")
    assert browser.value("document.getElementById('text').value").endswith("assume sum(k, t[k]) == 1\n")


@pytest.mark.parametrize("text", [HOSTILE, f"title {HOSTILE}\ninput x\ny = x^2\nderive d(y, x)"])
@pytest.mark.parametrize("scripts", [True, False])
def test_what_is_typed_stays_text(browser: Browser, server: Running, text: str, scripts: bool) -> None:
    show(browser, server, link(text))
    browser.until("document.getElementById('answer').dataset.kind !== ''")
    if not scripts:
        browser.value("document.getElementById('form').submit()")  # as a browser without scripts sends it
        browser.until("!location.hash && document.querySelector('#verdict h2') !== null")
    browser.until("document.readyState === 'complete'")
    assert browser.value("[window.broken, document.querySelectorAll('img').length]") == [None, 1]
    assert browser.value("document.getElementById('text').value") == text
    assert browser.value("document.querySelectorAll('section.part :is(script, img, a)').length") == 0
    assert "49" not in browser.value("document.querySelector('#verdict').textContent")


def test_without_scripts(browser: Browser, server: Running) -> None:
    browser.open(f"{server.address}examples/chain", 1280, "light", scripts=False)
    browser.value("document.querySelector('#go').focus()")
    browser.press("Enter", "\r")
    browser.until("document.querySelector('#verdict h2')?.textContent === 'Refuted'")
    assert browser.value("document.getElementById('text').value") == EXAMPLES["chain"].text
    assert browser.value("document.querySelectorAll('#answer details').length") > 5
    assert browser.value("[...document.querySelectorAll('#answer button')].every(e => e.hidden)")


def test_the_way_back_leads_to_what_was_typed(browser: Browser, server: Running) -> None:
    long = "y = x^2 # " + "m" * 7_000  # too long for a link
    show(browser, server, link("y = x^3"))
    browser.until(DONE)
    box = "document.getElementById('text')"
    browser.value(f"{box}.select()")
    browser.send("Input.insertText", text=long)
    browser.until(f"{DONE} && location.hash === ''")
    browser.value("document.querySelector('.examples a[href$=chain]').click()")
    browser.until(f"{DONE} && document.querySelector('#verdict h2').textContent === 'Refuted'")
    browser.send("Page.navigate", url="about:blank")
    for text in (EXAMPLES["chain"].text, long):
        browser.value("setTimeout(() => history.back())")
        browser.until(f"{box}?.value === {json.dumps(text)} && {DONE}")
    assert verdict(browser) == "Derived and proved"


def test_what_is_pasted_is_never_cut_off(browser: Browser, server: Running) -> None:
    show(browser, server)
    browser.until(DONE)
    text = "y = x" + " + x" * MAX_TEXT
    browser.value("document.getElementById('text').select()")
    browser.send("Input.insertText", text=text)
    browser.until("document.querySelector('#verdict h2').textContent === 'No answer'")
    assert f"found {len(text)}" in browser.value("document.querySelector('#verdict').textContent")
    assert browser.value("document.getElementById('text').value.length") == len(text)


def test_long_names_stay_on_a_telephone(browser: Browser, server: Running) -> None:
    one, other = "constructor" + "a" * 50, "b" * 60
    show(browser, server, link(f"{one}[i] = {other}[i]^2; d({one}[i], {other}[j]) = delta(i, j)"), 320)
    browser.until(DONE)
    browser.value("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert browser.value("document.documentElement.scrollWidth") <= 320
    assert browser.value(UNREACHABLE) == []


def test_damaged_links_and_a_server_that_is_gone(browser: Browser, server: Running) -> None:
    show(browser, server, "#f=%%%")
    browser.until("document.getElementById('status').textContent.includes('damaged')")
    gone = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.send("Network.emulateNetworkConditions", **gone)
    browser.value("document.getElementById('text').value = 'y = x'; document.getElementById('go').click()")
    browser.until("document.getElementById('status').textContent.includes('does not answer')")
    browser.send("Network.emulateNetworkConditions", **gone | {"offline": False})
