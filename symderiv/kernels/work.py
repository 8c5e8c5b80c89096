"""What is to be scheduled: statements, the arrays they are given and fill, and where each value is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symderiv.expression.nodes import Call, Entry, Expression, Index, IndexTerm
from symderiv.expression.traverse import map_children
from symderiv.kernels.errors import KernelError
from symderiv.kernels.function_spec import WEIGHT
from symderiv.kernels.loop_program import EXP_OF_NEGATIVE, Buffer, Parameter
from symderiv.kernels.lowering import Lowered
from symderiv.kernels.program import Statement


@dataclass(frozen=True)
class Work:
    """What one loop program does.

    Attributes
    ----------
    name
        What the function is called.
    parameters
        The arguments, then the results.
    statements
        In an order that can be run.
    batch
        The letter of the samples, or None.
    shifted_arrays
        The arrays that hold exponentials of exponents less their maximum, and logarithms of their sums.
    shifts
        The maxima that are only subtracted from the exponents that they are taken of.
    sizes
        The axes whose size is known beforehand.
    """

    name: str
    parameters: tuple[Parameter, ...]
    statements: tuple[Statement, ...]
    batch: Index | None
    shifted_arrays: frozenset[str] = frozenset()
    shifts: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)


def work_of(lowered: Lowered) -> Work:
    """All that one function does."""
    spec = lowered.spec
    parameters = (
        *(
            Parameter(each.name, each.axes, "label" if each.kind == "label" else "real")
            for each in spec.arguments
        ),
        *((Parameter(WEIGHT, ()),) if lowered.weighted else ()),
        *(Parameter(each.name, each.axes, is_result=True) for each in spec.results),
    )
    known = (lowered.shifted_arrays, lowered.shifts, lowered.sizes)
    return Work(spec.name, parameters, lowered.statements, spec.batch, *known)


class Storage:
    """Where the values of statements are kept: what belongs to one sample lacks the samples' letter."""

    def __init__(self, work: Work) -> None:
        self.batch, self.shifted_arrays, self.shifts = work.batch, work.shifted_arrays, work.shifts
        self.results = {each.name for each in work.parameters if each.is_result}
        #: What is stored for one sample only.
        self.rows = {
            each.name
            for each in work.statements
            if self.batch in each.indices and each.name not in self.results
        }

    def buffer(self, each: Statement) -> Buffer:
        """The memory of an intermediate."""
        return Buffer(each.name, self.own(each), each.name in self.rows)

    def own(self, statement: Statement) -> tuple[Index, ...]:
        """The letters of a statement's storage: without the batch letter in a row buffer."""
        return tuple(index for index in statement.indices if statement.stored or index != self.batch)

    def target(self, each: Statement, terms: Sequence[IndexTerm] | None = None) -> Entry:
        """Where a statement's value goes: at its letters, or at the given terms for them."""
        pairs = zip(terms or each.indices, each.indices, strict=True)
        return Entry(each.name, tuple(term for term, index in pairs if each.stored or index != self.batch))

    def value(self, each: Statement) -> Expression:
        """The formula of a statement; an exponential of a shifted exponent is one of 0 at most."""
        body = each.body
        if each.name in self.shifted_arrays and isinstance(body, Call) and body.function == "exp":
            body = Call(EXP_OF_NEGATIVE, body.arguments)
        return self.stored(body)

    def stored(self, node: Expression) -> Expression:
        """A formula whose entries are places in storage."""
        if isinstance(node, Entry):
            if node.array not in self.rows:
                return node
            if node.indices[:1] != (self.batch,):
                raise KernelError("An entry of another sample cannot be emitted.")
            return Entry(node.array, node.indices[1:])
        return map_children(node, self.stored)

    def is_over_batch(self, each: Statement) -> bool:
        """Whether a statement is a sum over the samples."""
        if self.batch is None:
            return False
        return self.batch in each.scatter.over if each.scatter is not None else self.batch in each.summed
