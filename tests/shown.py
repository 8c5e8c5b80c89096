"""What a page shows, run: commands, Python, files. ``python -m tests.shown PAGE`` prints the differences.

A page is read from its top to its bottom in one folder and one namespace:

- after a line that ends with a file's name, such as ``This is `notes.md`:``, a block is that file;
- ``python`` blocks are run, and where they hold ``>>>`` what they print is compared;
- ``console`` blocks are command lines after ``$``, with what they print; ``# exit status 1`` ends one that
  is to fail;
- in what is shown, a line of three dots stands for any lines, and ``…`` for anything within a line.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Languages of blocks that are shown only.
SHOWN_ONLY = {"", "text", "latex", "markdown", "yaml", "toml", "c", "sh", "sql", "json"}
_FENCE = re.compile(
    r"^(?P<ticks>```+)(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=ticks)[ \t]*$", re.DOTALL | re.MULTILINE
)
_NAMED = re.compile(r"`([\w./-]+\.\w+)`:\n+\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line on which its text begins, the file that it is."""

    language: str
    text: str
    line: int
    file: str = ""


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order; directives of the documentation are none."""
    for match in _FENCE.finditer(page):
        language = match["language"].strip()
        if language.startswith("{"):
            continue
        named = _NAMED.search(page[: match.start()])
        line = page.count("\n", 0, match.start("text")) + 1
        yield Block(language, match["text"], line, named[1] if named else "")


def commands(block: Block) -> Iterator[tuple[int, str, str]]:
    """The command lines of a console block: line, command, what it is shown to print."""
    line = block.line
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        found = re.match(r"((?:[^\n]*\\\n)*[^\n]*)\n?(.*)\Z", part, re.DOTALL)
        assert found is not None
        command, output = found.groups()
        yield line, command.replace("\\\n", " "), output
        line += part.count("\n")


def matches(shown: str, printed: str) -> bool:
    """Whether `printed` is `shown`, where three dots stand for any lines and … for anything in a line."""
    pieces = [
        re.escape(piece).replace("…", "[^\\n]*")
        for piece in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)
    ]
    return re.fullmatch(r"(?:.*\n)*?".join(pieces), printed) is not None


class Runner:
    """Runs the blocks of one page in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "page"}

    def faults(self, page: str) -> Iterator[str]:
        """Run a page; what is not as shown, in words."""
        for block in blocks(page):
            if block.file:
                path = self.folder / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            elif block.language == "python":
                yield from self.python(block)
            elif block.language == "console":
                for line, command, shown in commands(block):
                    yield from self.command(line, command, shown)
            elif block.language not in SHOWN_ONLY:
                yield f"line {block.line}: a block in {block.language!r}, which nothing runs"

    def python(self, block: Block) -> Iterator[str]:
        if ">>> " not in block.text:
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(block.text, f"line {block.line}", "exec"), self.names)  # a page of ours
            except Exception as error:
                yield f"line {block.line}: {type(error).__name__}: {error}"
            return
        test = doctest.DocTestParser().get_doctest(block.text, self.names, "page", None, block.line - 1)
        told: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        runner.run(test, out=told.append, clear_globs=False)
        self.names = test.globs
        if runner.failures:
            yield "".join(told)

    def command(self, line: int, command: str, shown: str) -> Iterator[str]:
        wanted = re.search(r"\s+# exit status (\d+)$", command)
        words = shlex.split(command[: wanted.start()] if wanted else command)
        source = Path(words[words.index("<") + 1]) if "<" in words else None
        words = words[: words.index("<")] if source else words
        status, out, err = self.run(words, source.read_bytes() if source else b"")
        if status != (int(wanted[1]) if wanted else 0):
            yield f"line {line}: {command}\nexit status {status}\n{err}"
        elif not matches(shown, out):
            yield f"line {line}: {command}\n--- shown\n{shown}--- printed\n{out}{err}"

    def run(self, words: list[str], given: bytes) -> tuple[int, str, str]:
        """The exit status of a command and what it prints; symderiv's own run in this process."""
        if words[0] != "symderiv":
            words = [sys.executable if words[0] == "python" else words[0], *words[1:]]
            done = subprocess.run(words, input=given, capture_output=True, check=False, cwd=self.folder)
            return done.returncode, done.stdout.decode(), done.stderr.decode()
        from symderiv.cli import main

        before, out, err = (sys.argv, sys.stdin), io.StringIO(), io.StringIO()
        sys.argv, sys.stdin = words, io.TextIOWrapper(io.BytesIO(given))
        status: Any = 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
        except SystemExit as stop:
            status = stop.code
        finally:
            sys.argv, sys.stdin = before
        return int(status or 0), out.getvalue(), err.getvalue()


if __name__ == "__main__":
    import os
    import tempfile

    for name in sys.argv[1:]:
        text = Path(name).read_text()
        with tempfile.TemporaryDirectory() as made:
            os.chdir(made)
            for fault in Runner(Path(made)).faults(text):
                print(f"{name}: {fault}\n")
