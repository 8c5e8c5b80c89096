"""The stages of a function with matrix products as Python code: products by NumPy, compiled steps between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from symderiv.expression.nodes import Entry, Index
from symderiv.kernels.array_views import merged, turned
from symderiv.kernels.blocks import FEW_BYTES, blocked
from symderiv.kernels.loop_program import Parameter
from symderiv.kernels.matrix_products import MatrixProduct
from symderiv.kernels.names import NameTable
from symderiv.kernels.numba_printer import BlockPrinter, LoopPrinter
from symderiv.kernels.product_stages import Stage, Staged
from symderiv.kernels.schedule import scheduled
from symderiv.kernels.work import Work

_INDENT = "    "


class StagePrinter:
    """Prints the Python function that goes through the stages, and the compiled steps that it calls."""

    def __init__(self, staged: Staged, parameters: Sequence[Parameter], names: NameTable, stem: str) -> None:
        self.staged, self.parameters, self.names, self.stem = staged, parameters, names, stem
        self.helpers: set[str] = set()
        self.chosen: list[str] = []
        for name in {each.name for work in self._works() for each in work.statements}:
            names.give(name)
        self.letters = {each.name: tuple(i.axis for i in each.indices) for each in staged.buffers}
        self.letters |= {each.name: each.axes for each in parameters}
        self.given = {each.name: each for each in parameters}
        self.buffers = {each.name: each for each in staged.buffers}
        self.summed = {each.target.array for each in staged.products} & staged.totals
        self.in_blocks = staged.over is not None and staged.in_blocks
        self.copies: dict[str, str] = {}
        self.laid_out = self._laid_out()

    def _works(self) -> list[Work]:
        return [each for each in self.staged.stages if isinstance(each, Work)]

    # -- the compiled steps -----------------------------------------------------------------

    def steps(self) -> list[list[str]]:
        """The compiled loops between products."""
        found: list[list[str]] = []
        self.called: dict[str, str] = {}
        for number, work in enumerate(self._works(), 1):
            program = scheduled(work)
            name = f"{self.stem}_step_{number}"
            printer = LoopPrinter(program, self.names)
            found.append(printer.kernel(name))
            self.helpers |= printer.formula.helpers
            blocks = blocked(program)
            self.called[work.name] = name
            if blocks is not None:
                by_blocks = BlockPrinter(program, self.names, blocks)
                found.append(by_blocks.kernel(f"{name}_by_blocks", name))
                self.helpers |= by_blocks.formula.helpers
                few = f"{self._size(blocks.axis)} * dtype.itemsize <= {FEW_BYTES}"
                step = f"step_{number}"
                self.chosen += [f"{step} = {name}", f"if {few}:", f"{_INDENT}{step} = {name}_by_blocks"]
                self.called[work.name] = step
        return found

    # -- the function that calls them -------------------------------------------------------

    def body(self, choice: Sequence[str] = ()) -> list[str]:
        """Its lines; `choice` may go another way, once it is known that products are large."""
        staged = self.staged
        given = ", ".join(self.names[each.name] for each in self.parameters)
        known = list(dict.fromkeys(axis for each in self.parameters for axis in each.axes))
        axes = [sorted((index.axis for index in each.letters), key=known.index) for each in staged.products]
        counts = dict.fromkeys(" * ".join(map(self._size, each)) for each in axes)
        before = self._outside(staged.before)
        blocks = self._blocks([line for each in staged.inside for line in self._stage(each)])
        inside = [*before, *blocks, *self._outside(staged.after)]
        back = [
            line
            for name in sorted(self.summed)
            if name in self.given and self._is_plain(name)
            for line in self._put_back(name)
        ]
        if staged.alone is not None:
            size = self._size(staged.alone.axis)
            inside = [f"for sample in range({size}):", *(_INDENT + line for line in (*inside, *back))]
        else:
            inside += back
        result = next(each for each in self.parameters if each.is_result)
        code = [f"dtype = {self.names[result.name]}.dtype", *choice, *self.chosen, *self.laid_out]
        code += [*self._memory(), *inside]
        few = f"{' + '.join(counts)} < _FEW_PRODUCTS"
        if staged.over is not None:
            few = f"{self._size(staged.over.axis)} < _FEW_ROWS or {few}"
        head = self._sizes([few, *code])
        return [
            '"""Large matrix products are left to BLAS, with compiled loops between them."""',
            *head,
            f"if {few}:",
            f"{_INDENT}return {self.stem}_loops({given})",
            *code,
        ]

    def _sizes(self, code: Sequence[str]) -> list[str]:
        import re

        text = "\n".join(code)
        lines = []
        for axis in dict.fromkeys(axis for each in self.parameters for axis in each.axes):
            name = self._size(axis)
            if not re.search(rf"\b{name}\b", text):
                continue
            if axis in self.staged.work.sizes:
                lines.append(f"{name} = {self.staged.work.sizes[axis]}  # a constant of this file")
                continue
            owner = next(each for each in self.parameters if axis in each.axes)
            lines.append(f"{name} = {self.names[owner.name]}.shape[{owner.axes.index(axis)}]")
        return lines

    def _size(self, axis: str) -> str:
        return self.names[f"size of {axis}"]

    def _memory(self) -> list[str]:
        """The arrays that stages share, made once."""
        lines = []
        over = self.staged.over
        if self.in_blocks:
            assert over is not None
            self.helpers.add("samples_at_once")
            each, shared = self._amounts()
            lines.append("# So many samples at a time that what is worked on stays in the cache")
            arguments = f"{self._size(over.axis)}, ({each}) * dtype.itemsize, ({shared}) * dtype.itemsize"
            lines.append(f"at_once = _samples_at_once({arguments})")
            lines += self._fitted()
        lines += self._made()
        if self.in_blocks and self.staged.totals:
            for name in sorted(self.staged.totals):
                whole = self._total(name)
                whole = f"{whole}[0]" if self._is_of_a_sample(name) else whole
                lines.append(f"{self._part(name)} = np.empty_like({whole})  # of one block")
        return lines

    def _fitted(self) -> list[str]:
        """Fewer samples at a time where parts of sums over them are faster then."""
        sums = [each for each in self.staged.products if each.target.array in self.staged.totals]
        sums = [each for each in sums if self._may_be_in_parts(each)]
        widths = [" * ".join(self._size(index.axis) for index in each.columns) for each in sums]
        widths = list(dict.fromkeys(widths))
        if not widths:
            return []
        widest = f"max({', '.join(widths)})" if len(widths) > 1 else widths[0]
        return [f"at_once = _samples_for_parts(at_once, {widest}, dtype)"]

    def _made(self) -> list[str]:
        """What stages leave for each other, as arrays; those of one shape are one piece of memory.

        The C library keeps a piece that is no larger than the largest one before, and memory twice as large
        as that in all. So of several large pieces some went back to the system, and came anew in every call.
        """
        alike: dict[tuple[str, ...], list[str]] = {}
        for buffer in self.staged.buffers:
            sizes = [
                "at_once" if self.in_blocks and index == self.staged.over else self._size(index.axis)
                for index in buffer.indices
            ]
            alike.setdefault(tuple(sizes), []).append(self.names[buffer.name])
        lines: list[str] = []
        if any(shape and len(names) > 1 for shape, names in alike.items()):
            lines.append("# Arrays of one shape in one piece, which the C library keeps for the next call")
        for shape, names in alike.items():
            if not shape:  # a number, which has no axis to be taken apart along
                lines += [f"{name} = np.empty((), dtype)" for name in names]
            elif len(names) == 1:
                ending = "," if len(shape) == 1 else ""
                lines.append(f"{names[0]} = np.empty(({', '.join(shape)}{ending}), dtype)")
            else:
                lines.append(f"{', '.join(names)} = np.empty(({len(names)}, {', '.join(shape)}), dtype)")
        return lines

    def _amounts(self) -> tuple[str, str]:
        """How many numbers one sample has, and all samples share."""
        each: Counter[str] = Counter()
        shared: Counter[str] = Counter()
        over = self.staged.over
        assert over is not None
        for name, axes in self.letters.items():
            if self._is_of_a_sample(name):
                axes = axes[1:]
            if axes[:1] == (over.axis,):
                each[" * ".join(self._size(axis) for axis in axes[1:]) or "1"] += 1
            elif len(axes) > 1:
                shared[" * ".join(self._size(axis) for axis in axes)] += 1
        return _sum(each), _sum(shared)

    def _is_of_a_sample(self, name: str) -> bool:
        """Whether it is an array of the function's own signature that has a part for each sample."""
        alone = self.staged.alone
        return alone is not None and name in self.given and self.given[name].axes[:1] == (alone.axis,)

    # -- arrays as they are spelled ---------------------------------------------------------

    def _laid_out(self) -> list[str]:
        """Copies of narrow matrices, and memory for narrow totals, with the longer axis along memory."""
        lines: list[str] = []
        operands = [entry for each in self.staged.products for entry in (each.left, each.right)]
        targets = [each.target for each in self.staged.products if each.target.array in self.summed]
        for entry in dict.fromkeys((*operands, *targets)):
            name = entry.array
            if name in self.copies or not self._is_plain(name):
                continue
            like = f"{self.names[name]}_total" if name in self.summed else f"{self.names[name]}_rows"
            self.copies[name] = self.names.give(f"rows of {name}", like)
            lines.append(f"{self.copies[name]} = _long_rows({self.names[name]})")
            self.helpers.add("long_rows")
        return lines

    def _is_plain(self, name: str) -> bool:
        """Whether it is a matrix of the function's signature that all samples share."""
        over = self.staged.over
        each = self.given.get(name)
        if each is None or over is None or self.staged.alone is not None:
            return False
        return len(each.axes) == 2 and over.axis not in each.axes

    def _put_back(self, name: str) -> list[str]:
        if name not in self.copies:
            return []
        total, whole = self.copies[name], self.names[name]
        return [f"if {total} is not {whole}:", f"{_INDENT}{whole}[...] = {total}"]

    def _total(self, name: str) -> str:
        return self.copies.get(name, self.names[name])

    def _part(self, name: str) -> str:
        return self.names.give(f"part of {name}", f"{self.names[name]}_part")

    def _view(self, name: str, *, as_operand: bool = False) -> str:
        """An array, or the part of it that is worked on."""
        over = self.staged.over
        text = self.copies.get(name, self.names[name]) if as_operand else self.names[name]
        axes = self.letters[name]
        places = []
        if self._is_of_a_sample(name):
            places.append("sample")
            axes = axes[1:]
        if self.in_blocks and over is not None and axes[:1] == (over.axis,):
            places.append("here" if name in self.given else "held")
        elif name in self.buffers and not axes:
            places.append("()")
        return f"{text}[{', '.join(places)}]" if places else text

    # -- stages -----------------------------------------------------------------------------

    def _blocks(self, inside: list[str]) -> list[str]:
        """What is done for each block of samples."""
        over = self.staged.over
        if not self.in_blocks or over is None or not inside:
            return inside
        size = self._size(over.axis)
        held = any("held" in line for line in inside)
        return [
            f"for start in range(0, {size}, at_once):",
            f"{_INDENT}here = slice(start, start + at_once)",
            *([f"{_INDENT}held = slice(0, min(at_once, {size} - start))"] if held else []),
            *(_INDENT + line for line in inside),
        ]

    def _outside(self, stages: Sequence[Stage]) -> list[str]:
        """What is done before or after all blocks, with whole arrays: their lengths are those of the axes."""
        in_blocks, self.in_blocks = self.in_blocks, False
        lines = [line for each in stages for line in self._stage(each)]
        self.in_blocks = in_blocks
        return lines

    def _stage(self, stage: Stage) -> list[str]:
        if isinstance(stage, MatrixProduct):
            return self._product(stage)
        arguments = []
        added: list[str] = []
        for each in stage.parameters:
            if self.in_blocks and each.is_result and each.name in self.staged.totals:
                arguments.append(self._part(each.name))
                self.helpers.add("add_part")
                added.append(f"_add_part(start == 0, {self._part(each.name)}, {self._whole(each.name)})")
            elif each.is_result and not each.axes:
                arguments.append(self._whole(each.name))
            else:
                arguments.append(self._view(each.name))
        return [f"{self.called[stage.name]}({', '.join(arguments)})", *added]

    def _whole(self, name: str) -> str:
        """A total of the sample at hand, as an array also where it is a number."""
        if not self._is_of_a_sample(name):
            return self._total(name)
        return f"{self.names[name]}[{of_one('sample', self.given[name].axes)}]"

    def _product(self, each: MatrixProduct) -> list[str]:
        left, right = self._operand(each, each.left), self._operand(each, each.right)
        name = each.target.array
        axes = each.axes(each.target)
        if self.in_blocks and name in self.staged.totals:
            self.helpers.add("add_product")
            total, part = (self._merged(text, axes) for text in (self._whole(name), self._part(name)))
            by = ", _product_in_parts" if self._may_be_in_parts(each) else ""
            return [f"_add_product(start == 0, {left}, {right}, {total}, {part}{by})"]
        target = self._merged(self._view(name, as_operand=True), axes)
        if self.in_blocks and name in self.given and each.right.array in self.copies and not each.leading:
            self.helpers.add("product_by_rows")
            return [f"_product_by_rows({left}, {right}, {target})"]
        if self.in_blocks and name in self.given and self._may_be_in_parts(each):
            return [f"_product_in_parts({left}, {right}, {target})"]
        return [f"np.matmul({left}, {right}, out={target})"]

    def _may_be_in_parts(self, product: MatrixProduct) -> bool:
        """Whether parts of a product may be faster: of one sample, where no operand is shared by all."""
        may_be = self.staged.alone is not None and not product.leading
        self.helpers |= {"product_in_parts"} if may_be else set()
        return may_be

    def _operand(self, product: MatrixProduct, entry: Entry) -> str:
        text = self._merged(self._view(entry.array, as_operand=True), product.axes(entry))
        return turned(text, product.order(entry))

    def _merged(self, text: str, axes: Sequence[Sequence[Index]]) -> str:
        """An array with the letters of a group as one axis; its memory stays as it is."""
        over = self.staged.over if self.in_blocks else None
        return merged(text, axes, self._size, over)


def of_one(sample: str, axes: Sequence[str]) -> str:
    """The place of one sample of an array to be written to: with one axis, ``a[0]`` would be a number."""
    return sample if len(axes) > 1 else f"{sample}, ..."


def _sum(counts: Counter[str]) -> str:
    terms = [str(count) if term == "1" else f"{count} * {term}" for term, count in counts.items()]
    return " + ".join(terms) or "0"
