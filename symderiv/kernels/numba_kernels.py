"""The kernels of one function for Numba: for rows of any length, and for short and long ones if that pays."""

from __future__ import annotations

from symderiv.kernels.blocks import blocked
from symderiv.kernels.chunks import chunked
from symderiv.kernels.few_places import few_places, with_results_apart
from symderiv.kernels.loop_program import Loop
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.numba_chunks import ChunkPrinter, limits
from symderiv.kernels.numba_printer import BlockPrinter, LoopPrinter
from symderiv.kernels.numba_streams import written_only
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.ready import ready
from symderiv.kernels.schedule import schedule


def print_loops(lowered: Lowered, names: NameTable, kernel: str) -> PrintedFunction:
    """The kernel of one function, those by blocks of samples and by chunks, and the call of them."""
    program = schedule(lowered)
    blocks, chunks = blocked(program), chunked(program)
    # Where short samples are done by blocks, the others may be long; where not, they must not ask for much.
    passes = [each for rows in program.body if isinstance(rows, Loop) for each in rows.body]
    few = few_places(program, blocks)
    if blocks is not None and few:
        blocks = with_results_apart(blocks, program)
    printer = LoopPrinter(
        program,
        names,
        written_only(program),
        passes if blocks is not None else (),
        few=few if blocks is None else None,
    )
    lines = printer.kernel(kernel)
    helpers = set(printer.formula.helpers)
    told = {kernel} if printer.large else set()  # of how many parts of the samples there are
    if blocks is not None:
        by_blocks = BlockPrinter(program, names, blocks, few)
        lines += ["", "", "@njit(**_FAST)", *by_blocks.kernel(f"{kernel}_by_blocks", kernel)]
        helpers |= by_blocks.formula.helpers
    if chunks is not None:
        by_chunks = ChunkPrinter(chunks, names, written_only(chunks))
        lines += ["", "", "@njit(**_FAST)", *by_chunks.kernel(f"{kernel}_by_chunks")]
        helpers |= {"chunks"} | by_chunks.formula.helpers
        told |= {f"{kernel}_by_chunks"} if by_chunks.large else set()
    around = ready(
        lowered,
        program,
        names,
        kernel,
        blocks,
        chunked=limits(chunks) if chunks else {},
        told=frozenset(told),
        few=few,
    )
    if around.entry:
        lines += ["", "", *around.entry]
    body = list(around.body)
    return PrintedFunction(
        body, lines, helpers | set(around.helpers), before=around.before, threaded=around.threaded,
        flat=around.flat,
    )  # fmt: skip
