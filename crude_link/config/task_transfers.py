"""Task transfers: what `download` and `upload` of a step with `foreach` must say so that tasks do not meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from crude_link.config.item_text import BadPlaceholder, Braces, placeholders_in
from crude_link.config.node import Path
from crude_link.config.references import read_back
from crude_link.model.foreach import DIFFERING, PLACE_HEADS
from crude_link.model.value import Placeholder, Plain, Template

_LOCAL = {"download": "to", "upload": "from"}
_EXAMPLE = {"download": "work/{index}/{name}", "upload": "work/{index}/out"}
_Said = Mapping[str, Plain]


def each_transfer(value: Plain, at: Path) -> Iterator[tuple[Path, _Said]]:
    """Yield the transfers of a `download` or `upload`, one or several, with their places."""
    if isinstance(value, Mapping):
        yield at, value
    elif isinstance(value, (list, tuple)):
        yield from (((*at, index), one) for index, one in enumerate(value) if isinstance(one, Mapping))


def wrong_of_task(key: str, said: _Said) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a transfer of tasks, with the key that it is about."""
    if said.get("only") == "new":
        yield "only", "`only: new` is about runs; beside `foreach`, `once: true` leaves out the inputs that were done"
    if said.get("delete"):
        yield "delete", "`delete` has no meaning beside `foreach`: what a task fetched is removed when it has ended"
    for name in ("retries", "timeout"):
        if said.get(name) is not None:
            yield name, f"`{name}` stands in the step: a try at a task is all of it, and what it fetches and brings"
    yield from _wrong_place(key, said)
    if key == "upload":
        yield from _wrong_target(said)


def _wrong_place(key: str, said: _Said) -> Iterator[tuple[str, str]]:
    """Two tasks must not have the same place here, and one that is tried again must find its own."""
    name = _LOCAL[key]
    heads = _heads(said.get(name))
    if heads is None:
        return
    of_slot = next((head for head in heads if head in PLACE_HEADS), None)
    if of_slot:
        wrong = f"`{name}` cannot hang on `{{{of_slot}}}`, which is another when a task is tried again, and its files"
        yield name, f"{wrong} would not be found; write such as `{_EXAMPLE[key]}`"
    elif not {*heads} & {*DIFFERING}:
        yield name, f"`{name}` is the same for all tasks, which run side by side; write such as `{_EXAMPLE[key]}`"


def _wrong_target(said: _Said) -> Iterator[tuple[str, str]]:
    """One file that every task would write anew."""
    target, source = said.get("to"), said.get("from")
    heads = _heads(target)
    if heads is None or {*heads} & {*DIFFERING} or not isinstance(target, str) or not isinstance(source, str):
        return
    here, there = PurePosixPath(source), PurePosixPath(target)
    if not target.endswith("/") and (here.name == there.name or (here.suffix and here.suffix == there.suffix)):
        better = f"{target.rpartition('/')[0]}/{{stem}}{there.suffix}"
        wrong = "`to` is one file, which every task would write anew"
        yield "to", f"{wrong}; write such as `{better}`, or end it with a slash for a folder"


def _heads(text: Plain) -> list[str] | None:
    """Return the heads of the placeholders in a text; None where it is none, or one that was told to be wrong."""
    if not isinstance(text, str):
        return None
    value = read_back(text)
    try:
        parts = [
            piece
            for part in (value.parts if isinstance(value, Template) else (value,))
            for piece in (placeholders_in(part, Braces.OURS) if isinstance(part, str) else (part,))
        ]
    except BadPlaceholder:
        return None
    return [part.head for part in parts if isinstance(part, Placeholder)]
