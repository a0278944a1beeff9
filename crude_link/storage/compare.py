"""Compare: what is to be done to make one side equal to the other. Decides only; reads no disk and no store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from crude_link.storage.checksums import can_tell
from crude_link.storage.local import LocalFile
from crude_link.storage.names import clashes, why_not_here, why_not_there
from crude_link.storage.notes import Note
from crude_link.storage.remote import Entry


class Only(Enum):
    """Which files a download is about."""

    CHANGED = "changed"
    ALL = "all"
    NEW = "new"


class Standing(Enum):
    """How a local file and one in a store stand to each other."""

    EQUAL = "equal"
    DIFFERENT = "different"
    #: Only the local file's checksum can tell.
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
    """What is known on this side: the files, and the notes of earlier transfers."""

    files: Mapping[str, LocalFile]
    notes: Mapping[str, Note]
    tells_case: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a download is to bring; `had` is the names and marks that succeeded runs have had, for `only: new`."""

    only: Only = Only.CHANGED
    delete: bool = False
    had: Collection[tuple[str, str]] = frozenset()
    #: The marks by name of what an earlier try of the run fetched: only that is looked after.
    earlier: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a download is to do. With `problems` it does nothing, and says them."""

    fetch: Sequence[Entry] = ()
    #: To be fetched unless their checksum is that of the local file.
    look: Sequence[Entry] = ()
    keep: Sequence[Entry] = ()
    remove: Sequence[str] = ()
    problems: Sequence[str] = ()
    remarks: Sequence[str] = ()

    @property
    def wanted(self) -> int:
        """Return how many files this download is about."""
        return len(self.fetch) + len(self.look) + len(self.keep)


def plan_download(entries: Iterable[Entry], here: Here, wanted: Wanted) -> Plan:
    """Decide what to do with the entries that a store lists, those already that are meant."""
    listed = {entry.name: entry for entry in entries}
    if wanted.earlier is not None:
        return _plan_again(listed, here, wanted.only, wanted.earlier)
    chosen = [entry for entry in listed.values() if _is_meant(entry, wanted)]
    problems = [f"{entry.name!r}: {why}" for entry in chosen if (why := why_not_here(entry.name))]
    problems += clashes((entry.name for entry in chosen), here.tells_case)
    names = {entry.name for entry in chosen}
    remove: list[str] = []
    remarks: list[str] = []
    if wanted.only is Only.NEW:
        problems += _strangers(here, names)
        remove = [name for name in here.notes if name in here.files and name not in names]
    elif wanted.delete:
        remove, remarks = _disappeared(here, listed)
    sorts: dict[Standing, list[Entry]] = {standing: [] for standing in Standing}
    for entry in chosen:
        is_forced = wanted.only is Only.ALL
        found = Standing.DIFFERENT if is_forced else standing(entry, here.files.get(entry.name), here.notes)
        sorts[found].append(entry)
    return Plan(
        fetch=sorts[Standing.DIFFERENT],
        look=sorts[Standing.UNKNOWN],
        keep=sorts[Standing.EQUAL],
        remove=remove,
        problems=problems,
        remarks=remarks,
    )


def standing(entry: Entry, file: LocalFile | None, notes: Mapping[str, Note]) -> Standing:
    """Say how a local file stands to an entry. Time alone never makes two files equal."""
    if file is None or file.size != entry.size:
        return Standing.DIFFERENT
    note = notes.get(entry.name)
    if note is not None and note.mark == entry.mark:
        if note.is_unchanged(file):
            return Standing.EQUAL
        if note.md5 is not None:
            return Standing.UNKNOWN
    return Standing.UNKNOWN if can_tell(entry) else Standing.DIFFERENT


def made_by_this_run(
    files: Mapping[str, LocalFile], before: Mapping[str, LocalFile]
) -> tuple[dict[str, LocalFile], int]:
    """Return the files that are not as they were when the run began, and how many are."""
    made = {name: file for name, file in files.items() if before.get(name) != file}
    return made, len(files) - len(made)


def unstorable(names: Iterable[str]) -> list[str]:
    """Say which local names cannot be those of objects."""
    return [f"{name!r}: {why}" for name in names if (why := why_not_there(name))]


def without_markers(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Leave out the empty objects that some programs put into a store to show folders.

    Such an object is `scans/` to the store, and is listed directly before what is in the folder.
    """
    held: Entry | None = None
    for entry in entries:
        if held is not None and not entry.name.startswith(f"{held.name}/"):
            yield held
        held = None
        if entry.size:
            yield entry
        elif entry.name:
            held = entry
    if held is not None:
        yield held


def _plan_again(listed: Mapping[str, Entry], here: Here, only: Only, earlier: Mapping[str, str]) -> Plan:
    """Decide what to do so that all that was fetched for the run is here, and with `only: new` no other download's.

    What is still here is left alone, for a step may have worked on it in place.
    """
    missing = [name for name in earlier if name not in here.files]
    gone = [name for name in missing if name not in listed]
    fetch = [listed[name] for name in missing if name in listed]
    others = [name for name in here.notes if name in here.files and name not in earlier]
    return Plan(
        fetch=fetch,
        keep=[listed[name] for name in earlier if name in here.files and name in listed],
        remove=others if only is Only.NEW else [],
        problems=[f"{name!r}: this run has fetched it, and now it is neither here nor there" for name in gone],
        remarks=[
            f"{entry.name!r} was fetched before, is missing here, and is another one there now"
            for entry in fetch
            if entry.mark != earlier[entry.name]
        ],
    )


def _is_meant(entry: Entry, wanted: Wanted) -> bool:
    return wanted.only is not Only.NEW or (entry.name, entry.mark) not in wanted.had


def _strangers(here: Here, names: Collection[str]) -> list[str]:
    """Say which files no download brought, where the folder is to hold nothing else; hidden ones may stay."""
    strange = [name for name in here.files if name not in here.notes and name not in names and not is_hidden(name)]
    return [
        f"{name!r}: no download brought it, and with `only: new` the folder holds nothing else" for name in strange
    ]


def _disappeared(here: Here, listed: Mapping[str, Entry]) -> tuple[list[str], list[str]]:
    """Return what is to be removed here since it is in the store no longer, and remarks on what is not."""
    gone = [(name, note) for name, note in here.notes.items() if name not in listed and name in here.files]
    remove = [name for name, note in gone if note.is_unchanged(here.files[name])]
    kept = [name for name, note in gone if not note.is_unchanged(here.files[name])]
    return remove, [f"{name!r} is in the store no longer, but was changed here, and stays" for name in kept]


def is_hidden(name: str) -> bool:
    """True for a file whose name, or that of a folder it is in, begins with a dot."""
    return any(part.startswith(".") for part in name.split("/"))
