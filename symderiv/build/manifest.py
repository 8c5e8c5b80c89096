"""The record of an output folder: which files the builds wrote there, and how to make them again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from symderiv.system import read_bytes, reason

#: The record of what the builds into a folder wrote.
MANIFEST = "build.json"
#: The documents that a build writes on each problem, by the names of their formats and of their files.
SUFFIXES = {"html": ".html", "latex": ".tex", "markdown": ".md", "json": ".json"}
FORMATS = tuple(SUFFIXES)
#: The table of everything in a folder.
INDEX = "README.md"
#: The same as a page, the way into all the others.
INDEX_PAGE = "index.html"


class FolderError(Exception):
    """An output folder that cannot be used or written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One derivative in the table: what it is of, its form, and what the form rests on.

    `steps` counts the steps that lead there, those of the results it uses included, and
    `proved_steps` those of them that are proved one by one. `latex` holds the derivative, its form and the
    condition (or nothing) in LaTeX.
    """

    derivative: str
    form: str
    proof: str
    steps: int = 0
    proved_steps: int = 0
    latex: tuple[str, str, str] = ("", "", "")


@dataclass(frozen=True, slots=True)
class Record:
    """What a build wrote for one problem, and how to do it again.

    `path` is empty for a problem of the catalogue, otherwise where its ``.sd`` file is, seen from
    the output folder. `group` is the heading that the problem stands under.
    """

    title: str
    path: str
    sizes: dict[str, int]
    targets: tuple[str, ...]
    files: tuple[str, ...]
    rows: tuple[Row, ...]
    about: str = ""
    group: str = ""
    formats: tuple[str, ...] = FORMATS


@dataclass(frozen=True, slots=True)
class Manifest:
    """The record of a folder: one entry per problem, by name.

    `whole` says that the folder is to hold the whole catalogue.
    """

    problems: dict[str, Record] = field(default_factory=dict)
    whole: bool = False

    @property
    def files(self) -> frozenset[str]:
        """Every file that the builds wrote, the table and the record itself included."""
        if not self.problems:
            return frozenset({MANIFEST})
        names = {name for record in self.problems.values() for name in record.files}
        return frozenset(names | {MANIFEST, INDEX, INDEX_PAGE})

    def to_json(self) -> str:
        """The text of ``build.json``."""
        problems = {name: asdict(self.problems[name]) for name in sorted(self.problems)}
        data = {"version": 1, "whole": self.whole, "problems": problems}
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The record in `folder`; empty where there is none.

        Raises
        ------
        FolderError
            If there is one that no build wrote.
        """
        try:
            text = read_bytes(folder / MANIFEST).decode("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except (OSError, UnicodeDecodeError) as error:
            raise FolderError(f"expected to read {folder / MANIFEST}, found: {reason(error)}") from None
        try:
            data = json.loads(text)
            problems = {name: _record(entry) for name, entry in data["problems"].items()}
            whole = data["whole"] is True
        except (ValueError, TypeError, KeyError, AttributeError):
            raise FolderError(
                f"expected {folder / MANIFEST} to be the record of an earlier build, found something else; "
                "move it away, or choose another folder with --out"
            ) from None
        return cls(problems, whole)


def _record(entry: dict[str, object]) -> Record:
    rows, files, targets, sizes = entry["rows"], entry["files"], entry["targets"], entry["sizes"]
    if not (isinstance(rows, list) and isinstance(files, list) and isinstance(targets, list)):
        raise TypeError
    formats = entry.get("formats", FORMATS)
    if not (isinstance(sizes, dict) and isinstance(formats, list | tuple) and set(formats) <= set(FORMATS)):
        raise TypeError
    for name in files:
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name:
            raise ValueError
    return Record(
        title=str(entry["title"]),
        path=str(entry["path"]),
        sizes={str(axis): int(size) for axis, size in sizes.items()},
        targets=tuple(map(str, targets)),
        files=tuple(files),
        rows=tuple(Row(**{**row, "latex": tuple(row.get("latex", ("", "", "")))}) for row in rows),
        about=str(entry.get("about", "")),
        group=str(entry.get("group", "")),
        formats=tuple(map(str, formats)),
    )
