"""Floor 4: equality for every size, by normal form; counterexamples in exact places."""

from symderiv.proof.expand import ProofError
from symderiv.proof.normal import Normal
from symderiv.proof.prove import Verdict, counterexample, prove

__all__ = ["Normal", "ProofError", "Verdict", "counterexample", "prove"]
