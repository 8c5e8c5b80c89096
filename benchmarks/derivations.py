"""How long derivations take: the whole catalogue, and chains of layers of growing depth.

    python benchmarks/derivations.py [--rounds 5] [--slowest 5]

The catalogue: every derivation that a problem states, each by an engine of its own, so that lemmas
count. The layers: z_l = W_l h_(l-1), h_l = tanh z_l and half the squared error of the last, by the
weights of the first layer, and by those of all; the exponent is the slope of log time over log depth
(1 is linear), and beside it that of the size of the results, which cannot be written in less. The gradient
by the first layer rests on those by everything above it, each derived and written as a lemma, so that
its time grows as the size of all of them. The backward pass gives all gradients at once, a line for each
cotangent in the names of the others: there the depth counts once. Times are the work of this process,
others' left out.
"""

from __future__ import annotations

import argparse
import gc
import math
import statistics
import time
from collections.abc import Callable
from functools import _lru_cache_wrapper

from timing import in_words, interleaved

from symderiv.calculus import Engine
from symderiv.calculus.backward import backward
from symderiv.catalog import load, names
from symderiv.expression.nodes import Entry
from symderiv.expression.traverse import count_nodes
from symderiv.notation.reader import read_problem
from symderiv.notation.text import to_text
from symderiv.problem import Problem

DEPTHS = (1, 2, 4, 8, 16)
#: The widths of the columns beside the depth.
WIDTHS = (10, 6, 13, 6, 10, 6)


def layers(depth: int) -> Problem:
    """A network of `depth` layers without biases, and its squared error."""
    lines = ["index i, j, k, l, m : K", "input x[K], t[K]"]
    for layer in range(1, depth + 1):
        below = f"h{layer - 1}" if layer > 1 else "x"
        lines.append(f"input W{layer}[K, K]")
        lines.append(f"z{layer}[i] = sum(k, W{layer}[i, k] * {below}[k])")
        lines.append(f"h{layer}[i] = tanh(z{layer}[i])")
    lines.append(f"L = sum(k, (h{depth}[k] - t[k])^2) / 2")
    return read_problem("\n".join(lines), f"{depth} layers")


def gradients(problem: Problem, layer_count: int) -> int:
    """Derive the loss by the weights of the first layers; the nodes of all results."""
    engine = Engine(problem)
    nodes = 0
    for layer in range(1, layer_count + 1):
        of, by = engine.generic("L", (f"W{layer}",))
        nodes += count_nodes(engine.derive(of, by).result)
    return nodes


def clear_caches() -> None:
    """Forget what the calculus remembers of earlier trees, so that every call starts alike."""
    for each in gc.get_objects():
        if isinstance(each, _lru_cache_wrapper) and each.__module__.startswith("symderiv."):
            each.cache_clear()


def exponent(depths: tuple[int, ...], values: list[float]) -> float:
    """The slope of log value over log depth, by least squares."""
    slope = statistics.linear_regression(
        [math.log(each) for each in depths], [math.log(each) for each in values]
    )
    return slope.slope


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Time the derivations.")
    parser.add_argument("--rounds", type=int, default=5, help="calls of each derivation, in turns")
    parser.add_argument("--slowest", type=int, default=5, help="how many derivations to name")
    options = parser.parse_args()

    candidates: dict[str, Callable[[], object]] = {}
    for name in names():
        problem = load(name)
        for derivative in dict.fromkeys(each.derivative for each in problem.expectations):
            assert isinstance(derivative.of, Entry)

            def call(problem: Problem = problem, derivative: object = derivative) -> object:
                return Engine(problem).derive(derivative.of, derivative.by)  # type: ignore[attr-defined]

            candidates[f"{name}: {to_text(derivative)}"] = call
    measured_all = interleaved(candidates, options.rounds, None, clear_caches, time.process_time)
    medians = sorted(((timing.median, name) for name, timing in measured_all.items()), reverse=True)
    print(f"catalogue: {len(medians)} derivations of {len(names())} problems")
    print(f"  median {in_words(statistics.median(seconds for seconds, _ in medians))}, the slowest:")
    for seconds, name in medians[: options.slowest]:
        print(f"  {in_words(seconds):>9}  {name}")

    print("\nchains of layers (medians)")
    heads = zip(("backward", "lines", "by the first", "nodes", "by all", "nodes"), WIDTHS, strict=True)
    print(f"{'layers':>6} {' '.join(f'{head:>{width}}' for head, width in heads)}")
    columns: list[list[float]] = [[], [], [], [], [], []]
    for depth in DEPTHS:
        problem = layers(depth)
        measured = interleaved(
            {
                "backward": lambda problem=problem: backward(problem),
                "first": lambda problem=problem: gradients(problem, 1),
                "all": lambda problem=problem, depth=depth: gradients(problem, depth),
            },
            options.rounds,
            None,
            clear_caches,
            time.process_time,
        )
        sizes = gradients(problem, 1), gradients(problem, depth)
        lines = len(backward(problem).stages)
        times = [measured[each].median for each in ("backward", "first", "all")]
        row = (times[0], lines, times[1], sizes[0], times[2], sizes[1])
        for column, value in zip(columns, row, strict=True):
            column.append(float(value))
        print(
            f"{depth:>6} {in_words(row[0]):>10} {row[1]:>6} {in_words(row[2]):>13} {row[3]:>6} "
            f"{in_words(row[4]):>10} {row[5]:>6}"
        )
    found = [exponent(DEPTHS, column) for column in columns]
    shown = [f"{each:>{width}.2f}" for each, width in zip(found, WIDTHS, strict=True)]
    print(f"{'n^':>6} {' '.join(shown)}")


if __name__ == "__main__":
    main()
