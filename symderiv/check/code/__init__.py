"""Hand-written functions, run on their own and judged by what the mathematics means.

Everything here works on code that somebody gives; it runs that code, in another process with limits on
time and memory. The limits guard against accidents and runaway code; they are no prison for malice.
"""

from symderiv.check.code.declaration import CodeError
from symderiv.check.code.judge import CodeReport, check_code

__all__ = ["CodeError", "CodeReport", "check_code"]
