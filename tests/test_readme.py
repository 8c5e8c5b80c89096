"""What the README shows is what happens: its commands and its Python are run."""

import doctest
import re
import shlex
import sys
from pathlib import Path

import pytest

from symderiv.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def examples() -> list[tuple[str, str]]:
    """Every command line in a console block, with what it is shown to print."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def matches(shown: str, printed: str) -> bool:
    """Whether `printed` is `shown`, where a line of three dots stands for any lines."""
    pieces = [re.escape(piece) for piece in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
    return re.fullmatch(r"(?:.*\n)*?".join(pieces), printed) is not None


def test_there_are_examples() -> None:
    commands = [command for command, _ in examples()]
    for verb in ("list", "derive", "prove", "explain", "emit", "verify", "build"):
        assert any(command.startswith(f"symderiv {verb}") for command in commands), verb


def test_dots_stand_for_lines() -> None:
    assert matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert matches("a\n...\n", "a\n")
    assert not matches("a\n...\nd\n", "a\nb\nc\n")


@pytest.mark.parametrize(("command", "shown"), examples(), ids=[command for command, _ in examples()])
def test_a_command_prints_what_is_shown(
    command: str,
    shown: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in re.findall(
        r"`(\w+\.(?:sd|py|md))`:\n\n```(?:python)?\n(.*?)^```$", README, re.DOTALL | re.MULTILINE
    ):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", shlex.split(command, comments=True))
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    status = re.search(r"# exit status (\d)$", command)
    assert int(stop.value.code or 0) == (int(status[1]) if status else 0), err
    assert matches(shown, out), out


def test_the_python_example() -> None:
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert results.attempted > 0
    assert results.failed == 0


def test_every_folder_is_described() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    folders -= {"dist", "build"}
    rooms = {path.name for path in (ROOT / "symderiv").iterdir() if (path / "__init__.py").is_file()}
    for name in folders | rooms:
        assert f"{name}/" in README, name
