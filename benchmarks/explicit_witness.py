"""How long the explicit derivation takes, beside SymPy's own way to the same matrix.

    python benchmarks/explicit_witness.py [--rounds 3] [--limit 20]

Both sides get the softmax written out in plain symbols. SymPy's own way is ``Matrix.jacobian``, then
``simplify`` of the matrix; the witness lets SymPy differentiate as well, rewrites every entry in p by
exact rational arithmetic, and proves it equal to the derived form. SymPy's cache is cleared before
every call. Then: how long the index calculus needs for all derivations of each catalogue entry.
"""

from __future__ import annotations

import argparse

import sympy
from sympy.core.cache import clear_cache
from timing import Timing, in_words, interleaved

from symderiv.calculus import derive_all
from symderiv.calculus.derivation import Derivation
from symderiv.catalog import load, names
from symderiv.witness import witness

COMPARED = (3, 5, 8)
ALONE = (16,)


def naive(size: int) -> object:
    """The Jacobian of softmax by SymPy's own means, simplified."""
    z = sympy.symbols(f"z_1:{size + 1}")
    total = sum(sympy.exp(each) for each in z)
    p = sympy.Matrix([sympy.exp(each) / total for each in z])
    return p.jacobian(z).applyfunc(sympy.simplify)


def checked(derivation: Derivation, sizes: dict[str, int]) -> None:
    """The witness, which must agree: a time for a wrong answer is worth nothing."""
    explicit = witness(derivation, sizes)
    if not explicit.agrees:
        raise SystemExit(explicit.verdict())


def ratio(slow: Timing, fast: Timing, limit: float) -> str:
    """How many times `fast` goes into `slow`; a lower bound where `slow` was stopped."""
    if slow.failure.startswith("more than"):
        return f"> {limit / fast.median:.0f}"
    return "-" if slow.failure else f"{slow.median / fast.median:.1f}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Time the explicit derivation.")
    parser.add_argument("--rounds", type=int, default=3, help="calls of each candidate, in turns")
    parser.add_argument(
        "--limit", type=float, default=20.0, help="most seconds for one call of SymPy's own way"
    )
    options = parser.parse_args()
    (jacobian,) = derive_all(load("softmax"))
    checked(jacobian, {"K": 2})  # imports are not part of what is timed

    print("Jacobian of softmax, written out (medians)")
    print(f"{'K':>3} {'witness':>10} {'jacobian + simplify':>20} {'ratio':>8}")
    for size in (*COMPARED, *ALONE):
        candidates = {"witness": lambda size=size: checked(jacobian, {"K": size})}
        if size in COMPARED:
            candidates["naive"] = lambda size=size: naive(size)
        times = interleaved(candidates, options.rounds, options.limit, clear_cache)
        other = times.get("naive")
        against = f"{'not run':>20} {'':>8}"
        if other is not None:
            against = f"{other!s:>20} {ratio(other, times['witness'], options.limit):>8}"
        print(f"{size:>3} {times['witness']!s:>10} {against}")

    print(
        "\nLayer and others at K = 5, N = 3 (witness of every derivation), and the index calculus by itself"
    )
    print(f"{'problem':<28} {'derivations':>11} {'index calculus':>15} {'witness':>10} {'ratio':>7}")
    for name in names():
        problem = load(name)
        derivations = derive_all(problem)
        sizes = {axis: 5 if axis == "K" else 3 for axis in problem.axes}
        times = interleaved(
            {
                "calculus": lambda problem=problem: derive_all(problem),
                "witness": lambda derivations=derivations, sizes=sizes: [
                    checked(each, sizes) for each in derivations
                ],
            },
            options.rounds,
            None,
            clear_cache,
        )
        calculus, written = times["calculus"], times["witness"]
        share = f"{written.median / calculus.median:.1f}"
        print(f"{name:<28} {len(derivations):>11} {in_words(calculus.median):>15} {written!s:>10} {share:>7}")


if __name__ == "__main__":
    main()
