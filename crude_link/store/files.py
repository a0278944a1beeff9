"""RunFiles: the folder that each run has beside the database.

runs/ID/lock, agent.lock         who holds the run
runs/ID/config.yaml              the config as written when the run began; config-2.yaml: the next one it followed
runs/ID/document.json            what was made of it
runs/ID/files/                   `${run.dir}`
runs/ID/steps/STEP/              the output of attempts
runs/ID/steps/STEP/tasks/        that of the tasks of a fan-out, in archives
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from crude_link.errors import StoreError
from crude_link.model.value import Plain
from crude_link.store.failures import translated


class RunFiles:
    """The folders of runs. All errors of the file system come as StoreError or DiskFull."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs

    def folder(self, run: int) -> Path:
        """Return the folder of a run."""
        return self._runs / str(run)

    def run_dir(self, run: int) -> Path:
        """Return what `${run.dir}` stands for."""
        return self.folder(run) / "files"

    def lock(self, run: int) -> Path:
        """Return the file that the coordinator of a run locks."""
        return self.folder(run) / "lock"

    def agent_lock(self, run: int) -> Path:
        """Return the file that the agent of a run locks."""
        return self.folder(run) / "agent.lock"

    def tasks(self, run: int, step: str) -> Path:
        """Return the folder of a fan-out's archives."""
        return self.folder(run) / "steps" / step / "tasks"

    def make(self, run: int) -> None:
        """Make the folder of a run that begins. What a crash or another store left there is put aside."""
        folder = self.folder(run)
        with translated(folder):
            if folder.exists():
                self._put_aside(folder)
            for path in (folder, folder / "files", folder / "steps"):
                path.mkdir(mode=0o700, parents=True)

    def write_document(
        self, run: int, number: int, text: str, document: Mapping[str, Plain], resolved: Mapping[str, Plain]
    ) -> None:
        """Write the config that a run follows, and what was made of it; `number` counts the configs of the run."""
        config, made = self._document_paths(run, number)
        content = json.dumps({"document": document, "resolved": resolved}, indent=1)
        with translated(config):
            _write(config, text.encode("utf-8", "surrogateescape"))
            _write(made, content.encode("ascii"))

    def read_document(self, run: int, number: int) -> tuple[str, Mapping[str, Plain], Mapping[str, Plain]]:
        """Return what `write_document` wrote. StoreError when it is gone or unreadable."""
        config, made = self._document_paths(run, number)
        with translated(config):
            text = config.read_bytes().decode("utf-8", "surrogateescape")
            content = made.read_bytes()
        try:
            read: dict[str, Any] = json.loads(content)
            return text, read["document"], read["resolved"]
        except (ValueError, KeyError) as error:
            raise StoreError(f"{made} is damaged: run {run} cannot go on, but its logs can be read") from error

    def remove(self, run: int) -> None:
        """Remove the folder of a run with all that is in it; several processes may do so at once."""
        folder = self.folder(run)
        # Renamed first: nobody can take the lock of a run that is half gone.
        aside = folder.with_name(f".removed-{run}")
        with translated(folder):
            while aside.exists() or _is_renamed(folder, aside):
                # Not there any more: another process is at it too.
                with suppress(FileNotFoundError):
                    shutil.rmtree(aside)

    def size(self, run: int) -> int:
        """Return the bytes that the folder of a run takes on disk; what nobody may look at is not counted."""
        return sum(_sizes(self.folder(run)))

    def _document_paths(self, run: int, number: int) -> tuple[Path, Path]:
        suffix = f"-{number}" if number > 1 else ""
        folder = self.folder(run)
        return folder / f"config{suffix}.yaml", folder / f"document{suffix}.json"

    def _put_aside(self, folder: Path) -> None:
        """Let only what no run has used be lost: the folder of a run that was never committed."""
        if not any(any(place.iterdir()) for place in (folder / "files", folder / "steps") if place.is_dir()):
            shutil.rmtree(folder)
            return
        copy = 1
        while (aside := folder.with_name(f"{folder.name}.old-{copy}")).exists():
            copy += 1
        folder.rename(aside)


def _write(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.new")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.rename(path)


def _is_renamed(folder: Path, aside: Path) -> bool:
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return False
    return True


def _sizes(folder: Path) -> Iterator[int]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _sizes(Path(entry.path))
            continue
        try:
            # In blocks of 512 bytes, whatever the file system's own are.
            yield entry.stat(follow_symlinks=False).st_blocks * 512
        except FileNotFoundError:
            continue
