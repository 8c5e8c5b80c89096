"""One problem from its text to its files: derive, compare, witness, emit, verify, write down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from symderiv import catalog
from symderiv.build.explicit import explicit_data
from symderiv.build.manifest import Record, Row
from symderiv.build.plan import Outcome, Request
from symderiv.calculus import Contraction, Derivation, Engine
from symderiv.documents.data import derivation_data
from symderiv.documents.latex import latex_document
from symderiv.documents.markdown import markdown_document
from symderiv.expression.canonical import same
from symderiv.expression.nodes import Derivative, Entry
from symderiv.notation.text import to_text
from symderiv.problem import Expectation, Problem
from symderiv.proof import prove
from symderiv.witness import Explicit, witness

#: The sizes of the axes, in their order, where the command line gives none (the last one is used
#: again). Different sizes tell a matrix from its transpose.
DEFAULT_SIZES = (3, 2)


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
    try:
        return _perform(request)
    except Exception as error:
        kind = type(error)
        said = str(error) if kind.__module__.startswith("symderiv.") else f"{kind.__name__}: {error}"
        return Outcome(request.name, failures=(said,))


def _perform(request: Request) -> Outcome:
    derived = derive(catalog.load(request.source), dict(request.sizes))
    problem, failures = derived.problem, list(derived.failures)
    modules: dict[str, str] = {}
    errors: dict[str, float] = {}
    for target in request.targets:
        from symderiv.kernels import emit, verify

        modules[target] = emit(problem, target)
        if request.prove:
            verdict = verify(problem, target, modules[target])
            errors[target] = verdict.worst
            failures += [f"{target}: {fault}" for fault in verdict.faults]
    if failures:
        return Outcome(request.name, failures=tuple(failures), errors=errors)
    name = problem.name
    files = {f"{name}/{file}": text for file, text in documents(derived).items()}
    files |= {f"{name}/{name}_{target}.py": text for target, text in modules.items()}
    record = Record(
        title=problem.title or name,
        path=request.path,
        sizes=derived.sizes,
        targets=request.targets,
        files=tuple(sorted(files)),
        rows=derived.rows,
    )
    return Outcome(name, record, files, errors=errors)


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
        axis: given.get(axis, DEFAULT_SIZES[min(place, len(DEFAULT_SIZES) - 1)])
        for place, axis in enumerate(problem.axes)
    }
    engine = Engine(problem)
    derivations, explicits, rows, failures = [], [], [], []
    for derivative in dict.fromkeys(each.derivative for each in problem.expectations):
        assert isinstance(derivative.of, Entry)
        derivation = engine.derive(derivative.of, derivative.by)
        explicit = witness(derivation, sizes)
        proof, faults = _judge(derivation, explicit, problem.expectations, sizes)
        derivations.append(derivation)
        explicits.append(explicit)
        rows.append(Row(to_text(derivation.start), to_text(derivation.form), proof))
        failures += faults
    return Derived(
        problem, sizes, tuple(derivations), tuple(explicits), products(engine, derivations),
        tuple(rows), tuple(failures),
    )  # fmt: skip


def _judge(
    derivation: Derivation,
    explicit: Explicit,
    expectations: Sequence[Expectation],
    sizes: Mapping[str, int],
) -> tuple[str, list[str]]:
    """What a form rests on, in words, and what speaks against it."""
    start = to_text(derivation.start)
    where = ", ".join(f"{axis} = {size}" for axis, size in explicit.sizes)
    faults = [] if explicit.agrees else [f"{start}: {explicit.verdict()}"]
    words = []
    verdicts = [prove(derivation.start, derivation.result, derivation.problem)]
    if derivation.assumed_result is not None:
        verdicts.append(
            prove(derivation.start, derivation.assumed_result, derivation.problem, derivation.assumptions)
        )
    if all(verdict.kind == "proved" for verdict in verdicts):
        words.append(f"every size ({verdicts[0].method})")
    faults += [
        f"{start}: refuted by the prover at {verdict.counterexample}"
        for verdict in verdicts
        if verdict.kind == "refuted"
    ]
    for each in expectations:
        if each.derivative != derivation.start or each.form is None:
            continue
        found = derivation.form if each.assuming else derivation.result
        if same(found, each.form):
            words.append("as stated")
            continue
        if each.assuming:
            stated = replace(derivation, assumed_result=each.form, assumptions=each.assuming)
        else:
            stated = replace(derivation, result=each.form, assumed_result=None, assumptions=())
        verdict = witness(stated, sizes)
        words.append(f"equal to the stated form at {where}")
        if not verdict.agrees:
            faults.append(
                f"{start}: expected {to_text(each.form)}, found {to_text(found)}; {verdict.verdict()}"
            )
    return "; ".join(dict.fromkeys([*words, f"SymPy at {where}"])), faults


def products(engine: Engine, derivations: Sequence[Derivation]) -> tuple[Derivation, ...]:
    """The products that go with the derivatives of a problem's output.

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
        if scalar and problem.upstream:
            continue
        for kind in ("hvp",) if scalar else ("vjp", "jvp"):
            found.append(engine.contract(Contraction(kind, start.of, start.by[0])))
    return tuple(found)


def documents(derived: Derived) -> dict[str, str]:
    """The files on one problem: LaTeX, Markdown and JSON, by name."""
    problem = derived.problem
    everything = (*derived.derivations, *derived.products)
    first = derived.explicits[0] if derived.explicits else None
    data = {
        "problem": problem.name,
        "title": problem.title,
        "about": problem.about,
        "source": problem.source,
        "derivatives": [
            {**derivation_data(derivation), "explicit": explicit_data(explicit)}
            for derivation, explicit in zip(derived.derivations, derived.explicits, strict=True)
        ],
        "products": [derivation_data(derivation) for derivation in derived.products],
    }
    name = problem.name
    return {
        f"{name}.tex": latex_document(problem, everything, first),
        f"{name}.md": markdown_document(problem, everything, first),
        f"{name}.json": json.dumps(data, indent=1, ensure_ascii=False) + "\n",
    }
