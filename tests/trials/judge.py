"""What must hold for every problem, and the words for what does not.

A check gives sentences that say what is wrong: none where all is well. What the tool itself gives up
with a sentence (:class:`CalculusError`) is counted, not judged.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

from symderiv.calculus import CalculusError, Contraction, Derivation, Engine
from symderiv.expression.canonical import same
from symderiv.expression.indices import free_indices
from symderiv.expression.nodes import Derivative, Entry, Expression, Index
from symderiv.expression.oracle import Arithmetic, Oracle, OracleError, Scalar, multiprecision
from symderiv.expression.traverse import walk
from symderiv.notation.latex import to_latex
from symderiv.notation.reader import parse_expression, read_problem
from symderiv.notation.tex import parse_latex
from symderiv.notation.text import definition_to_text, to_text
from symderiv.problem import Input, Problem, names_in
from symderiv.proof import prove
from tests.notation.test_tex_round_trip import as_printed
from tests.trials.problems import Trial

#: A first look at few digits; what differs there is looked at again with many.
DIGITS, AGAIN = 30, 300
_ARITHMETIC = {digits: multiprecision(digits) for digits in (DIGITS, AGAIN)}
#: Where a formula has more places than this, some of them are looked at: the first, the last, others.
MAX_PLACES = 12


def sizes_of(problem: Problem) -> list[dict[str, int]]:
    """Sizes all 1, and small sizes that differ between axes."""
    axes = problem.axes
    return [dict.fromkeys(axes, 1), {axis: 3 - place % 2 for place, axis in enumerate(axes)}]


def oracle_for(
    problem: Problem,
    sizes: Mapping[str, int],
    digits: int = DIGITS,
    extra: Sequence[tuple[str, tuple[str, ...]]] = (),
    seed: int = 1,
) -> Oracle:
    """An oracle at generic positive values."""
    arithmetic = _ARITHMETIC[digits]
    rng = random.Random(seed)
    arrays: dict[str, dict[tuple[int, ...], Any]] = {}
    wanted = [(each.name, each.axes, each.label_of) for each in problem.inputs]
    for name, axes, label_of in [*wanted, *((name, axes, None) for name, axes in extra)]:
        arrays[name] = {
            place: arithmetic.from_fraction(Fraction(rng.randint(20, 1980) * 2 + 1, 1997))
            if label_of is None
            else rng.randrange(sizes[label_of])
            for place in product(*(range(sizes[axis]) for axis in axes))
        }
    weights = [Fraction(rng.randint(1, 999), 991) for _ in range(7)]
    upstream = {each.name: (each.of, _unspecified(weights, arithmetic)) for each in problem.upstream}
    return Oracle(sizes, arrays, problem.definitions, upstream, arithmetic)


def _unspecified(weights: Sequence[Fraction], arithmetic: Arithmetic) -> Any:
    def function(values: Sequence[Scalar]) -> Scalar:
        total = Scalar(arithmetic.from_fraction(Fraction(0)))
        for place, value in enumerate(values):
            weight = Scalar(arithmetic.from_fraction(weights[place % len(weights)]))
            total = total + weight * value + weight * value * value * (values[0] + place)
        return total

    return function


def _differ(a: Any, b: Any, digits: int) -> bool:
    return bool(abs(a - b) * 10 ** (digits * 2 // 3) > abs(a) + abs(b) + 1)


def difference(
    problem: Problem,
    left: Expression,
    right: Expression,
    letters: Sequence[Index],
    extra: Sequence[tuple[str, tuple[str, ...]]] = (),
) -> str:
    """The first place where two expressions differ, in words; empty where none was found."""
    letters = tuple(dict.fromkeys((*letters, *free_indices(left), *free_indices(right))))
    for sizes in sizes_of(problem):
        oracle = oracle_for(problem, sizes, DIGITS, extra)
        again: Oracle | None = None
        for place in _some(list(product(*(range(sizes[letter.axis]) for letter in letters)))):
            env = dict(zip(letters, place, strict=True))
            try:
                a, b = oracle.evaluate(left, env), oracle.evaluate(right, env)
            except OracleError as error:
                return f"at {sizes}: {error}"
            if _differ(a, b, DIGITS):
                again = again or oracle_for(problem, sizes, AGAIN, extra)
                a, b = again.evaluate(left, env), again.evaluate(right, env)
                if _differ(a, b, AGAIN):
                    spots = {letter.name: spot for letter, spot in env.items()}
                    return f"at {sizes} {spots}: {float(a)} is not {float(b)}"
    return ""


def _some(places: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    if len(places) <= MAX_PLACES:
        return places
    return [places[0], *random.Random(len(places)).sample(places[1:-1], MAX_PLACES - 2), places[-1]]


def problem_to_text(problem: Problem) -> str:
    """A problem as a file that reads back as the same problem."""
    lines = [f"index {index.name} : {index.axis}" for index in problem.letters]
    for given in problem.inputs:
        brackets = f"[{', '.join(given.axes)}]" if given.axes else ""
        if given.label_of is None:
            lines.append(f"input {given.name}{brackets}")
        else:
            lines.append(f"label {given.name}{brackets} : {given.label_of}")
    lines += [definition_to_text(each) for each in problem.definitions]
    lines += [f"upstream {each.name}({each.of})" for each in problem.upstream]
    return "\n".join(lines)


def reads_back(problem: Problem) -> list[str]:
    """What is lost when a problem is written as a file and read again."""
    text = problem_to_text(problem)
    found = read_problem(text, problem.name)
    wrong = []
    for name in ("letters", "inputs", "upstream"):
        if getattr(found, name) != getattr(problem, name):
            wrong.append(f"{name} read back as {getattr(found, name)}")
    for mine, theirs in zip(problem.definitions, found.definitions, strict=True):
        if (mine.name, mine.indices) != (theirs.name, theirs.indices) or not same(mine.body, theirs.body):
            wrong.append(f"{definition_to_text(mine)} read back as {definition_to_text(theirs)}")
    return wrong


def prints(problem: Problem, node: Expression) -> list[str]:
    """What is lost when an expression is written as text, or in LaTeX, and read again."""
    wrong = []
    text = to_text(node)
    if not same(parse_expression(text, problem), node):
        wrong.append(f"text: {text} reads back as {to_text(parse_expression(text, problem))}")
    latex = to_latex(node, problem)
    found = parse_latex(latex, problem)
    if not same(as_printed(found), as_printed(node)):
        wrong.append(f"LaTeX: {latex} reads back as {to_text(found)}")
    return wrong


def there_and_back(problem: Problem, node: Expression, counts: Counter[str]) -> list[str]:
    """What is lost on the way to SymPy with indices and back, by value at generic points."""
    from symderiv.notation.sympy_bridge import BridgeError, from_sympy, to_sympy

    if problem.upstream and names_in(node) & {each.name for each in problem.upstream}:
        return []
    if any(isinstance(part, Derivative) for _, part in walk(node)):
        return []  # SymPy carries them out as it likes
    try:
        back = from_sympy(to_sympy(node), problem)
    except BridgeError:
        counts["not for SymPy"] += 1
        return []
    try:
        found = difference(problem, node, back, free_indices(node))
    except (ZeroDivisionError, ValueError, OverflowError):
        counts["no value"] += 1
        return []
    counts["there and back"] += 1
    if "has no" in found or "real value" in found:
        return []
    return [f"SymPy: {to_text(node)} comes back as {to_text(back)} {found}"] if found else []


def true_steps(derivation: Derivation, seen: set[str] | None = None) -> list[str]:
    """The steps that change the value, those of the lemmas included; gaps between steps."""
    seen = set() if seen is None else seen
    if repr(derivation.start) in seen:
        return []
    seen.add(repr(derivation.start))
    wrong = []
    problem = derivation.problem
    for lemma in derivation.lemmas:
        wrong += true_steps(lemma, seen)
    for earlier, later in pairwise(derivation.steps):
        if earlier.after != later.before:
            wrong.append(f"a gap before {later.rule.name}")
    total = difference(
        problem, derivation.start, derivation.result, free_indices(derivation.start), derivation.extra
    )
    letters = free_indices(derivation.start)
    for step in derivation.steps:
        found = difference(problem, step.before, step.after, letters, derivation.extra)
        if found:
            before, after = to_text(step.before), to_text(step.after)
            wrong.append(f"{step.rule.name}: {before} -> {after} {found}")
    if total and not wrong:
        wrong.append(f"{to_text(derivation.start)} = {to_text(derivation.result)} {total}")
    return wrong


def judge(trial: Trial, counts: Counter[str], chosen: random.Random) -> list[str]:
    """Everything that is wrong with what the tool makes of a trial; what happened goes into `counts`."""
    problem = trial.problem
    wrong = reads_back(problem)
    engine = Engine(problem)
    counts[f"order {len(trial.by)}"] += 1
    try:
        derivation = engine.derive(trial.of, trial.by)
    except CalculusError as error:
        counts[f"given up: {str(error).split(';')[0]}"] += 1
        return wrong
    counts["steps"] += len(derivation.steps)
    wrong += true_steps(derivation)
    for part in (part for _, part in walk(derivation.result) if isinstance(part, Derivative)):
        if not (isinstance(part.of, Entry) and problem.upstream_of(part.of.array)):
            wrong.append(f"{to_text(part)} is left in the result")
    wrong += prints(problem, derivation.result)
    verdict = prove(derivation.result, derivation.start, problem)
    counts[f"proof: {verdict.kind}"] += 1
    if verdict.kind == "refuted":
        wrong.append(f"refuted: {to_text(derivation.start)} = {to_text(derivation.result)}{verdict.where()}")
    if len(trial.by) == 1 and _distinct(trial):
        kind = chosen.choice(("vjp", "jvp"))
        counts[kind] += 1
        try:
            product_of = Engine(problem).contract(Contraction(kind, trial.of, trial.by[0]))
        except CalculusError as error:
            counts[f"{kind} given up: {str(error).split(';')[0]}"] += 1
        else:
            wrong += true_steps(product_of)
            more = tuple(Input(name, axes) for name, axes in product_of.extra)
            wider = Problem(
                problem.name, letters=problem.letters, inputs=(*problem.inputs, *more),
                definitions=problem.definitions, upstream=problem.upstream,
            )  # fmt: skip
            wrong += prints(wider, product_of.result)
    return wrong


def _distinct(trial: Trial) -> bool:
    terms = [term for entry in (trial.of, *trial.by) for term in entry.indices]
    return all(isinstance(term, Index) for term in terms) and len(set(terms)) == len(terms)
