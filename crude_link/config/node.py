"""Node: a value of a config file together with the place where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from crude_link.config.problems import Position
from crude_link.model.value import Plain, Scalar

Content: TypeAlias = "Scalar | tuple[Node, ...] | Mapping[str, Node]"
#: Keys and indexes from the top of a document: `("steps", 0, "timeout")`.
Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list or a mapping of Nodes, and where it stands; `key_at` is the place of its key, if any."""

    value: Content
    at: Position = None
    key_at: Position = None

    @property
    def entries(self) -> Mapping[str, Node]:
        """Its children by name; nothing when it is no mapping."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> Sequence[Node]:
        """Its children in order; nothing when it is no list."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def place(self) -> Position:
        """Where to point when something is wrong with it: its key, else itself."""
        return self.key_at or self.at

    def child(self, step: str | int) -> Node | None:
        """Return the child under a key or at an index."""
        if isinstance(self.value, Mapping):
            return self.value.get(str(step))
        if isinstance(self.value, tuple) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def descend(self, path: Path) -> Node | None:
        """Return what stands at `path` below it, or None."""
        node: Node | None = self
        for step in path:
            node = node.child(step) if node else None
        return node

    def nearest(self, path: Path) -> Node:
        """Return the deepest Node along `path` that is there."""
        node = self
        for step in path:
            child = node.child(step)
            if child is None:
                return node
            node = child
        return node

    def with_child(self, step: str | int, child: Node) -> Node:
        """Return a copy in which `child` stands at `step`."""
        if isinstance(self.value, tuple):
            items = list(self.value)
            items[int(step)] = child
            return Node(tuple(items), self.at, self.key_at)
        return Node({**self.entries, str(step): child}, self.at, self.key_at)

    def plain(self) -> Plain:
        """Return it without places."""
        if isinstance(self.value, Mapping):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, tuple):
            return [child.plain() for child in self.value]
        return self.value


def node_of(value: Plain, at: Position = None, key_at: Position = None) -> Node:
    """Return plain data as Nodes, all at one place."""
    if isinstance(value, Mapping):
        return Node({str(key): node_of(child, at) for key, child in value.items()}, at, key_at)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Node(tuple(node_of(child, at) for child in value), at, key_at)
    return Node(value, at, key_at)
