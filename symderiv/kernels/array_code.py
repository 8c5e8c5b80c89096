"""Array steps as lines of NumPy: in place where a value is kept where an operand was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from symderiv.kernels.array_formula import Arrays
from symderiv.kernels.array_memory import Memory, Places
from symderiv.kernels.array_steps import Operand, Step, Value
from symderiv.kernels.formula import ATOM, POWER, PRODUCT, SIGN, SUM
from symderiv.kernels.program import Statement

#: Operators: what stands left and right of them binds at least so tightly.
_INFIX = {
    "add": ("+", SUM, PRODUCT), "subtract": ("-", SUM, PRODUCT),
    "multiply": ("*", PRODUCT, SIGN), "divide": ("/", PRODUCT, POWER),
}  # fmt: skip
_COMMUTE = ("add", "multiply")
#: A longer line with its comment, inside of a function, is broken.
_WIDTH = 90


class ArrayCode:
    """Writes the steps of one function.

    Parameters
    ----------
    arrays
        The names of the function.
    statements
        What the steps come from.
    steps
        All steps, in order.
    own
        The arrays that have a name in the problem.
    """

    def __init__(
        self, arrays: Arrays, statements: Sequence[Statement], steps: Sequence[Step], own: Collection[str]
    ) -> None:
        self.arrays, self.names, self.steps = arrays, arrays.names, steps
        finals = {step.value.statement: step.value for step in steps if step.value and step.value.final}
        results = {each.name: each.indices for each in statements if each.stored and each.name in finals}
        self._places = Places(steps, results)
        self._memory = self._places.of
        self._finals = finals
        self._statements = {each.name: each for each in statements}
        self._own = {*own, *results}
        self._parts: dict[Memory, str] = {}
        self._bound = {self.names[memory.result]: memory for memory in self._memory.values() if memory.result}

    def lines(self) -> list[str]:
        """The lines of code, in order."""
        lines: list[str] = []
        for step in self.steps:
            lines += self._step(step)
        return self._with_places(lines)

    def _with_places(self, lines: list[str]) -> list[str]:
        """The places of an axis by a name, where they are needed more than once."""
        found = Counter(part for line in lines for part in re.findall(r"np\.arange\(\w+\)", line))
        head = []
        for code, count in found.items():
            if count > 1:
                name = self.names.give(f"@{code}", f"places_{code[10:-1]}")
                head.append(f"{name} = {code}")
                lines = [line.replace(code, name) for line in lines]
        return [*head, *lines]

    def _name(self, value: Value) -> str:
        """The variable that a value is called by."""
        over = self._places.goes_into(value) if self._is_passing(value) else None
        if over is not None:
            return self._name(over)
        if value.final:
            return self.names[value.statement]
        memory = self._memory[value]
        if memory.result:
            return self.names[memory.result]
        final = self._finals.get(value.statement)
        if final is not None and self._memory[final] is memory:
            return self.names[value.statement]
        if memory not in self._parts:
            self._parts[memory] = self.names.give(f"@part {len(self._parts)}", "part")
        return self._parts[memory]

    def _is_passing(self, value: Value) -> bool:
        """Whether a value has no name of the problem's own."""
        return not value.final or value.statement not in self._own

    def _text(self, operand: Operand, at_least: int = 0) -> str:
        if isinstance(operand, Value):
            return self._name(operand)
        return f"({operand.code})" if operand.strength < at_least else operand.code

    def _filled(self, code: str, operands: Sequence[Operand]) -> str:
        for place, operand in enumerate(operands):
            code = code.replace(f"{{{place}}}", self._text(operand))
        return code

    # -- steps ------------------------------------------------------------------------------

    def _step(self, step: Step) -> list[str]:
        statement = step.statement
        assert statement is not None
        if step.kind == "lines":
            lines = list(step.lines)
        elif step.value is None:
            lines = [f"{step.lines[0]} = {self._filled(step.function, step.operands)}"]
        else:
            lines = self._assigned(step, step.value)
        value = step.value
        named = value is None or (value.final and self._name(value) == self.names[value.statement])
        last = step.kind != "lines" and named
        if not last or not lines:
            return lines
        return self._commented(lines, statement if value is None else self._statements[value.statement])

    def _commented(self, lines: list[str], statement: Statement) -> list[str]:
        """The lines with what the array is, and why it is there."""
        shape = f"[{', '.join(index.axis for index in statement.indices)}]" if statement.indices else "scalar"
        said = f"{shape}: {statement.comment}" if statement.comment else shape
        if statement.stored:
            said = statement.comment
        if not said:
            return lines
        if len(lines[-1]) + len(said) > _WIDTH:
            return [f"# {self.names[statement.name]}, {said}", *lines]
        return [*lines[:-1], f"{lines[-1]}  # {said}"]

    def _assigned(self, step: Step, value: Value) -> list[str]:
        name, memory = self._name(value), self._memory[value]
        held = next((each for each, where in reversed(self._bound.items()) if where is memory), "")
        is_new = not held
        over = [
            place
            for place, each in enumerate(step.operands)
            if isinstance(each, Value) and self._memory[each] is memory
        ]
        here = self._bound.get(name) is memory
        self._bound[name] = memory
        target = name if here else held
        prefix = "" if here else f"{name} = "
        match step.kind:
            case "formula":
                code = self._filled(step.function, step.operands)
                return [f"{name}[...] = {code}" if here else f"{name} = {code}"]
            case "into":
                call = self._filled(step.alone if is_new else step.function, step.operands)
                if is_new:
                    return [f"{name} = {call}"]
                if step.shape:
                    same = [] if name == target else [f"{name} = {target}"]
                    return [f"{call}, out={target}{step.shape})", *same]
                return [f"{prefix}{call}, out={target})"]
            case "choice":
                return self._choice(step, name, target, is_new, bool(over))
            case _ if step.function == "copy" and prefix and target and not over:
                return [f"{target}[...] = {self._text(step.operands[0], ATOM)}", f"{name} = {target}"]
            case _:
                return [self._entrywise(step, name, target, prefix, over)]

    def _entrywise(self, step: Step, name: str, target: str, prefix: str, over: list[int]) -> str:
        operands, function = step.operands, step.function
        if function == "copy":
            code = self._text(operands[0], ATOM)
            if over:
                return f"{name} = {code}"
            return f"{target}[...] = {code}" if target else f"{name} = {code}.copy()"
        if function in _INFIX:
            sign, left, right = _INFIX[function]
            first, second = operands
            if not target:
                return f"{name} = {self._text(first, left)} {sign} {self._text(second, right)}"
            if 0 in over and not prefix and self._text(first) == name:
                return f"{name} {sign}= {self._text(second)}"
            if over == [1] and function in _COMMUTE and not prefix and self._text(second) == name:
                return f"{name} {sign}= {self._text(first)}"
        given = ", ".join(self._text(each) for each in operands)
        return (
            f"{prefix}np.{function}({given}, out={target})" if target else f"{name} = np.{function}({given})"
        )

    def _choice(self, step: Step, name: str, target: str, is_new: bool, over: bool) -> list[str]:
        then, otherwise, mask = (self._text(each) for each in step.operands)
        if is_new:
            plain = step.function
            both = f"{plain}, {then}, {otherwise}" if plain else f"{mask}, {otherwise}, {then}"
            return [f"{name} = np.where({both})"]
        lines = [] if over else [f"np.copyto({target}, {then})"]
        lines.append(f"np.copyto({target}, {otherwise}, where={mask})")
        return lines if target == name else [*lines, f"{name} = {target}"]
