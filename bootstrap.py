"""Sets up symderiv in ``.venv`` beside this file and runs it.

    python3 bootstrap.py build [ARGUMENTS OF symderiv build]
    python3 bootstrap.py test [ARGUMENTS OF pytest]

The first run installs; later runs install again only when ``pyproject.toml`` has changed. Nothing but
Python's own library is needed here, and the file is written so that an old Python can read it far
enough to say that it is too old.
"""

import hashlib
import os
import subprocess
import sys

OLDEST = (3, 11)
HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
PROJECT = os.path.join(HERE, "pyproject.toml")
STAMP = os.path.join(VENV, "symderiv-installed")
#: What each command needs beside the package itself.
EXTRAS = {"build": "", "test": "[dev]"}


class BootstrapError(Exception):
    """Something that stops the setup; the message is one sentence for the reader."""


def main(arguments):
    """Set up, run the command that `arguments` name, and return its exit status."""
    command = arguments[0] if arguments else ""
    if command in ("-h", "--help"):
        print(__doc__)
        return 0
    if command not in EXTRAS:
        found = repr(command) if command else "nothing"
        sys.stderr.write("bootstrap: expected 'build' or 'test', found %s\n\n%s" % (found, __doc__))
        return 2
    try:
        check_python(sys.version_info[:2], sys.executable)
        python = environment()
        install(python, EXTRAS[command])
    except BootstrapError as error:
        sys.stderr.write("bootstrap: %s\n" % error)
        return 1
    if command == "build":
        return run([python, "-m", "symderiv", "build", *arguments[1:]])
    return test(python, arguments[1:])


def check_python(version, executable):
    """Raise unless `version` of Python, at `executable`, can run symderiv."""
    if tuple(version) < OLDEST:
        raise BootstrapError(
            "expected Python %d.%d or newer, found %d.%d at %s; run this file with a newer one, "
            "for example: python3.11 bootstrap.py build" % (OLDEST + tuple(version) + (executable,))
        )


def environment():
    """The Python of ``.venv``, made first if there is none that runs."""
    python = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
    if runs(python):
        return python
    try:
        import ensurepip  # noqa: F401, PLC0415
        import venv  # noqa: PLC0415
    except ImportError as error:
        raise BootstrapError(
            "expected Python's venv and ensurepip modules, found that %s lacks %s; on Debian or Ubuntu "
            "install them with: apt-get install python3-venv" % (sys.executable, error.name)
        ) from None
    say("making %s" % VENV)
    try:
        venv.EnvBuilder(clear=True, with_pip=True, symlinks=os.name != "nt").create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BootstrapError(
            "expected to make a virtual environment in %s, found: %s; check that the folder is writable "
            "and that the disk is not full" % (VENV, error)
        ) from None
    return python


def runs(python):
    """Whether `python` starts, is new enough and has pip."""
    code = "import sys, pip; sys.exit(sys.version_info[:2] < (%d, %d))" % OLDEST
    try:
        return subprocess.call([python, "-c", code], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def install(python, extras):
    """Install the package, editable, with `extras`, unless this ``pyproject.toml`` already is."""
    with open(PROJECT, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    done = installed(digest)
    if extras in done or "[dev]" in done:
        return
    say("installing symderiv%s (a minute or two the first time)" % extras)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if run([*command, "--editable", HERE + extras]):
        raise BootstrapError(
            "expected pip to install what pyproject.toml names, found that it failed (its own message is "
            "above); check the network connection, or point PIP_INDEX_URL at an index that can be "
            "reached, and run the command again"
        )
    with open(STAMP, "w") as file:
        file.write("\n".join([digest, *done, extras]) + "\n")


def installed(digest):
    """The extras with which the package is installed from the ``pyproject.toml`` of this digest."""
    try:
        with open(STAMP) as file:
            lines = file.read().split("\n")[:-1]
    except OSError:
        return []
    return lines[1:] if lines[:1] == [digest] else []


def test(python, arguments):
    """Run every check, and pytest last; the status of the first that failed."""
    status = 0
    for name, command in (
        ("ruff check", ["-m", "ruff", "check", "--quiet", "."]),
        ("ruff format", ["-m", "ruff", "format", "--quiet", "--check", "."]),
        ("mypy --strict", ["-m", "mypy", "--strict"]),
        # Each process has one half of the tests in their order, so that what the tests of a file share is
        # made once; who is done first takes over from the other.
        ("pytest", ["-m", "pytest", "-n", "2", "--dist", "worksteal", *arguments]),
    ):
        say(name)
        failed = run([python, *command])
        if failed and name != "pytest":
            say("%s failed" % name)
        status = status or failed
    return status


def run(command):
    """Run `command` in this folder and return its exit status; 130 where it was interrupted."""
    try:
        return subprocess.call(command, cwd=HERE)
    except KeyboardInterrupt:
        return 130


def say(line):
    """Tell the reader what happens next, before what it prints."""
    sys.stdout.write("bootstrap: %s\n" % line)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
