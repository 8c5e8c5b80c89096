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
from symderiv.kernels.array_views import merged, turned
from symderiv.kernels.errors import KernelError
from symderiv.kernels.matrix_products import MatrixProduct, matrix_product
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
        self,
        statement: Statement,
        call: str,
        of: Sequence[Operand],
        alone: str = "",
        *nodes: Expression,
        shape: str = "",
    ) -> None:
        """Assign the result of a function that takes ``out=``, as an array of another shape if need be."""
        if not statement.indices or (self.steps.is_small(statement.indices) and not statement.stored):
            self.steps.small(self._target(statement), alone or f"{call})", *nodes, of=of)
        else:
            value = self.steps.into(call, statement.indices, *nodes, alone=alone, of=of, shape=shape)
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
        product = matrix_product(statement)
        sides = self._sides(product) if product else self._with_vector(statement)
        if sides:
            call, alone = f"np.matmul({', '.join(sides)}", " @ ".join(sides)
            axes = product.axes(product.target) if product else ()
            shape = ""
            if any(len(each) > 1 for each in axes):
                shape = merged("", axes, self.steps.arrays.size)
                sizes = ", ".join(self.steps.arrays.size(index.axis) for index in statement.indices)
                alone = f"({alone}).reshape({sizes})"
            self._reduced(statement, call, (), alone, statement.body, shape=shape)
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

    def _sides(self, product: MatrixProduct) -> list[str]:
        """Both factors of a product of matrices, as matrices and turned as it needs them."""
        sides = []
        for entry in (product.left, product.right):
            whole = merged(self.names[entry.array], product.axes(entry), self.steps.arrays.size)
            sides.append(turned(whole, product.order(entry)))
        return sides

    def _with_vector(self, statement: Statement) -> list[str]:
        """A vector and an array, for a sum of their product over its last axis, or a matrix' first."""
        over, factors = statement.reduced, factors_of(statement.body)
        if len(factors) != 2 or over is None or not statement.indices:
            return []
        first, second = factors
        if not isinstance(first, Entry) or not isinstance(second, Entry):
            return []
        for whole, vector in ((first, second), (second, first)):
            if letters_of(vector) == (over,):
                if letters_of(whole) == (*statement.indices, over):
                    return [self.names[whole.array], self.names[vector.array]]
                if letters_of(whole) == (over, *statement.indices) and len(whole.indices) == 2:
                    return [self.names[vector.array], self.names[whole.array]]
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
