"""The output folder: whatever stops a build, every file is the old one or the new one, and whole."""

import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from symderiv.build.folder import compare, locked, prepare, write, write_file
from symderiv.build.manifest import INDEX, INDEX_PAGE, MANIFEST, FolderError, Manifest, Record, Row


def record(name: str, *files: str) -> Record:
    rows = (Row("d(p[i], z[j])", "p[i]", "normal form", 3, 3),)
    return Record(name.title(), "", {"K": 3}, ("numpy",), tuple(f"{name}/{file}" for file in files), rows)


def texts(manifest: Manifest, mark: str) -> dict[str, str]:
    names = manifest.files - {MANIFEST}
    return {name: f"{mark} {name}\n" * 200 for name in sorted(names)}


OLD = Manifest({"a": record("a", "a.tex", "a.md"), "b": record("b", "b.tex")})
NEW = Manifest({"a": record("a", "a.tex", "a.py"), "c": record("c", "c.tex")})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    out = tmp_path / "out"
    prepare(out)
    write(out, OLD, texts(OLD, "old"), Manifest())
    return out


def state(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def assert_whole(folder: Path) -> None:
    for name, text in state(folder).items():
        possible = {texts(OLD, "old").get(name), texts(NEW, "new").get(name)}
        assert text in possible, f"{name} is neither the old file nor the new one"


def test_writes_what_is_new_and_removes_what_is_stale(folder: Path) -> None:
    (folder / "mine.txt").write_text("not a build's")
    changed = write(folder, NEW, texts(NEW, "new"), Manifest.read(folder))
    assert changed == [INDEX, "a/a.md", "a/a.py", "a/a.tex", "b/b.tex", "c/c.tex", INDEX_PAGE]
    assert state(folder) == {**texts(NEW, "new"), "mine.txt": "not a build's"}
    assert not (folder / "b").exists()
    assert Manifest.read(folder) == NEW


def test_a_second_build_changes_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert write(folder, OLD, texts(OLD, "old"), Manifest.read(folder)) == []
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in before if before[path] != after[path]} <= {MANIFEST}


def test_nothing_foreign_is_replaced(folder: Path) -> None:
    (folder / "c").mkdir()
    (folder / "c" / "c.tex").write_text("by hand")
    with pytest.raises(FolderError, match=r"c/c\.tex, found something there that no build wrote"):
        write(folder, NEW, texts(NEW, "new"), Manifest.read(folder))
    assert state(folder) == {**texts(OLD, "old"), "c/c.tex": "by hand"}


def test_a_file_where_a_folder_must_be(folder: Path) -> None:
    (folder / "c").write_text("by hand")
    with pytest.raises(FolderError, match="no build wrote"):
        write(folder, NEW, texts(NEW, "new"), Manifest.read(folder))
    assert state(folder) == {**texts(OLD, "old"), "c": "by hand"}


@pytest.mark.parametrize("name", ["a/a.tex", "c/c.tex", "b/b.tex", INDEX_PAGE])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_no_folder_and_no_pipe_is_replaced(folder: Path, make: Callable[[Path], None], name: str) -> None:
    """Whether it is where a file is to be, was, or is to be removed; nobody waits for a pipe either."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)
    before = state(folder)
    with pytest.raises(FolderError, match=rf"{name}, found something there that no build wrote"):
        write(folder, NEW, texts(NEW, "new"), Manifest.read(folder))
    assert state(folder) == before
    assert path.exists()
    assert not path.is_file()


def test_a_pipe_as_the_record(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    os.mkfifo(folder / MANIFEST)
    with pytest.raises(FolderError, match="it is a device or a pipe"):
        Manifest.read(folder)


@pytest.mark.parametrize("text", ["[]", "{", '{"problems": {"a": {"files": ["../../x"]}}}'])
def test_a_strange_record_is_refused(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    with pytest.raises(FolderError, match="the record of an earlier build"):
        Manifest.read(folder)


def test_a_record_cannot_name_files_outside(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace("b/b.tex", "../b.tex"))
    with pytest.raises(FolderError, match="the record of an earlier build"):
        Manifest.read(folder)


@pytest.mark.parametrize("room", range(6))
def test_a_full_disk_changes_nothing(folder: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full after `room` files; the file that does not fit is cut off in the middle."""
    real, left = Path.write_bytes, room

    def write_bytes(path: Path, data: bytes) -> int:
        nonlocal left
        if left == 0:
            real(path, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        left -= 1
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(FolderError, match=r"the disk is full .* no file has been changed"):
        write(folder, NEW, texts(NEW, "new"), Manifest.read(folder))
    monkeypatch.undo()
    assert state(folder) == texts(OLD, "old")
    assert Manifest.read(folder) == OLD


@pytest.mark.parametrize("moves", range(6))
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_stop_between_files(
    folder: Path, moves: int, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = os.replace, moves

    def replace(source: Path, target: Path) -> None:
        nonlocal left
        if left == 0:
            raise failure
        left -= 1
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises((FolderError, KeyboardInterrupt)):
        write(folder, NEW, texts(NEW, "new"), Manifest.read(folder))
    monkeypatch.undo()
    assert_whole(folder)
    # The next build finishes the work: nothing new is lost sight of, nothing stale stays.
    write(folder, NEW, texts(NEW, "new"), Manifest.read(folder))
    assert state(folder) == texts(NEW, "new")


def in_process(code: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    head = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    head += "from test_build_folder import *\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code), *arguments],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize("moves", [0, 2, 4])
def test_a_killed_build(folder: Path, moves: int) -> None:
    code = """
    real, left, out = os.replace, int(sys.argv[2]), Path(sys.argv[1])
    def replace(source, target):
        global left
        if left == 0:
            os.kill(os.getpid(), 9)
        left -= 1
        real(source, target)
    os.replace = replace
    write(out, NEW, texts(NEW, "new"), Manifest.read(out))
    """
    assert in_process(code, str(folder), str(moves)).returncode == -9
    left_over = set(folder.glob(".symderiv-*"))
    assert left_over
    for path in folder.rglob("*"):
        if path.is_file() and path.name != MANIFEST and not path.is_relative_to(next(iter(left_over))):
            name = path.relative_to(folder).as_posix()
            assert path.read_text() in {texts(OLD, "old").get(name), texts(NEW, "new").get(name)}
    write(folder, NEW, texts(NEW, "new"), Manifest.read(folder))
    assert state(folder) == texts(NEW, "new")


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_real_limit_on_the_size_of_files(folder: Path) -> None:
    """No patch here: the system itself refuses to write more than 1000 bytes into a file."""
    code = """
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    out = Path(sys.argv[1])
    try:
        write(out, NEW, texts(NEW, "new"), Manifest.read(out))
    except FolderError as error:
        print(error)
    """
    done = in_process(code, str(folder))
    assert "the disk is full" in done.stdout, done.stderr
    assert "no file has been changed" in done.stdout
    assert state(folder) == texts(OLD, "old")


def test_two_builds_into_one_folder(tmp_path: Path) -> None:
    code = """
    out, name = Path(sys.argv[1]), sys.argv[2]
    prepare(out)
    for turn in range(15):
        with locked(out):
            old = Manifest.read(out)
            new = Manifest({**old.problems, name: record(name, f"{turn}.tex")})
            files = {f"{name}/{turn}.tex": name, INDEX: " ".join(sorted(new.problems))}
            write(out, new, files, old)
    """
    out = tmp_path / "out"
    head = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    head += "from test_build_folder import *\n"
    command = [sys.executable, "-c", head + textwrap.dedent(code), str(out)]
    both = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in ("x", "y")]
    for process in both:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert state(out) == {"x/14.tex": "x", "y/14.tex": "y", INDEX: "x y"}
    assert set(Manifest.read(out).problems) == {"x", "y"}


@pytest.mark.parametrize("below", [".", "deeper"])
def test_a_file_instead_of_the_folder(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="is a file or lies below one"):
        prepare(tmp_path / "file" / below)


def test_comparison_names_every_difference(folder: Path) -> None:
    fresh = {**texts(OLD, "old"), MANIFEST: OLD.to_json()}
    assert compare(folder, fresh) == []
    (folder / "a" / "__pycache__").mkdir()
    (folder / "a" / "__pycache__" / "x.nbi").write_text("a cache")
    assert compare(folder, fresh) == []
    (folder / "a" / "a.md").write_text("edited\n")
    (folder / "b" / "b.tex").unlink()
    (folder / "b" / "extra").write_bytes(b"\xff\n")
    found = {each.name: each for each in compare(folder, fresh)}
    assert {name: each.kind for name, each in found.items()} == {
        "a/a.md": "different", "b/b.tex": "missing", "b/extra": "not written by build",
    }  # fmt: skip
    assert "-edited" in found["a/a.md"].diff
    assert "+old a/a.md" in found["a/a.md"].diff


def test_locking_is_exclusive(tmp_path: Path) -> None:
    code = """
    import fcntl
    handle = os.open(sys.argv[1], os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("held")
    """
    with locked(tmp_path):
        assert in_process(code, str(tmp_path)).stdout == "held\n"
    assert in_process(code, str(tmp_path)).stdout == ""


def test_one_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "module.py"
    write_file(path, "old")
    write_file(path, "new")
    assert path.read_text() == "new"

    def replace(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(FolderError, match="the disk is full"):
        write_file(path, "newer")
    assert [each.name for each in tmp_path.iterdir()] == ["module.py"]
    assert path.read_text() == "new"


def test_one_file_where_it_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="it is a folder"):
        write_file(tmp_path, "text")
    with pytest.raises(FolderError, match="no such file or directory"):
        write_file(tmp_path / "no" / "file.py", "text")
