"""What the machine refuses or lacks: one sentence and the documented status, never a traceback or a hang."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import pytest

import symderiv as sd
from symderiv.bench.peers import present
from symderiv.build import Plan, main_job
from symderiv.build.folder import write_files
from symderiv.build.manifest import FolderError
from symderiv.documents.fragments import ShowsItself
from symderiv.kernels.errors import MissingError
from symderiv.proof.split_axes import _Classes
from symderiv.system import within_limits

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs pipes with names, /dev and limits")


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """End a test that waits for ever: for somebody who writes into a pipe, say."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def shell(command: str, folder: Path, **limits: int) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which $SYM is the command, under limits of the system."""

    def limit() -> None:
        for name, most in limits.items():
            resource.setrlimit(getattr(resource, name), (most, most))

    root = str(Path(__file__).resolve().parents[1])
    environment = {**os.environ, "SYM": f"{sys.executable} -m symderiv", "PYTHONPATH": root}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=60, preexec_fn=limit,
    )  # fmt: skip


def one_sentence(err: str, words: str) -> None:
    assert words in err
    assert err.startswith("symderiv: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["derive", "{}/pipe.sd"], "pipe.sd cannot be read: it is a device or a pipe"),
        (["build", "{}/pipe.sd"], "pipe.sd cannot be read: it is a device or a pipe"),
        (["prove", "a = a", "--in", "{}/folder.sd"], "folder.sd cannot be read: it is a folder"),
        (
            ["check", "{}/pipe.md"],
            "expected a file or a folder of documents, found: it is a device or a pipe",
        ),
        (["check", "--code", "{}/pipe.py::f", "--against", "softmax"], "it is a device or a pipe"),
        (["check", "--code", "{}/zero.py::f", "--against", "softmax"], "zero.py: expected Python, found"),
        (["check", "a" * 5000 + ".md"], "cannot read it: file name too long"),
        (["derive", "./" + "a" * 5000 + ".sd"], "... cannot be read: file name too long"),
    ],
)
def test_inputs_that_are_no_files(run, tmp_path: Path, arguments: list[str], words: str) -> None:
    for name in ("pipe.sd", "pipe.md", "pipe.py"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "folder.sd").mkdir()
    (tmp_path / "zero.py").write_bytes(b"def f(z):\n    return z\0\n")
    status, out, err = run(*(each.replace("{}", str(tmp_path)) for each in arguments))
    assert status == 2
    assert words in out + err
    assert "None" not in out + err


def test_several_files_are_written_or_none(tmp_path: Path) -> None:
    first, second = tmp_path / "a.h", tmp_path / "a.c"
    first.write_text("old")
    second.mkdir()
    with pytest.raises(FolderError, match=r"a\.c, found: it is a folder; name a file"):
        write_files({first: "new", second: "new"})
    assert first.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.c", "a.h"]


def test_outputs_that_are_no_files(run, tmp_path: Path) -> None:
    (tmp_path / "loop.py").symlink_to("loop.py")
    for name, words in (
        ("loop.py", "loop.py, found: too many levels of symbolic links"),
        ("/", "expected to write /, found: it is a folder"),
        ("/dev/full", "it is a device or a pipe; name a file, or leave the name away and redirect"),
    ):
        status, _, err = run("emit", "softplus", "--out", str(tmp_path / name))
        assert status == 2
        one_sentence(err, words)


def test_a_name_that_is_no_text(run, tmp_path: Path) -> None:
    """The header's name stands in the file, which is UTF-8."""
    status, _, err = run("emit", "softplus", "--target", "c", "--out", f"{tmp_path}/\udcff.c")
    assert status == 2
    one_sentence(err, "a file's name that is no UTF-8; rename the file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "limits", "status", "words"),
    [
        ("$SYM build softmax relu --target numpy", {"RLIMIT_NOFILE": 16}, 2, "found: too many open files"),
        ("HOME=/dev/null $SYM --install-completion", {}, 2, "found: /dev/null: file exists"),
        (
            "mkdir a; cd a; rmdir ../a; $SYM verify relu --target numba",
            {},
            2,
            "it is gone (removed or moved)",
        ),
        ("$SYM prove - <&-", {}, 2, "expected text on the standard input, found that it is closed"),
        ("PYTHONUNBUFFERED=1 $SYM emit relu > half", {"RLIMIT_FSIZE": 1024}, 1, "the disk is full"),
        ("$SYM emit relu > half", {"RLIMIT_FSIZE": 1024}, 1, "the disk is full"),
    ],
)
def test_what_the_machine_refuses(
    tmp_path: Path, command: str, limits: dict[str, int], status: int, words: str
) -> None:
    done = shell(command, tmp_path, **limits)
    assert done.returncode == status, done.stderr
    one_sentence(done.stderr, words)


def test_a_document_on_a_closed_input_is_unreadable(tmp_path: Path) -> None:
    done = shell("$SYM check - <&-", tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    assert "unreadable: expected text on the standard input, found that it is closed" in done.stdout


@pytest.mark.parametrize("place", ["/dev/full", "&-"])
def test_where_nothing_can_be_told_the_status_tells(tmp_path: Path, place: str) -> None:
    assert shell(f"$SYM derive sofmax 2>{place}", tmp_path).returncode == 2


def test_definitions_that_build_on_each_other_without_end(run, tmp_path: Path) -> None:
    lines = ["index i : K", "input x[K]", "y0[i] = exp(x[i])"]
    lines += [f"y{number + 1}[i] = exp(y{number}[i])" for number in range(300)]
    (tmp_path / "chain.sd").write_text("\n".join(lines))
    for command in (["derive", "--wrt", "x"], ["emit"]):
        status, _, err = run(command[0], str(tmp_path / "chain.sd"), *command[1:])
        assert status == 2
        one_sentence(err, "with its definitions it is nested too deeply; let fewer definitions build on each")


def test_in_python_too_they_get_one_sentence_of_ours() -> None:
    lines = ["input x[K]", "y0[i] = exp(x[i])"]
    lines += [f"y{number + 1}[i] = exp(y{number}[i])" for number in range(300)]
    deep = sd.parse("\n".join(lines))
    told = "^expected a problem that can be worked out here, found that .*nested too deeply; .*definitions"
    for asked in (
        lambda: sd.derive(deep, wrt="x"),
        lambda: sd.jvp(deep, "x"),
        lambda: sd.hvp(deep, "x"),
        lambda: sd.prove("d(y300[i], x[j]) = 0", deep),
    ):
        with pytest.raises(sd.LimitError, match=told) as raised:
            asked()
        assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError()])
def test_what_the_library_answers_and_shows_keeps_within_limits(error: Exception) -> None:
    class Shown(ShowsItself):
        """Something that cannot be shown."""

        def html(self) -> str:
            raise error

        @property
        def form(self) -> str:
            raise error

        def __str__(self) -> str:
            raise error

    def fails() -> None:
        raise error

    for asked in (within_limits(fails), Shown().html, lambda: Shown().form, Shown()._repr_mimebundle_):
        with pytest.raises(sd.LimitError, match="expected a problem that can be worked out here, found "):
            asked()


def test_every_function_of_the_library_keeps_within_limits() -> None:
    light = {"names"}  # works nothing out
    made = within_limits(len).__code__
    for name in set(sd.__all__) - light:
        found = getattr(sd, name)
        if isinstance(found, FunctionType):
            assert found.__code__ is made, f"sd.{name} lets Python speak where its stack is at an end"
        elif isinstance(found, type) and not issubclass(found, Exception):
            assert issubclass(found, ShowsItself), f"sd.{name} shows itself without limits"


def test_classes_are_as_many_as_they_are() -> None:
    classes = _Classes()
    for number in reversed(range(5000)):
        classes.join(number, number + 1)
    assert {classes.of(number) for number in range(5001)} == {5000}
    assert classes.of("other") == "other"


def test_a_thousand_inputs_and_axes(run, tmp_path: Path) -> None:
    names = range(1000)
    text = "\n".join(f"index i{n}:A{n}" for n in names) + f"\ninput {','.join(f'x{n}[A{n}]' for n in names)}"
    (tmp_path / "many.sd").write_text(f"{text}\ny[i7] = exp(x7[i7])\n")
    status, out, _ = run("derive", str(tmp_path / "many.sd"), "--wrt", "x7")
    assert status == 0
    assert "= exp(x7[i7]) * delta(" in out or "= y[i7] * delta(" in out


def test_without_numba(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    sentence = (
        r"expected the package numba, which .* imports, found it missing; install it: pip install numba"
    )
    with pytest.raises(MissingError, match=sentence):
        sd.compile("softplus", target="numba")
    with pytest.raises(MissingError, match=sentence):
        sd.verify("softplus", target="numba")
    assert main_job.run(Plan.of(["softplus"], {}, ["numba"]), None) == 0
    assert "the target numba is not verified: expected the package numba" in capsys.readouterr().err
    assert present(["emitted"])[1] == {
        "emitted numba": "emitted numba is left out: the package numba is not installed"
    }


def test_peers_of_which_none_is_there(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    status, out, err = run("bench", "--peer", "pytorch", "--only", "softmax", "--quick")
    assert (status, out) == (2, "")
    one_sentence(err, "found none: torch is left out: the package torch is not installed")
