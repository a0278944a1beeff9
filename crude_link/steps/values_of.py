"""What a step says that may hold late references, and where."""

from __future__ import annotations

from collections.abc import Iterator

from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Script, Step
from crude_link.model.transfer import Transfer
from crude_link.model.value import Reference, Value, references_in


def references_of(step: Step) -> Iterator[tuple[str, Reference]]:
    """Yield every late reference of a step, with the key in which it stands."""
    for key, value in values_of(step).items():
        for reference in references_in(value):
            yield key, reference


def values_of(step: Step) -> dict[str, Value]:
    """Return what a step says that may hold text of any kind, by its keys."""
    action = step.action
    if isinstance(action, Transfer):
        return {
            **_of_transfer(action),
            **{f"env.{name}": value for name, value in step.env.items()},
            "env_file": step.env_file,
        }
    return {
        **_of_tasks(step),
        "function" if isinstance(action, Script) and action.function else "script": (
            action.path if isinstance(action, Script) else None
        ),
        "python": action.python if isinstance(action, Script) else None,
        "command": None if isinstance(action, Script) else action.text or action.argv,
        **{f"arguments.{name}": value for name, value in step.arguments.items()},
        **{f"env.{name}": value for name, value in step.env.items()},
        "env_file": step.env_file,
        "cwd": step.cwd,
        "inputs": step.inputs,
        "outputs": step.outputs,
        "metrics": step.metrics,
        **(_of_foreach(step.foreach) if step.foreach else {}),
    }


def _of_foreach(foreach: ForEach) -> dict[str, Value]:
    options = {f"storage.{place}": options for place, options in foreach.storage.items()}
    return {f"foreach.{foreach.source}": foreach.value, **(options if foreach.is_of_stores else {})}


def _of_tasks(step: Step) -> dict[str, Value]:
    """Return what the transfers of a step's tasks say; those of a kind as one."""
    found: dict[str, Value] = {}
    for each in step.transfers:
        for key, value in _of_transfer(each.transfer).items():
            found[key] = value if key.startswith("storage.") else (found.get(key), value, each.env, each.env_file)
    return found


def _of_transfer(transfer: Transfer) -> dict[str, Value]:
    return {
        transfer.kind.value: (transfer.remote, transfer.local, transfer.include, transfer.exclude),
        **{f"storage.{place}": options for place, options in transfer.storage.items()},
    }
