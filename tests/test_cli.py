"""The command line: what it answers, and that bad input gets one sentence and no traceback."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symderiv import __version__
from tests.documents.html import read

SD = """\
title A parabola of softmax
index i, j, k : K
input z[K], c[K]
p[i] = exp(z[i]) / sum(k, exp(z[k]))
L = sum(k, c[k] * p[k]^2)
derive d(L, z[j])
"""


@pytest.fixture
def sd(tmp_path: Path) -> str:
    path = tmp_path / "mine.sd"
    path.write_text(SD)
    return str(path)


def test_version(run) -> None:
    assert run("--version") == (0, f"symderiv {__version__}\n", "")


@pytest.mark.parametrize(
    "command",
    [[], ["list"], ["derive"], ["backward"], ["prove"], ["explain"], ["emit"], ["verify"], ["build"]],
)
def test_help_has_an_example(run, command: list[str]) -> None:
    status, out, _ = run(*command, "--help")
    assert status == 0
    assert re.search(r"Examples:\n  *symderiv \w+", out)


def test_list_names_every_problem(run) -> None:
    status, out, _ = run("list")
    names = [line.split()[0] for line in out.splitlines()]
    assert status == 0
    assert names == sorted(names)
    assert {"softmax", "cross_entropy", "layer_norm"} <= set(names)
    assert all(len(line.split()) > 1 for line in out.splitlines())


def test_derive_softmax(run) -> None:
    status, out, _ = run("derive", "softmax", "--wrt", "z")
    assert status == 0
    chain = [line.split("  [")[0] for line in out.splitlines() if re.search(r"(^|\s)= ", line)]
    assert chain[1].startswith("d(p[i], z[j]) = ")
    assert chain[-1].strip() == "= p[i] * (delta(i, j) - p[j])"
    assert "if i == j : p[i] * (1 - p[i])\n" in out
    assert "if i != j : -p[i] * p[j]\n" in out


def test_more_steps_on_request(run) -> None:
    lengths = [
        len(run("derive", "softmax", "--wrt", "z", "--steps", level)[1].splitlines())
        for level in ("brief", "textbook", "all")
    ]
    assert lengths[0] < lengths[1] < lengths[2]


def test_derive_an_intermediate(run) -> None:
    assert "= -t[j] / p[j]" in run("derive", "cross_entropy", "--of", "L", "--wrt", "p")[1]
    assert "p[i] * (delta(i, j) - p[j])" in run("derive", "cross_entropy", "--of", "p", "--wrt", "z")[1]


def test_derive_a_hessian_under_the_assumption(run) -> None:
    out = run("derive", "cross_entropy", "--wrt", "z", "--wrt", "z")[1]
    assert "assuming sum(k, t[k]) == 1" in out
    assert "= p[i] * (delta(i, j) - p[j])" in out


def test_derive_explicitly(run) -> None:
    status, out, _ = run("derive", "softmax", "--wrt", "z", "--size", "K=3")
    assert status == 0
    assert "d(p[i], z[j]) at K = 3" in out
    assert "p[3] * (1 - p[3])" in out
    assert "agree exactly in all 9 comparisons" in out


def test_derive_in_numbers(run) -> None:
    status, out, _ = run("derive", "softmax", "--wrt", "z", "--value", "z=0,0")
    assert status == 0
    assert out.endswith("rows i = 1..2, columns j = 1..2\n   0.25  -0.25\n  -0.25   0.25\n")


def test_derive_in_numbers_with_a_label(run) -> None:
    out = run("derive", "cross_entropy_label", "--wrt", "z", "--value", "z=0,0", "--value", "y=2")[1]
    assert out.endswith("\n  j = 1: 0.5\n  j = 2: -0.5\n")


def test_derive_as_json(run) -> None:
    _, out, _ = run("derive", "softmax", "--wrt", "z", "--format", "json", "--size", "K=2")
    data = json.loads(out)
    assert data["problem"] == "softmax"
    assert (data["of"], data["wrt"]) == ("p[i]", ["z[j]"])
    assert data["form"] == "p[i] * (delta(i, j) - p[j])"
    assert data["assumptions"] == []
    assert {step["rule"] for step in data["steps"]} >= {"definition", "recognise"}
    assert data["steps"][0]["before"] == data["start"]
    assert data["steps"][-1]["after"] == data["form"]
    assert data["explicit"]["entries"][0] == ["p[1] * (1 - p[1])", "-p[1] * p[2]"]
    values = json.loads(run("derive", "softmax", "--wrt", "z", "--format", "json", "--value", "z=0,0")[1])[
        "explicit"
    ]["values"]
    assert values == {"1,1": 0.25, "1,2": -0.25, "2,1": -0.25, "2,2": 0.25}


def test_derive_as_latex_and_markdown(run) -> None:
    _, latex, _ = run("derive", "softmax", "--wrt", "z", "--format", "latex", "--size", "K=2")
    assert r"p_i \left(\delta_{ij} - p_j\right)" in latex
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    _, markdown, _ = run("derive", "softmax", "--wrt", "z", "--format", "markdown")
    assert r"\delta_{ij}" in markdown


def test_derive_as_a_page(run) -> None:
    status, out, _ = run("derive", "cross_entropy", "--size", "K=2", "--format", "html", "--steps", "brief")
    assert status == 0
    page = read(out)
    assert len(page.find("section", class_="passage")) == 4
    assert len(page.find("table", class_="entries")) == 3
    assert not [each for each in page.find("details") if "open" in each.attributes]


def test_derive_a_file(run, sd: str) -> None:
    status, out, _ = run("derive", sd, "--wrt", "z", "--value", "z=0,0", "--value", "c=1,3")
    assert status == 0
    # L = Σ c p²; at p = (½, ½): ∂L/∂z₁ = 2 c₁ p₁² (1 − p₁) − 2 c₂ p₂² p₁ = ¼ − ¾.
    assert out.endswith("\n  j = 1: -0.5\n  j = 2: 0.5\n")


SIZE = ["derive", "softmax", "--wrt", "z", "--size"]
BAD = {
    "unknown problem": (["derive", "sofmax", "--wrt", "z"], "'sofmax'.*softmax"),
    "unknown problem to build": (["build", "sofmax", "--out", "{tmp}/out"], "'sofmax'.*softmax"),
    "size 0": ([*SIZE, "K=0"], "at least 1 for K, found '0'"),
    "size 000": ([*SIZE, "K=000"], "at least 1 for K, found '000'"),
    "size -1": ([*SIZE, "K=-1"], "at least 1 for K, found '-1'"),
    "size abc": ([*SIZE, "K=abc"], "a whole number for K, found 'abc'"),
    "size 2.5": ([*SIZE, "K=2.5"], "a whole number for K, found '2.5'"),
    "size 10^9": ([*SIZE, "K=10^9"], r"a whole number for K, found '10\^9'"),
    "size 1000000000": (
        [*SIZE, "K=1000000000"],
        "at most 64 for K, .*: an explicit result has at most 64 places on an axis and 1024 entries",
    ),
    "size of many digits": ([*SIZE, "K=" + "9" * 5000], "at most 64 for K"),
    "size ²": ([*SIZE, "K=²"], "a whole number for K"),
    "empty size": ([*SIZE, "K="], "a whole number for K, found nothing"),
    "no size": ([*SIZE, "K"], "expected AXIS=SIZE, such as K=5, found 'K'"),
    "two sizes": ([*SIZE, "K=2", "--size", "K=3"], "two sizes for K, 2 and 3"),
    "unknown axis": ([*SIZE, "N=3"], r"an axis of softmax \(K\), found 'N'"),
    "unknown axis to build": (["build", "--size", "Q=3", "--out", "{tmp}/out"], "found 'Q'"),
    "missing axis": (["derive", "softmax_layer", "--wrt", "x", "--size", "K=3"], "--size N=3"),
    "too many entries": (
        ["derive", "softmax_layer", "--wrt", "W", "--size", "K=64", "--size", "N=64"],
        "at most 1024 entries, found .*: an explicit result has at most 64 places on an axis and 1024",
    ),
    "unknown target": (
        ["build", "--target", "fortran", "--out", "{tmp}/out"],
        "numpy or numba or c, found 'fortran'",
    ),
    "near target": (["emit", "softmax", "--target", "nunpy"], "did you mean numpy"),
    "unknown wrt": (["derive", "softmax", "--wrt", "q"], "--wrt: expected one of z, found 'q'"),
    "wrt itself": (["derive", "softmax", "--wrt", "p"], "--wrt: expected one of z, found 'p'"),
    "wrt a label": (
        ["derive", "cross_entropy_label", "--wrt", "y"],
        "--wrt: expected one of z, p, found 'y'",
    ),
    "unknown of": (["derive", "softmax", "--of", "q", "--wrt", "z"], "--of: expected one of p, found 'q'"),
    "unknown format": (
        ["derive", "softmax", "--wrt", "z", "--format", "pdf"],
        "text or latex or markdown or json",
    ),
    "unknown document": (["build", "softmax", "--format", "htm"], "did you mean html"),
    "documents of a check": (["build", "--check", "--format", "html"], "leave them out"),
    "unknown steps": (["derive", "softmax", "--wrt", "z", "--steps", "some"], "brief or textbook or all"),
    "value of no input": (
        ["derive", "softmax", "--wrt", "z", "--value", "p=1"],
        "a name among z, found 'p=1'",
    ),
    "value no number": (["derive", "softmax", "--wrt", "z", "--value", "z=1,x"], "a number for z, found 'x'"),
    "value nan": (["derive", "softmax", "--wrt", "z", "--value", "z=nan"], "a number for z, found 'nan'"),
    "value of an unspecified function": (
        ["derive", "softmax_any_loss", "--wrt", "z", "--value", "z=1,2"],
        "without unspecified functions for --value, found L",
    ),
    "value of wrong shape": (["derive", "softmax", "--wrt", "z", "--value", "z=1;2"], "separated by commas"),
    "ragged value": (
        ["derive", "softmax_layer", "--wrt", "x", "--value", "W=1,2;3"],
        "rows of one length",
    ),
    "value missing": (["derive", "cross_entropy", "--wrt", "z", "--value", "z=1,2"], "values for t too"),
    "value of another size": (
        ["derive", "cross_entropy", "--wrt", "z", "--value", "z=1,2", "--value", "t=1"],
        "1 places on K in t",
    ),
    "label too large": (
        ["derive", "cross_entropy_label", "--wrt", "z", "--value", "z=1,2", "--value", "y=3"],
        "a place from 1 to 2 for y, found 3",
    ),
    "label 0": (
        ["derive", "cross_entropy_label", "--wrt", "z", "--value", "z=1,2", "--value", "y=0"],
        "counted from 1",
    ),
    "size against values": (
        ["derive", "softmax", "--wrt", "z", "--value", "z=1,2", "--size", "K=3"],
        "K=2, as the values say",
    ),
    "value given twice": (
        ["derive", "softmax", "--wrt", "z", "--value", "z=1,2", "--value", "z=3,4"],
        "--value: expected values of z once, found them twice",
    ),
    "file name with a space": (
        ["build", "{tmp}/a b.sd", "--out", "{tmp}/out"],
        "a file name of letters, digits and _, which names the modules, found 'a b.sd'",
    ),
    "missing file": (["derive", "{tmp}/none.sd", "--wrt", "z"], "none.sd"),
    "folder as a file": (["derive", "{tmp}/folder.sd", "--wrt", "z"], "folder.sd"),
    "malformed file": (["derive", "{tmp}/bad.sd", "--wrt", "z"], r"bad\.sd:3:\d+: .*\n.*\n *\^"),
    "binary file": (["derive", "{tmp}/binary.sd", "--wrt", "z"], "UTF-8"),
    "output is a file": (["build", "softmax", "--out", "{tmp}/bad.sd"], "is a file"),
    "output below a file": (["build", "softmax", "--out", "{tmp}/bad.sd/x"], "is a file"),
    "output not ours": (["build", "softmax", "--target", "numpy", "--out", "{tmp}/taken"], "no build wrote"),
    "module into nowhere": (["emit", "softmax", "--out", "{tmp}/no/x.py"], "no such file or directory"),
    "check of nothing": (["build", "--check", "--out", "{tmp}/none"], "build first"),
    "check with sizes": (["build", "--check", "--size", "K=3"], "--check: expected no --size"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence(run, tmp_path: Path, case: str) -> None:
    (tmp_path / "folder.sd").mkdir()
    (tmp_path / "bad.sd").write_text("index i, k : K\ninput z[K]\np[i] = exp(z[i]) / / 2\n")
    (tmp_path / "a b.sd").write_text("input z[K]\np[i] = z[i]\n")
    (tmp_path / "binary.sd").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "taken" / "softmax").mkdir(parents=True)
    (tmp_path / "taken" / "softmax" / "softmax.md").write_text("mine")
    arguments, pattern = BAD[case]
    status, out, err = run(*(each.replace("{tmp}", str(tmp_path)) for each in arguments))
    assert status == 2, out + err
    assert re.search(pattern, err), err
    assert err.startswith("symderiv: ")
    assert "Traceback" not in err
    assert len(err.splitlines()) == (3 if "malformed" in case else 1)
    assert len(err) < 700


@pytest.mark.parametrize("arguments", [["derive"], ["frobnicate"], ["build", "--quick"]])
def test_a_wrong_command_line(run, arguments: list[str]) -> None:
    status, _, err = run(*arguments)
    assert status == 2
    assert "--help" in err


def test_every_exception_of_ours_is_met(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours become a sentence; a fault in the program keeps its traceback."""
    from symderiv import catalog

    def fault() -> tuple[str, ...]:
        raise RuntimeError("a fault")

    monkeypatch.setattr(catalog, "names", fault)
    with pytest.raises(RuntimeError, match="a fault"):
        run("list")


@pytest.mark.skipif(sys.platform != "linux", reason="fills a pipe")
def test_a_worker_that_sends_its_answer_ends_when_it_is_told_to() -> None:
    """The pool catches what is raised there, and would send that, to nobody."""
    code = (
        "import concurrent.futures.process as pool, multiprocessing, signal\n"
        "import symderiv.build.main_job as job\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: job._told_to_end(number))\n"
        "print('sending', flush=True)\n"
        "queue = multiprocessing.get_context('spawn').SimpleQueue()\n"
        "pool._sendback_result(queue, 1, result=b' ' * 10**7)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "sending\n"
            time.sleep(1)  # until the pipe is full
            worker.terminate()
            assert worker.wait(30) == 128 + signal.SIGTERM
        finally:
            worker.kill()


def test_a_broken_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m symderiv derive softmax --wrt z --steps all --format json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert done.stderr == ""


#: Enough problems that some are still to be done when the first one is.
SEVERAL = ("entropy", "log_softmax", "logsumexp", "relu", "rms_norm", "sigmoid", "softmax", "softplus")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_build_leaves_nothing_half_done(tmp_path: Path, number: int, status: int) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "symderiv", "build", *SEVERAL, "--target", "numpy", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # Under a shell that runs these tests in the background, Ctrl-C would be ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as build:  # fmt: skip
        assert build.stdout is not None
        assert build.stdout.readline().startswith("[1/")
        os.killpg(build.pid, number) if number == signal.SIGINT else build.send_signal(number)
        try:
            _, err = build.communicate(timeout=60)
        finally:
            if build.poll() is None:  # it hangs: the test fails, and others go on
                os.killpg(build.pid, signal.SIGKILL)
    assert build.returncode == status, err
    assert "Traceback" not in err
    assert list(out.iterdir()) == []
    assert living(build.pid) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_workers_end_with_a_build_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "symderiv", "build", *SEVERAL, "--target", "numpy"]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    ) as build:  # fmt: skip
        assert build.stdout is not None
        assert build.stdout.readline().startswith("[1/")
        assert len(living(build.pid)) > 1
        build.kill()
    assert living(build.pid) == []


def living(group: int) -> list[str]:
    """The processes of a process group that are not merely waiting to be buried."""
    time.sleep(0.3)
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue  # it ended in the meantime
        if int(its_group) == group and state != "Z":
            found.append(path.parent.name)
    return found


def test_without_a_variable_every_derivative_of_the_file_is_derived(run) -> None:
    status, out, _ = run("derive", "cross_entropy_label")
    assert status == 0
    assert "= -delta(j, y) / p[j]" in out
    assert "= p[j] - delta(j, y)" in out
    assert "d(L, z[i], z[j]) = " in out
    status, out, _ = run("derive", "cross_entropy_label", "--format", "json")
    assert [each["wrt"] for each in json.loads(out)] == [["p[j]"], ["z[j]"], ["z[i]", "z[j]"]]


def test_a_product_with_a_derivative(run) -> None:
    status, out, _ = run("derive", "softmax_layer", "--wrt", "W", "--product", "vjp")
    assert status == 0
    assert "= x[j] * h[i] * (g[i] - sum(t, g[t] * h[t]))" in out
    status, out, _ = run("derive", "cross_entropy", "--wrt", "z", "--product", "hvp", "--format", "json")
    assert json.loads(out)["assumptions"] == ["sum(k, t[k]) == 1"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--wrt", "z", "--product", "vjpp"], "--product: expected vjp or jvp or hvp, found 'vjpp'"),
        (["--product", "vjp"], "--product: expected one --wrt and no sizes or values, found no --wrt"),
        (["--wrt", "z", "--product", "vjp", "--size", "K=3"], "found sizes or values"),
    ],
)
def test_a_product_that_makes_no_sense(run, more: list[str], sentence: str) -> None:
    status, out, err = run("derive", "softmax", *more)
    assert (status, out) == (2, "")
    assert sentence in err


def test_values_need_not_meet_the_assumption(run) -> None:
    """With Σ t = 2 the gradient is 2 p - t, whatever the form under Σ t = 1 says."""
    status, out, _ = run("derive", "cross_entropy", "--wrt", "z", "--value", "z=1,2", "--value", "t=1,1")
    assert status == 0
    assert re.findall(r"j = \d: +(\S+)", out) == ["-0.4621171573", "0.4621171573"]


def test_values_of_large_scores(run) -> None:
    _, out, _ = run("derive", "softmax", "--wrt", "z", "--value", "z=1000,1001")
    assert "0.1966119332" in out
    _, out, _ = run("derive", "softmax", "--wrt", "z", "--value", "z=1000,0")
    assert out.splitlines()[-2:] == ["  0  0", "  0  0"]


def test_emit_writes_through_a_link_and_leaves_pipes_alone(run, tmp_path: Path) -> None:
    real, link, pipe = tmp_path / "real.py", tmp_path / "link.py", tmp_path / "pipe"
    real.write_text("")
    link.symlink_to(real)
    os.mkfifo(pipe)
    assert run("emit", "softmax", "--out", str(link))[0] == 0
    assert link.is_symlink()
    assert "def softmax(" in real.read_text()
    status, _, err = run("emit", "softmax", "--out", str(pipe))
    assert status == 2
    assert "it is a device or a pipe" in err
    assert pipe.is_fifo()


@pytest.mark.parametrize("redirection", ["> /dev/full", ">&-"])
def test_an_output_that_takes_nothing(redirection: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m symderiv list {redirection}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    if "full" in redirection:
        assert done.returncode == 1
        assert "the disk is full" in done.stderr


def test_a_false_expectation_is_not_called_as_stated(run, tmp_path: Path) -> None:
    path = tmp_path / "false.sd"
    path.write_text(
        "index i, j, k : K\ninput z[K]\np[i] = exp(z[i]) / sum(k, exp(z[k]))\n"
        "expect d(p[i], z[j]) == p[i] * (delta(i, j) + p[j])\n"
    )
    status, out, err = run("build", str(path), "--target", "numpy", "--out", str(tmp_path / "out"))
    assert status == 1
    assert "not as stated" in out
    assert "they differ at K = 1, i = 1, j = 1: 0 against 2" in err


def test_backward(run) -> None:
    status, out, _ = run("backward", "softmax_layer_cross_entropy")
    assert status == 0
    assert "W_bar[j, i] = z_bar[i] * x[j]" in out
    status, out, _ = run("backward", "softmax_layer_cross_entropy", "--wrt", "b", "--format", "json")
    assert status == 0
    assert [stage["of"] for stage in json.loads(out)["stages"]] == ["b[i]"]
    status, _, said = run("backward", "softmax", "--wrt", "q")
    assert status == 2
    assert "expected one of z" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["emit", "softmax", "--target", "numpy", "--target", "numba"],
        ["emit", "softmax", "--out", "a.py", "--out=b.py"],
        ["derive", "softmax", "--wrt", "z", "--format", "json", "--format", "text"],
        ["build", "softmax", "--out", "a", "--out", "b"],
    ],
)
def test_an_option_that_counts_once_is_refused_twice(run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert re.search(r"--\w+: expected it once, found it twice", err)


def test_symbols_and_numbers_together(run) -> None:
    """--size asks for the matrix in symbols, --value for it in numbers."""
    arguments = ["derive", "softmax", "--wrt", "z", "--size", "K=2", "--value", "z=0,0"]
    _, out, _ = run(*arguments)
    assert "p[1] * (1 - p[1])" in out
    assert "   0.25  -0.25" in out
    explicit = json.loads(run(*arguments, "--format", "json")[1])["explicit"]
    assert explicit["entries"][0][1] == "-p[1] * p[2]"
    assert explicit["values"]["1,2"] == -0.25
    assert r"-p_1 p_2" in run(*arguments, "--format", "latex")[1]
    assert "0.25 & -0.25" in run(*arguments, "--format", "latex")[1]


def test_an_axis_that_nothing_uses_needs_no_size(run, tmp_path: Path) -> None:
    path = tmp_path / "idle.sd"
    path.write_text("index i, j, k : K\nindex n : N\ninput z[K]\np[i] = exp(z[i]) / sum(k, exp(z[k]))\n")
    status, out, _ = run("derive", str(path), "--wrt", "z", "--size", "K=2")
    assert status == 0
    assert "agree exactly in all 4 comparisons" in out
