"""Whether a derivation is right: its form, and each of its steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from symderiv.calculus.derivation import Derivation, Step
from symderiv.problem import Assumption
from symderiv.proof.prove import prove
from symderiv.proof.verdict import Verdict


@dataclass(slots=True)
class Proofs:
    """The verdicts on derivations; one that is asked for again is not judged again."""

    _forms: dict[str, tuple[Verdict, ...]] = field(default_factory=dict)
    _steps: dict[str, tuple[Verdict, ...]] = field(default_factory=dict)

    def forms(self, derivation: Derivation) -> tuple[Verdict, ...]:
        """The verdict on the general form, and that on the form under the assumptions where there is one."""
        key = _key(derivation)
        if key not in self._forms:
            start, problem, extra = derivation.start, derivation.problem, derivation.extra
            found = [prove(start, derivation.result, problem, extra=extra)]
            if derivation.assumed_result is not None:
                found.append(prove(start, derivation.assumed_result, problem, derivation.assumptions, extra))
            self._forms[key] = tuple(found)
        return self._forms[key]

    def steps(self, derivation: Derivation) -> tuple[Verdict, ...]:
        """The verdict on each step, those under the assumptions last."""
        key = _key(derivation)
        if key not in self._steps:
            self._steps[key] = tuple(
                prove(step.before, step.after, derivation.problem, assumptions, derivation.extra)
                for step, assumptions in _with_assumptions(derivation)
            )
        return self._steps[key]


def _key(derivation: Derivation) -> str:
    return repr((derivation.start, derivation.form))


def _with_assumptions(derivation: Derivation) -> Iterator[tuple[Step, tuple[Assumption, ...]]]:
    for step in derivation.steps:
        yield step, ()
    for step in derivation.assumed_steps:
        yield step, derivation.assumptions
