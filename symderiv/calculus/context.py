"""What a rule may ask while it is applied: the problem, known results, new index letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from symderiv.calculus.derivation import Derivation, Rule
from symderiv.expression.indices import all_letters, fresh_index
from symderiv.expression.nodes import Definition, Expression, Index
from symderiv.problem import Assumption, Problem


class CalculusError(ValueError):
    """A derivative that the rules do not reach, or a request that makes no sense."""


@dataclass
class Context:
    """The surroundings of one derivation.

    Attributes
    ----------
    problem
        The problem that the expressions speak of.
    known
        Gives the derivation of a derivative by name: (output array, variable arrays).
    contracted
        Gives that of a product with a derivative: (vjp or jvp, output array, variable array).
    used
        The derivations that were used so far, in order.
    assumptions
        The assumptions that may be used now; empty until the general form is reached.
    assumed
        Those that were used.
    carried
        The array that a contraction carries along: its cotangent or tangent.
    contracting
        The product that is being derived now, which must not be looked up as known.
    by_shape
        The definitions by the shape of one of their factors, in their order; filled when first needed.
    note
        Set by a rule that has more to say than its name.
    """

    problem: Problem
    known: Callable[[str, tuple[str, ...]], Derivation]
    contracted: Callable[[str, str, str], Derivation]
    used: list[Derivation] = field(default_factory=list)
    assumptions: tuple[Assumption, ...] = ()
    assumed: list[Assumption] = field(default_factory=list)
    note: str = ""
    carried: str = ""
    contracting: tuple[str, str, str] | None = None
    by_shape: dict[int, list[tuple[int, Definition]]] = field(default_factory=dict)

    def fresh(self, axis: str, *avoid: Expression, letters: Iterable[str] = ()) -> Index:
        """A letter over `axis` that occurs in none of the expressions, a declared one if possible."""
        taken = set(letters)
        for expression in avoid:
            taken |= all_letters(expression)
        return fresh_index(axis, taken, self.problem.letters_of(axis))


def rule(
    *on: type,
    law: str,
    source: str,
    example: tuple[str, str],
    terminates: str,
    level: str = "all",
    name: str = "",
) -> Callable[[Callable[[Expression, Context], Expression | None]], Rule]:
    """Make a function into a :class:`Rule`; its name in words is the rule's name."""

    def make(apply: Callable[[Expression, Context], Expression | None]) -> Rule:
        words = name or apply.__name__.replace("_", " ")
        return Rule(words, law, source, example, terminates, level, on, apply)

    return make
