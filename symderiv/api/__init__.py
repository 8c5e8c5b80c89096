"""The library's face: what ``import symderiv as sd`` offers.

>>> import symderiv as sd
>>> sd.derive("softmax", wrt="z").form_text
'p[i] * (delta(i, j) - p[j])'
"""

from symderiv.api.code import check_code
from symderiv.api.derivatives import backward, compile, derive, emit, hvp, jvp, vjp
from symderiv.api.formulas import explain, prove
from symderiv.api.pictures import Picture
from symderiv.api.problems import from_sympy, load, names, parse
from symderiv.api.results import BackwardResult, Result
from symderiv.api.verification import Verification, verify
from symderiv.check.face import check
from symderiv.request import RequestError
from symderiv.system import LimitError

__all__ = [
    "BackwardResult",
    "LimitError",
    "Picture",
    "RequestError",
    "Result",
    "Verification",
    "backward",
    "check",
    "check_code",
    "compile",
    "derive",
    "emit",
    "explain",
    "from_sympy",
    "hvp",
    "jvp",
    "load",
    "names",
    "parse",
    "prove",
    "verify",
    "vjp",
]
