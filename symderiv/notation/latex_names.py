r"""Names in LaTeX: Greek letters, hats, upright words. Nothing that a name holds can be a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from symderiv.expression.unspecified import Slope

_LETTERS = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
phi chi psi omega varepsilon vartheta varphi varsigma varrho
Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
GREEK = {name: rf"\{name}" for name in _LETTERS.split()} | {"eps": r"\varepsilon"}
_ACCENTS = {"hat": r"\hat", "tilde": r"\tilde", "bar": r"\bar", "dot": r"\dot"}
#: Characters of a name that need care in LaTeX; anything outside ASCII letters and digits goes.
_SAFE = re.compile(r"[A-Za-z0-9]")


def slope_latex(slope: Slope, arity: int) -> str:
    """An unspecified function or its slope: ``f'``, or ``g''_{12}`` of several arguments."""
    name = latex_name(slope.function)
    if not slope.by:
        return name
    name = f"{{{name}}}" if "_" in name or "^" in name else name
    digits = "".join(str(place + 1) for place in slope.by) if arity > 1 else ""
    return name + "'" * len(slope.by) + (f"_{{{digits}}}" if digits else "")


def latex_name(name: str) -> str:
    r"""A name in math mode: ``mu`` is ``\mu``, ``x_hat`` is ``\hat{x}``, ``k_1`` and ``k1`` are ``k_{1}``.

    A word is set upright. Any character other than a letter, a digit or an underscore is dropped,
    so that no name can be read as a command.
    """
    symbol = _symbol(name) or _accented(name, latex_name)
    if symbol is not None:
        return symbol
    numbered = re.fullmatch(r"([A-Za-z]+)([0-9]+)", name)
    stem, _, tail = (*numbered.groups()[:1], "", numbered[2]) if numbered else name.partition("_")
    base = _symbol(stem)
    if base is not None and tail:
        if tail in _ACCENTS:
            return f"{_ACCENTS[tail]}{{{base}}}"
        head, _, rest = tail.partition("_")
        if head in _ACCENTS and rest:
            return f"{_ACCENTS[head]}{{{base}}}_{{{_word(rest)}}}"
        return f"{base}_{{{_word(tail)}}}"
    return rf"\mathrm{{{_upright(name)}}}"


def array_latex(name: str) -> str:
    r"""The name of an array that carries indices: ``W1`` is ``W^{(1)}``, so that they stay apart."""
    numbered = re.fullmatch(r"([A-Za-z]+)_?([0-9]+)", name)
    base = _symbol(numbered[1]) if numbered else None
    if numbered and base:
        return f"{base}^{{({numbered[2]})}}"
    return _accented(name, array_latex) or latex_name(name)


def _accented(name: str, latex: Callable[[str], str]) -> str | None:
    r"""A name of several parts with an accent last: ``h_new_bar`` is ``\bar{h}_{\mathrm{new}}``."""
    inner, _, tail = name.rpartition("_")
    if tail not in _ACCENTS or not inner or _symbol(inner) is not None:
        return None
    spelled = latex(inner)
    script = re.search(r"(?<!\\)[\^_]", spelled)  # an escaped one is a letter of the name
    cut = script.start() if script else len(spelled)
    return f"{_ACCENTS[tail]}{{{spelled[:cut]}}}{spelled[cut:]}"


def subscript(parts: Sequence[str]) -> str:
    """Subscripts in braces where they need them; commas where a part is more than one letter."""
    if len(parts) == 1:
        return parts[0] if _is_letter(parts[0]) or re.fullmatch(r"[0-9]", parts[0]) else f"{{{parts[0]}}}"
    glue = "" if all(_is_letter(part) for part in parts) else ","
    return f"{{{glue.join(parts)}}}"


def _is_letter(part: str) -> bool:
    return len(part) == 1 and part.isalpha()


def _symbol(name: str) -> str | None:
    """A single letter, Latin or Greek, as a symbol; None for anything else."""
    if len(name) == 1 and _SAFE.match(name) and name.isalpha():
        return name
    return GREEK.get(name)


def _word(text: str) -> str:
    """A name's tail, as it stands in a subscript."""
    symbol = _symbol(text)
    if symbol is not None:
        return symbol
    if re.fullmatch(r"[0-9]+", text):
        return text
    return rf"\mathrm{{{_upright(text)}}}"


def _upright(text: str) -> str:
    kept = "".join(r"\_" if sign == "_" else sign for sign in text if sign == "_" or _SAFE.match(sign))
    return kept or "?"
