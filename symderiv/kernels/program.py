"""The array program: statements over whole named axes, one sum or one elementwise formula each.

Lowering takes the trees of one function and names every sum, once (equal sums share a name). Sums
come out small: factors that do not depend on the letter summed over are taken out, a Kronecker
delta is sifted, and a product is multiplied out only where an array larger than all of its parts
would appear otherwise, and no digits are lost. So p_j (g_j - Σ_i g_i p_i) costs O(K), in every target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from symderiv.calculus.bounds import picked
from symderiv.expression.canonical import canonical
from symderiv.expression.construct import add, coefficient_and_rest, factors_of, multiply, power
from symderiv.expression.indices import (
    free_indices,
    fresh_name,
    indices_in_term,
    mentions,
    rename,
    rename_term,
)
from symderiv.expression.nodes import (
    ONE,
    ZERO,
    Add,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.shifts import solved
from symderiv.expression.traverse import children, map_children, walk
from symderiv.kernels.cases import Case, cases_of
from symderiv.kernels.errors import KernelError
from symderiv.kernels.scatter import Scatter, scatter_of
from symderiv.problem import names_in


@dataclass(frozen=True)
class Statement:
    """``name[indices] = reduce over reduced of body``.

    Attributes
    ----------
    name, indices
        What is assigned, for every place of its letters.
    body
        A formula without sums.
    reduce, reduced
        ``sum``, ``max``, ``min``, ``prod`` and the letter; empty and None for an elementwise formula.
    stored
        Whether this is a result of the function rather than an intermediate.
    cases
        For a result with Kronecker deltas: further values, at a diagonal or at a label.
    comment
        Why it is there.
    scatter
        Where the terms of a sum go, if each is added at the place that its label names.
    inner
        The further letters of a sum of products that runs over several.
    """

    name: str
    indices: tuple[Index, ...]
    body: Expression
    reduce: str = ""
    reduced: Index | None = None
    stored: bool = False
    cases: tuple[Case, ...] = ()
    comment: str = ""
    scatter: Scatter | None = None
    inner: tuple[Index, ...] = ()

    @property
    def summed(self) -> tuple[Index, ...]:
        """All letters that are reduced."""
        return self.inner if self.reduced is None else (self.reduced, *self.inner)

    @property
    def letters(self) -> tuple[Index, ...]:
        """All letters that the body may use."""
        if self.scatter is not None:
            return (*self.indices, *self.scatter.over)
        return (*self.indices, *self.summed)

    def bodies(self) -> tuple[Expression, ...]:
        """All formulas in it."""
        return (self.body, *(case.body for case in self.cases))


@dataclass(frozen=True)
class Wanted:
    """A result to compute: its name, the letters of its axes in storage order, and its tree."""

    name: str
    indices: tuple[Index, ...]
    tree: Expression


def lower(
    wanted: Sequence[Wanted],
    definitions: Mapping[str, Definition],
    given: Sequence[str],
    comments: Mapping[str, str] | None = None,
    first: Index | None = None,
) -> tuple[Statement, ...]:
    """The statements that compute `wanted`, in an order that can be run.

    Parameters
    ----------
    wanted
        The results.
    definitions
        The named intermediates that the trees may mention.
    given
        The arrays that the function is given.
    comments
        For some intermediates, why they are there.
    first
        The batch letter, which comes first in every intermediate.

    Raises
    ------
    KernelError
        If something has no lowering, in one sentence.
    """
    builder = _Builder(dict(definitions), frozenset(given), dict(comments or {}), first)
    for each in wanted:
        builder.store(each)
    return tuple(builder.finish())


@dataclass
class _Builder:
    definitions: dict[str, Definition]
    given: frozenset[str]
    comments: dict[str, str]
    first: Index | None
    statements: list[Statement] = field(default_factory=list)
    order: tuple[Index, ...] = ()
    _made: dict[str, str] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def store(self, wanted: Wanted) -> None:
        """Add the statements of one result."""
        self.order = wanted.indices
        body = self.lower(wanted.tree)
        cases = cases_of(body, wanted.indices)
        self.statements.append(
            Statement(wanted.name, wanted.indices, cases[0].body, stored=True, cases=cases[1:])
        )

    def need(self, name: str) -> None:
        """Make sure that the array `name` is computed before it is used."""
        if name in self.given or name in self._names:
            return
        definition = self.definitions.get(name)
        if definition is None:
            raise KernelError(f"{name} is neither an argument nor defined, so it cannot be computed.")
        self._names.add(name)
        order, self.order = self.order, definition.indices
        body = self.lower(definition.body)
        self.order = order
        comment = self.comments.get(name, "")
        last = self.statements[-1] if self.statements else None
        whole = last is not None and last.reduce and len(last.indices) == len(definition.indices)
        if last and whole and body == Entry(last.name, last.indices) and last.name not in self._names:
            # The definition is just this sum: it takes the definition's name.
            self.statements.pop()
            self._made = {key: value for key, value in self._made.items() if value != last.name}
            self.statements.append(replace(_reindexed(last, definition.indices), name=name, comment=comment))
        else:
            self.statements.append(Statement(name, definition.indices, body, comment=comment))

    def _need_term(self, term: IndexTerm | Expression) -> None:
        if isinstance(term, Entry):
            self.need(term.array)
            for inner in term.indices:
                self._need_term(inner)
        elif isinstance(term, Shift):
            for _, part in term.terms:
                self._need_term(part)

    def lower(self, node: Expression) -> Expression:
        """`node` without sums: each is replaced by the array that holds it."""
        match node:
            case Entry():
                self._need_term(node)
                return node
            case Delta(left, right):
                self._need_term(left)
                self._need_term(right)
                return node
            case Sum():
                return self._sum(node)
            case Product(index, body, condition):
                inside = body if condition is None else Where(condition, body, ONE)
                return self._reduction("prod", index, self.lower(inside))
            case Extremum(kind, index, body):
                return self._reduction(kind, index, self.lower(body))
            case Derivative():
                raise KernelError(
                    "A derivative without a form is left, so there is nothing to compute it by."
                )
            case Where(condition, _, _):
                self._need_term(condition.left)
                self._need_term(condition.right)
                return map_children(node, self.lower)
            case Add(terms):
                return Add(tuple(self.lower(term) for term in terms))
            case _:
                return map_children(node, self.lower)

    def _sum(self, node: Sum) -> Expression:
        scattered = scatter_of(node)
        if scattered is not None:
            return self._scattered(*scattered)
        index, body = node.index, node.body
        if node.condition is not None:
            body = Where(node.condition, body, ZERO)
        factors = factors_of(body)
        for factor in factors:
            if isinstance(factor, Delta):
                place = solved(factor.left, factor.right, index) if mentions(factor, index) else None
                if place is not None:
                    rest = multiply(*(each for each in factors if each is not factor))
                    return self.lower(picked(rest, index, place))
        lowered = self.lower(body)
        return self._sum_of_lowered(index, lowered)

    def _sum_of_lowered(self, index: Index, body: Expression) -> Expression:
        if not mentions(body, index):
            return multiply(Size(index.axis), body)
        factors = factors_of(body)
        outside = [factor for factor in factors if not mentions(factor, index)]
        inside = [factor for factor in factors if mentions(factor, index)]
        if outside:
            return multiply(*outside, self._sum_of_lowered(index, multiply(*inside)))
        for factor in inside:
            if isinstance(factor, Add) and _grows(factor) and not _is_difference(factor):
                rest = [each for each in inside if each is not factor]
                parts = (self._sum_of_lowered(index, multiply(term, *rest)) for term in factor.terms)
                return add(*parts)
        clusters = _clusters(inside)
        if len(clusters) == 1:
            known = Statement("factor", self._ordered(free_indices(body)), body)
            if not isinstance(body, Entry) and _key(known) in self._made:
                body = self._named(known)
            return self._reduction("sum", index, body)
        arrays = [self._materialised(cluster) for cluster in clusters]
        return self._reduction("sum", index, multiply(*arrays))

    def _scattered(self, outside: Expression, body: Expression, scatter: Scatter) -> Expression:
        """Σ_t δ_{v y_t} u_t: each term is added at its place, and no array over v and t is made."""
        for _, label in scatter.at:
            self._need_term(label)
        body = self.lower(body)
        moved = dict(scatter.at)
        used = (
            *moved,
            *free_indices(body),
            *(index for _, label in scatter.at for index in indices_in_term(label)),
        )
        free = dict.fromkeys(index for index in used if index not in scatter.over)
        arrays = [part.array for _, part in walk(body) if isinstance(part, Entry)]
        name = "_".join(["sum", *dict.fromkeys(arrays[:3])])
        found = Statement(name, self._ordered(tuple(free)), body, "sum", scatter=scatter)
        return multiply(self.lower(outside), self._named(found))

    def _materialised(self, cluster: list[Expression]) -> Expression:
        body = multiply(*cluster)
        if isinstance(body, Entry) and all(isinstance(term, Index) for term in body.indices):
            return body
        return self._named(Statement("factor", self._as_stored(body), body))

    def _reduction(self, kind: str, index: Index, body: Expression) -> Expression:
        if not mentions(body, index) and kind in ("max", "min"):
            return body
        if kind == "prod" and not mentions(body, index):
            return power(body, Size(index.axis))
        free = tuple(each for each in free_indices(body) if each != index)
        used = [part.array for _, part in walk(body) if isinstance(part, Entry)]
        stem = "_".join([kind, *dict.fromkeys(used[:3])])
        return self._named(Statement(stem, self._ordered(free), body, kind, index))

    def _as_stored(self, body: Expression) -> tuple[Index, ...]:
        """The letters of a formula in the order of an array that has them all, so that none is turned."""
        letters = self._ordered(free_indices(body))
        for _, part in walk(body):
            if isinstance(part, Entry) and set(part.indices) == set(letters):
                stored = tuple(term for term in part.indices if isinstance(term, Index))
                if len(stored) == len(letters) and self.first not in stored[1:]:
                    return stored
        return letters

    def _ordered(self, letters: Sequence[Index]) -> tuple[Index, ...]:
        """The batch letter first, then in the order of what is being computed."""
        ranks = {index: number for number, index in enumerate(self.order)}
        key = {index: (index != self.first, ranks.get(index, len(ranks))) for index in letters}
        return tuple(sorted(letters, key=lambda index: key[index]))

    def _named(self, statement: Statement) -> Entry:
        """The entry that stands for a statement; an equal one made before is used again."""
        key = _key(statement)
        if key not in self._made:
            taken = self._names | self.given | set(self.definitions) | {each.name for each in self.statements}
            name = fresh_name(statement.name, taken)
            self._made[key] = name
            self.statements.append(replace(statement, name=name))
        return Entry(self._made[key], statement.indices)

    def finish(self) -> list[Statement]:
        """The statements, a result computed in place where nothing else needs it."""
        statements = self.statements
        for result in [each for each in statements if each.stored]:
            body = result.body
            if result.cases or not isinstance(body, Entry):
                continue
            source = next((each for each in statements if each.name == body.array and not each.stored), None)
            uses = sum(_count(body.array, inner) for each in statements for inner in each.bodies())
            if (
                source is None
                or uses != 1
                or sorted(map(str, body.indices)) != sorted(map(str, result.indices))
            ):
                continue
            moved = _reindexed(source, body.indices)
            moved = replace(
                moved, name=result.name, indices=result.indices, stored=True, comment=source.comment
            )
            statements = [moved if each is result else each for each in statements if each is not source]
        return statements


def _count(name: str, body: Expression) -> int:
    return sum(1 for _, part in walk(body) if name in names_in(part) and not children(part))


def _reindexed(statement: Statement, terms: Sequence[IndexTerm]) -> Statement:
    """The same statement with other letters for its axes (all of them plain letters)."""
    names: dict[Index, IndexTerm] = dict(zip(statement.indices, terms, strict=True))
    letters = tuple(term for term in terms if isinstance(term, Index))
    reduced, body, scatter = statement.reduced, statement.body, statement.scatter
    if scatter is not None:
        fresh_names: dict[Index, IndexTerm] = {
            each: Index(f"{each.name}_r", each.axis) for each in scatter.over if each in letters
        }
        scatter = scatter.renamed(fresh_names).renamed(names)
        body = rename(body, fresh_names)
    if reduced is not None and reduced in letters:
        fresh = Index(f"{reduced.name}_r", reduced.axis)
        body, reduced = rename(body, {reduced: fresh}), fresh
    return replace(statement, indices=letters, body=rename(body, names), reduced=reduced, scatter=scatter)


def _key(statement: Statement) -> str:
    """Equal for statements that compute the same array."""
    names: dict[Index, IndexTerm] = {
        index: Index(f"#{number}", index.axis) for number, index in enumerate(statement.indices)
    }
    if statement.reduced is not None:
        names[statement.reduced] = Index("#r", statement.reduced.axis)
    scatter = statement.scatter
    for number, index in enumerate(scatter.over if scatter else ()):
        names[index] = Index(f"#o{number}", index.axis)
    axes = [index.axis for index in statement.letters]
    places = (
        [(rename_term(v, names), rename_term(label, names)) for v, label in scatter.at] if scatter else []
    )
    return repr((statement.reduce, axes, places, canonical(rename(statement.body, names))))


def _grows(factor: Add) -> bool:
    """Whether a sum of terms, as a whole array, has more axes than each of its terms."""
    whole = set(free_indices(factor))
    return all(set(free_indices(term)) < whole for term in factor.terms)


def _is_difference(factor: Add) -> bool:
    """Whether a sum of two terms is the difference of one array at two places, as in x_i - x_k.

    Multiplied out, Σ_k w_ik (x_i - x_k) would be x_i Σ_k w_ik - Σ_k w_ik x_k, in which what is nearest weighs
    most and cancels: of the slope of a kernel exp(-|x_i - x_k|^2) no digit would be left.
    """
    if len(factor.terms) != 2:
        return False
    (first, left), (second, right) = map(coefficient_and_rest, factor.terms)
    return first == -second and bool(names_in(left)) and names_in(left) == names_in(right)


def _clusters(factors: Sequence[Expression]) -> list[list[Expression]]:
    """Factors that range over the same axes together; one within another's axes joins it."""
    clusters: list[tuple[set[Index], list[Expression]]] = []
    for factor in sorted(factors, key=lambda each: -len(free_indices(each))):
        free = set(free_indices(factor))
        for letters, members in reversed(clusters):
            if free <= letters:
                members.append(factor)
                break
        else:
            clusters.append((free, [factor]))
    # The order of the formula, not of the sizes.
    positions = {id(factor): number for number, factor in enumerate(factors)}
    ordered = [sorted(members, key=lambda each: positions[id(each)]) for _, members in clusters]
    return sorted(ordered, key=lambda members: positions[id(members[0])])
