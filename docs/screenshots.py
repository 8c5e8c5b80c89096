"""Takes the pictures of the playground for the documentation: ``python docs/screenshots.py``.

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

from symderiv.serve.examples import EXAMPLES  # noqa: E402 (of this checkout)
from tests.documents.chromium import chromium  # noqa: E402
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
        "document.querySelector('.actions').scrollIntoView()",
    ),
)  # fmt: skip


def main() -> None:
    """Take all pictures, and say how large each is."""
    with (
        running("--workers", "1") as server,
        tempfile.TemporaryDirectory() as profile,
        chromium(Path(profile)) as browser,
    ):
        for shot in SHOTS:
            code = base64.urlsafe_b64encode(EXAMPLES[shot.example].text.encode()).decode().rstrip("=")
            browser.open("about:blank", shot.width, "light")
            browser.open(
                f"{server.address}#f={code}", shot.width, "light", height=shot.height, scale=shot.scale
            )
            browser.send("Emulation.setScrollbarsHidden", hidden=True)
            browser.until(DONE)
            browser.value("document.activeElement.blur()")
            if shot.before:
                browser.value(shot.before)
            picture = browser.picture()
            if len(picture) > LARGEST:
                raise SystemExit(f"{shot.name}: expected at most {LARGEST} bytes, found {len(picture)}")
            target = HERE / "images" / f"{shot.name}.png"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(picture)
            print(f"{target.relative_to(HERE.parent)}: {len(picture)} bytes")


if __name__ == "__main__":
    main()
