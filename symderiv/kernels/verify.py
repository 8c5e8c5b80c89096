"""Verification: an emitted module, run, against the meaning of each result in 50-digit arithmetic.

An entry passes if its error is within the bound of the running error analysis of
:mod:`symderiv.kernels.accuracy`; the references are those of :mod:`symderiv.kernels.meaning`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

from symderiv.kernels.agreement import same_everywhere, together_and_alone
from symderiv.kernels.checker import Check, Checker
from symderiv.kernels.function_spec import FunctionSpec
from symderiv.kernels.names import identifier
from symderiv.kernels.registry import Target, target_named
from symderiv.kernels.specification import functions_of
from symderiv.kernels.trials import ORDINARY, Trial
from symderiv.problem import Problem, names_in

DTYPES = ("float32", "float64")
_NO_BOUND = "no bound is known on the rounding of anything that it returns, so it is not judged"


def verify_source(
    problem: Problem,
    target: str,
    source: str,
    *,
    dtypes: Sequence[str] = DTYPES,
    large: bool = True,
    sizes: Mapping[str, int] | None = None,
    only: Collection[str] = (),
) -> list[Check]:
    """Run every function of an emitted module and judge every result.

    Parameters
    ----------
    problem
        What the module was emitted from.
    target
        The target it was emitted for: the functions that its modules bring along have errors of their own.
    source
        The text of the module.
    dtypes
        The dtypes to try (each is compiled by itself where the target compiles).
    large
        Whether to try a long axis as well: of 1000 places, or fewer where an array has it twice.
    sizes
        The sizes of axes that the module was emitted for, if there are any.
    only
        The functions that are judged, where not all of them are: no other is compiled.
    """
    specifications = functions_of(problem)
    made_for = target_named(target)
    functions = [identifier(each.name) for each in specifications if not only or each.name in only]
    chunked = [name for name in functions if _has_chunks(source, name)]

    def compiled(text: str, names: Collection[str], dtypes: Sequence[str]) -> Any:
        if made_for.narrowed is not None and (len(names) < len(specifications) or len(dtypes) < len(DTYPES)):
            text = made_for.narrowed(text, names, dtypes)
        return loaded(problem, target, text)

    module = compiled(source, functions, dtypes)
    checks: list[Check] = []
    problem = _without_unused(problem, specifications)
    known = _references(problem)
    for spec in specifications:
        if only and spec.name not in only:
            continue
        function = getattr(module, identifier(spec.name), None)
        if function is None:
            checks.append(Check(spec.name, "", {}, "", 0.0, 0.0, False, "the module has no such function"))
            continue
        checker = Checker(problem, spec, known, made_for.errors, sizes or {})
        ways = _Ways(checker, module, function, made_for, source, dtypes)
        judged = [*ways.at_own_sizes(large), *ways.as_at_large_sizes(), *ways.with_many_rows()]
        if identifier(spec.name) in chunked:
            small = compiled(in_small_chunks(source, target), chunked, dtypes[:1])
            judged += ways.in_another(
                getattr(small, identifier(spec.name)), checker.trials(False), dtypes[:1], "by chunks"
            )
        ordinary = [check for check in judged if check.kind.startswith(ORDINARY)]
        if all(check.ok and not (check.bound and check.is_judged) for check in ordinary):
            told = (
                _NO_BOUND if ordinary else "no inputs are found at which it has a value, so it is not judged"
            )
            judged.append(Check(spec.name, "", {}, "", 0.0, 0.0, False, told))
        checks += judged
    return checks


@dataclass(frozen=True)
class _Ways:
    """The ways that one function takes: of few samples and many, and those that it takes at large sizes."""

    checker: Checker
    module: Any
    function: Any
    target: Target
    source: str
    dtypes: Sequence[str]

    def _name(self) -> str:
        return identifier(self.checker.spec.name)

    def at_own_sizes(self, large: bool) -> Iterator[Check]:
        """As it is called; many samples give what each of them gives by itself."""
        many = self.checker.of_batch(self.target.batch)
        told = rf"^def _{self._name()}_kernel_by_blocks\([^)]*=None\n?\):"
        if self.target.places and re.search(told, self.source, re.MULTILINE):
            many += self.checker.of_batch(self.target.batch, self.target.places)
        for trial, dtype in product((*self.checker.trials(large), *many), self.dtypes):
            yield from self.checker.check(self.function, trial, dtype, self.target.large)
        both = together_and_alone(self.checker.spec, self.function)
        if both is not None:
            for trial, dtype in product(many, self.dtypes):
                yield from same_everywhere(self.checker, both, trial, dtype, "sample by sample")

    def as_at_large_sizes(self) -> Iterator[Check]:
        """Each way that is taken from some size on."""
        trials = (*self.checker.trials(False), *self.checker.of_batch(self.target.batch))
        for name, limits in self.target.limits.items():
            if hasattr(self.module, name):
                yield from self._with(limits, trials, "as where sizes are large")

    def with_many_rows(self) -> Iterator[Check]:
        """The way of rows of matrices by blocks, if there is one."""
        if re.search(rf"\b_{self._name()}_step_\d+_by_blocks\b", self.source):
            trials = self.checker.of_rows(self.target.batch)
            yield from self._with(self.target.rows, trials, "as where sizes are large, with many rows")

    def _with(self, limits: Mapping[str, int], trials: Sequence[Trial], kind: str) -> Iterator[Check]:
        """The function with other limits."""

        def other(*arguments: Any, **options: Any) -> Any:
            with other_way(self.module, limits):
                return self.function(*arguments, **options)

        yield from self.in_another(other, trials, self.dtypes, kind)

    def in_another(
        self, other: Any, trials: Sequence[Trial], dtypes: Sequence[str], kind: str
    ) -> Iterator[Check]:
        """The function in another way: right, and at every entry what it gives in its own."""
        for trial, dtype in product(trials, dtypes):
            for check in self.checker.check(other, trial, dtype):
                yield replace(check, kind=f"{check.kind}, {kind}")
            if trial.kind == ORDINARY:
                yield from same_everywhere(self.checker, (other, self.function), trial, dtype, kind)


def _without_unused(problem: Problem, specifications: Sequence[FunctionSpec]) -> Problem:
    """The problem without inputs that nothing in it or in its functions names: they take no values."""
    trees = [each.body for each in problem.definitions]
    trees += [side for each in problem.assumptions for side in (each.left, each.right)]
    used = {name for tree in trees for name in names_in(tree)} | {each.of for each in problem.upstream}
    used |= {name for spec in specifications for each in spec.arguments for name in (each.name, each.of)}
    # What is differentiated by may stand in no formula: such a derivative is 0.
    used |= {name for spec in specifications for each in spec.results for name in names_in(each.meaning)}
    return replace(problem, inputs=tuple(each for each in problem.inputs if each.name in used))


def _has_chunks(source: str, name: str) -> bool:
    """Whether an emitted function works on rows by chunks, or writes them in steps, where they are long."""
    if re.search(rf"\b_?{name}(_step_\d+)?_(kernel|f32)_by_chunks\b", source):
        return True
    kernel = re.search(rf"^def _{name}(_step_\d+)?_kernel\b.*?^\S", source, re.DOTALL | re.MULTILINE)
    return kernel is not None and "_is_fetched" in kernel[0]


def in_small_chunks(source: str, target: str) -> str:
    """The text of an emitted module that works on all rows by chunks, of few numbers."""
    lines = target_named(target).lines
    assert any(line in source for line in lines), f"the module says none of {', '.join(map(repr, lines))}"
    for line, other in lines.items():
        source = source.replace(line, other)
    return source


@contextmanager
def other_way(module: Any, limits: Mapping[str, int]) -> Iterator[None]:
    """Let the functions of an emitted module take the way of other sizes, by the constants that it has."""
    own = {name: getattr(module, name) for name in limits if hasattr(module, name)}
    try:
        for name in own:
            setattr(module, name, limits[name])
        yield
    finally:
        for name, value in own.items():
            setattr(module, name, value)


#: The modules that were loaded last, by their target and text: what they have compiled is used again.
_LOADED: dict[tuple[str, str], Any] = {}
_KEPT = 24


def loaded(problem: Problem, target: str, source: str) -> Any:
    """An emitted module, loaded; the same object for the same text, so that nothing is compiled twice."""
    key = (target, source)
    found = _LOADED.pop(key, None)
    if found is None:
        found = target_named(target).load(source, f"{problem.name}_{target}", functions_of(problem))
    _LOADED[key] = found
    while len(_LOADED) > _KEPT:
        del _LOADED[next(iter(_LOADED))]
    return found


@lru_cache(maxsize=8)
def _references(_: Problem) -> dict[tuple[object, ...], Any]:
    """The inputs and references of a problem: worked out once, used for every target and dtype."""
    return {}


def verify(problem: Problem, target: str = "numpy", **options: Any) -> list[Check]:
    """Emit a problem for a target and verify what was emitted."""
    from symderiv.kernels.emit import emit

    return verify_source(problem, target, emit(problem, target, options.get("sizes")), **options)


__all__ = ["Check", "loaded", "verify", "verify_source"]
