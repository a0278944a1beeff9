"""Orders for transfers: what the program is told to do, as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any

from crude_link.storage.compare import Only
from crude_link.storage.failures import BadOrder
from crude_link.storage.options import Option

#: The options of stores, as JSON, where they are not in the order.
STORAGE = "CRUDE_LINK_STORAGE"


class Kind(Enum):
    """What is to be done."""

    DOWNLOAD = "download"
    UPLOAD = "upload"
    #: Note what local folders hold at the beginning of a run, so that an upload knows what the run made.
    LISTING = "listing"
    #: Look whether stores can be reached at all.
    CHECK = "check"
    #: Write the files of a store to stdout, a JSON object a line.
    LIST = "list"
    #: Write the URLs of files that fit patterns to stdout, as JSON, a URL a line.
    GLOB = "glob"


class IfEmpty(Enum):
    """What to do when there is nothing to transfer."""

    FAIL = "fail"
    SKIP = "skip"
    RUN = "run"


class Stale(Enum):
    """What to do with files of earlier runs in a folder that is to be uploaded."""

    IGNORE = "ignore"
    UPLOAD = "upload"
    CLEAN = "clean"


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferOrder:
    """What the program does once. Paths are below the working directory."""

    kind: Kind
    #: URLs or paths: one for a transfer, all that are to be looked at for a check; patterns of URLs for a glob.
    remote: tuple[str, ...] = ()
    #: What a check is about that is written to: a folder need not be there yet.
    targets: tuple[str, ...] = ()
    #: One for a transfer, all for a listing.
    local: tuple[str, ...] = ()
    storage: Mapping[str, Mapping[str, Option]] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    only: Only = Only.CHANGED
    delete: bool = False
    if_empty: IfEmpty = IfEmpty.FAIL
    stale: Stale = Stale.IGNORE
    manifest: bool = False
    #: The folder of notes; None: each transfer compares by checksums alone.
    notes: str | None = None
    #: JSON lines of what succeeded runs have had, for `only: new`; removed when it is read.
    had: str | None = None
    #: Where the same is written for this run.
    fetched: str | None = None
    #: What an earlier try of this run fetched, as it wrote it: only that is looked after now.
    again: str | None = None
    #: Where a listing is written, or read for an upload.
    listing: str | None = None
    #: The listings of other runs that are going: none may be about one of our folders.
    others: tuple[str, ...] = ()
    #: Where the report is written.
    report: str | None = None


def read_order(path: Path) -> TransferOrder:
    """Read an order. BadOrder."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadOrder(f"the order {path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise BadOrder(f"the order {path} is no JSON object")
    # Options may be secret, and an order is a file that stays.
    if STORAGE in os.environ:
        data["storage"] = json.loads(os.environ[STORAGE])
    return order_of(data)


def order_of(data: Mapping[str, Any]) -> TransferOrder:
    """Return the order that a JSON object says. BadOrder."""
    known = {each.name: each for each in fields(TransferOrder)}
    if unknown := sorted(data.keys() - known.keys()):
        raise BadOrder(f"an order for a transfer knows no {', '.join(unknown)}")
    if missing := [name for name, each in known.items() if name not in data and _is_needed(each)]:
        raise BadOrder(f"an order for a transfer needs {', '.join(missing)}")
    enums = {"kind": Kind, "only": Only, "if_empty": IfEmpty, "stale": Stale}
    given: dict[str, Any] = {}
    for name, value in data.items():
        try:
            given[name] = enums[name](value) if name in enums else _plain(name, value)
        except ValueError as error:
            raise BadOrder(f"an order for a transfer: {name}: {error}") from error
    return TransferOrder(**given)


def _is_needed(each: Any) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _plain(name: str, value: Any) -> Any:
    if name in ("remote", "targets", "local", "include", "exclude", "others"):
        return (value,) if isinstance(value, str) else tuple(str(each) for each in value or ())
    return value
