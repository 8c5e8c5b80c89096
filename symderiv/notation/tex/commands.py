r"""The LaTeX commands that are understood, by what they do (names are without the backslash)."""

from __future__ import annotations

from symderiv.notation.latex_names import GREEK

#: Commands that mean the same as another.
SAME = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "ln": "log", "ne": "neq", "le": "leq", "ge": "geq",
    "leqslant": "leq", "geqslant": "geq", "lt": "<", "gt": ">", "ast": "*", "star": "*",
    "widehat": "hat", "widetilde": "tilde", "overline": "bar", "operatorname*": "operatorname",
    "triangledown": "nabla", "bigtriangledown": "nabla", "partial": "partial", "intercal": "top",
    "bm": "boldsymbol", "pmb": "boldsymbol", "vec": "boldsymbol", "mathbbm": "mathbb", "mathds": "mathbb",
    "mathscr": "mathcal", "mathnormal": "mathit", "lbrace": "{", "rbrace": "}", "lvert": "lvert",
    "textrm": "text", "textup": "text", "textit": "text", "textbf": "text", "mbox": "text",
    "rm": "rm", "partialderivative": "pdv", "derivative": "dv", "rVert": "rVert", "Vert": "|",
}  # fmt: skip
_SPACES = (
    ",",
    ";",
    ":",
    "!",
    ">",
    " ",
    "\n",
    "\t",
    "/",
    "thinspace",
    "medspace",
    "thickspace",
    "space",
    "enspace",
    "hfill",
    "mathstrut",
    "negthinspace",
)
_STYLES = ("displaystyle", "textstyle", "scriptstyle", "scriptscriptstyle", "limits", "nolimits", "nonumber")
_SIZES = (
    "tiny",
    "scriptsize",
    "footnotesize",
    "small",
    "normalsize",
    "large",
    "Large",
    "LARGE",
    "huge",
    "Huge",
)
#: Commands that leave nothing behind.
INVISIBLE = frozenset(
    {*_SPACES, *_STYLES, *_SIZES, "notag", "rm", "bf", "it", "middle", "allowbreak", "relax"}
)
#: Commands that go together with what stands in braces after them.
DROPPED_WITH_ARGUMENT = frozenset(
    {
        "label",
        "tag",
        "tag*",
        "hspace",
        "hspace*",
        "vspace",
        "phantom",
        "hphantom",
        "vphantom",
        "color",
        "textcolor",
    }
)
#: Commands that size the bracket after them, and which side it then is.
SIDES = (
    {"left": "left", "right": "right"}
    | {f"{size}l": "left" for size in ("big", "Big", "bigg", "Bigg")}
    | {f"{size}r": "right" for size in ("big", "Big", "bigg", "Bigg")}
    | dict.fromkeys(("big", "Big", "bigg", "Bigg"), "none")
)
#: Brackets: the kind of token and the sign.
DELIMITERS = {
    "{": ("open", "\\{"), "}": ("close", "\\}"), "[": ("open", "["), "]": ("close", "]"),
    "lbrack": ("open", "["), "rbrack": ("close", "]"), "lparen": ("open", "("), "rparen": ("close", ")"),
    "langle": ("open", "<"), "rangle": ("close", ">"), "|": ("bar", "||"), "vert": ("bar", "|"),
    "lvert": ("bar", "|"), "rvert": ("bar", "|"), "lVert": ("bar", "||"), "rVert": ("bar", "||"),
    "mid": ("bar", "|"),
}  # fmt: skip
OPERATORS = {"cdot": "·", "times": "*", "*": "*", "odot": "⊙", "circ": "⊙", "oslash": "⊘", "div": "/"}
RELATIONS = {
    "neq": "!=", "leq": "<=", "geq": ">=", "<": "<", ">": ">", "equiv": "=", "triangleq": "=",
    "coloneqq": "=", "doteq": "=", "in": "in", "notin": "notin",
    "approx": "≈", "propto": "∝", "sim": "∼", "to": "→",
}  # fmt: skip
#: Dots between the first and the last of something.
DOTS = ("dots", "ldots", "cdots")
#: Text on a line of its own between two equations.
TEXT_BETWEEN = frozenset({"intertext", "shortintertext"})
#: What stands between two equations.
ARROWS = frozenset({"Rightarrow", "implies", "iff", "Leftrightarrow", "therefore", "Longrightarrow"})
#: Commands that set a word upright.
WORDS = frozenset({"mathrm", "text", "operatorname", "mathsf", "mathtt", "textsf", "texttt"})
#: Commands that change the letters of a name and not its meaning.
FONTS = frozenset({"mathbf", "boldsymbol", "mathit", "mathcal", "mathfrak", "mathbb"})
#: Accents, which are part of a name.
ACCENTS = {"hat": "hat", "tilde": "tilde", "bar": "bar", "dot": "dot", "ddot": "dot_dot", "check": "check",
    "breve": "breve"}  # fmt: skip
#: Functions of one argument that have a command or a word, and what the tree calls them.
FUNCTION_WORDS = {
    name: name
    for name in (
        "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "sigmoid", "softplus",
        "relu", "abs", "sign", "step", "gamma", "digamma", "trigamma",
    )
} | {"ln": "log", "ReLU": "relu", "RELU": "relu", "sgn": "sign", "Softplus": "softplus", "Sigmoid": "sigmoid",
     "softmax": "softmax", "Softmax": "softmax", "sech": "sech", "logsumexp": "logsumexp", "LSE": "logsumexp",
     "diag": "diag", "Diag": "diag", "det": "det", "logdet": "logdet",
     "tr": "tr", "Tr": "tr", "trace": "tr", "logit": "logit",
     "sec": "sec", "csc": "csc", "cot": "cot", "coth": "coth", "csch": "csch", "erfc": "erfc", "lg": "lg",
     "arsinh": "arsinh", "arcsinh": "arsinh", "asinh": "arsinh", "arcosh": "arcosh", "arccosh": "arcosh",
     "acosh": "arcosh", "artanh": "artanh", "arctanh": "artanh", "atanh": "artanh"}  # fmt: skip
#: Of these, the ones that are read in a run of bare letters, and those that LaTeX has a command for.
BARE_FUNCTIONS = (
    "softmax", "sigmoid", "softplus", "tanh", "sinh", "cosh", "sqrt", "sign", "relu", "ReLU", "diag",
    "exp", "log", "sin", "cos", "tan", "erf", "max", "min", "abs", "ln",
)  # fmt: skip
FUNCTION_COMMANDS = frozenset(
    {
        "det", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sec", "csc", "cot", "coth", "lg",
    }
)  # fmt: skip
BINDERS = {"sum": "sum", "prod": "prod", "max": "max", "min": "min"}
UNICODE = {
    "∂": "partial", "∑": "sum", "∏": "prod", "∇": "nabla", "√": "sqrt", "⊙": "odot", "∈": "in", "‖": "|",
    "⊤": "top", "⟨": "langle", "⟩": "rangle", "…": "dots",
    **{letter: name for name, letter in {
        "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
        "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
        "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
        "Sigma": "Σ", "Theta": "Θ", "Phi": "Φ", "Delta": "Δ", "Lambda": "Λ", "Omega": "Ω",
    }.items()},
}  # fmt: skip
#: Environments that line up equations, and those of them that take an argument.
ALIGNMENTS = frozenset(
    {
        "align", "aligned", "gather", "gathered", "equation", "eqnarray", "split", "multline", "alignat",
        "alignedat", "displaymath", "math", "flalign",
    }
)  # fmt: skip
WITH_COLUMNS = frozenset({"alignat", "alignedat"})
#: Environments with rows and columns of their own.
TABLES = frozenset({"cases", "array", "dcases", "rcases", "matrix", "pmatrix", "bmatrix", "vmatrix"})
#: Commands that the parser has a meaning for.
KNOWN = (
    frozenset({command[1:] for command in GREEK.values()})
    | FONTS
    | FUNCTION_COMMANDS
    | frozenset(ACCENTS)
    | frozenset(BINDERS)
    | frozenset(
        {
            "frac", "sqrt", "partial", "nabla", "pdv", "dv", "ell", "hbar", "top", "prime", "boxed",
            "underbrace", "overbrace", "over", "choose", "binom", "forall", "dots", "ldots", "cdots", "infty",
            "det", "dagger",
            "stackrel", "overset", "underset", "substack", "Re", "emptyset",
        }
    )
)  # fmt: skip
