"""One problem from its text to its files: derive, compare, witness, emit, verify, write down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symderiv import catalog
from symderiv.build.manifest import Record, Row
from symderiv.build.plan import Outcome, Request
from symderiv.calculus import Contraction, Derivation, Engine
from symderiv.documents.data import derivation_data, derivation_json
from symderiv.documents.latex import latex_document
from symderiv.documents.markdown import markdown_document
from symderiv.expression.canonical import same
from symderiv.expression.nodes import Derivative, Entry
from symderiv.kernels import emit, verify
from symderiv.notation.text import to_text
from symderiv.problem import Expectation, Problem
from symderiv.proof import Verdict, prove
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
    failures: tuple[str, ...]


def perform(request: Request) -> Outcome:
    """Do one problem, whatever becomes of it: what goes wrong is part of the outcome."""
    rows: tuple[Row, ...] = ()
    try:
        derived = derive(catalog.load(request.source), dict(request.sizes))
        rows = derived.rows
        modules, errors, faults = emitted(derived.problem, request.targets, request.verify)
        failures = (*derived.failures, *faults)
        if failures:
            return Outcome(request.name, rows, failures=failures, errors=errors)
        return _written(request, derived, modules, errors)
    except Exception as error:
        return Outcome(request.name, rows, failures=(_sentence(error),))


def _sentence(error: Exception) -> str:
    """What an exception says in one line; its kind too, where it is no refusal of ours."""
    said = str(error)
    if type(error).__module__.startswith("symderiv."):
        return said
    return f"{type(error).__name__}: {said.strip().splitlines()[0] if said.strip() else 'no message'}"


def emitted(
    problem: Problem, targets: Sequence[str], verification: str
) -> tuple[dict[str, str], dict[str, tuple[float, float]], list[str]]:
    """The module for each target, its worst error and the bound there, and what was found wrong."""
    modules: dict[str, str] = {}
    errors: dict[str, tuple[float, float]] = {}
    faults: list[str] = []
    for target in targets:
        modules[target] = emit.emit(problem, target)
        if verification == "none":
            continue
        try:
            checks = verify.verify_source(problem, target, modules[target], large=verification == "large")
        except Exception as error:  # whatever the emitted code does wrong
            faults.append(f"{target}: {_sentence(error)}")
            continue
        errors[target] = _nearest(checks)
        faults += [f"{target}: {check}" for check in checks if not check.ok]
    return modules, errors, faults


def _nearest(checks: Sequence[verify.Check]) -> tuple[float, float]:
    """The error nearest to its bound, and that bound."""
    judged = [check for check in checks if check.bound > 0]
    if not judged:
        return 0.0, 0.0
    worst = max(judged, key=lambda check: check.worst / check.bound)
    return worst.worst, worst.bound


def _written(
    request: Request, derived: Derived, modules: Mapping[str, str], errors: dict[str, tuple[float, float]]
) -> Outcome:
    name = derived.problem.name
    files = {f"{name}/{file}": text for file, text in documents(derived).items()}
    files |= {f"{name}/{name}_{target}.py": text for target, text in modules.items()}
    record = Record(
        title=derived.problem.title or name,
        path=request.path,
        sizes=derived.sizes,
        targets=request.targets,
        files=tuple(sorted(files)),
        rows=derived.rows,
    )
    return Outcome(name, derived.rows, record, files, errors=errors)


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
    derivations, explicits, rows, failures = [], [], [], []
    for derivative in dict.fromkeys(each.derivative for each in problem.expectations):
        assert isinstance(derivative.of, Entry)
        derivation = engine.derive(derivative.of, derivative.by)
        explicit = witness(derivation, sizes)
        proof, faults = _judge(derivation, explicit, problem.expectations)
        derivations.append(derivation)
        explicits.append(explicit)
        rows.append(Row(to_text(derivation.start), _form(derivation), proof))
        failures += faults
    with_vectors = products(engine, derivations)
    failures += [fault for each in with_vectors for fault in _proofs(each)[1]]
    return Derived(
        problem, sizes, tuple(derivations), tuple(explicits), with_vectors, tuple(rows), tuple(failures)
    )


def _form(derivation: Derivation) -> str:
    """The form in text, with the assumptions that it holds under."""
    conditions = [f"{to_text(each.left)} == {to_text(each.right)}" for each in derivation.assumptions]
    return " ".join([to_text(derivation.form), *(["under", ", ".join(conditions)] if conditions else [])])


def _judge(
    derivation: Derivation, explicit: Explicit, expectations: Sequence[Expectation]
) -> tuple[str, list[str]]:
    """What a form rests on, in words, and what speaks against it."""
    start = to_text(derivation.start)
    faults = [f"{start}: {explicit.verdict()}"] if explicit.faults else []
    verdicts, refuted = _proofs(derivation)
    faults += refuted
    words = []
    if all(verdict.kind == "proved" for verdict in verdicts):
        words.append(f"proved ({', '.join(dict.fromkeys(verdict.method for verdict in verdicts))})")
    else:
        words.append("not proved")
    stated = [each for each in expectations if each.derivative == derivation.start and each.form is not None]
    against = [fault for each in stated if (fault := _against(derivation, each, explicit))]
    faults += against
    if stated:
        words.append("not as stated" if against else "as stated")
    sizes = ", ".join(f"{axis} = {size}" for axis, size in explicit.sizes)
    words.append(f"SymPy {'undecided ' if explicit.undecided else ''}at {sizes}")
    return "; ".join(words), faults


def _proofs(derivation: Derivation) -> tuple[list[Verdict], list[str]]:
    """The prover's verdict on each form of a derivation, and a sentence for each that is refuted."""
    verdicts = [prove(derivation.start, derivation.result, derivation.problem, extra=derivation.extra)]
    if derivation.assumed_result is not None:
        verdicts.append(
            prove(
                derivation.start, derivation.assumed_result, derivation.problem,
                derivation.assumptions, derivation.extra,
            )
        )  # fmt: skip
    return verdicts, [
        f"{to_text(derivation.start)}: the form {to_text(form)} is refuted{verdict.where()}"
        for verdict, form in zip(verdicts, (derivation.result, derivation.form), strict=False)
        if verdict.kind == "refuted"
    ]


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


def products(engine: Engine, derivations: Sequence[Derivation]) -> tuple[Derivation, ...]:
    """The products that go with the derivatives of a problem's output by its inputs.

    For an output with entries, the products with a cotangent and a tangent; for a scalar one that
    is given by a formula, the product of the Hessian with a vector.
    """
    problem = engine.problem
    output = problem.output()
    scalar = not problem.axes_of(output)
    found = []
    for derivation in derivations:
        start = derivation.start
        assert isinstance(start, Derivative)
        if not isinstance(start.of, Entry) or start.of.array != output or len(start.by) != 1:
            continue
        if problem.input(start.by[0].array) is None or (scalar and problem.upstream):
            continue
        for kind in ("hvp",) if scalar else ("vjp", "jvp"):
            found.append(engine.contract(Contraction(kind, start.of, start.by[0])))
    return tuple(found)


def documents(derived: Derived) -> dict[str, str]:
    """The files on one problem: LaTeX, Markdown and JSON, by name."""
    problem = derived.problem
    everything = (*derived.derivations, *derived.products)
    data = {
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
    name = problem.name
    notice = f"Generated by symderiv from the problem {name}. Do not edit: change the problem instead."
    return {
        f"{name}.tex": f"% {notice}\n{latex_document(problem, everything, derived.explicits)}",
        f"{name}.md": f"<!-- {notice} -->\n\n{markdown_document(problem, everything)}",
        f"{name}.json": json.dumps(data, indent=1, ensure_ascii=False) + "\n",
    }
