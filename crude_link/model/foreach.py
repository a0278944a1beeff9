"""ForEach: the inputs for each of which a step runs, and how many of its tasks may fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from crude_link.model.transfer import scheme_of
from crude_link.model.value import Plain, Template, Text, Value

#: The names of the sources that inputs come from.
SOURCES = ("items", "lines", "csv", "jsonl", "task_file", "glob", "range", "command", "step", "matrix")
#: Those whose inputs are text, or rows of texts: they are passed on as by hand, not as the values they look like.
TEXT_SOURCES = ("lines", "csv", "glob", "command", "step")
#: Those whose inputs are surely no mappings, and have no fields.
SINGLE_SOURCES = ("lines", "glob", "range", "command", "step")
#: Those whose inputs are surely mappings.
ROW_SOURCES = ("csv", "task_file", "matrix")
#: What `{...}` can be in a step with `foreach`; `item` may name a field.
ITEM_HEADS = ("item", "index", "stem", "name", "parent", "suffix")
#: Those that look at where a task runs, and at what it holds; `resource` names a pool.
PLACE_HEADS = ("slot", "gpu", "resource")
#: Those that hardly ever are the same for two tasks; `index` never is.
DIFFERING = ("item", "index", "stem", "name")
#: Those that look at the input as a path.
PATH_HEADS = ("stem", "name", "parent", "suffix")


class Input(NamedTuple):
    """One input of a fan-out: its place in the source, counted from 1, and its value."""

    position: int
    item: Plain


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A number of tasks, or a share of them (`is_share`: 0.02 is 2 %)."""

    number: float
    is_share: bool

    def of(self, total: int) -> float:
        """Return the number of tasks that it means among `total`."""
        return self.number * total if self.is_share else self.number

    def __str__(self) -> str:
        return f"{self.number * 100:g}%" if self.is_share else f"{self.number:g}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ForEach:
    """Where the inputs of a fan-out come from. `source` is a name in the table of input sources."""

    source: str
    #: What stands behind that name in the config: a list, a path, a command, the numbers of a range.
    value: Value
    #: What else that source understands, such as `dedupe`.
    options: Mapping[str, Plain] = field(default_factory=dict)
    #: The field that tells inputs apart when their source has changed; None: their whole content.
    key: str | None = None
    #: Inputs that another run of this pipeline and step has done are left out.
    once: bool = False
    #: Only so many inputs are taken.
    limit: int | None = None
    #: Options of stores by scheme or bucket, for patterns of what lies there.
    storage: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def is_of_stores(self) -> bool:
        """True when its inputs are files of stores, as far as that is known before the run."""
        return self.source == "glob" and any(scheme_of(str(pattern)) is not None for pattern in patterns_of(self))


def patterns_of(foreach: ForEach) -> list[Text]:
    """Return the patterns of a glob, one or some, as they stand in the config."""
    said = foreach.value if isinstance(foreach.value, (list, tuple)) else [foreach.value]
    return [pattern for pattern in said if isinstance(pattern, (str, Template))]
