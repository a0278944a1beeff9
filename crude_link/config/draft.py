"""Draft: a config file as it was written, with names recovered and YAML's merges kept apart as layers.

YAML merging loses from which config a step was made. Here it is recovered from the node graph: an alias is the very
object that its anchor stands at, so identity tells, whatever values two configs have or a step overrides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from crude_link.config.node import Node
from crude_link.config.problems import Position


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """The keys of a step or a config, and what it is merged from: names of configs and nameless bodies.

    `bases` come in order of weight: a later one wins over an earlier one, and `own` over all.
    """

    own: Node
    bases: tuple[str | Body, ...] = ()
    #: The config that a reader would name first when asked what this is made from.
    made_from: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDraft:
    """One entry of `steps`: its recovered name is None where it must be made up from the script or the number."""

    body: Body
    at: Position
    name: str | None = None


Keys: TypeAlias = Mapping[str, Node]


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A pipeline as written: its configs, its steps (None: there is no `steps` key), and all other keys."""

    keys: Keys = field(default_factory=dict)
    configs: Mapping[str, Body] = field(default_factory=dict)
    steps: tuple[StepDraft, ...] | None = None
    #: Where the key `steps` stands.
    steps_at: Position = None
    at: Position = None
