"""Formulas that are the same as well-known ones but are written otherwise."""

from __future__ import annotations

SCORES = "index i, j, k, l : K\ninput z[K]\nbatch z\n"
LOSS = "index i, j, k, l : K\ninput z[K]\nlabel y : K\nbatch z, y\nloss L\n"

#: A name, the text, and what each definition becomes (empty: it stays as it is).
SPELLINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "share without a name": (
        LOSS + "L = -log(exp(z[y]) / sum(k, exp(z[k])))\nderive d(L, z[j])\n",
        ("p[i] = exp(z[i]) / sum(k, exp(z[k]))", "L = -log(p[y])"),
    ),
    "entropy without a name": (
        SCORES + "loss L\nL = -sum(i, exp(z[i]) / sum(k, exp(z[k])) * log(exp(z[i]) / sum(k, exp(z[k]))))\n"
        "derive d(L, z[j])\n",
        ("p[i] = exp(z[i]) / sum(k, exp(z[k]))", "L = -sum(i, log(p[i]) * p[i])"),
    ),
    "two names": (
        SCORES + "e[i] = exp(z[i])\nq[i] = e[i] / sum(k, e[k])\nderive d(q[i], z[j])\n",
        ("q[i] = exp(z[i]) / sum(k, exp(z[k]))",),
    ),
    "three names": (
        SCORES + "e[i] = exp(z[i])\nS = sum(k, e[k])\nq[i] = e[i] / S\nderive d(q[i], z[j])\n",
        ("q[i] = exp(z[i]) / sum(k, exp(z[k]))",),
    ),
    "shifted by a constant": (
        SCORES + "input c\nq[i] = exp(z[i] - c) / sum(k, exp(z[k] - c))\nderive d(q[i], z[j])\n",
        ("q[i] = exp(z[i]) / sum(k, exp(z[k]))",),
    ),
    "shifted by hand": (
        SCORES + "m = max(k, z[k])\nq[i] = exp(z[i] - m) / sum(k, exp(z[k] - m))\nderive d(q[i], z[j])\n",
        ("q[i] = exp(z[i]) / sum(k, exp(z[k]))",),
    ),
    "one over a sum": (
        SCORES + "q[i] = 1 / sum(k, exp(z[k] - z[i]))\nderive d(q[i], z[j])\n",
        ("q[i] = exp(z[i]) / sum(k, exp(z[k]))",),
    ),
    "scaled": (SCORES + "q[i] = exp(2 * z[i]) / sum(k, exp(2 * z[k]))\nderive d(q[i], z[j])\n", ()),
    "negative": (SCORES + "q[i] = exp(-z[i]) / sum(k, exp(-z[k]))\nderive d(q[i], z[j])\n", ()),
    "temperature with a name": (
        SCORES + "input T\nu[k] = z[k] / T\nq[i] = exp(u[i]) / sum(k, exp(u[k]))\nderive d(q[i], z[j])\n",
        (),
    ),
    "noise and temperature": (
        SCORES + "input g[K], T\nq[i] = exp((z[i] + g[i]) / T) / sum(k, exp((z[k] + g[k]) / T))\n"
        "derive d(q[i], z[j])\n",
        (),
    ),
    "product of arrays": (
        "index i, j, k : K\nindex a : N\ninput W[N, K], x[N]\nbatch x\n"
        "q[i] = exp(sum(a, W[a, i] * x[a])) / sum(k, exp(sum(a, W[a, k] * x[a])))\n"
        "derive d(q[i], W[a, j])\nderive d(q[i], x[a])\n",
        (),
    ),
    "weighted": (
        SCORES + "input w[K]\nq[i] = w[i] * exp(z[i]) / sum(k, w[k] * exp(z[k]))\nderive d(q[i], z[j])\n",
        (),
    ),
    "mixture": (
        SCORES + "input a[K]\nbatch a\nloss L\nq[k] = exp(a[k]) / sum(l, exp(a[l]))\n"
        "L = -log(sum(k, q[k] * exp(z[k])))\nderive d(L, a[j])\nderive d(L, z[j])\n",
        (
            "q[k] = exp(a[k]) / sum(l, exp(a[l]))",
            "L = -(-log(sum(l, exp(a[l]))) + log(sum(k, exp(a[k] + z[k]))))",
        ),
    ),
    "mixture of Gaussians": (
        SCORES + "input a[K], s[K], x\nbatch a, s, x\nloss L\nq[k] = exp(a[k]) / sum(l, exp(a[l]))\n"
        "r[k] = q[k] * exp(-(x - z[k])^2 / (2 * s[k]^2)) / s[k]\nL = -log(sum(k, r[k]))\n"
        "derive d(L, a[k])\nderive d(L, z[k])\nderive d(L, s[k])\n",
        (
            "q[k] = exp(a[k]) / sum(l, exp(a[l]))",
            "L = -(-log(sum(l, exp(a[l]))) + log(sum(k, exp(a[k] - (x - z[k])^2 / (2 * s[k]^2)) / s[k])))",
        ),
    ),
    "mean of exponentials": (
        SCORES + "y = log(sum(k, exp(z[k])) / K)\nderive d(y, z[j])\n",
        ("y = log(sum(k, exp(z[k]))) - log(K)",),
    ),
    "two logarithms": (
        SCORES + "input w[K]\nloss L\nL = log(sum(k, exp(z[k]))) - log(sum(k, w[k] * exp(z[k])))\n"
        "derive d(L, z[j])\n",
        (),
    ),
    "one against many": (
        "index a : D\nindex b : Q\ninput q[D], c[D], n[Q, D]\nbatch q, c, n\nloss L\n"
        "s = exp(sum(a, q[a] * c[a]))\nL = -log(s / (s + sum(b, exp(sum(a, q[a] * n[b, a])))))\n"
        "derive d(L, q[a])\nderive d(L, c[a])\n",
        ("L = -log(sigmoid(sum(a, q[a] * c[a]) - log(sum(b, exp(sum(a, q[a] * n[b, a]))))))",),
    ),
    "softplus": (SCORES + "y[i] = log(1 + exp(z[i]))\nderive d(y[i], z[j])\n", ("y[i] = softplus(z[i])",)),
    "logarithm of a quotient": (
        SCORES + "y[i] = -log(1 / (1 + exp(-z[i])))\nderive d(y[i], z[j])\n",
        ("y[i] = -log(sigmoid(z[i]))",),
    ),
    "sigmoid": (SCORES + "y[i] = 1 / (1 + exp(-z[i]))\nderive d(y[i], z[j])\n", ("y[i] = sigmoid(z[i])",)),
    "sigmoid of exponentials": (
        SCORES + "y[i] = exp(z[i]) / (exp(z[i]) + 1)\nderive d(y[i], z[j])\n",
        ("y[i] = sigmoid(z[i])",),
    ),
    "binary cross-entropy": (
        SCORES + "input t[K]\nbatch t\nloss L\nq[k] = 1 / (1 + exp(-z[k]))\n"
        "L = -sum(k, t[k] * log(q[k]) + (1 - t[k]) * log(1 - q[k]))\nderive d(L, z[j])\n",
        ("q[k] = sigmoid(z[k])", "L = -sum(k, t[k] * log(q[k]) + (1 - t[k]) * log(1 - q[k]))"),
    ),
    "swish": (
        SCORES + "y[i] = z[i] / (1 + exp(-z[i]))\nderive d(y[i], z[j])\n",
        ("y[i] = z[i] * sigmoid(z[i])",),
    ),
    "tanh": (
        SCORES + "y[i] = (exp(z[i]) - exp(-z[i])) / (exp(z[i]) + exp(-z[i]))\nderive d(y[i], z[j])\n",
        ("y[i] = tanh(z[i])",),
    ),
    "logarithm of cosh": (
        SCORES + "loss L\nL = sum(k, log(cosh(z[k])))\nderive d(L, z[j])\n",
        ("L = sum(k, abs(z[k]) + softplus(-2 * abs(z[k])) - log(2))",),
    ),
    "moments": (
        SCORES
        + "input c\nm = sum(k, z[k]) / K\nv = sum(k, z[k]^2) / K - m^2\ny[i] = (z[i] - m) / sqrt(v + c)\n"
        "derive d(y[i], z[j])\n",
        ("m = sum(k, z[k]) / K", "v = sum(k, (z[k] - m)^2) / K", "y[i] = (z[i] - m) / sqrt(v + c)"),
    ),
    "moments without a name": (
        SCORES + "v = sum(k, z[k]^2) / K - (sum(k, z[k]) / K)^2\nderive d(v, z[j])\n",
        ("v = sum(k, (z[k] - sum(k_1, z[k_1]) / K)^2) / K",),
    ),
    "variance under shares": (
        SCORES + "input x[K]\nq[i] = exp(z[i]) / sum(k, exp(z[k]))\nm = sum(k, q[k] * x[k])\n"
        "v = sum(k, q[k] * x[k]^2) - m^2\nderive d(v, z[j])\n",
        (
            "q[i] = exp(z[i]) / sum(k, exp(z[k]))",
            "m = sum(k, q[k] * x[k])",
            "v = sum(k, q[k] * (x[k] - m)^2)",
        ),
    ),
    "covariance": (
        SCORES + "input x[K]\nv = sum(k, z[k] * x[k]) / K - sum(k, z[k]) / K * (sum(k, x[k]) / K)\n"
        "derive d(v, z[j])\n",
        ("v = sum(k, (z[k] - sum(k_1, z[k_1]) / K) * (x[k] - sum(k_2, x[k_2]) / K)) / K",),
    ),
}
