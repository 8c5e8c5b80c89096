"""Looking at the nodes of a loop program, and changing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from symderiv.expression.indices import rename
from symderiv.expression.nodes import Entry, Expression, Index, Shift
from symderiv.expression.traverse import map_children, walk
from symderiv.kernels.loop_program import Loop, LoopProgram, Node, Note, Reduce, Start, Store, nodes


def labels_and_all(entry: Entry) -> Iterator[Entry]:
    """The entry, and the labels among its index terms."""
    yield entry
    for term in entry.indices:
        if isinstance(term, Entry):
            yield from labels_and_all(term)
        elif isinstance(term, Shift):
            for _, part in term.terms:
                if isinstance(part, Entry):
                    yield from labels_and_all(part)


def entries_in(node: Expression) -> Iterator[Entry]:
    """The entries in a formula, labels included."""
    for _, part in walk(node):
        if isinstance(part, Entry):
            yield from labels_and_all(part)


def entries_read(node: Node) -> Iterator[Entry]:
    """The entries that a node reads, the places of its target included."""
    if isinstance(node, Store | Reduce):
        yield from entries_in(node.value)
    if isinstance(node, Store | Reduce | Start):
        for each in labels_and_all(node.target):
            if each is not node.target:
                yield each


def entries_of(body: Sequence[Node]) -> Iterator[Entry]:
    """All entries of a body, read or written."""
    for node in nodes(tuple(body)):
        yield from entries_read(node)
        if isinstance(node, Store | Reduce | Start):
            yield node.target


def arrays_of(body: Sequence[Node]) -> set[str]:
    """The arrays that a body reads or writes."""
    return {each.array for each in entries_of(body)}


def independent_rows(program: LoopProgram) -> Loop | None:
    """The loop over the samples, where it is all of a program and samples need nothing of each other."""
    if len(program.body) != 1:
        return None
    (rows,) = program.body
    return rows if isinstance(rows, Loop) and rows.role == "rows" and rows.parallel else None


def writes(body: Sequence[Node], name: str) -> list[Node]:
    """The nodes that store into an array, or reduce into it."""
    return [
        node for node in nodes(tuple(body)) if isinstance(node, Store | Reduce) and node.target.array == name
    ]


def set_in(body: Sequence[Node]) -> set[str]:
    """The arrays that a body starts, stores into or reduces into."""
    return {each.target.array for each in nodes(tuple(body)) if isinstance(each, Store | Reduce | Start)}


def common_places(entries: Sequence[Entry], letter: Index) -> list[int]:
    """Which of their index places is `letter` in all of the entries."""
    count = min(len(entry.indices) for entry in entries)
    return [place for place in range(count) if all(entry.indices[place] == letter for entry in entries)]


# -- changing nodes -----------------------------------------------------------------------------


def without(body: tuple[Node, ...], store: Store) -> tuple[Node, ...]:
    """The body without one store, without a pass that it leaves empty, and without what was said of it."""
    found: list[Node] = []
    for each in body:
        if isinstance(each, Note) and each.of is not None and each.of.array == store.target.array:
            continue
        if isinstance(each, Loop):
            inside = without(each.body, store)
            if inside:
                found.append(replace(each, body=inside))
        elif each is not store:
            found.append(each)
    return tuple(found)


def replaced(
    body: tuple[Node, ...], name: str, letter: Index, value: Expression, *, also_targets: bool = False
) -> tuple[Node, ...]:
    """The body with `value` (of `letter`) for every entry of `name`."""

    def change(node: Expression) -> Expression:
        if isinstance(node, Entry):
            return rename(value, {letter: node.indices[0]}) if node.array == name else node
        return map_children(node, change)

    found: list[Node] = []
    for each in body:
        if isinstance(each, Loop):
            inside = replaced(each.body, name, letter, value, also_targets=also_targets)
            found.append(replace(each, body=inside))
        elif isinstance(each, Store | Reduce):
            target = each.target
            if also_targets and target.array == name:
                assert isinstance(value, Entry)
                target = value
            found.append(replace(each, target=target, value=change(each.value)))
        elif isinstance(each, Note) and also_targets and each.of is not None and each.of.array == name:
            assert isinstance(value, Entry)
            found.append(replace(each, of=value))
        else:
            found.append(each)
    return tuple(found)


def mapped(body: Sequence[Node], change: Callable[[Entry], Entry]) -> tuple[Node, ...]:
    """The body with every entry, read or written or spoken of, changed."""

    def formula(node: Expression) -> Expression:
        return change(node) if isinstance(node, Entry) else map_children(node, formula)

    return _rewritten(body, change, formula, lambda letter: letter)


def renamed(body: Sequence[Node], names: Mapping[Index, Index]) -> tuple[Node, ...]:
    """The body with other letters, those of its loops too."""

    def entry(node: Entry) -> Entry:
        moved = rename(node, names)
        assert isinstance(moved, Entry)
        return moved

    return _rewritten(body, entry, lambda node: rename(node, names), lambda letter: names.get(letter, letter))


def _rewritten(
    body: Sequence[Node],
    entry: Callable[[Entry], Entry],
    formula: Callable[[Expression], Expression],
    letter: Callable[[Index], Index],
) -> tuple[Node, ...]:
    found: list[Node] = []
    for each in body:
        match each:
            case Loop():
                inside = _rewritten(each.body, entry, formula, letter)
                window = None if each.window is None else formula(each.window)
                found.append(replace(each, letter=letter(each.letter), body=inside, window=window))
            case Store() | Reduce():
                found.append(replace(each, target=entry(each.target), value=formula(each.value)))
            case Start():
                found.append(replace(each, target=entry(each.target)))
            case Note(_, of):
                found.append(each if of is None else replace(each, of=entry(of)))
    return tuple(found)
