"""What does not change along a pass is worked out before it, and sums are collected as early as can be.

See :mod:`symderiv.kernels.tighten` for what is allowed and why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symderiv.expression.construct import base_and_exponent, coefficient_and_rest, factors_of, multiply
from symderiv.expression.indices import mentions, rename
from symderiv.expression.nodes import Call, Entry, Expression, Index, Multiply, Number, Power, Size
from symderiv.expression.traverse import map_children
from symderiv.kernels.loop_program import EXP_OF_NEGATIVE, Loop, Node, Reduce, Start, Store, nodes
from symderiv.kernels.loop_walk import entries_in, set_in

#: The names of what is hoisted and of sums without their factor begin so; printers leave the sign out.
SCALE, EARLY = "@scale", "@early"


def hoisted(
    body: tuple[Node, ...], new: Callable[[str], Entry], divisors: frozenset[str] = frozenset()
) -> tuple[Node, ...]:
    """What does not change along a pass, worked out before it; `divisors` are safe ones from around it."""
    safe = safe_divisors(body) | divisors
    found: list[Node] = []
    known: dict[Expression, Entry] = {}  # a local variable is set once, so what is made of them stays
    for loop in body:
        if not (isinstance(loop, Loop) and loop.role == "pass"):
            found.append(loop)
            continue
        changing = {each.target.array for each in loop.body if isinstance(each, Store | Reduce)}
        hoist = _Hoist(loop.letter, changing, safe, new, known)
        inside = tuple(
            replace(each, value=hoist.rewrite(each.value)) if isinstance(each, Store | Reduce) else each
            for each in loop.body
        )
        found += [Store(entry, value) for value, entry in hoist.made.items()]
        found.append(replace(loop, body=inside))
    return tuple(found)


def earlier(body: tuple[Node, ...], new: Callable[[str], Entry]) -> tuple[Node, ...]:
    """Sums whose terms are known before their factor is, in the pass where they can be first."""
    for place, loop in enumerate(body):
        if not (isinstance(loop, Loop) and loop.role == "pass"):
            continue
        for each in loop.body:
            moved = _moved(body, place, loop, each, new) if isinstance(each, Reduce) else None
            if moved is not None:
                return earlier(moved, new)
    return body


def _moved(
    body: tuple[Node, ...], place: int, loop: Loop, each: Reduce, new: Callable[[str], Entry]
) -> tuple[Node, ...] | None:
    """The body with one sum in an earlier pass; None where it is in the first that it can be in."""
    factors = factors_of(each.value)
    fixed = [one for one in factors if isinstance(one, Entry) and one.array.startswith(SCALE)]
    rest = multiply(*(one for one in factors if one not in fixed))
    if each.kind != "sum" or not fixed or each.target.indices:
        return None
    needed = {part.array for part in entries_in(rest)}
    for number, other in enumerate(body[:place]):
        if not (isinstance(other, Loop) and other.role == "pass"):
            continue
        if other.letter.axis != loop.letter.axis or needed & set_in(body[number:]):
            continue
        raw = new(EARLY)
        joined = replace(
            other, body=(*other.body, Reduce("sum", raw, rename(rest, {loop.letter: other.letter})))
        )
        left = tuple(one for one in loop.body if one is not each)
        here = (replace(loop, body=left),) if left else ()
        between = tuple(
            one
            for one in body[number + 1 : place]
            if not (isinstance(one, Start) and one.target == each.target)
        )
        whole = Store(each.target, multiply(*fixed, raw))
        return (*body[:number], Start("sum", raw), joined, *between, whole, *here, *body[place + 1 :])
    return None


@dataclass
class _Hoist:
    """Takes what does not change along one pass out of its formulas."""

    letter: Index
    changing: set[str]
    safe: frozenset[str]
    new: Callable[[str], Entry]
    known: dict[Expression, Entry]

    def __post_init__(self) -> None:
        self.made: dict[Expression, Entry] = {}

    def rewrite(self, node: Expression) -> Expression:
        """`node` with locals in place of what does not change."""
        if isinstance(node, Call) and node.function == "log_ratio":
            return node
        if isinstance(node, Multiply):
            node = multiply(*node.factors)  # flat: what was inlined is a product in a product
            fixed = [each for each in factors_of(node) if self._is_fixed(each)]
            if any(self._is_reciprocal(each) for each in fixed):
                taken = [each for each in fixed if self._is_reciprocal(each) or not _is_power(each)]
                rest = [self.rewrite(each) for each in factors_of(node) if each not in taken]
                sign, whole = coefficient_and_rest(multiply(*taken))
                if sign < 0:  # the sign stays where it is read
                    return multiply(Number(Fraction(-1)), self._local(multiply(Number(-sign), whole)), *rest)
                return multiply(self._local(multiply(Number(sign), whole)), *rest)
        return map_children(node, self.rewrite)

    def _is_fixed(self, node: Expression) -> bool:
        if mentions(node, self.letter):
            return False
        return not any(part.array in self.changing for part in entries_in(node))

    def _is_reciprocal(self, node: Expression) -> bool:
        """Whether it is 1 / s for an s that is neither tiny nor huge."""
        base, exponent = base_and_exponent(node)
        if exponent != Number(Fraction(-1)):
            return False
        return (
            isinstance(base, Size)
            or (isinstance(base, Entry) and base.array in self.safe)
            or (isinstance(base, Call) and base.function == "sqrt")
        )

    def _local(self, value: Expression) -> Entry:
        if isinstance(value, Entry):
            return value
        if value not in self.known:
            self.known[value] = self.made[value] = self.new(SCALE)
        return self.known[value]


def _is_power(node: Expression) -> bool:
    return isinstance(node, Power)


def safe_divisors(body: Sequence[Node]) -> frozenset[str]:
    """Local variables that are square roots, or sums of exponentials whose largest is 1."""
    found: set[str] = set()
    exponentials: set[str] = set()
    for node in nodes(tuple(body)):
        if not isinstance(node, Store | Reduce):
            continue
        base, exponent = base_and_exponent(node.value)
        if isinstance(node.value, Call) and node.value.function == EXP_OF_NEGATIVE:
            exponentials.add(node.target.array)
            if isinstance(node, Reduce) and node.kind == "sum":
                found.add(node.target.array)
        elif isinstance(node, Reduce) and node.kind == "sum" and isinstance(node.value, Entry):
            if node.value.array in exponentials:
                found.add(node.target.array)
        elif isinstance(node, Store) and not node.target.indices:
            is_root = isinstance(node.value, Call) and node.value.function == "sqrt"
            if is_root or (node.value != base and exponent == Number(Fraction(1, 2))):
                found.add(node.target.array)
    return frozenset(found)
