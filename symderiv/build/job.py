"""One problem from its text to its files: derive, compare, witness, emit, verify, write down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symderiv import catalog
from symderiv.build.index import group_of
from symderiv.build.judge import Judge
from symderiv.build.manifest import FORMATS, SUFFIXES, Record, Row
from symderiv.build.plan import Outcome, Request
from symderiv.calculus import Contraction, Derivation, Engine
from symderiv.documents.data import derivation_data, derivation_json
from symderiv.documents.latex import assumption_latex, latex_document
from symderiv.documents.markdown import markdown_document
from symderiv.documents.page import page
from symderiv.documents.shown import Module, Shown
from symderiv.expression.nodes import Derivative, Entry
from symderiv.kernels import emit, registry, verify
from symderiv.kernels.errors import MissingError
from symderiv.notation.latex import to_latex
from symderiv.notation.text import to_text
from symderiv.problem import Problem
from symderiv.proof.derived import Proofs
from symderiv.system import reason
from symderiv.witness import Explicit, witness

#: The sizes of the axes where the command line gives none: of the usual names, then of others in
#: their order (the last one is used again). Different sizes tell a matrix from its transpose.
USUAL_SIZES = {"K": 5, "N": 3}
OTHER_SIZES = (3, 2)


@dataclass(frozen=True)
class Derived:
    """A problem with everything that the calculus and its witness say about it."""

    problem: Problem
    sizes: dict[str, int]
    derivations: tuple[Derivation, ...]
    explicits: tuple[Explicit, ...]
    products: tuple[Derivation, ...]
    rows: tuple[Row, ...]
    seconds: tuple[float, ...]
    failures: tuple[str, ...]
    proofs: Proofs


def perform(request: Request) -> Outcome:
    """Do one problem, whatever becomes of it: what goes wrong is part of the outcome."""
    outcome = Outcome(request.name)
    try:
        derived = derive(request.given or catalog.load(request.source), dict(request.sizes))
        outcome = replace(outcome, rows=derived.rows, seconds=derived.seconds)
        modules, errors, faults, notes = emitted(derived.problem, request.targets, request.verify)
        outcome = replace(outcome, notes=notes)
        failures = (*derived.failures, *faults)
        if failures:
            return replace(outcome, failures=failures, errors=errors)
        record, files = _written(request, derived, modules)
        return replace(outcome, record=record, files=files, errors=errors)
    except Exception as error:
        return replace(outcome, failures=(_sentence(error),))


def _sentence(error: Exception) -> str:
    """What an exception says in one line; its kind too, where it is no refusal of ours."""
    if type(error).__module__.startswith("symderiv."):
        return str(error)
    if isinstance(error, OSError | RecursionError | MemoryError):
        return reason(error)
    said = str(error).strip()
    return f"{type(error).__name__}: {said.splitlines()[0] if said else 'no message'}"


def emitted(
    problem: Problem, targets: Sequence[str], verification: str
) -> tuple[list[Module], dict[str, tuple[float, float]], list[str], tuple[str, ...]]:
    """The emitted files, each target's worst error and the bound there, faults, and notes."""
    files: list[Module] = []
    errors: dict[str, tuple[float, float]] = {}
    faults: list[str] = []
    notes: list[str] = []
    for target in targets:
        stem = registry.file_stem(problem.name, target)
        parts = emit.emit_files(problem, target, stem)
        files += [Module(target, f"{stem}{suffix}", text) for suffix, text in parts.items()]
        if verification == "none":
            continue
        source = "\n".join(parts.values())
        try:
            checks = verify.verify_source(problem, target, source, large=verification == "large")
        except MissingError as error:
            notes.append(f"the target {target} is not verified: {error}")
            continue
        except Exception as error:  # whatever the emitted code does wrong
            faults.append(f"{target}: {_sentence(error)}")
            continue
        errors[target] = _nearest(checks)
        faults += [f"{target}: {check}" for check in checks if not check.ok]
    return files, errors, faults, tuple(notes)


def _nearest(checks: Sequence[verify.Check]) -> tuple[float, float]:
    """The error nearest to its bound, and that bound."""
    judged = [check for check in checks if check.bound > 0]
    if not judged:
        return 0.0, 0.0
    worst = max(judged, key=lambda check: check.worst / check.bound)
    return worst.worst, worst.bound


def _written(request: Request, derived: Derived, modules: Sequence[Module]) -> tuple[Record, dict[str, str]]:
    name = derived.problem.name
    files = {f"{name}/{file}": text for file, text in documents(derived, modules, request.formats).items()}
    files |= {f"{name}/{each.file}": each.source for each in modules}
    record = Record(
        title=derived.problem.title or name,
        path=request.path,
        sizes=derived.sizes,
        targets=request.targets,
        files=tuple(sorted(files)),
        rows=derived.rows,
        about=derived.problem.about,
        group=group_of(derived.problem, derived.derivations),
        formats=request.formats,
    )
    return record, files


def derive(problem: Problem, given: Mapping[str, int]) -> Derived:
    """Every derivative that the problem names, compared with the stated forms and with SymPy.

    Parameters
    ----------
    problem
        What to derive.
    given
        Sizes for the explicit derivation; the other axes get default sizes.
    """
    sizes = {
        axis: given.get(axis, USUAL_SIZES.get(axis, OTHER_SIZES[min(place, len(OTHER_SIZES) - 1)]))
        for place, axis in enumerate(problem.axes)
    }
    engine = Engine(problem)
    judge = Judge()
    derivations, explicits, rows, seconds = [], [], [], []
    for derivative in dict.fromkeys(each.derivative for each in problem.expectations):
        assert isinstance(derivative.of, Entry)
        began = time.perf_counter()
        derivation = engine.derive(derivative.of, derivative.by)
        seconds.append(time.perf_counter() - began)
        explicit = witness(derivation, sizes)
        proof = judge.form(derivation, explicit, problem.expectations)
        derivations.append(derivation)
        explicits.append(explicit)
        rows.append(
            Row(
                to_text(derivation.start), _form(derivation), proof, *judge.steps(derivation),
                latex=_latex(derivation),
            )
        )  # fmt: skip
    with_vectors = products(engine, derivations)
    for each in with_vectors:
        judge.verdicts(each)
        judge.steps(each)
    return Derived(
        problem, sizes, tuple(derivations), tuple(explicits), with_vectors,
        tuple(rows), tuple(seconds), tuple(judge.faults), judge.proofs,
    )  # fmt: skip


def _form(derivation: Derivation) -> str:
    """The form in text, with the assumptions that it holds under."""
    conditions = [f"{to_text(each.left)} == {to_text(each.right)}" for each in derivation.assumptions]
    return " ".join([to_text(derivation.form), *(["under", ", ".join(conditions)] if conditions else [])])


def _latex(derivation: Derivation) -> tuple[str, str, str]:
    """The derivative, its form, and the condition that it holds under, in LaTeX."""
    problem = derivation.problem
    conditions = [assumption_latex(each, problem) for each in derivation.assumptions]
    return to_latex(derivation.start, problem), to_latex(derivation.form, problem), ", ".join(conditions)


def products(engine: Engine, derivations: Sequence[Derivation]) -> tuple[Derivation, ...]:
    """The products that go with the derivatives of a problem's output by its inputs.

    For an output with entries, the products with a cotangent and a tangent. For a scalar one that is
    given by a formula, the product of the Hessian with a vector; where there are several inputs, their
    Hessian has blocks between them as well, and the product with one on the diagonal is made only if
    the problem states that second derivative.
    """
    problem = engine.problem
    output = problem.output()
    scalar = not problem.axes_of(output)
    starts = [each.start for each in derivations if isinstance(each.start, Derivative)]
    firsts = {each.by[0].array for each in starts if len(each.by) == 1 and problem.input(each.by[0].array)}
    seconds = {each.by[0].array for each in starts if len({entry.array for entry in each.by}) < len(each.by)}
    found = []
    for derivation in derivations:
        start = derivation.start
        assert isinstance(start, Derivative)
        if not isinstance(start.of, Entry) or start.of.array != output or len(start.by) != 1:
            continue
        name = start.by[0].array
        if problem.input(name) is None or (scalar and problem.upstream):
            continue
        if scalar and len(firsts) > 1 and name not in seconds:
            continue
        for kind in ("hvp",) if scalar else ("vjp", "jvp"):
            found.append(engine.contract(Contraction(kind, start.of, start.by[0])))
    return tuple(found)


def documents(
    derived: Derived, modules: Sequence[Module], formats: Sequence[str] = FORMATS
) -> dict[str, str]:
    """The files on one problem, by name: a page, LaTeX, Markdown and JSON, or those of the `formats`."""
    problem = derived.problem
    name = problem.name
    everything = (*derived.derivations, *derived.products)
    notice = f"Generated by symderiv from the problem {name}. Do not edit: change the problem instead."
    writers: dict[str, Callable[[], str]] = {
        "html": lambda: _page(derived, modules, formats),
        "latex": lambda: f"% {notice}\n{latex_document(problem, everything, derived.explicits)}",
        "markdown": lambda: f"<!-- {notice} -->\n\n{markdown_document(problem, everything)}",
        "json": lambda: json.dumps(_data(derived), indent=1, ensure_ascii=False) + "\n",
    }
    return {f"{name}{SUFFIXES[form]}": writers[form]() for form in formats}


def _page(derived: Derived, modules: Sequence[Module], formats: Sequence[str]) -> str:
    shown = [
        *map(Shown, derived.derivations, derived.explicits),
        *(Shown(product) for product in derived.products),
    ]
    names = {"latex": "LaTeX", "markdown": "Markdown", "json": "JSON"}
    files = [(names[form], f"{derived.problem.name}{SUFFIXES[form]}") for form in formats if form in names]
    return page(
        derived.problem, shown, derived.proofs,
        modules=modules, home="../index.html", verified=True, files=files,
    )  # fmt: skip


def _data(derived: Derived) -> dict[str, Any]:
    """All of it as plain data."""
    problem = derived.problem
    return {
        "problem": problem.name,
        "title": problem.title,
        "about": problem.about,
        "source": problem.source,
        "derivatives": [
            derivation_json(derivation, "all", explicit)
            for derivation, explicit in zip(derived.derivations, derived.explicits, strict=True)
        ],
        "products": [derivation_data(derivation) for derivation in derived.products],
    }
