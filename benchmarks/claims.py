"""How fast documents are read and judged: claims per second, the slowest claims, long documents.

    python benchmarks/claims.py [FOLDER ...] [--slowest 5] [--displays 100 300 1000]

The documents are the examples of the tests and those of the folders named. Reading is timed apart from
judging, and every claim by itself. The long documents are made here: displays that define names and claim
derivatives of them, one after the other. Times are the work of this process, others' left out; a claim that
takes longer on the clock than a claim may makes the exit status 1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from timing import in_words

from symderiv.check import DocumentError, read_file, read_text
from symderiv.check.judge import judged_claim
from symderiv.check.limits import SECONDS_PER_CLAIM
from symderiv.check.reading import read
from symderiv.check.sources import documents_in

EXAMPLES = Path(__file__).parents[1] / "tests" / "check" / "examples"
#: What a claim may take beyond its limit: a signal waits for the end of an operation.
GRACE = 1.0
#: The verdict on a claim that did not keep its time.
LATE = "LATE"


def long_document(displays: int) -> str:
    """Softmaxes and squares under ever new names, and claims of their derivatives, in turn."""
    groups = (
        r"$$ P_i = \frac{e^{Z_i}}{\sum_k e^{Z_k}} $$",
        r"$$ \frac{\partial P_i}{\partial Z_j} = P_i (\delta_{ij} - P_j) $$",
        r"$$ S = \sum_k X_k^2 $$",
        r"$$ \frac{\partial S}{\partial X_i} = 2 X_i $$",
    )
    written = []
    for place in range(displays):
        word = "".join("abcdefghij"[int(digit)] for digit in str(place // 4))
        name = r"\mathrm{%s}" % (word + r"\1")
        written.append(re.sub("([PZSX])", name.replace("\\m", "\\\\m"), groups[place % 4]))
    return "\n\nThen we find\n\n".join(written) + "\n"


def timed(path: Path) -> Iterator[tuple[float, str, str]]:
    """The time of reading a document, then of each claim, with where it stands and its verdict."""
    began = time.process_time()
    try:
        content = read(read_file(path))
    except DocumentError as error:
        print(error, file=sys.stderr)
        return
    yield time.process_time() - began, str(path), "read"
    for claim in content.claims:
        began, clock = time.process_time(), time.perf_counter()
        found = judged_claim(content, claim)
        late = time.perf_counter() - clock > SECONDS_PER_CLAIM + GRACE
        yield time.process_time() - began, str(claim.place), LATE if late else found.verdict


def table(name: str, paths: list[Path], slowest: int) -> bool:
    """Print the figures of a folder; whether every claim kept its time."""
    found = [each for path in paths for each in timed(path)]
    reading = sum(seconds for seconds, _, verdict in found if verdict == "read")
    claims = sorted((each for each in found if each[2] != "read"), reverse=True)
    judging = sum(seconds for seconds, _, _ in claims)
    print(f"{name}: {len(paths)} documents read in {reading:.1f} s, {len(claims)} claims in {judging:.1f} s")
    if not claims:
        return True
    rate = len(claims) / (reading + judging)
    print(f"  {rate:.1f} claims a second with reading, {len(claims) / judging:.1f} without")
    print(f"  median {in_words(claims[len(claims) // 2][0])}, the slowest:")
    for seconds, place, verdict in claims[:slowest]:
        print(f"  {in_words(seconds):>9}  {verdict:<12} {place}")
    return all(verdict != LATE for _, _, verdict in claims)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Time the checking of documents.")
    parser.add_argument("folders", nargs="*", type=Path, help="further folders of documents")
    parser.add_argument("--slowest", type=int, default=5, help="how many claims to name")
    parser.add_argument("--displays", type=int, nargs="*", default=[100, 300, 1000], help="long documents")
    options = parser.parse_args()
    folders = (EXAMPLES, *options.folders)
    kept = [table(folder.name, documents_in(folder), options.slowest) for folder in folders]
    for displays in options.displays:
        text = long_document(displays)
        began = time.process_time()
        content = read(read_text(text, "long.md"))
        seconds = time.process_time() - began
        print(f"a document of {displays} displays: {len(content.claims)} claims read in {in_words(seconds)}")
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "symderiv", "check", "-q", "-"], input=b"$$ a = b $$", check=True)
    print(f"starting, and reading one display: {in_words(time.perf_counter() - began)}")
    return int(not all(kept))


if __name__ == "__main__":
    sys.exit(main())
