"""Outputs: programs whose output is wanted in files, while others get their turn."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

from crude_link.errors import NotYet
from crude_link.programs import ProgramError, end_group, ending, in_words

if TYPE_CHECKING:
    import subprocess

#: For a program that lists the inputs of a fan-out.
LISTING_TIME = timedelta(hours=1)
#: Between two looks at a program, in seconds: a share of its age between these.
_SOONEST, _LATEST, _SHARE = 0.01, 0.25, 0.1
#: After so many seconds people are told.
_LONG = 3.0


@dataclass(slots=True)
class _Program:
    """One that runs, or has run. `failed` is what is told of it from its end on; None when it went well."""

    shown: str
    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    began: float = field(default_factory=time.monotonic)
    has_ended: bool = False
    failed: ProgramError | None = None


class Outputs:
    """The programs of one run. Nothing waits for them: whoever wants what they print asks again."""

    def __init__(self, cwd: Path, environment: Mapping[str, str]) -> None:
        self._cwd = cwd
        self._environment = environment
        self._programs: dict[Path, _Program] = {}

    def into(
        self, command: str | Sequence[str], path: Path, environment: Callable[[], Mapping[str, str]] | None = None
    ) -> None:
        """Have a file hold what a command (shell text, or an argv list) prints on stdout; begin it when first asked.

        Only then it is asked for its environment; without one it has that of us. NotYet while it runs. ProgramError
        when it cannot start, fails or takes too long, and is ended. The answer is the same for a path until it is
        forgotten.
        """
        program = self._programs.get(path)
        if program is None:
            program = self._begin(command, path, environment() if environment else self._environment)
        if not program.has_ended:
            self._look(program)
        if program.failed:
            raise program.failed

    def forget(self, folder: Path) -> None:
        """Remove the files in a folder that were asked for, and end what still writes them."""
        for path in [path for path in self._programs if path.parent == folder]:
            self._end(self._programs.pop(path))
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Forget everything."""
        for folder in {path.parent for path in self._programs}:
            self.forget(folder)

    def _begin(self, command: str | Sequence[str], path: Path, environment: Mapping[str, str]) -> _Program:
        import subprocess

        shown = command if isinstance(command, str) else shlex.join(command)
        try:
            # What another sitting has left may still be written to.
            path.unlink(missing_ok=True)
            with path.open("xb") as out:
                errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the program is ended
                process = subprocess.Popen(
                    ["sh", "-c", command] if isinstance(command, str) else list(command),
                    cwd=self._cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=errors,
                    start_new_session=True,
                )
        except OSError as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise ProgramError(f"`{shown}` cannot be started: {in_words(error)}") from error
        self._programs[path] = _Program(shown=shown, process=process, errors=errors)
        return self._programs[path]

    def _look(self, program: _Program) -> None:
        """Note how a program ended. NotYet when it did not."""
        age = time.monotonic() - program.began
        if program.process.poll() is None:
            if age < LISTING_TIME.total_seconds():
                words = "its inputs are still being found" if age >= _LONG else ""
                raise NotYet(min(max(age * _SHARE, _SOONEST), _LATEST), words)
            program.failed = ProgramError(f"`{program.shown}` took longer than {LISTING_TIME} and was ended")
        elif program.process.returncode:
            program.errors.seek(0)
            words = ending(program.process.returncode, program.errors.read())
            program.failed = ProgramError(f"`{program.shown}` {words}")
        self._end(program)

    def _end(self, program: _Program) -> None:
        if not program.has_ended:
            program.has_ended = True
            end_group(program.process)
            program.process.wait()
            with suppress(OSError):
                program.errors.close()
