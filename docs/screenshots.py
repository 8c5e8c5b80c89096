"""Takes the pictures of the documentation: ``python docs/screenshots.py [NAME...]``.

It starts the playground and a headless Chromium, and writes PNG files into ``docs/images``.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from symderiv import derive  # noqa: E402 (of this checkout)
from symderiv.serve.examples import EXAMPLES  # noqa: E402
from tests.documents.chromium import Browser, chromium  # noqa: E402
from tests.serve.running import running  # noqa: E402

#: The largest picture, in bytes.
LARGEST = 200_000
DONE = "document.getElementById('status').textContent.startsWith('Done')"


@dataclass(frozen=True)
class Shot:
    """A picture: its file, the example that it shows, its size, and what is done before it is taken."""

    name: str
    example: str
    width: int
    height: int
    scale: float
    before: str = ""


SHOTS = (
    Shot("playground-refuted", "chain", 1240, 860, 1),
    Shot("playground-derivation", "softmax", 1240, 1540, 1),
    Shot(
        "playground-phone", "wrong-softmax", 390, 844, 2,
        "document.querySelector('.actions').scrollIntoView(); scrollBy(0, -12)",
    ),
)  # fmt: skip


#: Pictures of files: the page, which part of it is at the top, and the size.
PAGES = (
    ("derivation", "softmax.html", ".passage h2", 1000, 920, 1.5),
    ("built", "generated/index.html", "html", 1240, 860, 1),
)


def main() -> None:
    """Take the pictures that are named, or all, and say how large each is."""
    wanted = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        browser.send("Emulation.setScrollbarsHidden", hidden=True)
        for name, file, top, width, height, scale in PAGES:
            if not wanted or name in wanted:
                page = HERE.parent / file if "/" in file else Path(profile) / file
                if "/" not in file:
                    page.write_text(derive(page.stem).html(), encoding="utf-8")
                browser.open(page, width, "light", height=height, scale=scale)
                browser.value(f"document.querySelector({top!r}).scrollIntoView(); scrollBy(0, -24)")
                keep(name, browser)
        shots = [shot for shot in SHOTS if not wanted or shot.name in wanted]
        if shots:
            with running("--workers", "1") as server:
                for shot in shots:
                    take(shot, server.address, browser)


def take(shot: Shot, address: str, browser: Browser) -> None:
    """A picture of the playground."""
    code = base64.urlsafe_b64encode(EXAMPLES[shot.example].text.encode()).decode().rstrip("=")
    browser.open("about:blank", shot.width, "light")
    browser.open(f"{address}#f={code}", shot.width, "light", height=shot.height, scale=shot.scale)
    browser.until(DONE)
    browser.value("document.activeElement.blur()")
    if shot.before:
        browser.value(shot.before)
    keep(shot.name, browser)


def keep(name: str, browser: Browser) -> None:
    """Write what is seen."""
    picture = browser.picture()
    if len(picture) > LARGEST:
        raise SystemExit(f"{name}: expected at most {LARGEST} bytes, found {len(picture)}")
    target = HERE / "images" / f"{name}.png"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(picture)
    print(f"{target.relative_to(HERE.parent)}: {len(picture)} bytes")


if __name__ == "__main__":
    main()
