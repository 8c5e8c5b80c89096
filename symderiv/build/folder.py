"""The output folder: whole files or none, a record of what is ours, and a comparison.

Every file is first written into a hidden folder inside the output folder (so that a full disk is
met before anything is touched) and then moved into place with :func:`os.replace`. Whatever stops a
build, each file is therefore the old one or the new one, and whole. ``build.json`` lists what the
builds wrote; nothing else is ever replaced or removed.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from symderiv.build.manifest import MANIFEST, FolderError, Manifest, Record
from symderiv.notation.errors import quoted
from symderiv.system import NotPlainError, plain, reason

_STAGING = ".symderiv-"


@dataclass(frozen=True, slots=True)
class Difference:
    """One file in which a folder differs from a fresh build.

    `kind` is ``missing``, ``not written by build`` or ``different``; then `diff` is a unified diff.
    """

    name: str
    kind: str
    diff: str


def write_file(path: Path, text: str) -> None:
    """Write one file, whole or not at all; see :func:`write_files`."""
    write_files({path: text})


def write_files(texts: Mapping[Path, str]) -> None:
    """Write files, each whole or not at all; all are written aside before the first is put in its place.

    Raises
    ------
    FolderError
        If one cannot be written.
    """
    asides: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            with _writing(path):
                plain(path)
                place = Path(os.path.realpath(path))  # a link stays a link: the file it leads to is replaced
                asides[path] = place.with_name(f".symderiv-{os.getpid()}-{len(asides)}")
                asides[path].write_bytes(text.encode("utf-8"))
        for path, aside in asides.items():
            with _writing(path):
                os.replace(aside, os.path.realpath(path))
    finally:
        for aside in asides.values():
            with contextlib.suppress(OSError):
                aside.unlink()


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say of what goes wrong inside that `path` was to be written."""
    try:
        yield
    except (OSError, UnicodeEncodeError) as error:
        raise FolderError(f"expected to write {quoted(str(path), 200)}, found: {_refusal(error)}") from None


def _refusal(error: OSError | UnicodeEncodeError) -> str:
    """Why a file cannot be written, in words."""
    if isinstance(error, NotPlainError):
        return f"{reason(error)}; name a file, or leave the name away and redirect the output"
    if isinstance(error, UnicodeEncodeError):  # texts hold what files are called
        return "a file's name that is no UTF-8; rename the file"
    return reason(error)


def prepare(folder: Path) -> None:
    """Make `folder` if need be, and see that it can be written.

    Raises
    ------
    FolderError
        If it is a file, cannot be made or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError):
        raise FolderError(
            f"expected a folder to write into, found that {folder} is a file or lies below one; "
            "choose another with --out"
        ) from None
    except OSError as error:
        raise FolderError(
            f"expected to write into {folder}, found: {reason(error)}; choose another folder with --out"
        ) from None


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for one build at a time (where the system can lock a folder)."""
    try:
        import fcntl
    except ImportError:  # Windows: temporary names differ per process, the last build wins
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write(folder: Path, manifest: Manifest, files: Mapping[str, str], old: Manifest) -> list[str]:
    """Bring `folder` from the state that `old` records to that of `manifest`.

    Parameters
    ----------
    folder
        An existing folder, which the caller holds with :func:`locked`.
    manifest
        What the folder is to hold afterwards.
    files
        The text of every file that may have changed, by name; the record itself is added.
    old
        What the folder holds now.

    Returns
    -------
    list of str
        The files that were changed, added or removed, sorted.

    Raises
    ------
    FolderError
        If something in the way is not ours, or the disk is full. Nothing has changed then, unless
        the message says otherwise.
    """
    stale = sorted(old.files - manifest.files)
    _refuse_foreign(folder, files, stale, old)
    # While files are being moved, the record names the old ones and the new ones: after an
    # interrupt, the next build still knows which are ours.
    meanwhile = Manifest({**old.problems, **_united(old, manifest)}, manifest.whole)
    stages = [
        {MANIFEST: meanwhile.to_json()},
        {name: files[name] for name in sorted(files)},
        {MANIFEST: manifest.to_json()},
    ]
    _remove_left_over(folder)
    staging = None
    try:
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=folder))
        for number, stage in enumerate(stages):
            for name, text in stage.items():
                aside = staging / str(number) / name
                aside.parent.mkdir(parents=True, exist_ok=True)
                aside.write_bytes(text.encode("utf-8"))
    except (OSError, UnicodeEncodeError) as error:
        _discard(staging)
        raise FolderError(
            f"expected to write into {folder}, found: {_refusal(error)}; no file has been changed"
        ) from None
    except BaseException:
        _discard(staging)
        raise
    changed: list[str] = []
    try:
        for number, stage in enumerate(stages):
            changed += [name for name in stage if _move(staging / str(number) / name, folder / name)]
            if number == 1:
                changed += [name for name in stale if _remove(folder, name)]
    except OSError as error:
        raise FolderError(
            f"expected to write into {folder}, found: {reason(error)}; every file is whole, but some are "
            "of the earlier build: make room and build again"
        ) from None
    finally:
        _discard(staging)
    return sorted({name for name in changed if name != MANIFEST})


def compare(folder: Path, files: Mapping[str, str]) -> list[Difference]:
    """Where `folder` differs from `files`, which must be everything that belongs in it."""
    found = {name: _read(folder / name) for name in _files_in(folder)}
    differences = []
    for name in sorted(found.keys() | files.keys()):
        have, want = found.get(name), files.get(name)
        if have == want:
            continue
        if have is None or want is None:
            differences.append(Difference(name, "missing" if have is None else "not written by build", ""))
            continue
        lines = difflib.unified_diff(
            have.splitlines(), want.splitlines(), f"{folder}/{name}", f"{name} (fresh build)", lineterm=""
        )
        differences.append(Difference(name, "different", "\n".join(lines)))
    return differences


def _files_in(folder: Path) -> Iterator[str]:
    """The files below `folder`, without what Python and an unfinished build leave there."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        ours = "__pycache__" in name.parts or name.parts[0].startswith(_STAGING)
        if path.is_file() and not ours:
            yield name.as_posix()


def _read(path: Path) -> str:
    # Bytes that are no UTF-8 differ from every text that a build writes.
    return path.read_bytes().decode("utf-8", errors="backslashreplace")


def _united(old: Manifest, new: Manifest) -> dict[str, Record]:
    united = {}
    for name, record in new.problems.items():
        earlier = old.problems[name].files if name in old.problems else ()
        files = tuple(sorted({*earlier, *record.files}))
        united[name] = replace(record, files=files)
    return united


def _refuse_foreign(folder: Path, files: Mapping[str, str], stale: Sequence[str], old: Manifest) -> None:
    """Raise where something is in the way that no build wrote: a text of somebody else, a folder, a pipe."""
    for name in sorted({*files, *stale}):
        path = folder / name
        for parent in path.parents:
            if parent == folder:
                break
            if parent.exists() and not parent.is_dir():
                raise _foreign(parent)
        try:
            there = plain(path)
            foreign = there and name not in old.files and _read(path) != files[name]
        except OSError:
            foreign = True
        if foreign:
            raise _foreign(path)


def _foreign(path: Path) -> FolderError:
    return FolderError(
        f"expected to write {path}, found something there that no build wrote; "
        "move it away, or choose another folder with --out"
    )


def _move(aside: Path, target: Path) -> bool:
    """Put `aside` in the place of `target`; False where that would change nothing."""
    try:
        if target.read_bytes() == aside.read_bytes():
            return False
    except OSError:
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(aside, target)
    return True


def _remove(folder: Path, name: str) -> bool:
    try:
        (folder / name).unlink()
    except FileNotFoundError:
        return False
    for parent in (folder / name).parents:
        if parent == folder:
            break
        shutil.rmtree(parent / "__pycache__", ignore_errors=True)
        try:
            parent.rmdir()
        except OSError:
            break
    return True


def _remove_left_over(folder: Path) -> None:
    """Remove what a killed build left; nobody else is writing, for the caller holds the lock."""
    for path in folder.glob(_STAGING + "*"):
        shutil.rmtree(path, ignore_errors=True)


def _discard(staging: Path | None) -> None:
    if staging is not None:
        shutil.rmtree(staging, ignore_errors=True)
