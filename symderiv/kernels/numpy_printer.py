"""From statements to NumPy: whole arrays, in place, products of matrices by BLAS."""

from __future__ import annotations

from collections.abc import Sequence

from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Entry, Expression, Index, IndexTerm
from symderiv.expression.traverse import walk
from symderiv.kernels.array_code import ArrayCode
from symderiv.kernels.array_elementwise import Elementwise
from symderiv.kernels.array_formula import (
    ArrayFormula,
    Arrays,
    einsum_letters,
    plain_letters,
)
from symderiv.kernels.array_ready import plain
from symderiv.kernels.array_rows import by_rows, rows_of
from symderiv.kernels.array_steps import Steps, Value
from symderiv.kernels.array_sums import Reductions
from symderiv.kernels.cases import Case
from symderiv.kernels.common_factors import with_cases_apart
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.names import NameTable
from symderiv.kernels.printed import PrintedFunction
from symderiv.kernels.program import Statement
from symderiv.kernels.scaling import with_scalings_inside
from symderiv.kernels.scatter import Scatter
from symderiv.notation.text import index_to_text


def print_numpy(lowered: Lowered, names: NameTable, kernel: str) -> PrintedFunction:
    """The body of one function, as array statements; for blocks of samples, where they are independent."""
    labels = [argument.name for argument in lowered.spec.arguments if argument.kind == "label"]
    statements = with_cases_apart(with_scalings_inside(lowered.statements), lowered.spec.batch)
    for statement in statements:
        names.give(statement.name)
    printer = NumpyPrinter(Arrays(names, labels), statements, lowered)
    lines = printer.lines()
    short = plain(lowered, names)
    helpers = printer.helpers | (short.helpers if short is not None else set())
    rows = rows_of(lowered, statements, printer.passes)
    if rows is None:
        return PrintedFunction(lines, helpers=helpers, plain=short, quiet=lowered.limits)
    lines, code = by_rows(lowered, names, rows, lines, kernel.replace("_kernel", "_rows"))
    helpers |= {"blocks"} | ({"columns"} if rows.columns else set())
    return PrintedFunction(lines, code, helpers, plain=short, quiet=lowered.limits)


class NumpyPrinter:
    """Prints the statements of one function.

    Parameters
    ----------
    arrays
        The names of the function.
    statements
        What it computes, in order.
    lowered
        The function.
    """

    def __init__(self, arrays: Arrays, statements: Sequence[Statement], lowered: Lowered) -> None:
        self.own = lowered.definitions
        self.arrays, self.names = arrays, arrays.names
        self.statements = statements
        self.steps = Steps(arrays, statements)
        self.elementwise = Elementwise(self.steps, statements, lowered.shifted_arrays)
        self.reductions = Reductions(self.steps, self.elementwise, self._target)
        self.passes = 0

    @property
    def helpers(self) -> set[str]:
        """The helper functions that the code uses."""
        return self.arrays.helpers

    def lines(self) -> list[str]:
        """The lines of code, in order."""
        for statement in self.statements:
            self.steps.start(statement)
            self._statement(statement)
        self.passes = sum(step.value is not None for step in self.steps.all)
        return ArrayCode(self.arrays, self.statements, self.steps.all, self.own).lines()

    def _statement(self, statement: Statement) -> None:
        if statement.scatter is not None:
            nodes = [statement.body]
            self.steps.lines(self._scattered(statement, statement.scatter), *nodes)
            return
        early = self._early_cases(statement)
        if statement.reduce:
            self.reductions.reduction(statement)
        else:
            self._elementwise(statement)
        for case in statement.cases:
            self._case(statement, case, early.get(case, ""))

    def _target(self, statement: Statement) -> str:
        name = self.names[statement.name]
        return f"{name}[...]" if statement.stored else name

    def _elementwise(self, statement: Statement) -> None:
        full = set(statement.indices) <= set(free_indices(statement.body))
        if self.steps.is_small(statement.indices) or not full:
            text = ArrayFormula(self.arrays, statement.indices).text(statement.body)
            if not full and not statement.stored:  # an array that lacks axes would not be summed along them
                sizes = ", ".join(self.arrays.size(index.axis) for index in statement.indices)
                text = f"np.full(({sizes}{',' if len(statement.indices) == 1 else ''}), {text}, dtype)"
            self.steps.small(self._target(statement), text, statement.body)
            return
        made = self.elementwise.evaluated(statement.body, statement.indices)
        if isinstance(made, Value) and not made.final and not statement.stored:
            made.statement = statement.name  # it may have been made for an earlier one
        elif not isinstance(made, Value) or made.final or made.statement != statement.name:
            made = self.steps.copied(made, statement.indices)
        self.steps.finish(made)

    # -- cases and scattered sums -----------------------------------------------------------

    def _early_cases(self, statement: Statement) -> dict[Case, str]:
        """Values of cases that need what the result may be written over: they are computed before it."""
        names: dict[Case, str] = {}
        for case in statement.cases:
            if not statement.indices or not self.steps.reads(case.body):
                continue
            code, _, _ = self._case_code(statement, case)
            labels = [place.array for _, place in case.on if isinstance(place, Entry)]
            like = f"at_{'_'.join(labels)}" if labels else "on_diagonal"
            names[case] = self.names.give(f"@{statement.name} {case.on}", like)
            self.steps.lines([f"{names[case]} = {code}"], case.body)
        return names

    def _case_code(self, statement: Statement, case: Case) -> tuple[str, str, bool]:
        """The value of a case, the subscript or the axes of where it goes, and whether that is a diagonal."""
        replaced: dict[Index, IndexTerm] = dict(case.on)
        remaining = tuple(index for index in statement.indices if index not in replaced)
        if all(isinstance(place, Index) for place in replaced.values()):
            letters = einsum_letters(statement.indices)
            axes = ""
            for index in statement.indices:
                place = replaced.get(index, index)
                assert isinstance(place, Index)
                axes += letters[place]
            kept = "".join(letters[index] for index in remaining)
            return ArrayFormula(self.arrays, remaining).text(case.body), f"{axes}->{kept}", True
        target = Entry("", tuple(replaced.get(each, each) for each in statement.indices))
        subscript, letters_of_it = self.arrays.places(target)
        return ArrayFormula(self.arrays, letters_of_it).text(case.body), subscript, False

    def _case(self, statement: Statement, case: Case, value: str) -> None:
        code, where, diagonal = self._case_code(statement, case)
        name = self.names[statement.name]
        nodes = () if value else (case.body,)
        if diagonal:
            meant = ", ".join(f"{late.name} = {index_to_text(early)}" for late, early in case.on)
            lines = [
                f'diagonal = np.einsum("{where}", {name})  # a view, where {meant}',
                f"diagonal[...] = {value or code}",
            ]
        else:
            meant = " and ".join(f"{index.name} = {index_to_text(place)}" for index, place in case.on)
            lines = [f"{name}[{where}] = {value or code}  # where {meant}"]
        self.steps.lines(lines, *nodes)

    def _scattered(self, statement: Statement, scatter: Scatter) -> list[str]:
        """A sum whose terms are added at the places that labels name, those that meet included."""
        name = self.names[statement.name]
        moved = dict(scatter.at)
        inside = {index for label in moved.values() for index in free_indices(label)}
        # Axes that only the values have stay whole, where they come last.
        count = len(statement.indices)
        while count and statement.indices[count - 1] not in {*moved, *inside}:
            count -= 1
        lead = tuple(
            dict.fromkeys((*scatter.over, *(i for i in statement.indices[:count] if i not in moved)))
        )
        places = ArrayFormula(self.arrays, _stored_order(lead, (statement.body, *moved.values())))
        subscripts = [places.place(moved.get(index, index)) for index in statement.indices[:count]]
        subscript = subscripts[0] if count == 1 else f"({', '.join(subscripts)})"
        values = ArrayFormula(self.arrays, (*places.order, *statement.indices[count:])).text(statement.body)
        sizes = ", ".join(self.arrays.size(index.axis) for index in statement.indices)
        start = f"{name}[...] = 0"
        if not statement.stored:
            start = f"{name} = np.zeros(({sizes}{',' if len(statement.indices) == 1 else ''}), dtype)"
        meant = ", ".join(f"{index.name} = {index_to_text(label)}" for index, label in scatter.at)
        return [start, f"np.add.at({name}, {subscript}, {values})  # where {meant}"]


def _stored_order(letters: tuple[Index, ...], bodies: Sequence[Expression]) -> tuple[Index, ...]:
    """The letters in the order of the first array that has them all, so that nothing is turned."""
    for body in bodies:
        for _, part in walk(body):
            if isinstance(part, Entry) and set(letters) <= set(plain_letters(part)):
                return tuple(dict.fromkeys(index for index in plain_letters(part) if index in letters))
    return letters
