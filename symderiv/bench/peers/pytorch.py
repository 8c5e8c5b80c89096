"""PyTorch on the CPU: eager, with ``out=`` or its native backward where it has them, and torch.compile."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

from symderiv.bench.cells import Candidate, Case

TITLE = "torch"
REQUIRES = "torch"

Calls = Iterator[tuple[str, Callable[[], tuple[Any, ...]]]]


def version() -> str:
    """The version of torch."""
    import torch

    return str(torch.__version__)


def candidates(case: Case) -> Iterator[Candidate]:
    """All formulations of a workload."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    make = _FORMULATIONS.get(case.cell.workload.name)
    if make is None:
        return
    given = {name: torch.tensor(value) for name, value in case.inputs.items()}
    outputs = [torch.from_numpy(each) for each in case.outputs()]
    for label, call in make(given, outputs):
        yield Candidate(TITLE, label, call, _read)


def _read(got: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each.detach().numpy() for each in got)


def _compiled(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """torch.compile of a function at one shape, or None where there is no C++ compiler for it."""
    import torch

    if shutil.which("g++") is None and shutil.which("clang++") is None and "CXX" not in os.environ:
        return None
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # no word of missing GPUs
    torch._dynamo.reset()
    compiled: Callable[..., Any] = torch.compile(function, dynamic=False)
    return compiled


def _with_compiled(label: str, function: Callable[..., Any], *arguments: Any) -> Calls:
    yield label, lambda: function(*arguments)
    compiled = _compiled(function)
    if compiled is not None:
        yield "compile", lambda: compiled(*arguments)


def _softmax(given: dict[str, Any], outputs: list[Any]) -> Calls:
    import torch

    z, out = given["z"], outputs[0]
    yield "out=", lambda: (torch.softmax(z, -1, out=out),)
    yield from _with_compiled("eager", lambda z: (torch.softmax(z, -1),), z)


def _softmax_vjp(given: dict[str, Any], outputs: list[Any]) -> Calls:
    import torch

    p, g, out = given["p"], given["g"], outputs[0]
    native, into = torch._softmax_backward_data, torch.ops.aten._softmax_backward_data.out
    yield "native backward", lambda: (native(g, p, -1, p.dtype),)
    yield "native backward, out=", lambda: (into(g, p, -1, p.dtype, grad_input=out),)
    yield from _with_compiled("eager", lambda p, g: (p * (g - (p * g).sum(-1, keepdim=True)),), p, g)


def _cross_entropy(given: dict[str, Any], _: list[Any]) -> Calls:
    import torch

    z, y = given["z"].requires_grad_(), given["y"]

    def autograd() -> tuple[Any, ...]:
        loss = torch.nn.functional.cross_entropy(z, y)
        (gradient,) = torch.autograd.grad(loss, z)
        return loss, gradient

    yield "eager", autograd
    loss_of = _compiled(torch.nn.functional.cross_entropy)
    if loss_of is None:
        return

    def compiled() -> tuple[Any, ...]:
        loss = loss_of(z, y)
        (gradient,) = torch.autograd.grad(loss, z)
        return loss, gradient

    yield "compile", compiled


def _layer_norm(given: dict[str, Any], _: list[Any]) -> Calls:
    import torch

    x, eps = given["x"], float(given["eps"])
    sizes = x.shape[-1:]
    yield from _with_compiled("eager", lambda x: (torch.nn.functional.layer_norm(x, sizes, eps=eps),), x)


def _rms_norm(given: dict[str, Any], _: list[Any]) -> Calls:
    import torch

    x, eps = given["x"], float(given["eps"])
    sizes = x.shape[-1:]
    yield from _with_compiled("eager", lambda x: (torch.nn.functional.rms_norm(x, sizes, eps=eps),), x)


def _layer_norm_vjp(given: dict[str, Any], _: list[Any]) -> Calls:
    import torch

    x, g, eps = given["x"], given["g"], float(given["eps"])
    sizes = x.shape[-1:]
    _, mean, spread = torch.ops.aten.native_layer_norm(x, sizes, None, None, eps)
    backward = torch.ops.aten.native_layer_norm_backward
    needed = [True, False, False]
    yield "native backward", lambda: backward(g, x, sizes, mean, spread, None, None, needed)[:1]
    yield from _autograd(lambda x: torch.nn.functional.layer_norm(x, sizes, eps=eps), x, g)


def _rms_norm_vjp(given: dict[str, Any], _: list[Any]) -> Calls:
    import torch

    x, g, eps = given["x"], given["g"], float(given["eps"])
    sizes = x.shape[-1:]
    yield from _autograd(lambda x: torch.nn.functional.rms_norm(x, sizes, eps=eps), x, g)


def _autograd(forward: Callable[[Any], Any], x: Any, g: Any) -> Calls:
    """The backward pass alone, of a forward pass done before and kept."""
    import torch

    x = x.requires_grad_()
    value = forward(x)
    yield "backward", lambda: torch.autograd.grad(value, x, g, retain_graph=True)
    compiled = _compiled(forward)
    if compiled is not None:
        kept = compiled(x)
        yield "compiled backward", lambda: torch.autograd.grad(kept, x, g, retain_graph=True)


def _jacobian(given: dict[str, Any], outputs: list[Any]) -> Calls:
    import torch

    p, out = given["p"][0], outputs[0]

    def into() -> tuple[Any, ...]:
        torch.outer(-p, p, out=out[0])
        out[0].diagonal().add_(p)
        return (out,)

    yield "out=", into
    formula = lambda p: ((torch.diag(p) - torch.outer(p, p))[None],)  # noqa: E731
    yield from _with_compiled("eager", formula, p)


def _layer_jacobian(given: dict[str, Any], _: list[Any]) -> Calls:
    import torch

    x, h = given["x"][0], given["h"][0]

    def formula(x: Any, h: Any) -> tuple[Any, ...]:
        by_score = torch.diag(h) - torch.outer(h, h)
        return ((by_score[:, :, None] * x).reshape(1, len(h), -1),)

    yield from _with_compiled("eager", formula, x, h)


def _layer(given: dict[str, Any], _: list[Any]) -> Calls:
    import torch

    x, weights, y = given["x"].requires_grad_(), given["W"].requires_grad_(), given["y"]

    def loss_of(x: Any, weights: Any) -> Any:
        return torch.nn.functional.cross_entropy(x @ weights, y)

    def with_gradients(loss: Callable[..., Any]) -> tuple[Any, ...]:
        value = loss(x, weights)
        return value, *torch.autograd.grad(value, (weights, x))

    yield "eager", lambda: with_gradients(loss_of)
    compiled = _compiled(loss_of)
    if compiled is not None:
        yield "compile", lambda: with_gradients(compiled)


def _attention_vjp(given: dict[str, Any], _: list[Any]) -> Calls:
    """Forward and backward: what is given is the queries, keys and values, as for all others."""
    import torch

    values, queries, keys = (given[name].requires_grad_() for name in ("V", "Q", "K"))
    g = given["g"]

    def by_hand(values: Any, queries: Any, keys: Any) -> Any:
        shares = torch.softmax(queries @ keys.transpose(1, 2) / queries.shape[-1] ** 0.5, -1)
        return shares @ values

    def fused(values: Any, queries: Any, keys: Any) -> Any:
        return torch.nn.functional.scaled_dot_product_attention(queries, keys, values)

    def gradients(function: Callable[..., Any]) -> tuple[Any, ...]:
        return tuple(torch.autograd.grad(function(values, queries, keys), (values, queries, keys), g))

    yield "eager", lambda: gradients(by_hand)
    yield "scaled_dot_product_attention", lambda: gradients(fused)


_FORMULATIONS: dict[str, Callable[[dict[str, Any], list[Any]], Calls]] = {
    "softmax": _softmax,
    "softmax_vjp": _softmax_vjp,
    "cross_entropy": _cross_entropy,
    "layer_norm": _layer_norm,
    "layer_norm_vjp": _layer_norm_vjp,
    "rms_norm": _rms_norm,
    "rms_norm_vjp": _rms_norm_vjp,
    "jacobian": _jacobian,
    "layer_jacobian": _layer_jacobian,
    "layer": _layer,
    "attention_vjp": _attention_vjp,
}
