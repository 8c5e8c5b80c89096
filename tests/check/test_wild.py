"""The comparison of expected with given verdicts finds what is amiss."""

import json
import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "wild.py"
RIGHT = "$$ f = x^2 $$\n\n$$ \\frac{\\partial f}{\\partial x} = 2x $$\n"
WRONG = "$$ f = x^2 $$\n\n$$ \\frac{\\partial f}{\\partial x} = -2x $$\n"
SIGN = [{"display": 2, "equality": 1}]


@pytest.mark.parametrize(
    ("text", "expected", "told"),
    [
        (RIGHT, {"verdict": "proved"}, "exact: 1 of 1 (100.0%)"),
        (WRONG, {"verdict": "refuted", "wrong": SIGN}, "exact: 1 of 1 (100.0%)"),
        (WRONG, {"verdict": "proved"}, "false refutations: 1"),
        (WRONG, {"verdict": "proved", "either_way": SIGN}, "exact: 1 of 1 (100.0%)"),
        (WRONG, {"verdict": "conditional", "conditional_at": SIGN}, "FALSELY REFUTED: 2.1"),
        (WRONG, {"verdict": "conditional", "conditional_at": SIGN, "also_acceptable": ["refuted"]}, "may be"),
        (RIGHT, {"verdict": "refuted", "wrong": SIGN}, "FALSELY PROVED: 2.1"),
        (RIGHT, {"verdict": "refuted", "wrong": [{"display": 3, "equality": 1}]}, "not refuted: 3.1"),
    ],
)
def test_the_table_tells_what_differs(  # noqa: PLR0917 (fixtures)
    text: str,
    expected: dict[str, object],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "D1.md").write_text(text, "utf-8")
    (tmp_path / "expected.jsonl").write_text(json.dumps({"id": "D1", **expected}) + "\n", "utf-8")
    monkeypatch.setattr("sys.argv", [str(SCRIPT), str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    assert told in printed
    false = any(word in printed for word in ("FALSELY", "refutations: 1"))
    assert ended.value.code == int(false)
