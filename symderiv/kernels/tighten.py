"""A loop program with less memory and less work, and the same values.

Five rewrites, in this order, over the passes of each sample (or of the whole, without samples):

1. *inline*: an intermediate that costs a few operations an entry, such as p[k] = e[k] / s, is worked
   out where it is needed. What a largest value is taken of stays stored: it must not round twice.
2. *local*: an intermediate that is needed in its own pass only is a local variable.
3. *in place*: an intermediate is kept in the row of a result that is stored in the last pass that
   needs it, so that no memory of its own is read and written.
4. *hoist*: what does not change along a pass is worked out before it, and one reciprocal replaces
   a division for each entry. Only of divisors that are neither tiny nor huge, by their make: sizes,
   square roots, and sums of exponentials of which the largest is 1. For others 1 / s may overflow or
   lose digits where u / s does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symderiv.expression.indices import fresh_name
from symderiv.expression.nodes import (
    Add,
    Entry,
    Expression,
    Index,
    IndexTerm,
    Multiply,
    Number,
    Position,
    Power,
    Size,
)
from symderiv.expression.traverse import walk
from symderiv.kernels.hoist import earlier, hoisted
from symderiv.kernels.loop_program import (
    Buffer,
    Loop,
    LoopProgram,
    Node,
    Note,
    Reduce,
    Store,
    nodes,
)
from symderiv.kernels.loop_walk import (
    arrays_of,
    entries_in,
    entries_of,
    entries_read,
    mapped,
    replaced,
    without,
    writes,
)

#: An intermediate of more operations an entry is stored.
CHEAP = 4
#: The names of what is set aside begin so; printers leave the sign out.
ASIDE = "@aside"
#: What is said where a result's row holds an intermediate, and of what is read of it before it is gone.
FOR_NOW = " (kept in the result's row for now)"
IN_TIME = "worked out before its operands are overwritten"


def tightened(program: LoopProgram) -> LoopProgram:
    """`program` with its intermediates inlined, made local or kept in results, and divisions hoisted."""
    rows = [each for each in program.body if isinstance(each, Loop) and each.role == "rows"]
    if not rows:
        return _Tightener(program, None).done(program.body)
    (loop,) = rows
    found = _Tightener(program, loop.letter).done(loop.body)
    body = tuple(replace(loop, body=found.body) if each is loop else each for each in program.body)
    return replace(found, body=body)


@dataclass
class _Tightener:
    """Works on one sequence of passes."""

    program: LoopProgram
    letter: Index | None

    def __post_init__(self) -> None:
        # Buffers of the other sections are not to be touched.
        self.buffers = {each.name: each for each in self.program.buffers}

    def done(self, body: tuple[Node, ...]) -> LoopProgram:
        """The program of the tightened body (in place of what stands in the loop over the samples)."""
        inside = arrays_of(body)
        outside = set()
        if self.letter is not None:
            for each in self.program.body:
                if not (isinstance(each, Loop) and each.role == "rows"):
                    outside |= arrays_of((each,))
        self.own = [name for name in self.buffers if name in inside and name not in outside]
        body = self._inlined(body)
        body = self._localised(body)
        body = self._in_place(body)
        body = hoisted(body, self._new)
        body = earlier(body, self._new)
        used = arrays_of(body) | outside
        buffers = tuple(each for each in self.buffers.values() if each.name in used)
        return replace(self.program, body=body, buffers=buffers)

    # -- 1. inline --------------------------------------------------------------------------

    def _inlined(self, body: tuple[Node, ...]) -> tuple[Node, ...]:
        for name in self.own:
            stores = [
                (loop, each)
                for loop in body
                if isinstance(loop, Loop) and loop.role == "pass"
                for each in loop.body
                if isinstance(each, Store) and each.target == Entry(name, (loop.letter,))
            ]
            if len(stores) != 1 or len(writes(body, name)) != 1:
                continue
            loop, store = stores[0]
            uses = [part for part in entries_of(body) if part.array == name]
            plain = all(isinstance(part.indices[0], Index | Entry | Position) for part in uses)
            if not plain or not _is_cheap(store.value) or name in _compared(body) | _in_nests(body):
                continue
            body = without(body, store)
            body = replaced(body, name, loop.letter, store.value)
        return body

    # -- 2. local ---------------------------------------------------------------------------

    def _localised(self, body: tuple[Node, ...]) -> tuple[Node, ...]:
        for name in self.own:
            if len(self.buffers[name].indices) != 1:
                continue
            homes = [each for each in body if name in arrays_of((each,)) and not isinstance(each, Note)]
            loop = homes[0] if len(homes) == 1 else None
            if not (isinstance(loop, Loop) and loop.role == "pass"):
                continue
            places = {part.indices for part in entries_of((loop,)) if part.array == name}
            if places != {(loop.letter,)}:
                continue
            body = replaced(body, name, loop.letter, Entry(name, ()), also_targets=True)
            self.buffers[name] = replace(self.buffers[name], indices=())
        return body

    # -- 3. in place ------------------------------------------------------------------------

    def _in_place(self, body: tuple[Node, ...]) -> tuple[Node, ...]:
        taken: set[str] = set()
        for name in self.own:
            for result in self.program.parameters:
                if result.is_result and result.name not in taken and len(self.buffers[name].indices) == 1:
                    found = self._kept_in(body, name, result.name)
                    if found is not None:
                        taken.add(result.name)
                        body = found
                        break
        return body

    def _kept_in(self, body: tuple[Node, ...], name: str, result: str) -> tuple[Node, ...] | None:
        """The body with a buffer kept in the row of a result, where that is free for it."""
        lead = () if self.letter is None else (self.letter,)
        last = next(
            (
                (number, loop, store)
                for number, loop in enumerate(body)
                if isinstance(loop, Loop) and loop.role == "pass"
                for store in loop.body
                if isinstance(store, Store) and store.target == Entry(result, (*lead, loop.letter))
            ),
            None,
        )
        if last is None or last[1].letter.axis != self.buffers[name].indices[0].axis:
            return None
        number, loop, store = last
        if any(part.array == result for part in entries_of(body[:number])):
            return None
        after = body[number + 1 :]
        if any(name in arrays_of((each,)) and not isinstance(each, Store) for each in after):
            return None
        if any(part.array == name and part.indices != (loop.letter,) for part in entries_of((loop,))):
            return None
        if any(part.array == result for each in loop.body for part in entries_read(each)):
            return None
        # What is overwritten and needed afterwards, at a label, is worked out before.
        aside: list[Node] = []
        later: list[Node] = []
        for each in after:
            if isinstance(each, Store) and any(part.array == name for part in entries_read(each)):
                kept = self._new(ASIDE)
                aside += [Note(IN_TIME, each.target)]
                aside += [Store(kept, each.value)]
                later.append(Store(each.target, kept))
            else:
                later.append(each)
        inside = (*(each for each in loop.body if each is not store), store)
        body = (*body[:number], *aside, replace(loop, body=inside), *later)

        def moved(term: IndexTerm) -> Entry:
            return Entry(result, (*lead, term))

        said = tuple(
            replace(each, text=f"{each.text}{FOR_NOW}")
            if isinstance(each, Note) and each.of is not None and each.of.array == name
            else each
            for each in body
        )
        return mapped(said, lambda part: moved(part.indices[0]) if part.array == name else part)

    def _new(self, stem: str) -> Entry:
        name = fresh_name(stem, self.buffers)
        self.buffers[name] = Buffer(name, (), per_row=self.letter is not None)
        return Entry(name, ())


def _in_nests(body: Sequence[Node]) -> set[str]:
    """The arrays that are read in nested loops, where working out an entry again and again would cost."""
    return {
        name for each in body if isinstance(each, Loop) and each.role != "pass" for name in arrays_of((each,))
    }


def _compared(body: Sequence[Node]) -> set[str]:
    """The arrays that a largest or smallest value is taken of."""
    found: set[str] = set()
    for node in nodes(tuple(body)):
        if isinstance(node, Reduce) and node.kind in ("max", "min"):
            found |= {each.array for each in entries_in(node.value)}
    return found


def _is_cheap(value: Expression) -> bool:
    count = 0
    for _, part in walk(value):
        match part:
            case Number() | Size() | Entry():
                pass
            case Add(terms):
                count += len(terms) - 1
            case Multiply(factors):
                count += len(factors) - 1
            case Power(_, Number(exponent)) if exponent == -1:
                pass
            case _:
                return False
    return count <= CHEAP
