"""The same derivatives by symderiv, by SymPy and by tensorgrad: times, and the forms side by side.

    python benchmarks/peers.py [--rounds 3] [--limit 20] [--peer PYTHON]

SymPy derives for a given size: ``Matrix.jacobian`` of the entries written out, then ``simplify``.
tensorgrad derives for symbolic sizes, as symderiv does: ``grad``, then ``full_simplify``. It is no
dependency of symderiv; make an environment of its own for it,

    python -m venv PEER && PEER/bin/pip install tensorgrad

and give its interpreter as ``--peer PEER/bin/python``. Without one, its column is left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sympy
from explicit_witness import ratio
from sympy.core.cache import clear_cache
from timing import Timing, in_words, interleaved

from symderiv.calculus import Engine
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.text import to_text

SIZES = (3, 5, 8)
_SOFTMAX = "p[i] = exp(z[i]) / sum(k, exp(z[k]))"
#: Each derivative: the problem in text notation, what to derive, and the same as tensorgrad states it.
PROBLEMS = {
    "softmax": (_SOFTMAX, "d(p[i], z[j])", "softmax(z).grad(z)"),
    "log-softmax": (f"{_SOFTMAX}\nq[i] = log(p[i])", "d(q[i], z[j])", "F.log(softmax(z)).grad(z)"),
    "cross-entropy of softmax": (
        f"{_SOFTMAX}\nL = -sum(k, t[k] * log(p[k]))", "d(L, z[j])", "(-(t @ F.log(softmax(z)))).grad(z)",
    ),
    "squared error of softmax": (
        f"{_SOFTMAX}\nL = sum(k, (p[k] - t[k])^2) / 2",
        "d(L, z[j])",
        "(F.sum((softmax(z) - t) ** 2) / 2).grad(z)",
    ),
    "layer normalisation": (
        "mu = sum(k, z[k]) / K\nv = sum(k, (z[k] - mu)^2) / K\nsigma = sqrt(v)\nh[i] = (z[i] - mu) / sigma",
        "d(h[i], z[j])",
        "((z - F.mean(z)) / F.sqrt(F.mean((z - F.mean(z)) ** 2))).grad(z)",
    ),
    "linear layer": ("y[i] = sum(n, W[i, n] * x[n])", "d(y[i], W[j, m])", "(W @ x).grad(W)"),
}  # fmt: skip
_DECLARED = "index i, j, k : K\nindex n, m : N\ninput z[K], t[K], W[K, N], x[N]\n"

#: Run by the other interpreter: reads what to derive, writes seconds and forms.
_PEER = """
import json, sys, time
import sympy
import tensorgrad as tg
import tensorgrad.functions as F

def softmax(z):
    e = F.exp(z)
    return e / F.sum(e)

k, n = sympy.symbols("k n")
z, t = tg.Variable("z", k), tg.Variable("t", k)
x, W = tg.Variable("x", n), tg.Variable("W", k, n)
asked = json.load(sys.stdin)
names = {"F": F, "softmax": softmax, "z": z, "t": t, "x": x, "W": W}
found = {}
for name, statement in asked["problems"].items():
    make = eval("lambda: " + statement, names)  # written in the benchmark itself
    seconds = []
    for _ in range(asked["rounds"]):
        begin = time.process_time()
        form = make().full_simplify()
        seconds.append(time.process_time() - begin)
    found[name] = {"seconds": seconds, "form": str(form)}
print(json.dumps(found))
"""


def derived(text: str, asked: str) -> str:
    """The form that symderiv reaches, in text notation."""
    problem = read_problem(_DECLARED + text, "peer")
    derivative: Any = parse_expression(asked, problem)
    return to_text(Engine(problem).derive(derivative.of, derivative.by).result)


def by_sympy(name: str, size: int) -> Callable[[], object]:
    """The same derivative by SymPy's own means for one size, simplified."""
    z = sympy.symbols(f"z_1:{size + 1}")
    t = sympy.symbols(f"t_1:{size + 1}")
    total = sum(sympy.exp(each) for each in z)
    p = [sympy.exp(each) / total for each in z]
    mean = sum(z) / size
    sigma = sympy.sqrt(sum((each - mean) ** 2 for each in z) / size)
    x = sympy.symbols(f"x_1:{size + 1}")
    weights = sympy.Matrix(size, size, lambda i, j: sympy.Symbol(f"W_{i + 1}{j + 1}"))
    stated: dict[str, tuple[list[Any], list[Any]]] = {
        "softmax": (p, list(z)),
        "log-softmax": ([sympy.log(each) for each in p], list(z)),
        "cross-entropy of softmax": ([-sum(a * sympy.log(b) for a, b in zip(t, p, strict=True))], list(z)),
        "squared error of softmax": ([sum((b - a) ** 2 for a, b in zip(t, p, strict=True)) / 2], list(z)),
        "layer normalisation": ([(each - mean) / sigma for each in z], list(z)),
        "linear layer": (list(weights * sympy.Matrix(x)), list(weights)),
    }
    outputs, variables = stated[name]
    return lambda: sympy.Matrix(outputs).jacobian(sympy.Matrix(variables)).applyfunc(sympy.simplify)


def by_peer(python: str | None, rounds: int) -> tuple[dict[str, Any], str]:
    """What tensorgrad finds, or a sentence that says why there is nothing."""
    if python is None:
        return (
            {},
            "tensorgrad is left out: give the interpreter of an environment that has it as --peer PYTHON",
        )
    if not Path(python).exists():
        return {}, f"tensorgrad is left out: there is no interpreter {python}"
    asked = {"rounds": rounds, "problems": {name: each[2] for name, each in PROBLEMS.items()}}
    done = subprocess.run(
        [python, "-c", _PEER], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {}, f"tensorgrad is left out: {python} says {last}"
    return json.loads(done.stdout), ""


def main() -> None:
    """Print the table of times, then the forms."""
    parser = argparse.ArgumentParser(description="Derive beside SymPy and tensorgrad.")
    parser.add_argument("--rounds", type=int, default=3, help="calls of each candidate")
    parser.add_argument("--limit", type=float, default=20.0, help="most seconds for one call of SymPy")
    parser.add_argument("--peer", metavar="PYTHON", help="the interpreter of an environment with tensorgrad")
    options = parser.parse_args()
    theirs, missing = by_peer(options.peer, options.rounds)
    if missing:
        print(missing + "\n")
    sizes = "".join(f"{f'SymPy K={size}':>16} {'ratio':>7}" for size in SIZES)
    print(f"{'derivative (medians)':<26} {'symderiv':>9}{sizes}{'tensorgrad':>12} {'ratio':>7}")
    forms = {}
    for name, (text, asked, _) in PROBLEMS.items():
        forms[name] = derived(text, asked)
        candidates: dict[str, Callable[[], object]] = {
            "symderiv": lambda text=text, asked=asked: derived(text, asked)  # type: ignore[misc]
        }
        candidates |= {f"K={size}": by_sympy(name, size) for size in SIZES}
        times = interleaved(candidates, options.rounds, options.limit, clear_cache, time.process_time)
        ours = times["symderiv"]
        row = f"{name:<26} {ours!s:>9}"
        for size in SIZES:
            timing = times[f"K={size}"]
            row += f"{timing!s:>16} {ratio(timing, ours, options.limit):>7}"
        if name in theirs:
            timing = Timing(tuple(theirs[name]["seconds"]))
            row += f"{in_words(timing.median):>12} {ratio(timing, ours, options.limit):>7}"
        print(row)
    print("\nthe forms")
    for name, form in forms.items():
        print(f"\n{name}\n  symderiv    {form}")
        if name in theirs:
            other = " ".join(theirs[name]["form"].split())
            print(textwrap.fill(other, 108, initial_indent="  tensorgrad  ", subsequent_indent=" " * 14))


if __name__ == "__main__":
    main()
