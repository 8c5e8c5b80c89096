"""The engine: applies the rule tables in a fixed order and writes down every step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, count

from symderiv.calculus.assume import ASSUME
from symderiv.calculus.context import CalculusError, Context
from symderiv.calculus.contraction import contract_in_stages, known_contraction
from symderiv.calculus.derivation import Case, Contraction, Derivation, Rule, Step
from symderiv.calculus.derivative import is_given
from symderiv.calculus.differentiate import DIFFERENTIATE
from symderiv.calculus.factor import FACTOR
from symderiv.calculus.fractions import FRACTIONS
from symderiv.calculus.inverse import INVERSES, matrix_times_inverse
from symderiv.calculus.kinks import met, settled
from symderiv.calculus.opening import OPENING
from symderiv.calculus.recognise import NAME, REARRANGE, RECOGNISE
from symderiv.calculus.restricted import RESTRICTED
from symderiv.calculus.shares import logistic
from symderiv.calculus.simplify import LOCAL, SIMPLIFY
from symderiv.calculus.tidy import Arranger
from symderiv.expression.canonical import canonical
from symderiv.expression.construct import multiply
from symderiv.expression.indices import all_letters, fresh_index, rename
from symderiv.expression.nodes import (
    ZERO,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    Sum,
)
from symderiv.expression.traverse import Path, children, count_nodes, map_children, replace_at, walk
from symderiv.problem import Problem

#: A derivation with more steps than this is given up with an error.
MAX_STEPS = 2000
#: An expression with more nodes than this is given up with an error.
MAX_NODES = 20000

#: The most nodes that all expressions of one request may have together, lemmas included: some seconds.
MAX_WORK = 150_000

#: Every rule there is, in the order in which the phases use them.
RULES: tuple[Rule, ...] = (
    contract_in_stages,
    known_contraction,
    *OPENING,
    *DIFFERENTIATE[:3],
    *DIFFERENTIATE[4:],
    *INVERSES,
    matrix_times_inverse,
    *SIMPLIFY,
    *RESTRICTED,
    *RECOGNISE,
    logistic,
    *FRACTIONS,
    *FACTOR,
    *ASSUME,
)

_DEFINE_PARTS = "define parts by name, and ask for the derivatives of these"


@dataclass
class _Table:
    """The rules of one phase, by the kind of node they look at."""

    by_kind: dict[type, tuple[Rule, ...]]

    @staticmethod
    def of(rules: tuple[Rule, ...]) -> _Table:
        kinds = {kind for each in rules for kind in each.on}
        return _Table({kind: tuple(each for each in rules if kind in each.on) for kind in kinds})


_DIFFERENTIATE = _Table.of((known_contraction, *DIFFERENTIATE, *INVERSES))
#: Within one term first, so that what cancels is gone before a sum is taken apart.
_LOCAL = _Table.of(LOCAL)
_SIMPLIFY = _Table.of((matrix_times_inverse, *SIMPLIFY, *RESTRICTED))
_NAME = _Table.of((*NAME, logistic))
_REARRANGE = _Table.of((*REARRANGE, *FRACTIONS))
_FACTOR = _Table.of(FACTOR)
_ASSUME = _Table.of(ASSUME)


class Engine:
    """Derives for one problem; results by name are derived once and used again."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._arranger = Arranger(problem)
        self._known: dict[tuple[str, tuple[str, ...]], Derivation] = {}
        self._under_way: set[tuple[str, tuple[str, ...]]] = set()
        self._settled: dict[int, set[Expression]] = {}
        self._requests = 0
        self._work = 0

    def derive(self, of: Entry, by: tuple[Entry, ...]) -> Derivation:
        """The derivative of one entry by others, with every step."""
        self._check_variables(by)
        start = Derivative(of, by)
        context = self._context()
        steps: list[Step] = []
        with self._request():
            node = self._open(start, context, steps)
            node = self._reduce(node, context, steps)
            return self._finish(start, node, context, steps, ())

    def _check_variables(self, by: tuple[Entry, ...]) -> None:
        """Refuse a name after what it is built from: held as the variable, it no longer depends on that."""
        for place, entry in enumerate(by):
            for earlier in by[:place]:
                if earlier.array != entry.array and self.problem.depends(Entry(entry.array), earlier.array):
                    raise CalculusError(
                        f"{entry.array} depends on {earlier.array} and cannot be held fixed after it: "
                        f"differentiate by {entry.array} first"
                    )

    def contract(self, request: Contraction) -> Derivation:
        """A product with a derivative, simplified so that the derivative itself is never built."""
        output, variable = request.output, request.variable
        taken = {given.name for given in self.problem.inputs} | {d.name for d in self.problem.definitions}
        taken |= {each.name for each in self.problem.upstream}
        if request.kind == "vjp":
            name, along = request.carried or _unused("g", taken), output
            axes = self.problem.axes_of(output.array)
            derivative: Expression = Derivative(output, (variable,))
        elif request.kind == "jvp":
            name, along = request.carried or _unused("v", taken), variable
            axes = self.problem.axes_of(variable.array)
            derivative = Derivative(output, (variable,))
        elif request.kind == "hvp":
            name = request.carried or _unused("v", taken)
            axes = self.problem.axes_of(variable.array)
            along = self._renamed(variable, (output, variable))
            derivative = Derivative(output, (variable, along))
        else:
            raise CalculusError(f"expected a contraction among vjp, jvp, hvp, found {request.kind!r}")
        start: Expression = multiply(Entry(name, along.indices), derivative)
        for term in reversed(along.indices):
            if not isinstance(term, Index):
                raise CalculusError(f"expected index letters on {along.array}, found a fixed place")
            start = Sum(term, start)
        context, steps = self._context(), list[Step]()
        context.carried = name
        context.contracting = (request.kind, output.array, variable.array)
        with self._request():
            node = self._arranger.arrange(start)
            after = contract_in_stages.apply(node, context)
            if after is not None:
                node = self._record(contract_in_stages, (), node, after, context, steps)
            node = self._reduce(node, context, steps)
            return self._finish(start, node, context, steps, ((name, axes),))

    @contextmanager
    def _request(self) -> Iterator[None]:
        """Count the work of what is asked for; the lemmas that it needs are part of it."""
        if not self._requests:
            self._work = 0
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    def contracted(self, kind: str, output: str, variable: str) -> Derivation:
        """The product with the derivative of `output` by `variable`, for generic letters."""
        key = (f"{kind} {output}", (variable,))
        if key not in self._known:
            of, (by,) = self.generic(output, (variable,))
            self._known[key] = self.contract(Contraction(kind, of, by))
        return self._known[key]

    def known(self, array: str, by: tuple[str, ...]) -> Derivation:
        """The derivative of any entry of `array` by entries of other arrays, by name."""
        key = (array, by)
        if key not in self._known:
            if key in self._under_way:
                raise CalculusError(f"the derivative of {array} by {', '.join(by)} leads back to itself")
            self._under_way.add(key)
            self._known[key] = self.derive(*self.generic(array, by))
            self._under_way.discard(key)
        return self._known[key]

    def generic(self, array: str, by: tuple[str, ...]) -> tuple[Entry, tuple[Entry, ...]]:
        """Entries with distinct letters: those of the problem's own lines where it has some."""
        for expectation in self.problem.expectations:
            of = expectation.derivative.of
            if (
                isinstance(of, Entry)
                and of.array == array
                and tuple(entry.array for entry in expectation.derivative.by) == by
                and _plain(of, *expectation.derivative.by)
            ):
                return of, expectation.derivative.by
        definition = self.problem.definition(array)
        of = Entry(array, definition.indices if definition else ())
        entries: list[Entry] = []
        taken = {term.name for term in of.indices if isinstance(term, Index)}
        for name in by:
            indices: list[Index] = []
            for axis in self.problem.axes_of(name):
                letter = fresh_index(axis, taken, self.problem.letters_of(axis))
                taken.add(letter.name)
                indices.append(letter)
            entries.append(Entry(name, tuple(indices)))
        return of, tuple(entries)

    def _renamed(self, entry: Entry, avoid: tuple[Entry, ...]) -> Entry:
        taken = {letter for each in avoid for letter in all_letters(each)}
        indices: list[Index] = []
        for axis in self.problem.axes_of(entry.array):
            letter = fresh_index(axis, taken, self.problem.letters_of(axis))
            taken.add(letter.name)
            indices.append(letter)
        return Entry(entry.array, tuple(indices))

    def _context(self) -> Context:
        return Context(self.problem, self.known, self.contracted)

    def _open(self, start: Derivative, context: Context, steps: list[Step]) -> Expression:
        node = self._arranger.arrange(start)
        for each in OPENING:
            if is_given(start, context):
                break
            context.note = ""
            after = each.apply(node, context)
            if after is not None:
                return self._record(each, (), node, after, context, steps)
        return node

    def _reduce(self, node: Expression, context: Context, steps: list[Step]) -> Expression:
        node = self._run(_DIFFERENTIATE, node, context, steps)
        self._check_differentiated(node, context)
        seen: set[Expression] = set()
        while canonical(node) not in seen:
            seen.add(canonical(node))
            node = self._simplify(node, context, steps)
            after = self._run(_NAME, node, context, steps, once=True)
            if after is node:
                after = self._run(_REARRANGE, node, context, steps, once=True)
            node = after
            if canonical(node) not in seen:
                continue
            node = self._run(_FACTOR, node, context, steps)
        return node

    def _simplify(self, node: Expression, context: Context, steps: list[Step]) -> Expression:
        while True:
            node = self._run(_LOCAL, node, context, steps)
            after = self._run(_SIMPLIFY, node, context, steps, once=True)
            if after is node:
                return node
            node = after

    def _finish(
        self,
        start: Expression,
        node: Expression,
        context: Context,
        steps: list[Step],
        extra: tuple[tuple[str, tuple[str, ...]], ...],
    ) -> Derivation:
        lemmas = tuple(context.used)
        assumed_steps: list[Step] = []
        assumed: Expression | None = None
        if self.problem.assumptions:
            context.assumptions = self.problem.assumptions
            after = self._run(_ASSUME, node, context, assumed_steps)
            if context.assumed:
                context.assumptions = ()
                assumed = self._reduce(after, context, assumed_steps)
        found = Derivation(
            self.problem, start, tuple(steps), node, tuple(assumed_steps), assumed,
            tuple(context.assumed), lemmas, extra,
        )  # fmt: skip
        kinks = met(found)
        if not kinks:
            return found

        def simplify(value: Expression) -> Expression:
            return self._simplify(self._arranger.arrange(value), self._context(), [])

        return replace(found, kinks=settled(kinks, start, found.form, simplify))

    def _run(
        self, table: _Table, node: Expression, context: Context, steps: list[Step], once: bool = False
    ) -> Expression:
        """Apply the rules of one phase, outermost node first, until none applies (or `once`)."""
        # What a rule says of a part depends on the problem alone, but for assumptions and products.
        lasting = table is not _DIFFERENTIATE and table is not _ASSUME
        settled = self._settled.setdefault(id(table), set()) if lasting else set()
        while (found := self._search(table, node, context, settled)) is not None:
            path, applied, after = found
            node = self._record(applied, path, node, after, context, steps)
            if once:
                break
        return node

    def _search(
        self, table: _Table, node: Expression, context: Context, settled: set[Expression]
    ) -> tuple[Path, Rule, Expression] | None:
        """The first part to which a rule applies; trees in which none does are remembered as settled."""
        if node in settled:
            return None
        found = self._try(table, node, context)
        if found is not None:
            return (), *found
        for number, child in enumerate(children(node)):
            inside = self._search(table, child, context, settled)
            if inside is not None:
                path, applied, after = inside
                return (number, *path), applied, after
        settled.add(node)
        return None

    @staticmethod
    def _try(table: _Table, part: Expression, context: Context) -> tuple[Rule, Expression] | None:
        for each in table.by_kind.get(type(part), ()):
            context.note = ""
            after = each.apply(part, context)
            if after is not None and after != part:
                return each, after
        return None

    def _record(  # noqa: PLR0917
        self,
        applied: Rule,
        path: Path,
        before: Expression,
        after: Expression,
        context: Context,
        steps: list[Step],
    ) -> Expression:
        raw = replace_at(before, path, after)
        _bounded(raw, 4 * MAX_NODES)  # too large in any order: putting it in one would take seconds
        whole = self._arranger.arrange(raw)
        steps.append(Step(applied, path, before, whole, context.note))
        if len(steps) > MAX_STEPS:
            raise CalculusError(f"no end after {MAX_STEPS} steps; the last rule was {applied.name!r}")
        self._work += _bounded(whole, MAX_NODES)
        if self._work > MAX_WORK:
            raise CalculusError(f"this derivation needs too much work: {_DEFINE_PARTS}")
        return whole

    @staticmethod
    def _check_differentiated(node: Expression, context: Context) -> None:
        for _, part in walk(node):
            if isinstance(part, Derivative) and not is_given(part, context):
                kind = type(part.of).__name__.lower()
                raise CalculusError(f"no rule differentiates this kind of expression yet: {kind}")


def _bounded(node: Expression, most: int) -> int:
    """How many nodes an expression has, if it is not too large."""
    size = count_nodes(node, most)
    if size > most:
        raise CalculusError(f"the expression grew beyond {MAX_NODES} nodes: {_DEFINE_PARTS}")
    return size


def _unused(name: str, taken: set[str]) -> str:
    """`name`, or one close to it that is free; v_1 comes last, which in print is an entry of v as well."""
    candidates = chain((name, f"{name}_tilde", f"{name}_bar"), (f"{name}_{number}" for number in count(1)))
    return next(each for each in candidates if each not in taken)


def _plain(*entries: Entry) -> bool:
    """Whether all indices are letters, each used once."""
    terms = [term for entry in entries for term in entry.indices]
    return all(isinstance(term, Index) for term in terms) and len(set(terms)) == len(terms)


def derive(problem: Problem, of: Entry, by: tuple[Entry, ...]) -> Derivation:
    """Derive the derivative of one entry by one or more others.

    Parameters
    ----------
    problem
        The problem that defines the names.
    of, by
        The entries, with index letters or fixed places.

    Raises
    ------
    CalculusError
        If no rule applies to a part, or no end is in sight.
    """
    return Engine(problem).derive(of, by)


def derive_all(problem: Problem) -> tuple[Derivation, ...]:
    """One derivation for each distinct derivative that the problem's lines name, in their order."""
    engine = Engine(problem)
    wanted = dict.fromkeys(each.derivative for each in problem.expectations)
    found = []
    for derivative in wanted:
        assert isinstance(derivative.of, Entry)
        found.append(engine.derive(derivative.of, derivative.by))
    return tuple(found)


def contract(problem: Problem, request: Contraction) -> Derivation:
    """Derive a product with a derivative: vjp, jvp or hvp.

    The cotangent ``g`` or tangent ``v`` that comes in is named in ``Derivation.extra``.
    """
    return Engine(problem).contract(request)


def joined(problem: Problem, node: Expression) -> tuple[tuple[Step, ...], Expression]:
    """`node` simplified by the same rules, and the steps on the way; it may hold further arrays."""
    engine, steps = Engine(problem), list[Step]()
    result = engine._reduce(engine._arranger.arrange(node), engine._context(), steps)
    return tuple(steps), result


def simplified(problem: Problem, node: Expression) -> Expression:
    """`node` simplified by the same rules, in the names of `problem`; it may hold further arrays."""
    return joined(problem, node)[1]


def deltas_in(node: Expression) -> Iterator[Delta]:
    """The deltas between free letters, in order of appearance."""
    if isinstance(node, Delta):
        yield node
    if not isinstance(node, Sum):
        for child in children(node):
            yield from deltas_in(child)


def cases(derivation: Derivation, assumed: bool = True) -> tuple[Case, ...]:
    """The two cases i = j and i ≠ j of a result, for its first Kronecker delta; none without one."""
    form = derivation.form if assumed else derivation.result
    delta = next(deltas_in(form), None)
    if delta is None:
        return ()
    engine = Engine(derivation.problem)
    context = engine._context()

    def without(node: Expression) -> Expression:
        if node == delta:
            return ZERO
        return map_children(node, without)

    equal = form
    if isinstance(delta.right, Index):
        equal = rename(form, {delta.right: delta.left})
    elif isinstance(delta.left, Index):
        equal = rename(form, {delta.left: delta.right})
    found = []
    for is_equal, value in ((True, equal), (False, without(form))):
        shown = engine._simplify(engine._arranger.arrange(value), context, [])
        found.append(Case(delta, is_equal, shown))
    return tuple(found)
