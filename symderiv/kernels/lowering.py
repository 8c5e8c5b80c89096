"""From a function's specification to the statements that compute it, in stable form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from symderiv.expression.nodes import Call, Definition, Where
from symderiv.expression.traverse import walk
from symderiv.kernels.complements import rewrite_complements
from symderiv.kernels.extrema import ExtremaNamer
from symderiv.kernels.formula import is_constant
from symderiv.kernels.function_spec import WEIGHT, FunctionSpec
from symderiv.kernels.joined_sums import with_sums_joined
from symderiv.kernels.logistic import rewrite_logistic
from symderiv.kernels.program import Statement, Wanted, lower
from symderiv.kernels.shared_calls import with_calls_shared
from symderiv.kernels.stabilise import Stabiliser
from symderiv.problem import names_in

#: Functions that overflow, or have a pole, at finite arguments.
_UNSAFE = ("exp", "log", "sinh", "cosh", "tan", "gamma", "log_gamma", "digamma")


@dataclass(frozen=True)
class Lowered:
    """A function and the statements that compute its results.

    `definitions` are the intermediates in stable form, which the statements were made from;
    `limits` says whether a value may reach -inf or underflow on its way, as it should; `shifted`
    whether there are exponentials and logarithms, each of them of exponents less their maximum;
    `shifted_arrays` are those that hold such exponentials, and the logarithms of their sums.
    `shifts` are the maxima that are only subtracted from the exponents that they are taken of;
    `sizes` are those of axes that are known beforehand; what is made is for them only.
    """

    spec: FunctionSpec
    statements: tuple[Statement, ...]
    definitions: dict[str, Definition]
    trees: tuple[Wanted, ...]
    limits: bool
    shifted: bool
    shifted_arrays: frozenset[str] = frozenset()
    shifts: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def weighted(self) -> bool:
        """Whether it needs the weight that each sample has in a reduced loss."""
        return any(WEIGHT in names_in(body) for each in self.statements for body in each.bodies())


def lower_function(spec: FunctionSpec, sizes: Mapping[str, int] | None = None) -> Lowered:
    """Stabilise and lower one function, for axes of any size but those in `sizes`.

    Raises
    ------
    KernelError
        If something in it has no lowering.
    """
    given = {argument.name for argument in spec.arguments}
    definitions = _needed(spec, given)
    taken = given | set(spec.definitions) | {result.name for result in spec.results} | {WEIGHT}
    extrema = ExtremaNamer(dict(definitions), taken, spec.batch)
    trees = [extrema.rewrite(result.tree) for result in spec.results]
    definitions = {
        **{name: replace(each, body=extrema.rewrite(each.body)) for name, each in definitions.items()},
        **extrema.added,
    }
    trees = [rewrite_logistic(tree, definitions) for tree in trees]
    definitions = {
        name: replace(each, body=rewrite_logistic(each.body, definitions))
        for name, each in definitions.items()
    }
    stabiliser = Stabiliser(definitions, taken, infinite=frozenset(spec.exponents), saved=spec.saved)
    stable = {
        name: Definition(name, each.indices, stabiliser.rewrite(each.body))
        for name, each in definitions.items()
    }
    trees = [stabiliser.rewrite(tree) for tree in trees]
    stable |= stabiliser.added
    stable = {
        name: replace(each, body=rewrite_complements(each.body, stable)) for name, each in stable.items()
    }
    wanted = tuple(
        Wanted(result.name, result.indices, rewrite_complements(tree, stable))
        for result, tree in zip(spec.results, trees, strict=True)
    )
    statements = lower(wanted, stable, [*given, WEIGHT], stabiliser.comments, spec.batch)
    statements = with_sums_joined(statements, spec.batch)
    statements = with_calls_shared(statements, spec.batch, taken)
    limits = any(
        isinstance(part, Where) or (isinstance(part, Call) and part.function in ("exp", "log", "log_ratio"))
        for statement in statements
        for body in statement.bodies()
        for _, part in walk(body)
    )
    shifted = _is_shifted(statements, stabiliser.shifted)
    used = {axis for argument in spec.arguments for axis in (*argument.axes, argument.label_of)}
    known = {axis: size for axis, size in (sizes or {}).items() if axis in used}
    return Lowered(
        spec, statements, stable, wanted, limits, shifted, stabiliser.shifted, stabiliser.shifts, known
    )


def _is_shifted(statements: Sequence[Statement], shifted: frozenset[str]) -> bool:
    """Whether functions that may overflow or have a pole stand only in the arrays `shifted`."""
    found = False
    for statement in statements:
        for body in statement.bodies():
            for _, part in walk(body):
                if isinstance(part, Call) and part.function in _UNSAFE and not is_constant(part):
                    if statement.name not in shifted:
                        return False
                    found = True
    return found


def _needed(spec: FunctionSpec, given: set[str]) -> dict[str, Definition]:
    """The definitions that the results rest on, in the order of the file."""
    needed: set[str] = set()
    todo = [name for result in spec.results for name in names_in(result.tree)]
    while todo:
        name = todo.pop()
        if name in needed or name in given or name not in spec.definitions:
            continue
        needed.add(name)
        todo += names_in(spec.definitions[name].body)
    return {name: each for name, each in spec.definitions.items() if name in needed}
