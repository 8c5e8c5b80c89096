"""Floor 4: equality for every size, by normal form; counterexamples in numbers."""

from symderiv.proof.counterexample import counterexample
from symderiv.proof.expand import ProofError
from symderiv.proof.normal import Normal
from symderiv.proof.prove import prove
from symderiv.proof.verdict import Verdict

__all__ = ["Normal", "ProofError", "Verdict", "counterexample", "prove"]
