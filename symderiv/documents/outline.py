"""What a document says and in which order, before it is set in any notation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symderiv.calculus import cases
from symderiv.calculus.assume import ASSUME
from symderiv.calculus.derivation import LEVELS, Case, Derivation, Rule, Step, merge
from symderiv.calculus.differentiate import DIFFERENTIATE, product_rule, quotient_rule
from symderiv.calculus.factor import FACTOR
from symderiv.calculus.fractions import FRACTIONS
from symderiv.calculus.opening import second_derivative
from symderiv.calculus.recognise import RECOGNISE, split_the_fraction, split_the_sum
from symderiv.calculus.restricted import RESTRICTED
from symderiv.calculus.shares import logistic
from symderiv.calculus.simplify import SIMPLIFY
from symderiv.expression.canonical import canonical
from symderiv.expression.nodes import Derivative, Entry, Expression
from symderiv.expression.shifts import has_shift
from symderiv.expression.traverse import walk
from symderiv.problem import Assumption, Problem

#: From an expression to its spelling, in text or in LaTeX.
Spelling = Callable[[Expression], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chain: what the expression was and has become, by which rules, and step by step."""

    before: Expression
    after: Expression
    reason: str
    rules: tuple[Rule, ...]
    level: str
    steps: tuple[Step, ...] = ()

    @property
    def rule(self) -> str:
        """The names of the rules that it rests on."""
        return ", ".join(rule.name for rule in self.rules)

    @property
    def law(self) -> str:
        """Their laws, in LaTeX."""
        return r" \qquad ".join(rule.law for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Passage:
    """One derivation as a reader meets it.

    Attributes
    ----------
    number
        Its place in the document, from 1; later lines refer to its result by it.
    kind
        ``derivative``, ``vjp``, ``jvp`` or ``hvp``.
    lines, assumed
        The chain to the general form, and the further one under the assumptions.
    cases
        The form at equal and at different places, where it holds a Kronecker delta.
    lemma
        Whether it is here because another passage uses it.
    """

    number: int
    derivation: Derivation
    kind: str
    lines: tuple[Line, ...]
    assumed: tuple[Line, ...]
    cases: tuple[Case, ...]
    lemma: bool

    @property
    def is_product(self) -> bool:
        """Whether it is a product with a derivative rather than the derivative itself."""
        return self.kind != "derivative"

    @property
    def derivative(self) -> Derivative:
        """The derivative that the passage is about."""
        return derivative_of(self.derivation)


def places_note(problem: Problem) -> str:
    """What shifted indices mean, as a sentence; empty where a problem has none."""
    bodies = [each.body for each in problem.definitions]
    shifted = any(has_shift(body) for body in bodies)
    return "Places count from 1; an entry outside of its array counts as 0." if shifted else ""


def outline(
    derivations: Sequence[Derivation], level: str = "textbook", lemmas: bool = True
) -> tuple[Passage, ...]:
    """The passages of a document: what is used comes before its use, and nothing comes twice."""
    asked = {canonical(each.start) for each in derivations}
    order: dict[Expression, Derivation] = {}

    def visit(derivation: Derivation) -> None:
        key = canonical(derivation.start)
        if key in order:
            return
        if lemmas:
            for lemma in derivation.lemmas:
                visit(lemma)
        order[key] = derivation

    for derivation in derivations:
        visit(derivation)
    numbers = {_reference(each): place for place, each in enumerate(order.values(), start=1)}
    return tuple(
        Passage(
            number=place,
            derivation=each,
            kind=kind_of(each),
            lines=_lines(each.steps, level, numbers),
            assumed=_lines(each.assumed_steps, level, numbers),
            cases=cases(each),
            lemma=key not in asked,
        )
        for place, (key, each) in enumerate(order.items(), start=1)
    )


def chain(derivation: Derivation, level: str = "textbook") -> tuple[Line, ...]:
    """The lines that lead from a derivation's start to its general form."""
    return _lines(derivation.steps, level, {})


def assumed_chain(derivation: Derivation, level: str = "textbook") -> tuple[Line, ...]:
    """The further lines under the assumptions."""
    return _lines(derivation.assumed_steps, level, {})


def _lines(steps: Sequence[Step], level: str, numbers: dict[str, int]) -> tuple[Line, ...]:
    if level == "textbook":
        return tuple(_line(run, numbers) for run in _runs(steps))
    return tuple(_line([step], numbers) for step in merge(tuple(steps), level))


def _line(run: Sequence[Step], numbers: dict[str, int]) -> Line:
    """One line for a run of steps; the finest ones are passed over where others give the reason."""
    telling = [step for step in run if step.level != "all"] or [run[-1]]
    loud = [step for step in telling if step.rule not in _QUIET] or telling
    reasons = dict.fromkeys(_together(loud, numbers))
    levels = [step.level for step in run]
    return Line(
        before=run[0].before,
        after=run[-1].after,
        reason=", ".join(reasons),
        rules=tuple(dict.fromkeys(step.rule for step in loud)),
        level=min(levels, key=LEVELS.index),
        steps=tuple(run),
    )


#: Rules that only prepare another one, which then gives the reason.
_QUIET = (split_the_fraction, split_the_sum)


def _together(steps: Sequence[Step], numbers: dict[str, int]) -> list[str]:
    """The reasons of some steps, those by one rule in one: recognise p and q."""
    reasons: dict[str, list[str]] = {}
    for step in steps:
        text = reason(step, numbers)
        name = "by" if text.startswith("by (") else step.rule.name
        rest = text.removeprefix(name).strip() if text.startswith(f"{name} ") else ""
        entry = reasons.setdefault(name if rest else text, [])
        if rest and rest not in entry:
            entry.append(rest)
    listed = [f"{name} {' and '.join(rests)}".strip() for name, rests in reasons.items()]
    return sorted(listed, key=lambda text: text.startswith("by ("))


#: What the textbook does in one line: rules of one set in a row.
_TOPICS: tuple[frozenset[str], ...] = tuple(
    frozenset(rule.name for rule in rules)
    for rules in (
        set(DIFFERENTIATE) - {product_rule, quotient_rule, second_derivative},
        (*SIMPLIFY, *RESTRICTED),
        (*RECOGNISE, logistic, *FRACTIONS),
        FACTOR,
        ASSUME,
    )
)


def _topic(step: Step) -> int | str:
    """The topic of a step; a rule of no set is a topic of its own."""
    for place, names in enumerate(_TOPICS):
        if step.rule.name in names:
            return place
    return step.rule.name


def _runs(steps: Sequence[Step]) -> list[list[Step]]:
    """Steps that a textbook takes at once, each run on one line.

    Steps of one topic in a row are one run. A step that is too fine to be a reason goes with the
    telling step to come if that has its topic, otherwise with the line before.
    """
    runs: list[list[Step]] = []
    alone = False
    for place, step in enumerate(steps):
        topic = _topic(step)
        if runs and not alone:
            current = _telling_topic(runs[-1])
            coming = next((_topic(later) for later in steps[place:] if later.level != "all"), None)
            fine = step.level == "all" and coming != topic and isinstance(current, int)
            if topic == current or fine:
                runs[-1].append(step)
                continue
        # What is put in for an inner derivative is shown before it is differentiated further.
        alone = bool(runs) and runs[-1][-1].rule is second_derivative
        runs.append([step])
    return runs


def _telling_topic(run: Sequence[Step]) -> int | str:
    """The topic of a run: that of its last step that is a reason, or of its first step."""
    return _topic(next((step for step in reversed(run) if step.level != "all"), run[0]))


def reason(step: Step, numbers: dict[str, int] | None = None) -> str:
    """Why a line follows from the one before, in words: the rule, and what it was applied to."""
    name, note = step.rule.name, step.note
    uses = re.split(r", (?=for |vjp |jvp |hvp )", note)
    found = [numbers[use] for use in uses if use in numbers] if numbers else []
    if found:
        return "by " + " and ".join(f"({number})" for number in sorted(found))
    if name == "derivative of a function" and note:
        return f"derivative of {note}"
    if not note:
        return name
    plain = note.split(" ")[0] in _PREPOSITIONS or all(
        step_name.replace("_", "").isalnum() for step_name in note.split(", ")
    )
    return f"{name} {note}" if plain else f"{name} ({note})"


_PREPOSITIONS = frozenset({"of", "through", "over", "by", "for", "with", "in", "to", "under"})


def _reference(derivation: Derivation) -> str:
    """How a step's note speaks of a result that it uses."""
    derivative = derivative_of(derivation)
    of = derivative.of.array if isinstance(derivative.of, Entry) else ""
    by = ", ".join(entry.array for entry in derivative.by)
    return f"{kind_of(derivation)} of {of} by {by}" if derivation.extra else f"for {of} by {by}"


def derivative_of(derivation: Derivation) -> Derivative:
    """The derivative that a derivation starts from, inside its contraction if it is one."""
    for _, part in walk(derivation.start):
        if isinstance(part, Derivative):
            return part
    raise ValueError("expected a derivation that starts from a derivative, found none in its start")


def kind_of(derivation: Derivation) -> str:
    """``derivative``, or which product with it: ``vjp``, ``jvp``, ``hvp``."""
    if not derivation.extra:
        return "derivative"
    derivative = derivative_of(derivation)
    if len(derivative.by) > 1:
        return "hvp"
    name = derivation.extra[0][0]
    along = next(part for _, part in walk(derivation.start) if isinstance(part, Entry) and part.array == name)
    of = derivative.of
    return "vjp" if isinstance(of, Entry) and along.indices == of.indices else "jvp"


def rules_used(passages: Sequence[Passage]) -> dict[str, str]:
    """The laws of the rules that give a reason somewhere, by name, in order of first use."""
    laws: dict[str, str] = {}
    for passage in passages:
        for line in (*passage.lines, *passage.assumed):
            for rule in line.rules:
                if rule.name not in _SELF_EVIDENT:
                    laws.setdefault(rule.name, rule.law)
    return laws


_SELF_EVIDENT = frozenset({"definition", "known result", "assumption", "known contraction"})


def assumption_text(assumption: Assumption, spelling: Spelling, equals: str = "=") -> str:
    """An assumption as an equation."""
    return f"{spelling(assumption.left)} {equals} {spelling(assumption.right)}"
