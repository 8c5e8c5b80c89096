"""The main job: derive, compare, witness, emit, verify, write the output folder, report.

The parts are imported when they are asked for, so that a command line pays only for what it uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symderiv.problem import Problem

from symderiv.build.plan import TARGETS, Plan

__all__ = ["TARGETS", "Plan", "emit_module", "run", "run_check"]


def emit_module(problem: Problem, target: str) -> str:
    """The source of the module for one target, as :func:`run` writes it."""
    from symderiv.kernels import emit

    return emit(problem, target)


def run(plan: Plan, out: object) -> int:
    """Do what `plan` says; see :func:`symderiv.build.main_job.run`."""
    from symderiv.build import main_job

    return main_job.run(plan, out)


def run_check(plan: Plan, out: object) -> int:
    """Compare a folder with a fresh build; see :func:`symderiv.build.main_job.run_check`."""
    from symderiv.build import main_job

    return main_job.run_check(plan, out)
