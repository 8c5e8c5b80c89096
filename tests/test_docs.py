"""The documentation and the README: what they show happens, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.shown import SHOWN_ONLY, Runner, blocks, commands, matches

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "generated" not in path.relative_to(DOCS).parts)
#: Lines of shell that are shown and not run here, for they install, take minutes, or need a browser.
NOT_RUN = (
    r"python3 bootstrap\.py (build|test)( [\w.-]+)*",
    r"\.venv/bin/python -m pytest( tests[\w/.-]*| -q)*",
    r"\.venv/bin/python -m (tests\.[\w.]+|mypy)( --help)?",
    r"\.venv/bin/ruff (check|format)( --check)? \.",
    r"\.venv/bin/python -m sphinx -W -n docs build/docs",
    r"pip install (-e )?'?\.?(symderiv)?\[(bench|docs|dev|serve)\]'?",
    r"symderiv (build|verify|serve|bench|check|--install-completion)( .*)?",
)


def test_dots_stand_for_lines_and_an_ellipsis_for_what_is_in_one() -> None:
    assert matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert matches("a\n...\n", "a\n")
    assert matches("took … ms\n", "took 12.5 ms\n")
    assert not matches("took … ms\n", "took 12\n3 ms\n")
    assert not matches("a\n...\nd\n", "a\nb\nc\n")


PAGE = """\
This is `f.txt`:

```text
hello
```

```python
from pathlib import Path
text = Path("f.txt").read_text()
```

```python
>>> text
'WHAT'
```

```console
$ symderiv prove 'x + x = 2 * x'
VERDICT: x + x = 2 * x
...
```
"""


@pytest.mark.parametrize(("what", "verdict", "faults"), [("hello\\n", "proved", 0), ("no", "refuted", 2)])
def test_a_page_that_shows_something_else_is_told(
    what: str, verdict: str, faults: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.replace("WHAT", what).replace("VERDICT", verdict)
    assert len(list(Runner(tmp_path).faults(page))) == faults


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *PAGES], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_what_a_page_shows_happens(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = list(Runner(tmp_path).faults(page.read_text(encoding="utf-8")))
    assert not found, "\n\n".join(found)


def test_every_command_is_shown_somewhere() -> None:
    from symderiv.cli import app

    shown = {
        command.split()[1]
        for page in [ROOT / "README.md", *PAGES]
        for block in blocks(page.read_text(encoding="utf-8"))
        if block.language == "console"
        for _, command, _ in commands(block)
        if command.startswith("symderiv ")
    }
    names = {each.name or each.callback.__name__ for each in app.registered_commands}  # type: ignore[union-attr]
    assert names - shown <= {"serve", "bench"}  # the one does not end, the other takes minutes


def test_lines_of_shell_are_such_as_exist() -> None:
    assert "sh" in SHOWN_ONLY
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]:
        for block in blocks(page.read_text(encoding="utf-8")):
            if block.language == "sh":
                for line in block.text.splitlines():
                    plain = line.partition("  #")[0].strip()
                    assert not plain or any(re.fullmatch(each, plain) for each in NOT_RUN), f"{page}: {line}"


LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "", text)
    for target in LINK.findall(text):
        if re.match(r"https?:|#|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path
        if "generated" in found.parts:  # made when the documentation is built, which fails on a broken link
            continue
        assert found.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{page.name}: {target}"


def test_every_page_is_in_the_contents() -> None:
    listed = set()
    for tree in re.findall(
        r"^```\{toctree\}\n(.*?)^```", (DOCS / "index.md").read_text(), re.DOTALL | re.MULTILINE
    ):
        listed |= {line.strip() for line in tree.splitlines() if line.strip() and not line.startswith(":")}
    listed = {re.sub(r".*<(.*)>", r"\1", line) for line in listed}
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES} - {"index"}
    assert pages <= listed
    assert {name for name in listed - pages if not name.startswith("generated/")} == set()


def test_every_folder_is_described() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    folders -= {"dist", "build"}
    rooms = {path.name for path in (ROOT / "symderiv").iterdir() if (path / "__init__.py").is_file()}
    for name in folders | rooms:
        assert f"{name}/" in readme, name


def test_what_the_theme_leaves_out_is_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from extensions.accessible import mended

    for written, wanted in (
        (
            '<p class="caption" role="heading"><span>',
            '<p class="caption" role="heading" aria-level="2"><span>',
        ),
        ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
        ('<div class="highlight"><pre><span>', '<div class="highlight"><pre tabindex="0"><span>'),
        ('<div class="table-wrapper container">', '<div class="table-wrapper container" tabindex="0">'),
    ):
        assert mended(written) == wanted
        assert mended(wanted) == wanted
