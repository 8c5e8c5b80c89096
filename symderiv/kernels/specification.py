"""Which functions a problem emits: their arguments, their results, and what each result means.

A result carries two trees: the simplified one, from the calculus, which is lowered, and its
*meaning*, which has the derivatives still in it. Verification evaluates the meaning with the
oracle and never looks at the simplified tree, so a fault of the calculus is found as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from symderiv.calculus import CalculusError, Contraction, Derivation, contract, derive, simplified
from symderiv.calculus.kinks import sentences
from symderiv.expression.construct import add, multiply
from symderiv.expression.indices import fresh_index
from symderiv.expression.matrices import matrix_behind
from symderiv.expression.nodes import (
    Add,
    Call,
    Definition,
    Derivative,
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
from symderiv.kernels.function_spec import EPSILON, REDUCTIONS, WEIGHT, Argument, FunctionSpec, Result
from symderiv.kernels.saturation import saturating_inputs
from symderiv.kernels.spelling import respelled
from symderiv.kernels.staging import Staged, staged
from symderiv.problem import Input, Problem, along, names_in

#: What no name may hold: it would end a string or a comment in the emitted file.
_NOT_IN_NAMES = frozenset("\"'\\#()[]{} ")


def functions_of(problem: Problem) -> tuple[FunctionSpec, ...]:
    """The functions that `problem` emits, the forward function first.

    Raises
    ------
    KernelError
        If there is nothing that can be emitted, or a derivative has no form.
    """
    for name in (
        problem.name,
        *problem.axes,
        *(each.name for each in problem.inputs),
        *(each.name for each in problem.definitions),
        *(each.name for each in problem.upstream),
        *problem._all_letters(),
    ):
        if not name or not name.isprintable() or set(name) & _NOT_IN_NAMES:
            raise KernelError(f"expected names of letters, digits and _, found {name!r}")
    if not problem.definitions:
        raise KernelError(f"{problem.name} defines nothing, so there is nothing to emit.")
    for definition in problem.definitions:
        whole = sorted(name for name in names_in(definition.body) if matrix_behind(name) is not None)
        if whole:
            raise KernelError(f"{definition.name} needs {whole[0]}: no module inverts matrices yet.")
    for function in problem.functions:
        raise KernelError(
            f"The function {function.name} is unspecified: a kernel needs its formula, so define it by one."
        )
    try:
        return tuple(_Specification(problem).functions())
    except CalculusError as error:
        raise KernelError(str(error)) from error


class _Specification:
    """Makes the functions of one problem."""

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
                raise KernelError(f"The size of the axis {axis} cannot be told from any input.")
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

    # -- the functions ----------------------------------------------------------------------

    def functions(self) -> Iterable[FunctionSpec]:
        """All of them."""
        yield self.forward()
        variables = [by[0] for by in self.first]
        if self.upstream:
            if variables:
                yield self.vjp(variables, "_gradient", f"d{self.problem.output()}_d{self.output}")
            return
        if not variables:
            return
        if self.loss:
            yield self.value_and_gradient(variables)
            for by in self.second:
                if by[0].array == by[1].array:
                    yield self.hvp(by[0])
            return
        for variable in variables:
            yield self.jacobian(variable)
        yield self.vjp(variables, "_vjp", "g")
        yield self.jvp(variables)

    def forward(self) -> FunctionSpec:
        """The output itself; for a loss, one number a sample until it is reduced."""
        letters = self._output_letters(set())
        entry = self._entry(self.output, letters)
        indices = tuple(term for term in entry.indices if isinstance(term, Index))
        result = self._result("out", indices, entry, entry)
        arguments = self._arguments([entry])
        about = self.problem.about or f"The forward function of {self.problem.title or self.problem.name}."
        if not self.loss:
            return self._spec("", about, arguments, [result])
        result = replace(result, shown="losses", is_loss=self.index is not None)
        reductions = REDUCTIONS if self.index is not None else ()
        return self._spec("", about, arguments, [result], reductions=reductions)

    def jacobian(self, variable: Entry) -> FunctionSpec:
        """The derivative of each output entry by each entry of one variable, sample by sample."""
        taken: set[str] = set()
        outer = self._output_letters(taken)
        inner = self._letters(variable.array, taken, variable.indices)
        derivation = derive(self.problem, Entry(self.output, outer), (Entry(variable.array, inner),))
        batch = (self.index,) if self.index is not None and self.output in self.per_sample else ()
        # A variable with several axes is flattened column by column: its first axis varies fastest.
        indices = (*batch, *outer, *reversed(inner))
        start = len(batch)
        groups: list[tuple[int, ...]] = [(number,) for number in range(start)]
        for span in (range(start, start + len(outer)), range(start + len(outer), len(indices))):
            if span:
                groups.append(tuple(span))
        result = self._result(
            "out", indices, self._along(derivation.result),
            Derivative(self._entry(self.output, outer), (self._entry(variable.array, inner),)),
        )  # fmt: skip
        result = replace(result, groups=tuple(groups), **_told(derivation))
        kind, what = ("jacobian", "The Jacobian") if outer else ("gradient", "The gradient")
        return self._spec(
            f"_{kind}_{variable.array}",
            f"{what} of {self.output} by {variable.array}, sample by sample.",
            self._arguments([result.tree], saved=True),
            [result],
        )

    def vjp(self, variables: Sequence[Entry], suffix: str, cotangent: str) -> FunctionSpec:
        """From a cotangent of the output to the cotangents of all variables."""
        cotangent = self._free_name(cotangent)
        results, trees = [], []
        outer = self._output_letters(set())
        scalar = multiply(self._entry(cotangent, outer, self.output), self._entry(self.output, outer))
        for letter in reversed(outer):
            scalar = Sum(letter, scalar)
        if self.index is not None and self.output in self.per_sample:
            scalar = Sum(self.index, scalar)
        passed = self._staged(variables, cotangent)
        for variable in variables:
            taken: set[str] = set()
            if passed:
                results.append(self._staged_result(passed, variable.array, scalar))
                trees.append(results[-1].tree)
                continue
            inner = self._letters(variable.array, taken, variable.indices)
            start = self._output_letters(taken)
            derivation = contract(
                self.problem,
                Contraction("vjp", Entry(self.output, start), Entry(variable.array, inner)),
            )
            derivation = self._with_cotangent(derivation, cotangent)
            tree = derivation.result
            entry = self._entry(variable.array, inner)
            moved = {cotangent} if self.output in self.per_sample else set()
            tree = self._over_batch(self._along(tree, moved), variable.array)
            trees.append(tree)
            indices = tuple(term for term in entry.indices if isinstance(term, Index))
            result = self._result(f"d{variable.array}", indices, tree, Derivative(scalar, (entry,)))
            results.append(replace(result, **_told(derivation)))
        arguments = (
            *self._arguments(trees, saved=True, more=passed.definitions if passed else None),
            self._companion(cotangent, self.output, "cotangent"),
        )
        names = _listed([variable.array for variable in variables])
        what = (
            f"The gradient of {self.problem.output()}({self.output}) by {names}, "
            f"given its gradient {cotangent} by {self.output}."
            if self.upstream
            else f"The vector-Jacobian product: from a cotangent {cotangent} of {self.output} to "
            f"{'that' if len(variables) == 1 else 'those'} of {names}."
        )
        return self._spec(suffix, what, arguments, results, passed)

    def _staged(self, variables: Sequence[Entry], seed: str) -> Staged | None:
        """The backward pass by several variables, where it has intermediate lines."""
        names = tuple(variable.array for variable in variables)
        return staged(self.problem, names, seed, self.index, frozenset(self.per_sample))

    def _staged_result(self, passed: Staged, name: str, total: Expression) -> Result:
        """The cotangent of one variable, in the names of the lines before it."""
        array = passed.arrays[name]
        letters = tuple(term for term in array.indices if isinstance(term, Index))
        entry = self._entry(name, letters)
        indices = tuple(term for term in entry.indices if isinstance(term, Index))
        tree = passed.trees[name]
        if self.loss and self.index is not None:
            tree = multiply(Entry(WEIGHT), tree)
        result = self._result(f"d{name}", indices, tree, Derivative(total, (entry,)))
        scalar = self.upstream or not self.problem.axes_of(self.output)
        output = Entry(self.problem.output())
        named = Derivative(output, (array,)) if scalar else Entry(f"d{name}", letters)
        return replace(result, derivative=named, form=passed.forms[name], notes=passed.notes)

    def jvp(self, variables: Sequence[Entry]) -> FunctionSpec:
        """From tangents of all variables to the tangent of the output."""
        outer = self._output_letters(set())
        entry = self._entry(self.output, outer)
        trees, tangents, moved = [], [], {}
        batched: set[str] = set()
        definitions = list(self.meant.definitions)
        for variable in variables:
            taken = {index.name for index in outer}
            inner = self._letters(variable.array, taken, variable.indices)
            derivation = contract(
                self.problem,
                Contraction("jvp", Entry(self.output, outer), Entry(variable.array, inner)),
            )
            name = self._free_name(f"{variable.array}_dot")
            trees.append(self._renamed(derivation.result, derivation.extra[0][0], name))
            batched |= {name} if variable.array in self.per_sample else set()
            tangents.append(self._companion(name, variable.array, "tangent"))
            definitions.append(self._line(variable.array, name))
            moved[f"@{variable.array}"] = variable.array
        indices = tuple(term for term in entry.indices if isinstance(term, Index))
        tree = self._along(self._together(trees), batched)
        result = self._result("out", indices, tree, Derivative(entry, (Entry(EPSILON, ()),)))
        names = _listed([variable.array for variable in variables])
        return self._spec(
            "_jvp",
            f"The Jacobian-vector product: from {'a tangent' if len(variables) == 1 else 'tangents'} of "
            f"{names} to that of {self.output}.",
            (*self._arguments([tree], saved=True), *tangents), [result],
            meaning_definitions=tuple(definitions), moved=moved,
        )  # fmt: skip

    def _together(self, parts: Sequence[Expression]) -> Expression:
        """The sum of the variables' parts; what they share is computed once where that is safe.

        A score of -inf stands beside its weight 0 in a product of its own, which can be guarded.
        Under a common factor it could not, so parts that hold scores are left as they are.
        """
        whole = add(*parts)
        scores = {
            name
            for each in self.problem.definitions
            for _, part in walk(each.body)
            if isinstance(part, Call) and part.function == "exp"
            for name in names_in(part)
        }
        return whole if scores & names_in(whole) else simplified(self.problem, whole)

    def value_and_gradient(self, variables: Sequence[Entry]) -> FunctionSpec:
        """The loss and its gradient by all variables, reduced over the batch."""
        loss = self._entry(self.output, ())
        indices = tuple(term for term in loss.indices if isinstance(term, Index))
        value = replace(self._result("losses", indices, loss, loss), is_loss=self.index is not None)
        total = self._reduced()
        results: list[Result] = [value]
        trees: list[Expression] = [loss]
        passed = self._staged(variables, "")
        for variable in variables:
            if passed:
                results.append(self._staged_result(passed, variable.array, total))
                trees.append(results[-1].tree)
                continue
            inner = self._letters(variable.array, set(), variable.indices)
            derivation = derive(self.problem, Entry(self.output), (Entry(variable.array, inner),))
            tree = self._weighted(self._along(derivation.result), variable.array)
            entry = self._entry(variable.array, inner)
            trees.append(tree)
            letters = tuple(term for term in entry.indices if isinstance(term, Index))
            result = self._result(f"d{variable.array}", letters, tree, Derivative(total, (entry,)))
            results.append(replace(result, **_told(derivation)))
        names = _listed([variable.array for variable in variables])
        return self._spec(
            "_value_and_gradient", f"The loss {self.output} and its gradient by {names}, in one call.",
            self._arguments(trees, more=passed.definitions if passed else None), results, passed,
            reductions=REDUCTIONS[:2] if self.index is not None else (),
        )  # fmt: skip

    def hvp(self, variable: Entry) -> FunctionSpec:
        """The product of the Hessian by one variable with a vector."""
        inner = self._letters(variable.array, set(), variable.indices)
        derivation = contract(
            self.problem, Contraction("hvp", Entry(self.output), Entry(variable.array, inner))
        )
        several = len({by[0].array for by in self.second if by[0].array == by[1].array}) > 1
        name = self._free_name("v")
        tree = self._renamed(derivation.result, derivation.extra[0][0], name)
        tree = self._weighted(
            self._along(tree, {name} if variable.array in self.per_sample else ()), variable.array
        )
        entry = self._entry(variable.array, inner)
        indices = tuple(term for term in entry.indices if isinstance(term, Index))
        meaning = Derivative(self._reduced(), (entry, Entry(EPSILON, ())))
        result = replace(self._result("out", indices, tree, meaning), **_told(derivation))
        return self._spec(
            f"_hvp_{variable.array}" if several else "_hvp",
            f"The product of the Hessian of {self.output} by {variable.array} with a vector {name}.",
            (*self._arguments([tree]), self._companion(name, variable.array, "tangent")),
            [result],
            reductions=REDUCTIONS[:2] if self.index is not None else (),
            meaning_definitions=(*self.meant.definitions, self._line(variable.array, name)),
            moved={f"@{variable.array}": variable.array},
        )

    # -- parts of them ----------------------------------------------------------------------

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
        taken = {*self._all_names(), *(each.name for each in self.problem.upstream)}
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        return name

    def _with_cotangent(self, derivation: Derivation, name: str) -> Derivation:
        """A product with a cotangent of another name, in its result and what is said of kinks."""
        given = derivation.extra[0][0]
        kinks = tuple(
            each if each.value is None else replace(each, value=self._renamed(each.value, given, name))
            for each in derivation.kinks
        )
        return replace(derivation, result=self._renamed(derivation.result, given, name), kinks=kinks)

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


def _told(derivation: Derivation) -> dict[str, Any]:
    """What readers of a result are told: the derivative it is, its form, and what holds at kinks."""
    return {
        "derivative": derivation.start,
        "form": derivation.result,
        "notes": tuple(sentences(derivation)),
    }


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
