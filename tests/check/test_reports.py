r"""Reports for people and programs: text, JSON, SARIF, GitHub annotations, HTML, notebooks."""

import json
import os
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

import symderiv as sd
from symderiv.check import Report, check_document, read_text
from symderiv.check.output import FORMATS, rendered
from symderiv.cli.application import app

NOTES = r"""# Softmax <script>alert(1)</script>

$$p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}$$

$$
\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j) = p_i (\delta_{ij} + p_j)
$$

$$L = -\sum_k t_k \log p_k$$

$$\frac{\partial L}{\partial z_j} = p_j - t_j$$

$$q_i = <b onclick="x"> \unknown$$
"""
RIGHT = r"$$s = \sum_k x_k$$" + "\n\n" + r"$$\frac{\partial s}{\partial x_j} = 1$$" + "\n"
WRONG = RIGHT.replace("= 1", "= 2")


@pytest.fixture(scope="module")
def report() -> Report:
    return check_document(read_text(NOTES, "notes.md"))


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["check", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


# --- JSON ------------------------------------------------------------------------------------------


def test_json_has_the_keys_that_are_promised(report: Report) -> None:
    data = json.loads(rendered("json", [report]))
    assert data["version"] == 1
    (document,) = data["documents"]
    assert (document["path"], document["verdict"]) == ("notes.md", "refuted")
    proved, refuted, conditional, unreadable = document["claims"]
    for claim in (proved, refuted, conditional):
        assert {"line", "column", "display", "equality", "latex", "understood", "verdict"} <= claim.keys()
        assert claim["message"]
    assert proved["verdict"] == "proved"
    assert proved["method"]
    assert (refuted["line"], refuted["display"], refuted["equality"]) == (6, 2, 2)
    assert refuted["diagnosis"] == "sign"
    assert refuted["right_form"] == "p[i] * (delta(i, j) - p[j])"
    assert {"sizes", "values", "left", "right"} <= refuted["counterexample"].keys()
    assert conditional["condition"] == "sum(k, t[k]) == 1"
    assert "counterexample" in conditional
    assert {"line", "column", "display", "verdict", "message"} <= unreadable.keys()


def test_spans_reach_to_the_end_of_the_right_side(report: Report) -> None:
    line = NOTES.split("\n")[5]
    proved, refuted = report.judgements[:2]
    for each, right in ((proved, r"p_i (\delta_{ij} - p_j)"), (refuted, r"p_i (\delta_{ij} + p_j)")):
        assert each.end is not None
        assert line[each.place.column - 1 : each.end.column - 1] == f"= {right}"
        assert each.claim is not None
        begin, end = each.claim.span
        assert NOTES[begin:end] == " = ".join(each.claim.written)


# --- SARIF and GitHub ------------------------------------------------------------------------------


def test_sarif_has_the_structure_of_2_1_0(report: Report) -> None:
    log = json.loads(rendered("sarif", [report]))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run_,) = log["runs"]
    driver = run_["tool"]["driver"]
    assert driver["name"] == "symderiv"
    assert run_["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(rules) == len(set(rules))
    assert [each["ruleId"] for each in run_["results"]] == ["refuted", "conditional", "unreadable"]
    for each in run_["results"]:
        assert each["ruleId"] in rules
        assert each["level"] in ("none", "note", "warning", "error")
        assert each["message"]["text"]
        assert not re.search(r"[{}]", re.sub(r"{{|}}", "", each["message"]["text"]))
        (location,) = each["locations"]
        physical = location["physicalLocation"]
        assert re.fullmatch(r"[A-Za-z0-9_.~/%:-]+", physical["artifactLocation"]["uri"])
        region = physical["region"]
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1
        end = (region.get("endLine", region["startLine"]), region.get("endColumn", region["startColumn"]))
        assert end >= (region["startLine"], region["startColumn"])


def test_a_path_is_a_reference_in_sarif() -> None:
    log = json.loads(rendered("sarif", [check_document(read_text(WRONG, "my notes#1.md"))]))
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "my%20notes%231.md"


def test_github_annotations(report: Report) -> None:
    lines = rendered("github", [report]).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(
        "::error file=notes.md,line=6,col=61,endLine=6,endColumn=86,title=symderiv refuted::"
    )
    assert lines[1].startswith("::warning file=notes.md,line=11,")
    for line in lines:
        assert re.fullmatch(r"::(error|warning|notice) [^:]*::.+", line)


# --- HTML ------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects the elements of a page and checks that they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_needs_nothing_and_takes_no_markup_from_the_document(report: Report) -> None:
    page = Page()
    page.feed(rendered("html", [report]))
    assert page.open == []
    tags = {tag for tag, _ in page.found}
    assert not tags & {"script", "link", "img", "iframe", "object", "b"}
    for _, attributes in page.found:
        assert not any(name.startswith("on") or name == "src" for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "<script>alert(1)</script>" in page.text
    assert "math" in tags
    links = [each["class"] for tag, each in page.found if tag == "a"]
    marked = ["sign proved", "sign refuted", "sign conditional", "sign unreadable"]
    assert links == marked + ["place"] * 4
    targets = {each["id"] for _, each in page.found if "id" in each}
    assert {str(each["href"])[1:] for tag, each in page.found if tag == "a"} <= targets


def test_the_page_shows_the_source_as_it_is(report: Report) -> None:
    page = Page()
    page.feed(rendered("html", [report]))
    for line in NOTES.splitlines():
        assert line in page.text


def test_a_notebook_shows_a_table(report: Report) -> None:
    page = Page()
    page.feed(report._repr_html_())
    assert page.open == []
    assert "script" not in {tag for tag, _ in page.found}
    assert report._repr_markdown_().count("\n|") == 2 + len(report.judgements)
    assert "| refuted | 6:61 |" in report._repr_markdown_()


# --- the library -----------------------------------------------------------------------------------


def test_the_library_checks_text_and_files(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(WRONG)
    for given in (WRONG, path, str(path)):
        assert sd.check(given).verdict == "refuted"
    assert sd.check(RIGHT).verdict == "proved"
    assert "refuted" in str(sd.check(WRONG))
    assert sd.check(WRONG).to_dict()["verdict"] == "refuted"
    with pytest.raises(sd.check.DocumentError, match="cannot read"):  # type: ignore[attr-defined]
        sd.check(tmp_path / "nothing.md")
    with pytest.raises(TypeError, match="expected a path or a text"):
        sd.check(3)  # type: ignore[arg-type]


def test_the_name_is_the_same_before_and_after_its_room_is_imported() -> None:
    code = (
        f"import symderiv as sd; first = sd.check({RIGHT!r}); import symderiv.check; "
        f"assert sd.check({RIGHT!r}).verdict == first.verdict"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the command -----------------------------------------------------------------------------------


def test_folders_are_searched_and_links_and_hidden_files_left_out(tmp_path: Path) -> None:
    (tmp_path / "docs" / "deep").mkdir(parents=True)
    (tmp_path / "docs" / "a.md").write_text(RIGHT)
    (tmp_path / "docs" / "deep" / "b.tex").write_text(WRONG)
    (tmp_path / "docs" / ".hidden.md").write_text(WRONG)
    (tmp_path / "docs" / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "docs" / "again").symlink_to(tmp_path / "docs")
    status, out, _ = run(str(tmp_path / "docs"), "--format", "json")
    assert status == 1
    assert [Path(each["path"]).name for each in json.loads(out)["documents"]] == ["a.md", "b.tex"]


def test_missing_and_doubled_files_do_not_keep_the_others_from_being_judged(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.md", tmp_path / "bad.md"
    good.write_text(RIGHT)
    bad.write_bytes(b"\xff\xfe$$")
    status, out, err = run(str(good), str(tmp_path / "none.md"), str(bad), str(good))
    assert status == 2
    assert out.count("unreadable: ") == 2
    assert "none.md:1:1: unreadable: cannot read it: no such file" in out
    assert "expected UTF-8 text" in out
    assert "3 documents, 3 claims: 2 unreadable, 1 proved" in out
    assert "named twice, judged once" in err


@pytest.mark.parametrize(("text", "status"), [(RIGHT, 0), (WRONG, 1), ("$$a = \\foo$$", 2), ("words", 0)])
def test_exit_status(tmp_path: Path, text: str, status: int) -> None:
    path = tmp_path / "notes.md"
    path.write_text(text)
    for form in FORMATS:
        assert run(str(path), "--format", form)[0] == status


def test_quiet_says_nothing_where_nothing_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(RIGHT)
    assert run(str(path), "--quiet") == (0, "", "")
    path.write_text(WRONG)
    status, out, _ = run(str(path), "--quiet")
    assert status == 1
    assert "refuted" in out
    assert "1 document" not in out


@pytest.mark.parametrize("form", FORMATS)
def test_out_is_written_whole(tmp_path: Path, form: str) -> None:
    path, out = tmp_path / "notes.md", tmp_path / "report"
    path.write_text(WRONG)
    status, printed, _ = run(str(path), "--format", form, "--out", str(out))
    assert (status, printed) == (1, "")
    assert "refuted" in out.read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["notes.md", "report"]


def test_out_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(RIGHT)
    status, _, err = run(str(path), "--out", str(tmp_path / "none" / "report"))
    assert status == 2
    assert err.startswith("symderiv: expected to write")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-", "--watch"], "--watch: expected files"),
        (["a.md", "--format", "xml"], "--format: expected"),
        (["a.md", "--explain", "--format", "json"], "--explain: expected --format text"),
    ],
)
def test_options_that_do_not_go_together(words: list[str], told: str) -> None:
    status, _, err = run(*words)
    assert status == 2
    assert told in err


def test_explain_says_what_was_understood(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text(
        "<!-- symderiv: input \\hat y[K], t[K] -->\n<!-- symderiv: assume sum(k, t[k]) == 1 -->\n"
        "$$S = \\sum_k t_k \\hat y_k$$\n\n$$\\frac{\\partial S}{\\partial \\hat y_j} = t_j$$\n"
    )
    status, out, _ = run(str(path), "--explain")
    assert status == 0, out
    assert "y_hat[K]" in out
    assert "\\hat y  read as y_hat" in out
    assert "S = sum(k, t[k] * y_hat[k])" in re.sub(" +", " ", out)
    assert "sum(k, t[k]) == 1" in out
    assert out.index("what was understood") < out.index("proved:")


def test_colour_is_for_terminals_only(tmp_path: Path) -> None:
    import pty

    path = tmp_path / "notes.md"
    path.write_text(WRONG)
    for setting, coloured in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        inside, outside = pty.openpty()
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        command = [sys.executable, "-m", "symderiv", "check", str(path)]
        subprocess.run(
            command, stdout=outside, env=environment | {"TERM": "xterm"} | setting, check=False, timeout=60
        )
        os.close(outside)
        assert (b"\x1b[" in os.read(inside, 100_000)) == coloured
        os.close(inside)
    assert "\x1b" not in run(str(path))[1]


def test_watch_judges_again_and_ends_clearly(tmp_path: Path) -> None:
    import signal

    path = tmp_path / "notes.md"
    path.write_text(WRONG)
    command = [sys.executable, "-u", "-m", "symderiv", "check", str(path), "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert "watching" in process.stderr.readline()
            path.write_text(RIGHT + "\n")
            os.utime(path, (time.time() + 5, time.time() + 5))
            assert "watching" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "1 refuted" in out
    assert out.endswith("1 document, 1 claim: 1 proved\n")
    assert err == "symderiv: no longer watching\n"


def test_the_hook_for_pre_commit_works(tmp_path: Path) -> None:
    text = (Path(__file__).resolve().parents[2] / ".pre-commit-hooks.yaml").read_text()
    keys = dict(re.findall(r"^(?:- |  )(\w+): (.+)$", text, re.MULTILINE))
    assert {"id", "name", "entry", "language", "types_or"} <= keys.keys()
    name, *words = keys["entry"].split()
    assert name == "symderiv"
    for text, status in ((RIGHT, 0), (WRONG, 1)):
        path = tmp_path / "notes.md"
        path.write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "symderiv", *words, str(path)], capture_output=True, check=False
        )
        assert done.returncode == status
