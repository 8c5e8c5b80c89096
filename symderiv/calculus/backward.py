"""Reverse contraction: one sweep from the output to all inputs, a named cotangent a line.

The chain rule is used across *blocks* of definitions. A block has one exit; every other name in it
is used in the block alone. What the block uses from outside is held fixed but for the one variable,
so the contribution of a block is a product with a derivative in a small problem of its own. The
cotangent of an array is the sum of the contributions of all blocks that use it. So the work grows
with the number of definitions, not with the number of paths through them.

Source: Griewank and Walther, Evaluating Derivatives, 2nd ed., SIAM, 2008, section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symderiv.calculus.blocks import Blocks, local_problem
from symderiv.calculus.context import CalculusError
from symderiv.calculus.derivation import Contraction, Derivation, Step
from symderiv.calculus.engine import Engine, joined
from symderiv.expression.construct import add
from symderiv.expression.indices import fresh_index, fresh_name
from symderiv.expression.nodes import Derivative, Entry, Expression, Index
from symderiv.expression.traverse import count_nodes
from symderiv.problem import Assumption, Problem

#: What the cotangent of an array is called: the array's name and this.
SUFFIX = "_bar"


@dataclass(frozen=True)
class Stage:
    """One line of a backward pass: the cotangent of one array.

    Attributes
    ----------
    cotangent
        The entry that is given, such as ``z_bar[i]``.
    array
        The entry that it is the cotangent of, such as ``z[i]``.
    parts
        The contribution of each block that uses the array, derived; empty for a cotangent that is given.
    given
        What is given for it: a derivative of an unspecified function. None where all is derived.
    steps
        How the contributions become one form.
    result
        The form, without any assumption.
    form, assumptions
        The form under the assumptions that were used (the same where there were none).
    """

    cotangent: Entry
    array: Entry
    parts: tuple[Derivation, ...]
    given: Expression | None
    steps: tuple[Step, ...]
    result: Expression
    form: Expression
    assumptions: tuple[Assumption, ...] = ()

    @property
    def extra(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The cotangents that the line uses, with their axes."""
        return tuple(dict.fromkeys(each for part in self.parts for each in part.extra))


@dataclass(frozen=True)
class Backward:
    """The backward pass of a problem.

    Attributes
    ----------
    problem
        What was differentiated.
    output
        The array that the pass begins at.
    seeds
        The cotangents that are given, with their axes: none for a scalar output, whose own is 1.
    blocks
        The definitions that were taken together, each block in the order of the problem, its exit last.
    stages
        The lines, in an order in which they can be computed.
    """

    problem: Problem
    output: Entry
    seeds: tuple[tuple[str, tuple[str, ...]], ...]
    blocks: tuple[tuple[str, ...], ...]
    stages: tuple[Stage, ...]

    def stage(self, array: str) -> Stage:
        """The line of one array.

        Raises
        ------
        KeyError
            If the pass has no line for it.
        """
        for each in self.stages:
            if each.array.array == array:
                return each
        raise KeyError(array)


def backward(
    problem: Problem, wrt: Sequence[str] = (), every: bool = False, seeded: bool = False
) -> Backward:
    """The backward pass of a problem, from its output to its inputs.

    Parameters
    ----------
    problem
        What to differentiate. Its output is a scalar, or the argument of unspecified functions, or an
        array whose cotangent is then given.
    wrt
        The inputs (or intermediates) whose cotangents are wanted; those by which the problem's own lines
        differentiate its output, or all real inputs if there are none.
    every
        Whether each intermediate has a line of its own. Without it, intermediates are taken together
        with what uses them where the lines become shorter: softmax and cross-entropy give p - t.
    seeded
        Whether the cotangent of a scalar output is given too, as that of an array is; it is 1 otherwise.

    Raises
    ------
    CalculusError
        If a wanted name is not an array that the output depends on, or a derivative has no form.
    """
    return _Sweep(problem, wrt, seeded).run(every)


class _Sweep:
    """The work of one backward pass."""

    def __init__(self, problem: Problem, wrt: Sequence[str], seeded: bool) -> None:
        if not problem.definitions:
            raise CalculusError(f"{problem.name} defines nothing, so there is no backward pass")
        self.problem = problem
        self.seeded = seeded
        self.engine = Engine(problem)
        self.outputs = tuple(dict.fromkeys(each.of for each in problem.upstream)) or (problem.output(),)
        self.wanted = tuple(wrt) or self._stated()
        self._check(self.wanted)
        self._known: dict[tuple[tuple[str, ...], str], Derivation] = {}

    def _check(self, names: Iterable[str]) -> None:
        real = [each.name for each in self.problem.inputs if each.label_of is None]
        real += [each.name for each in self.problem.definitions if each.name not in self.outputs]
        for name in names:
            if name not in real:
                raise CalculusError(f"expected one of {', '.join(real)}, found {name!r}")
            if not any(self._depends(output, name) for output in self.outputs):
                raise CalculusError(f"{self.outputs[-1]} does not depend on {name}")

    def _depends(self, output: str, name: str) -> bool:
        return self.problem.depends(Entry(output), name)

    def _stated(self) -> tuple[str, ...]:
        """The inputs by which the problem's lines differentiate its output, else all real inputs."""
        last = {*(each.name for each in self.problem.upstream), *self.outputs}
        found: dict[str, None] = {}
        for expectation in self.problem.expectations:
            of, by = expectation.derivative.of, expectation.derivative.by
            if isinstance(of, Entry) and of.array in last and self.problem.input(by[0].array):
                found.setdefault(by[0].array)
        usable = [each.name for each in self.problem.inputs if each.label_of is None]
        return tuple(found) or tuple(
            name for name in usable if any(self._depends(output, name) for output in self.outputs)
        )

    # -- entries and names ------------------------------------------------------------------

    def _generic(self, name: str) -> Entry:
        """An entry of `name` with the letters that the problem's own lines use for it."""
        definition = self.problem.definition(name)
        for expectation in self.problem.expectations:
            for entry in expectation.derivative.by:
                letters = [term for term in entry.indices if isinstance(term, Index)]
                if entry.array == name and len(set(letters)) == len(entry.indices):
                    return entry
        if definition is not None:
            return Entry(name, definition.indices)
        return self._fresh(name, set())

    def _fresh(self, name: str, taken: set[str]) -> Entry:
        letters: list[Index] = []
        definition = self.problem.definition(name)
        preferred = definition.indices if definition else ()
        for place, axis in enumerate(self.problem.axes_of(name)):
            letter = preferred[place] if preferred else None
            if letter is None or letter.name in taken:
                letter = fresh_index(axis, taken, self.problem.letters_of(axis))
            taken.add(letter.name)
            letters.append(letter)
        return Entry(name, tuple(letters))

    def _bar(self, name: str) -> str:
        taken = {each.name for each in self.problem.inputs} | {each.name for each in self.problem.definitions}
        taken |= {each.name for each in self.problem.upstream}
        return fresh_name(f"{name}{SUFFIX}", taken)

    def _scalar(self, name: str) -> bool:
        """Whether `name` is the scalar output whose cotangent is 1."""
        given = self.seeded or self.problem.upstream or self.problem.axes_of(name)
        return name in self.outputs and not given

    # -- the sweep --------------------------------------------------------------------------

    def run(self, every: bool) -> Backward:
        blocks = Blocks(self.problem, self.outputs, self.wanted)
        if not every:
            blocks.fuse(lambda members: self._cost(members, blocks))
        stages = self._given(blocks)
        done = {stage.array.array for stage in stages}
        exits = {members[-1] for members in blocks.members()}
        passed: set[str] = {name for name in self.outputs if self._scalar(name)}
        todo = [name for name in blocks.order if name in exits or name in self.wanted]
        for members in blocks.members():
            if members[-1] not in passed | done:
                stages.append(self._stage(members[-1], blocks))
                done.add(members[-1])
            passed.add(members[-1])
            for name in todo:
                users = {user[-1] for user in blocks.users(name)}
                if name not in done and name not in exits and users and users <= passed:
                    stages.append(self._stage(name, blocks))
                    done.add(name)
        output = self._generic(self.outputs[-1])
        return Backward(
            self.problem, output,
            tuple((stage.cotangent.array, self.problem.axes_of(stage.array.array))
                  for stage in stages if not stage.parts and stage.given is None),
            blocks.members(), tuple(stages),
        )  # fmt: skip

    def _given(self, blocks: Blocks) -> list[Stage]:
        """The lines of outputs whose cotangents are given, as far as nothing adds to them."""
        return [
            self._stage(name, blocks)
            for name in self.outputs
            if not self._scalar(name) and not blocks.users(name)
        ]

    def _stage(self, name: str, blocks: Blocks) -> Stage:
        array = self._generic(name)
        cotangent = Entry(self._bar(name), array.indices)
        given: Expression | None = None
        if name in self.outputs and self.problem.upstream:
            slopes = [
                Derivative(Entry(each.name), (array,)) for each in self.problem.upstream if each.of == name
            ]
            given = add(*slopes)
        parts = tuple(self._part(members, name) for members in blocks.users(name))
        terms = () if given is None else (given,)
        if not parts:
            whole = given if given is not None else cotangent
            return Stage(cotangent, array, (), given, (), whole, whole)
        assumptions = tuple(dict.fromkeys(each for part in parts for each in part.assumptions))
        if len(parts) + len(terms) == 1:
            return Stage(cotangent, array, parts, given, (), parts[0].result, parts[0].form, assumptions)
        _, result = joined(self.problem, add(*terms, *(part.result for part in parts)))
        steps, form = joined(self.problem, add(*terms, *(part.form for part in parts)))
        return Stage(cotangent, array, parts, given, steps, result, form, assumptions)

    def _part(self, members: tuple[str, ...], name: str) -> Derivation:
        """What one block adds to the cotangent of `name`."""
        key = members, name
        if key not in self._known:
            local = local_problem(self.problem, members)
            variable = self._generic(name)
            taken = {term.name for term in variable.indices if isinstance(term, Index)}
            exit_ = self._fresh(members[-1], taken)
            engine = Engine(local)
            if self._scalar(members[-1]):
                self._known[key] = engine.derive(exit_, (variable,))
            else:
                request = Contraction("vjp", exit_, variable, self._bar(members[-1]))
                self._known[key] = engine.contract(request)
        return self._known[key]

    def _cost(self, members: tuple[str, ...], blocks: Blocks) -> int:
        """How long the lines of a block are: one for each array that it uses."""
        return sum(1 + count_nodes(self._part(members, name).form) for name in blocks.used_by(members))
