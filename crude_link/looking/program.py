"""The program that looks for the new files of one entry of a schedule: `python -m crude_link.looking.program`.

It reads from stdin what is looked at, has each place listed by the program that transfers, compares what comes with
what the store knows, and writes a Finding to stdout. It holds no list: memory does not grow with the number of files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from crude_link.app import ConfigFile, Desk, open_records
from crude_link.background import end_with_parent, lines_of
from crude_link.errors import ConfigError, CrudeLinkError
from crude_link.model.look import NAMED, Finding
from crude_link.model.pipeline import Step
from crude_link.model.schedule import NewFiles, Schedule
from crude_link.model.transfer import Transfer, TransferKind
from crude_link.programs import ProgramError
from crude_link.steps.places import Places
from crude_link.steps.store_checks import StoreCheck, store_checks
from crude_link.steps.transfer_orders import program
from crude_link.store.sightings import SqliteSightings

#: So many files are compared at once, in one short transaction.
_BATCH = 1000
_STDIN = Path("/dev/stdin")
#: A file without an etag that was written to so lately may not be whole yet: nothing but its size tells.
SETTLING = timedelta(seconds=3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A file that is there."""

    name: str
    mark: str
    #: How it is called where its name in the place is empty: the place is the file.
    called: str
    is_young: bool


@dataclass(kw_only=True, slots=True)
class _Tally:
    """What a look has found so far."""

    look: int
    sightings: SqliteSightings
    files: int = 0
    new: int = 0
    young: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, place: str, batch: list[Seen]) -> None:
        """Compare some files of a place with what is known."""
        whole = [each for each in batch if not each.is_young]
        are_new = self.sightings.sight(self.look, place, [(each.name, each.mark) for each in whole])
        new = [each for each, is_new in zip(whole, are_new, strict=True) if is_new]
        self.files += len(whole)
        self.young += len(batch) - len(whole)
        self.new += len(new)
        self.names += [each.called for each in new[: NAMED - len(self.names)]]


def main() -> int:
    """Look as stdin says; return the exit status."""
    order = json.load(sys.stdin)
    end_with_parent(order["parent"])
    try:
        finding = look(order)
    except CrudeLinkError as error:
        print(error, file=sys.stderr)  # noqa: T201 (this module is a program)
        return error.exit_status
    print(json.dumps(asdict(finding)))  # noqa: T201
    return 0


def look(order: Mapping[str, Any]) -> Finding:
    """Look once; `order` is what `Looks` writes. CrudeLinkError when a place cannot be listed."""
    desk = Desk.here()
    config = ConfigFile(path=Path(order["path"]), text=order["text"], settings=tuple(order["settings"]))
    asked = Schedule(params=order["params"])
    after = datetime.fromisoformat(order["fires_after"])
    loaded = desk.load_entry(config, order["pipeline"], asked, fires_after=after)
    wanted = loaded.pipeline.schedules[order["number"]].new_files
    if wanted is None:
        raise ConfigError.of(f"{config.path}: the entry looks for no new files")
    places = Places(project=desk.project.directory, config_folder=config.path.absolute().parent)
    steps = [_listing_step(wanted, place) for place in wanted.places]
    with open_records().store as store:
        number = store.sightings.begin_look(order["pipeline"], order["entry"])
        tally = _Tally(look=number, sightings=store.sightings)
        secrets = desk.secrets(loaded.pipeline.secrets)
        for check in store_checks(steps, desk.environment, secrets, places, must=True):
            for _, place in check.remotes:
                files = _files(check, wanted, place, desk)
                while batch := list(islice(files, _BATCH)):
                    tally.add(place, batch)
    return Finding(look=number, files=tally.files, new=tally.new, names=tuple(tally.names), young=tally.young)


def _listing_step(wanted: NewFiles, place: str) -> Step:
    """Return what would download a place: it finds the same environment and options as a transfer."""
    action = Transfer(kind=TransferKind.DOWNLOAD, remote=place, storage=wanted.storage, is_of_run=True)
    return Step(name="look", action=action, env=wanted.env, env_file=wanted.env_file)


def _files(check: StoreCheck, wanted: NewFiles, place: str, desk: Desk) -> Iterator[Seen]:
    """Yield the files of a place."""
    order = {"kind": "list", "remote": [place], "include": wanted.include, "exclude": wanted.exclude}
    given, began = json.dumps(order).encode(), desk.clock.now()
    try:
        # Not by a file that would be left behind when we are killed, as every look is that a scheduler ends.
        for line in lines_of(program(_STDIN), cwd=desk.project.directory, environment=check.env, given=given):
            yield seen(json.loads(line), began, desk.clock.now())
    except ProgramError as error:
        raise ProgramError(check.masked(str(error))) from error


def seen(said: Mapping[str, Any], began: datetime, now: datetime) -> Seen:
    """Return a file as the program that lists says it, some time after it has `began` to list."""
    name, mark, written = str(said["name"]), str(said["mark"]), said["modified"]
    # Without an etag the mark begins with the size, and a file that is growing has another one at each look.
    has_etag = not mark.startswith(f"{said['size']} bytes of")
    # It was listed minutes ago, perhaps. A clock that is far ahead makes no file young for ever.
    is_young = not has_etag and written is not None and _is_between(began, datetime.fromisoformat(written), now)
    called = name or str(said["url"]).rpartition("/")[2]
    return Seen(name=name, mark=mark, called=called if called.isprintable() else ascii(called), is_young=is_young)


def _is_between(began: datetime, written: datetime, now: datetime) -> bool:
    return began - SETTLING < written < now + SETTLING


if __name__ == "__main__":
    sys.exit(main())
