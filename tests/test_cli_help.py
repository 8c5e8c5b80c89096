"""The help of each command, its examples, its exit status, and what a shell completes."""

import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from symderiv.cli import app, main

COMMAND = typer.main.get_command(app)
COMMANDS = dict(COMMAND.commands)  # type: ignore[attr-defined]

NOTES = "$$ p_i = \\frac{e^{z_i}}{\\sum_k e^{z_k}} $$\n\n$$ \\sum_k p_k = 1 $$\n"
FILES = {
    "notes.md": NOTES,
    "docs/notes.md": NOTES,
    "paper.tex": "\\[ (a + b)^2 = a^2 + 2 a b + b^2 \\]\n",
    "my.sd": "title Mine\ninput W[N, K], x[N]\nz[k] = sum(j, W[j, k] * x[j])\nL = sum(k, z[k]^2)\n",
    "grad.py": "import numpy as np\n\n\n"
    "# symderiv: gradient(X = z[b, k], y = y[b]) -> [b, k]\ndef gradient(X, y):\n"
    "    e = np.exp(X - X.max(axis=1, keepdims=True))\n    p = e / e.sum(axis=1, keepdims=True)\n"
    "    p[np.arange(len(y)), y] -= 1\n    return p / len(y)\n",
    "jac.py": "import numpy as np\n\n\ndef jacobian(S):\n    return np.diag(S) - np.outer(S, S)\n",
}
#: Examples of commands that take long or never end: they have to be understood, and are not run here.
LONG = re.compile(r"verify|build|bench|serve|.*--watch")


def examples(name: str) -> list[str]:
    _, _, listed = (COMMANDS[name] if name else COMMAND).epilog.partition("Examples:\n")
    return [line.strip().removeprefix("symderiv ") for line in listed.splitlines()]


def run(monkeypatch: pytest.MonkeyPatch, line: str) -> int:
    line, _, _ = line.partition(" > ")
    line, _, source = line.partition(" < ")
    if source:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(source).read_bytes())))
    monkeypatch.setattr(sys, "argv", ["symderiv", *shlex.split(line)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_the_help_is_complete(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert run(monkeypatch, f"{name} --help") == 0
    out = capsys.readouterr().out
    assert re.search(r"^Usage: symderiv", out)
    assert re.search(
        r"^  Exit status:\n    0    .*\n(?:    \d+ +.*\n)+\n  Examples:\n    symderiv ", out, re.M
    )
    assert not re.search(r"<(str|list|int|float)", out)
    assert all(len(line) <= 100 or "symderiv" in line for line in out.splitlines())
    for each in (COMMANDS[name] if name else COMMAND).params:
        assert each.help, each.name


@pytest.mark.parametrize("line", [line for name in ["", *COMMANDS] for line in examples(name)])
def test_an_example_of_the_help_runs(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for file, text in FILES.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    if LONG.match(line):
        name, *words = shlex.split(line)
        COMMANDS[name].make_context(name, words)
        return
    assert run(monkeypatch, line) == 0, capsys.readouterr().err


def completed(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    words = line.split(" ")
    monkeypatch.setenv("_SYMDERIV_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    run(monkeypatch, "")
    return capsys.readouterr().out.split()


CASES = {
    "symderiv ch": ["check"],
    "symderiv derive cross_entropy_l": ["cross_entropy_label"],
    "symderiv build softmax softpl": ["softplus"],
    "symderiv derive my": ["my.sd"],
    "symderiv derive my.sd --wrt ": ["W", "x", "z", "L"],
    "symderiv derive layer_norm --of s": ["sigma"],
    "symderiv derive --wrt W my.sd --wrt x": ["x"],
    "symderiv backward cross_entropy_label --wrt z": ["z"],  # y is a label and is never differentiated by
    "symderiv derive softmax --size K=2 --size ": ["K="],
    "symderiv derive softmax --value ": ["z="],
    "symderiv derive softmax --steps t": ["textbook"],
    "symderiv derive softmax --product j": ["jvp"],
    "symderiv derive softmax --format h": ["html"],
    "symderiv prove a --in cross_entropy_l": ["cross_entropy_label"],
    "symderiv prove -a --in softmax_t": ["softmax_temperature"],
    "symderiv check notes.md --format s": ["sarif"],
    "symderiv check --against softmax_t": ["softmax_temperature"],
    "symderiv emit softmax --target n": ["numpy", "numba"],
    "symderiv bench ac": ["accuracy"],
    "symderiv bench --only softmax": ["softmax", "softmax_vjp"],
    "symderiv bench --peer numpy_p": ["numpy_plain"],
    # Nothing is known here, so the shell goes on with its own files, and nothing is raised.
    "symderiv derive nosuch --wrt ": [],
    "symderiv derive broken.sd --wrt ": [],
    "symderiv derive --wrt ": [],
    "symderiv check no": [],
}


@pytest.mark.parametrize("line", CASES)
def test_a_shell_completes(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my.sd").write_text(FILES["my.sd"])
    (tmp_path / "broken.sd").write_text("title [")
    monkeypatch.chdir(tmp_path)
    assert completed(line, monkeypatch, capsys) == CASES[line]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_takes_the_completion(tmp_path: Path) -> None:
    script = (
        'symderiv() { "$PYTHON" -m symderiv "$@"; }; export -f symderiv\n'
        'eval "$(symderiv --show-completion bash)"\n'
        'printf \'#!/bin/sh\\nexec "$PYTHON" -m symderiv "$@"\\n\' > symderiv; chmod +x symderiv\n'
        "complete -p symderiv\n"
        "COMP_WORDS=(symderiv derive softmax_t); COMP_CWORD=2; _symderiv_completion ./symderiv\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    root = Path(__file__).resolve().parents[1]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "PYTHONPATH": str(root)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [
        "complete -o default -F _symderiv_completion symderiv", "softmax_temperature"
    ], done.stderr  # fmt: skip
