"""Which functions a problem emits: their arguments, their results, and what each result means.

A result carries two trees: the simplified one, from the calculus, which is lowered, and its
*meaning*, which has the derivatives still in it. Verification evaluates the meaning with the
oracle and never looks at the simplified tree, so a fault of the calculus is found as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from symderiv.calculus import CalculusError, Contraction, Derivation, contract, derive, simplified
from symderiv.calculus.kinks import sentences
from symderiv.expression.construct import add, multiply
from symderiv.expression.matrices import matrix_behind
from symderiv.expression.nodes import (
    Call,
    Derivative,
    Entry,
    Expression,
    Index,
    Sum,
)
from symderiv.expression.traverse import walk
from symderiv.kernels.errors import KernelError
from symderiv.kernels.frame import Frame
from symderiv.kernels.function_spec import EPSILON, REDUCTIONS, WEIGHT, FunctionSpec, Result
from symderiv.kernels.samples import with_own_samples
from symderiv.kernels.staging import Staged, staged
from symderiv.problem import Problem, names_in

#: What no name may hold: it would end a string or a comment in the emitted file.
_NOT_IN_NAMES = frozenset("\"'\\#()[]{} ")


@lru_cache(maxsize=8)
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
        *problem.all_letters(),
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
        return tuple(map(with_own_samples, _Specification(problem).functions()))
    except CalculusError as error:
        raise KernelError(str(error)) from error


class _Specification(Frame):
    """Makes the functions of one problem."""

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
        """The derivative of each output entry by each entry of one variable, sample by sample.

        Of a scalar it is the gradient, in the shape of the variable. Else it is a matrix: a variable with
        several axes is flattened column by column, so that its first axis varies fastest.
        """
        taken: set[str] = set()
        outer = self._output_letters(taken)
        inner = self._letters(variable.array, taken, variable.indices)
        derivation = derive(self.problem, Entry(self.output, outer), (Entry(variable.array, inner),))
        batch = (self.index,) if self.index is not None and self.output in self.per_sample else ()
        indices = (*batch, *outer, *(reversed(inner) if outer else inner))
        groups: list[tuple[int, ...]] = [(number,) for number in range(len(batch if outer else indices))]
        if outer:
            places = range(len(batch), len(indices))
            groups += [tuple(span) for span in (places[: len(outer)], places[len(outer) :]) if span]
        result = self._result(
            "out", indices, self._along(derivation.result),
            Derivative(self._entry(self.output, outer), (self._entry(variable.array, inner),)),
        )  # fmt: skip
        result = replace(result, groups=tuple(groups), **_told(derivation))
        kind, what = ("jacobian", "The Jacobian") if outer else ("gradient", "The gradient")
        return self._spec(
            f"_{kind}_{variable.array}",
            f"{what} of {self.output} by {variable.array}{', sample by sample' if batch else ''}.",
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
        derivation = self._with_cotangent(derivation, name)
        tree = self._weighted(
            self._along(derivation.result, {name} if variable.array in self.per_sample else ()),
            variable.array,
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


def _told(derivation: Derivation) -> dict[str, Any]:
    """What readers of a result are told: the derivative it is, its form, and what holds at kinks."""
    return {
        "derivative": derivation.start,
        "form": derivation.result,
        "notes": tuple(sentences(derivation)),
    }


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
