"""Small samples that are done alone, several together: one call of NumPy then does a product for all of them.

Attention heads over 64 places have products of some microseconds each, and every call from Python takes one
more. So where two samples and what is made for them stay in the cache, the products are those of stacks of
matrices. NumPy gives each matrix of a stack to BLAS by itself, so every number comes out as if alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.loop_program import Buffer, Parameter
from symderiv.kernels.matrix_products import MatrixProduct
from symderiv.kernels.numba_stages import StagePrinter, of_one
from symderiv.kernels.product_stages import Stage, Staged
from symderiv.kernels.work import Work

_INDENT = "    "


def together(staged: Staged) -> Staged | None:
    """The stages of samples that are done alone, as stages of several; None if they are done together anyway.

    Compiled steps stay those of one sample.
    """
    letter = staged.alone
    if letter is None:
        return None
    return replace(
        staged,
        alone=None,
        over=letter,
        in_blocks=True,
        before=(),
        inside=tuple(_of_several(each, letter) for each in staged.stages),
        after=(),
        buffers=tuple(Buffer(each.name, (letter, *each.indices)) for each in staged.buffers),
        totals=frozenset(),
    )


def _of_several(stage: Stage, letter: Index) -> Stage:
    """A product as one of stacks of matrices."""
    if isinstance(stage, Work):
        return stage

    def stack(entry: Entry) -> Entry:
        return Entry(entry.array, (letter, *entry.indices))

    return MatrixProduct(
        stack(stage.target),
        stack(stage.left),
        stack(stage.right),
        stage.rows,
        stage.columns,
        stage.summed,
        (letter, *stage.leading),
    )


class TogetherPrinter(StagePrinter):
    """Prints the function for small samples, which calls the steps of `alone`."""

    def __init__(self, staged: Staged, alone: StagePrinter) -> None:
        super().__init__(staged, alone.parameters, alone.names, alone.stem)
        self.called, self.chosen = alone.called, alone.chosen

    def choice(self) -> list[str]:
        """What the function for samples of any size does with small ones."""
        self.helpers.add("together")
        each, _ = self._amounts()
        given = ", ".join(self.names[each.name] for each in self.parameters)
        return [
            "# Small samples: several together, since one call then does a product for all of them",
            f"at_once = _TOGETHER // (({each}) * dtype.itemsize)",
            "if at_once > 1:",
            f"{_INDENT}return {self.stem}_together({given}, at_once)",
        ]

    def function(self) -> list[str]:
        """The lines of the function."""
        over = self.staged.over
        assert over is not None
        result = next(each for each in self.parameters if each.is_result)
        code = [f"dtype = {self.names[result.name]}.dtype", *self.chosen]
        code.append(f"at_once = min(at_once, {self._size(over.axis)})")
        code += [
            *self._made(),
            *self._blocks([line for each in self.staged.inside for line in self._stage(each)]),
        ]
        given = ", ".join(self.names[each.name] for each in self.parameters)
        lines = [
            '"""Several samples together: a product of all of them takes one call."""',
            *self._sizes(code),
            *code,
        ]
        return [f"def {self.stem}_together({given}, at_once):", *(_INDENT + line for line in lines)]

    def _stage(self, stage: Stage) -> list[str]:
        if isinstance(stage, MatrixProduct):
            return self._product(stage)
        arguments = ", ".join(map(self._of_one, stage.parameters))
        return [
            "for sample in range(held.stop):",
            f"{_INDENT}{self.called[stage.name]}({arguments})",
        ]

    def _of_one(self, each: Parameter) -> str:
        """An array of the sample at hand; `start` counts the samples before this block."""
        over = self.staged.over
        assert over is not None
        axes = self.letters[each.name]
        if axes[:1] != (over.axis,):
            return self.names[each.name]
        sample = "sample" if each.name in self.buffers else "start + sample"
        return f"{self.names[each.name]}[{of_one(sample, axes) if each.is_result else sample}]"


def printed_together(staged: Staged, alone: StagePrinter) -> tuple[Sequence[str], Sequence[str], set[str]]:
    """The choice of several samples together, the function that it calls, and the helpers; or nothing."""
    found = together(staged)
    if found is None:
        return (), (), set()
    printer = TogetherPrinter(found, alone)
    return printer.choice(), printer.function(), printer.helpers
