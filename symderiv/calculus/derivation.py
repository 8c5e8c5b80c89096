"""What a derivation is: the problem, the recorded steps, and where they lead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from symderiv.expression.nodes import Compare, Delta, Entry, Expression, Extremum
from symderiv.expression.traverse import Path
from symderiv.problem import Assumption, Problem

if TYPE_CHECKING:
    from symderiv.calculus.context import Context

#: How much a reader wants to see; each level includes the ones before it.
LEVELS = ("brief", "textbook", "all")


@dataclass(frozen=True, slots=True)
class Rule:
    """One law of the calculus.

    Attributes
    ----------
    name
        A short name for readers, such as ``quotient rule``.
    law
        The law in LaTeX.
    source
        Where it is stated, or how it follows.
    example
        A tree in text notation on which it fires, and what it gives there.
    terminates
        Why applying it again and again comes to an end.
    level
        The least detailed level at which a step by this rule is shown by itself.
    on
        The kinds of node it looks at.
    apply
        From a node to what it becomes, or None where the rule does not apply.
    """

    name: str
    law: str
    source: str
    example: tuple[str, str]
    terminates: str
    level: str
    on: tuple[type, ...]
    apply: Callable[[Expression, Context], Expression | None]

    def __reduce__(self) -> tuple[Callable[[str, str], Rule], tuple[str, str]]:
        """A rule is pickled by where it stands, for a function that was made into one has no other name."""
        return _rule_at, (self.apply.__module__, self.apply.__name__)


def _rule_at(module: str, name: str) -> Rule:
    found = getattr(import_module(module), name)
    assert isinstance(found, Rule)
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """One rewrite: `rule` applied at `path` of `before` gives `after` (whole expressions both).

    `note` says more where the rule's name does not say all: which definition, which result.
    """

    rule: Rule
    path: Path
    before: Expression
    after: Expression
    note: str = ""

    @property
    def level(self) -> str:
        """The least detailed level at which this step is shown by itself."""
        return self.rule.level


@dataclass(frozen=True, slots=True)
class Case:
    """The value of a result where a Kronecker delta is one, or where it is zero."""

    delta: Delta
    equal: bool
    value: Expression


@dataclass(frozen=True, slots=True)
class Kink:
    """One equality at which a slope need not exist.

    Attributes
    ----------
    left, right
        The two sides; for a largest or smallest value over an axis, one of the values and the extremum.
    side
        The condition by which the form goes there: ``x <= 0`` where a branch is taken for x > 0 only.
        None for a function such as relu.
    slope
        The function that is the slope of such a function and 0 there: ``step`` or ``sign``.
    value
        What the form takes there; None where the equality is about a letter that is summed over.
    """

    left: Expression
    right: Expression
    side: Compare | None = None
    slope: str = ""
    value: Expression | None = None

    @property
    def is_tie(self) -> bool:
        """Whether it is a tie among the values that an extremum is taken of."""
        return isinstance(self.right, Extremum)


@dataclass(frozen=True)
class Derivation:
    """The way from a derivative (or a contraction of one) to its form.

    Attributes
    ----------
    problem
        What was differentiated.
    start
        The expression that the derivation began with: usually a ``Derivative``, for a contraction
        the sum over a cotangent or tangent array and a ``Derivative``.
    steps
        Every rewrite, in order. ``steps[0].before == start``.
    result
        The form reached, without using any assumption.
    assumed_steps, assumed_result, assumptions
        Further steps that use the assumptions, the form they give, and the assumptions that were
        really used. `assumed_result` is None where no assumption changes anything.
    lemmas
        The derivations whose results were used, in order of first use.
    extra
        Arrays that the contraction brought in, with their axes: a cotangent ``g`` or a tangent.
    kinks
        The equalities at which a slope need not exist, with what the form takes there.
    """

    problem: Problem
    start: Expression
    steps: tuple[Step, ...]
    result: Expression
    assumed_steps: tuple[Step, ...] = ()
    assumed_result: Expression | None = None
    assumptions: tuple[Assumption, ...] = ()
    lemmas: tuple[Derivation, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    kinks: tuple[Kink, ...] = ()

    @property
    def form(self) -> Expression:
        """The simplest form reached: under the assumptions where they help."""
        return self.result if self.assumed_result is None else self.assumed_result

    def shown(self, level: str = "textbook") -> tuple[Step, ...]:
        """The steps for a reader at `level`, runs of finer steps merged into one line."""
        return merge(self.steps, level)


@dataclass(frozen=True, slots=True)
class Contraction:
    """A request for a product with a derivative.

    `kind` is ``vjp`` (Σ over the output of cotangent · derivative), ``jvp`` (Σ over the variable of
    derivative · tangent) or ``hvp`` (the same for a second derivative of a scalar). `carried` is what
    the cotangent or tangent is called; a name that is free is chosen if there is none.
    """

    kind: str
    output: Entry
    variable: Entry
    carried: str = ""


def merge(steps: tuple[Step, ...], level: str) -> tuple[Step, ...]:
    """Merge each run of steps finer than `level` into the step that follows or ends it.

    Steps of one rule in a row become one line as well (except at ``all``). The last line always
    ends at the result.
    """
    if level not in LEVELS:
        raise ValueError(f"expected a level among {', '.join(LEVELS)}, found {level!r}")
    if level == "all":
        return steps
    depth = LEVELS.index(level)
    lines: list[Step] = []
    pending: Step | None = None
    for step in steps:
        if LEVELS.index(step.level) > depth:
            pending = step if pending is None else Step(step.rule, (), pending.before, step.after)
            continue
        if pending is not None:
            lines.append(pending)
            pending = None
        last = lines[-1] if lines else None
        if last is not None and last.rule is step.rule and last.after == step.before:
            notes = last.note if step.note in last.note else f"{last.note}, {step.note}".strip(", ")
            lines[-1] = Step(step.rule, (), last.before, step.after, notes)
        else:
            lines.append(step)
    if pending is not None:
        lines.append(pending)
    return tuple(lines)
