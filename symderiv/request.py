"""What to differentiate by what, as a caller or a command line names it.

>>> from symderiv import catalog
>>> from symderiv.calculus import Engine
>>> problem = catalog.load("softmax")
>>> entries(problem, Engine(problem), "p", ["z[n]"])[1][0].indices[0].name
'n'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symderiv.calculus import Engine
from symderiv.expression.indices import all_letters, fresh_index
from symderiv.expression.nodes import Derivative, Entry, Index, IndexTerm
from symderiv.notation.typed import is_latex
from symderiv.problem import Expectation, Problem


class RequestError(ValueError):
    """A request that names nothing in the problem; the message is one sentence."""


def entries(problem: Problem, engine: Engine, of: str, by: Sequence[str]) -> tuple[Entry, tuple[Entry, ...]]:
    """The entries that a request names; letters are chosen where it names arrays alone.

    Parameters
    ----------
    of, by
        Names (``z``), entries in text (``z[j]``) or in LaTeX (``z_j``).

    Raises
    ------
    RequestError
        If one is no name of the problem, or cannot be differentiated by.
    symderiv.notation.errors.NotationError
        If one is not understood.
    """
    if isinstance(by, str) or not all(isinstance(text, str) for text in (of, *by)):
        raise TypeError("expected names to differentiate by as strings, such as wrt='z' or wrt=('z', 'z')")
    if not by:
        raise RequestError(f"expected a name to differentiate {of} by, found none")
    asked = [entry(problem, text) for text in (of, *by)]
    for each in asked[1:]:
        given = problem.input(each.array)
        if given is not None and given.label_of:
            raise RequestError(f"expected a real array to differentiate by, found the label {each.array}")
        if each.array == asked[0].array:
            raise RequestError(f"expected another name than {of} to differentiate it by, found {each.array}")
    chosen_of, chosen_by = engine.generic(asked[0].array, tuple(each.array for each in asked[1:]))
    theirs = {letter for each in asked for letter in all_letters(each)}
    taken = theirs | {letter for each in (chosen_of, *chosen_by) for letter in all_letters(each)}
    found = [
        each if each.indices else _apart(chosen, problem, theirs, taken)
        for each, chosen in zip(asked, (chosen_of, *chosen_by), strict=True)
    ]
    return found[0], tuple(found[1:])


def _apart(chosen: Entry, problem: Problem, theirs: set[str], taken: set[str]) -> Entry:
    """The entry with other letters where its own are those of the caller."""
    indices: list[IndexTerm] = []
    for term in chosen.indices:
        if isinstance(term, Index) and term.name in theirs:
            term = fresh_index(term.axis, taken, problem.letters_of(term.axis))
            taken.add(term.name)
        indices.append(term)
    return Entry(chosen.array, tuple(indices))


def asking(problem: Problem) -> Problem:
    """The problem with a request for the derivatives of its output by its inputs, where it has none."""
    if problem.expectations:
        return problem
    engine, output = Engine(problem), problem.output()
    pairs = [
        engine.generic(output, (each.name,))
        for each in problem.inputs
        if each.label_of is None and problem.depends(Entry(output), each.name)
    ]
    return replace(problem, expectations=tuple(Expectation(Derivative(of, by)) for of, by in pairs))


def known_names(problem: Problem) -> list[str]:
    """Every array of a problem: inputs, definitions, unspecified functions."""
    arrays = [each.name for each in problem.inputs] + [each.name for each in problem.definitions]
    return arrays + [each.name for each in problem.upstream]


def entry(problem: Problem, text: str) -> Entry:
    """``z``, ``z[j]`` or ``z_j`` as an entry, its name checked; without indices where it has none."""
    name = text.split("[", maxsplit=1)[0].strip()
    known = known_names(problem)
    if name in known and "[" not in text:
        return Entry(name)
    if name not in known:
        found = _latex_entry(text, problem) if is_latex(text) or "_" in text else None
        if found is not None:
            return found
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=2, cutoff=0.5)
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        raise RequestError(f"expected a name of {problem.name} ({', '.join(known)}), found {name!r}{meant}")
    from symderiv.notation.reader import parse_expression

    read = parse_expression(text, problem)
    if not isinstance(read, Entry):
        raise RequestError(f"expected one entry such as {name}[j], found {text!r}")
    return read


def _latex_entry(text: str, problem: Problem) -> Entry | None:
    r"""What a spelling in LaTeX names: ``z_j``, ``\hat y``, ``\mathbf W``; None where it names nothing."""
    from symderiv.notation.errors import NotationError
    from symderiv.notation.tex import parse_latex_chain

    try:
        chain = parse_latex_chain(text, problem)
    except NotationError:
        return None
    found = chain.sides[0]
    if len(chain.sides) > 1 or not isinstance(found, Entry):
        return None
    return Entry(found.array) if chain.open else found
