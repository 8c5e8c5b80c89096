"""The forms that the literature gives, row by row, and what the engine reaches by itself for every size.

Each row states a form as textbooks write it. ``same`` rows come out in just that form (the order of
factors and the letters of sums aside); in ``proved`` rows only the spelling differs, and why is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from symderiv import catalog
from symderiv.calculus import Derivation, derive
from symderiv.calculus.backward import backward
from symderiv.expression.canonical import same
from symderiv.expression.construct import negate
from symderiv.expression.nodes import Derivative, Entry
from symderiv.notation.reader import parse_equation, parse_expression, read_problem
from symderiv.notation.text import to_text
from symderiv.problem import Assumption, Problem
from symderiv.proof import prove

ATTENTION = str(Path(__file__).parents[2] / "examples" / "attention.sd")
NORMALISED = "sum(k, t[k]) == 1"


@dataclass(frozen=True)
class Row:
    """One known form: of a file of the catalogue (or a path, or the text of a problem)."""

    problem: str
    derivative: str
    form: str
    assuming: str = ""
    #: Why the engine's spelling is another one; empty where it is the same.
    differs: str = ""


#: Softmax, its logarithm and its losses; layers; normalisation; attention; convolution.
GENERAL = [
    Row("softmax", "d(p[i], z[j])", "p[i] * (delta(i, j) - p[j])"),
    Row("log_softmax", "d(l[i], z[j])", "delta(i, j) - p[j]"),
    Row("logsumexp", "d(L, z[j])", "p[j]"),
    Row("softmax_layer", "d(h[t], W[j, i])", "x[j] * h[t] * (delta(t, i) - h[i])"),
    Row("softmax_layer", "d(h[t], x[j])", "h[t] * (W[j, t] - sum(i, h[i] * W[j, i]))"),
    Row("cross_entropy", "d(L, p[j])", "-t[j] / p[j]"),
    Row("cross_entropy", "d(L, z[j])", "p[j] * sum(k, t[k]) - t[j]"),
    Row("cross_entropy", "d(L, z[j])", "p[j] - t[j]", NORMALISED),
    Row("cross_entropy_label", "d(L, z[j])", "p[j] - delta(j, y)"),
    Row("cross_entropy", "d(L, z[i], z[j])", "p[i] * (delta(i, j) - p[j])", NORMALISED),
    Row("softmax_layer_cross_entropy", "d(L, W[j, i])", "x[j] * (h[i] - t[i])", NORMALISED),
    Row("mean_square_error", "d(L, z[j])", "p[j] * ((p[j] - t[j]) - sum(i, p[i] * (p[i] - t[i])))"),
    Row("softmax_any_loss", "d(L, z[k])", "y[k] * (d(L, y[k]) - sum(j, d(L, y[j]) * y[j]))"),
    Row("entropy", "d(H, z[j])", "-p[j] * (log(p[j]) + H)"),
    Row("softmax_temperature", "d(p[i], z[j])", "p[i] * (delta(i, j) - p[j]) / T"),
    Row("label_smoothing", "d(L, z[j])", "p[j] - (1 - eps) * delta(j, y) - eps / K"),
    Row("layer_norm", "d(x_hat[i], x[j])", "(delta(i, j) - 1 / K - x_hat[i] * x_hat[j] / K) / sigma"),
    Row("rms_norm", "d(x_hat[i], x[j])", "(delta(i, j) - x_hat[i] * x_hat[j] / K) / r"),
    Row(
        ATTENTION,
        "d(L, S[i, j])",
        "P[i, j] * (sum(c, d(L, O[i, c]) * V[j, c]) - sum(k, P[i, k] * sum(c, d(L, O[i, c]) * V[k, c])))",
    ),
    Row("convolution", "d(L, w[k])", "sum(i, d(L, y[i]) * x[i + k])"),
    Row("convolution", "d(L, x[j])", "sum(k, d(L, y[j - k]) * w[k])"),
]

#: Functions of one number, entry by entry.
ACTIVATIONS = [
    Row("sigmoid", "d(s[i], x[j])", "delta(i, j) * s[i] * (1 - s[i])"),
    Row("tanh", "d(y[i], x[j])", "delta(i, j) * (1 - y[i]^2)"),
    Row("relu", "d(y[i], x[j])", "delta(i, j) * step(x[i])"),
    Row("leaky_relu", "d(y[i], x[j])", "delta(i, j) * where(x[i] > 0, 1, a)"),
    Row("elu", "d(y[i], x[j])", "delta(i, j) * where(x[i] > 0, 1, a * exp(x[i]))"),
    Row("softplus", "d(y[i], x[j])", "delta(i, j) * sigmoid(x[i])"),
    Row("silu", "d(y[i], x[j])", "delta(i, j) * (s[i] + y[i] * (1 - s[i]))"),
    Row(
        "silu",
        "d(y[i], x[j])",
        "delta(i, j) * s[i] * (1 + x[i] * (1 - s[i]))",
        differs="x s is folded into its name y",
    ),
    Row("gelu", "d(y[i], x[j])", "delta(i, j) * (Phi[i] + x[i] * phi[i])"),
    Row(
        "gelu_tanh",
        "d(y[i], x[j])",
        "delta(i, j) * ((1 + T[i]) / 2 + x[i] / 2 * (1 - T[i]^2) * sqrt(2 / pi) * (1 + 0.134145 * x[i]^2))",
        differs="the half is taken out of both terms",
    ),
    Row("mish", "d(y[i], x[j])", "delta(i, j) * (T[i] + x[i] * s[i] * (1 - T[i]^2))"),
]

#: Layers that take rows as samples, under any loss: in matrix notation in the comments.
BATCHES = [
    # DW = DZ^T X, Db = 1^T DZ, DX = DZ W
    Row("linear_layer_batch", "d(L, W[k, d])", "sum(n, d(L, Z[n, k]) * X[n, d])"),
    Row("linear_layer_batch", "d(L, b[k])", "sum(n, d(L, Z[n, k]))"),
    Row("linear_layer_batch", "d(L, X[n, d])", "sum(k, d(L, Z[n, k]) * W[k, d])"),
    # DZ = DY ∘ Y ∘ (1 - Y)
    Row("sigmoid_layer_batch", "d(L, Z[n, k])", "d(L, Y[n, k]) * Y[n, k] * (1 - Y[n, k])"),
    # DZ = Y ∘ (DY - diag(DY Y^T) 1^T)
    Row(
        "softmax_layer_batch", "d(L, Z[n, k])", "Y[n, k] * (d(L, Y[n, k]) - sum(j, d(L, Y[n, j]) * Y[n, j]))"
    ),
    # DZ = DY - softmax(Z) ∘ (DY 1) 1^T
    Row("log_softmax_layer_batch", "d(L, Z[n, k])", "d(L, Y[n, k]) - P[n, k] * sum(j, d(L, Y[n, j]))"),
    # DX = R ∘ DY
    Row("dropout", "d(L, x[j])", "R[j] * d(L, y[j])"),
    # DX = (Σ^(-1/2) / N) ∘ ((N I - 1 1^T) DZ - Z ∘ 1 diag(Z^T DZ)^T), with DZ = gain ∘ DY
    Row(
        "batch_norm",
        "d(L, X[n, k])",
        "gain[k] * (d(L, Y[n, k]) - sum(m, d(L, Y[m, k])) / N"
        " - Z[n, k] * sum(m, d(L, Y[m, k]) * Z[m, k]) / N) / sigma[k]",
    ),
    Row(
        "batch_norm",
        "d(L, X[n, k])",
        "1 / (N * sigma[k]) * (N * d(L, Z[n, k]) - sum(m, d(L, Z[m, k]))"
        " - Z[n, k] * sum(m, d(L, Z[m, k]) * Z[m, k]))",
        differs="d(L, Z) is gain times d(L, Y), and 1 / N stands in each term",
    ),
    Row("batch_norm", "d(L, gain[k])", "sum(n, d(L, Y[n, k]) * Z[n, k])"),
    Row("batch_norm", "d(L, bias[k])", "sum(n, d(L, Y[n, k]))"),
    Row(
        "rms_norm_gain",
        "d(y[i], x[j])",
        "gain[i] * (delta(i, j) - x_hat[i] * x_hat[j] / K) / r",
        differs="gain x_hat is folded into its name y",
    ),
    Row("rms_norm_gain", "d(y[i], x[j])", "(gain[i] * delta(i, j) - x_hat[j] * y[i] / K) / r"),
    Row(
        "layer_norm_affine",
        "d(y[i], x[j])",
        "gain[i] * (delta(i, j) - 1 / K - x_hat[i] * x_hat[j] / K) / sigma",
    ),
    Row("embedding", "d(L, E[v, d])", "sum(t, delta(v, y[t]) * d(L, o[t, d]))"),
    Row(
        "causal_attention",
        "d(L, S[m, n])",
        "P[m, n] * (sum(d, d(L, O[m, d]) * V[n, d]) - sum(k, P[m, k] * sum(d, d(L, O[m, d]) * V[k, d])))",
    ),
]

#: Losses.
LOSSES = [
    Row("squared_loss", "d(L, y[j])", "2 * (y[j] - t[j])"),
    Row("cross_entropy_probabilities", "d(L, y[j])", "-t[j] / y[j]"),
    Row("logistic_loss", "d(L, y[j])", "-t[j] * (1 - s[j])"),
    Row("nll_probabilities", "d(L, y[j])", "-t[j] / sum(k, y[k] * t[k])", differs="the sum has the name q"),
    Row("distillation", "d(L, z[j])", "T * (p[j] - q[j])"),
    Row("cross_entropy_z_loss", "d(L, z[j])", "(1 + 2 * lambda * l) * p[j] - t[j]", NORMALISED),
    Row("binary_cross_entropy", "d(L, z[j])", "p[j] - t[j]"),
    Row("focal_loss", "d(L, z[j])", "t[j] * (1 - p[j])^r * (r * p[j] * log(p[j]) + p[j] - 1)"),
    Row("huber", "d(L, y[j])", "where(abs(r[j]) <= c, r[j], c * sign(r[j]))"),
    Row("kl_divergence", "d(L, z[j])", "p[j] - t[j]", NORMALISED),
    Row("gaussian_nll", "d(L, mu[j])", "(mu[j] - x[j]) / v[j]"),
    Row("gaussian_nll_variance", "d(L, v[j])", "(1 - (x[j] - mu[j])^2 / v[j]) / (2 * v[j])"),
    Row("info_nce", "d(L, S[i, j])", "(p[i, j] - delta(i, j)) / (N * T)"),
    Row("triplet", "d(L, a[j])", "2 * step(h) * (n[j] - p[j])"),
    Row("dpo", "d(L, pi_w)", "-beta * (1 - P)"),
    Row(
        "dpo",
        "d(L, pi_w)",
        "-beta * sigmoid(beta * (Delta_l - Delta_w))",
        differs="1 - sigmoid(u) by its name",
    ),
    Row("bradley_terry", "d(L, r_w)", "P - 1"),
    Row(
        "multiclass_hinge",
        "d(L, s[j])",
        "where(j != y, step(m[j]), -sum(k != y, step(m[k])))",
        differs="deltas",
    ),
    Row("policy_gradient", "d(l, theta[j])", "delta(j, a) - pi_theta[j]"),
    Row("least_squares", "d(L, w[j])", "sum(n, r[n] * X[n, j])"),
    Row("ridge_regression", "d(L, w[j])", "sum(n, r[n] * X[n, j]) + lam * w[j]"),
    Row("rayleigh_quotient", "d(rho, A[i, j])", "x[i] * x[j] / q"),
    Row("matrix_factorisation", "d(L, U[m, c])", "sum(n, O[m, n] * E[m, n] * V[n, c]) + lam * U[m, c]"),
]

ROWS = [
    pytest.param(row, id=f"{Path(row.problem).stem}: {row.derivative} {row.assuming} {row.differs}".strip())
    for row in (*GENERAL, *ACTIVATIONS, *BATCHES, *LOSSES)
]


def derived(row: Row) -> tuple[Problem, Derivation]:
    problem = catalog.load(row.problem)
    wanted = parse_expression(row.derivative, problem)
    assert isinstance(wanted, Derivative)
    assert isinstance(wanted.of, Entry)
    return problem, derive(problem, wanted.of, wanted.by)


def assumed(row: Row, problem: Problem) -> tuple[Assumption, ...]:
    return tuple(each for each in problem.assumptions if row.assuming)


@pytest.mark.parametrize("row", ROWS)
def test_a_known_form_comes_out(row: Row) -> None:
    problem, derivation = derived(row)
    stated = parse_expression(row.form, problem)
    reached = derivation.form if row.assuming else derivation.result
    if row.assuming:
        left, right = parse_equation(row.assuming, problem)
        assert [(each.left, each.right) for each in derivation.assumptions] == [(left, right)]
    assert same(reached, stated) == (not row.differs), to_text(reached)


@pytest.mark.parametrize("row", ROWS)
def test_a_known_form_is_proved_for_every_size(row: Row) -> None:
    problem, derivation = derived(row)
    stated = parse_expression(row.form, problem)
    assert prove(derivation.start, stated, problem, assumed(row, problem)).kind == "proved"
    assert prove(derivation.start, negate(stated), problem, assumed(row, problem)).kind == "refuted"


@pytest.mark.parametrize("name", ["attention_head", "causal_attention"])
def test_attention_in_the_names_of_its_cotangents(name: str) -> None:
    # g of the textbooks, the cotangent of P, is P_bar here; O_bar is the derivative of the loss by O.
    lines = {each.cotangent.array: each.form for each in backward(catalog.load(name)).stages}
    places = "M" if name == "causal_attention" else "N"
    text = "index m : M\nindex n, k : N\ninput Q[M, C], K[N, C], V[N, D], P[M, N]\n"
    text += "input O_bar[M, D], P_bar[M, N], S_bar[M, N]\nx[m] = sum(n, P[m, n])"
    problem = read_problem(re.sub(r"\bN\b", places, text), "names")
    stated = {
        "V_bar": "sum(m, O_bar[m, d] * P[m, n])",
        "P_bar": "sum(d, O_bar[m, d] * V[n, d])",
        "S_bar": "P[m, n] * (P_bar[m, n] - sum(k, P[m, k] * P_bar[m, k]))",
        "Q_bar": "sum(n, S_bar[m, n] * K[n, c]) / sqrt(C)",
        "K_bar": "sum(m, S_bar[m, n] * Q[m, c]) / sqrt(C)",
    }
    for array, form in stated.items():
        assert same(lines[array], parse_expression(form, problem)), to_text(lines[array])
