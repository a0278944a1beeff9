"""TransferOrders: what the program that transfers is told, for one attempt of a transfer's step."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.model.run import AttemptKey, Run
from crude_link.model.transfer import LISTINGS, Transfer, TransferKind
from crude_link.model.value import Plain, Text, Value
from crude_link.steps.places import Places
from crude_link.steps.references import LookUp, fill, fill_text

#: Where the program is told of `storage`, which may hold secrets and is therefore in no file.
STORAGE = "CRUDE_LINK_STORAGE"
_METRICS = "CRUDE_LINK_METRICS"
_ROOT = Path(__file__).resolve().parent.parent.parent
#: Starts a program without the directory that it works in among the places of modules.
_START = (
    "import runpy, sys; sys.path[:] = [{root!r}, *(path for path in sys.path if path)]; "
    "runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
)


def _no_memory(_pipeline: str, _remote: str, _path: Path) -> None:
    """Write nothing: no run has had anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferMeans:
    """What transfers keep beyond their run."""

    #: The folder of notes of what was fetched; None: all is compared by checksums.
    notes: Path | None = None
    #: Writes into a file what succeeded runs of a pipeline have had from somewhere.
    write_had: Callable[[str, str, Path], None] = _no_memory
    #: Returns the runs of the project that somebody works on.
    going: Callable[[], Sequence[int]] = tuple


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferDraft:
    """The order of one attempt in the making. `stem` is the path of its files but for their last ending."""

    transfer: Transfer
    run: Run
    key: AttemptKey
    stem: Path
    #: The folder of the run.
    folder: Path
    means: TransferMeans
    places: Places

    @property
    def report(self) -> Path:
        """Where the program says how it ended."""
        return self.stem.with_suffix(".report")

    def argv(self, look_up: LookUp) -> list[str]:
        """Write the order; return the program's argv. CannotStart."""
        path = self.stem.with_suffix(".order")
        try:
            path.write_text(json.dumps(self._order(look_up), indent=1), encoding="utf-8")
        except OSError as error:
            raise CannotStart(f"the order {path} cannot be written: {error.strerror}") from error
        return program(path)

    def record(self, look_up: LookUp) -> list[str]:
        """Return how the record shows it."""
        remote = [fill_text(self.transfer.remote, look_up)] if self.transfer.remote else []
        local = [fill_text(text, look_up) for text in self.transfer.local]
        both = [*local, *remote] if self.transfer.kind is TransferKind.UPLOAD else [*remote, *local]
        return [self.transfer.kind.value, *both]

    def env(self, env: Mapping[str, str], look_up: LookUp) -> dict[str, str]:
        """Return an environment with the options of stores. A listing brings nothing, and has nothing to count."""
        kept = {name: value for name, value in env.items() if not (self._is_listing and name == _METRICS)}
        return {**kept, STORAGE: storage_text(self.transfer.storage, look_up)}

    def _order(self, look_up: LookUp) -> dict[str, Plain]:
        transfer = self.transfer
        order: dict[str, Plain] = {
            "kind": transfer.kind.value,
            "local": [self._local(text, look_up) for text in transfer.local],
            "stale": transfer.stale,
            "report": str(self.report),
        }
        if self._is_listing:
            others = [self.folder.parent / str(run) for run in self.means.going() if run != self.run.id]
            listings = [str(folder / f"{word}.json") for folder in others for word in LISTINGS]
            return {**order, "listing": str(self._listing()), "others": listings}
        order |= {
            "remote": [fill_text(transfer.remote, look_up)],
            "include": [fill_text(text, look_up) for text in transfer.include],
            "exclude": [fill_text(text, look_up) for text in transfer.exclude],
            "if_empty": transfer.if_empty,
        }
        if self.means.notes is not None:
            # What goes with the run takes its notes along.
            is_of_run = all(Path(self._local(text, look_up)).is_relative_to(self.folder) for text in transfer.local)
            order["notes"] = str(self.folder / "transfers" if is_of_run else self.means.notes)
        if transfer.kind is TransferKind.UPLOAD:
            order["manifest"] = transfer.manifest
            # Without a listing, that a person left out, all that lies there is meant.
            return {**order, "listing": str(self._listing())} if self._listing().exists() else order
        order |= {"only": transfer.only, "delete": transfer.delete, "fetched": str(self.stem.with_suffix(".fetched"))}
        again = self._fetched_before()
        if again is not None:
            return {**order, "again": str(again)}
        if transfer.only == "new":
            had = self.stem.with_suffix(".had")
            self.means.write_had(self.run.pipeline, fill_text(transfer.remote, look_up), had)
            order["had"] = str(had)
        return order

    @property
    def _is_listing(self) -> bool:
        return self.transfer.kind is TransferKind.LISTING

    def _local(self, text: Text, look_up: LookUp) -> str:
        said = fill_text(text, look_up)
        return f"{self.places.path(said)}{'/' if said.endswith('/') else ''}"

    def _fetched_before(self) -> Path | None:
        """Return what the newest earlier try wrote that has succeeded; None when there is none."""
        earlier = (self.stem.with_name(f"{number}.fetched") for number in range(self.key.number - 1, 0, -1))
        return next((path for path in earlier if path.exists()), None)

    def _listing(self) -> Path:
        word = LISTINGS[self.transfer.stale == "clean"]
        return self.folder / f"{word}.json"


def program(order: Path) -> list[str]:
    """Return the argv of the program that does what an order says."""
    return program_of("crude_link.storage.transfer", str(order))


def program_of(module: str, *words: str) -> list[str]:
    """Return the argv that runs a module of ours as a program."""
    return [sys.executable, "-c", _START.format(root=str(_ROOT), module=module), *words]


def storage_text(storage: Mapping[str, Mapping[str, Value]], look_up: LookUp) -> str:
    """Return the options of stores with their references put in."""
    return json.dumps({place: fill(options, look_up) for place, options in storage.items()})
