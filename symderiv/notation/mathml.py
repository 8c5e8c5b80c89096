r"""From LaTeX to MathML, which browsers set by themselves.

One writer, :func:`symderiv.notation.latex.to_latex`, decides how a formula is spelled; what it writes,
and what the laws of the rules and the names are written in, is a small part of LaTeX, and that part is
what is read here. So a formula looks the same on paper and on a page.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from symderiv.expression.nodes import Expression
from symderiv.notation.latex import to_latex
from symderiv.notation.latex_names import GREEK
from symderiv.problem import Problem

_TOKEN = re.compile(
    r"\\(?:text|mathrm|operatorname|mathbf|mathbb|begin|end)\{(?:[^{}\\]|\\.)*\}"
    r"|\\(?:[A-Za-z]+|.)|[0-9]+(?:\.[0-9]+)?|[^\s]"
)
_LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "ϕ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "varepsilon": "ε", "vartheta": "ϑ", "varphi": "φ", "varsigma": "ς", "varrho": "ϱ",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
    "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "partial": "∂",
}  # fmt: skip
assert _LETTERS.keys() >= {command.removeprefix("\\") for command in GREEK.values()}
_OPERATORS = {
    "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "in": "∈", "cdot": "⋅", "times": "×",
    "dots": "…", "+": "+", "-": "−", "=": "=", "<": "<", ">": ">", ":": ":", ",": ",", "/": "/", ".": ".",
    "{": "{", "}": "}", "(": "(", ")": ")", "[": "[", "]": "]", "|": "|", "_": "_",
}  # fmt: skip
#: Operators that would otherwise grow with what stands beside them.
_FENCES = frozenset("()[]{}|")
_LARGE = {"sum": "∑", "prod": "∏"}
_FUNCTIONS = frozenset({
    "log", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "det", "max", "min",
})  # fmt: skip
#: What is written below them rather than beside them, where there is room.
_LIMITS = frozenset({"sum", "prod", "max", "min"})
_SPACES = {
    name: f'<mspace width="{width}em"/>'
    for name, width in {",": 0.1667, ";": 0.2778, " ": 0.25, "quad": 1, "qquad": 2}.items()
}
#: What a function's sign needs no space before.
_NO_SPACE = frozenset({"", "(", ")", "}", "&", ",", "+", "-", "=", r"\left", r"\right", r"\,"})
_ACCENTS = {"hat": "^", "tilde": "~", "bar": "‾", "dot": "˙"}
#: Signs of an alphabet of their own.
_BOLD = {"1": "𝟏", "R": "ℝ"}


#: What makes the brackets around it grow.
_TALL = ("<mfrac", "<munder", "<msup", "<msubsup", "<msqrt", "<mroot", "<mtable", "<mover")


class MathmlError(ValueError):
    """A piece of LaTeX that the writers here do not write."""


def mathml(expression: Expression, problem: Problem | None = None) -> str:
    """An expression as a ``<math>`` element, its names those of `problem`."""
    return latex_to_mathml(to_latex(expression, problem))


def latex_to_mathml(latex: str, display: bool = True) -> str:
    r"""A formula in the LaTeX of this package as a ``<math>`` element.

    Parameters
    ----------
    latex
        What stands in math mode, without delimiters. ``&`` and ``\\`` stand in environments only.
    display
        Whether fractions and sums are set large.

    Returns
    -------
    str
        MathML Core. No text of a name can become markup.

    Raises
    ------
    MathmlError
        If there is a command that is not known here.
    """
    style = ' displaystyle="true"' if display else ""
    return f"<math{style}>{_content(latex)}</math>"


@lru_cache(maxsize=4096)
def _content(latex: str) -> str:
    reader = _Reader(_TOKEN.findall(latex))
    found = reader.row()
    if reader.place < len(reader.tokens):
        raise MathmlError(f"expected a formula, found {reader.tokens[reader.place]!r} in {latex!r}")
    return found


class _Reader:
    """One walk over the tokens of a formula."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise MathmlError("expected more of a formula, found its end")
        self.place += 1
        return token

    def row(self, *ends: str) -> str:
        """The items up to one of `ends`, or to the end."""
        items: list[str] = []
        while self.peek() and self.peek() not in ends:
            if items and self.at_function() and not items[-1].endswith(("</mo>", "/>")):
                items.append(_SPACES[","])
            items.append(self.item())
        return "".join(items)

    def at_function(self) -> bool:
        """Whether the name of a function comes next."""
        token = self.peek()
        named = token.startswith("\\") and token[1:] in _FUNCTIONS
        return named or token.startswith(r"\operatorname{")

    def group(self) -> str:
        """A braced group, or the one token in its place, as one element."""
        if self.peek() != "{":
            return self.base()
        found = self.braced()
        return found if _is_single(found) else f"<mrow>{found}</mrow>"

    def braced(self) -> str:
        self.expect("{")
        found = self.row("}")
        self.expect("}")
        return found

    def expect(self, token: str) -> None:
        found = self.take()
        if found != token:
            raise MathmlError(f"expected {token!r} in a formula, found {found!r}")

    def item(self) -> str:
        """One base with its scripts, and the space that follows the sign of a function."""
        token, is_function = self.peek(), self.at_function()
        base = self.group() if token == "{" else self.base()
        found = self.scripted(base, token.startswith("\\") and token[1:] in _LIMITS)
        if is_function and self.peek() not in _NO_SPACE:
            found += _SPACES[","]
        return found

    def scripted(self, base: str, limits: bool) -> str:
        """A base with what follows it below and above."""
        below = above = ""
        primes = 0
        while self.peek() in ("_", "^", "'"):
            sign = self.take()
            if sign == "'":
                primes += 1
            elif sign == "_":
                below = self.group()
            else:
                above = self.group()
        if primes:
            above = f"<mo>{'′' * primes}</mo>"
        if below and above:
            return f"<msubsup>{base}{below}{above}</msubsup>"
        if below:
            sign = "munder" if limits else "msub"
            return f"<{sign}>{base}{below}</{sign}>"
        return f"<msup>{base}{above}</msup>" if above else base

    def base(self) -> str:
        """One token, or a command with its arguments."""
        token = self.take()
        if token.startswith("\\"):
            name, brace, word = token[1:].partition("{")
            return self.word(name, word[:-1]) if brace and name else self.command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token in _OPERATORS and token not in "{}_":  # those are signs only after a backslash
            return _operator(token)
        if token.isalpha() or token == "?":
            return f"<mi>{escape(token)}</mi>"
        raise MathmlError(f"expected a sign of a formula, found {token!r}")

    def word(self, name: str, word: str) -> str:
        """A command whose argument is plain text: a name, a remark, the beginning of an environment."""
        word = re.sub(r"\\(.)", r"\1", word)
        match name:
            case "begin":
                return self.environment(word)
            case "text":
                return f"<mtext>{escape(word).replace(' ', '&#xA0;')}</mtext>"
            case "mathrm" | "operatorname":
                single = ' mathvariant="normal"' if len(word) == 1 else ""
                return f"<mi{single}>{escape(word)}</mi>"
            case "mathbf" | "mathbb" if word in _BOLD:
                return f"<mi>{_BOLD[word]}</mi>"
        raise MathmlError(f"expected a formula, found \\{name}{{{word}}}")

    def command(self, name: str) -> str:
        """What a command stands for, with its arguments."""
        if name in _LETTERS:
            upright = ' mathvariant="normal"' if name[0].isupper() else ""
            return f"<mi{upright}>{_LETTERS[name]}</mi>"
        if name in _LARGE:
            return f"<mo>{_LARGE[name]}</mo>"
        if name in _FUNCTIONS:
            return f"<mo>{name}</mo>" if name in _LIMITS else f"<mi>{name}</mi>"
        if name in _SPACES:
            return _SPACES[name]
        if name in _OPERATORS:
            return _operator(name)
        if name in _ACCENTS:
            # A bar that is set as an accent lies on the top of capitals, where nobody sees it.
            accent, stretchy = ("false", "true") if name == "bar" else ("true", "false")
            sign = f'<mo stretchy="{stretchy}">{_ACCENTS[name]}</mo>'
            return f'<mover accent="{accent}">{self.group()}{sign}</mover>'
        if name == "frac":
            return f"<mfrac>{self.group()}{self.group()}</mfrac>"
        if name == "sqrt":
            if self.peek() != "[":
                return f"<msqrt>{self.group()}</msqrt>"
            self.take()
            degree = self.row("]")
            self.expect("]")
            return f"<mroot>{self.group()}<mrow>{degree}</mrow></mroot>"
        if name == "left":
            opening = self.take().removeprefix("\\")
            inside = self.row(r"\right")
            self.expect(r"\right")
            closing = self.take().removeprefix("\\")
            grow = any(tag in inside for tag in _TALL)
            first, last = _fence(opening, "prefix", grow), _fence(closing, "postfix", grow)
            return f"<mrow>{first}{inside}{last}</mrow>"
        raise MathmlError(f"expected a known command in a formula, found \\{name}")

    def environment(self, name: str) -> str:
        """Rows of cells up to the end of the environment."""
        rows: list[list[str]] = [[]]
        end = rf"\end{{{name}}}"
        while True:
            rows[-1].append(self.row("&", r"\\", end))
            sign = self.take()
            if sign == end:
                break
            if sign != "&":
                rows.append([])
        left = ' style="text-align:left"' if name == "cases" else ""
        cells = "".join(f"<mtr>{''.join(f'<mtd{left}>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
        return f"<mrow>{_fence('{', 'prefix') if name == 'cases' else ''}<mtable>{cells}</mtable></mrow>"


def _is_single(markup: str) -> bool:
    """Whether some markup is one element, so that it can be an argument as it is."""
    depth = 0
    for match in re.finditer(r"<(/?)[^>]*?(/?)>", markup):
        if match[1]:
            depth -= 1
        elif not match[2]:
            depth += 1
        if depth == 0:
            return match.end() == len(markup)
    return False


def _operator(sign: str) -> str:
    fixed = ' stretchy="false"' if sign in _FENCES else ""
    return f"<mo{fixed}>{escape(_OPERATORS[sign])}</mo>"


def _fence(sign: str, form: str, grow: bool = True) -> str:
    if sign == ".":
        return ""
    fixed = "" if grow else ' stretchy="false"'
    return f'<mo form="{form}"{fixed}>{escape(_OPERATORS[sign])}</mo>'
