"""Slot: a place in which one task of a fan-out runs at a time, with its archive and its scratch files."""

from __future__ import annotations

import os
import sys
import time

from crude_link.agent.archive import Archive, End
from crude_link.agent.lean import signal
from crude_link.agent.processes import marks_of, name_of, session_of
from crude_link.agent.scratch import Scratch
from crude_link.agent.stopping import Stopping
from crude_link.agent.sweep import tell, tell_group
from crude_link.agent.values import RESULT, Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource
    from collections.abc import Callable

    from crude_link.agent.fans import Fans
    from crude_link.agent.warm import Warm

#: Only after tasks that took longer are escapees looked for.
LONG_SECONDS = 1.0
_CLEAR_SECONDS = 0.02
#: What a process has started may take so long to notice its end and to end by itself.
_LINGER_SECONDS = 0.2
_HOPE_SECONDS = 5.0
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Slot:
    """Knows the process of its task, how that is to be stopped, and what it leaves. OSError when it is opened."""

    def __init__(
        self,
        number: int,
        stem: str,
        masks: list[bytes],
        around: Fans,
        remark: Callable[[str], None],
        *,
        has_values: bool = False,
    ) -> None:
        self.number = number
        self.pid = -1
        self.began = 0.0
        #: The mark that its task alone bears.
        self.word = ""
        #: The session of the task is in the run's list.
        self.is_listed = False
        self.stopping: Stopping | None = None
        #: The zygote whose child its task is, and the task's number there; None: it is our child.
        self.forked_by: tuple[Warm, int] | None = None
        self.kills_before = 0
        self.end: End | None = None
        self.archive = Archive(stem + ".archive", remark)
        try:
            self.scratch = Scratch(stem, masks)
            #: Where its tasks put what their functions return, if they are functions.
            self.values = Values(stem, masks) if has_values else None
            self.env = {RESULT: self.values.path.encode("utf-8", "surrogateescape")} if self.values else {}
        except OSError:
            self.archive.close()
            raise
        #: Names of what had to be ended after the task had ended by itself.
        self.left_behind: dict[int, str] = {}
        self.clear_due = 0.0
        self.stem = stem
        self._around = around
        self._linger_until = 0.0
        self._clear_until = 0.0

    def begin(self, end: End, pid: int, word: str, kills: int) -> None:
        """Its next task runs."""
        self.end = end
        self.pid = pid
        self.began = time.monotonic()
        self.word = word
        self.kills_before = kills
        self.is_listed = False
        self.stopping = None
        self.forked_by = None

    def stop(self, why: str, grace: float, now: float) -> None:
        """Begin to end the task; harmless when repeated."""
        if self.stopping is None:
            self.stopping = Stopping(why, grace, now)

    def step(self, now: float) -> bool:
        """Send the signal that is due; True when KILL did not help."""
        assert self.stopping
        if now < self.stopping.due:
            return False
        number = self.stopping.step(now)
        if number is not None:
            if self.forked_by:
                self.forked_by[0].tell(self.forked_by[1], number)
            else:
                tell_group(self.pid, number)
            return False
        assert self.end
        self.end.survivors = [self.pid, *self._left()]
        self._ended(now)
        return True

    def die(self, status: int, usage: resource.struct_rusage, *, is_clear: bool) -> bool:
        """Its process was reaped; True when nothing of the task lives any more."""
        now = time.monotonic()
        end = self.end
        assert end
        self._ended(now)
        if os.WIFEXITED(status):
            end.letter = "e"
            end.exit = os.WEXITSTATUS(status)
        else:
            end.letter = "s"
            end.signal = os.WTERMSIG(status)
        if self.stopping:
            end.letter = "t" if self.stopping.why == "timed out" else "x"
            end.has_killed = self.stopping.has_killed
        end.cpu_us = int((usage.ru_utime + usage.ru_stime) * 1e6)
        end.peak = self._around.peak(usage.ru_maxrss * _RSS_UNIT)
        if (end.signal == signal.SIGKILL or end.exit == 128 + signal.SIGKILL) and not end.has_killed:
            end.out_of_memory = self._around.machine.memory.count() > self.kills_before
        if is_clear and self.stopping is None and now < self.began + LONG_SECONDS:
            return True
        self._linger_until = now + _LINGER_SECONDS if self.stopping is None else now
        self._clear_until = now + _HOPE_SECONDS
        return self.clear(now)

    def clear(self, now: float) -> bool:
        """End what the task has left; True when none of it is found any more, or when KILL does not help."""
        left = self._left()
        if not left:
            return True
        if now >= self._clear_until:
            assert self.end
            self.end.survivors = left
            return True
        self.clear_due = now + _CLEAR_SECONDS
        if now >= self._linger_until:
            for pid in left:
                if self.stopping is None:
                    self.left_behind.setdefault(pid, name_of(pid))
                tell(pid, signal.SIGKILL)
        return False

    def collect(self) -> None:
        """Take over what the task has written."""
        end = self.end
        assert end
        stem = f"{self.stem}.{end.task}.{end.number}"
        self.scratch.take(end, stem, may_be_written=bool(end.survivors))
        if self.values:
            self.values.take(end)

    def close(self) -> None:
        """Let go of its files."""
        self.archive.close()
        self.scratch.close()
        if self.values:
            self.values.close()

    def _ended(self, now: float) -> None:
        assert self.end
        self.end.wall_us = int((now - self.began) * 1e6)

    def _left(self) -> list[int]:
        """Return the living orphans of the task: of its session, or with its mark, or nobody else's."""
        orphans = self._around.orphans()
        if self._around.is_only_task:
            return orphans
        return [pid for pid in orphans if session_of(pid) == self.pid or self.word in marks_of(pid)]
