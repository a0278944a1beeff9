"""Fetching: a download from its order to its report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from crude_link.model.words import size_words
from crude_link.storage.compare import Here, Only, Plan, Wanted, is_hidden, plan_download
from crude_link.storage.contact import Found, find
from crude_link.storage.download import Download, Means
from crude_link.storage.failures import TransferError
from crude_link.storage.landing import Landing, disk_errors
from crude_link.storage.local import listed, tells_case
from crude_link.storage.names import PARTS, Choice, beside
from crude_link.storage.notes import Notes, notes_of
from crude_link.storage.one_file import OneFile
from crude_link.storage.order import IfEmpty, TransferOrder
from crude_link.storage.progress import Progress
from crude_link.storage.remote import Entry, RemoteStore
from crude_link.storage.report import Report, read_fetched, take_had, write_fetched
from crude_link.storage.targets import local_file


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What a download came to. `names` are all that it was about, below `folder`: fetched now, or there and equal."""

    report: Report
    folder: Path
    names: tuple[str, ...] = ()


def fetch(order: TransferOrder, progress: Progress) -> Report:
    """Do a download."""
    return fetch_files(order, progress).report


def fetch_files(order: TransferOrder, progress: Progress) -> Fetched:
    """Do a download, and tell which files are here then."""
    earlier = read_fetched(Path(order.again)) if order.again is not None else None
    if earlier is not None and _are_all_here(order, earlier):
        return _still_here(order, earlier, progress)
    found = find(order, order.remote[0], progress.remark)
    folder, local, store = _sides(found, order.local[0])
    with ExitStack() as stack:
        notes = None
        if order.notes is not None:
            notes = stack.enter_context(notes_of(Path(order.notes), local, found.address, progress.remark))
        with disk_errors(folder):
            landing = Landing(folder, PARTS if not found.is_file else beside(local.name))
        stack.callback(landing.close)
        wanted = Wanted(only=order.only, delete=order.delete, had=take_had(_path(order.had)), earlier=earlier)
        plan = _plan(found, order, landing, notes, wanted, local)
        for text in plan.remarks:
            progress.remark(text)
        if plan.problems:
            raise TransferError(_problem_words(found, plan))
        if earlier is None and not plan.wanted and order.if_empty is not IfEmpty.RUN:
            return Fetched(report=_nothing(found, order, progress), folder=folder)
        download = Download(Means(store=store, progress=progress, notes=notes), landing)
        download.carry_out(plan)
    if order.fetched is not None:
        # What was left alone is as it was fetched, whatever the store has by now.
        write_fetched(Path(order.fetched), {**_marks(download.kept), **(earlier or {}), **_marks(download.fetched)})
    size = sum(entry.size for entry in download.fetched)
    count, kept = len(download.fetched), len(download.kept)
    there = f"; {kept:,} {'was' if kept == 1 else 'were'} there" if kept else ""
    gone = f"; {len(plan.remove):,} removed" if plan.remove else ""
    progress.close(f"fetched {_files(count)}, {size_words(size)} in {{took}}{there}{gone}")
    return Fetched(
        report=Report(files=count, bytes=size, kept=kept, is_empty=not (plan.wanted or earlier)),
        folder=folder,
        names=tuple(entry.name for entry in (*download.kept, *download.fetched)),
    )


def _marks(entries: Iterable[Entry]) -> dict[str, str]:
    return {entry.name: entry.mark for entry in entries}


def _are_all_here(order: TransferOrder, names: Collection[str]) -> bool:
    """True when nothing is to be done for what an earlier try fetched, which needs no word with the store."""
    target = Path.cwd() / order.local[0]
    if target.is_file():
        return set(names) == {target.name}
    here = listed(target)
    if any(name not in here for name in names):
        return False
    return order.only is not Only.NEW or all(name in names or is_hidden(name) for name in here)


def _still_here(order: TransferOrder, earlier: Mapping[str, str], progress: Progress) -> Fetched:
    if order.fetched is not None:
        write_fetched(Path(order.fetched), earlier)
    progress.close(f"{_files(len(earlier))} of the earlier try {'is' if len(earlier) == 1 else 'are'} still here")
    return Fetched(report=Report(kept=len(earlier), is_empty=not earlier), folder=Path.cwd() / order.local[0])


def _sides(found: Found, target: str) -> tuple[Path, Path, RemoteStore]:
    """Return the folder to which files come, the local path that notes are kept on, and the store to read from."""
    base = Path.cwd()
    if not found.is_file:
        return base / target, base / target, found.store
    local = local_file(target, found.address.name, base)
    return local.parent, local, OneFile(found.store, local.name)


def _plan(
    found: Found, order: TransferOrder, landing: Landing, notes: Notes | None, wanted: Wanted, local: Path
) -> Plan:
    files = listed(landing.folder)
    entries = list(found.entries)
    if found.is_file:
        entries = [replace(entries[0], name=local.name)]
        files = {name: file for name, file in files.items() if name == local.name}
    else:
        choice = Choice(order.include, order.exclude)
        entries = [entry for entry in entries if choice.takes(entry.name)]
    here = Here(files=files, notes=notes.all if notes is not None else {}, tells_case=tells_case(landing.parts))
    return plan_download(entries, here, wanted)


def _nothing(found: Found, order: TransferOrder, progress: Progress) -> Report:
    what = "nothing that no succeeded run has had" if order.only is Only.NEW else "no file"
    chosen = " that `include` and `exclude` choose" if order.include or order.exclude else ""
    text = f"{found.address} holds {what}{chosen}"
    if order.if_empty is IfEmpty.FAIL:
        raise TransferError(f"{text}; `if_empty: skip` or `run` makes that no failure")
    progress.close(f"{text}: nothing was fetched")
    return Report(is_empty=True)


def _problem_words(found: Found, plan: Plan) -> str:
    shown = "\n".join(f"  {text}" for text in plan.problems[:10])
    more = f"\n  and {len(plan.problems) - 10:,} more" if len(plan.problems) > 10 else ""
    return f"nothing was fetched from {found.address}, for not all of it can be here:\n{shown}{more}"


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None
