"""The wheel: installed into a clean environment, it works from any folder, templates included."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from symderiv import __version__
from symderiv.build import TARGETS
from symderiv.kernels import registry

ROOT = Path(__file__).resolve().parents[1]


def do(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    do(*pip, "--wheel-dir", folder, ROOT, cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a clean environment with the wheel in it.

    The libraries are those of the environment that runs the tests, so that nothing is downloaded;
    a ``.pth`` file shows the way, which does not bring in an editable install.
    """
    folder = tmp_path_factory.mktemp("clean")
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet", "--no-deps"]
    do(*pip, wheel, cwd=folder)
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(do(scripts / "python", "-c", find, cwd=folder).strip())
    paths = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (site / "libraries.pth").write_text("\n".join(paths) + "\n")
    return scripts


def test_what_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "symderiv").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    templates = {
        f"symderiv/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    }
    assert package | templates <= names
    assert "symderiv/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    others = {name for name in names - package - templates if ".dist-info/" not in name}
    assert others == set()


def test_the_installed_package_is_the_wheel(installed: Path, tmp_path: Path) -> None:
    where = do(installed / "python", "-c", "import symderiv; print(symderiv.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert do(installed / "symderiv", "--version", cwd=tmp_path) == f"symderiv {__version__}\n"


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_emitted_from_another_folder(installed: Path, tmp_path: Path, target: str) -> None:
    suffix = registry.TARGETS[target].suffix
    do(installed / "symderiv", "emit", "softmax", "--target", target, "--out", f"made{suffix}", cwd=tmp_path)
    source = (tmp_path / f"made{suffix}").read_text()
    if suffix != ".py":
        assert '#include "made.h"' in source
        assert "softmax_f32(" in (tmp_path / "made.h").read_text()
        return
    assert source == do(sys.executable, "-m", "symderiv", "emit", "softmax", "--target", target, cwd=ROOT)
    do(installed / "python", "-c", "import made", cwd=tmp_path)


def test_the_main_job_from_another_folder(installed: Path, tmp_path: Path) -> None:
    out = do(installed / "symderiv", "build", "softmax", "--target", "numpy", cwd=tmp_path)
    assert "p[i] * (delta(i, j) - p[j])" in out
    assert (tmp_path / "generated" / "softmax" / "softmax.tex").is_file()
    do(installed / "symderiv", "build", "--check", cwd=tmp_path)


USER = '''\
"""A program of a user, type-checked strictly against the installed package."""

from collections.abc import Callable

import symderiv as sd


def forms(problem: str) -> dict[str, str]:
    result: sd.Result = sd.derive(problem, wrt="z")
    passed: sd.BackwardResult = sd.backward(problem)
    return {"z": result.form_text, **passed.forms}


proof = sd.prove("a = a")
verdict: str = proof.verdict
if proof:
    print(verdict, forms("softmax"))
lines: list[int] = [each.place.line for each in sd.check("$$ a = a $$").judgements]
function: Callable[..., object] = sd.compile("softmax")
reveal_type(sd.derive("softmax").assumptions)
sd.derive(3)
'''


def test_types_are_there_for_a_users_program(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MYPY"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed / "python", "user.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    revealed, wrong, summary = done.stdout.splitlines()
    last = len(USER.splitlines())
    assert revealed == f'user.py:{last - 1}: note: Revealed type is "tuple[str, ...]"', (
        done.stdout + done.stderr
    )
    assert wrong.startswith(f'user.py:{last}: error: Argument 1 to "derive" has incompatible type "int"')
    assert summary.startswith("Found 1 error in 1 file")
