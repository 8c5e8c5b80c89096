"""What all functions of a problem are made with: its batch, its letters, arguments and definitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from symderiv.calculus import Derivation
from symderiv.expression.construct import add, multiply
from symderiv.expression.indices import fresh_index, fresh_name
from symderiv.expression.nodes import (
    Add,
    Definition,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Power,
    Product,
    Size,
    Sum,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.errors import KernelError
from symderiv.kernels.exponents import infinite_inputs, score_inputs
from symderiv.kernels.function_spec import EPSILON, WEIGHT, Argument, FunctionSpec, Result
from symderiv.kernels.saturation import saturating_inputs
from symderiv.kernels.spelling import respelled
from symderiv.kernels.staging import Staged
from symderiv.problem import Input, Problem, along, names_in


class Frame:
    """A problem and its batch, and what is asked of both while functions are made.

    Parameters
    ----------
    given
        The problem as its file has it.
    """

    def __init__(self, given: Problem) -> None:
        #: What the results mean is said in the problem as it was given.
        self.meant = given.batch()
        self.problem = problem = respelled(given)
        self.batched = problem.batch()
        self.index = self.batched.letters[0] if problem.batched else None
        self.per_sample = {
            name for name in self._all_names() if self.batched.axes_of(name) != problem.axes_of(name)
        }
        unspecified = problem.upstream_of(problem.output())
        self.upstream = unspecified is not None
        self.output = unspecified.of if unspecified else problem.output()
        if unspecified and problem.definition(self.output) is None:
            raise KernelError(
                f"{unspecified.name} is a function of an input, {self.output}: there is nothing to emit."
            )
        self.loss = problem.loss and not self.upstream
        if self.loss and problem.axes_of(self.output):
            axes = ", ".join(problem.axes_of(self.output))
            raise KernelError(f"expected a scalar loss, found {self.output} with axes ({axes})")
        self.exponents = infinite_inputs(problem)
        self.first = self._derivatives(1)
        self.second = self._derivatives(2)

    def _all_names(self) -> Iterable[str]:
        yield from (given.name for given in self.problem.inputs)
        yield from (definition.name for definition in self.problem.definitions)

    def _derivatives(self, count: int) -> list[tuple[Entry, ...]]:
        """The variables of the problem's derivatives of its output, each once."""
        found: dict[tuple[str, ...], tuple[Entry, ...]] = {}
        for expectation in self.problem.expectations:
            derivative = expectation.derivative
            of = derivative.of
            if isinstance(of, Entry) and of.array == self.problem.output() and len(derivative.by) == count:
                found.setdefault(tuple(entry.array for entry in derivative.by), derivative.by)
        of_inputs = {
            names: by for names, by in found.items() if all(self.problem.input(name) for name in names)
        }
        return list((of_inputs or (found if self.upstream else {})).values())

    # -- letters and trees ------------------------------------------------------------------

    def _letters(self, name: str, taken: set[str], preferred: Sequence[IndexTerm] = ()) -> tuple[Index, ...]:
        """Distinct letters for the axes of an array: those of the file where they are free."""
        letters: list[Index] = []
        for number, axis in enumerate(self.problem.axes_of(name)):
            given = preferred[number] if number < len(preferred) else None
            if isinstance(given, Index) and given.name not in taken:
                letter = given
            else:
                letter = fresh_index(axis, taken, self.problem.letters_of(axis))
            taken.add(letter.name)
            letters.append(letter)
        return tuple(letters)

    def _output_letters(self, taken: set[str]) -> tuple[Index, ...]:
        definition = self.problem.definition(self.output)
        assert definition is not None
        return self._letters(self.output, taken, definition.indices)

    def _along(self, tree: Expression, extra: Iterable[str] = ()) -> Expression:
        """A tree of one sample, for the batch."""
        if self.index is None:
            return tree
        return along(tree, self.index, self.per_sample | set(extra))

    def _entry(self, name: str, letters: tuple[Index, ...], like: str = "") -> Entry:
        """An entry of the batched problem; `name` has the axes of `like`."""
        if self.index is not None and (like or name) in self.per_sample:
            return Entry(name, (self.index, *letters))
        return Entry(name, letters)

    def _over_batch(self, tree: Expression, name: str) -> Expression:
        """The sum over the samples, for a variable that they share."""
        if self.index is None or name in self.per_sample or self.output not in self.per_sample:
            return tree
        return Sum(self.index, tree)

    def _axes(self, name: str) -> tuple[str, ...]:
        return self.batched.axes_of(name)

    # -- arguments --------------------------------------------------------------------------

    def _arguments(
        self, trees: Iterable[Expression], saved: bool = False, more: Mapping[str, Definition] | None = None
    ) -> tuple[Argument, ...]:
        """The inputs (and the saved output) that the trees need, intermediates (and `more`) looked into.

        The output is not asked for where its formula is plain arithmetic, and all that stands in it is
        needed anyway: it is then worked out again, entry by entry, for less than it costs to read it.
        """
        needed = self._needed(trees, self.output if saved else "", more or {})
        if saved and self.output in needed:
            definition = self.batched.definition(self.output)
            if definition and needed > names_in(definition.body) and _is_arithmetic(definition.body):
                return self._arguments(trees, more=more)
        arguments = [self._argument(given) for given in self.batched.inputs if given.name in needed]
        if saved and self.output in needed:
            arguments.append(
                Argument(
                    self.output, self._axes(self.output), "real", "saved", self.output in self.per_sample
                )
            )
        return tuple(arguments)

    def _needed(self, trees: Iterable[Expression], saved: str, more: Mapping[str, Definition]) -> set[str]:
        """All names that the trees rest on; what `saved` is made of is not among them for its sake."""
        needed: set[str] = set()
        todo = [name for tree in trees for name in names_in(tree)]
        while todo:
            name = todo.pop()
            if name in needed:
                continue
            needed.add(name)
            definition = self.batched.definition(name) or more.get(name)
            if definition and name != saved:
                todo += names_in(definition.body)
        return needed

    def _argument(self, given: Input) -> Argument:
        kind = "label" if given.label_of else "real"
        batched = given.name in self.per_sample
        return Argument(given.name, given.axes, kind, "input", batched, given.label_of or "")

    def _sized(self, arguments: tuple[Argument, ...], results: Sequence[Result]) -> tuple[Argument, ...]:
        """The arguments, with inputs more where the size of an axis could not be known otherwise."""
        axes = {axis: None for result in results for axis in result.axes}
        for result in results:
            for _, part in walk(result.tree):
                if isinstance(part, Size):
                    axes.setdefault(part.axis)
                elif isinstance(part, Sum | Product | Extremum):
                    axes.setdefault(part.index.axis)
        # The size of a label's axis tells which labels are right; it need not be known.
        wanted = [
            axis for axis in dict.fromkeys(each.label_of for each in arguments) if axis and axis not in axes
        ]
        known = {axis for each in arguments for axis in each.axes}
        names = {each.name for each in arguments}
        for axis in (*axes, *wanted):
            if axis in known:
                continue
            for given in self.batched.inputs:
                if axis in given.axes and given.name not in names:
                    known.update(given.axes)
                    names.add(given.name)
                    break
            else:
                if axis in wanted:
                    continue
                letter = next(iter(self.problem.letters_of(axis)), "i")
                raise KernelError(
                    f"The size of the axis {axis} cannot be told from any input. Declare that the letter "
                    f"{letter} runs over an axis of an input, as in index {letter} : N."
                )
        inputs = [self._argument(each) for each in self.batched.inputs if each.name in names]
        return (*inputs, *(each for each in arguments if each.role != "input"))

    def _companion(self, name: str, of: str, role: str) -> Argument:
        return Argument(name, self._axes(of), "real", role, of in self.per_sample, of=of)

    def _definitions(self, without: str = "") -> dict[str, Definition]:
        return {each.name: each for each in self.batched.definitions if each.name != without}

    def _spec(
        self,
        suffix: str,
        summary: str,
        arguments: tuple[Argument, ...],
        results: list[Result],
        staged: Staged | None = None,
        **more: object,
    ) -> FunctionSpec:
        arguments = self._sized(arguments, results)
        name = f"{self.problem.name}{suffix}"
        saved = self.output if any(each.role == "saved" for each in arguments) else ""
        spec = FunctionSpec(
            name, summary, arguments, tuple(results),
            definitions={**self._definitions(saved), **(staged.definitions if staged else {})},
            lines=staged.lines if staged else (),
            meaning_definitions=self.meant.definitions,
            saved={saved: self._definitions()[saved]} if saved else {},
            batch=self.index, exponents=self.exponents, scores=score_inputs(self.problem),
            logits=saturating_inputs(self.problem),
        )  # fmt: skip
        return replace(spec, **more)  # type: ignore[arg-type]

    def _result(
        self, shown: str, indices: tuple[Index, ...], tree: Expression, meaning: Expression
    ) -> Result:
        groups = tuple((number,) for number in range(len(indices)))
        return Result(f"@{shown}", shown, indices, groups, tree, meaning)

    # -- parts of results -------------------------------------------------------------------

    def _reduced(self) -> Expression:
        """The loss of the whole batch, weight · Σ_b L_b: what a gradient is the gradient of."""
        loss = self._entry(self.output, ())
        if self.index is None:
            return loss
        body: Expression = Sum(self.index, loss) if self.output in self.per_sample else loss
        return multiply(Entry(WEIGHT), body)

    def _weighted(self, tree: Expression, variable: str) -> Expression:
        if self.index is None:
            return tree
        return self._over_batch(multiply(Entry(WEIGHT), tree), variable)

    def _line(self, name: str, tangent: str) -> Definition:
        """The variable on a line through its value: x = x_0 + ε v."""
        letters = tuple(Index(f"@{number}", axis) for number, axis in enumerate(self.batched.axes_of(name)))
        return Definition(
            name, letters, add(Entry(f"@{name}", letters), multiply(Entry(EPSILON), Entry(tangent, letters)))
        )

    def _free_name(self, wanted: str) -> str:
        """`wanted` or a name like it: that of no array, and of no index letter, which it would read as."""
        taken = {
            *self._all_names(),
            *self.problem.all_letters(),
            *(each.name for each in self.problem.upstream),
        }
        return fresh_name(wanted, taken)

    def _with_cotangent(self, derivation: Derivation, name: str) -> Derivation:
        """A product with a cotangent of another name, in what it is, its result and what is said of kinks."""
        given = derivation.extra[0][0]
        kinks = tuple(
            each if each.value is None else replace(each, value=self._renamed(each.value, given, name))
            for each in derivation.kinks
        )
        start, result = (self._renamed(tree, given, name) for tree in (derivation.start, derivation.result))
        return replace(derivation, start=start, result=result, kinks=kinks)

    def _renamed(self, tree: Expression, old: str, new: str) -> Expression:
        """`tree` with one array renamed."""

        def change(node: Expression) -> Expression:
            if isinstance(node, Entry) and node.array == old:
                return Entry(new, node.indices)
            return map_children(node, change)

        return change(tree)


def _is_arithmetic(body: Expression) -> bool:
    """Whether a formula is made of entries by addition, multiplication and powers only."""
    plain = (Entry, Number, Size, Add, Multiply, Power)
    return all(isinstance(part, plain) for _, part in walk(body))


__all__ = ["Frame"]
