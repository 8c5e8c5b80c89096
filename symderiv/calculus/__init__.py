"""Floor 3: the rules, the engine that applies them, and the derivations it records."""

from symderiv.calculus.context import CalculusError
from symderiv.calculus.derivation import Case, Contraction, Derivation, Kink, Rule, Step
from symderiv.calculus.engine import RULES, Engine, cases, contract, derive, derive_all, simplified

__all__ = [
    "RULES",
    "CalculusError",
    "Case",
    "Contraction",
    "Derivation",
    "Engine",
    "Kink",
    "Rule",
    "Step",
    "cases",
    "contract",
    "derive",
    "derive_all",
    "simplified",
]
