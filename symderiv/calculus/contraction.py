"""Rules for products with a derivative, taken through the intermediates one at a time.

A cotangent is carried backwards (vjp), a tangent forwards (jvp), as in backpropagation: what is
contracted early stays small, and nothing of the size of a Jacobian appears.
"""

from __future__ import annotations

from symderiv.calculus.bounds import within_bounds
from symderiv.calculus.context import Context, rule
from symderiv.calculus.derivative import d
from symderiv.calculus.opening import nearest_intermediate
from symderiv.calculus.simplify import sum_chain, sum_over
from symderiv.expression.construct import factors_of, multiply
from symderiv.expression.indices import all_letters, fresh_index, rename
from symderiv.expression.nodes import Derivative, Entry, Expression, Index, Multiply, Sum
from symderiv.expression.traverse import map_children

_GRIEWANK = "Griewank and Walther, Evaluating Derivatives, chapter 3"


def _parts(node: Expression, context: Context) -> tuple[str, Entry, Entry, Entry] | None:
    """Read Σ a · ∂o/∂x: the kind (vjp or jvp), the array a contracted with, o, and x."""
    letters, core = sum_chain(node)
    factors = factors_of(core)
    if len(factors) != 2:
        return None
    derivatives = [factor for factor in factors if isinstance(factor, Derivative)]
    arrays = [factor for factor in factors if isinstance(factor, Entry)]
    if len(derivatives) != 1 or len(arrays) != 1 or len(derivatives[0].by) != 1:
        return None
    of, (by,) = derivatives[0].of, derivatives[0].by
    if not isinstance(of, Entry) or context.problem.definition(of.array) is None:
        return None
    array = arrays[0]
    if array.array != context.carried:
        return None
    if array.indices == of.indices and set(letters) == set(of.indices):
        return "vjp", array, of, by
    if array.indices == by.indices and set(letters) == set(by.indices):
        return "jvp", array, of, by
    return None


@rule(
    Sum,
    Multiply,
    law=r"\sum_t g_t \frac{\partial h_t}{\partial x}"
    r" = \sum_s \left(\sum_t g_t \frac{\partial h_t}{\partial z_s}\right) \frac{\partial z_s}{\partial x}",
    source=_GRIEWANK,
    example=(
        "sum(i, g[i] * d(q[i], x))",
        "sum(k, sum(i, g[i] * d(q[i], u[k])) * d(u[k], x))",
    ),
    terminates="used once, at the start, and towards a nearer variable",
    level="brief",
    name="chain rule, contracted",
)
def contract_in_stages(node: Expression, context: Context) -> Expression | None:
    """Carry the cotangent back to the nearest intermediate, or the tangent forward from it."""
    parts = _parts(node, context)
    if parts is None:
        return None
    kind, array, of, by = parts
    through = nearest_intermediate(of.array, by.array, context)
    if through is None:
        return None
    taken = all_letters(node)
    letters: list[Index] = []
    for axis in context.problem.axes_of(through):
        letter = fresh_index(axis, taken, context.problem.letters_of(axis))
        taken.add(letter.name)
        letters.append(letter)
    middle = Entry(through, tuple(letters))
    outer, _ = sum_chain(node)
    context.note = f"through {through}"
    if kind == "vjp":
        inner = sum_over(outer, multiply(array, d(of, middle)))
        return sum_over(tuple(letters), multiply(inner, d(middle, by)))
    inner = sum_over(outer, multiply(d(middle, by), array))
    return sum_over(tuple(letters), multiply(d(of, middle), inner))


@rule(
    Sum,
    Multiply,
    law=r"\sum_t g_t \frac{\partial h_t}{\partial z_s} \text{ as derived before}",
    source="a derivation of its own, shown first",
    example=("sum(i, g[i] * d(q[i], u[k]))", "q[k] * (g[k] - sum(i, g[i] * q[i]))"),
    terminates="a derivative disappears; definitions have no cycles",
    level="textbook",
)
def known_contraction(node: Expression, context: Context) -> Expression | None:
    """Put in the product with the derivative of a named intermediate, derived once."""
    parts = _parts(node, context)
    if parts is None:
        return None
    kind, array, of, by = parts
    if not context.problem.depends(of, by.array) or of.array == by.array:
        return None
    if context.contracting == (kind, of.array, by.array):
        return None
    derivation = context.contracted(kind, of.array, by.array)
    start, (name, _) = derivation.start, derivation.extra[0]
    _, core = sum_chain(start)
    (inner,) = (factor for factor in factors_of(core) if isinstance(factor, Derivative))
    assert isinstance(inner.of, Entry)
    free = by if kind == "vjp" else of
    given = inner.by[0] if kind == "vjp" else inner.of
    names = {
        old: new
        for old, new in zip(given.indices, free.indices, strict=True)
        if isinstance(old, Index) and old != new
    }
    if derivation not in context.used:
        context.used.append(derivation)
    context.note = f"{kind} of {of.array} by {by.array}"
    return within_bounds(rename(_with_array(derivation.result, name, array.array), names), free.indices)


def _with_array(node: Expression, old: str, new: str) -> Expression:
    """`node` with the array `old` called `new`."""
    if isinstance(node, Entry):
        return Entry(new, node.indices) if node.array == old else node
    return map_children(node, lambda child: _with_array(child, old, new))
