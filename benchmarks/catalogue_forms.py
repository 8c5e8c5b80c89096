"""The forward formulas of the catalogue as someone would write them in JAX, for a batch of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

softmax, log_softmax, logsumexp = jax.nn.softmax, jax.nn.log_softmax, jax.nn.logsumexp
sigmoid, log_sigmoid, softplus = jax.nn.sigmoid, jax.nn.log_sigmoid, jax.nn.softplus


def _at(rows: Any, labels: Any) -> Any:
    return jnp.take_along_axis(rows, labels[:, None], 1)[:, 0]


def _layer_norm(x: Any, eps: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + eps)


def _rms_norm(x: Any, eps: Any) -> Any:
    return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + eps)


def _batch_norm(X: Any, gain: Any, bias: Any, eps: Any) -> Any:
    centred = X - X.mean(0)
    return gain * centred / jnp.sqrt((centred**2).mean(0) + eps) + bias


def _attention(Q: Any, K: Any, V: Any) -> Any:
    scores = jnp.einsum("bmc,bnc->bmn", Q, K) / np.sqrt(Q.shape[-1])
    return jnp.einsum("bmn,bnd->bmd", softmax(scores, axis=-1), V)


def _causal_attention(Q: Any, K: Any, V: Any) -> Any:
    scores = jnp.einsum("bmc,bnc->bmn", Q, K) / np.sqrt(Q.shape[-1])
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[1:], bool)), scores, -jnp.inf)
    return jnp.einsum("bmn,bnd->bmd", softmax(scores, axis=-1), V)


def _lstm_cell(x, h_0, c_0, W_f, U_f, b_f, W_i, U_i, b_i, W_o, U_o, b_o, W_g, U_g, b_g):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    forget, take, give = (
        sigmoid(x @ W.T + h_0 @ U.T + b) for W, U, b in ((W_f, U_f, b_f), (W_i, U_i, b_i), (W_o, U_o, b_o))
    )
    return give * jnp.tanh(forget * c_0 + take * jnp.tanh(x @ W_g.T + h_0 @ U_g.T + b_g))


def _two_layers(x: Any, W1: Any, b1: Any, W2: Any, b2: Any, t: Any) -> Any:  # noqa: PLR0917
    return -(t * log_softmax(jnp.tanh(x @ W1.T + b1) @ W2.T + b2)).sum(-1)


def _huber(y: Any, t: Any, c: Any) -> Any:
    r = jnp.abs(y - t)
    return jnp.where(r <= c, r * r / 2, c * (r - c / 2)).sum(-1)


def _triplet(a: Any, p: Any, n: Any, m: Any) -> Any:
    return jax.nn.relu(((a - p) ** 2).sum(-1) - ((a - n) ** 2).sum(-1) + m)


#: By the name of a problem: its result, or the loss of each sample, from arguments that are called as in it.
FORMS: dict[str, Callable[..., Any]] = {
    "attention_head": _attention,
    "batch_norm": _batch_norm,
    "binary_cross_entropy": lambda z, t: -(t * log_sigmoid(z) + (1 - t) * log_sigmoid(-z)).sum(-1),
    "bradley_terry": lambda r_w, r_l: -log_sigmoid(r_w - r_l),
    "causal_attention": _causal_attention,
    "cross_entropy": lambda z, t: -(t * log_softmax(z)).sum(-1),
    "cross_entropy_batch": lambda z, y: -_at(log_softmax(z), y).mean(),
    "cross_entropy_label": lambda z, y: -_at(log_softmax(z), y),
    "distillation": lambda z, u, T: -(T**2) * (softmax(u / T) * log_softmax(z / T)).sum(-1),
    "elu": lambda x, a: jnp.where(x > 0, x, a * jnp.expm1(x)),
    "embedding": lambda E, y: E[y],
    "entropy": lambda z: -(softmax(z) * log_softmax(z)).sum(-1),
    "focal_loss": lambda z, t, r: -((1 - sigmoid(t * z)) ** r * log_sigmoid(t * z)).sum(-1),
    "gaussian_nll": lambda x, mu, s: ((x - mu) ** 2 / jnp.exp(s) + s + np.log(2 * np.pi)).sum(-1) / 2,
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: jax.nn.gelu(x, approximate=True),
    "huber": _huber,
    "kl_divergence": lambda z, t: (t * (jnp.log(t) - log_softmax(z))).sum(-1),
    "label_smoothing": lambda z, eps, y: -(1 - eps) * _at(log_softmax(z), y) - eps * log_softmax(z).mean(-1),
    "layer_norm": _layer_norm,
    "layer_norm_affine": lambda x, gain, bias, eps: gain * _layer_norm(x, eps) + bias,
    "least_squares": lambda X, y, w: ((X @ w - y) ** 2).sum() / 2,
    "linear_layer_batch": lambda X, W, b: X @ W.T + b,
    "log_softmax": log_softmax,
    "logistic_loss": lambda y, t: (t * softplus(-y)).sum(-1),
    "logsumexp": lambda z: logsumexp(z, -1),
    "lstm_cell": _lstm_cell,
    "mean_square_error": lambda z, t: ((softmax(z) - t) ** 2).sum(-1) / 2,
    "mish": lambda x: x * jnp.tanh(softplus(x)),
    "multiclass_hinge": lambda s, y: jax.nn.relu(1 + s - _at(s, y)[:, None]).sum(-1) - 1,
    "policy_gradient": lambda theta, a: _at(log_softmax(theta), a),
    "reinforce": lambda theta, A, a: -A * _at(log_softmax(theta), a),
    "relu": jax.nn.relu,
    "rms_norm": _rms_norm,
    "rms_norm_gain": lambda x, gain, eps: gain * _rms_norm(x, eps),
    "sigmoid": sigmoid,
    "silu": jax.nn.silu,
    "softmax": softmax,
    "softmax_layer": lambda x, W, b: softmax(x @ W + b),
    "softmax_layer_cross_entropy": lambda x, W, b, t: -(t * log_softmax(x @ W + b)).sum(-1),
    "softmax_temperature": lambda z, T: softmax(z / T),
    "softplus": softplus,
    "squared_loss": lambda y, t: ((y - t) ** 2).sum(-1),
    "tanh": jnp.tanh,
    "triplet": _triplet,
    "two_layer_network": _two_layers,
}
