"""Definitions taken together for a backward pass: blocks with one exit each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from symderiv.problem import Input, Problem, names_in

_Members = tuple[str, ...]
#: No block has more definitions: its lines would no longer be read at a glance, nor soon be proved.
MAX_BLOCK = 6


def local_problem(problem: Problem, members: _Members) -> Problem:
    """The problem of one block: what it uses from outside are inputs."""
    definitions = tuple(each for each in problem.definitions if each.name in members)
    inside = {each.name for each in definitions}
    used = {name for each in definitions for name in names_in(each.body)} - inside
    inputs = [given for given in problem.inputs if given.name in used]
    inputs += [
        Input(each.name, problem.axes_of(each.name)) for each in problem.definitions if each.name in used
    ]
    known = inside | used
    assumptions = tuple(
        each for each in problem.assumptions if names_in(each.left) | names_in(each.right) <= known
    )
    return replace(
        problem, inputs=tuple(inputs), definitions=definitions, upstream=(), assumptions=assumptions,
        expectations=(), batched=(),
    )  # fmt: skip


class Blocks:
    """The definitions between the wanted arrays and the outputs, in blocks.

    Attributes
    ----------
    order
        The arrays that matter, each after all that uses it: the outputs first.
    """

    def __init__(self, problem: Problem, outputs: Sequence[str], wanted: Sequence[str]) -> None:
        self.problem = problem
        self.outputs = tuple(outputs)
        self.wanted = frozenset(wanted)
        self.order = self._ordered()
        self._block: dict[str, _Members] = {
            name: (name,) for name in self.order if problem.definition(name) is not None
        }
        self._users = {
            name: tuple(user for user in self._block if name in problem.directly_uses(user))
            for name in self.order
        }

    def _ordered(self) -> tuple[str, ...]:
        """Outputs first, inputs last; only what leads from a wanted array to an output."""
        found: list[str] = []
        left: set[str] = set()
        todo = [(name, False) for name in self.outputs]
        while todo:
            name, leaving = todo.pop()
            if leaving:
                found.append(name)
            elif name not in left:
                left.add(name)
                todo.append((name, True))
                if self.problem.definition(name) is not None:
                    todo += [(used, False) for used in sorted(self.problem.directly_uses(name))]
        rank = {each.name: place for place, each in enumerate(self.problem.inputs)}
        ahead = {name: place for place, name in enumerate(reversed(found))}
        leading = self._leading(found)
        # Definitions in reverse; inputs in the order in which the problem names them.
        made = [name for name in ahead if name not in rank and name in leading]
        given = [name for name in rank if name in leading]
        return (*made, *given)

    def _leading(self, found: Sequence[str]) -> set[str]:
        """The arrays that are wanted or made from wanted ones."""
        leading: set[str] = set()
        for name in found:  # each after what it uses
            made = self.problem.definition(name) is not None
            if name in self.wanted or (made and self.problem.directly_uses(name) & leading):
                leading.add(name)
        return leading

    def members(self) -> tuple[_Members, ...]:
        """The blocks, that of the output first, each with its exit last."""
        return tuple(dict.fromkeys(self._block[name] for name in self.order if name in self._block))

    def users(self, name: str) -> tuple[_Members, ...]:
        """The blocks that use an array from outside."""
        found = dict.fromkeys(self._block[user] for user in self._users[name])
        return tuple(members for members in found if name not in members)

    def used_by(self, members: _Members) -> tuple[str, ...]:
        """The arrays that a block uses from outside and that matter."""
        used = {name for member in members for name in self.problem.directly_uses(member)}
        return tuple(name for name in self.order if name in used and name not in members)

    def fuse(self, cost: Callable[[_Members], int]) -> None:
        """Take a definition into the one block that uses it, where the lines become shorter by that.

        A statistic (with fewer axes than the exit, such as a mean) is kept on trial: it pays off
        together with those that it is made of.
        """
        for name in self.order:
            members = self._block.get(name)
            if members == (name,):
                self._absorb(name, cost)

    def _absorb(self, exit_: str, cost: Callable[[_Members], int]) -> None:
        """Grow the block that ends in `exit_`."""
        axes = set(self.problem.axes_of(exit_))
        block, trial = self._block[exit_], self._block[exit_]
        apart = cost(block)
        for name in self.order[self.order.index(exit_) + 1 :]:
            if name not in self._block or name in self.outputs or name in self.wanted:
                continue
            users = self._users[name]
            if not users or not set(users) <= set(trial):
                continue
            if len(trial) == MAX_BLOCK:
                break
            candidate = (name, *trial)
            apart += cost((name,))
            together = cost(candidate)
            if together < apart:
                block = trial = candidate
                apart = together
            elif set(self.problem.axes_of(name)) < axes:
                trial = candidate
            else:
                apart -= cost((name,))
        for name in block:
            self._block[name] = block
