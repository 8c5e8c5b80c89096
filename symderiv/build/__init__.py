"""The main job: derive, compare, witness, emit, verify, write the output folder, report."""

from symderiv.build.plan import TARGETS, Plan

__all__ = ["TARGETS", "Plan"]
