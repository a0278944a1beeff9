"""Sound: what of a config with mistakes can be looked at all the same, so that pre-flight tells its part at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from crude_link.config.building import secrets_of, step_of
from crude_link.config.keys import STEP_KEYS
from crude_link.config.node import Node, Path
from crude_link.config.problems import Position
from crude_link.config.schema import PIPELINE, STEP_FORM
from crude_link.model.pipeline import Command, Pipeline, Step
from crude_link.model.value import Plain

#: Keys of a step without which it can still be looked at.
_DISPENSABLE = (
    "needs", "when", "timeout", "retries", "stop_grace", "stdin", "continue_on_failure",
    "download", "upload",
    "parallel", "resources", "gpus", "cpus", "memory", "disk", "allow_failed", "stop_after_failed", "warm",
)  # fmt: skip
#: Keys of a pipeline that make none of its steps.
_APART = (
    "name", "params", "timeout", "cron", "timezone", "schedule", "retention", "notify",
    "download", "upload", "storage",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """A pipeline whose file has mistakes: its document, its tree, and the places in it that have no value."""

    document: Mapping[str, Plain]
    tree: Node
    broken: Set[Path]


def sound_parts(sights: Iterable[Sight], mistakes: Iterable[Position]) -> Iterator[Pipeline]:
    """Yield for each pipeline what is sound of it; nothing when a mistake may concern any step."""
    seen, wrong = list(sights), set(mistakes)
    explained: set[Position] = set()
    for sight in seen:
        explained |= {at for key, node in sight.tree.entries.items() if _is_apart(key) for at in _positions(node)}
    if wrong <= explained and None not in wrong:
        for sight in seen:
            yield Pipeline(
                name=str(sight.document.get("name")),
                steps=tuple(_steps(sight, wrong)),
                secrets=secrets_of(PIPELINE["secrets"].form.read(sight.document.get("secrets", {}), (), _ignore)),
            )


def _is_apart(key: str) -> bool:
    """True for `steps`, and for what no step is made from; all that steps have from elsewhere stands in them too."""
    return key in _APART or key == "steps" or key not in PIPELINE


def _steps(sight: Sight, wrong: Set[Position]) -> Iterator[Step]:
    steps = sight.document.get("steps")
    for index, said in enumerate(steps if isinstance(steps, list) else []):
        written = sight.tree.entries["steps"].items[index]
        bad = {key for key, node in written.entries.items() if wrong & set(_positions(node))}
        bad |= {str(path[2]) for path in sight.broken if path[:2] == ("steps", index)}
        kept = {key: value for key, value in said.items() if key not in bad}
        can_do = written.at not in wrong and sum(key in kept for key in ("script", "command", "function")) == 1
        if can_do and all(key in _DISPENSABLE or key not in STEP_KEYS for key in bad):
            yield step_of(STEP_FORM.read(kept, (), _ignore), (), written)
        else:
            outputs = said.get("outputs", ())
            made = [outputs] if isinstance(outputs, str) else outputs if isinstance(outputs, list) else []
            # What it makes counts for the steps behind it.
            yield Step(
                name=str(said.get("name")),
                action=Command(text=":"),
                outputs=tuple(path for path in made if isinstance(path, str)),
            )


def _positions(node: Node) -> Iterator[Position]:
    yield node.at
    yield node.key_at
    for child in (*node.entries.values(), *node.items):
        yield from _positions(child)


def _ignore(path: Path, message: str, of_key: bool) -> None:
    """Say nothing: it has been told."""
