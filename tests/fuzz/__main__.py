"""Coverage-guided fuzzing, by hand: ``python -m tests.fuzz TARGET --runs N --seed S``.

Needs atheris (``pip install 'symderiv[fuzz]'``). The fuzzer runs in a process of its own: it keeps the inputs
that reach something new (in ``--keep FOLDER``, else for this run only), and collects what went wrong
instead of stopping. The report names the inputs tried, the coverage reached, every fault once with its
shortest input, and the slowest input. The exit status is 1 where there was a fault.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

#: After how many seconds the state is written down again.
_EVERY = 2.0


class Slow(BaseException):
    """An input took far longer than its limit."""


def _stop(*_: object) -> None:
    raise Slow


def inside(options: argparse.Namespace) -> None:
    """Fuzz one target in this process, and write the state to ``state.json`` in the folder ``inside``."""
    import atheris

    with atheris.instrument_imports(include=["symderiv"]):
        from tests.fuzz.mutate import Mutator
        from tests.fuzz.targets import TARGETS, Found, attempt, corpus, decoded

    target, runs, folder = TARGETS[options.target], options.runs, Path(options.inside)
    mutator = Mutator([decoded(data) for data in corpus(target)])
    for number, data in enumerate(corpus(target)):
        (folder / "seeds" / str(number)).write_bytes(data)
    kinds: Counter[str] = Counter()
    faults: dict[str, tuple[str, str]] = {}
    slowest: tuple[float, str] = (0.0, "")
    written = 0.0
    signal.signal(signal.SIGPROF, _stop)

    def one(data: bytes) -> None:
        nonlocal slowest, written
        signal.setitimer(signal.ITIMER_PROF, 3 * target.limit)
        try:
            found = attempt(target, data)
        except Slow:
            found = Found("fault", f"hang: no end after {3 * target.limit:.0f} s", 3 * target.limit)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        kinds[found.kind] += 1
        slowest = max(slowest, (found.seconds, ascii(decoded(data))))
        if found.kind == "fault":
            key = re.sub(r"[0-9'\"].*", "", found.message)
            shown = ascii(decoded(data))
            if key not in faults or len(shown) < len(faults[key][1]):
                faults[key] = (found.message, shown)
        if time.monotonic() > written + _EVERY or kinds.total() >= runs:
            written = time.monotonic()
            state = {"kinds": kinds, "faults": list(faults.values()), "slowest": slowest}
            (folder / "state.json").write_text(json.dumps(state))

    def mutate(data: bytes, longest: int, number: int) -> bytes:
        rng = random.Random(number)
        if rng.random() < 0.2:
            return bytes(atheris.Mutate(data, longest))
        return mutator.change(decoded(data), rng).encode("utf-8", errors="surrogatepass")[:longest]

    wanted = [
        f"-runs={runs}", f"-seed={options.seed}", f"-max_len={target.longest}", "-rss_limit_mb=6000",
        f"-max_total_time={options.seconds}", "-timeout=600", f"-artifact_prefix={folder}/crash-",
    ]  # fmt: skip
    folders = [options.keep, str(folder / "seeds")]
    atheris.Setup([sys.argv[0], *wanted, *folders], one, custom_mutator=mutate)
    atheris.Fuzz()


def run(name: str, runs: int, seed: int, kept: str | None, seconds: int) -> int:
    """Fuzz one target in a process of its own and print what was found; the number of faults."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        for each in ("seeds", "kept"):
            (folder / each).mkdir()
        keep = Path(kept) if kept else folder / "kept"
        keep.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, "-m", "tests.fuzz", name, "--runs", str(runs), "--seed", str(seed),
            "--keep", str(keep), "--seconds", str(seconds), "--inside", str(folder),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        path = folder / "state.json"
        state: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        faults = [tuple(each) for each in state.get("faults", [])]
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or [""]
            shown = "; ".join(ascii(path.read_bytes()) for path in folder.glob("crash-*"))
            faults.append((f"the process ended with {done.returncode}: {last[0]}", shown))
    kinds = state.get("kinds", {})
    tried = sum(kinds.values())
    took = time.perf_counter() - began
    print(f"{name}: {tried} inputs in {took:.0f} s ({tried / max(took, 1e-9):.0f} a second), seed {seed}")
    print("  " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    reached = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", done.stderr)
    if reached:
        first, last_reached = reached[0], reached[-1]
        print(
            f"  coverage: {first[0]} edges at first, {last_reached[0]} at the end; "
            f"{last_reached[1]} features; {last_reached[2]} inputs kept"
        )
    slow = state.get("slowest", (0.0, ""))
    print(f"  slowest: {slow[0]:.2f} s of {len(slow[1])} characters: {slow[1]:.160}")
    for message, shown in faults:
        print(f"  FAULT {message}\n    {shown:.2000}")
    print(f"  {len(faults)} kinds of fault", flush=True)
    return len(faults)


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Coverage-guided fuzzing.")
    parser.add_argument("target", help="expression, problem, latex, statements, derive, document or all")
    parser.add_argument("--runs", type=int, default=10_000, help="how many inputs to try")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=0, help="the most seconds for a target; 0: no limit")
    parser.add_argument("--keep", help="a folder for the inputs that reach something new")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(options)
        return 0
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("expected atheris to be installed: pip install 'symderiv[fuzz]'", file=sys.stderr)
        return 2
    from tests.fuzz.targets import TARGETS

    names = list(TARGETS) if options.target == "all" else [options.target]
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"expected one of {', '.join(TARGETS)} or all, found {unknown[0]}")
    return int(
        sum(run(each, options.runs, options.seed, options.keep, options.seconds) for each in names) > 0
    )


if __name__ == "__main__":
    sys.exit(main())
