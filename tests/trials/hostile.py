"""Texts that nobody means well: mutations, noise, and everything far too large.

:func:`texts` makes them, each with the reader it is for; :func:`attempt` reads one, asks for its
derivatives where it is a problem, and says what happened. All that may happen is an answer or an
error with a sentence, within the limits of time below.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symderiv import catalog
from symderiv.calculus import CalculusError, Engine
from symderiv.expression.nodes import Entry
from symderiv.notation.errors import NotationError
from symderiv.notation.formulas import Piece, read_pieces
from symderiv.notation.latex import to_latex
from symderiv.notation.reader import parse_equation, parse_expression, read_problem
from symderiv.notation.tex import parse_latex_chains, problem_from_latex, read_equations
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from tests.notation.tex_problem import PROBLEM as TEX_PROBLEM
from tests.notation.trees import PROBLEM

#: The most seconds for reading one text, and for all derivatives that it asks for.
READING, DERIVING = 2.0, 10.0

FORMULAS = (
    r"\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j)",
    r"p_i = \frac{e^{z_i}}{\sum_{k=1}^{K} e^{z_k}}",
    r"\frac{\partial L}{\partial z_j} &= -\sum_k \frac{t_k}{p_k} \frac{\partial p_k}{\partial z_j} \\ &= p_j",
    r"\begin{cases} p_i (1 - p_j) & \text{if } i = j \\ -p_i p_j & i \neq j \end{cases}",
    r"\left( \sqrt{\frac{1}{K} \sum_k \left( x_k - \mu \right)^2} \right)^{-1}",
    r"\nabla_z L = W^\top (p - t) \odot \mathbf{1}",
    r"\sum_{k \neq i} \mathbb{1}[k = y] \log p_k, \quad i \neq j",
    r"\underbrace{\hat y_i}_{\text{prediction}} = \sigma\left(w^T x_i + b\right)",
    r"\begin{align} L &= -\log p_y \\ &= -z_y + \log \sum_k \exp(z_k) \tag{1} \end{align}",
    r"\prod_{k} \max(x_k, 0)^{2} \cdot \operatorname{softmax}(z)_i + \|x\|^2",
    r"f'(u) = \dot{f} \Big|_{u = 0} + {n \choose k}",
    r"\mathrm{diag}(p) - p p^T",
)
TEXTS = (
    "p[i] * (delta(i, j) - p[j])",
    "sum(k != i, exp(z[k] - max(l, z[l]))) / K",
    "where(x[i] >= 0, x[i], 0) + prod(k, 1 + z[k]^2)^(1/3)",
    "d(p[i], z[j], z[k]) - 1e-3 * log(p[y])",
    "sum(a, k, W[a, k] * x[k]) ** -2 + min(s, t)",
)
#: Pieces that mutations put in.
TOKENS = (
    "(", ")", "[", "]", "{", "}", "^", "_", "**", "/", "==", "=", "!=", ",", ":", ";", "#", "\n", "\n ",
    "\t", "\\", "\\\\", "&", "$", "%", "'", "@", "0", "1", "-1", "1e9", "1e-999", "9" * 30, ".", "..",
    "1/0", "0^0", "0^(-1)", "i", "k", "K", "x", "z", "p", "d", "L", "sum(", "sum(k,", "d(", "where(",
    "delta(", "max(", "prod(k, ", "if ", " assuming ", "index ", "input ", "label ", "upstream ", "assume ",
    "expect ", "derive ", "batch ", "loss ", "function ", "let ", "title ", "\\frac", "\\frac{", "\\sum_",
    "\\sum_{k=1}^K", "\\partial", "\\left(", "\\right)", "\\left.", "\\begin{cases}", "\\end{cases}",
    "\\begin{align}", "\\end{align}", "\\text{", "\\sqrt[", "\\hat", "\\mathbb{1}", "\\nabla", "\\over",
    "\\top", "\\delta_", "\\|", "|", "\\{", "\\}", "\\,", "\\quad", "\\to", "\\infty", "é", "\u202e",
    "\u200b", "\x00", "\x07", "\x1b[31m", "\ufeff", "\ud83d", "🙂", "ﬁ", "²", "½", "∑", "δ", "×", "−",
    "\u0301", "\u2028", "\r", "\x85", "İ", "ſ", "٣", "𝟙",
)  # fmt: skip
_ALPHABETS = (
    "ijkKNxzpWt[](),+-*/^=<>! 0123456789.\n",
    "\\{}_^&ijkxzpW()+-=fracsumtialde 12",
    "".join(map(chr, range(32, 127))),
    "".join(map(chr, range(0, 0x250))) + "\u202e\u2066\ufeff\ud800𝒳🙂∂∑√",
)


@dataclass(frozen=True)
class Hostile:
    """A text, the reader that it is for, and what it is in a word."""

    reader: str
    text: str
    what: str


@dataclass(frozen=True)
class Outcome:
    """What became of a text: ``read``, ``refused`` (with a sentence) or ``fault``; and the seconds."""

    kind: str
    message: str
    reading: float
    deriving: float = 0.0


def _problem(text: str) -> Problem:
    return read_problem(text, "hostile")


READERS: dict[str, Callable[[str], object]] = {
    "problem": _problem,
    "expression": lambda text: parse_expression(text, PROBLEM),
    "equation": lambda text: parse_equation(text, PROBLEM),
    "statements": lambda text: read_pieces([Piece(text, "typed")]),
    "latex": lambda text: parse_latex_chains(text, TEX_PROBLEM),
    "latex, inferred": read_equations,
    "latex problem": problem_from_latex,
}
_OF_LATEX = ("latex", "latex, inferred", "latex problem")
_OF_TEXT = ("expression", "equation", "statements")


def attempt(hostile: Hostile) -> Outcome:
    """Read a text, and derive what it asks for; never raises for a text."""
    begin = time.process_time()
    try:
        found = READERS[hostile.reader](hostile.text)
    except NotationError as error:
        return Outcome("refused", str(error), time.process_time() - begin)
    except Exception as error:
        place = _place(error)
        return Outcome(
            "fault", f"{type(error).__name__} in {place}: {error!s:.200}", time.process_time() - begin
        )
    reading = time.process_time() - begin
    if not isinstance(found, Problem):
        return Outcome("read", "", reading)
    begin = time.process_time()
    try:
        message = _derive(found)
    except CalculusError as error:
        message = str(error)
    except Exception as error:
        message = f"{type(error).__name__} in {_place(error)}: {error!s:.200}"
        return Outcome("fault", message, reading, time.process_time() - begin)
    return Outcome("read", message, reading, time.process_time() - begin)


def _derive(problem: Problem) -> str:
    """Derive what a problem states, else its output by its first inputs, and print the results."""
    engine = Engine(problem)
    wanted = [(each.derivative.of, each.derivative.by) for each in problem.expectations]
    if not wanted:
        inputs = [each.name for each in problem.inputs if each.label_of is None]
        wanted = [engine.generic(problem.output(), (name,)) for name in inputs[:2]]
    for of, by in wanted[:4]:
        assert isinstance(of, Entry)
        result = engine.derive(of, by).form
        to_text(result)
        to_latex(result, problem)
    return ""


def _place(error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return frames[-1].name if frames else "nowhere"


def texts(count: int, seed: int) -> Iterator[Hostile]:
    """`count` hostile texts: the extreme ones first, then mutations and noise."""
    rng = random.Random(seed)
    made = 0
    for hostile in extremes():
        if made == count:
            return
        made += 1
        yield hostile
    problems = [catalog.text_of(name) for name in catalog.names()]
    while made < count:
        made += 1
        kind = rng.randrange(10)
        if kind < 4:
            yield Hostile("problem", mutated(rng.choice(problems), rng), "mutated problem")
        elif kind < 7:
            formula = rng.choice(FORMULAS)
            yield Hostile(rng.choice(_OF_LATEX), mutated(formula, rng), "mutated formula")
        elif kind < 8:
            yield Hostile(rng.choice(_OF_TEXT), mutated(rng.choice(TEXTS), rng), "mutated text")
        else:
            alphabet = rng.choice(_ALPHABETS)
            noise = "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 200)))
            yield Hostile(rng.choice(list(READERS)), noise, "noise")


def mutated(text: str, rng: random.Random, most: int = 6) -> str:
    """`text` with one to `most` pieces deleted, doubled, swapped, replaced or put in."""
    for _ in range(rng.randint(1, most)):
        if not text:
            return rng.choice(TOKENS)
        begin = rng.randrange(len(text))
        end = min(len(text), begin + rng.choice((1, 1, 2, 4, 12, 40)))
        piece = text[begin:end]
        match rng.randrange(7):
            case 0:
                text = text[:begin] + text[end:]
            case 1:
                text = text[:end] + piece * rng.choice((1, 1, 2, 30)) + text[end:]
            case 2:
                other = rng.randrange(len(text))
                text = text[:begin] + text[end:][:other] + piece + text[end:][other:]
            case 3:
                text = text[:begin] + piece[::-1] + text[end:]
            case 4:
                text = (
                    text[:begin] + chr(rng.choice((rng.randrange(128), rng.randrange(0x3000)))) + text[end:]
                )
            case _:
                text = text[:begin] + rng.choice(TOKENS) + text[begin + rng.randrange(2) :]
    return text


def extremes() -> Iterator[Hostile]:
    """Everything far too large, in every spelling of it."""
    deep, many = 100_000, 10_000
    head = "index i, j, k : K\ninput x[K], z[K], s\n"
    for size in (60, 99, 101, 300, 900, 2_000, deep):
        nested = {
            "parentheses": "(" * size + "s" + ")" * size,
            "calls": "exp(" * size + "s" + ")" * size,
            "open": "(" * size,
            "signs": "-" * size + "s",
            "towers": "^".join(["s"] * size),
            "brackets": "x[" * size + "1" + "]" * size,
            "branches": "where(s > 0, " * size + "s" + ", s)" * size,
            "sums of sums": "sum(k, " * size + "s" + ")" * size,
            "derivatives": "d(" * size + "s" + ", s)" * size,
            "slashes": "/".join(["s"] * size),
        }
        for what, text in nested.items():
            yield Hostile("expression", text, f"{size} {what}")
            yield Hostile("problem", f"{head}f = {text}\n", f"{size} {what} in a problem")
            yield Hostile("statements", f"f = {text}", f"{size} {what} in a statement")
        tex = {
            "braces": "{" * size + "s" + "}" * size,
            "fractions": r"\frac{1}{" * size + "s" + "}" * size,
            "roots": r"\sqrt{" * size + "s" + "}" * size,
            "brackets": r"\left(" * size + "s" + r"\right)" * size,
            "bare brackets": "(" * size + "s" + ")" * size,
            "powers": "s^{" * size + "2" + "}" * size,
            "subscripts": "x_{" * size + "i" + "}" * size,
            "hats": r"\hat{" * size + "x" + "}" * size,
            "sums": r"\sum_k " * size + "x_k",
            "signs": "-" * size + "s",
            "bars": "|" * size + "s" + "|" * size,
            "cases": r"\begin{cases}" * size + "s" + r"\end{cases}" * size,
            "functions": r"\exp " * size + "s",
            "partials": r"\frac{\partial}{\partial s} " * size + "s",
            "primes": "f" + "'" * size + "(s)",
            "overs": "{" * size + r"s \over s" + "}" * size,
            "transposes": "x" + r"^\top" * size,
        }
        for what, text in tex.items():
            yield Hostile("latex", text, f"{size} {what}")
            yield Hostile("latex, inferred", f"f = {text}", f"{size} {what}, inferred")
    numbers = (
        "9" * 1_000_000, "9" * 5_000, "1e999999999", "1e-999999999", "1e300", "1" + "0" * 190,
        "0." + "0" * 5_000 + "1", "1/3" * 1_000, "7^7^7^7", "x[9999999999]", f"x[{'9' * 5_000}]",
        "2^(10^9)", "s^(10^9)", "(1+s)^(10^9)", "(1 + s)^1000", "(s + 1)^(-999)", "(1/3)^1000",
        "((2^60)^60)^60", "2^0.0000001", "s^(1/999999999)", "0^s",
        "*".join(["99999999"] * 2_000), "+".join(["1/" + "9" * 50] * 300), "1.5e+150 * 1e150 * 1e150 * 1e150",
    )  # fmt: skip
    for number in numbers:
        yield Hostile("expression", number, f"number {number[:20]}")
        yield Hostile("problem", f"{head}f = s * {number}\n", f"number {number[:20]} in a problem")
        yield Hostile("latex", number.replace("*", r"\cdot "), f"number {number[:20]}")
        yield Hostile("latex, inferred", f"f = s {number}", f"number {number[:20]}, inferred")
    yield from _long(head, many)
    yield from _growing(head)


def _long(head: str, many: int) -> Iterator[Hostile]:
    for count in (500, many):
        terms = {
            "terms": " + ".join(["s"] * count),
            "different terms": " + ".join(f"s^{place}" for place in range(1, count)),
            "factors": " * ".join(["s"] * count),
            "entries": " + ".join(["x[i]", "z[j]"] * (count // 2)),
            "exponentials": " * ".join(["exp(s)"] * count),
            "brackets": " * ".join(["(s + 1)"] * count),
        }
        for what, text in terms.items():
            yield Hostile("expression", text, f"{count} {what}")
            yield Hostile(
                "problem", f"{head}f = {text.replace('x[i]', 's').replace('z[j]', 's')}\n", f"{count} {what}"
            )
            latex = text.replace("x[i]", "x_i").replace("z[j]", "z_j").replace(" * ", r" \cdot ")
            yield Hostile("latex", latex, f"{count} {what}")
            yield Hostile("latex, inferred", latex, f"{count} {what}, inferred")
        lines = [f"f{place} = s * {place}" for place in range(count)]
        yield Hostile("problem", head + "\n".join(lines), f"{count} definitions")
        chain = ["f0 = s", *(f"f{place} = f{place - 1} * s" for place in range(1, count))]
        yield Hostile("problem", head + "\n".join(chain), f"{count} definitions in a chain")
        back = [f"f{place} = f{place + 1} * s" for place in range(count)] + [f"f{count} = s"]
        yield Hostile("problem", head + "\n".join(back), f"{count} definitions, the last first")
        circle = [f"f{place} = f{(place + 1) % count} * s" for place in range(count)]
        yield Hostile("problem", head + "\n".join(circle), f"{count} definitions in a circle")
        tex = r" \\ ".join(f"f_{{{place}}} = s {place}" for place in range(count))
        yield Hostile("latex, inferred", tex, f"{count} equations, inferred")
        yield Hostile("latex problem", tex, f"{count} equations")
        yield Hostile("statements", "; ".join(lines), f"{count} statements")
        yield Hostile("latex", " = ".join(["s"] * count), f"a chain of {count}")
        yield Hostile("expression", " ".join(["s"] * count), f"{count} names side by side")
        yield Hostile("latex", " ".join(["s"] * count), f"{count} letters side by side")
        yield Hostile("latex", ", ".join(["s = s"] * count), f"{count} equations, commas")
    axes = "\n".join(f"input x{place}[A{place}]" for place in range(1_000))
    sums = " + ".join(f"sum(a{place}, x{place}[a{place}])" for place in range(1_000))
    yield Hostile("problem", f"{axes}\nf = {sums}", "1000 axes")
    wide = ", ".join(f"A{place}" for place in range(1_000))
    letters = ", ".join(f"a{place}" for place in range(1_000))
    yield Hostile("problem", f"input x[{wide}]\nf[{letters}] = x[{letters}]^2", "an array of 1000 axes")
    few, few_letters = ", ".join(["A"] * 30), ", ".join(f"a{place}" for place in range(30))
    yield Hostile(
        "problem", f"input x[{few}]\nf[{few_letters}] = exp(x[{few_letters}])", "an array of 30 axes"
    )
    long = "n" * 1_000_000
    yield Hostile("problem", f"input {long}\nf = {long}", "a name of 1 MB")
    yield Hostile("expression", long, "a name of 1 MB")
    yield Hostile("latex", long, "1 MB of letters")
    yield Hostile("latex", r"\mathrm{" + long + "}", "an upright name of 1 MB")
    yield Hostile("latex, inferred", r"f = \mathrm{" + long[:15_000] + "}", "an upright name of 15 kB")
    yield Hostile("latex", "\\" + long[:15_000], "a command of 15 kB")
    yield Hostile("latex", " " * 1_000_000 + "s", "1 MB of space")
    yield Hostile("latex", "%" + "s" * 15_000, "a long comment")
    yield Hostile("latex", "x" + "_a" * 5_000, "many subscripts")
    yield Hostile("latex", r"\text{" * 2_000 + "s", "text that never ends")
    yield Hostile("latex", r"\begin{" * 2_000, "environments that never begin")
    yield Hostile("latex", "a_b" * 4_000, "names with subscripts")
    yield Hostile("latex, inferred", r"f = \frac1" * 1_500, "digits below a bar")
    for filler in ("\n", "#", "# \n", "\n \n", "\t", "\r\n", "title x\n", "index i : K\n"):
        yield Hostile("problem", filler * 20_000, f"many of {filler!r}")
        yield Hostile("problem", f"{head}f = s" + filler * 4_000, f"and many of {filler!r}")


def _growing(head: str) -> Iterator[Hostile]:
    """Short problems whose derivatives are long."""
    bodies = {
        "a product of many sums": " * ".join(f"(s + {place} * x[1])" for place in range(1, 80)),
        "a tower of powers": "s^(s^(s^(s^(s^(s^(s^s))))))",
        "a nest of functions": "tanh(" * 40 + "s" + ")" * 40,
        "a nest of squares": "(" * 30 + "s" + " + s^2)^2" * 30,
        "a nest of fractions": "1 / (s + " * 40 + "s" + ")" * 40,
        "a nest of branches": "where(s > 0, s * " * 30 + "s" + ", s^2)" * 30,
        "sums of sums": "sum(k, x[k] * "
        + "".join(f"sum(l{place}, x[l{place}] * " for place in ("", 1, 2, 3, 4, 5))
        + "s"
        + ")" * 7,
        "many softmaxes": " * ".join(["exp(x[1]) / sum(k, exp(x[k]))"] * 25),
        "many maxima": " * ".join([f"max(k, x[k] * {place})" for place in range(1, 20)]),
        "powers of sums": "(sum(k, x[k] * z[k]) + 1)^1000",
        "a power of a power": "((((s + 1)^31 + 1)^31 + 1)^31 + 1)^31",
    }
    letters = "index l, l1, l2, l3, l4, l5 : K\n"
    for what, body in bodies.items():
        yield Hostile("problem", f"{head}{letters}f = {body}", what)
        yield Hostile(
            "problem",
            f"{head}{letters}f = {body}\nderive d(f, s, s)\nderive d(f, x[j], x[i])",
            f"{what}, twice",
        )
        yield Hostile(
            "problem", f"{head}{letters}f = {body}\nderive d(f, s, s, s, s, s, s)", f"{what}, six times"
        )
    doubling = [
        "f0 = s + sum(k, x[k])",
        *(f"f{place} = f{place - 1} * (f{place - 1} + s)" for place in range(1, 60)),
    ]
    yield Hostile("problem", head + "\n".join(doubling), "60 doublings")
    yield Hostile(
        "problem", head + "\n".join(doubling[:8]) + "\nderive d(f7, s, s, s)", "8 doublings, thrice"
    )
    layers = ["h0[i] = x[i]"]
    layers += [
        f"h{place}[i] = tanh(sum(k, h{place - 1}[k] * z[k]) + h{place - 1}[i])" for place in range(1, 30)
    ]
    yield Hostile("problem", head + "\n".join(layers), "30 layers")
    yield Hostile(
        "problem", head + "\n".join(layers[:8]) + "\nderive d(h7[i], x[j], x[k])", "8 layers, twice"
    )
    wide = "f[i, j] = " + " + ".join(f"(x[i] + {place})^2 * (z[j] - {place})^3" for place in range(1, 60))
    yield Hostile("problem", f"{head}{wide}", "a wide sum")
    many = "\n".join(
        f"g{place}[i] = exp(x[i] * {place}) / sum(k, exp(x[k] * {place}))" for place in range(1, 120)
    )
    total = "f = " + " + ".join(f"sum(k, g{place}[k]^2)" for place in range(1, 120))
    yield Hostile("problem", f"{head}{many}\n{total}", "119 softmaxes")
