"""A constant factor of a matrix product goes into an operand that is worked out anyhow.

w Σ_k z_k W_jk costs a pass over the product, which is large; with w z_k stored in place of z_k it costs
nothing, and the two products that a gradient has of one cotangent share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.expression.construct import factors_of, multiply
from symderiv.expression.indices import free_indices, fresh_name, rename
from symderiv.expression.nodes import Entry, Expression, Index
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.matrix_products import MatrixProduct, matrix_product
from symderiv.kernels.program import Statement


def with_scales_inside(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """`statements`, the constant factors of products multiplied into operands."""
    found = list(statements)
    made: dict[tuple[str, Expression], str] = {}
    for each in statements:
        rewritten = _rewritten(each, found, made)
        if rewritten is None:
            continue
        scaled, product, before = rewritten
        place = found.index(before)
        found[place:place] = [scaled] if scaled is not None else []
        found = [product if one is each else one for one in found if one is not before]
    return tuple(found)


def _rewritten(
    each: Statement, statements: Sequence[Statement], made: dict[tuple[str, Expression], str]
) -> tuple[Statement | None, Statement, Statement] | None:
    """The scaled operand (None if there is one), the product that takes the place, and the one before."""
    if each.reduce or each.cases:
        return None
    factors = factors_of(each.body)
    constant = multiply(*(one for one in factors if not free_indices(one)))
    rest = [one for one in factors if free_indices(one)]
    if len(rest) != 1 or len(factors) < 2 or not isinstance(rest[0], Entry):
        return None
    whole = rest[0]
    source = next((one for one in statements if one.name == whole.array and not one.stored), None)
    product = matrix_product(source) if source is not None else None
    if source is None or product is None or _uses(whole.array, statements) != 1:
        return None
    letters = dict(zip(source.indices, whole.indices, strict=True))
    plain = [term for term in whole.indices if isinstance(term, Index)]
    if set(plain) != set(each.indices) or len(plain) != len(letters) or set(product.summed) & set(plain):
        return None
    operand = _worked_out(product, statements)
    if operand is None:
        return None
    key = (operand.name, constant)
    scaled = None
    if key not in made:
        name = fresh_name(f"{operand.name}_scaled", {one.name for one in statements})
        made[key] = name
        entry = Entry(operand.name, operand.indices)
        scaled = Statement(name, operand.indices, multiply(constant, entry))

    def change(node: Expression) -> Expression:
        if isinstance(node, Entry):
            return Entry(made[key], node.indices) if node.array == operand.name else node
        return map_children(node, change)

    body = rename(change(source.body), letters)
    new = replace(each, body=body, reduce="sum", reduced=source.reduced, inner=source.inner)
    return scaled, new, source


def _worked_out(product: MatrixProduct, statements: Sequence[Statement]) -> Statement | None:
    """An operand that a formula gives, entry by entry."""
    if product.left.array == product.right.array:
        return None
    for operand in (product.left, product.right):
        for each in statements:
            if each.name == operand.array and not each.reduce and not each.stored and not each.cases:
                return each
    return None


def _uses(name: str, statements: Sequence[Statement]) -> int:
    return sum(
        isinstance(part, Entry) and part.array == name
        for each in statements
        for body in each.bodies()
        for _, part in walk(body)
    )
