"""Fan reports: what the coordinator is told of a fan-out: ends of tasks, some at a time, and the end of the whole."""

from __future__ import annotations

import time
from itertools import islice

from crude_link.agent.lean import quote_json
from crude_link.agent.protocol import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from crude_link.agent.archive import End
    from crude_link.agent.protocol import Outbox
    from crude_link.agent.slot import Slot

_MOST = 64
_LONGEST_SECONDS = 0.05
_MOST_RUNNING = 10
_MOST_LEFT = 1000
_LAST_LINE = 200
#: So much of the end of its stderr is told of a task that failed: for the words of the failure.
_TAIL = 1000
_WHY = {"e": "exited", "s": "exited", "t": "timed out", "x": "stopped", "n": "not started"}


class Reports:
    """Gathers ends; `tick` sends them when it is time, `finish` with the end of the whole."""

    def __init__(self, key: str, outbox: Outbox) -> None:
        self._key = key
        self._outbox = outbox
        self._rows: list[str] = []
        self._first_at = 0.0
        self._cpu_us = 0
        self._peak = 0
        self._bytes = [0, 0]
        self._slot_seconds = 0.0
        self._busy_us = 0
        #: Which slots there are, and since when.
        self._slots: set[int] = set()
        self._since = 0.0
        self._left: list[str] = []
        self._survivors: list[int] = []
        #: Those in which nothing runs any more, and nothing will.
        self._shut: list[int] = []

    def note_slots(self, slots: set[int]) -> None:
        """These are there now: in them tasks may begin, or run as yet; of what is there no more it is told."""
        now = time.monotonic()
        self._slot_seconds += len(self._slots) * (now - self._since)
        self._shut += sorted(self._slots - slots)
        self._slots, self._since = slots, now

    def add(self, end: End, slot: int, offset: int) -> None:
        """A task has ended, and is written."""
        if not self._rows:
            self._first_at = time.monotonic()
        self._rows.append(_row(end, slot, offset))
        self._cpu_us += end.cpu_us
        self._busy_us += end.wall_us
        self._peak = max(self._peak, end.peak)
        self._bytes[0] += end.sizes[0]
        self._bytes[1] += end.sizes[1]

    def leave(self, left: dict[int, str], survivors: list[int]) -> None:
        """Take over, by process, the names of what had to be ended that tasks had left, and what could not be."""
        if len(self._left) < _MOST_LEFT:
            self._left += left.values()
        left.clear()
        if len(self._survivors) < _MOST_LEFT:
            self._survivors += survivors

    def tick(self, now: float, running: dict[int, Slot], *, at_once: bool) -> None:
        """Send what has been gathered, when it is enough, or old enough, or all there is."""
        is_due = self._shut or at_once or len(self._rows) >= _MOST or now >= self._first_at + _LONGEST_SECONDS
        if (self._rows or self._shut) and is_due:
            oldest = [
                f"[{slot.end.task},{now - slot.began:.3f}]"
                for slot in islice(running.values(), _MOST_RUNNING)
                if slot.end
            ]
            text = (
                f'{{"is":"tasks","key":{quote_json(self._key)},'
                f'"ended":[{",".join(self._rows)}],"running":[{",".join(oldest)}],'
                f'"shut":[{",".join(map(str, self._shut))}]}}\n'
            )
            self._outbox.put_line(text.encode("ascii"))
            self._rows = []
            self._shut = []

    def due(self) -> float:
        """Return the monotonic time at which `tick` has something to send."""
        return self._first_at + _LONGEST_SECONDS if self._rows else float("inf")

    def finish(self, why: str, reason: str, wall: float) -> None:
        """Say that the whole has ended."""
        self.tick(time.monotonic(), {}, at_once=True)
        self.note_slots(set())
        facts: dict[str, Any] = {
            "is": "ended",
            "key": self._key,
            "pid": -1,
            "why": why,
            "reason": reason,
            "exit": 0 if why == "exited" else None,
            "signal": None,
            "killed": False,
            "out_of_memory": False,
            "wall": wall,
            "cpu": self._cpu_us / 1e6,
            "slots": self._slot_seconds,
            "idle": max(0.0, self._slot_seconds - self._busy_us / 1e6),
            "peak": self._peak or None,
            "peak_is_bound": False,
            "stdout_bytes": self._bytes[0],
            "stderr_bytes": self._bytes[1],
            "survivors": self._survivors,
            "left": self._left,
            "trouble": "",
            "tail": "",
        }
        self._outbox.put(facts)


def _row(end: End, slot: int, offset: int) -> str:
    """Write an end as the protocol has it."""
    out, err = end.sizes
    head = (
        f"[{end.task},{end.number},{quote_json(end.digest)},{slot},{_QUOTED[end.letter]},{_atom(end.exit)},"
        f"{_atom(end.signal)},{end.began_us},{end.wall_us},{end.cpu_us},{end.peak or 'null'},{out},{err},{offset}"
    )
    if end.has_succeeded and not end.trouble and not end.survivors:
        return head + ',false,"",null]'
    last_line = b"" if end.has_succeeded or end.letter == "n" else _last_line(end)
    tail = (end.tails[1] or end.err)[-_TAIL:] if end.letter == "e" and end.exit else b""
    more = {
        "reason": end.reason,
        "killed": end.has_killed,
        "survivors": end.survivors,
        "trouble": end.trouble,
        "tail": tail.decode("latin-1"),
        "retry": end.retry,
    }
    words = f"{'true' if end.out_of_memory else 'false'},{quote_json(last_line.decode('latin-1'))}"
    return f"{head},{words},{encode(more).decode('ascii').rstrip()}]"


_QUOTED = {letter: f'"{why}"' for letter, why in _WHY.items()}


def _atom(number: int | None) -> str:
    return "null" if number is None else str(number)


def _last_line(end: End) -> bytes:
    """Return the last line that is not empty, of stderr or else of stdout."""
    for data in (end.tails[1] or end.err, end.tails[0] or end.out):
        text = data[-2 * _TAIL :].rstrip()
        if text:
            return text[text.rfind(b"\n") + 1 :].strip()[:_LAST_LINE]
    return b""
