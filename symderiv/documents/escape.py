"""Making any text harmless in LaTeX and in Markdown."""

from __future__ import annotations

import unicodedata

from symderiv.notation.latex_names import GREEK

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}", "|": r"\ensuremath{|}", "`": r"\textquoteleft{}",
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}", "−": r"\ensuremath{-}",
    "·": r"\ensuremath{\cdot}", "×": r"\ensuremath{\times}", "∂": r"\ensuremath{\partial}",
    "≠": r"\ensuremath{\neq}", "≤": r"\ensuremath{\leq}", "≥": r"\ensuremath{\geq}",
    "½": r"\ensuremath{\frac12}",
    "²": r"\ensuremath{^2}", "³": r"\ensuremath{^3}", "√": r"\ensuremath{\surd}", "∞": r"\ensuremath{\infty}",
    "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "å": r"\aa{}", "Å": r"\AA{}", "ł": r"\l{}",
    "Ł": r"\L{}", "ı": r"\i{}", "\u00a0": "~",
}  # fmt: skip
_GREEK_SIGNS = {
    unicodedata.lookup(
        f"GREEK {case} LETTER {'LAMDA' if name.lower() == 'lambda' else name.upper()}"
    ): command
    for name, command in GREEK.items()
    if not name.startswith("var") and name != "eps"
    for case in ["CAPITAL" if name[0].isupper() else "SMALL"]
}
_ACCENTS = {
    "\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0308": r'\"', "\u030c": r"\v",
    "\u0327": r"\c", "\u030a": r"\r", "\u0304": r"\=", "\u0306": r"\u", "\u030b": r"\H", "\u0307": r"\.",
}  # fmt: skip


def escape_latex(text: str) -> str:
    r"""`text` as LaTeX text that prints just these characters and holds no command of its own.

    Straight double quotes come out as a pair of curled ones. A character without a spelling in
    plain LaTeX becomes a question mark.
    """
    words: list[str] = []
    opening = True
    for sign in text:
        if sign == '"':
            words.append("``" if opening else "''")
            opening = not opening
        else:
            words.append(_one(sign))
    return "".join(words)


def _one(sign: str) -> str:
    if sign in _LATEX:
        return _LATEX[sign]
    if sign in _GREEK_SIGNS:
        return rf"\ensuremath{{{_GREEK_SIGNS[sign]}}}"
    if sign in "\n\t":
        return " "
    if " " <= sign <= "\u007e":
        return sign
    parts = unicodedata.normalize("NFD", sign)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS:
        letter = {"i": r"\i", "j": r"\j"}.get(parts[0], parts[0])
        return f"{_ACCENTS[parts[1]]}{{{letter}}}"
    return "?"


def escape_markdown(text: str) -> str:
    """`text` as Markdown that prints just these characters, HTML included."""
    escaped = "".join(f"\\{sign}" if sign in "\\`*_{}[]#|$~" else sign for sign in text.replace("\n", " "))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
