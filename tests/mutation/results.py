"""What is known of the mutants: the results that several runs add to, the survivors and the score."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.mutation.changes import ROOT, digest, spots

#: What was found about survivors that were looked at: equivalent, harmless or a gap, and why.
SURVIVORS = Path(__file__).parent / "survivors.jsonl"
Key = tuple[str, int, int, str]


def read(folder: Path) -> dict[Key, dict[str, Any]]:
    """The last result of each mutant."""
    file = folder / "results.jsonl"
    found: dict[Key, dict[str, Any]] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        each = json.loads(line)
        found[each["module"], each["node"], each["way"], each["digest"]] = each
    return found


def wilson(part: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    z = 1.96
    share, spread = part / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return middle - half, middle + half


def looked_at() -> dict[tuple[str, ...], dict[str, str]]:
    """What was said of survivors, by where they are and what they change."""
    found = [json.loads(line) for line in SURVIVORS.read_text(encoding="utf-8").splitlines()]
    return {same(each): each for each in found}


def same(mutant: Mapping[str, Any]) -> tuple[str, ...]:
    """What makes a mutant the same one when lines have moved."""
    return tuple(str(mutant[name]) for name in ("module", "function", "before", "after"))


def report(folder: Path, rooms: Iterable[str]) -> None:
    """Print the survivors and the score of each room, for the source as it is now."""
    results, said = read(folder).values(), looked_at()
    for room in rooms:
        now = [
            each
            for each in results
            if each["module"].startswith(f"symderiv.{room}.")
            and each["digest"] == digest(ROOT / Path(*each["module"].split(".")).with_suffix(".py"))
        ]
        judged = [each for each in now if each["outcome"] != "same"]
        if not judged:
            print(f"{room}: no mutant judged")
            continue
        kinds: Counter[str] = Counter()
        for each in sorted(judged, key=lambda each: (each["module"], each["line"])):
            if each["outcome"] == "survived":
                known = said.get(same(each), {"kind": "not looked at", "why": ""})
                kinds[known["kind"]] += 1
                print(f"{'{module}:{line} [{tests} tests]: {before}  ->  {after}'.format(**each)}")
                print(f"    {known['kind']}: {known['why']}")
        times = sum(each["outcome"] == "time" for each in judged)
        killed = sum(each["outcome"] == "killed" for each in judged) + times
        low, high = wilson(killed, len(judged))
        real = len(judged) - kinds["equivalent"]
        print(
            f"{room}: {len(judged)} of {sum(1 for _ in spots(room))} mutants judged, {killed} killed "
            f"({times} by time): {killed / len(judged):.1%} (95 %: {low:.1%} to {high:.1%}), "
            f"{killed / real:.1%} of those that change anything; survived: "
            + (", ".join(f"{number} {kind}" for kind, number in kinds.most_common()) or "none")
        )
