"""What the forms of a problem rest on: the prover's verdicts, the stated forms, SymPy's witness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from symderiv.calculus import Derivation
from symderiv.expression.canonical import same
from symderiv.notation.text import to_text
from symderiv.problem import Expectation
from symderiv.proof import Verdict, prove
from symderiv.proof.derived import Proofs
from symderiv.witness import Explicit, witness


@dataclass(slots=True)
class Judge:
    """Judges the derivations of one problem; a result that several use is looked into once.

    Attributes
    ----------
    faults
        A sentence for each thing that speaks against a form or a step.
    proofs
        The prover's verdicts on forms and steps.
    """

    faults: list[str] = field(default_factory=list)
    proofs: Proofs = field(default_factory=Proofs)
    _proved: dict[str, tuple[int, int]] = field(default_factory=dict)

    def form(self, derivation: Derivation, explicit: Explicit, expectations: Sequence[Expectation]) -> str:
        """What the form of a derivation rests on, in words."""
        start = to_text(derivation.start)
        if explicit.faults:
            self.faults.append(f"{start}: {explicit.verdict()}")
        verdicts = self.verdicts(derivation)
        words = []
        if all(verdict.kind == "proved" for verdict in verdicts):
            words.append(f"proved ({', '.join(dict.fromkeys(verdict.method for verdict in verdicts))})")
        else:
            words.append("not proved")
        stated = [
            each for each in expectations if each.derivative == derivation.start and each.form is not None
        ]
        against = [fault for each in stated if (fault := _against(derivation, each, explicit))]
        self.faults += against
        if stated:
            words.append("not as stated" if against else "as stated")
        sizes = ", ".join(f"{axis} = {size}" for axis, size in explicit.sizes)
        words.append(f"SymPy {'undecided ' if explicit.undecided else ''}at {sizes}")
        return "; ".join(words)

    def verdicts(self, derivation: Derivation) -> tuple[Verdict, ...]:
        """The prover's verdict on each form of a derivation; what is refuted is a fault."""
        verdicts = self.proofs.forms(derivation)
        self.faults += [
            f"{to_text(derivation.start)}: the form {to_text(form)} is refuted{verdict.where()}"
            for verdict, form in zip(verdicts, (derivation.result, derivation.form), strict=False)
            if verdict.kind == "refuted"
        ]
        return verdicts

    def steps(self, derivation: Derivation) -> tuple[int, int]:
        """How many steps lead to a form, those of the results it uses included, and how many are proved."""
        seen: set[str] = set()
        total = proved = 0
        for owner in _owners(derivation, seen):
            count, good = self._own_steps(owner)
            total, proved = total + count, proved + good
        return total, proved

    def _own_steps(self, derivation: Derivation) -> tuple[int, int]:
        key = repr((derivation.start, derivation.form))
        if key not in self._proved:
            verdicts = self.proofs.steps(derivation)
            steps = (*derivation.steps, *derivation.assumed_steps)
            self.faults += [
                f"{to_text(derivation.start)}: the step {to_text(step.before)} = {to_text(step.after)} "
                f"({step.rule.name}) is refuted{verdict.where()}"
                for step, verdict in zip(steps, verdicts, strict=True)
                if verdict.kind == "refuted"
            ]
            self._proved[key] = len(verdicts), sum(verdict.kind == "proved" for verdict in verdicts)
        return self._proved[key]


def _owners(derivation: Derivation, seen: set[str]) -> Iterator[Derivation]:
    """A derivation and all that it uses, each once."""
    key = repr((derivation.start, derivation.form))
    if key in seen:
        return
    seen.add(key)
    yield derivation
    for lemma in derivation.lemmas:
        yield from _owners(lemma, seen)


def _against(derivation: Derivation, stated: Expectation, explicit: Explicit) -> str:
    """What speaks against a stated form: it is spelled otherwise, and nothing shows it to be equal."""
    assert stated.form is not None
    found = derivation.form if stated.assuming else derivation.result
    if same(found, stated.form):
        return ""
    verdict = prove(derivation.start, stated.form, derivation.problem, stated.assuming)
    if verdict.kind == "proved":
        return ""
    start, expected = to_text(derivation.start), to_text(stated.form)
    if verdict.kind == "undecided":
        if stated.assuming:
            other = replace(derivation, assumed_result=stated.form, assumptions=stated.assuming)
        else:
            other = replace(derivation, result=stated.form, assumed_result=None, assumptions=())
        if witness(other, dict(explicit.sizes)).agrees:
            return (
                f"{start}: expected {expected}, found {to_text(found)}; equal at small sizes, but not proved"
            )
    return f"{start}: expected {expected}, found {to_text(found)}; they differ{verdict.where()}"
