"""JAX on the CPU, compiled by jit; a call ends when its results are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from symderiv.bench.cells import Candidate, Case

TITLE = "JAX"
REQUIRES = "jax"


def version() -> str:
    """The version of JAX."""
    import jax

    return str(jax.__version__)


def candidates(case: Case) -> Iterator[Candidate]:
    """The formulation of a workload."""
    import jax
    import numpy as np

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    # The call waits for its result: working in its own thread spares it two changes of threads.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    make = _FORMULATIONS.get(case.cell.workload.name)
    if make is None:
        return
    arrays = {name: jax.device_put(value) for name, value in case.inputs.items()}
    function, names = make()
    compiled = jax.jit(function)
    arguments = [arrays[name] for name in names]

    def call() -> Any:
        return jax.block_until_ready(compiled(*arguments))

    yield Candidate(TITLE, "jit", call, lambda got: tuple(np.asarray(each) for each in got))


Made = tuple[Callable[..., tuple[Any, ...]], tuple[str, ...]]


def _softmax() -> Made:
    import jax

    return lambda z: (jax.nn.softmax(z, axis=-1),), ("z",)


def _softmax_vjp() -> Made:
    import jax.numpy as jnp

    return lambda p, g: (p * (g - jnp.sum(g * p, axis=-1, keepdims=True)),), ("p", "g")


def _loss(z: Any, y: Any) -> Any:
    import jax
    import jax.numpy as jnp

    chosen = jnp.take_along_axis(z, y[:, None], axis=-1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(z, axis=-1) - chosen)


def _cross_entropy() -> Made:
    import jax

    return jax.value_and_grad(_loss), ("z", "y")


def _normal(centre: bool) -> Callable[[Any, Any], Any]:
    import jax
    import jax.numpy as jnp

    def function(x: Any, eps: Any) -> Any:
        x = x - jnp.mean(x, axis=-1, keepdims=True) if centre else x
        return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + eps)

    return function


def _normal_forward(centre: bool) -> Made:
    function = _normal(centre)
    return lambda x, eps: (function(x, eps),), ("x", "eps")


def _normal_backward(centre: bool) -> Made:
    import jax

    function = _normal(centre)

    def backward(x: Any, eps: Any, g: Any) -> tuple[Any, ...]:
        _, pullback = jax.vjp(lambda x: function(x, eps), x)
        return (pullback(g)[0],)

    return backward, ("x", "eps", "g")


def _jacobian() -> Made:
    import jax.numpy as jnp

    return lambda p: ((jnp.diag(p[0]) - jnp.outer(p[0], p[0]))[None],), ("p",)


def _layer_jacobian() -> Made:
    import jax.numpy as jnp

    def function(x: Any, h: Any) -> tuple[Any, ...]:
        by_score = jnp.diag(h[0]) - jnp.outer(h[0], h[0])
        return ((by_score[:, :, None] * x[0]).reshape(1, h.shape[1], -1),)

    return function, ("x", "h")


def _layer() -> Made:
    import jax

    value_and_gradient = jax.value_and_grad(lambda W, x, y: _loss(x @ W, y), argnums=(0, 1))

    def function(W: Any, x: Any, y: Any) -> tuple[Any, ...]:
        value, (by_weights, by_inputs) = value_and_gradient(W, x, y)
        return value, by_weights, by_inputs

    return function, ("W", "x", "y")


def _attention_vjp() -> Made:
    import jax
    import jax.numpy as jnp

    def head(values: Any, queries: Any, keys: Any) -> Any:
        scores = jnp.einsum("bmc,bnc->bmn", queries, keys) / queries.shape[-1] ** 0.5
        return jnp.einsum("bmn,bnd->bmd", jax.nn.softmax(scores, axis=-1), values)

    def backward(queries: Any, keys: Any, values: Any, g: Any) -> tuple[Any, ...]:
        _, pullback = jax.vjp(head, values, queries, keys)
        return tuple(pullback(g))

    return backward, ("Q", "K", "V", "g")


_FORMULATIONS: dict[str, Callable[[], Made]] = {
    "softmax": _softmax,
    "softmax_vjp": _softmax_vjp,
    "cross_entropy": _cross_entropy,
    "layer_norm": lambda: _normal_forward(True),
    "rms_norm": lambda: _normal_forward(False),
    "layer_norm_vjp": lambda: _normal_backward(True),
    "rms_norm_vjp": lambda: _normal_backward(False),
    "jacobian": _jacobian,
    "layer_jacobian": _layer_jacobian,
    "layer": _layer,
    "attention_vjp": _attention_vjp,
}
