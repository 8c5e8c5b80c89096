"""Documents that nobody means well, and what checking makes of them.

:func:`extremes` are far too large, too deep or too many; :func:`hostile_files` are files that are no
documents, or reach out of their folder; :func:`mutated_documents` are the examples of the tests with pieces
deleted, doubled, swapped and put in. :func:`attempt` judges one and writes every report of it. All that may
happen is a report, within the limits; what it says is proved must hold in numbers.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from symderiv.check import check_document, read_file, read_text
from symderiv.check.document import DocumentError
from symderiv.check.judge import condition_said
from symderiv.check.output import FORMATS, rendered
from symderiv.check.points import Sides, Special, close
from symderiv.check.verdicts import Judgement, Report
from symderiv.expression.nodes import Expression
from symderiv.problem import Problem
from symderiv.proof.judge import restricted
from tests.trials.hostile import TOKENS, mutated

EXAMPLES = Path(__file__).parents[1] / "check" / "examples"
#: Seconds for one claim and for reading a document, here; and what a limit may be overrun by.
CLAIM, READING, GRACE = 2.0, 5.0, 1.5


@dataclass(frozen=True)
class Attempt:
    """What became of a document: ``judged``, ``refused`` or ``fault``, and why; the verdicts; seconds."""

    kind: str
    message: str = ""
    verdicts: tuple[str, ...] = ()
    seconds: float = 0.0


def attempt(given: str | Path, name: str = "hostile.md", reading: float = READING) -> Attempt:
    """Judge a text or a file; never raises for what it holds."""
    began = time.process_time()
    try:
        document = read_file(given) if isinstance(given, Path) else read_text(given, name)
    except DocumentError as error:
        return Attempt("refused", str(error), (), time.process_time() - began)
    except Exception as error:
        return Attempt("fault", f"{type(error).__name__} in reading the file: {error!s:.200}")
    try:
        report = check_document(document, seconds=CLAIM)
        took = time.process_time() - began
        for form in FORMATS:
            rendered(form, [report], explain=form == "text")
    except Exception as error:
        return Attempt("fault", f"{type(error).__name__}: {error!s:.200}")
    verdicts = tuple(each.verdict for each in report.judgements)
    faults = [fault for each in report.judgements if (fault := _fault(report, each))]
    claims = sum(each.claim is not None for each in report.judgements)
    if took > reading + CLAIM * claims + GRACE:
        faults.append(f"slow: {took:.1f} s for {claims} claims")
    return Attempt("fault" if faults else "judged", " | ".join(faults[:1]), verdicts, took)


def _fault(report: Report, found: Judgement) -> str:
    """What is wrong with a judgement itself: an error of ours, or a proof of what is false."""
    if "not judged, because of" in found.message:
        return found.message[:300]
    if not found.message:
        return "a judgement without a message"
    content = report.content
    if found.verdict == "proved" and found.claim is not None and content is not None and not content.fixed:
        claim = found.claim
        sentence = condition_said(claim, claim.left, claim.right)
        where = (*claim.conditions, *content.where, *([sentence] if sentence is not None else []))
        left, right = restricted(claim.left, claim.right, where)
        if _differ(report, claim.problem, left, right):
            return f"FALSELY PROVED: {' = '.join(claim.written)}"[:300]
    return ""


def _differ(report: Report, problem: Problem, left: Expression, right: Expression) -> bool:
    """Whether two sides differ in numbers, where the document's assumptions hold."""
    assert report.content is not None
    try:
        sides = Sides.of(problem, left, right, Special.of(report.content.assumptions))
        return any(
            a is not None and b is not None and not close(a, b)
            for lefts, rights in zip(sides.lefts, sides.rights(), strict=True)
            for a, b in zip(lefts.values(), rights.values(), strict=True)
        )
    except Exception:  # no numbers: nothing to compare
        return False


def examples() -> list[str]:
    """The documents that are mutated."""
    return [path.read_text("utf-8") for path in sorted(EXAMPLES.glob("*.md"))]


def mutated_documents(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """`count` mutated documents, each with the name of its file."""
    rng = random.Random(seed)
    texts = examples()
    for _ in range(count):
        text = rng.choice(texts)
        for _ in range(rng.randint(0, 2)):
            text = _by_lines(text, rng.choice(texts), rng)
        if rng.random() < 0.8:
            text = mutated(text, rng)
        kind = rng.choice(("md", "md", "md", "tex", "txt", "ipynb"))
        if kind == "ipynb":
            cells = [{"cell_type": "markdown", "source": part} for part in text.split("\n\n")]
            text = json.dumps({"cells": cells, "nbformat": 4})
            text = mutated(text, rng) if rng.random() < 0.3 else text
        elif kind == "tex" and rng.random() < 0.5:
            text = f"\\documentclass{{article}}\n\\begin{{document}}\n{text}\n\\end{{document}}\n"
        if rng.random() < 0.1:
            text = text.replace("\n", rng.choice(("\r\n", "\r", "\u2028", "\x0b")))
        yield text, f"mutated.{kind}"


def _by_lines(text: str, other: str, rng: random.Random) -> str:
    """`text` with a line deleted, doubled, moved, changed, or taken from another document."""
    lines, others = text.split("\n"), other.split("\n")
    place, where = rng.randrange(len(lines)), rng.randrange(len(lines) + 1)
    match rng.randrange(6):
        case 0:
            del lines[place]
        case 1:
            lines.insert(where, lines[place])
        case 2:
            lines.insert(min(where, len(lines) - 1), lines.pop(place))
        case 3:
            lines.insert(where, rng.choice(others))
        case 4:
            lines[place] = rng.choice(TOKENS).join(lines[place].split(" "))
        case _:
            return f"{text}\n\n{other}"
    return "\n".join(lines)


def extremes() -> Iterator[tuple[str, str]]:
    """Texts with a word for each."""

    def display(formula: str) -> str:
        return f"$$ {formula} $$\n"

    many, deep = 100_000, 3_000
    head = display(r"f = \sum_k x_k")
    for what, formula in {
        "braces": "x = " + "{" * deep + "x" + "}" * deep,
        "open braces": "x = " + "{" * deep,
        "fractions": "x = " + r"\frac{1}{" * 400 + "x" + "}" * 400,
        "brackets": "x = " + r"\left(" * 700 + "x" + r"\right)" * 700,
        "roots": "f = " + r"\sqrt{" * 800 + "x" + "}" * 800,
        "subscripts": "f = " + "x_{" * 700 + "x" + "}" * 700,
        "powers": "f = " + "x^{" * 700 + "x" + "}" * 700,
        "nested sums": "f = " + r"\sum_{k}" * 700 + " x_k",
        "a tower of powers": "x + 9^{9^{9^{9}}} = x",
        "ten to ten to ten": r"x \cdot 10^{10^{10}} = x",
        "a power of a power": r"((2^{1000})^{1000})^{1000} x = 3 x",
        "a power of a sum": "(x + y + z + 1)^{1000} = (x + y + z)^{1000} + 1",
        "many digits": f"x = {'9' * 15_000} x",
        "many decimals": f"x = 0.{'9' * 199} x",
        "a factorial": r"x = \Gamma(99999999) x",
        "a binomial": r"x \binom{99999999}{5000000} = x",
        "a product of numbers": r"\prod_{k=1}^{99999999} k = x",
        "towers of e": "e^{e^{e^{e^{x}}}} = e^{e^{e^{e^{x}}}} + 1",
        "e to a power of ten": r"\exp(10^{300}) x = x",
        "many accents": "f = x" + "\u0301" * 15_000,
        "many primes": "f = x" + "'" * 3_000,
        "many indices": "f = x_{" + ",".join("abcdefghij"[place % 10] for place in range(2_000)) + "}",
        "equals signs": "x " + "=" * 3_000 + " x",
        "a chain": "x " + "= x " * 2_000,
        "a wide matrix": r"A = \begin{pmatrix}" + " & ".join("1" for _ in range(2_000)) + r"\end{pmatrix}",
        "turned print": "x\u202e = \u2066x\u2069",
        "signs of a terminal": "x \x1b[31m = \x07 x",
        "half a character": "x = \ud800 x",
        "signs without width": "f\u200b = \u200dx\ufeff^2",
        "a fiftieth derivative": r"\frac{\partial^{50}}{\partial x^{50}} \tanh(x) = x",
        "a fifth derivative": r"\frac{\partial^{5}}{\partial x^{5}} \tanh(\tanh(\tanh(x))) = x",
        "a product of sums": " ".join(rf"(\sum_k x_k^{{{place}}})" for place in range(2, 60)) + " = 1",
    }.items():
        yield what, display(formula)
        yield (
            f"{what}, derived",
            head + display(r"\frac{\partial}{\partial x_i} \left[ " + formula + r"\right]"),
        )
    powers = "".join(display(rf"a_{{{n}}} = a_{{{n - 1}}}^{{1000}}") for n in range(2, 12))
    yield "powers of powers, by name", display("a_{1} = 3") + powers + display("a_{11} = 5")
    yield "a million sums", head * (2_000_000 // len(head))
    yield "macros in a circle", r"\newcommand{\a}{\b} \newcommand{\b}{\a}" + "\n" + display(r"x = \a")
    yield "a macro of itself", r"\newcommand{\a}{\a\a}" + "\n" + display(r"x = \a")
    doubling = "".join(
        rf"\newcommand{{\{name * 3}}}{{{(chr(92) + chr(ord(name) + 1) * 3) * 4}}}" + "\n"
        for name in "abcdefghijklmnop"
    )
    yield "macros that multiply", doubling + r"\newcommand{\qqq}{x + }" + "\n" + display(r"x = \aaa x")
    yield "a macro of an argument", r"\def\a#1{#1#1}" + display("x = " + r"\a{" * 300 + "x" + "}" * 300)
    for what, piece, count in (
        ("dollars", "$", 2 * many + 1),
        ("open displays", "$$ ", many + 1),
        ("environments that never end", r"\begin{align}", many),
        ("environments that end as others", r"\begin{align}\end{gather}", many // 2),
        ("backslashes", "\\", 10 * many),
        ("opening signs", r"\[", 5 * many),
        ("formulas in lines", "$a = b$ ", 2 * many),
        ("comments that never end", "<!-- symderiv: ", many),
        ("directives", "<!-- symderiv: assume x > 0 -->\n", many // 2),
        ("fences", "```math\n", many),
        ("backticks", "`", 10 * many + 1),
        ("quotations", ">", 10 * many),
        ("macros that never end", r"\newcommand{\a}{", many // 5),
    ):
        yield what, piece * count
        yield f"{what}, and a claim", piece * count + "\n\n" + display("x = x + 1")
    yield "lists in lists", "".join(f"{' ' * (2 * depth)}- $$ x = x $$\n" for depth in range(900))
    yield "an environment that never ends", r"\begin{align} a &= b \\ " + "x" * (10 * many)
    yield "a long directive", f"<!-- symderiv: let {'x' * (10 * many)} = 3 -->"
    layers = "".join(f"<!-- symderiv: let f{n + 1} = exp(f{n}) + x -->\n" for n in range(900))
    yield "definitions in definitions", layers + display(r"\mathrm{f900} = x + 1")
    yield "a huge size", "<!-- symderiv: input R[99999999, 99999999] -->\n" + display(r"\sum_i R_{ij} = 3")


def hostile_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files with the words that their refusal must have; `folder` is empty."""
    inside = folder / "inside"
    inside.mkdir()
    (folder / "secret.tex").write_text("$$ x = x $$", "utf-8")

    def made(name: str, content: str | bytes) -> Path:
        path = inside / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    def taking_in(name: str, target: str) -> Path:
        return made(name, rf"\documentclass{{article}}\begin{{document}}\input{{{target}}}\end{{document}}")

    yield "takes in itself", taking_in("itself.tex", "itself")
    taking_in("one.tex", "other")
    yield "takes in itself", taking_in("other.tex", "one")
    yield "expected a file within", taking_in("up.tex", "../secret")
    yield "expected a file within", taking_in("absolute.tex", str(folder / "secret"))
    yield "expected a file within", taking_in("system.tex", "/etc/passwd")
    (inside / "link.tex").symlink_to(folder / "secret.tex")
    yield "expected a file within", taking_in("by-link.tex", "link")
    (inside / "above").symlink_to(folder)
    yield "expected a file within", taking_in("by-folder.tex", "above/secret")
    (inside / "circle.tex").symlink_to("circle.tex")
    yield "cannot read circle", taking_in("by-circle.tex", "circle")
    (inside / "folder.tex").mkdir()
    yield "cannot read folder", taking_in("by-name.tex", "folder")
    yield "cannot read |ls", taking_in("command.tex", "|ls")
    yield "cannot read aaa", taking_in("long.tex", "a" * 5_000)
    if hasattr(os, "mkfifo"):
        os.mkfifo(inside / "pipe.tex")
        yield "cannot read pipe", taking_in("by-pipe.tex", "pipe")
        yield "expected a file", inside / "pipe.tex"
    for depth in range(30):
        made(f"d{depth}.tex", rf"\input{{d{depth + 1}}}")
    yield "deep", taking_in("deep.tex", "d0")
    for level in range(8):
        made(f"w{level}.tex", rf"\input{{w{level + 1}}}" * 10)
    made("w8.tex", "$$ x = x $$")
    yield "more than 200 files", taking_in("wide.tex", "w0")
    huge = inside / "huge.md"
    with huge.open("wb") as opened:
        opened.truncate(50_000_000)
    yield "expected at most", huge
    (inside / "huge.tex").symlink_to("huge.md")
    yield "expected at most", taking_in("by-huge.tex", "huge")
    text = "$$ f = x^2 $$ é"
    for encoding in ("latin-1", "utf-16", "utf-16-le", "utf-32"):
        yield "expected UTF-8 text", made(f"{encoding}.md", text.encode(encoding))
    yield "expected UTF-8 text", made("zeros.md", b"\0" * 100_000)
    yield "cannot read it", inside / "nothing.md"
    yield "cannot read it", inside / ("n" * 5_000)
    yield "cannot read it", inside / "no\0name.md"
    yield "cannot read it", inside / "circle.tex"
    yield "expected a file", inside
    for count, content in enumerate((
        "{", "[]", "NaN", "1" * 5_000, "[" * 100_000, '{"cells":' * 3_000 + "1" + "}" * 3_000, '{"cells": 3}',
        '{"cells": [{"cell_type": "markdown"}]}', '{"cells": [{"cell_type": "markdown", "source": [1, 2]}]}',
        '{"worksheets": [{"cells": []}], "nbformat": 3}',
    )):  # fmt: skip
        yield "expected a Jupyter notebook", made(f"broken{count}.ipynb", content)
