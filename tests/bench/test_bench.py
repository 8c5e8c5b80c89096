"""The benchmark judges before it times: what is wrong is told, what is right is measured in turns."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symderiv.bench import accuracy, peers
from symderiv.bench.cells import DTYPES, BenchError, Candidate, Cell, case_of
from symderiv.bench.exact import exact_results, has_exact
from symderiv.bench.growth import fitted_exponent
from symderiv.bench.measure import ALLOWED, Options, check, largest_error, parse_shape, run
from symderiv.bench.timing import Timing, interleaved
from symderiv.bench.workloads import chosen, workloads

SMALL = {1: (5,), 2: (3, 5), 3: (4, 3, 5)}


def small_case(name: str, dtype: str = "float64"):
    workload = workloads()[name]
    return case_of(Cell(workload, SMALL[len(workload.axes)], dtype))


@pytest.mark.parametrize("name", workloads())
def test_emitted_and_written_by_hand_agree(name: str) -> None:
    """Formulations that share no code give the same, in both dtypes."""
    for dtype in DTYPES:
        case = small_case(name, dtype)
        names = set()
        for candidate in peers.candidates(("emitted", "numpy_plain", "numpy_tuned", "articles"), case):
            if candidate.label in ("emitted numba", "emitted c"):
                continue  # compiling each takes seconds; they are verified elsewhere
            verdict = check(candidate, case)
            assert not verdict.trouble, verdict
            assert verdict.error < ALLOWED / 8
            names.add(candidate.peer)
        assert {"symderiv", "NumPy, plain", "NumPy, tuned"} <= names


@pytest.mark.parametrize("name", [each for each in workloads() if has_exact(each)])
def test_fifty_digits_agree_with_float64_and_show_an_error(name: str) -> None:
    case = small_case(name)
    for exact, right in zip(exact_results(name, case.inputs), case.right, strict=True):
        assert accuracy.largest_error(right, exact, "float64") < 16
        wrong = np.array(right)
        wrong.flat[-1] *= 1 + 1e-6
        assert accuracy.largest_error(wrong, exact, "float64") > 1e6


def test_a_wrong_candidate_is_told_and_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = peers.peer("numpy_plain")
    made = {**plain._FORMULAS, "jacobian": lambda given: (plain._jacobian(given)[0] * np.float64(1.0001),)}
    monkeypatch.setattr(plain, "_FORMULAS", made)
    options = Options((workloads()["jacobian"],), ("float64",), ((5,),), budget=0.001)
    _, results = run(options, ("numpy_plain", "numpy_tuned"), lambda _: None)
    (result,) = results
    wrong, tuned = result.measured
    assert wrong.timing is None
    assert "wrong: off by" in wrong.trouble
    assert tuned.timing is not None
    assert not tuned.trouble


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (lambda right: right.astype(np.float32), math.inf),
        (lambda right: right[:, :-1], math.inf),
        (lambda right: np.full_like(right, np.nan), math.nan),
    ],
)
def test_a_wrong_dtype_shape_or_nan_is_an_error(returned, expected: float) -> None:
    case = small_case("softmax")
    found = largest_error((returned(case.right[0]),), case.right, "float64")
    assert found == expected or (math.isnan(found) and math.isnan(expected))
    verdict = check(Candidate("x", "y", lambda: (returned(case.right[0]),)), case)
    assert verdict.trouble.startswith("wrong")


def test_an_exception_is_told_in_one_line() -> None:
    def fails() -> tuple[object, ...]:
        raise ValueError("no\nsuch thing")

    assert check(Candidate("x", "y", fails), small_case("softmax")).trouble == "raises ValueError: no"


def test_candidates_take_turns_and_ratios_are_of_rounds() -> None:
    order: list[str] = []
    times = interleaved({name: lambda name=name: order.append(name) for name in "ab"}, 0.0)
    assert len(times["a"].seconds) == len(times["b"].seconds) >= 5
    assert abs(order.count("a") - order.count("b")) < len(order)
    timing = Timing((1.0, 2.0, 3.0, 4.0, 5.0))
    assert (timing.median, timing.quartiles) == (3.0, (2.0, 4.0))
    assert Timing((4.0, 2.0, 9.0)).ratio(Timing((2.0, 2.0, 1.0))) == 2.0


def test_the_exponent_of_a_power_is_found() -> None:
    assert fitted_exponent({size: 3.0 * size**1.5 for size in (10, 100, 1000)}) == pytest.approx(1.5)
    assert math.isnan(fitted_exponent({10: 1.0}))


def test_missing_peers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())
    found, missing = peers.present(())
    assert "pytorch" not in found
    assert missing == {"pytorch": "torch is left out: the package torch is not installed"}


def test_unknown_names_are_refused() -> None:
    with pytest.raises(BenchError, match=r"expected a workload among softmax, .*, found 'sofmax'"):
        chosen(("sofmax",))
    with pytest.raises(BenchError, match=r"expected a peer among emitted, .*, found 'numpi'"):
        peers.present(("numpi",))
    assert [parse_shape(text) for text in ("4,10", "4x10", "7", "0,1", "a", "")] == [
        (4, 10), (4, 10), (7,), None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "loss", "gradient"), [("a +inf", "NaN", "NaN"), ("± largest", 0.0, 0.375), ("ties", 0.1, 0.8)]
)
def test_what_is_not_finite_is_judged_too(name: str, loss: float | str, gradient: float | str) -> None:
    """A class that gives NaN everywhere, one whose loss is out of range, and an ordinary one."""
    kind = next(each for each in accuracy.SCORES if each.name == name)
    case, exacts = accuracy.case_of_class(
        workloads()["cross_entropy"], replace(kind, shape=(2, 10)), "float32"
    )
    (plain,) = peers.candidates(("numpy_plain",), case)
    found = accuracy.errors_of(plain, exacts, "float32", is_nan=kind.is_nan)
    assert found == {"loss": pytest.approx(loss, abs=0.5), "gradient": pytest.approx(gradient, abs=0.5)}
    zeros = replace(plain, read=lambda got: tuple(np.zeros_like(each) for each in got))
    spoilt = accuracy.errors_of(zeros, exacts, "float32", is_nan=kind.is_nan)
    assert all(spoilt[result] in ("no NaN", "not finite") or float(spoilt[result]) > 1e5 for result in found)


def test_plots_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from symderiv.bench import plots

    options = Options((workloads()["jacobian"],), ("float64",), ((5,), (6,)), budget=0.001, against="numpy")
    done, results = run(options, ("emitted", "numpy_plain"), lambda _: None)
    assert len(list(results)) == 2
    written = [plots.write_plots(done, tmp_path / name) for name in "ab"]
    names = [[path.name for path in paths] for paths in written]
    assert names[0] == names[1] == ["ratio_jacobian_float64.svg", "roofline_float64.svg"]
    for first, second in zip(*written, strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert b"</svg>" in first.read_bytes()


def test_results_that_were_kept_give_the_same_tables_and_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from symderiv.bench import plots, recorded, report
    from symderiv.bench.accuracy import Errors
    from symderiv.bench.growth import Growth

    options = Options((workloads()["jacobian"],), ("float64",), ((5,), (6,)), budget=0.001, against="numpy")
    done, results = run(options, ("emitted", "numpy_plain"), lambda _: None)
    assert len(list(results)) == 2
    again = recorded.read(report.as_json(done)).run
    assert again is not None

    def cells(table: Any) -> list[list[object]]:
        return [list(column.cells) for column in table.columns]

    assert [cells(each) for each in report.summary_tables(again)] == [
        cells(each) for each in report.summary_tables(done)
    ]
    (first,), (second,) = plots.write_ratios(done, tmp_path / "a"), plots.write_ratios(again, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()

    errors = Errors("softmax", "softmax", "float32", {"N(0, 3)": {"emitted numpy": 1.5, "plain": "NaN"}})
    assert recorded.read(report.accuracy_json([errors])).accuracy == (errors,)
    title = workloads()["softmax"].title
    growth = Growth("softmax", title, "K", "B = 4", "float32", {"numpy": {1000: 1.0, 3000: 3.0}})
    assert recorded.read(report.growth_json([growth])).growth == (growth,)
    for wrong in ("{", "[]", "{}", '[{"a": 1}]', "3"):
        with pytest.raises(BenchError, match="expected what symderiv bench --json writes"):
            recorded.read(wrong)


def symderiv(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "symderiv", *arguments], capture_output=True, text=True, check=False
    )


def test_a_run_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    done = symderiv(
        "bench", "--only", "jacobian", "--shape", "7", "--dtype", "float32", "--seconds", "0.01",
        "--peer", "emitted", "--peer", "numpy_tuned", "--json", str(file),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Jacobian of softmax, K = 7, float32: floor" in done.stdout
    (cell,) = json.loads(file.read_text())["cells"]
    by_name = {each["label"]: each for each in cell["candidates"]}
    assert by_name["emitted numba"]["ratio"] == 1.0
    assert by_name["tuned"]["ratio"] > 0
    low, high = by_name["tuned"]["quartiles"]
    assert low <= by_name["tuned"]["median"] <= high


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "bench: expected speed or accuracy or growth, found 'nothing'"),
        (("--shape", "4;10"), "--shape: expected sizes such as 4096,10, found '4;10'"),
        (("--only", "softmax", "--shape", "4"), "--shape: expected B,K for these workloads, found '4'"),
        (("--threads", "0"), "--threads: expected from 1 to"),
        (("growth", "--only", "layer"), "--only: expected a workload with rows for growth"),
    ],
)
def test_a_wrong_command_line_gets_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = symderiv("bench", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"symderiv: {said}")
    assert len(done.stderr.splitlines()) == 1


def test_an_interrupt_leaves_what_was_measured(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from symderiv.bench import measure\n"
        "whole, count = measure.measure, []\n"
        "def some(*arguments):\n"
        "    count.append(1)\n"
        "    if len(count) == 2:\n"
        "        raise KeyboardInterrupt\n"
        "    return whole(*arguments)\n"
        "measure.measure = some\n"
        "sys.argv = ['symderiv', 'bench', '--only', 'softmax', '--shape', '2,3', '--peer', 'numpy_plain',\n"
        f"            '--seconds', '0.01', '--json', {str(tmp_path / 'part.json')!r}]\n"
        "from symderiv.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "Softmax, B×K = 2×3, float32" in done.stdout
    assert len(json.loads((tmp_path / "part.json").read_text())["cells"]) == 1
