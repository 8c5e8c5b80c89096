"""The emitted gradients of the catalogue beside those that JAX makes of the forward formulas, in turns.

    python benchmarks/catalogue.py [--only softmax] [--dtype float32] [--seconds 0.2] [--json FILE]

For each problem: its gradient (with the loss, where it has one) or vector-Jacobian product, emitted for
Numba, and `jax.jit` of `jax.value_and_grad` or `jax.vjp` of `catalogue_forms.py`, by the same variables, on
one thread. Both are compared before anything is timed. What the emitted function is given of the forward
pass, JAX works out anew; such rows are marked. A ratio is JAX's time over that of the emitted function.
"""

from __future__ import annotations

from symderiv.bench.measure import limit_threads, machine

limit_threads(1)  # libraries ask when they are imported

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from catalogue_forms import FORMS

import symderiv as sd
from symderiv.bench.timing import interleaved, time_text
from symderiv.kernels.emit import compile_function
from symderiv.kernels.function_spec import FunctionSpec
from symderiv.kernels.specification import functions_of

#: Small, medium and long batches; axes that are not named have 64 places.
SIZES = (
    {"B": 64, "N": 64, "M": 64, "K": 10, "C": 16, "D": 16, "H": 32, "V": 100, "T": 64},
    {"B": 256, "N": 256, "M": 256, "K": 1000, "C": 64, "D": 64, "H": 256, "V": 1000, "T": 512},
    {"B": 4096, "N": 512, "M": 512, "K": 100, "C": 32, "D": 128, "H": 128, "V": 5000, "T": 4096},
)
#: Problems for which the batches would be too large, and their samples.
FEWER = {"attention_head": (64, 16, 8), "causal_attention": (64, 16, 8), "lstm_cell": (64, 256, 512)}
#: How far a gradient may be from JAX's, relative to its largest entry.
ALLOWED = {"float32": 1e-3, "float64": 1e-9}
_ENDS = ("_value_and_gradient", "_gradient", "_vjp")


def gradient_of(problem: Any) -> FunctionSpec:
    """The function that returns the gradient, or the vector-Jacobian product."""
    functions = {each.name: each for each in functions_of(problem)}
    return next(functions[problem.name + end] for end in _ENDS if problem.name + end in functions)


def inputs(problem: Any, sizes: dict[str, int], dtype: str) -> dict[str, Any]:
    """Random arrays for the forward function: targets are distributions, labels places."""
    source = np.random.default_rng(11)
    found = {}
    for each in functions_of(problem)[0].arguments:
        shape = tuple(sizes.get(axis, 64) for axis in each.axes)
        if each.kind == "label":
            found[each.name] = source.integers(0, sizes.get(each.label_of, 64), shape)
        elif not shape:
            found[each.name] = np.dtype(dtype).type({"eps": 0.1, "r": 2, "T": 1.5}.get(each.name, 0.5))
        else:
            values = source.standard_normal(shape)
            if each.name in ("t", "y") and problem.loss:  # a target
                values = np.exp(values)
                values /= values.sum(-1, keepdims=True)
            if each.name[0] in "WU":
                values /= np.sqrt(shape[-1])
            found[each.name] = values.astype(dtype)
    return found


def candidates(
    name: str, sizes: dict[str, int], dtype: str
) -> tuple[Callable[[], Any], Callable[[], Any], bool]:
    """The call of the emitted function, that of JAX, and whether the first is given what was saved.

    Raises
    ------
    AssertionError
        If they give different gradients.
    """
    problem = sd.load(name)
    spec, given = gradient_of(problem), inputs(problem, sizes, dtype)
    variables = [each.shown.removeprefix("d") for each in spec.results if each.shown != "losses"]
    forward = compile_function(problem, "numba")(*given.values())
    has_loss = any(each.shown == "losses" for each in spec.results)
    cotangent = np.random.default_rng(12).standard_normal(np.shape(forward)).astype(dtype)
    arguments = [
        given.get(each.name, cotangent if each.role == "cotangent" else forward) for each in spec.arguments
    ]

    def of_variables(others: dict[str, Any], *values: Any) -> Any:
        result = FORMS[name](
            *({**others, **dict(zip(variables, values, strict=True))}[each] for each in given)
        )
        return result.mean() if has_loss else result

    def all_of_it(others: dict[str, Any], values: tuple[Any, ...], cotangent: Any) -> Any:
        if has_loss:
            places = tuple(range(1, len(values) + 1))
            return jax.value_and_grad(of_variables, argnums=places)(others, *values)
        return jax.vjp(partial(of_variables, others), *values)[1](cotangent)

    jitted = jax.jit(all_of_it)
    on_device = {each: jax.numpy.asarray(value) for each, value in given.items()}
    asked = (on_device, tuple(on_device[each] for each in variables), jax.numpy.asarray(cotangent))
    emitted = compile_function(problem, "numba", spec.name)
    ours, theirs = jax.tree.leaves(emitted(*arguments)), jax.tree.leaves(jitted(*asked))
    for mine, other in zip(ours, theirs, strict=True):
        apart = np.abs(np.asarray(mine) - np.asarray(other)).max() / max(
            np.abs(np.asarray(other)).max(), 1e-30
        )
        assert apart < ALLOWED[dtype], f"{name} at {sizes}: the gradients are {apart:.1e} apart"
    made = emitted(*arguments)
    out = jax.tree.map(np.array, made[1] if has_loss else made)  # numbers as arrays that can be written
    call = partial(emitted, *arguments, out=out)
    return call, lambda: jax.block_until_ready(jitted(*asked)), any(a.role == "saved" for a in spec.arguments)


def rows(only: list[str], dtype: str, seconds: float) -> Iterator[dict[str, Any]]:
    """The times of each problem, at each of the sizes."""
    for name in FORMS:
        for number, usual in enumerate(SIZES if not only or name in only else ()):
            sizes = {**usual, "B": FEWER.get(name, (usual["B"],) * 3)[number]}
            ours, theirs, saved = candidates(name, sizes, dtype)
            times = interleaved({"emitted": ours, "JAX": theirs}, seconds)
            axes = {axis for each in functions_of(sd.load(name))[0].arguments for axis in each.axes}
            yield {
                "problem": name,
                "sizes": {axis: sizes.get(axis, 64) for axis in sorted(axes)},
                "dtype": dtype,
                "emitted": times["emitted"].median,
                "JAX": times["JAX"].median,
                "ratio": times["JAX"].ratio(times["emitted"]),
                "given": saved,
            }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", default=[], choices=[*FORMS], metavar="PROBLEM")
    parser.add_argument("--dtype", choices=[*ALLOWED], default="float32")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each row")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", options.dtype == "float64")
    found = []
    for row in rows(options.only, options.dtype, options.seconds):
        found.append(row)
        sizes = " ".join(f"{axis}={size}" for axis, size in row["sizes"].items())
        mark = "*" if row["given"] else " "
        print(
            f"{row['problem']:28}{mark} {sizes:28} {time_text(row['emitted']):>10} {row['ratio']:7.2f}",
            flush=True,
        )
    ahead = sum(row["ratio"] > 1 for row in found)
    print(f"ahead of JAX in {ahead} of {len(found)}; * is given what the forward function returned")
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), "jax": jax.__version__, "rows": found}, indent=1)
        )


if __name__ == "__main__":
    main()
