"""A mean of products less the product of the means, without cancellation.

    Σ_k w_k x_k y_k - (Σ_k w_k x_k) (Σ_k w_k y_k)    becomes    Σ_k w_k (x_k - x̄) (y_k - ȳ)

where Σ_k w_k = 1, as for 1/K or a share, and x̄ and ȳ are the means. On the left two large numbers are
subtracted where the means are large; on the right the differences are small and exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from symderiv.expression.canonical import canonical
from symderiv.expression.construct import (
    add,
    base_and_exponent,
    coefficient_and_rest,
    factors_of,
    multiply,
    number,
    power,
    subtract,
)
from symderiv.expression.indices import mentions
from symderiv.expression.nodes import Add, Definition, Expression, Number, Size, Sum
from symderiv.kernels.rewrite_check import same_value


def central_moment(node: Add, definitions: Mapping[str, Definition]) -> Expression | None:
    """`node` with a mean square less a squared mean in its stable form; None where it has none."""
    for term in node.terms:
        coefficient, product = coefficient_and_rest(term)
        for total, outside in _sums(product):
            for other in node.terms:
                less, means = coefficient_and_rest(other)
                if other is term or less * coefficient >= 0:
                    continue
                pair = _two(means)
                for first, second in _splits(total) if pair else ():
                    assert pair is not None
                    for left, right in (pair, pair[::-1]):
                        found = _moment(total, coefficient, outside, (first, left), (second, right))
                        if found is not None and same_value(
                            add(term, other), found, definitions, definitions
                        ):
                            rest = [each for each in node.terms if each not in (term, other)]
                            return add(found, *rest)
    return None


def _sums(product: Expression) -> Iterator[tuple[Sum, list[Expression]]]:
    """The sums among the factors, each with the others."""
    factors = factors_of(product)
    for place, factor in enumerate(factors):
        if isinstance(factor, Sum) and factor.condition is None:
            yield factor, [*factors[:place], *factors[place + 1 :]]


def _two(means: Expression) -> tuple[Expression, Expression] | None:
    """A square, or a product, as two factors; what each sums over is left to the comparison of values."""
    factors: list[Expression] = []
    for factor in factors_of(means):
        base, exponent = base_and_exponent(factor)
        if isinstance(exponent, Number) and exponent.value.denominator == 1 and abs(exponent.value) == 2:
            factors += [power(base, int(exponent.value) // 2)] * 2
        else:
            factors.append(factor)
    entries = [each for each in factors if not _is_constant(each)]
    others = [each for each in factors if _is_constant(each)]
    if len(entries) != 2 or len(others) % 2:
        return None
    ordered = sorted(others, key=lambda each: repr(canonical(each)))
    if ordered[::2] != ordered[1::2]:
        return None
    shared = ordered[::2]
    return multiply(entries[0], *shared), multiply(entries[1], *shared)


def _is_constant(factor: Expression) -> bool:
    return isinstance(base_and_exponent(factor)[0], Number | Size)


def _splits(total: Sum) -> Iterator[tuple[Expression, Expression]]:
    """Two factors x_k and y_k of what is summed, the same or others."""
    varying: list[Expression] = []
    for factor in factors_of(total.body):
        base, exponent = base_and_exponent(factor)
        if exponent == number(2) and mentions(base, total.index):
            yield base, base
        elif mentions(factor, total.index):
            varying.append(factor)
    for place, first in enumerate(varying):
        for second in varying[place + 1 :]:
            yield first, second


def _moment(
    total: Sum,
    coefficient: Fraction,
    outside: list[Expression],
    first: tuple[Expression, Expression],
    second: tuple[Expression, Expression],
) -> Expression | None:
    (x, x_mean), (y, y_mean) = first, second
    if mentions(x_mean, total.index) or mentions(y_mean, total.index):
        return None
    weights = list(factors_of(total.body))
    if x == y:
        weights.remove(power(x, 2))
    else:
        weights.remove(x)
        weights.remove(y)
    centred = (
        [power(subtract(x, x_mean), 2)] if x == y and x_mean == y_mean
        else [subtract(x, x_mean), subtract(y, y_mean)]
    )  # fmt: skip
    return multiply(Number(coefficient), *outside, Sum(total.index, multiply(*weights, *centred)))


__all__ = ["central_moment"]
