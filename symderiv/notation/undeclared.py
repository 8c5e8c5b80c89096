"""Inputs that nobody declared, found from how a formula uses them.

A name with brackets is an array, a name in brackets an index letter, a bare name in the place of a
value a number. A letter that is free in the body of a definition and not on its left side is a label:
one fixed place. Axes that nothing names get the usual names, in order of first use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lark import Token, Tree

from symderiv.notation.names import Names
from symderiv.notation.syntax import Node

#: What an axis is called that nothing names.
AXIS_NAMES = ("K", "N", "M", "D", "H", "C", "B", "R")
_BINDERS = ("sum", "prod", "max", "min")


@dataclass(frozen=True)
class Use:
    """A piece of syntax in which names are used.

    `left` holds the letters on the left side where the piece is the body of a definition: any other
    letter must then be bound. It is None where letters may be free.
    """

    tree: Node
    left: frozenset[str] | None = None


@dataclass
class Undeclared:
    """What was found: arrays and labels with how many indices they have (a number has none), and letters."""

    arrays: dict[str, int]
    labels: dict[str, int]
    letters: tuple[str, ...]


def note(names: Names, uses: Sequence[Use]) -> Undeclared:
    """Find the undeclared names in `uses`, and enter them in `names` so that letters can be tied to them."""
    finder = _Finder(names)
    for use in uses:
        finder.places(use.tree)
    for use in uses:
        finder.values(use.tree)
    labels: dict[str, int] = {}
    for use in uses:
        if use.left is not None:
            for letter in _loose(use.tree, use.left, finder):
                labels.setdefault(letter, 0)
    labels.update(finder.label_arrays)
    arrays = {name: rank for name, rank in finder.arrays.items() if name not in labels}
    found = Undeclared(arrays, labels, tuple(name for name in finder.letters if name not in labels))
    names.definitions.update({name: rank for name, rank in (found.arrays | found.labels).items() if rank})
    for name in finder.square:
        if name in arrays and arrays[name] == 2:
            names.tie_square(name)
    for use in uses:
        for array, place, label in _labels_in_places(use.tree):
            if names.is_label(label) and names.definitions.get(array, 0) > place:
                names.tie_place(array, place, names.inputs[label].label_of or "")
    return found


def settle(names: Names, uses: Sequence[Use], found: Undeclared) -> None:
    """Name the axes that nothing names, and make inputs of what was found; the letters are tied by now."""
    for use in uses:
        for array, place, label in _labels_in_places(use.tree):
            if label in found.labels:
                names.tie_label(label, array, place)
    taken = {*found.arrays, *found.labels, *names.axes, *names.inputs, *names.definitions, *names.upstream}
    for use in uses:
        taken |= names_in_tree(use.tree)
    fresh = (axis for axis in _axis_names() if axis not in taken)
    names.name_axes(found.arrays | found.labels, (*found.letters, *found.labels), fresh)
    for name, rank in found.arrays.items():
        names.make_input(name, rank)
    for name, rank in found.labels.items():
        names.make_input(name, rank, names.letter_axis(name))


def _axis_names() -> Iterator[str]:
    yield from AXIS_NAMES
    number = 1
    while True:
        yield f"K{number}"
        number += 1


class _Finder:
    """Collects names by the place in which they stand."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.letters: dict[str, None] = {}
        self.arrays: dict[str, int] = {}
        self.label_arrays: dict[str, int] = {}
        self.square: set[str] = set()

    def places(self, tree: Node) -> None:
        """Note every name that stands in the place of an index."""
        for node in _nodes(tree):
            if node.data in ("filtered", "filtered_within"):
                self.letters.setdefault(str(node.children[0]))
            for part in _index_parts(node):
                for inner in _nodes(part):
                    name = str(inner.children[0]) if inner.children else ""
                    if inner.data == "name" and self.names.is_letter(name):
                        self.letters.setdefault(name)
                    elif inner.data == "entry" and not self.names.kind(name):
                        self.label_arrays.setdefault(name, len(inner.children) - 1)
        for node in _nodes(tree):
            if node.data == "comparison":
                sides = [_bare_name(node.children[0]), _bare_name(node.children[2])]
                if any(side in self.letters for side in sides):
                    self.letters.update(dict.fromkeys(side for side in sides if self.names.is_letter(side)))

    def values(self, tree: Node) -> None:
        """Note every undeclared name that stands in the place of a value."""
        todo = [tree]
        while todo:
            node = todo.pop()
            if node.data == "entry":
                name = str(node.children[0])
                if not self.names.kind(name):
                    self.arrays.setdefault(name, len(node.children) - 1)
                continue
            matrix = _matrix_name(node)
            if matrix and not self.names.kind(matrix):
                self.arrays[matrix] = 2
                self.square.add(matrix)
                continue
            if node.data == "name":
                name = str(node.children[0])
                if not self.names.kind(name) and name not in self.letters:
                    self.arrays.setdefault(name, 0)
                continue
            skipped = {id(part) for part in _index_parts(node)}
            todo.extend(
                child
                for child in reversed(node.children)
                if isinstance(child, Tree) and id(child) not in skipped and not self._is_place(node, child)
            )

    def _is_place(self, parent: Node, child: Node) -> bool:
        """Whether a bare name that is compared, or that max is taken over, is an index letter."""
        letter = child.data == "name" and str(child.children[0]) in self.letters
        binds = parent.data == "call" and str(parent.children[0]) in _BINDERS
        return letter and (parent.data in ("comparison", "filtered") or binds)


def _index_parts(node: Node) -> list[Node]:
    """The children of a node that stand for places."""
    children = [child for child in node.children if child is not None and not isinstance(child, Token)]
    if node.data == "entry":
        return children
    if node.data == "matrix_entry":
        return children[1:]
    if node.data == "call":
        name = str(node.children[0])
        if name == "delta":
            return children
        if name in ("sum", "prod"):
            compared = [child.children[0] for child in children[:-1] if child.data == "comparison"]
            return [
                child
                for child in (*children[:-1], *compared)
                if not isinstance(child, Token) and child is not None and child.data == "name"
            ]
    return []


def _matrix_name(node: Node) -> str:
    """The name in ``inv(A)`` or ``det(A)``, which is that of a square matrix."""
    if (
        node.data != "call"
        or str(node.children[0]) not in ("inv", "det", "logdet")
        or len(node.children) != 2
    ):
        return ""
    return _bare_name(node.children[1])


def _bare_name(node: Node | Token | None) -> str:
    return str(node.children[0]) if isinstance(node, Tree) and node.data == "name" else ""


def _loose(tree: Node, left: frozenset[str], finder: _Finder) -> Iterator[str]:
    """The letters of a definition's body that are neither bound in it nor on its left side."""
    bound = set(left)
    for node in _nodes(tree):
        if node.data == "call" and str(node.children[0]) in _BINDERS:
            for child in node.children[1:-1]:
                if child is None or isinstance(child, Token):
                    continue
                first = child.children[0]
                inside = child if child.data == "name" else first
                bound.add(str(inside if isinstance(inside, Token) else inside.children[0]))
    declared = finder.names.declared_letters()
    for node in _nodes(tree):
        for part in _index_parts(node):
            for inner in _nodes(part):
                name = str(inner.children[0]) if inner.children else ""
                free = name not in bound and name not in declared
                if inner.data == "name" and free and finder.names.is_letter(name):
                    yield name


def _labels_in_places(tree: Node) -> Iterator[tuple[str, int, str]]:
    """What stands as an index of an array and may be a label: the array, the place and the name."""
    for node in _nodes(tree):
        if node.data == "entry":
            for place, part in enumerate(node.children[1:]):
                if isinstance(part, Tree) and part.data in ("name", "entry"):
                    yield str(node.children[0]), place, str(part.children[0])


def names_in_tree(tree: Node) -> set[str]:
    """Every name that stands in a piece of syntax."""
    tokens = (child for node in _nodes(tree) for child in node.children if isinstance(child, Token))
    return {str(token) for token in tokens if token.type == "NAME"}


def _nodes(tree: Node) -> Iterator[Node]:
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(
            child for child in reversed(node.children) if child is not None and not isinstance(child, Token)
        )
