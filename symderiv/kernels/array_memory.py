"""Where the values of array steps are kept: in a result's memory, or in memory that is free again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symderiv.expression.nodes import Index
from symderiv.kernels.array_steps import Step, Value, axes_of


@dataclass(eq=False)
class Memory:
    """An array that is written to.

    Attributes
    ----------
    axes
        Its axes, in order.
    result
        The result that it is; empty for an array that the function makes.
    holder
        The value that it holds.
    """

    axes: tuple[str, ...]
    result: str = ""
    holder: Value | None = None


class Places:
    """The memory of each value.

    A step may write over an operand that it reads place by place and that nothing reads later. A
    result's memory may hold other values until the result is put there.

    Parameters
    ----------
    steps
        All steps, in order.
    results
        The letters of the results that are assigned as whole values.
    """

    def __init__(self, steps: Sequence[Step], results: Mapping[str, tuple[Index, ...]]) -> None:
        self._steps = steps
        self._last: dict[Value, int] = {}
        self._readers: dict[Value, list[Step]] = {}
        self._made: dict[str, int] = {}
        for number, step in enumerate(steps):
            for value in step.reads:
                self._last[value] = number
                self._readers.setdefault(value, []).append(step)
            if step.value is not None:
                self._last.setdefault(step.value, number)
                if step.value.final and step.value.statement in results:
                    self._made[step.value.statement] = number
        self._memories = [Memory(axes_of(letters), name) for name, letters in results.items()]
        self.of: dict[Value, Memory] = {}
        for number, step in enumerate(steps):
            if step.value is not None:
                memory = self._chosen(number, step, step.value)
                memory.holder = step.value
                self.of[step.value] = memory

    def goes_into(self, value: Value) -> Value | None:
        """The value that a step writes over this one, if that step alone reads it."""
        readers = self._readers.get(value, [])
        made = readers[0].value if len(readers) == 1 else None
        return made if made is not None and self.of[made] is self.of[value] else None

    def _chosen(self, number: int, step: Step, value: Value) -> Memory:
        own = next((each for each in self._memories if each.result and self._is_final(value, each)), None)
        if own is not None:
            return own
        if step.kind != "formula":
            fitting = [each for each in self._memories if self._fits(number, step, value, each)]
            over = [each for each in fitting if each.holder in step.reads]
            results = [each for each in fitting if each.result]
            for memory in (*over, *results, *fitting):
                return memory
        memory = Memory(axes_of(value.letters))
        self._memories.append(memory)
        return memory

    @staticmethod
    def _is_final(value: Value, memory: Memory) -> bool:
        return value.final and value.statement == memory.result

    def _fits(self, number: int, step: Step, value: Value, memory: Memory) -> bool:
        """Whether a value may be put there by this step, and stay as long as it is read."""
        if memory.axes != axes_of(value.letters):
            return False
        holder = memory.holder
        if holder is not None:
            last = self._last[holder]
            if last > number or (last == number and not _writes_over(step, holder)):
                return False
        if not memory.result:
            return True
        put = self._made[memory.result]
        if number > put:
            return False
        last = self._last[value]
        return last < put or (last == put and _writes_over(self._steps[put], value))


def _writes_over(step: Step, value: Value) -> bool:
    """Whether a step may put its own value where it reads this one."""
    if value in step.views:
        return False
    if step.kind == "choice":
        return value is step.operands[0] and value is not step.operands[1]
    return step.kind == "entrywise" and value in step.operands
