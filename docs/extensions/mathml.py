"""Mathematics as MathML, which browsers set by themselves: nothing is fetched, no script is run."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

from symderiv.notation.mathml import MathmlError, latex_to_mathml


def mathml(latex: str, display: bool) -> str:
    """A formula as MathML: by symderiv's own writer where it knows all of it, else by latex2mathml."""
    try:
        return latex_to_mathml(latex, display)
    except MathmlError:
        made = convert(latex, display="block" if display else "inline")
        return re.sub(r' xmlns="[^"]*"', "", made)


def _inline(writer: Any, node: nodes.math) -> None:
    # The joiner keeps a comma that follows in the same line.
    writer.body.append(mathml(node.astext(), display=False) + "\u2060")
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(
        f'<div class="math display" tabindex="0">{mathml(node.astext(), display=True)}</div>\n'
    )
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
