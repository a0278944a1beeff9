"""Bringing: an upload from its order to its report."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from crude_link.model.words import size_words
from crude_link.storage.address import Address
from crude_link.storage.compare import made_by_this_run, unstorable
from crude_link.storage.contact import reach_target
from crude_link.storage.download import Means
from crude_link.storage.failures import BadOrder, TransferError
from crude_link.storage.local import LocalFile, listed, read_listing
from crude_link.storage.names import Choice
from crude_link.storage.notes import notes_of
from crude_link.storage.one_file import OneFile
from crude_link.storage.options import options_for
from crude_link.storage.order import IfEmpty, Stale, TransferOrder
from crude_link.storage.progress import Progress
from crude_link.storage.remote import RemoteStore
from crude_link.storage.report import Report
from crude_link.storage.targets import names_the_file
from crude_link.storage.upload import Upload


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """The files below a folder that are to be brought; with `is_part` older ones were left out."""

    folder: Path
    files: Mapping[str, LocalFile]
    is_part: bool = False


def bring(order: TransferOrder, progress: Progress) -> Report:
    """Do an upload."""
    before = None
    if order.stale is not Stale.UPLOAD and order.listing is not None:
        before = read_listing(Path(order.listing), order.local[0])
    return bring_files(order, made_in(order, before, progress), progress)


def bring_files(order: TransferOrder, made: Made, progress: Progress) -> Report:
    """Bring the files that were made."""
    local, folder, files = Path.cwd() / order.local[0], made.folder, made.files
    if not files:
        return _nothing(order, progress, local, only_made=made.is_part)
    address, store = reach_target(order, order.remote[0], progress.remark)
    if not store.traits.any_name and (bad := unstorable(files)):
        raise TransferError("nothing was brought, for a store cannot have these names:\n  " + "\n  ".join(bad[:10]))
    store = _side(store, address, local)
    if order.manifest and isinstance(store, OneFile):
        raise BadOrder(f"{address} is to be one file, and a manifest needs a folder: end it with a slash")
    with ExitStack() as stack:
        notes = None
        if order.notes is not None:
            notes = stack.enter_context(notes_of(Path(order.notes), local, address, progress.remark))
        reads_back = options_for(order.storage, address).get("verify") == "read"
        upload = Upload(Means(store=store, progress=progress, notes=notes), folder, reads_back=reads_back)
        upload.carry_out(files, manifest=order.manifest)
    count, kept = len(upload.sent), len(upload.kept)
    size = sum(files[name].size for name in upload.sent)
    there = f"; {kept:,} {'was' if kept == 1 else 'were'} there" if kept else ""
    progress.close(f"brought {count:,} file{'' if count == 1 else 's'}, {size_words(size)} in {{took}}{there}")
    return Report(files=count, bytes=size, kept=kept)


def made_in(order: TransferOrder, before: Mapping[str, LocalFile] | None, progress: Progress) -> Made:
    """Return the files that are to be brought: those that are not as they were before, or all, where that is None."""
    local = Path.cwd() / order.local[0]
    choice = Choice(order.include, order.exclude) if not local.is_file() else Choice((), ())
    files = {name: file for name, file in listed(local, progress.remark).items() if choice.takes(name)}
    folder = local.parent if local.is_file() else local
    if before is None:
        return Made(folder=folder, files=files)
    made, old = made_by_this_run(files, before)
    if old:
        progress.remark(f"{old:,} file{' is' if old == 1 else 's are'} left out: this run did not write {_them(old)}")
    return Made(folder=folder, files=made, is_part=True)


def _nothing(order: TransferOrder, progress: Progress, local: Path, *, only_made: bool) -> Report:
    chosen = " that `include` and `exclude` choose" if order.include or order.exclude else ""
    made = " and that this run wrote" if chosen else " that this run wrote"
    which = f"{chosen}{made if only_made else ''}"
    text = f"{local} holds no file{which}" if local.exists() else f"there is no {local}"
    if order.if_empty is IfEmpty.FAIL:
        raise TransferError(f"nothing to upload: {text}; `if_empty: run` makes that no failure")
    progress.close(f"{text}: nothing was brought")
    return Report(is_empty=True)


def _side(store: RemoteStore, address: Address, local: Path) -> RemoteStore:
    """Return the store to write to; for one file, one that gives it the name that the address says."""
    if not local.is_file():
        return store
    if not address.is_folder and address.name and names_the_file(str(address), local.name):
        return OneFile(store, local.name)
    return store


def _them(count: int) -> str:
    return "it" if count == 1 else "them"
