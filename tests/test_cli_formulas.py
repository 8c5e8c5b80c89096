"""``symderiv prove`` and ``symderiv explain``: what they answer, and with which status."""

import json
import re

import pytest

SOFTMAX = "p[i] = exp(z[i]) / sum(k, exp(z[k]))"
TEX_SOFTMAX = r"p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}"
TEX_LOSS = r"L = -\sum_k t_k \log p_k"


PROVED = {
    "text": ["log(exp(z[i]) / sum(k, exp(z[k]))) = z[i] - log(sum(k, exp(z[k])))"],
    "three words": ["x + x", "=", "2 * x"],
    "two signs": ["x + x", "==", "2 * x"],
    "unquoted": ["x", "+", "x", "=", "2*x"],
    "with a minus first": ["-log(p[i]) = -log(p[i])"],
    "with a minus in each word": ["-x", "=", "-x"],
    "in the catalogue": ["d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])", "--in", "softmax"],
    "with let": ["d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])", "--let", SOFTMAX],
    "with let in LaTeX": ["d(p[i], z[j]) = p[i] * (delta(i, j) - p[j])", "--let", TEX_SOFTMAX],
    "LaTeX": [r"\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j)", "--let", TEX_SOFTMAX],
    "LaTeX and text": [r"\partial_{z_j} p_i = p_i (\delta_{ij} - p_j)", "--let", SOFTMAX],
    "LaTeX without a sign of it": ["x_i x_i = x_i^2", "--latex"],
    "everything in one": [
        rf"{TEX_SOFTMAX} \\ {TEX_LOSS} \\ \frac{{\partial L}}{{\partial z_j}} = p_j \sum_k t_k - t_j"
    ],
    "a definition, then what equals it": [f"{SOFTMAX} = 1 / sum(k, exp(z[k] - z[i]))"],
    "a chain": ["x + x = 2 * x = 3 * x - x", "--input", "x"],
    "declared": [
        "sum(i, W[j, i] * 1) + K * x = sum(k, W[j, k] + x)",
        "--index", "i, k : K", "--index", "j : N", "--input", "W[N, K], x",
    ],
    "a label": ["d(L, z[j]) = p[j] - delta(j, y)", "--let", f"L = -log(p[y]); {SOFTMAX}"],
    "a declared label": ["exp(log(p[y])) = p[y]", "--label", "y : K"],
    "a declared label in what is defined": [
        "d(L, z[j]) = p[j] - delta(j, y)", "--let", f"{SOFTMAX}; L = -log(p[y])", "--label", "y : M"
    ],
    "assumed": [
        "d(L, z[j]) = p[j] - t[j]", "--let", SOFTMAX, "--let", "L = -sum(k, t[k] * log(p[k]))",
        "--assume", "sum(k, t[k]) == 1",
    ],
    "assumed in LaTeX": [
        rf"{TEX_SOFTMAX} \\ {TEX_LOSS} \\ \frac{{\partial L}}{{\partial z_j}} = p_j - t_j",
        "--assume", r"\sum_k t_k = 1",
    ],
    "assumed by the problem": ["d(L, z[j]) = p[j] - t[j]", "--in", "cross_entropy"],
    "of a function": ["d(f(x^2), x) = 2 * x * f'(x^2)", "--function", "f"],
    "of an inverse": ["sum(j, A[i, j] * inv(A)[j, k]) = delta(i, k)"],
    "of a determinant": ["d(log(det(A)), A[i, j]) = inv(A)[j, i]"],
    "of shifted places": ["sum(i, sum(k, w[k] * x[i + k])) = sum(k, w[k] * sum(i, x[i + k]))"],
    "under a condition": [r"\partial_{z_j} p_i = -p_i p_j, \quad i \neq j", "--let", TEX_SOFTMAX],
}  # fmt: skip


@pytest.mark.parametrize("case", PROVED)
def test_proved(run, case: str) -> None:
    status, out, err = run("prove", *PROVED[case])
    assert (status, err) == (0, "")
    assert out.startswith("proved: ")
    assert "  by " in out
    assert ("assuming sum(k, t[k]) == 1" in out) == ("assumed" in case)


REFUTED = {
    "rational": (["(sum(k, a[k]))^2 = sum(k, a[k]^2)"], {"K": 2}, {"a": ["1", "2"]}, "9", "5"),
    "of a softmax": (
        ["d(p[i], z[j]) = p[i] * (delta(i, j) + p[j])", "--in", "softmax"],
        {"K": 1}, {"z": ["0"]}, "0", "2",
    ),
    "in LaTeX": ([r"\sum_k (a_k + b) = b + \sum_k a_k"], {"K": 2}, {"a": ["1", "2"], "b": "3"}, "9", "6"),
    "of declared names": (["y[i] = x[i]", "--input", "y[K]"], {"K": 1}, {"y": ["1"], "x": ["2"]}, "1", "2"),
    "a matrix and its transpose": (
        ["sum(j, w[i, j] * x[j]) = sum(j, w[j, i] * x[j])"],
        {"K": 2}, {"w": [["1", "2"], ["3", "4"]], "x": ["5", "6"]}, "17", "23",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUTED)
def test_refuted_with_the_smallest_counterexample(run, case: str) -> None:
    arguments, sizes, values, left, right = REFUTED[case]
    status, out, _ = run("prove", *arguments, "--format", "json")
    data = json.loads(out)
    assert status == 1
    assert data["verdict"] == "refuted"
    found = data["counterexample"]
    assert (found["sizes"], found["values"]) == (sizes, values)
    assert (found["left"], found["right"], found["exact"]) == (left, right, True)
    _, text, _ = run("prove", *arguments)
    assert text.startswith("refuted: ")
    for axis, size in sizes.items():
        assert f"smallest counterexample: {axis} = {size}, " in text
    assert f"left side   {left}\n" in text
    assert f"right side  {right}\n" in text


@pytest.mark.parametrize(
    ("arguments", "condition"),
    [
        (
            ["d(L, z[j]) = p[j] - t[j]", "--let", f"L = -sum(k, t[k] * log(p[k])); {SOFTMAX}"],
            "sum(k, t[k]) == 1",
        ),
        (["d(p[i], z[j]) = -p[i] * p[j]", "--in", "softmax"], "i != j"),
        (["d(p[i], z[j]) = p[i] * (1 - p[i])", "--in", "softmax"], "i == j"),
        (["sum(j, W[i, j] * x[j]) = sum(j, W[j, i] * x[j])"], "W symmetric"),
        (["d(p[i], z[j]) = p[i] * delta(i, j) - q[j]", "--let", f"{SOFTMAX}; q[j] = p[y] * p[j]"], "i == y"),
    ],
)
def test_true_only_under_an_assumption(run, arguments: list[str], condition: str) -> None:
    status, out, _ = run("prove", *arguments)
    assert status == 1
    assert out.startswith("conditional: ")
    assert f"true under {condition}, which is not assumed" in out
    assert "without it, for example: " in out
    data = json.loads(run("prove", *arguments, "--format", "json")[1])
    assert (data["verdict"], data["condition"]) == ("conditional", condition)
    assert data["counterexample"]["left"] != data["counterexample"]["right"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["delta(i, j) * x[i] = x[i]", "--assume", "i != j"],
        ["delta(i, j) * x[i] = (1 - delta(i, j)) * x[j]", "--assume", "i != j"],
        ["relu(x * y) = relu(x) * relu(y)"],  # nothing says that y is a label
        ["t[k]^2 = t[k]"],
        # A delta tells i from j: the equation speaks of both cases, and not of i == j only.
        ["d(p[i], z[j]) = p[i] * (delta(i, j) - p[i])", "--in", "softmax"],
    ],
)
def test_no_condition_against_what_is_assumed_and_none_out_of_a_name(run, arguments: list[str]) -> None:
    assert run("prove", *arguments)[1].startswith("refuted: ")


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("s = sum(k, x[j]^2)", "note: k does not occur in what is taken over k: sum(k, x[j]^2) (1:9)"),
        ("s = sum(k, x[k]) + prod(l, x[2])", "note: l does not occur in what is taken over l: prod(l, x[2])"),
        ("s = sum(k, x[k]^2)", ""),
        ("s = sum(k, x[k]) * sum(k, 1)", ""),  # the size
        ("s = sum(i, k, where(i < k, x[2], 0))", ""),
    ],
)
def test_a_letter_that_is_missing_in_its_sum_is_told(run, formula: str, told: str) -> None:
    status, _, err = run("derive", "--formula", formula, "--wrt", "x")
    assert status == 0
    assert told in err
    assert ("does not occur" in err) == bool(told)


@pytest.mark.parametrize("claim", ["W[i, j] = W[j, i]", "W[a, b] - W[b, a] = 0", "sum(k, t[k]) = 1"])
def test_that_a_claim_is_true_if_it_is_true_is_no_condition(run, claim: str) -> None:
    assert run("prove", claim)[1].startswith("refuted: ")


def test_undecided(run) -> None:
    status, out, _ = run("prove", "gamma(x + 1) = x * gamma(x)")
    assert status == 3
    assert out.startswith("undecided: ")
    assert "no counterexample was found" in out


def test_each_equality_of_a_chain_is_judged_and_the_worst_counts(run) -> None:
    status, out, _ = run("prove", "x + x = 2 * x = 3 * x", "--input", "x", "--format", "json")
    data = json.loads(out)
    assert status == 1
    assert [claim["verdict"] for claim in data["claims"]] == ["proved", "refuted"]
    assert data["verdict"] == "refuted"
    assert data["claims"][1]["left"] == "2 * x"


def test_a_guess_is_told(run) -> None:
    _, out, _ = run("prove", r"\sum_k (a_k + W_{bc}) = \sum_k a_k")
    assert "note: W_bc is read as one name: its subscript is no index" in out
    assert "note: N is read as a number" in run("prove", "N * x[i] = x[i] * N")[1]


def test_the_standard_input(run) -> None:
    status, out, _ = run("prove", "-", given=f"{SOFTMAX}\nsum(k, p[k]) = 1\n")
    assert (status, out.splitlines()[0]) == (0, "proved: sum(k, p[k]) = 1")


def test_a_claim_for_one_size(run) -> None:
    arguments = ["prove", "sum(k, a[k]) = a[1] + a[2]"]
    status, out, _ = run(*arguments, "--size", "K=2")
    assert (status, out.splitlines()[0]) == (0, "proved: sum(k, a[k]) = a[1] + a[2]")
    assert "for K = 2" in out
    status, out, _ = run(*arguments)
    assert status == 1
    assert "smallest counterexample: K = 3, a = (1, 2, 3)" in out
    assert "expected an axis of formula (K), found 'N'" in run(*arguments, "--size", "N=2")[2]


def test_what_a_proof_rests_on_is_told_once_in_short_lines(run) -> None:
    _, out, _ = run("prove", "x + x = 2 * x = 3 * x - x", "--input", "x")
    assert out.count("one normal form") == 1
    assert max(map(len, out.splitlines())) <= 100


WRONG = {
    "only a definition": (["x = 1"], "expected an equation LHS = RHS to prove, found only what defines x"),
    "no equation": (["sum(k, x[k])"], "expected an equation LHS = RHS to prove, found none"),
    "an empty side": (["a[i] = "], "formula:1:7: expected a value on this side"),
    "nothing": ([""], "found none"),
    "an unknown problem": (["x = x", "--in", "sofmax"], "'sofmax'"),
    "a let that defines nothing": (["x = x", "--let", "sum(k, x[k])"], "--let:1:1: expected a definition"),
    "a LaTeX let that defines nothing": (
        ["x = x", "--let", r"x_i + \alpha"],
        "--let:1:1: expected a definition",
    ),
    "an index without an axis": (["x = x", "--index", "i"], "--index:1:2: expected :"),
    "an assumption that is none": (["x = x", "--assume", "sum(k, t[k])"], "--assume:1:13: "),
    "LaTeX not understood": ([r"\frac{a}{b = 1"], r"formula:1:9: this { is never closed"),
    "an unknown format": (["x = x", "--format", "pdf"], "--format: expected text or json, found 'pdf'"),
    "a LaTeX continuation": ([r"= \alpha"], "expected a left side"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_followed_gets_one_sentence(run, case: str) -> None:
    arguments, sentence = WRONG[case]
    status, out, err = run("prove", *arguments)
    assert (status, out) == (2, "")
    assert sentence in err
    assert err.startswith("symderiv: ")
    assert len(err.splitlines()) in (1, 3)


def test_explain_in_text(run) -> None:
    status, out, _ = run("explain", r"y_k = \sum_j W_{jk} x_j + b_k")
    assert status == 0
    assert out.splitlines() == [
        "definition  y[k] = sum(j, W[j, k] * x[j]) + b[k]",
        r"in LaTeX    y_k = \sum_{j} W_{jk} x_j + b_k",
        "free        k over K",
        "summed      j over N",
        "",
        "names",
        "  y[K]     y[k] = sum(j, W[j, k] * x[j]) + b[k]",
        "  W[N, K]  array, inferred",
        "  b[K]     array, inferred",
        "  x[N]     array, inferred",
        "",
        "note: the sum over j reaches over W[j, k] * x[j] and stops before the next + or -",
    ]


def test_explain_shows_a_subscript_that_is_read_as_decoration(run) -> None:
    _, out, _ = run("explain", r"y_i = W_{ij} x_i")
    assert re.search(r"W_ij +number, inferred, W_\{\\mathrm\{ij\}\} in LaTeX", out)
    assert "note: W_ij is read as one name: its subscript is no index (1:7)" in out


def test_explain_the_inverse_and_the_determinant_of_a_matrix(run) -> None:
    formula = "u[i] = log(det(A)) * sum(j, inv(A)[i, j] * x[j])"
    status, out, _ = run("explain", formula, "--input", "A[N, N], x[N]")
    assert status == 0
    assert re.search(r"^  det\(A\) +determinant of A, \\det A in LaTeX$", out, re.MULTILINE)
    assert re.search(r"^  inv\(A\)\[N, N\] +inverse of A, A\^\{-1\} in LaTeX$", out, re.MULTILINE)


def test_explain_as_data(run) -> None:
    _, out, _ = run("explain", r"L = -\log p_y", "--input", "p[K]", "--format", "json")
    data = json.loads(out)
    (statement,) = data["statements"]
    assert (statement["text"], statement["role"], statement["functions"]) == (
        "L = -log(p[y])",
        "definition",
        ["log"],
    )
    names = {each["name"]: each for each in data["names"]}
    assert (names["p"]["axes"], names["p"]["inferred"]) == (["K"], False)
    assert (names["y"]["kind"], names["y"]["of"], names["y"]["inferred"]) == ("label", "K", True)
    assert data["notes"][0]["message"] == "y holds labels: places on K"
    assert data["notes"][0]["line"] == 1


def test_explain_a_value_of_the_catalogue(run) -> None:
    _, out, _ = run("explain", "p[i] * (delta(i, j) - p[j])", "--in", "softmax")
    assert out.startswith("value       p[i] * (delta(i, j) - p[j])\n")
    assert "  p[K]  p[i] = exp(z[i]) / sum(k, exp(z[k]))\n" in out
    assert "inferred" not in out


def test_explain_conditions_and_decorated_names(run) -> None:
    _, out, _ = run("explain", r"\frac{\partial \hat p_i}{\partial z_j} = \hat p_i z_j, \quad i \neq j")
    assert "where       i != j" in out
    assert r"\hat{p} in LaTeX" in out


DERIVED = {
    "LaTeX": ["--latex", TEX_SOFTMAX, "--wrt", "z_j"],
    "LaTeX with a name alone": ["--latex", TEX_SOFTMAX, "--wrt", "z"],
    "text": ["--formula", SOFTMAX, "--wrt", "z[j]"],
    "declared": ["--formula", SOFTMAX, "--wrt", "z", "--input", "z[K]", "--index", "i, j, k : K"],
    "asked for in the text": ["--formula", f"{SOFTMAX}; d(p[i], z[j])"],
    "asked for in LaTeX": ["--latex", TEX_SOFTMAX, "--latex", r"\frac{\partial p_i}{\partial z_j}"],
}


@pytest.mark.parametrize("case", DERIVED)
def test_derive_what_is_typed(run, case: str) -> None:
    status, out, err = run("derive", *DERIVED[case])
    assert (status, err) == (0, "")
    assert "d(p[i], z[j]) = " in out
    assert "= p[i] * (delta(i, j) - p[j])" in out


def test_derive_definitions_in_any_order(run) -> None:
    arguments = ["--latex", TEX_LOSS, "--latex", TEX_SOFTMAX, "--wrt", "z_j", "--assume", "sum(k, t[k]) == 1"]
    _, out, _ = run("derive", *arguments)
    assert "assuming sum(k, t[k]) == 1\nd(L, z[j]) = p[j] - t[j]" in out
    joined = rf"{TEX_LOSS} \\ {TEX_SOFTMAX}"
    assert "= p[i] * sum(k, t[k]) - t[i]" in run("derive", "--latex", joined, "--wrt", "z")[1]


def test_the_letters_of_a_request_are_kept_apart(run) -> None:
    """d(p[i], z[i]) would be the diagonal alone."""
    _, out, _ = run("derive", "softmax", "--wrt", "z[i]", "--steps", "brief")
    assert re.search(r"^d\(p\[(?!i)\w\], z\[i\]\) = ", out, re.MULTILINE)
    _, out, _ = run("derive", "softmax", "--of", "p[i]", "--wrt", "z[i]", "--steps", "brief")
    assert "= p[i] * (1 - p[i])" in out


@pytest.mark.parametrize(
    "text",
    [
        f"input z[K]\n{SOFTMAX}\nderive d(p[i], z[j])\n",
        f"{SOFTMAX}\nd(p[i], z[j])\n",
        f"{TEX_SOFTMAX} \\\\ \\frac{{\\partial p_i}}{{\\partial z_j}}",
    ],
)
def test_derive_the_standard_input(run, text: str) -> None:
    status, out, _ = run("derive", "-", given=text)
    assert status == 0
    assert "= p[i] * (delta(i, j) - p[j])" in out


def test_derive_tells_what_it_guessed(run) -> None:
    for arguments in (["--latex", r"y_i = W_{ij} x_i"], ["-"]):
        _, _, err = run("derive", *arguments, "--wrt", "x", given=r"y_i = W_{ij} x_i")
        assert err == "symderiv: note: W_ij is read as one name: its subscript is no index (1:7)\n"


def test_emit_what_is_typed(run) -> None:
    status, out, _ = run("emit", "--latex", rf"L = -\log p_y \\ {TEX_SOFTMAX}")
    assert status == 0
    names = re.findall(r"^def (formula\w*)", out, re.MULTILINE)
    assert names == ["formula", "formula_gradient_z", "formula_vjp", "formula_jvp"]
    space: dict = {}
    exec(compile(out, "formula", "exec"), space)
    import numpy as np

    assert np.allclose(space["formula_gradient_z"](1, np.array([0.0, 0.0])), [0.5, -0.5])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--wrt", "x"], "expected one of PROBLEM, --latex and --formula, found none"),
        (["softmax", "--latex", "x"], "found PROBLEM and --latex"),
        (["softmax", "--input", "z[K]"], "--input: expected --latex, --formula or -"),
        (["--formula", "x + 1", "--wrt", "x"], "formula:1:1: expected a definition (a new name = ...)"),
        (["--formula", "d(y, x)"], "nothing is defined here"),
        (["--formula", "y = x + 1", "--wrt", "q"], "--wrt: expected one of x, found 'q'"),
        (["--formula", "y = x + 1"], "--wrt: expected one of x, for the problem itself asks for no"),
        (["-"], "expected a formula on the standard input, found nothing"),
    ],
)
def test_what_cannot_be_derived(run, arguments: list[str], sentence: str) -> None:
    status, out, err = run("derive", *arguments, given="")
    assert (status, out) == (2, "")
    assert sentence in err


def test_verify_what_is_typed(run) -> None:
    status, out, _ = run("verify", "--formula", SOFTMAX, "--target", "numpy")
    assert status == 0
    assert re.search(r"^formula  d\(p\[i\], z\[j\]\) .* proved", out, re.MULTILINE)
    assert (
        "expected one of PROBLEM, --latex and --formula" in run("verify", "softmax", "--formula", SOFTMAX)[2]
    )
