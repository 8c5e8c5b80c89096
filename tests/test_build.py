"""The main job: what it writes, what it refuses to write, and that it writes it the same way again."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from symderiv import catalog
from symderiv.build import TARGETS, Plan, job, main_job
from symderiv.build.index import ARRAYS, ELEMENTWISE, LAYERS, NUMBERS, group_of
from symderiv.build.judge import Judge
from symderiv.build.manifest import INDEX, INDEX_PAGE, MANIFEST, Manifest
from symderiv.build.plan import Request
from symderiv.calculus import derive_all
from symderiv.expression.construct import negate
from symderiv.kernels import registry
from symderiv.problem import Problem
from tests.documents.html import read

WRONG = """\
title A wrong gradient
index i, j, k : K
input z[K]
p[i] = exp(z[i]) / sum(k, exp(z[k]))
expect d(p[i], z[j]) == p[i] * (delta(i, j) + p[j])
"""
#: True, but not spelled as the engine spells it.
RESPELLED = WRONG.replace("p[i] * (delta(i, j) + p[j])", "delta(i, j) * p[j] - p[j] * p[i]").replace(
    "p[j] * p[i]", "exp(z[j]) / sum(k, exp(z[k])) * p[i]"
)


def plan(*names: str, targets: tuple[str, ...] = ("numpy",), **sizes: int) -> Plan:
    return Plan.of(names, sizes, targets)


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "generated"
    assert main_job.run(plan("softmax", targets=TARGETS), out) == 0
    assert main_job.run(plan("cross_entropy"), out) == 0  # compiling it takes long, and shows no more
    return out


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy of a built folder, to be spoilt."""
    out = tmp_path / "generated"
    for name, text in files(built).items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    return out


def test_what_is_written(built: Path) -> None:
    kinds = [".html", ".json", ".md", ".tex", "_numpy.py"]
    expected = {f"{name}/{name}{kind}" for name in ("softmax", "cross_entropy") for kind in kinds}
    expected |= {"softmax/softmax_numba.py", "softmax/softmax.h", "softmax/softmax.c"}
    assert set(files(built)) == expected | {INDEX, INDEX_PAGE, MANIFEST}
    record = Manifest.read(built).problems["softmax"]
    assert record.sizes == {"K": 5}
    assert [(row.derivative, row.form) for row in record.rows] == [
        ("d(p[i], z[j])", "p[i] * (delta(i, j) - p[j])")
    ]
    assert "| `d(p[i], z[j])` | `p[i] * (delta(i, j) - p[j])` |" in (built / INDEX).read_text()


def test_the_pages_of_a_folder(built: Path) -> None:
    index = read((built / INDEX_PAGE).read_text())
    assert "2 problems with 4 derivatives, each proved for every size" in index.find("header")[0].text
    assert [each.text for each in index.find("h2")] == [ARRAYS, NUMBERS]
    written = files(built)
    links = {each.attributes["href"] for each in index.find("a")} - {"README.md"}
    assert {link for link in links if not link.startswith("#")} == {name for name in written if "/" in name}
    softmax = index.find("article")[0]
    assert softmax.find("math")[0].text == "∂pi∂zj=pi(δij−pj)"
    text = written["softmax/softmax.html"]
    page = read(text)
    assert page.find("a")[0].attributes["href"] == "../index.html"
    sources = [each.text for each in page.find("pre")]
    emitted = [f"softmax/softmax{end}" for end in ("_numpy.py", "_numba.py", ".h", ".c")]
    assert sources == [" ".join(f"{written[name]} ".split()) + " " for name in emitted]
    assert "softmax_vjp" in page.find("section")[-1].text
    assert "It is the form that the problem states." in page.find("table", class_="checks")[0].text
    assert not re.search(r"(?i)\b20\d\d-\d\d-\d\d|/tmp/|/home/", text)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("relu", ELEMENTWISE),
        ("softmax", ARRAYS),
        ("layer_norm", ARRAYS),
        ("huber", NUMBERS),
        ("embedding", LAYERS),
    ],
)
def test_the_heading_of_a_problem(name: str, group: str) -> None:
    problem = catalog.load(name)
    assert group_of(problem, tuple(derive_all(problem))) == group


def test_chosen_documents_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main_job.run(Plan.of(["relu"], {}, ["numpy"], ["html", "json"]), out) == 0
    written = {"relu/relu.html", "relu/relu.json", "relu/relu_numpy.py", INDEX, INDEX_PAGE, MANIFEST}
    assert set(files(out)) == written
    links = [each.attributes["href"] for each in read(files(out)["relu/relu.html"]).find("a")]
    assert [link for link in links if not link.startswith("#")] == ["../index.html", "relu.json"]
    assert main_job.run_check(Plan(), out) == 0


def test_the_data_of_a_problem(built: Path) -> None:
    data = json.loads((built / "cross_entropy" / "cross_entropy.json").read_text())
    forms = {each["start"]: each["form"] for each in data["derivatives"]}
    assert forms["d(L, z[j])"] == "p[j] - t[j]"
    assert all(each["explicit"]["agrees"] for each in data["derivatives"])
    assert [each["form"] for each in data["products"]] == ["p[j] * (v[j] - sum(i, v[i] * p[i]))"]


def test_nothing_of_the_machine_is_inside(built: Path) -> None:
    for name, text in files(built).items():
        assert str(built.parent) not in text, name
        assert os.path.expanduser("~") + "/" not in text, name
        assert not re.search(r"\b20\d\d-\d\d-\d\d\b|\b\d\d:\d\d:\d\d\b", text), f"{name} has a date in it"


#: A place and a user unlike those of most tests: no home, no UTF-8, another time, a narrow terminal.
ELSEWHERE = {
    "PYTHONHASHSEED": "4321", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
    "HOME": "/dev/null", "TZ": "Asia/Kolkata", "COLUMNS": "20",
}  # fmt: skip


@pytest.mark.parametrize("surroundings", [{"PYTHONHASHSEED": "0"}, ELSEWHERE])
def test_the_same_bytes_anywhere(built: Path, tmp_path: Path, surroundings: dict[str, str]) -> None:
    """Whatever the hash seed, the current folder, the locale, the time zone and the home are."""
    root = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-m", "symderiv", "build", "--check", "--out", str(built)]
    environment = {**os.environ, "PYTHONPATH": root, **surroundings}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"all {len(files(built))} files" in done.stdout


def test_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_job.run(plan("softmax"), tmp_path / "out") == 0
    out = capsys.readouterr().out
    assert "[1/1] softmax\n" in out
    row = next(line for line in out.splitlines() if line.startswith("softmax "))
    cells = re.split(r"  +", row)
    assert cells[:3] == ["softmax", "d(p[i], z[j])", "p[i] * (delta(i, j) - p[j])"]
    assert int(cells[3]) == len(derive_all(catalog.load("softmax"))[0].steps)
    assert cells[4] == "proved (normal form); as stated; SymPy at K = 5"
    assert re.fullmatch(r"\d+\.\d ms", cells[5])
    assert cells[6] == "numpy"
    assert 0 < float(cells[7]) < 1
    assert (
        f"1 problem, 1 derivative: 1 proved for every size, and {cells[3]} of their {cells[3]} steps" in out
    )
    assert re.search(r"derived in \d+\.\d ms \(median\), .* at most \(d\(p\[i\], z\[j\]\) of softmax\)", out)
    assert out.splitlines()[-1] == f"{tmp_path / 'out'}: 7 files changed"


def test_sizes_are_kept_with_the_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main_job.run(plan("softmax", K=4), out) == 0
    data = json.loads((out / "softmax" / "softmax.json").read_text())
    assert data["derivatives"][0]["explicit"]["sizes"] == {"K": 4}
    assert main_job.run_check(Plan(), out) == 0


def test_a_problem_is_added_and_the_others_stay(folder: Path) -> None:
    before = files(folder)
    assert main_job.run(plan("logsumexp"), folder) == 0
    after = files(folder)
    assert {name for name in after if name.startswith("logsumexp/")}
    assert {name: after[name] for name in before if name not in (INDEX, INDEX_PAGE, MANIFEST)} == {
        name: text for name, text in before.items() if name not in (INDEX, INDEX_PAGE, MANIFEST)
    }
    assert set(Manifest.read(folder).problems) == {"softmax", "cross_entropy", "logsumexp"}


def test_fewer_targets_remove_files(folder: Path) -> None:
    (folder / "softmax" / "notes.txt").write_text("mine")
    assert main_job.run(plan("softmax", targets=("numpy",)), folder) == 0
    assert not (folder / "softmax" / "softmax_numba.py").exists()
    assert (folder / "softmax" / "notes.txt").read_text() == "mine"


def test_a_fresh_folder_passes_the_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(folder)
    assert main_job.run_check(Plan(), folder) == 0
    assert files(folder) == before
    assert "are those of a fresh build" in capsys.readouterr().out


@pytest.mark.parametrize("spoil", ["edit", "remove", "add", "record"])
def test_a_spoilt_folder_does_not(folder: Path, spoil: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "softmax" / "softmax.md"
    if spoil == "edit":
        path.write_text(path.read_text().replace("Softmax", "Hardmax", 1))
        expected = ["softmax/softmax.md: different", "Hardmax"]
    elif spoil == "remove":
        path.unlink()
        expected = ["softmax/softmax.md: missing"]
    elif spoil == "add":
        (folder / "softmax" / "extra.md").write_text("extra\n")
        expected = ["softmax/extra.md: not written by build"]
    else:
        (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace("p[i]", "q[i]"))
        expected = ["build.json: different", "q[i]"]
    before = files(folder)
    # One problem is looked at alone; the record is that of the whole folder.
    assert main_job.run_check(Plan() if spoil == "record" else Plan(names=("softmax",)), folder) > 0
    assert files(folder) == before
    out, err = capsys.readouterr()
    assert all(each in out for each in expected), out
    advice = "move it away" if spoil == "add" else "run symderiv build and look at the changes"
    assert advice in err
    assert ("run symderiv build" in err) == (spoil != "add")


def test_a_wrong_form_is_found_and_nothing_is_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrong.sd").write_text(WRONG)
    before = {name: text for name, text in files(folder).items() if name not in (INDEX, INDEX_PAGE, MANIFEST)}
    assert main_job.run(plan(str(tmp_path / "wrong.sd"), "logsumexp"), folder) == 1
    err = capsys.readouterr().err
    assert "expected p[i] * (delta(i, j) + p[j]), found p[i] * (delta(i, j) - p[j])" in err
    after = files(folder)
    assert not [name for name in after if name.startswith("wrong/")]
    assert [name for name in after if name.startswith("logsumexp/")]
    assert before.items() <= after.items()


def test_a_form_that_is_spelled_otherwise_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "respelled.sd"
    path.write_text(RESPELLED)
    outcome = job.perform(Request("respelled", str(path), "", (), ()))
    assert outcome.failures == ()
    assert outcome.record is not None
    assert outcome.record.rows[0].proof == "proved (normal form); as stated; SymPy at K = 5"


def test_a_module_that_fails_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A factor lost between the printer and the file is found by running the file."""
    real = job.emit.emit_files

    def emit(problem: Problem, target: str, stem: str) -> dict[str, str]:
        parts = real(problem, target, stem)
        return {suffix: text.replace("np.exp(", "1.001 * np.exp(", 1) for suffix, text in parts.items()}

    monkeypatch.setattr(job.emit, "emit_files", emit)
    outcome = job.perform(Request("log_softmax", "log_softmax", "", (), ("numpy",)))
    assert "WRONG" in outcome.failures[0]
    assert outcome.record is None
    assert outcome.files == {}


def test_a_module_that_does_not_run_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    real = job.emit.emit_files
    monkeypatch.setattr(
        job.emit,
        "emit_files",
        lambda *arguments: {".py": real(*arguments)[".py"] + "\nraise OSError('no')\n"},
    )
    outcome = job.perform(Request("softmax", "softmax", "", (), ("numpy",)))
    assert outcome.failures == ("numpy: OSError: no",)
    assert outcome.record is None
    assert outcome.rows


def test_the_targets_are_those_of_the_kernels() -> None:
    assert tuple(registry.TARGETS) == TARGETS


def test_a_problem_file_is_found_again_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "problems").mkdir()
    path = tmp_path / "problems" / "mine.sd"
    path.write_text(RESPELLED)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    assert main_job.run(plan("problems/mine.sd"), Path("out")) == 0
    assert Manifest.read(out).problems["mine"].path == "../problems/mine.sd"
    assert main_job.run_check(Plan(), out) == 0
    path.write_text(RESPELLED.replace("A wrong gradient", "Another title"))
    monkeypatch.chdir(tmp_path / "problems")
    assert main_job.run_check(Plan(), out) > 0


def test_two_problems_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "softmax.sd").write_text(RESPELLED)
    with pytest.raises(main_job.BuildError, match="'softmax' twice"):
        main_job.run(plan("softmax", str(tmp_path / "softmax.sd")), tmp_path / "out")


def test_a_dead_worker_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [Request(name, name, "", (), ()) for name in ("softmax", "logsumexp")]
    monkeypatch.setattr(main_job, "_perform", _die)
    outcomes = main_job.perform(requests)
    assert [outcome.name for outcome in outcomes] == ["softmax", "logsumexp"]
    assert all("ended early" in outcome.failures[0] for outcome in outcomes)


def _die(request: Request) -> None:
    os._exit(1)


def test_a_wrong_step_is_a_fault_and_not_counted_as_proved() -> None:
    derivation = derive_all(catalog.load("softmax"))[0]
    first, *others = derivation.steps
    wrong = replace(derivation, steps=(replace(first, after=negate(first.after)), *others))
    judge = Judge()
    assert judge.steps(wrong) == (len(derivation.steps), len(derivation.steps) - 1)
    assert [fault for fault in judge.faults if first.rule.name in fault and "is refuted at K = 2" in fault]
