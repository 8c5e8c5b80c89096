"""The inverse and the determinant of a product of square matrices, by those of its factors.

(A B)^(-1) = B^(-1) A^(-1) and det(A B) = det(A) det(B); a product of square matrices has an inverse if and
only if each of them has one.
"""

from __future__ import annotations

from collections.abc import Iterator

from symderiv.expression.construct import factors_of, multiply, power
from symderiv.expression.indices import mentions, rename
from symderiv.expression.matrices import DETERMINANT, INVERSE, determinant_of, inverse_of, matrix_behind
from symderiv.expression.nodes import Definition, Entry, Expression, Index, IndexTerm, Size, Sum


def of_product(entry: Entry, definition: Definition) -> Expression | None:
    """An entry of inv(M), or det(M), where M is a product of square matrices; None where it is not.

    The factors may be transposed, and numbers may stand before them.
    """
    made = matrix_behind(entry.array)
    if made is None or len(definition.indices) < 2:
        return None
    *letters, row, column = definition.indices
    parts = list(_flat(definition.body, [0]))
    summed = [part for part in parts if isinstance(part, Index)]
    if any(letter.axis != row.axis for letter in (*summed, column)):
        return None
    inner = {row, column, *summed}
    scale = [part for part in parts if not isinstance(part, Index) and not _mentions_any(part, inner)]
    matrices = [part for part in parts if not isinstance(part, Index) and part not in scale]
    chain = _chain(matrices, row, column, summed)
    if chain is None:
        return None
    ahead = entry.indices[:-2] if made[0] == INVERSE else entry.indices
    names: dict[Index, IndexTerm] = dict(zip(letters, ahead, strict=True))
    if made[0] == DETERMINANT:
        found = [_determinant(each) for each, _ in chain]
        return rename(multiply(*(power(each, Size(row.axis)) for each in scale), *found), names)
    result = multiply(*(power(each, -1) for each in scale), *(_inverse(*each) for each in reversed(chain)))
    for letter in summed:
        result = Sum(letter, result)
    # inv(M)[i, j] runs from the last factor's columns to the first one's rows.
    return rename(result, {**names, column: entry.indices[-2], row: entry.indices[-1]})


def _flat(node: Expression, count: list[int]) -> Iterator[Index | Expression]:
    """The letters that a product is summed over, each with a name of its own, and its factors."""
    if isinstance(node, Sum) and node.condition is None:
        count[0] += 1
        letter = Index(f"{node.index.name}~{count[0]}", node.index.axis)
        yield letter
        yield from _flat(rename(node.body, {node.index: letter}), count)
    elif len(factors_of(node)) > 1:
        for factor in factors_of(node):
            yield from _flat(factor, count)
    else:
        yield node


def _mentions_any(node: Expression, letters: set[Index]) -> bool:
    return any(mentions(node, letter) for letter in letters)


def _chain(
    matrices: list[Expression], row: Index, column: Index, summed: list[Index]
) -> list[tuple[Entry, tuple[Index, Index]]] | None:
    """The matrices in the order of their product, each with the letters it leads from and to."""
    found: list[tuple[Entry, tuple[Index, Index]]] = []
    here, left = row, list(matrices)
    while left:
        uses = [each for each in left if mentions(each, here)]
        if len(uses) != 1 or not isinstance(uses[0], Entry) or len(uses[0].indices) < 2:
            return None
        *ahead, first, second = uses[0].indices
        if here not in (first, second):
            return None
        there = second if first == here else first
        if there not in (*summed, column) or any(_is_one_of(each, row, column, *summed) for each in ahead):
            return None
        assert isinstance(there, Index)
        found.append((uses[0], (here, there)))
        left.remove(uses[0])
        here = there
    met = {there for _, (_, there) in found}
    return found if here == column and len(met) == len(found) and met == {column, *summed} else None


def _is_one_of(term: IndexTerm, *letters: Index) -> bool:
    return any(mentions(Entry("", (term,)), letter) for letter in letters)


def _inverse(matrix: Entry, way: tuple[Index, Index]) -> Entry:
    """The entry of the inverse that leads back, from where the matrix leads to."""
    *ahead, first, _ = matrix.indices
    here, there = way
    made = matrix_behind(matrix.array)
    name = made[1] if made is not None else inverse_of(matrix.array)
    return Entry(name, (*ahead, there, here) if first == here else (*ahead, here, there))


def _determinant(matrix: Entry) -> Expression:
    made = matrix_behind(matrix.array)
    name = made[1] if made is not None else matrix.array
    found = Entry(determinant_of(name), matrix.indices[:-2])
    return found if made is None else power(found, -1)
