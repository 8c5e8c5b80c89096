"""What the theme leaves out for those who do not see the page, or have no mouse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

#: What the theme and the highlighter write, and what it becomes.
_MENDED = (
    # A heading has a level.
    (re.compile(r'(<p class="caption" role="heading")(?! aria-level)'), r'\1 aria-level="2"'),
    # Two asides are told apart by their names.
    (re.compile(r'<aside class="sidebar-drawer">'), '<aside class="sidebar-drawer" aria-label="All pages">'),
    (
        re.compile(r'<aside class="toc-drawer( no-toc)?">'),
        r'<aside class="toc-drawer\1" aria-label="This page">',
    ),
    # Code and tables that are wider than the page are scrolled by the keyboard too.
    (re.compile(r'(<div class="highlight">)<pre>'), r'\1<pre tabindex="0">'),
    (re.compile(r'(<div class="table-wrapper[^"]*")>'), r'\1 tabindex="0">'),
)


def mended(page: str) -> str:
    """A page that the theme has written, with what it leaves out."""
    for found, new in _MENDED:
        page = found.sub(new, page)
    return page


def _mend(app: Any, fault: Exception | None) -> None:
    if fault is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            if (new := mended(text)) != text:
                path.write_text(new, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Add it to Sphinx."""
    app.connect("build-finished", _mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
