"""From statements to loops for Numba: one loop over the batch, passes over the axes inside it.

What belongs to one sample lives in a row buffer or a local variable. A sum is hoisted to where its
free letters are bound; formulas over the same axis that need nothing complete of each other share
a pass (exp and its sum, for one).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symderiv.expression.construct import coefficient_and_rest, multiply
from symderiv.expression.indices import rename
from symderiv.expression.nodes import (
    MINUS_ONE,
    Add,
    Call,
    Compare,
    Delta,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    PlaceTerm,
    Position,
    Shift,
    Size,
)
from symderiv.expression.shifts import is_within
from symderiv.expression.traverse import compared_values, walk
from symderiv.kernels.errors import KernelError
from symderiv.kernels.formula import ATOM, SUM, Formula, Piece, exact, shifted_place
from symderiv.kernels.function_spec import WEIGHT
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.program import Statement
from symderiv.kernels.python_functions import FUNCTION_IN_MATH, constant_value
from symderiv.kernels.scatter import Scatter
from symderiv.kernels.windows import window_of
from symderiv.problem import names_in

#: Helpers that are given the number 1 in the dtype in use, since a literal would change it.
_GIVEN_ONE = ("sigmoid", "softplus", "relu", "step", "sign")
_INDENT = "    "


def print_numba(lowered: Lowered, names: NameTable, kernel: str) -> PrintedFunction:
    """The kernel of one function, and the call of it."""
    return _Kernel(lowered, names).printed(kernel)


@dataclass
class _Pass:
    """One loop over an axis: what is set before it, done in it, and known after it."""

    letter: Index
    before: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    complete: set[str] = field(default_factory=set)
    comments: list[str] = field(default_factory=list)


class _Kernel:
    """Prints one kernel."""

    def __init__(self, lowered: Lowered, names: NameTable) -> None:
        self.lowered, self.spec, self.names = lowered, lowered.spec, names
        self.batch = lowered.spec.batch
        self.helpers: set[str] = set()
        self.given = {argument.name for argument in self.spec.arguments}
        self.results = {result.name for result in self.spec.results}
        self.rows = {
            each.name
            for each in lowered.statements
            if self.batch in each.indices and each.name not in self.results
        }
        self.scalars: set[str] = set()

    def printed(self, kernel: str) -> PrintedFunction:
        """The lines of the kernel and of the call."""
        shared, row, after = self._sections()
        buffers = self._buffers()
        body = self._passes(shared, 0)
        totals = [each for each in row if self._over_batch(each)]
        for each in totals:
            body += self._zeroed(each)
        if row:
            assert self.batch is not None
            body.append(f"for {self.letter(self.batch)} in range({self.size(self.batch.axis)}):")
            body += [_INDENT + line for line in self._passes(row, 1)]
        body += self._passes(after, 0)
        weighted = any(
            WEIGHT in names_in(inner) for each in self.lowered.statements for inner in each.bodies()
        )
        parameters = [self.names[argument.name] for argument in self.spec.arguments]
        parameters += [self.names[WEIGHT]] if weighted else []
        parameters += [self.names[result.name] for result in self.spec.results]
        head = self._head([*buffers, *body])
        lines = [f"def {kernel}({', '.join(parameters)}):"]
        lines.append(f'{_INDENT}"""The loops of {kernel.removeprefix("_").removesuffix("_kernel")}."""')
        lines += [_INDENT + line for line in (*head, *buffers, *body)]
        return PrintedFunction([f"{kernel}({', '.join(parameters)})"], lines, self.helpers)

    def _sections(self) -> tuple[list[Statement], list[Statement], list[Statement]]:
        """What comes before, inside and after the loop over the batch."""
        shared: list[Statement] = []
        row: list[Statement] = []
        after: list[Statement] = []
        late: set[str] = set()
        for each in self.lowered.statements:
            uses = {name for inner in each.bodies() for name in names_in(inner)}
            if self.batch is not None and self.batch in each.letters:
                if uses & late:
                    raise KernelError(
                        "A formula that needs a sum over the batch for each sample cannot be emitted."
                    )
                row.append(each)
                if self._over_batch(each):
                    late.add(each.name)
            elif uses & late:
                after.append(each)
                late.add(each.name)
            else:
                shared.append(each)
        return shared, row, after

    # -- names, sizes, buffers --------------------------------------------------------------

    def letter(self, index: Index) -> str:
        """The loop variable of an index; the batch's is called row."""
        if index == self.batch:
            return "row"
        return self.names.give(f"index {index.name} over {index.axis}", index.name)

    def size(self, axis: str) -> str:
        """The name of an axis' size, as an integer."""
        return self.names[f"size of {axis}"]

    def own(self, statement: Statement) -> tuple[Index, ...]:
        """The letters of a statement's storage: without the batch letter in a row buffer."""
        return tuple(index for index in statement.indices if statement.stored or index != self.batch)

    def _head(self, code: list[str]) -> list[str]:
        """Sizes and the dtype, where the code uses them."""
        text = "\n".join(code)
        lines = []
        if re.search(r"\breal\b", text):
            lines.append(
                f"real = {self.names[self.spec.results[0].name]}.dtype.type  # keeps literals narrow"
            )
        seen: set[str] = set()
        for argument in self.spec.arguments:
            for number, axis in enumerate(argument.axes):
                name = self.size(axis)
                if axis not in seen and re.search(rf"\b{name}\b", text):
                    lines.append(f"{name} = {self.names[argument.name]}.shape[{number}]")
                seen.add(axis)
        return lines

    def _buffers(self) -> list[str]:
        """The arrays that hold intermediates: of one row, where they belong to a sample."""
        lines = []
        dtype = f"{self.names[self.spec.results[0].name]}.dtype"
        for each in self.lowered.statements:
            own = self.own(each)
            if each.stored:
                continue
            if not own:
                self.scalars.add(each.name)
                continue
            sizes = [self.size(index.axis) for index in own]
            shape = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
            of = "of one sample" if each.name in self.rows else "of all samples"
            lines.append(f"{self.names[each.name]} = np.empty({shape}, {dtype})  # {of}")
        return lines

    # -- passes -----------------------------------------------------------------------------

    def _passes(self, statements: Sequence[Statement], _: int) -> list[str]:
        """Loops for the statements, one pass for several where that is allowed."""
        lines: list[str] = []
        current: _Pass | None = None
        for each in statements:
            joined = self._joined(current, each)
            if joined is not None:
                current = joined
                continue
            if current is not None:
                lines += self._closed(current)
                current = None
            loop = self._single_loop(each)
            if loop is not None:
                current = self._opened(each, loop)
            else:
                lines += self._nested(each)
        return lines + (self._closed(current) if current is not None else [])

    def _over_batch(self, each: Statement) -> bool:
        """Whether a statement is a sum over the samples."""
        if self.batch is None:
            return False
        return self.batch in each.scatter.over if each.scatter is not None else each.reduced == self.batch

    def _single_loop(self, each: Statement) -> Index | None:
        """The letter of a statement that is one loop: elementwise over it, or a reduction to a scalar."""
        if each.cases or each.scatter is not None or self._over_batch(each):
            return None
        letters = tuple(index for index in each.indices if index != self.batch)
        if each.reduced is None:
            return letters[0] if len(letters) == 1 else None
        return each.reduced if not letters else None

    def _joined(self, current: _Pass | None, each: Statement) -> _Pass | None:
        """The pass with a further statement in it, if that needs nothing the pass completes."""
        loop = self._single_loop(each)
        if current is None or loop is None or loop.axis != current.letter.axis:
            return None
        moved = self._with_letter(each, loop, current.letter)
        for inner in moved.bodies():
            for _, part in walk(inner):
                if isinstance(part, Entry) and part.array in current.complete:
                    if part.array in self.scalars or part.array in self.results:
                        return None
                    if part.indices[-1:] != (current.letter,):
                        return None
        self._put(current, moved)
        return current

    def _with_letter(self, each: Statement, old: Index, new: Index) -> Statement:
        if old == new:
            return each
        from dataclasses import replace

        return replace(
            each,
            indices=tuple(new if index == old else index for index in each.indices),
            body=rename(each.body, {old: new}),
            reduced=new if each.reduced == old else each.reduced,
        )

    def _opened(self, each: Statement, loop: Index) -> _Pass:
        opened = _Pass(loop)
        self._put(opened, each)
        return opened

    def _put(self, into: _Pass, each: Statement) -> None:
        formula = LoopFormula(self)
        target = self.target(each)
        into.complete.add(each.name)
        if each.comment:
            into.comments.append(f"# {target}: {each.comment}")
        if each.reduced is None:
            into.inside += formula.assigned(target, each.body)
            return
        into.before.append(f"{target} = {_start(each.reduce)}")
        into.inside += _step(each.reduce, target, formula.text(each.body))

    def _closed(self, done: _Pass) -> list[str]:
        return [
            *done.comments,
            *done.before,
            f"for {self.letter(done.letter)} in range({self.size(done.letter.axis)}):",
            *(_INDENT + line for line in done.inside),
        ]

    def target(self, each: Statement) -> str:
        """Where a statement's value goes."""
        return self.stored_at(each, each.indices)

    def stored_at(self, each: Statement, terms: Sequence[IndexTerm]) -> str:
        """The place of a statement's storage at the given terms for its letters."""
        kept = [
            LoopFormula(self).place(term)
            for term, index in zip(terms, each.indices, strict=True)
            if each.stored or index != self.batch
        ]
        name = self.names[each.name]
        if kept:
            return f"{name}[{', '.join(kept)}]"
        return f"{name}[()]" if each.stored else name

    def _zeroed(self, each: Statement) -> list[str]:
        """A sum over the batch starts from 0 before the loop over the batch."""
        if each.reduce != "sum":
            raise KernelError(f"A {each.reduce} over the batch cannot be emitted.")
        return self._loops(each.indices, [f"{self.target(each)} = {_start('sum')}"])

    def _loops(self, letters: Sequence[Index], inside: list[str]) -> list[str]:
        lines = inside
        for index in reversed(letters):
            if index == self.batch:
                continue
            lines = [
                f"for {self.letter(index)} in range({self.size(index.axis)}):",
                *(_INDENT + line for line in lines),
            ]
        return lines

    def _nested(self, each: Statement) -> list[str]:
        """A statement that is more than one loop, or none."""
        formula = LoopFormula(self)
        lines = [f"# {each.comment}"] if each.comment else []
        text, target = formula.text(each.body), self.target(each)
        if each.scatter is not None:
            return lines + self._scattered(each, each.scatter, text)
        if self._over_batch(each):
            return [*lines, *self._loops(each.indices, _step("sum", target, text))]
        if each.reduced is None:
            lines += self._loops(each.indices, formula.assigned(target, each.body))
            return lines + self._cases(each)
        step = _step(each.reduce, target, text)
        if self._accumulates(each):
            # The last index of the arrays innermost: memory is walked in order.
            lines += self._loops(each.indices, [f"{target} = {_start(each.reduce)}"])
            return lines + self._loops((each.reduced, *each.indices), step)
        window = None
        if each.reduce == "sum":
            window = window_of(each.body, each.reduced, formula.place, self.size)
        if window is None:
            inner = self._loops((each.reduced,), _step(each.reduce, "total", text))
        else:
            text = LoopFormula(self, window.inside).text(each.body)
            head = f"for {self.letter(each.reduced)} in range({window.start}, {window.stop}):"
            inner = [head, *(_INDENT + line for line in _step("sum", "total", text))]
        return lines + self._loops(
            each.indices, [f"total = {_start(each.reduce)}", *inner, f"{target} = total"]
        )

    def _scattered(self, each: Statement, scatter: Scatter, text: str) -> list[str]:
        """A sum whose terms are added at the places that labels name."""
        moved = dict(scatter.at)
        terms = [moved.get(index, index) for index in each.indices]
        rest = [index for index in each.indices if index not in moved]
        start = (
            []
            if self._over_batch(each)
            else self._loops(each.indices, [f"{self.target(each)} = {_start('sum')}"])
        )
        return start + self._loops((*scatter.over, *rest), _step("sum", self.stored_at(each, terms), text))

    def _accumulates(self, each: Statement) -> bool:
        for _, part in walk(each.body):
            if isinstance(part, Entry) and len(part.indices) > 1 and each.reduced in part.indices:
                last = part.indices[-1]
                if last != each.reduced and last in each.indices and last != self.batch:
                    return True
        return False

    def _cases(self, each: Statement) -> list[str]:
        """The places where a Kronecker delta is 1."""
        lines: list[str] = []
        for case in each.cases:
            on = dict(case.on)
            terms = [on.get(index, index) for index in each.indices]
            remaining = [index for index in each.indices if index not in on]
            text = LoopFormula(self).text(case.body)
            lines += self._loops(remaining, [f"{self.stored_at(each, terms)} = {text}"])
        return lines


class LoopFormula(Formula):
    """Formulas of one entry, inside the loops over its letters."""

    def __init__(self, kernel: _Kernel, inside: frozenset[Shift] = frozenset()) -> None:
        self.kernel = kernel
        self.inside = inside  # shifted places that are known to exist

    def piece(self, node: Expression) -> Piece:
        """As elsewhere, but no sign and no sum is left outside of a logarithm of a share.

        There, the compiler may turn -(a - b) into b - a, or c - (a - b) into c + (b - a), with the
        licence of the loops around it, and then regroup what must stay together.
        """
        if isinstance(node, Multiply) and coefficient_and_rest(node)[0] < 0:
            for number, factor in enumerate(node.factors):
                factors = list(node.factors)
                if isinstance(factor, Call) and factor.function == "log_ratio":
                    factors[number] = Call("minus_log_ratio", factor.arguments)
                elif isinstance(factor, Add) and _has_log_ratio(factor):
                    factors[number] = Add(tuple(multiply(MINUS_ONE, term) for term in factor.terms))
                else:
                    continue
                return self.piece(multiply(MINUS_ONE, *factors))
        if isinstance(node, Add) and _has_log_ratio(node):
            self.kernel.helpers.add("exact_sum")
            first, *others = node.terms
            text = self.text(first)
            for term in others:
                text = f"_exact_sum({text}, {self.text(term)})"
            return text, ATOM
        return super().piece(node)

    def assigned(self, target: str, node: Expression) -> list[str]:
        """The lines of an assignment."""
        if _has_log_ratio(node):
            return [f"{target} = {self.text(node)}"]
        return super().assigned(target, node)

    def entry(self, node: Entry) -> str:
        """One entry: of an argument, a buffer, or a local variable."""
        terms = node.indices
        if node.array in self.kernel.rows:
            if terms[:1] != (self.kernel.batch,):
                raise KernelError("An entry of another sample cannot be emitted.")
            terms = terms[1:]
        name = self.kernel.names[node.array]
        if not terms:
            return name
        text = f"{name}[{', '.join(self.place(term) for term in terms)}]"
        inside = [
            f"0 <= {self.place(term)} < {self.kernel.size(term.axis)}"
            for term in terms
            if isinstance(term, Shift) and term not in self.inside
        ]
        return f"({text} if {' and '.join(inside)} else real(0))" if inside else text

    def place(self, term: IndexTerm) -> str:
        """A place, counted from 0."""
        match term:
            case Index():
                return self.kernel.letter(term)
            case Position(value, _):
                return str(value - 1)
            case Shift():
                return shifted_place(term, self.place)
            case Entry():
                return self.entry(term)

    def delta(self, node: Delta) -> str:
        """A comparison of places."""
        return f"(real(1) if {self.place(node.left)} == {self.place(node.right)} else real(0))"

    def size(self, axis: str) -> str:
        """The size of an axis, in the dtype of the arrays."""
        return f"real({self.kernel.size(axis)})"

    def literal(self, value: Fraction) -> Piece:
        """A number in the dtype of the arrays."""
        return (
            f"real({exact(abs(value)).strip('()')})" if value >= 0 else f"-real({exact(-value).strip('()')})",
            (ATOM if value >= 0 else SUM),
        )

    def constant(self, node: Expression, text: str) -> Piece:
        """A constant in the dtype of the arrays."""
        return f"real({constant_value(node, self.kernel.size)})", ATOM

    def function(self, name: str, arguments: list[str]) -> Piece:
        """A function that Numba compiles, or a helper of the module."""
        if name in ("log_ratio", "minus_log_ratio"):
            self.kernel.helpers.add(name)
            return f"_{name}({', '.join(arguments)})", ATOM
        if name == "minus_infinity":
            return "real(-np.inf)", ATOM
        if name in _GIVEN_ONE:
            self.kernel.helpers.add(name)
            return f"_{name}({', '.join(arguments)}, real(1))", ATOM
        if name in FUNCTION_IN_MATH:
            return f"math.{FUNCTION_IN_MATH[name]}({', '.join(arguments)})", ATOM
        if name in ("abs", "max", "min"):
            return f"{name}({', '.join(arguments)})", ATOM
        raise KernelError(f"The function {name} cannot be emitted.")

    def where(self, condition: Compare, then: str, otherwise: str) -> Piece:
        """A choice between two values."""
        if is_within(condition):
            assert isinstance(condition.left, PlaceTerm | Entry)
            assert isinstance(condition.right, Size)
            place, size = self.place(condition.left), self.kernel.size(condition.right.axis)
            return f"({then} if 0 <= {place} < {size} else {otherwise})", ATOM
        values = compared_values(condition)
        labels = {each.name for each in self.kernel.spec.arguments if each.kind == "label"}
        sides = (condition.left, condition.right)
        if values and not any(isinstance(side, Entry) and side.array in labels for side in sides):
            left, right = (self.text(value, SUM) for value in values)
        else:
            left, right = (self.place(side) if isinstance(side, PlaceTerm | Entry) else "" for side in sides)
        return f"({then} if {left} {condition.operator} {right} else {otherwise})", ATOM


def _has_log_ratio(node: Expression) -> bool:
    """Whether a logarithm of a share is a part of `node`."""
    return any(isinstance(part, Call) and part.function.endswith("log_ratio") for _, part in walk(node))


def _start(kind: str) -> str:
    return {"sum": "real(0)", "prod": "real(1)", "max": "real(-np.inf)", "min": "real(np.inf)"}[kind]


def _step(kind: str, target: str, text: str) -> list[str]:
    """One term into a reduction."""
    if kind == "sum":
        return [f"{target} += {text}"]
    if kind == "prod":
        return [f"{target} *= {text}"]
    sign = ">" if kind == "max" else "<"
    return [f"if {text} {sign} {target}:", f"{_INDENT}{target} = {text}"]
