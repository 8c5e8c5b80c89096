"""What is known of the mutants: the results that several runs add to, the survivors and the score."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.mutation.changes import ROOT, digest, spots

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


def report(folder: Path, rooms: Iterable[str]) -> None:
    """Print the survivors and the score of each room, for the source as it is now."""
    results = read(folder).values()
    for room in rooms:
        now = [
            each
            for each in results
            if each["module"].startswith(f"symderiv.{room}.")
            and each["digest"] == digest(ROOT / Path(*each["module"].split(".")).with_suffix(".py"))
        ]
        if not now:
            print(f"{room}: no mutant judged")
            continue
        for each in sorted(now, key=lambda each: (each["module"], each["line"])):
            if each["outcome"] == "survived":
                print("SURVIVED {module}:{line} [{tests} tests]: {before}  ->  {after}".format(**each))
        counts = Counter(each["outcome"] for each in now)
        killed, judged = counts["killed"] + counts["time"], len(now) - counts["same"]
        low, high = wilson(killed, judged)
        print(
            f"{room}: {judged} of {sum(1 for _ in spots(room))} mutants judged, {killed} killed "
            f"({counts['time']} by time): {killed / judged:.1%} (95 %: {low:.1%} to {high:.1%}); "
            f"{counts['survived']} survived"
        )
