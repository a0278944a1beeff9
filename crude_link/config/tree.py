"""Tree: one pipeline as OmegaConf holds it, asked for what references stand for.

In it every text with references is a resolver call, `${x4f0a.leaf:7}`, that leads back to `resolving`: OmegaConf
follows names and answers resolvers, and we put the answers into the text around. A step or a config becomes a branch
when the first reference leads into it, for OmegaConf takes 50 µs for each value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import omegaconf
from omegaconf import DictConfig, OmegaConf

from crude_link.config.masks import Masks
from crude_link.config.node import Node, Path
from crude_link.config.references import tongue_of
from crude_link.model.value import Value

#: What OmegaConf calls a value that is still to be given.
MISSING = "???"
_CONFIG = re.compile(r"\bconfigs\b(?:\.([\w-]+))?")
#: A name or a resolver that may lead anywhere: `${${...}}`, `${oc.select:...}`.
_ANYWHERE = re.compile(r"\$\{\s*(?:\$|oc\.(?!decode:))")
_HAS_NEW_NAMES = tuple(int(part) for part in omegaconf.__version__.split(".")[:2]) >= (2, 4)


class Tree:
    """OmegaConf's view of a tree of Nodes. Close it after use: OmegaConf keeps resolvers for the whole process."""

    def __init__(self, root: Node, masks: Masks, resolvers: Mapping[str, Callable[..., Any]]) -> None:
        self._root = root
        self._masks = masks
        self._resolvers = {f"{masks.word}.{name}": resolver for name, resolver in resolvers.items()}
        self._grown: set[Path] = set()
        self._bases: dict[Path, Any] = {}
        self._leaves: list[Path] = []
        self._conf: DictConfig = OmegaConf.create({})
        for name, resolver in self._resolvers.items():
            _register(name, resolver)

    def close(self) -> None:
        """Take the resolvers from OmegaConf."""
        for name in self._resolvers:
            OmegaConf.clear_resolver(name)

    def leaf(self, number: int) -> Path:
        """Return the place of the text for which `${x4f0a.leaf:NUMBER}` stands."""
        return self._leaves[number]

    def ask(self, reference: str, base: Path) -> Value:
        """Return what a reference stands for. OmegaConfBaseException says why it stands for nothing.

        With a `base`, a list or a mapping, it is relative to that and begins with two dots.
        """
        if not base:
            self._reach(reference)
        answer = OmegaConf.create({"answer": reference}, parent=self._base(base) if base else self._conf)["answer"]
        if OmegaConf.is_config(answer):
            answer = OmegaConf.to_container(answer, resolve=True, throw_on_missing=True)
        return self._masks.unmasked(answer)

    # --- branches -------------------------------------------------------------------------------------------

    def _reach(self, reference: str) -> None:
        """Make the branches into which a reference can lead."""
        anywhere = _ANYWHERE.search(reference)
        for head, node in self._root.entries.items():
            if anywhere:
                self._grow((head,), node)
            elif head == "configs":
                for name in _CONFIG.findall(reference):
                    config = node.child(name)
                    self._grow((head, name) if config else (head,), config or node)
            elif head != "steps" and head in reference:
                self._grow((head,), node)

    def _grow(self, path: Path, node: Node) -> None:
        head, *names = path
        if self._grown & {path, (head,)}:
            return
        self._grown.add(path)
        if not names:
            self._conf[head] = self._data(node, path)
            return
        if head not in self._conf:
            self._conf[head] = {}
        self._conf[head][names[0]] = self._data(node, path)

    def _base(self, path: Path) -> Any:
        if path not in self._bases:
            node = self._root.nearest(path)
            self._bases[path] = OmegaConf.create(self._data(node, path), parent=self._conf)
        return self._bases[path]

    def _data(self, node: Node, path: Path) -> Any:
        if isinstance(node.value, Mapping):
            made = {key: self._data(child, (*path, key)) for key, child in node.value.items()}
            is_param = path == ("params",)  # a declared one stands for its default
            return {key: _default(child) for key, child in made.items()} if is_param else made
        if isinstance(node.value, tuple):
            return [self._data(child, (*path, index)) for index, child in enumerate(node.value)]
        if not isinstance(node.value, str) or (node.value == MISSING and path[0] == "params"):
            return node.value
        if "${" not in node.value or tongue_of(path) is None:
            return self._masks.masked(node.value)
        self._leaves.append(path)
        return f"${{{self._masks.word}.leaf:{len(self._leaves) - 1}}}"


def _default(param: Any) -> Any:
    return param.get("default", MISSING) if isinstance(param, dict) else param


def _register(name: str, resolver: Callable[..., Any]) -> None:
    if _HAS_NEW_NAMES:
        OmegaConf.register_resolver(name, resolver, annotation_validation="off")
    else:
        OmegaConf.register_new_resolver(name, resolver)
