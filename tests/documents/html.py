"""Reading a page in a test: every element closed in its order, and nothing fetched from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

VOID = frozenset({"meta", "br", "wbr", "hr", "img", "input", "link"})
FETCHING = frozenset({"link", "iframe", "object", "embed", "base", "img", "video", "audio"})
#: Elements of SVG and MathML that may close themselves.
CLOSING_THEMSELVES = frozenset({"rect", "path", "mspace"})


@dataclass
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    def find(self, tag: str, **attributes: str) -> list[Element]:
        """Every element inside with this name and these attributes (`class_` is one of its classes)."""
        wanted = attributes.pop("class_", "")
        return [
            each
            for each in self.inside()
            if each.tag == tag
            and (not wanted or wanted in each.attributes.get("class", "").split())
            and attributes.items() <= each.attributes.items()
        ]

    def inside(self) -> Iterator[Element]:
        """Every element inside, in order."""
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part.inside()

    @property
    def text(self) -> str:
        """The text inside, white space made one space."""
        words = "".join(part if isinstance(part, str) else part.text for part in self.parts)
        return re.sub(r"\s+", " ", words)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in CLOSING_THEMSELVES, tag
        self.open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}> at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(page: str) -> Element:
    """The elements of a page, which must be well-formed, complete in itself and in good order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is never closed"
    root = reader.open[0]
    ids = [each.attributes["id"] for each in root.inside() if "id" in each.attributes]
    assert len(ids) == len(set(ids)), "an id stands twice"
    for each in root.inside():
        assert not {"src", "srcset", "action", "data", "xlink:href"} & each.attributes.keys(), each
        assert not [name for name in each.attributes if name.startswith("on")], each
        address = each.attributes.get("href", "")
        assert not re.match(r"[a-z]+:|//|/", address), address
        assert not address.startswith("#") or address[1:] in ids, f"{address} leads nowhere"
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(each.attributes.get(name, "").split()) <= set(ids)
        if each.tag == "svg":
            assert each.attributes["role"] == "img"
            assert each.attributes["aria-label"]
    for style in root.find("style"):
        assert not re.search(r"url\(|@import|image-set", style.text)
    assert not [
        each for each in root.inside() if each.tag in ("link", "iframe", "object", "embed", "base", "img")
    ]
    levels = [int(each.tag[1]) for each in root.inside() if re.fullmatch("h[1-6]", each.tag)]
    if root.find("html"):
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert root.find("html")[0].attributes["lang"]
        assert root.find("title")[0].text
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    return root
