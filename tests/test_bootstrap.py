"""The setup script: clear sentences, and no work that is done already."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module that works in a folder of its own."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / ".venv").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "HERE", str(tmp_path))
    monkeypatch.setattr(module, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(module, "PROJECT", str(tmp_path / "pyproject.toml"))
    monkeypatch.setattr(module, "STAMP", str(tmp_path / ".venv" / "symderiv-installed"))
    return module


class Runs:
    """Stands in for running commands: notes them, and lets those that hold a word fail."""

    def __init__(self, fail: str = "") -> None:
        self.commands: list[str] = []
        self.fail = fail

    def __call__(self, command: list[str]) -> int:
        self.commands.append(" ".join(command))
        return int(bool(self.fail) and self.fail in self.commands[-1])


def test_an_old_python_can_read_it() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


def test_it_needs_only_the_standard_library() -> None:
    for node in ast.walk(ast.parse(SCRIPT.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert all(name.split(".")[0] in sys.stdlib_module_names for name in names)
        assert not isinstance(node, ast.ImportFrom)


def test_python_too_old(bootstrap: ModuleType) -> None:
    sentence = (
        r"expected Python 3\.11 or newer, found 3\.9 at /usr/bin/python3; run this file with a newer one"
    )
    with pytest.raises(bootstrap.BootstrapError, match=sentence):
        bootstrap.check_python((3, 9), "/usr/bin/python3")
    bootstrap.check_python((3, 11), "python")
    bootstrap.check_python((4, 0), "python")


def test_no_ensurepip(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(bootstrap.BootstrapError, match=r"lacks ensurepip; .* apt-get install python3-venv"):
        bootstrap.environment()


def test_an_environment_that_cannot_be_made(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(bootstrap, "VENV", str(tmp_path / "file" / ".venv"))
    with pytest.raises(bootstrap.BootstrapError, match="check that the folder is writable"):
        bootstrap.environment()


def test_pip_fails(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "run", Runs(fail="pip"))
    with pytest.raises(bootstrap.BootstrapError, match="check the network connection"):
        bootstrap.install("python", "")
    assert not Path(bootstrap.STAMP).exists()


def test_it_installs_only_what_is_missing(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs()
    monkeypatch.setattr(bootstrap, "run", runs)
    bootstrap.install("python", "")
    bootstrap.install("python", "")
    assert len(runs.commands) == 1
    bootstrap.install("python", "[dev]")
    bootstrap.install("python", "[dev]")
    bootstrap.install("python", "")
    assert len(runs.commands) == 2
    assert runs.commands[-1].endswith("[dev]")
    Path(bootstrap.PROJECT).write_text("[project]\nname = 'changed'\n")
    bootstrap.install("python", "")
    assert len(runs.commands) == 3


@pytest.mark.parametrize("fail", ["", "ruff check", "mypy", "pytest"])
def test_every_check_runs_and_failure_is_kept(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, fail: str
) -> None:
    runs = Runs(fail)
    monkeypatch.setattr(bootstrap, "run", runs)
    assert bootstrap.test("python", ["-k", "x"]) == (1 if fail else 0)
    assert [command.split()[2] for command in runs.commands] == ["ruff", "ruff", "mypy", "pytest"]
    assert runs.commands[-1] == "python -m pytest -n 2 --dist worksteal -k x"


@pytest.mark.parametrize(("arguments", "found"), [([], "found nothing"), (["dance"], "found 'dance'")])
def test_an_unknown_command(arguments: list[str], found: str) -> None:
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"bootstrap: expected 'build' or 'test', {found}\n")


def test_help() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True)
    assert "python3 bootstrap.py test" in done.stdout


def test_the_environment_is_made_and_used(bootstrap: ModuleType, tmp_path: Path) -> None:
    """A real one: its Python runs and has pip; the second time it is taken as it is."""
    python = bootstrap.environment()
    assert bootstrap.runs(python)
    mark = tmp_path / ".venv" / "mark"
    mark.write_text("")
    assert bootstrap.environment() == python
    assert mark.exists()
