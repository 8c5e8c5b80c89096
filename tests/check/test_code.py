"""Hand-written functions, judged by running them: what agrees, what is refuted, and why."""

import json
import sys
from pathlib import Path

import pytest

from symderiv.check.code import CodeError, CodeReport, check_code
from symderiv.check.code.diagnosis import WORDS
from symderiv.check.diagnosis import DIAGNOSES
from symderiv.cli import main
from symderiv.notation.errors import NotationError

#: Functions as people write them, right ones and wrong ones.
CODE = """
import numpy as np


# symderiv: tiled(S = p[k]) -> [i, j]
def tiled(S):
    column = S.reshape(-1, 1)
    repeated = np.tile(column, (1, S.size))
    return repeated * np.eye(S.size) - np.outer(S, S)


def scores_by_weights(W, x):
    n, k = W.shape
    jacobian = np.zeros((n * k, k))
    for i in range(k):
        for j in range(n):
            jacobian[i * n + j, i] = x[j]
    return jacobian


def layer_by_weights(W, x, b):
    scores = W.T @ x + b
    h = np.exp(scores - scores.max())
    h /= h.sum()
    n, k = W.shape
    jacobian = np.zeros((n * k, k))
    for t in range(k):
        for i in range(k):
            for j in range(n):
                jacobian[i * n + j, t] = x[j] * h[t] * (float(t == i) - h[i])
    return jacobian


def softmax_of_all(X):
    powers = np.exp(X - np.max(X))
    return powers / np.sum(powers)


def softmax_of_rows(X):
    powers = np.exp(X - np.max(X, axis=1, keepdims=True))
    return powers / np.sum(powers, axis=1, keepdims=True)


def gradient_over_all(X, y):
    m = y.shape[0]
    grad = softmax_of_all(X)
    grad[range(m), y] -= 1
    return grad / m


def gradient(X, y):
    m = y.shape[0]
    grad = softmax_of_rows(X)
    grad[range(m), y] -= 1
    return grad / m


def gradient_by_columns(X, y):
    powers = np.exp(X)
    grad = powers / powers.sum(axis=0)
    grad[range(len(y)), y] -= 1
    return grad / len(y)


def gradient_from_one(X, y):
    return gradient(X, y - 1)


def gradient_in_all_rows(X, y):
    grad = softmax_of_rows(X)
    grad[:, y] -= 1
    return grad / len(y)


def gradient_of_sum(X, y):
    return gradient(X, y) * y.shape[0]


def gradient_down(X, y):
    return -gradient(X, y)


def gradient_doubled(X, y):
    return 2 * gradient(X, y)


def gradient_turned(X, y):
    return gradient(X, y).T


def gradient_unstable(X, y):
    powers = np.exp(X)
    grad = powers / powers.sum(axis=1, keepdims=True)
    grad[np.arange(len(y)), y] -= 1
    return grad / len(y)


def gradient_flat(X, y):
    return gradient(X, y).reshape(-1)


def gradient_single(X, y):
    return gradient(X.astype(np.float32), y)


def gradient_by_differences(X, y):
    def loss(X):
        return -np.mean(np.log(softmax_of_rows(X)[np.arange(len(y)), y]))

    grad = np.zeros_like(X)
    for place in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[place] = 1e-6
        grad[place] = (loss(X + step) - loss(X - step)) / 2e-6
    return grad


def gradient_in_place(p, y):
    p[range(len(y)), y] -= 1
    return p / len(y)


calls = []


def gradient_that_counts(X, y):
    calls.append(1)
    return gradient(X, y) * len(calls)


def passing_on(function):
    def passed(*given):
        return function(*given)
    return passed


@passing_on
def gradient_decorated(X, y):
    return gradient(X, y)


def gradient_masked(X, y):
    return np.ma.masked_array(gradient(X, y), mask=True)


def gradient_not_finite(X, y):
    return np.log(gradient(X, y) * 0 - 1)


def only_diagonal(p):
    return np.diag(p * (1 - p))


def only_diagonal_vector(p):
    return p * (1 - p)


def no_diagonal_term(p):
    return -np.outer(p, p)


def plus(p):
    return np.diag(p) + np.outer(p, p)


def value(z):
    return np.exp(z) / np.exp(z).sum()


def backward(dy, y):
    return y * (dy - np.sum(dy * y))


def backward_column(dy, y):
    assert dy.shape == (y.shape[0], 1)
    return y[:, None] * (dy - (dy.T @ y[:, None]))


def by_targets(p, t):
    return p - t
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("code") / "written.py"
    path.write_text(CODE)
    return str(path)


BATCH = "cross_entropy_batch:d(L, z[b, k])"


def judged(
    file: str, name: str, against: str = BATCH, args: str = "X = z[b, k]", returns: str = ""
) -> CodeReport:
    return check_code(f"{file}::{name}", against, args, returns)


@pytest.mark.parametrize(
    ("name", "against", "args", "returns"),
    [
        ("tiled", "softmax", "", ""),
        ("tiled", "softmax:d(p, z)", "S = p", ""),
        ("tiled", "softmax:d(p[n], z[m])", "S = p[n]", "n m"),
        ("scores_by_weights", "softmax_layer:d(z[t], W[j, i])", "", "(i j) t"),
        ("layer_by_weights", "softmax_layer:d(h[t], W[j, i])", "", "[(i j), t]"),
        ("gradient", BATCH, "X = z", ""),
        ("gradient_flat", BATCH, "X = z", "(b k)"),
        ("gradient_turned", BATCH, "X = z", "k b"),
        ("gradient_single", BATCH, "X = z", ""),
        ("value", "softmax:p[i]", "", ""),
        ("backward", "softmax_any_loss:d(L, z[k])", "dy = d(L, y[k])", ""),
        ("backward_column", "softmax_any_loss:d(L, z[k])", "dy = d(L, y[k]) as k 1", "k 1"),
        ("only_diagonal", "softmax:p[k] * (1 - p[k]) * delta(k, i)", "", "i k"),
        ("by_targets", "cross_entropy_label:d(L, z[j])", "t = delta(k, y)", ""),
        ("by_targets", "cross_entropy:d(L, z[j])", "", ""),
    ],
)
def test_what_is_right_agrees(file: str, name: str, against: str, args: str, returns: str) -> None:
    report = judged(file, name, against, args, returns)
    assert report.verdict == "agrees", str(report)
    assert report
    assert report.points >= 4
    assert report.digits is not None
    assert report.digits >= (6 if name == "gradient_single" else 13)
    assert "not a proof" in str(report)
    assert "proved" not in str(report)
    assert "was run for this" in str(report)


def test_a_decorated_function_is_called_by_place(file: str) -> None:
    assert judged(file, "gradient_decorated", args="X = z").verdict == "agrees"


def test_masked_entries_are_no_numbers(file: str) -> None:
    report = judged(file, "gradient_masked", args="X = z")
    assert report.verdict == "undecided"
    assert "returns a masked array" in report.message


@pytest.mark.parametrize(
    ("name", "args", "word", "detail"),
    [
        ("gradient_of_sum", "X = z", "size factor", "the right values times B"),
        ("gradient_down", "X = z", "sign", ""),
        ("gradient_doubled", "X = z", "constant factor", "the right values times 2"),
        ("gradient_turned", "X = z", "transposed matrix", "right as [k, b] instead of [b, k]"),
        ("gradient_by_columns", "X = z", "batch axis", "the sum in p runs over all of B, instead of K"),
        ("gradient_from_one", "X = z", "labels", "places from 0"),
        ("gradient_in_all_rows", "X = z", "special size", "right at every point with B = 1"),
        ("gradient_flat", "X = z", "shapes", "right in another shape"),
        ("gradient_in_place", "", "arguments changed", "p is not what it was"),
        ("gradient_not_finite", "X = z", "not finite", "NaN or infinite"),
        ("gradient_that_counts", "X = z", "not repeatable", "earlier calls"),
    ],
)
def test_what_is_wrong_with_a_gradient(file: str, name: str, args: str, word: str, detail: str) -> None:
    report = judged(file, name, args=args)
    assert report.verdict == "refuted", str(report)
    assert report.diagnosis is not None
    assert report.diagnosis.word == word, str(report)
    assert word in (*WORDS, *DIAGNOSES)
    assert detail in report.diagnosis.detail


@pytest.mark.parametrize(
    ("name", "word", "detail"),
    [
        ("only_diagonal", "diagonal only", "right where i = j"),
        ("only_diagonal_vector", "diagonal only", "only the entries with i = j"),
        ("no_diagonal_term", "off-diagonal only", "right where i != j"),
        ("plus", "sign", "what is computed is p[i] * (delta(i, j) + p[j])"),
        ("value", "shapes", ""),
    ],
)
def test_what_is_wrong_with_a_jacobian(file: str, name: str, word: str, detail: str) -> None:
    report = judged(file, name, "softmax", "")
    assert report.verdict == "refuted", str(report)
    assert report.diagnosis is not None
    assert report.diagnosis.word == word, str(report)
    assert word in (*WORDS, *DIAGNOSES)
    assert detail in report.diagnosis.detail


def test_a_softmax_over_the_whole_batch_is_told(file: str) -> None:
    report = judged(file, "gradient_over_all")
    assert report.verdict == "refuted"
    assert report.diagnosis is not None
    assert report.diagnosis.word == "batch axis"
    assert "right where B = 1" in report.diagnosis.detail
    assert "the sum in p runs over all of B" in report.diagnosis.detail
    found = report.counterexample
    assert found["sizes"] == {"B": 2, "K": 1}
    assert found["expected"] == 0
    assert found["found"] != 0
    assert len(found["arguments"]["X"]) == 2
    assert all(0 <= label < 1 for label in found["arguments"]["y"])


def test_a_counterexample_names_the_entry_as_mathematics_and_as_code(file: str) -> None:
    report = judged(file, "only_diagonal", "softmax", "", "")
    found = report.counterexample
    assert found["sizes"] == {"K": 2}
    places = [place - 1 for place in found["places"].values()]
    assert places == found["index"]
    assert places[0] != places[1]
    p = found["arguments"]["p"]
    assert found["expected"] == pytest.approx(-p[0] * p[1], rel=1e-12)
    assert found["found"] == 0


def test_what_is_unstable_is_remarked_and_not_refuted(file: str) -> None:
    report = judged(file, "gradient_unstable")
    assert report.verdict == "agrees"
    assert any("NaN or infinite" in remark for remark in report.remarks)
    assert not judged(file, "gradient").remarks


def test_finite_differences_are_neither_right_nor_wrong(file: str) -> None:
    report = judged(file, "gradient_by_differences")
    assert report.verdict == "undecided"
    assert "digits only" in report.message


def test_assumptions_are_kept_and_told(file: str) -> None:
    report = judged(file, "by_targets", "cross_entropy:d(L, z[j])", "")
    assert report.assuming == ("sum(k, t[k]) == 1",)
    assert "under sum(k, t[k]) == 1" in str(report)


@pytest.mark.parametrize(
    ("name", "against", "args", "returns", "error", "message"),
    [
        ("nothing", BATCH, "", "", CodeError, "expected a function of .*found 'nothing'"),
        ("gradient", "softmax_layer", "", "", CodeError, "expected which derivative of softmax_layer"),
        ("gradient", "softmax:d(q, z)", "", "", CodeError, r"expected a name of softmax \(z, p\), found 'q'"),
        ("gradient", BATCH, "", "", CodeError, "expected what the parameter X of gradient stands for"),
        (
            "gradient",
            BATCH,
            "Y = z",
            "",
            NotationError,
            r"expected a parameter of gradient \(X, y\), found 'Y'",
        ),
        ("gradient", BATCH, "X =", "", NotationError, "found no name"),
        ("gradient", BATCH, "X = z[b]", "", NotationError, "2 ind"),
        ("gradient", BATCH, "X = z[b, k] as b", "", NotationError, "found no k"),
        ("gradient", BATCH, "X = z, y = y[a, b]", "", NotationError, "one letter for each axis of y"),
        ("gradient", BATCH, "X = z", "b j", NotationError, "expected the letters b, k, each once.*found 'j'"),
        ("gradient", BATCH, "X = z", "b b", NotationError, "found b twice"),
        ("gradient", BATCH, "X = z", "(b k", NotationError, "open bracket"),
        ("gradient", "cross_entropy_batch:d(L, z[", "X = z", "", NotationError, "never closed"),
    ],
)
def test_what_is_not_understood_gets_a_sentence(  # noqa: PLR0917
    file: str, name: str, against: str, args: str, returns: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_code(f"{file}::{name}", against, args, returns)


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("z = q[k]) -> [i, j]", 19),
        ("a = p, z = p[k]) -> [i, j]", 15),
        ("z = z[k] as j) -> [i, j]", 27),
        ("z = z[k]) -> [i, q]", 32),
    ],
)
def test_an_error_in_a_header_has_its_line_and_column(tmp_path: Path, written: str, column: int) -> None:
    path = tmp_path / "f.py"
    path.write_text(f"\n# symderiv: f({written}\ndef f(z):\n    return z\n")
    with pytest.raises(NotationError) as found:
        check_code(f"{path}::f", "softmax:d(p[i], z[j])")
    line = f"# symderiv: f({written}"
    assert str(found.value).startswith(f"{path}:2:{column}: ")
    assert found.value.source_line == line


@pytest.mark.parametrize(
    ("written", "code", "message"),
    [
        ("def f(:", "f", ":1: expected Python, found"),
        ("\x00", "f", "expected Python"),
        ("def f(z):\n    return z", "f()", "expected FILE.py::function"),
    ],
)
def test_a_file_that_cannot_be_used_is_never_run(
    tmp_path: Path, written: str, code: str, message: str
) -> None:
    path = tmp_path / "f.py"
    path.write_text(written)
    with pytest.raises(CodeError, match=message):
        check_code(f"{path}::{code}", "softmax")
    with pytest.raises(CodeError, match="cannot read it"):
        check_code(f"{tmp_path / 'none.py'}::f", "softmax")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["symderiv", "check", *arguments])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def test_a_problem_without_axes_is_tried_at_several_values(tmp_path: Path) -> None:
    (tmp_path / "s.sd").write_text("input x\ny = x^3\n")
    (tmp_path / "s.py").write_text("def f(x):\n    return 3 * x * x\ndef g(x):\n    return x * x\n")
    report = check_code(f"{tmp_path / 's.py'}::f", f"{tmp_path / 's.sd'}:d(y, x)")
    assert report.verdict == "agrees"
    assert report.points >= 8
    report = check_code(f"{tmp_path / 's.py'}::g", f"{tmp_path / 's.sd'}:d(y, x)")
    assert report.diagnosis is not None
    assert (report.diagnosis.word, report.diagnosis.detail) == (
        "constant factor", "the right values times 1/3",
    )  # fmt: skip


def test_from_python(file: str) -> None:
    import symderiv as sd

    report = sd.check_code(f"{file}::tiled", "softmax")
    assert report
    assert report.to_dict()["verdict"] == "agrees"


def test_the_command_line(run, file: str) -> None:
    status, out, _ = run("--code", f"{file}::tiled", "--against", "softmax")
    assert status == 0
    assert out.startswith("agrees: ")
    status, out, _ = run(
        "--code", f"{file}::gradient_over_all", "--against", BATCH, "--args", "X = z", "--format", "json"
    )
    assert status == 1
    found = json.loads(out)
    assert (found["verdict"], found["diagnosis"], found["ran"]) == ("refuted", "batch axis", True)
    assert found["right_form"] == "(p[b, k] - delta(k, y[b])) / B"
    status, out, _ = run("--code", f"{file}::gradient_by_differences", "--against", BATCH, "--args", "X = z")
    assert status == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected a document to check"),
        (["--against", "softmax"], "found no --code"),
        (["--code", "f.py::f"], "found no --against"),
        (["notes.md", "--code", "f.py::f", "--against", "softmax"], "expected no document"),
        (["--code", "f.py::f", "--against", "softmax", "--format", "sarif"], "expected text or json"),
        (["--code", "f.py::f", "--against", "softmax", "--explain"], "--explain: expected documents"),
        (["--code", "f.py::f", "--against", "softmaxx"], "cannot read it"),
    ],
)
def test_the_command_line_refuses(run, arguments: list[str], message: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_the_help_says_that_code_is_run(run) -> None:
    _, out, _ = run("--help")
    told = " ".join(out.split())
    assert "it is RUN" in told
    assert "Nothing is ever run without --code" in told
