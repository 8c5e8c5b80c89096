"""What is fuzzed: for each target a reader of bytes, its seeds, and what may not happen.

A target gets any bytes. All that may happen is an answer or a refusal of one sentence, soon; what is read
must also print, and read again as the same. :func:`attempt` says what became of one input.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from symderiv import catalog
from symderiv.expression.canonical import same
from symderiv.notation.errors import NotationError
from symderiv.notation.latex import to_latex
from symderiv.notation.reader import parse_expression
from symderiv.notation.text import to_text
from tests.notation.trees import PROBLEM
from tests.trials import documents, hostile
from tests.trials.hostile import FORMULAS, TEXTS, Hostile

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Found:
    """What became of an input: ``read``, ``refused`` or ``fault``; a sentence or a fault; seconds."""

    kind: str
    message: str
    seconds: float


@dataclass(frozen=True)
class Target:
    """One entrance of the package: what is done with a text, and the most seconds for it."""

    name: str
    run: Callable[[str], tuple[str, str]]
    seeds: Callable[[], list[str]]
    limit: float
    longest: int = 2_000


def _of_hostile(*readers: str) -> Callable[[str], tuple[str, str]]:
    """Read by one of `readers`, which the text's length chooses."""

    def run(text: str) -> tuple[str, str]:
        found = hostile.attempt(Hostile(readers[len(text) % len(readers)], text, "fuzzed"))
        return found.kind, found.message

    return run


def _expression(text: str) -> tuple[str, str]:
    try:
        tree = parse_expression(text, PROBLEM)
    except NotationError as error:
        return "refused", str(error)
    printed = to_text(tree)
    to_latex(tree, PROBLEM)
    try:
        again = parse_expression(printed, PROBLEM)
    except NotationError as error:
        return "fault", f"printed and not read again: {printed!s:.200}: {error.message}"
    if not same(again, tree):
        return "fault", f"printed and read as another: {printed!s:.200}"
    settled = to_text(parse_expression(to_text(again), PROBLEM))
    if settled != to_text(again):
        return "fault", f"printing does not settle: {to_text(again)!s:.200}: {settled!s:.200}"
    return "read", ""


def _problem(text: str) -> tuple[str, str]:
    """Read a problem file, and nothing else: deriving is a target of its own."""
    try:
        problem = hostile.READERS["problem"](text)
    except NotationError as error:
        return "refused", str(error)
    return ("read", "") if problem is not None else ("fault", "no problem and no error")


def _document(text: str) -> tuple[str, str]:
    kind = ("md", "tex", "txt", "ipynb")[len(text) % 4]
    found = documents.attempt(text, f"fuzzed.{kind}")
    return ("read" if found.kind == "judged" and not found.message else found.kind), found.message


def _problems() -> list[str]:
    return [catalog.text_of(name) for name in catalog.names()]


TARGETS = {
    each.name: each
    for each in (
        Target("expression", _expression, lambda: list(TEXTS), 2.0),
        Target("problem", _problem, _problems, 2.0),
        Target(
            "latex", _of_hostile("latex", "latex, inferred", "latex problem"), lambda: list(FORMULAS), 4.0
        ),
        Target("statements", _of_hostile("statements", "equation"), lambda: list(TEXTS), 2.0),
        Target("derive", _of_hostile("problem"), _problems, 12.0),
        Target("document", _document, documents.examples, 30.0, 4_000),
    )
}  # fmt: skip


def decoded(data: bytes) -> str:
    """Bytes as text: what is no UTF-8 comes through as a character that no text has."""
    return data.decode("utf-8", errors="surrogateescape")


def attempt(target: Target, data: bytes) -> Found:
    """What a target makes of an input; never raises for what it holds."""
    began = time.process_time()
    try:
        kind, message = target.run(decoded(data))
    except Exception as error:
        kind, message = "fault", f"{type(error).__name__} in {_place(error)}: {error!s:.200}"
    seconds = time.process_time() - began
    if kind == "refused" and not _is_sentence(message):
        kind, message = "fault", f"refused without a sentence: {message!r:.200}"
    if kind != "fault" and seconds > target.limit:
        kind, message = "fault", f"slow: {seconds:.1f} s"
    return Found(kind, message, seconds)


def corpus(target: Target) -> list[bytes]:
    """The seeds of a target, and the shortest input that earlier runs found for each kind of answer."""
    path = CORPUS / f"{target.name}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [text.encode("utf-8", errors="surrogateescape") for text in (*target.seeds(), *kept)]


def _is_sentence(message: str) -> bool:
    return bool(message) and all(sign.isprintable() or sign in "\n\t" for sign in message)


def _place(error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "nowhere"
