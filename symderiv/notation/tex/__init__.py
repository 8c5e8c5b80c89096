r"""The LaTeX spelling of the notation: formulas as people write them, read into the same trees as text.

``tokens`` takes away what only changes the look; ``parser`` and what it is built on make a syntax tree;
``meaning`` gives it the names of a problem; ``inference`` finds such a problem where none is given.
"""

from symderiv.notation.tex.guesses import Guess
from symderiv.notation.tex.inferred import problem_from_latex, read_equations
from symderiv.notation.tex.reading import Chain, parse_latex, parse_latex_chain, parse_latex_chains

__all__ = [
    "Chain",
    "Guess",
    "parse_latex",
    "parse_latex_chain",
    "parse_latex_chains",
    "problem_from_latex",
    "read_equations",
]
