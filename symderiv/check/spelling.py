r"""Text notation into LaTeX without knowing its names: directives are read together with the formulas.

``let p[i] = exp(z[i]) / sum(k, exp(z[k]))`` becomes ``p_{i} = \frac{\exp(z_{i})}{\sum_{k} \exp(z_{k})}``: the
axes of z are then found from all formulas of the document, not from this one alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from lark import Token

from symderiv.notation.errors import Source
from symderiv.notation.syntax import Node, parse

_FUNCTIONS = {"exp", "log", "sin", "cos", "tanh", "sinh", "cosh"}
_COMPARE = {"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq", "<": "<", ">": ">"}


def definition_in_latex(source: Source, begin: int, text: str) -> str:
    """A definition ``name[i] = expression`` in LaTeX.

    Raises
    ------
    NotationError
        If it is no definition in the text notation.
    """
    tree = parse(source, "definition", begin, text)
    left, right = tree.children
    return f"{_latex(left)} = {_latex(right)}"


def value_in_latex(source: Source, begin: int, text: str) -> str:
    """A value of the text notation in LaTeX; raises `NotationError` if it is none."""
    return _latex(parse(source, "expression", begin, text))


def name_in_latex(name: str) -> str:
    """A name of the text notation, such that the LaTeX reader reads that very name."""
    if len(name) == 1:
        return name
    escaped = name.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def _latex(node: Node | Token | None) -> str:
    if node is None:
        return ""
    if isinstance(node, Token):
        return name_in_latex(str(node)) if node.type == "NAME" else str(node)
    kind = node.data if isinstance(node.data, str) else str(node.data)
    parts = node.children
    match kind:
        case "number":
            return str(parts[0])
        case "name":
            return name_in_latex(str(parts[0]))
        case "entry":
            indices = ",".join(_latex(part) for part in parts[1:])
            return f"{{{name_in_latex(str(parts[0]))}}}_{{{indices}}}"
        case "raised":
            return f"{{\\left({_latex(parts[0])}\\right)}}^{{{_latex(parts[-1])}}}"
        case "call":
            return _call(str(parts[0]), [part for part in parts[1:] if part is not None])
        case "comparison" | "filtered":
            return " ".join(_COMPARE.get(str(part), _latex(part)) for part in parts)
        case "product":
            return _product(parts)
        case "signed":
            return f"\\left({''.join(_latex(part) for part in parts)}\\right)"
        case "sum":
            return f"\\left({' '.join(_latex(part) for part in parts)}\\right)"
        case _:
            return " ".join(_latex(part) for part in parts)


def _product(parts: Sequence[Node | Token | None]) -> str:
    result = _latex(parts[0])
    for sign, factor in zip(parts[1::2], parts[2::2], strict=True):
        if str(sign) == "/":
            result = f"\\frac{{{result}}}{{{_latex(factor)}}}"
        else:
            result = f"{result} \\cdot {_latex(factor)}"
    return result


def _call(name: str, arguments: list[Node | Token | None]) -> str:
    if name in ("sum", "prod", "max", "min") and len(arguments) > 1 and _is_binder(name, arguments):
        sign = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}[name]
        over = ",".join(_latex(argument) for argument in arguments[:-1])
        return f"{sign}_{{{over}}} \\left({_latex(arguments[-1])}\\right)"
    if name == "where" and len(arguments) == 3:
        condition, then, otherwise = (_latex(argument) for argument in arguments)
        rows = rf"{then} & {condition} \\ {otherwise} & \text{{otherwise}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"
    inside = ", ".join(_latex(argument) for argument in arguments)
    if name == "sqrt":
        return f"\\sqrt{{{inside}}}"
    if name == "delta":
        return f"\\delta_{{{inside}}}"
    if name == "d":
        return _derivative([_latex(argument) for argument in arguments])
    if name == "sigmoid":
        return f"\\operatorname{{sigmoid}}\\left({inside}\\right)"
    return (
        f"\\{name}\\left({inside}\\right)"
        if name in _FUNCTIONS
        else f"\\operatorname{{{name}}}\\left({inside}\\right)"
    )


def _is_binder(name: str, arguments: list[Node | Token | None]) -> bool:
    if name in ("sum", "prod"):
        return True
    first = arguments[0]
    return not isinstance(first, Token) and first is not None and first.data == "name"


def _derivative(arguments: list[str]) -> str:
    of, *by = arguments
    order = f"^{{{len(by)}}}" if len(by) > 1 else ""
    below = " ".join(rf"\partial {each}" for each in by)
    return rf"\frac{{\partial{order} {of}}}{{{below}}}"
