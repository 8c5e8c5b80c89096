"""Reductions over whole arrays: products of matrices by BLAS, inner products, all others by NumPy's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from symderiv.expression.construct import factors_of, multiply
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Entry, Expression, Index, Number, Power
from symderiv.expression.traverse import walk
from symderiv.kernels.array_elementwise import Elementwise
from symderiv.kernels.array_formula import einsum_letters, letters_of, plain_letters
from symderiv.kernels.array_steps import Operand, Steps
from symderiv.kernels.errors import KernelError
from symderiv.kernels.matrix_products import matrix_product
from symderiv.kernels.program import Statement

_REDUCE = {
    "sum": "np.add.reduce", "max": "np.maximum.reduce", "min": "np.minimum.reduce",
    "prod": "np.multiply.reduce",
}  # fmt: skip


class Reductions:
    """Adds the steps of reductions.

    Parameters
    ----------
    steps
        Where the steps are added.
    elementwise
        What splits formulas.
    target
        What a small statement assigns to.
    """

    def __init__(self, steps: Steps, elementwise: Elementwise, target: Callable[[Statement], str]) -> None:
        self.steps, self.elementwise, self._target = steps, elementwise, target
        self.names = steps.arrays.names

    def reduction(self, statement: Statement) -> None:
        """Add the steps of a sum, a product, a largest or a smallest."""
        if statement.reduce == "sum" and self._contraction(statement):
            return
        order = _natural_order(statement)
        assert statement.reduced is not None
        axis = order.index(statement.reduced)
        if set(free_indices(statement.body)) != set(order):
            raise KernelError("A sum over an index that its terms do not all have cannot be emitted.")
        last = axis == len(order) - 1
        if statement.reduce == "sum" and self._inner_product(statement, order, last):
            return
        of = self.elementwise.evaluated(statement.body, order)
        self._reduced(statement, f"{_REDUCE[statement.reduce]}({{0}}, axis={-1 if last else axis}", [of])

    def _reduced(
        self, statement: Statement, call: str, of: Sequence[Operand], alone: str = "", *nodes: Expression
    ) -> None:
        """Assign the result of a function that takes ``out=``."""
        if not statement.indices or (self.steps.is_small(statement.indices) and not statement.stored):
            self.steps.small(self._target(statement), alone or f"{call})", *nodes, of=of)
        else:
            value = self.steps.into(call, statement.indices, *nodes, alone=alone, of=of)
            self.steps.finish(value)

    def _inner_product(self, statement: Statement, order: tuple[Index, ...], last: bool) -> bool:
        """A sum of products along the last axis, without an array of the products."""
        factors = factors_of(statement.body)
        full = [each for each in factors if set(free_indices(each)) == set(order)]
        body = statement.body
        if isinstance(body, Power) and body.exponent == Number(Fraction(2)):
            left = right = body.base
        elif len(full) >= 2 and not any(isinstance(each, Power) for each in full[-1:]):
            right = full[-1]
            left = multiply(*(each for each in factors if each is not right))
        else:
            return False
        first = self.elementwise.evaluated(left, order)
        given = [first, first if left is right else self.elementwise.evaluated(right, order)]
        if not last:
            letters = einsum_letters(order)
            each = "".join(letters[index] for index in order)
            kept = "".join(letters[index] for index in statement.indices)
            self._reduced(statement, f'np.einsum("{each},{each}->{kept}", {{0}}, {{1}}', given)
            return True
        self.steps.arrays.helpers.add("dot")
        if self.steps.is_small(statement.indices):
            self.steps.small(self._target(statement), "_dot({0}, {1})", of=given)
        else:
            self.steps.finish(self.steps.formula("_dot({0}, {1})", statement.indices, of=given))
        return True

    def _contraction(self, statement: Statement) -> bool:
        """A sum over a product of arrays that do not range over the same axes."""
        sides = self._matrix_product(statement) or self._with_vector(statement)
        if sides:
            call = f"np.matmul({', '.join(sides)}"
            self._reduced(statement, call, (), " @ ".join(sides), statement.body)
            return True
        operands = [self._operand(each) for each in factors_of(statement.body)]
        if len(operands) < 2 or not all(code for code, _ in operands):
            return False
        shifted = any(code.startswith("_windows(") for code, _ in operands)
        if not shifted and any(set(each) == set(statement.letters) for _, each in operands):
            return False
        letters = einsum_letters(statement.letters)
        given = ",".join("".join(letters[index] for index in each) for _, each in operands)
        result = "".join(letters[index] for index in statement.indices)
        names = ", ".join(code for code, _ in operands)
        optimize = ", optimize=True" if len(operands) > 2 or (len(letters) > 3 and not shifted) else ""
        call = f'np.einsum("{given}->{result}", {names}{optimize}'
        self._reduced(statement, call, (), "", statement.body)
        return True

    def _operand(self, factor: Expression) -> tuple[str, tuple[Index, ...]]:
        """A factor as an array, and the letters of its axes; nothing where it is none as it stands."""
        if not isinstance(factor, Entry):
            return "", ()
        if letters_of(factor):
            return self.names[factor.array], letters_of(factor)
        return self.steps.arrays.moved(factor)

    def _matrix_product(self, statement: Statement) -> list[str]:
        """Both factors of a product of matrices, turned as it needs them; none where it is none."""
        product = matrix_product(statement)
        if product is None:
            return []
        sides = []
        for entry, turned in (
            (product.left, product.left_transposed), (product.right, product.right_transposed),
        ):  # fmt: skip
            count = len(entry.indices)
            first, second = count - 2, count - 1
            axes = ", ".join(map(str, (*range(first), second, first)))
            name = self.names[entry.array]
            sides.append(name if not turned else f"{name}.T" if count == 2 else f"{name}.transpose({axes})")
        return sides

    def _with_vector(self, statement: Statement) -> list[str]:
        """The factors of a sum over an array's last axis of its product with a vector."""
        over, factors = statement.reduced, factors_of(statement.body)
        if len(factors) != 2 or over is None or not statement.indices:
            return []
        first, second = (letters_of(each) if isinstance(each, Entry) else () for each in factors)
        for letters, others in ((first, second), (second, first)):
            if letters == (*statement.indices, over) and others == (over,):
                whole, vector = factors if letters is first else reversed(factors)
                assert isinstance(whole, Entry)
                assert isinstance(vector, Entry)
                return [self.names[whole.array], self.names[vector.array]]
        return []


def _natural_order(statement: Statement) -> tuple[Index, ...]:
    """The letters of a reduction in the order of its largest array, so that nothing is turned."""
    reduced = statement.reduced
    assert reduced is not None
    usual = (*statement.indices, reduced)
    for _, part in walk(statement.body):
        if isinstance(part, Entry) and set(part.indices) == set(usual) and len(part.indices) == len(usual):
            order = plain_letters(part)
            if tuple(index for index in order if index != reduced) == statement.indices:
                return order
    return usual
