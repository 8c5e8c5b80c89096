"""An axis of samples that a problem writes out, taken as its batch.

``L = -sum(b, log(p[b, y[b]])) / B`` says in letters what ``batch z, y`` says in a word: each sample is
worked on by itself. Where that can be seen, a function is made as for a batch, one sample after the other,
so that what a sample needs stays in the cache and several threads can share the samples.

It can be seen by taking the letter off: if what is left speaks of the axis no more, neither by another
letter of it nor by its size, it is the formula of one sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from symderiv.expression.construct import add, factors_of, multiply
from symderiv.expression.indices import mentions, rename
from symderiv.expression.nodes import (
    MINUS_ONE,
    Add,
    Compare,
    Definition,
    Delta,
    Derivative,
    Entry,
    Expression,
    Extremum,
    Index,
    IndexTerm,
    Multiply,
    PlaceTerm,
    Position,
    Power,
    Product,
    Shift,
    Size,
    Sum,
    Where,
)
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.function_spec import WEIGHT, FunctionSpec, Result
from symderiv.kernels.lowering import lower_function
from symderiv.kernels.product_stages import staged
from symderiv.problem import names_in


def with_own_samples(spec: FunctionSpec) -> FunctionSpec:
    """`spec` with a batch letter, where an axis of its arguments is one of independent samples.

    What it returns stays the same: a loss that is summed over the samples is one loss a sample, which
    the function itself adds up. Products of matrices are left as they are: they are done for all
    samples together.
    """
    if spec.batch is not None:
        return spec
    for axis in dict.fromkeys(each.axes[0] for each in spec.arguments if each.axes):
        found = _Samples(spec, axis).found()
        if found is not None and staged(lower_function(found)) is None:
            return found
    return spec


class _Coupled(Exception):
    """The places of the axis are no independent samples."""


@dataclass(frozen=True)
class _Loss:
    """A loss of all samples: the sum over them of `term`, which has their letter, or the mean."""

    term: Expression
    mean: bool


class _Samples:
    """Takes one axis of a function as that of its samples."""

    def __init__(self, spec: FunctionSpec, axis: str) -> None:
        self.spec, self.axis = spec, axis
        self.definitions = {**spec.definitions, **spec.saved}
        self.letter = next(self._letters(), Index("", axis))
        #: The arrays that have a part for each sample.
        self.parts = {each.name for each in spec.arguments if axis in each.axes}
        self.parts |= {name for name, each in self.definitions.items() if self._has_axis(each.indices)}

    def found(self) -> FunctionSpec | None:
        """The function with a batch; None where the places are no samples, or nothing is gained."""
        spec = self.spec
        if not self.letter.name or any(each.label_of == self.axis for each in spec.arguments):
            return None
        try:
            for each in spec.arguments:
                self._only_first(each.axes)
            losses = [self._loss(each.tree) for each in spec.results if each.shown == "losses"]
            # What has no loss may still count each sample so, as the gradient of a mean by itself does.
            ways = [losses[0].mean] if losses else [False, True]
            return next(filter(None, (self._with(mean, *losses) for mean in ways)), None)
        except _Coupled:
            return None

    def _with(self, mean: bool, *losses: _Loss) -> FunctionSpec | None:
        """The function, where each sample counts 1 over their number or 1."""
        try:
            results = tuple(
                self._of_losses(each, *losses) if each.shown == "losses" else self._result(each, mean)
                for each in self.spec.results
            )
            definitions = self._needed([each.tree for each in results], mean)
        except _Coupled:
            return None
        trees = [*(each.tree for each in results), *(each.body for each in definitions.values())]
        if not any(self._is_reduced(part) for tree in trees for _, part in walk(tree)):
            return None
        reduced = "mean" if mean else "sum" if losses else ""
        return replace(
            self.spec, results=results, definitions=definitions, batch=self.letter, reduced=reduced
        )

    def _letters(self) -> Iterator[Index]:
        """The letters of the axis, first those that results and intermediates are told with."""
        told = [each.indices for each in self.spec.results]
        told += [each.indices for each in self.definitions.values()]
        yield from (index for indices in told for index in indices[:1] if index.axis == self.axis)
        for definition in self.definitions.values():
            for _, part in walk(definition.body):
                if isinstance(part, Sum) and part.index.axis == self.axis:
                    yield part.index

    # -- parts of the function --------------------------------------------------------------

    def _has_axis(self, indices: Iterable[Index]) -> bool:
        return any(index.axis == self.axis for index in indices)

    def _only_first(self, axes: tuple[str, ...]) -> None:
        """Refuse an array that has the axis anywhere but in front."""
        if self.axis in axes[1:]:
            raise _Coupled

    def _result(self, result: Result, mean: bool) -> Result:
        """A result with a part for each sample."""
        self._only_first(result.axes)
        if result.axes[:1] != (self.axis,) or result.groups[:1] != ((0,),):
            raise _Coupled
        new = {result.indices[0]: self.letter}
        return replace(
            result,
            indices=(self.letter, *result.indices[1:]),
            tree=self._checked(rename(result.tree, new), mean),
            meaning=rename(result.meaning, new),
        )

    def _of_losses(self, result: Result, loss: _Loss) -> Result:
        """The loss of each sample; what is meant by it is still the loss of all."""
        tree = self._checked(loss.term, False)
        return replace(result, indices=(self.letter,), groups=((0,),), tree=tree, is_loss=True)

    def _definition(self, definition: Definition, mean: bool) -> Definition:
        """An intermediate, its parts at the one letter; or one that all samples share."""
        self._only_first(tuple(index.axis for index in definition.indices))
        body, indices = definition.body, definition.indices
        if definition.name in self.parts:
            body, indices = rename(body, {indices[0]: self.letter}), (self.letter, *indices[1:])
            return Definition(definition.name, indices, self._checked(body, mean))
        if self._speaks_of_samples(body):
            raise _Coupled
        return definition

    def _needed(self, trees: Iterable[Expression], mean: bool) -> dict[str, Definition]:
        """The intermediates that the results rest on, in the order of the file."""
        found: dict[str, Definition] = {}
        todo = [name for tree in trees for name in names_in(tree)]
        while todo:
            name = todo.pop()
            if name not in found and name in self.spec.definitions:
                found[name] = self._definition(self.spec.definitions[name], mean)
                todo += names_in(found[name].body)
        return {name: found[name] for name in self.spec.definitions if name in found}

    # -- formulas ---------------------------------------------------------------------------

    def _checked(self, tree: Expression, mean: bool) -> Expression:
        """A formula of one sample; where the loss is a mean, 1 over the number of samples is its weight."""
        tree = self._weighed(tree) if mean else tree
        if self._speaks_of_samples(self._bare(tree)):
            raise _Coupled
        return tree

    def _weighed(self, node: Expression) -> Expression:
        return Entry(WEIGHT) if node == self._share else map_children(node, self._weighed)

    @property
    def _share(self) -> Expression:
        return Power(Size(self.axis), MINUS_ONE)

    def _bare(self, node: Expression) -> Expression:
        """A formula without the letter of the samples, where it stands in front of a sample's part."""

        def term(found: IndexTerm) -> IndexTerm:
            match found:
                case Entry():
                    return entry(found)
                case Shift(terms, offset, axis):
                    return Shift(tuple((count, term(inner)) for count, inner in terms), offset, axis)
                case _:
                    return found

        def entry(found: Entry) -> Entry:
            terms = tuple(term(each) for each in found.indices)
            if found.array in self.parts and terms[:1] == (self.letter,):
                return Entry(f"{found.array}@", terms[1:])
            return Entry(found.array, terms)

        def condition(found: Compare) -> Compare:
            sides = [
                term(side) if isinstance(side, Entry | Shift) else side for side in (found.left, found.right)
            ]
            return Compare(found.operator, sides[0], sides[1])

        match node:
            case Entry():
                return entry(node)
            case Delta(left, right):
                return Delta(term(left), term(right))
        node = map_children(node, self._bare)
        match node:
            case Sum(_, _, Compare() as found) | Product(_, _, Compare() as found) | Where(found, _, _):
                return replace(node, condition=condition(found))
            case _:
                return node

    def _speaks_of_samples(self, tree: Expression) -> bool:
        """Whether anything in a formula is of the axis: a letter, its size, an array with a part each."""
        return any(axis == self.axis for _, part in walk(tree) for axis in self._axes_of(part))

    def _axes_of(self, part: Expression) -> Iterator[str]:
        """The axes that a node names itself."""
        match part:
            case Size(axis):
                yield axis
            case Entry():
                yield from self._axes_of_term(part)
            case Delta(left, right):
                yield from self._axes_of_term(left)
                yield from self._axes_of_term(right)
            case Derivative():
                yield self.axis  # nothing is known of it
            case Extremum(_, index, _):
                yield index.axis
            case Sum(index, _, condition) | Product(index, _, condition):
                yield index.axis
                yield from self._axes_of_condition(condition)
            case Where(condition, _, _):
                yield from self._axes_of_condition(condition)

    def _axes_of_condition(self, condition: Compare | None) -> Iterator[str]:
        for side in (condition.left, condition.right) if condition is not None else ():
            if isinstance(side, PlaceTerm | Entry):
                yield from self._axes_of_term(side)
            elif isinstance(side, Size):
                yield side.axis

    def _axes_of_term(self, term: IndexTerm) -> Iterator[str]:
        match term:
            case Index(_, axis) | Position(_, axis):
                yield axis
            case Shift(terms, _, axis):
                yield axis
                for _, inner in terms:
                    yield from self._axes_of_term(inner)
            case Entry(array, indices):
                if array in self.parts:
                    yield self.axis
                for inner in indices:
                    yield from self._axes_of_term(inner)

    def _is_reduced(self, part: Expression) -> bool:
        """Whether something is reduced within a sample, so that each of them takes several passes.

        Otherwise all samples at once are one long loop; and so is what follows a sum of products with an
        array that the samples share, which is a product with a matrix and best done for all samples.
        """
        match part:
            case Sum(index, body, _):
                shared = [each for each in factors_of(body) if not mentions(each, self.letter)]
                return not any(mentions(each, index) for each in shared)
            case Product() | Extremum():
                return True
            case _:
                return False

    # -- the loss ---------------------------------------------------------------------------

    def _loss(self, node: Expression) -> _Loss:
        """The loss as a sum over the samples, or as their mean; what is neither is refused."""
        match node:
            case Sum(index, body, None) if index.axis == self.axis:
                return _Loss(rename(body, {index: self.letter}), False)
            case Sum(_, body, _):
                loss = self._loss(body)
                return _Loss(replace(node, body=loss.term), loss.mean)
            case Add(terms):
                losses = [self._loss(term) for term in terms]
                if len({each.mean for each in losses}) > 1:
                    raise _Coupled
                return _Loss(add(*(each.term for each in losses)), losses[0].mean)
            case Multiply(factors):
                over = [each for each in factors if self._sums_samples(each)]
                if len(over) != 1:
                    raise _Coupled
                loss = self._loss(over[0])
                rest = [each for each in factors if each is not over[0]]
                if not loss.mean and self._share in rest:
                    rest.remove(self._share)
                    loss = _Loss(loss.term, True)
                return _Loss(multiply(*rest, loss.term), loss.mean)
            case Entry(name, ()) if name in self.definitions and name not in self.parts:
                return self._loss(self.definitions[name].body)
        raise _Coupled

    def _sums_samples(self, node: Expression) -> bool:
        """Whether a sum over the samples stands in a formula, or in what it names."""
        if any(isinstance(part, Sum) and part.index.axis == self.axis for _, part in walk(node)):
            return True
        known: Mapping[str, Definition] = self.definitions
        return any(self._sums_samples(known[name].body) for name in names_in(node) if name in known)


__all__ = ["with_own_samples"]
