"""Whether each line of a backward pass is true, and what that rests on."""

from __future__ import annotations

from symderiv.calculus.backward import Backward, Stage
from symderiv.expression.construct import add
from symderiv.proof.prove import prove
from symderiv.proof.verdict import Verdict

#: From the worst to the best.
_ORDER = ("refuted", "undecided", "conditional", "proved")


def prove_stage(stage: Stage, found: Backward) -> tuple[Verdict, ...]:
    """The verdicts that one line rests on.

    Each contribution is a product with a derivative in the problem of its block, and is proved there;
    that they add up to the form is proved in the problem itself. What puts the lines together is the
    chain rule alone: a block uses nothing that is not held fixed or is a line of its own.
    """
    verdicts = []
    for part in stage.parts:
        verdicts.append(prove(part.start, part.result, part.problem, extra=part.extra))
        if part.assumed_result is not None:
            verdicts.append(
                prove(part.start, part.assumed_result, part.problem, part.assumptions, part.extra)
            )
    if stage.steps or len(stage.parts) + (stage.given is not None) > 1:
        terms = () if stage.given is None else (stage.given,)
        for whole, parts in (
            (stage.result, [part.result for part in stage.parts]),
            (stage.form, [part.form for part in stage.parts]),
        ):
            verdicts.append(prove(add(*terms, *parts), whole, found.problem, extra=stage.extra))
    return tuple(verdicts)


def verdict_of(stage: Stage, found: Backward) -> Verdict | None:
    """The worst verdict on one line; None for a cotangent that is given."""
    verdicts = prove_stage(stage, found)
    return min(verdicts, key=lambda each: _ORDER.index(each.kind)) if verdicts else None
