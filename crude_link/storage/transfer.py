"""The program that transfers: `python -m crude_link.storage.transfer ORDER.json`.

Its exit status is 0 when all was done, 1 when files failed, 2 when the order is wrong, 4 when nothing could be begun.
It can be killed at any moment: what is in place stays, and the next transfer goes on with the rest.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from crude_link.errors import CrudeLinkError, UsageError
from crude_link.storage.bringing import bring
from crude_link.storage.contact import check, find, reach_target
from crude_link.storage.failures import BadOrder, TransferError
from crude_link.storage.fetching import fetch
from crude_link.storage.globbing import write_urls
from crude_link.storage.landing import clean
from crude_link.storage.local import Remark, folders_listed, is_inside, listed, write_listing
from crude_link.storage.names import Choice
from crude_link.storage.order import Kind, Stale, TransferOrder, read_order
from crude_link.storage.progress import Progress
from crude_link.storage.report import Report, write_report
from crude_link.storage.spool import Spool

Work = Callable[[TransferOrder, Progress], Report]


def main(argv: list[str]) -> int:
    """Do what the order says that `argv` names; return the exit status."""
    is_live = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    try:
        if len(argv) != 1:
            raise BadOrder("usage: python -m crude_link.storage.transfer ORDER.json")
        order = read_order(Path(argv[0]))
    except UsageError as error:
        print(error, file=sys.stderr)  # noqa: T201 (this module is a program)
        return error.exit_status
    # Of a list, stdout holds nothing else.
    stream = sys.stderr if order.kind in (Kind.LIST, Kind.GLOB) else sys.stdout
    progress = Progress(order.kind.value, stream, is_live=is_live)
    return _carry_out(order, progress)


def _carry_out(order: TransferOrder, progress: Progress) -> int:
    try:
        report, status = _done(order, progress)
        write_report(report, order.report)
    except OSError as error:  # of a file of our own, on a full disk for one
        progress.fail(f"{error.filename or 'a file of the transfer'}: {error.strerror}")
        return 1
    return status


def _done(order: TransferOrder, progress: Progress) -> tuple[Report, int]:
    """Do what the order says; return what to report, and the exit status."""
    work, needs = _WORKS[order.kind]
    try:
        for name in needs:
            if len(getattr(order, name)) != 1:
                raise BadOrder(f"an order for a transfer of this kind needs one `{name}`")
        return work(order, progress), 0
    except CrudeLinkError as error:
        progress.fail(str(error))
        word = error.word if isinstance(error, TransferError) else "wrong-order"
        return Report(word=word, message=str(error)), error.exit_status


def _list_files(order: TransferOrder, progress: Progress) -> Report:
    found = find(order, order.remote[0], progress.remark, into=Spool())
    choice = Choice(order.include, order.exclude)
    for entry in found.entries:
        if not entry.name or choice.takes(entry.name):
            url = str(found.address.below(entry.name)) if entry.name else str(found.address)
            modified = entry.modified.isoformat() if entry.modified else None
            record = {"name": entry.name, "size": entry.size, "mark": entry.mark, "modified": modified, "url": url}
            sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()
    return Report(is_empty=not len(found.entries))


def _note_listing(order: TransferOrder, progress: Progress) -> Report:
    """List folders as they are when a run begins; the first listing of a run is the one that counts."""
    if order.listing is None:
        raise BadOrder("an order for a listing needs `listing`")
    path = Path(order.listing)
    if not path.exists():
        _refuse_company(order)
        if order.stale is Stale.CLEAN:
            for folder in map(Path, order.local):
                _refuse_to_clean(folder, path)
            for folder in map(Path, order.local):
                clean(folder, progress.remark)
        write_listing(path, {folder: listed(Path(folder)) for folder in order.local})
    return Report()


def _refuse_company(order: TransferOrder) -> None:
    """Refuse folders in which another run makes files now: whose are whose, and whole, nothing could tell."""
    for path in map(Path, order.others):
        for folder in sorted(folders_listed(path).intersection(order.local)):
            raise TransferError(
                f"run {path.parent.name}, which is still going, uploads from {folder} too, and nobody could tell "
                "what it makes from what this run makes; begin again when it has ended, or give each run a folder "
                "of its own, such as out/${run.id}"
            )


def _refuse_to_clean(folder: Path, listing: Path) -> None:
    """Refuse a folder that holds the record of this run, and so the project: it is surely not meant to be emptied."""
    if is_inside(os.path.realpath(listing), os.path.realpath(folder)):
        text = "is not emptied, for it holds the project; `stale: clean` is for a folder of results alone"
        raise TransferError(f"{folder.resolve()} {text}")


def _check(order: TransferOrder, progress: Progress) -> Report:
    """Look at all addresses; say all that is wrong at once."""
    errors: list[CrudeLinkError] = []
    looks: tuple[tuple[tuple[str, ...], Callable[[TransferOrder, str, Remark], object]], ...] = (
        (order.remote, check),
        (order.targets, reach_target),
    )
    for addresses, look in looks:
        for text in addresses:
            try:
                look(order, text, progress.remark)
            except CrudeLinkError as error:
                errors.append(error)
    for other in errors[1:]:
        progress.fail(str(other))
    if errors:
        raise errors[0]
    return Report(files=0)


_WORKS: dict[Kind, tuple[Work, tuple[str, ...]]] = {
    Kind.DOWNLOAD: (fetch, ("remote", "local")),
    Kind.UPLOAD: (bring, ("remote", "local")),
    Kind.LIST: (_list_files, ("remote",)),
    Kind.GLOB: (write_urls, ()),
    Kind.LISTING: (_note_listing, ()),
    Kind.CHECK: (_check, ()),
}

if __name__ == "__main__":
    # An interrupt ends the program at once, like every other signal: there is nothing to tidy.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that still wait for a server are not waited for.
    os._exit(status)
