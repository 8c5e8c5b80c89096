"""Rules that use the assumptions of a problem; they fire only after the general form is reached."""

from __future__ import annotations

from dataclasses import replace

from symderiv.calculus.context import Context, rule
from symderiv.calculus.recognise import bindings, pulled
from symderiv.calculus.simplify import cancel, collect, expanded
from symderiv.expression.canonical import canonical
from symderiv.expression.construct import add, multiply, terms_of
from symderiv.expression.indices import free_indices, rename
from symderiv.expression.nodes import Add, Definition, Entry, Expression, Index, Multiply, Number, Sum
from symderiv.expression.traverse import map_children
from symderiv.problem import Assumption, names_in, unfold


@rule(
    Add,
    Multiply,
    Sum,
    Entry,
    law=r"\text{an assumption of the problem}",
    source="the problem",
    example=("p[j] * sum(k, t[k])", "p[j]"),
    terminates="each use removes one left side of an assumption",
    level="brief",
    name="assumption",
)
def assume(node: Expression, context: Context) -> Expression | None:
    """Use an equation that the problem allows to assume; fires only after the general form."""
    for assumption in context.assumptions:
        if isinstance(assumption.left, Entry) and assumption.left.array in names_in(assumption.right):
            continue  # A_ij = A_ji would be used for ever: symmetric entries have a rule of their own
        letters = free_indices(assumption.left)
        pattern = Definition("#", letters, assumption.left)
        for binding in bindings(pattern, node, context) if letters else [{}]:
            if canonical(rename(assumption.left, binding)) == canonical(node):
                if assumption not in context.assumed:
                    context.assumed.append(assumption)
                return rename(assumption.right, binding)
    return None


@rule(
    Sum,
    law=r"\sum_k s_k = 1",
    source="the definition, put in and summed under an assumption of the problem",
    example=("sum(k, w[k])", "1"),
    terminates="a sum disappears",
    level="brief",
    name="known total under an assumption",
)
def total_under_an_assumption(node: Expression, context: Context) -> Expression | None:
    """The total of a defined array where its definition and the assumptions show that it is a number."""
    assert isinstance(node, Sum)
    if node.condition is not None or not isinstance(node.body, Entry):
        return None
    definition = context.problem.definition(node.body.array)
    if definition is None or node.index not in node.body.indices:
        return None
    body = expanded(unfold(definition, node.body))
    terms = [pulled(Sum(node.index, term)) for term in terms_of(add(body))]
    for assumption in context.assumptions:
        if free_indices(assumption.left):
            continue
        found = [_put_in(term, assumption, context) for term in terms]
        whole = add(*found)
        value = (collect.apply(whole, context) or whole) if isinstance(whole, Add) else whole
        if found != terms and isinstance(value, Number):
            if assumption not in context.assumed:
                context.assumed.append(assumption)
            context.note = f"the {definition.name} add up to {value.value}"
            return value
    return None


def _put_in(node: Expression, assumption: Assumption, context: Context) -> Expression:
    """`node` with the left side of an assumption replaced, its factors gathered."""
    if canonical(node) == canonical(assumption.left):
        return assumption.right
    node = map_children(node, lambda child: _put_in(child, assumption, context))
    if isinstance(node, Multiply):
        node = multiply(*node.factors)
    return (cancel.apply(node, context) or node) if isinstance(node, Multiply) else node


@rule(
    Sum,
    law=r"A_{ij} = A_{ji}",
    source="the problem: A is symmetric",
    example=("sum(k, S[k, j] * z[k])", "sum(k, S[j, k] * z[k])"),
    terminates="fewer symmetric entries whose first letter is bound further inside than their second",
    level="brief",
    name="symmetric entries",
)
def symmetric(node: Expression, context: Context) -> Expression | None:
    """Of the two spellings of a symmetric entry, the one with the letter of the innermost sum last."""
    assert isinstance(node, Sum)
    found = node
    for assumption in context.assumptions:
        left, right = assumption.left, assumption.right
        if not isinstance(left, Entry) or not isinstance(right, Entry) or left.array != right.array:
            continue
        if len(left.indices) != 2 or left.indices != right.indices[::-1]:
            continue
        body = _turned(found.body, left.array, node.index)
        if body != found.body:
            found = replace(found, body=body)
            if assumption not in context.assumed:
                context.assumed.append(assumption)
    return found if found != node else None


def _turned(node: Expression, array: str, index: Index, inner: tuple[Index, ...] = ()) -> Expression:
    """`node` with A[index, j] as A[j, index], but where a sum inside of `node` binds j."""
    if isinstance(node, Entry) and node.array == array:
        first, second = node.indices
        return Entry(array, (second, first)) if first == index and second not in (index, *inner) else node
    if isinstance(node, Sum):
        if node.index == index:
            return node
        inner = (*inner, node.index)
    return map_children(node, lambda child: _turned(child, array, index, inner))


ASSUME = (symmetric, assume, total_under_an_assumption)
