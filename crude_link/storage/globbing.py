"""Globbing: the files of stores that fit patterns, as URLs, in order and each once."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from crude_link.storage.address import Address
from crude_link.storage.contact import gather, look_at
from crude_link.storage.names import whole_pattern
from crude_link.storage.order import TransferOrder
from crude_link.storage.progress import Progress
from crude_link.storage.remote import Entry
from crude_link.storage.report import Report
from crude_link.storage.spool import Spool

#: So often it is looked whether somebody still wants the list.
_WATCH_SECONDS = 0.5
#: The process that waits for the list.
PARENT = "CRUDE_LINK_PARENT"
_OPEN = re.compile(r"[*?\[]")


def write_urls(order: TransferOrder, progress: Progress) -> Report:
    """Write the URLs that fit the patterns in `remote` to stdout, each as JSON on a line of its own."""
    _end_with_parent()
    found = Spool()
    patterns: dict[str, list[re.Pattern[str]]] = defaultdict(list)
    for text in order.remote:
        folder, pattern = fixed_part(text)
        if pattern:
            patterns[folder].append(whole_pattern(pattern))
        else:
            found.extend(_one_file(order, text, progress))
    for folder, wanted in patterns.items():
        fitting = Spool()
        gather(order, folder, progress.remark, partial(_take, fitting, wanted))
        found.extend(fitting)
    last, count = None, 0
    for entry in found:
        if entry.name != last:
            sys.stdout.write(json.dumps(entry.name) + "\n")
            last, count = entry.name, count + 1
    sys.stdout.flush()
    return Report(files=count, is_empty=not count)


def fixed_part(text: str) -> tuple[str, str]:
    """Return the folder in which nothing of a pattern is open, and the rest; no rest for what is no pattern."""
    match = _OPEN.search(text, text.find("://") + 3)
    if match is None:
        return text, ""
    folder, _, _ = text[: match.start()].rpartition("/")
    return f"{folder}/", text[len(folder) + 1 :]


def url_of(address: Address, name: str) -> str:
    """Return the URL of a file in a folder; of a folder of this machine as well."""
    below = address.below(name) if name else address
    return f"file://{below.prefix}" if address.scheme == "file" else str(below)


def _end_with_parent() -> None:
    """End soon when the process that asked for the list is gone, as it may be already: no agent looks after us."""
    parent = int(os.environ.get(PARENT) or os.getppid())

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _take(found: Spool, wanted: list[re.Pattern[str]], address: Address, entries: Iterator[Entry]) -> None:
    found.clear()
    fitting = (entry for entry in entries if any(pattern.fullmatch(entry.name) for pattern in wanted))
    found.extend(replace(entry, name=url_of(address, entry.name)) for entry in fitting)


def _one_file(order: TransferOrder, text: str, progress: Progress) -> Iterator[Entry]:
    """Yield the file whose name has nothing open, if there is one."""
    address, entry = look_at(order, text, progress.remark)
    if entry is not None:
        yield replace(entry, name=url_of(address, ""))
