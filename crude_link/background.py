"""Background: a program of ours that works while we do something else, and one whose lines are read as they come."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crude_link.programs import ProgramError, end_group, in_words

#: So often, in seconds, a program looks whether its parent still lives.
_WATCH_PERIOD = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgramEnd:
    """How a program ended."""

    #: Negative: the signal that killed it.
    status: int
    stdout: bytes
    stderr: bytes


class BackgroundProgram:
    """A program with a group of its own. ProgramError when it cannot be started."""

    def __init__(self, argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str], given: bytes) -> None:
        try:
            # In files, which need nobody to read on as it writes.
            self._stdout = tempfile.TemporaryFile()  # noqa: SIM115  # read, and closed, at its end
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # as above
            with tempfile.TemporaryFile() as stdin:
                stdin.write(given)
                stdin.seek(0)
                self._process = subprocess.Popen(
                    argv,
                    cwd=cwd,
                    env=environment,
                    stdin=stdin,
                    stdout=self._stdout,
                    stderr=self._stderr,
                    start_new_session=True,
                )
        except OSError as error:
            raise ProgramError(f"`{argv[0]}` cannot be started: {in_words(error)}") from error

    def ended(self) -> ProgramEnd | None:
        """Return how it ended; None while it works. It is not asked again afterwards."""
        if self._process.poll() is None:
            return None
        return ProgramEnd(status=self._process.returncode, stdout=_all_of(self._stdout), stderr=_all_of(self._stderr))

    def end(self) -> None:
        """Kill it and all that it started."""
        end_group(self._process)
        self._process.wait()
        self._stdout.close()
        self._stderr.close()


def lines_of(argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str], given: bytes) -> Iterator[bytes]:
    """Yield what a program that is `given` its stdin writes to stdout, line by line; who stops reading ends it.

    It stays in our group. When it fails, ProgramError with the last line that it wrote to stderr.
    """
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as stdin:
        try:
            stdin.write(given)
            stdin.seek(0)
            process = subprocess.Popen(
                argv, cwd=cwd, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=errors
            )
        except OSError as error:
            raise ProgramError(f"`{argv[0]}` cannot be started: {error.strerror}") from error
        assert process.stdout
        with process.stdout:
            try:
                yield from process.stdout
            except GeneratorExit:
                process.kill()
                raise
            finally:
                process.wait()
        if process.returncode:
            said = [line for line in _all_of(errors).decode(errors="replace").splitlines() if line.strip()]
            raise ProgramError(said[-1].strip() if said else f"it ended with status {process.returncode}")


def end_with_parent(parent: int) -> None:
    """From now on end, with all of our group, soon after the process that started us is gone; it may be already."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_PERIOD)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _all_of(file: IO[bytes]) -> bytes:
    with file:
        file.seek(0)
        return file.read()
