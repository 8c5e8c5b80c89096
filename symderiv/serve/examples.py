"""What the playground has to start from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A text to start from, under a name for its address and a title."""

    name: str
    title: str
    text: str


_ALL = (
    Example(
        "softmax", "Softmax, its Jacobian",
        "p[i] = exp(z[i]) / sum(k, exp(z[k]))",
    ),
    Example(
        "cross-entropy", "Cross-entropy, from LaTeX",
        "p_i = \\frac{e^{z_i}}{\\sum_k e^{z_k}} \\\\\nL = -\\log p_y",
    ),
    Example(
        "least-squares", "Least squares, in matrices",
        "f = \\|A x - b\\|^2",
    ),
    Example(
        "attention", "Attention, one query",
        "# the derivatives of any loss L, through the softmax\n"
        "title  Attention of one query\n"
        "index  i, j, k : K\n"
        "index  d, e : D\n"
        "input  q[D], C[K, D], V[K, D]\n\n"
        "s[k] = sum(d, q[d] * C[k, d]) / sqrt(D)\n"
        "p[i] = exp(s[i]) / sum(k, exp(s[k]))\n"
        "o[d] = sum(k, p[k] * V[k, d])\n\n"
        "upstream L(o)\n"
        "derive d(L, V[k, d])\n"
        "derive d(L, q[d])",
    ),
    Example(
        "wrong-softmax", "A softmax gradient with a wrong sign",
        "p_i = \\frac{e^{z_i}}{\\sum_k e^{z_k}} \\\\\n"
        "\\frac{\\partial p_i}{\\partial z_j} = p_i \\left( \\delta_{ij} + p_j \\right)",
    ),
    Example(
        "chain", "A derivation with one wrong step",
        "p_i = \\frac{e^{z_i}}{\\sum_k e^{z_k}}, \\quad L = -\\sum_k t_k \\log p_k \\\\\n"
        "\\begin{align}\n"
        "\\frac{\\partial L}{\\partial z_j}\n"
        "  &= -\\sum_k t_k \\frac{1}{p_k} \\frac{\\partial p_k}{\\partial z_j} \\\\\n"
        "  &= -\\sum_k t_k \\left( \\delta_{kj} - p_j \\right) \\\\\n"
        "  &= t_j - p_j \\sum_k t_k\n"
        "\\end{align}",
    ),
    Example(
        "condition", "True, but under what condition?",
        "p[i] = exp(z[i]) / sum(k, exp(z[k]))\n"
        "L = -sum(k, t[k] * log(p[k]))\n"
        "d(L, z[j]) = p[j] - t[j]",
    ),
    Example(
        "identity", "An identity, for every size",
        "log(exp(z[i]) / sum(k, exp(z[k]))) = z[i] - log(sum(k, exp(z[k])))",
    ),
    Example(
        "notes", "A page of notes",
        "The logistic function is $\\sigma(x) = \\frac{1}{1 + e^{-x}}$, and for the loss\n\n"
        "$$ L = -y \\log \\sigma(x) - (1 - y) \\log (1 - \\sigma(x)) $$\n\n"
        "the derivative is\n\n"
        "$$ \\frac{\\partial L}{\\partial x} = \\sigma(x) + y $$",
    ),
    Example(
        "layer-norm", "Layer normalisation, backwards",
        "title  Layer normalisation\n"
        "index  i, j, k : K\n"
        "input  x[K], eps\n"
        "batch  x\n\n"
        "mu    = sum(k, x[k]) / K\n"
        "v     = sum(k, (x[k] - mu)^2) / K\n"
        "sigma = sqrt(v + eps)\n"
        "y[i]  = (x[i] - mu) / sigma\n\n"
        "expect d(y[i], x[j]) == (delta(i, j) - 1/K - y[i] * y[j] / K) / sigma",
    ),
    Example(
        "focal-loss", "Focal loss, a fused kernel",
        "title  Focal loss\n"
        "index  j, k : K\n"
        "input  z[K], t[K], r\n"
        "batch  z, t\n"
        "loss   L\n\n"
        "p[k] = sigmoid(t[k] * z[k])\n"
        "L    = -sum(k, (1 - p[k])^r * log(p[k]))\n\n"
        "derive d(L, z[j])",
    ),
    Example(
        "logsumexp", "Log-sum-exp that does not overflow",
        "title  Log-sum-exp\n"
        "index  i, j, k : K\n"
        "input  z[K]\n"
        "batch  z\n\n"
        "f = log(sum(k, exp(z[k])))\n\n"
        "derive d(f, z[i])\n"
        "derive d(f, z[i], z[j])",
    ),
    Example(
        "prototypes", "A loss of one's own",
        "title  Soft distance to the nearest prototype\n"
        "index  k : K\n"
        "index  d : D\n"
        "input  x[D], c[K, D]\n"
        "batch  x\n\n"
        "q[k] = sum(d, (x[d] - c[k, d])^2)\n"
        "L    = -log(sum(k, exp(-q[k])))\n\n"
        "derive d(L, x[d])",
    ),
)  # fmt: skip

EXAMPLES: dict[str, Example] = {each.name: each for each in _ALL}
#: The headings of the examples, each with a sentence on it and the names of its examples.
GROUPS = (
    (
        "Derive",
        "Every step with its rule and its proof",
        ("softmax", "cross-entropy", "least-squares", "attention"),
    ),
    (
        "Check",
        "Each = proved, or refuted with a counterexample",
        ("wrong-softmax", "chain", "condition", "identity", "notes"),
    ),
    (
        "Emit",
        "NumPy, Numba and C that need nothing of symderiv",
        ("layer-norm", "focal-loss", "logsumexp", "prototypes"),
    ),
)
