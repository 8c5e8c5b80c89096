"""A function with large matrix products, for Numba: NumPy's BLAS for these, compiled loops between them.

Numba compiles `@` only where SciPy is installed, so the products stay in Python: a function that calls
``np.matmul`` and the compiled loops in turn. Where products are small, one compiled loop nest does all.
"""

from __future__ import annotations

from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.numba_kernels import print_loops
from symderiv.kernels.numba_printer import LoopPrinter
from symderiv.kernels.numba_stages import StagePrinter
from symderiv.kernels.numba_together import printed_together
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.product_stages import Staged, staged
from symderiv.kernels.ready import ready
from symderiv.kernels.schedule import schedule

_INDENT = "    "
_COMPILED = "@njit(**_FAST)"


def print_numba(lowered: Lowered, names: NameTable, kernel: str) -> PrintedFunction:
    """The kernels of one function, and the call of them."""
    stages = staged(lowered)
    return print_loops(lowered, names, kernel) if stages is None else _printed(lowered, stages, names, kernel)


def _printed(lowered: Lowered, stages: Staged, names: NameTable, kernel: str) -> PrintedFunction:
    """One loop nest for small products, the stages for large ones, and the choice."""
    program = schedule(lowered)
    around = ready(lowered, program, names, kernel, None, in_python=True)
    stem = kernel.removesuffix("_kernel")
    printer = LoopPrinter(program, names)
    spelled = [names[each.name] for each in program.parameters]
    given = ", ".join(spelled)
    lines = printer.kernel(f"{stem}_loops")
    stage_printer = StagePrinter(stages, program.parameters, names, stem)
    steps = stage_printer.steps()
    choice, several, used = printed_together(stages, stage_printer)
    body = stage_printer.body(choice)
    helpers = printer.formula.helpers | set(around.helpers) | stage_printer.helpers | used
    lines += [line for step in steps for line in ("", "", _COMPILED, *step)]
    lines += ["", "", *several] if several else []
    lines += ["", "", f"def {kernel}({given}):", *(_INDENT + line for line in body)]
    if around.entry:
        lines += ["", "", *around.entry]
    body = list(around.body)
    return PrintedFunction(
        body, lines, helpers, before=around.before, threaded=around.threaded, products=True
    )
