"""What a Jacobian looks like, read off its form: a diagonal, a matrix of rank one, zero blocks.

The form is written as a sum of few matrices, each of one kind. That is a matter of its deltas, shifts
and letters alone, so it holds for every size; which entries are zero is then told for given sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from symderiv.calculus import Derivation
from symderiv.documents.zeros import Zeros
from symderiv.expression.construct import add, multiply, negate
from symderiv.expression.indices import free_indices, indices_in_term
from symderiv.expression.nodes import (
    ZERO,
    Add,
    Compare,
    Delta,
    Derivative,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    PlaceTerm,
    Position,
    Product,
    Sum,
    Where,
)
from symderiv.expression.shifts import linear
from symderiv.expression.traverse import compared_values, walk
from symderiv.notation.latex_fractions import signed
from symderiv.problem import Problem

#: A form of more matrices than this is shown as one.
MOST_PARTS = 4
#: Kinds of which most entries are zero.
_SPARSE = frozenset({"zero", "diagonal", "blocks", "chosen"})


@dataclass(frozen=True, slots=True)
class Part:
    """One of the matrices that add up to a Jacobian.

    Attributes
    ----------
    expression
        Its entry, without the sign.
    negative
        Whether it is subtracted.
    kind
        ``zero``, ``diagonal``, ``blocks`` (along the diagonal), ``chosen`` (by a label), ``rank one``,
        ``Toeplitz`` (constant along its diagonals), ``Hankel`` (along its antidiagonals), ``product`` (of
        two matrices with one axis in common) or ``full``.
    blocks_of_rank_one
        For ``blocks``: whether each block has rank one.
    by_row, by_column
        For ``rank one``: whether the entry depends on the row, and on the column.
    through
        For ``product``: the axis in common.
    """

    expression: Expression
    negative: bool
    kind: str
    blocks_of_rank_one: bool = False
    by_row: bool = False
    by_column: bool = False
    through: str = ""

    @property
    def words(self) -> str:
        """The kind, as one says it."""
        match self.kind:
            case "blocks":
                return "block diagonal" + (", each block of rank one" if self.blocks_of_rank_one else "")
            case "chosen":
                return "one entry in each row, where the label says"
            case "rank one":
                alike = {
                    (False, False): ", all entries alike",
                    (True, False): ", all columns alike",
                    (False, True): ", all rows alike",
                }
                return "rank one" + alike.get((self.by_row, self.by_column), "")
            case "Toeplitz":
                return "Toeplitz: constant along diagonals"
            case "Hankel":
                return "Hankel: constant along antidiagonals"
            case "product":
                return f"a product of two matrices, rank at most {self.through}"
            case _:
                return self.kind


@dataclass(frozen=True, slots=True)
class Structure:
    """A Jacobian as a sum of matrices; rows and columns run over these letters, the last one fastest."""

    problem: Problem
    rows: tuple[Index, ...]
    columns: tuple[Index, ...]
    parts: tuple[Part, ...]

    def places(self, sizes: Mapping[str, int]) -> tuple[list[dict[Index, int]], list[dict[Index, int]]]:
        """The place of each letter, from 1, in every row and in every column."""
        return _places(self.rows, sizes), _places(self.columns, sizes)

    def support(self, part: Part, sizes: Mapping[str, int]) -> list[list[bool]]:
        """For each row and column whether `part` need not be zero there.

        A label has a place of its own choosing, the same in every call.
        """
        zeros = Zeros(self.problem, sizes)
        rows, columns = self.places(sizes)
        return [
            [not zeros.vanishes(part.expression, {**row, **column}) for column in columns] for row in rows
        ]

    def sizes(self) -> dict[str, int]:
        """Sizes at which a picture is small, and yet shows what there is; no two sides alike by chance."""
        axes = dict.fromkeys(each.axis for each in (*self.rows, *self.columns))
        most = max(len(self.rows), len(self.columns))
        usual = {1: (7, 5, 6), 2: (3, 4, 2)}.get(most, (2, 3, 2))
        sizes = {axis: usual[place % len(usual)] for place, axis in enumerate(axes)}
        for axis in self.problem.axes:
            sizes.setdefault(axis, 3)
        for part in self.parts:
            for position in _positions(part.expression):
                sizes[position.axis] = max(sizes[position.axis], position.value)
        return sizes


def structure(derivation: Derivation) -> Structure | None:
    """The structure of a derivative that is a matrix; None for a number, a vector, a product.

    A gradient by a matrix is one itself; other gradients are vectors.
    """
    found = sides(derivation)
    if found is None:
        return None
    rows, columns = found
    parts = list(_parts(derivation.form, frozenset(rows), frozenset(columns)))
    diagonals = [each for each in parts if each.kind == "diagonal"]
    if len(diagonals) > 1:
        whole = add(*(negate(each.expression) if each.negative else each.expression for each in diagonals))
        parts = [_part(whole, frozenset(rows), frozenset(columns))] + [
            each for each in parts if each.kind != "diagonal"
        ]
    sparse = any(each.kind in _SPARSE for each in parts)
    if len(parts) > MOST_PARTS or (not sparse and any(each.kind == "full" for each in parts)):
        parts = [_part(derivation.form, frozenset(rows), frozenset(columns))]
    return Structure(derivation.problem, rows, columns, tuple(parts))


def sides(derivation: Derivation) -> tuple[tuple[Index, ...], tuple[Index, ...]] | None:
    """The letters of the rows and of the columns, where a derivative is a matrix."""
    start = derivation.start
    if not isinstance(start, Derivative) or not isinstance(start.of, Entry):
        return None
    entries = [entry for entry in (start.of, *start.by) if entry.indices]
    letters = [[each for each in entry.indices if isinstance(each, Index)] for entry in entries]
    if [len(each) for each in letters] != [len(entry.indices) for entry in entries]:
        return None
    if len(letters) == 1 and not start.of.indices and len(letters[0]) > 1:
        letters = [letters[0][:1], letters[0][1:]]
    if len(letters) != 2 or set(letters[0]) & set(letters[1]):
        return None
    return tuple(letters[0]), tuple(letters[1])


def _places(letters: tuple[Index, ...], sizes: Mapping[str, int]) -> list[dict[Index, int]]:
    ranges = [range(1, sizes[each.axis] + 1) for each in letters]
    return [dict(zip(letters, places, strict=True)) for places in product(*ranges)]


def _positions(node: Expression) -> Iterator[Position]:
    for _, part in walk(node):
        for term in _index_terms(part):
            if isinstance(term, Position):
                yield term


def _parts(node: Expression, rows: frozenset[Index], columns: frozenset[Index]) -> Iterator[Part]:
    """The matrices that a form is the sum of: brackets are multiplied out only where they mix kinds."""
    whole = _part(node, rows, columns)
    if whole.kind != "full":
        yield whole
        return
    if isinstance(node, Add):
        for term in node.terms:
            yield from _parts(term, rows, columns)
        return
    factors = node.factors if isinstance(node, Multiply) else ()
    for place, factor in enumerate(factors):
        if isinstance(factor, Add) and _is_mixed(factor, rows, columns):
            for term in factor.terms:
                yield from _parts(multiply(*factors[:place], term, *factors[place + 1 :]), rows, columns)
            return
    yield whole


def _touches(node: Expression, side: frozenset[Index]) -> bool:
    return not side.isdisjoint(free_indices(node))


def _is_mixed(node: Expression, rows: frozenset[Index], columns: frozenset[Index]) -> bool:
    return _touches(node, rows) and _touches(node, columns)


def _part(node: Expression, rows: frozenset[Index], columns: frozenset[Index]) -> Part:
    """One matrix and its kind."""
    negative, bare = signed(node)
    if bare == ZERO:
        return Part(bare, False, "zero")
    factors = bare.factors if isinstance(bare, Multiply) else (bare,)
    left_rows, left_columns = set(rows), set(columns)
    chosen = False
    mixed = []
    for factor in factors:
        pair = _paired(factor, rows, columns)
        if pair is not None:
            left_rows -= set(pair)
            left_columns -= set(pair)
            continue
        picked = _picked(factor, rows, columns)
        if picked is not None:
            left_columns.discard(picked)
            chosen = True
        elif _is_mixed(factor, frozenset(left_rows), frozenset(left_columns)):
            mixed.append(factor)
    # A later delta may take letters away, so that what looked mixed is no longer.
    mixed = [each for each in mixed if _is_mixed(each, frozenset(left_rows), frozenset(left_columns))]
    paired = len(left_rows) < len(rows) or len(left_columns) < len(columns)
    if chosen:
        kind = "chosen" if not left_columns else "full"
        return Part(bare, negative, kind)
    if paired and not left_rows and not left_columns:
        return Part(bare, negative, "diagonal")
    if paired:
        return Part(bare, negative, "blocks", blocks_of_rank_one=not mixed)
    if not mixed:
        return Part(
            bare, negative, "rank one", by_row=_touches(bare, rows), by_column=_touches(bare, columns)
        )
    if len(mixed) == 1 and (axis := _product_through(mixed[0], rows, columns)):
        return Part(bare, negative, "product", through=axis)
    return Part(bare, negative, _shifted(bare, rows, columns) or "full")


def _paired(
    factor: Expression, rows: frozenset[Index], columns: frozenset[Index]
) -> tuple[Index, Index] | None:
    """The letters of a delta between a row and a column."""
    if isinstance(factor, Delta) and isinstance(factor.left, Index) and isinstance(factor.right, Index):
        pair = factor.left, factor.right
        if (pair[0] in rows and pair[1] in columns) or (pair[0] in columns and pair[1] in rows):
            return pair
    return None


def _picked(factor: Expression, rows: frozenset[Index], columns: frozenset[Index]) -> Index | None:
    """The letter of a column that a delta ties to a label of the row."""
    if not isinstance(factor, Delta):
        return None
    for letter, label in ((factor.left, factor.right), (factor.right, factor.left)):
        if letter in columns and isinstance(letter, Index) and isinstance(label, Entry):
            inside = set(indices_in_term(label))
            if inside and inside <= rows:
                return letter
    return None


def _product_through(node: Expression, rows: frozenset[Index], columns: frozenset[Index]) -> str:
    """The axis of a sum whose terms are products of what depends on the row and on the column."""
    if not isinstance(node, Sum) or node.condition is not None:
        return ""
    factors = node.body.factors if isinstance(node.body, Multiply) else (node.body,)
    return "" if any(_is_mixed(each, rows, columns) for each in factors) else node.index.axis


def _shifted(node: Expression, rows: frozenset[Index], columns: frozenset[Index]) -> str:
    """``Toeplitz`` where row and column come in only by one difference, ``Hankel`` for one sum of theirs."""
    if len(rows) != 1 or len(columns) != 1:
        return ""
    (row,), (column,) = rows, columns
    kinds = set()
    for _, part in walk(node):
        for term in _index_terms(part):
            counts, _ = linear(term)
            if any(isinstance(inner, Entry) for inner in counts):
                return ""
            pair = counts.get(row, 0), counts.get(column, 0)
            if pair != (0, 0):
                kinds.add({-1: "Toeplitz", 1: "Hankel"}.get(pair[0] * pair[1], ""))
    return kinds.pop() if len(kinds) == 1 else ""


def _index_terms(node: Expression) -> Iterator[IndexTerm]:
    """The places that a node itself names."""
    match node:
        case Entry(_, indices):
            yield from indices
        case Delta(left, right):
            yield from (left, right)
        case Derivative(_, by):
            yield from (term for entry in by for term in entry.indices)
        case Sum(_, _, Compare() as condition) | Product(_, _, Compare() as condition) | Where(condition):
            sides = () if compared_values(condition) else (condition.left, condition.right)
            yield from (side for side in sides if isinstance(side, PlaceTerm | Entry))
