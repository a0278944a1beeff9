"""The forms of `resources`: the pools of a pipeline, and what the slots and tasks of a step hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crude_link.config.foreach_form import FOREACH_KEYS
from crude_link.config.forms import Form, Key, Report, boolean, by_name, mapping, number, parsed, shown
from crude_link.config.node import Path
from crude_link.config.units import size
from crude_link.model.resources import GPU, POOL_SOURCES, Need, Pool, Scope
from crude_link.model.value import Plain

POOL_KEYS: Mapping[str, Key] = {
    "items": Key(FOREACH_KEYS["items"].form, "A list of names, numbers or addresses; equal ones are one."),
    "lines": Key(FOREACH_KEYS["lines"].form, "A file: each line that is not blank is an item."),
    "range": Key(FOREACH_KEYS["range"].form, "A number, [start, stop] or [start, stop, step]: ports, seats."),
    "command": Key(
        FOREACH_KEYS["command"].form, "Shell text or a list of words; each line of its output is an item."
    ),
    "quarantine": Key(number(1, whole=True), "After so many failures in a row a step does without an item."),
    "secret": Key(boolean(), "The items are masked in all output, and not stored.", False),
}
_POOL = mapping(POOL_KEYS, "a pool")
_SCOPES = {"per slot": Scope.SLOT, "per worker": Scope.SLOT, "per task": Scope.TASK}


def _read_pools(value: Plain, path: Path, report: Report) -> tuple[Pool, ...]:
    if not isinstance(value, Mapping):
        report(path, f"is a mapping such as {{PROXY: {{lines: proxies.txt}}}}, not {shown(value)}", False)
        return ()
    return tuple(_pool(name, said, (*path, name), report) for name, said in value.items())


def _pool(name: str, value: Plain, path: Path, report: Report) -> Pool:
    said: Plain = {"items": value} if isinstance(value, (list, tuple)) else value
    if not isinstance(said, Mapping):
        report(path, f"names where its items come from: `items: [...]`, `lines: FILE`; not {shown(value)}", False)
        return Pool(name=name, source="items")
    sources = [source for source in POOL_SOURCES if said.get(source) is not None]
    if len(sources) > 1:
        report((*path, sources[1]), f"`{sources[0]}` and `{sources[1]}` are two sources of items; keep one", True)
    if not sources and said.keys() <= POOL_KEYS.keys():
        report(path, f"names no source of items; it is one of {', '.join(POOL_SOURCES)}", False)
    made = _POOL.read(said, path, report)
    source = sources[0] if sources else "items"
    quarantine, is_secret = made["quarantine"], bool(made["secret"])
    return Pool(name=name, source=source, value=made[source], quarantine=quarantine, is_secret=is_secret)


def _scope(value: object) -> Scope:
    if isinstance(value, str) and value in _SCOPES:
        return _SCOPES[value]
    raise ValueError(f"is `per slot` or `per task`, not {shown(value)}")


_HELD = by_name(parsed(_scope, {"enum": list(_SCOPES)}), "{PROXY: per slot}")


def _read_needs(value: Plain, path: Path, report: Report) -> tuple[Need, ...]:
    read: Mapping[str, Any] = _HELD.read(value, path, report)
    return tuple(Need(pool=name, scope=scope) for name, scope in read.items() if scope)


def _gpus(value: object) -> Need:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and isinstance(value, (int, float)) and value > 0 and (value < 1 or value == int(value)):
        return Need(pool=GPU, scope=Scope.TASK, pieces=max(1, int(value)), share=min(1.0, float(value)))
    raise ValueError(f"is a number of GPUs such as 1 or 2, or a share of one such as 0.5, not {shown(value)}")


def _more_than_nothing(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 100_000:
        return float(value)
    raise ValueError(f"is a number of cores such as 2 or 0.5, not {shown(value)}")


def _some_bytes(value: object) -> int:
    found = size(value)
    if not found:
        raise ValueError("is more than nothing; without a budget, leave it out")
    return found


POOLS = Key(
    Form(
        _read_pools,
        {"type": "object", "additionalProperties": {"anyOf": [{"type": "array"}, _POOL.json]}},
    ),
    "Pools of named things, each in one pair of hands at a time: name -> where its items come from.",
    (),
)
NEED_KEYS: Mapping[str, Key] = {
    "resources": Key(
        Form(_read_needs, _HELD.json),
        "What each slot or task holds while it works: name of a pool -> `per slot` or `per task`.",
        (),
    ),
    "gpus": Key(
        parsed(_gpus, {"type": "number", "exclusiveMinimum": 0}),
        "How many GPUs each task has to itself; 0.5: two tasks share one. `CUDA_VISIBLE_DEVICES` tells which.",
    ),
    "cpus": Key(
        parsed(_more_than_nothing, {"type": "number", "exclusiveMinimum": 0}),
        "Cores that a task takes: no more tasks run at once than there are cores for.",
    ),
    "memory": Key(
        parsed(_some_bytes, {"type": "string", "examples": ["4GB"]}),
        "Memory that a task takes: no more tasks run at once than there is memory for.",
    ),
    "disk": Key(
        parsed(_some_bytes, {"type": "string", "examples": ["20GB"]}),
        "Disk space that a task takes: no more tasks run at once than there is free space for at the start, and none "
        "begins while less is free.",
    ),
}
