"""What the prover says about an equation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symderiv.problem import Assumption


@dataclass(frozen=True)
class Verdict:
    """What was found about an equation.

    Attributes
    ----------
    kind
        ``proved``, ``refuted`` or ``undecided``.
    method
        How it was proved, or why there is no answer: one line for a report.
    rests_on
        The assumptions that the proof used.
    counterexample
        For ``refuted``: what :func:`symderiv.proof.counterexample.counterexample` found.
    because
        For ``proved``: what the method rests on, in sentences for a reader who has not met it.
    domain
        Where the equation is claimed, if not everywhere: each a phrase such as ``x ≠ 0``.
    sizes
        For ``proved``: the sizes that it holds for where they were given. Empty means every size.
    points, digits
        For ``undecided``: at how many points both sides were found to agree, and to how many digits
        at least (0 where there is none with finite values).
    met
        Whether any values were found that meet what is assumed; where not, it may contradict itself.
    """

    kind: str
    method: str
    rests_on: tuple[Assumption, ...] = ()
    counterexample: Mapping[str, object] = field(default_factory=dict)
    because: str = ""
    domain: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    points: int = 0
    digits: int = 0
    met: bool = True

    def caution(self) -> str:
        """What has to be said where the assumptions and conditions may be empty; else empty."""
        return "" if self.met else "no values were found that meet what is assumed: it may contradict itself"

    def where(self) -> str:
        """The counterexample in words, such as `` at K = 1, i = 1: 0.0 against 2.0``; empty without one."""
        found = self.counterexample
        if not found:
            return ""
        sizes, places = found["sizes"], found["places"]
        assert isinstance(sizes, Mapping)
        assert isinstance(places, Mapping)
        spots = ", ".join(f"{name} = {value}" for name, value in (*sizes.items(), *places.items()))
        return f"{' at ' if spots else ''}{spots}: {found['left']} against {found['right']}"
