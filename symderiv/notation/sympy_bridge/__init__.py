"""The bridge to SymPy: nothing else imports it.

:func:`to_sympy` and :func:`from_sympy` keep the indices, for use in other SymPy work. :func:`explicit` and
:class:`Expander` write one entry out for given sizes, in plain symbols. :func:`vanishes` is the exact
zero test. Import this package only when it is needed: it pays for SymPy.
"""

from symderiv.notation.sympy_bridge.explicit import Expander, as_array, explicit, symbol_name
from symderiv.notation.sympy_bridge.functions import BridgeError, apply_function
from symderiv.notation.sympy_bridge.indexed import from_sympy, to_sympy
from symderiv.notation.sympy_bridge.polynomials import vanishes
from symderiv.notation.sympy_bridge.problems import problem_from_sympy

__all__ = [
    "BridgeError",
    "Expander",
    "apply_function",
    "as_array",
    "explicit",
    "from_sympy",
    "problem_from_sympy",
    "symbol_name",
    "to_sympy",
    "vanishes",
]
