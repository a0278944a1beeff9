"""Main: the agent itself: takes orders, keeps its attempts going, and ends them when nobody listens any more."""

from __future__ import annotations

import os
import resource
import time

from crude_link.agent.attempt import Attempt
from crude_link.agent.fans import Fans
from crude_link.agent.guard import Guard
from crude_link.agent.holds import Hold
from crude_link.agent.lean import become_subreaper, signal
from crude_link.agent.loop import Loop
from crude_link.agent.machine import Machine, NoRoom, greeting
from crude_link.agent.processes import MARK, children, is_alive, mark_word, marks_of, next_zombie, session_of
from crude_link.agent.protocol import Inbox, Outbox
from crude_link.agent.sweep import PATIENCE_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crude_link.agent.protocol import Message

#: With so much unread, steps must wait until the coordinator has read some of it.
_FULL = 1 << 22
_RELIEVED = 1 << 20
#: Orphans may die while they are looked at, each once; those that beget and die all the time are looked at later.
_MOST_LOOKS = 50


class Agent:
    """One loop over one poll: orders in, processes watched, facts out."""

    def __init__(self) -> None:
        self._loop = Loop()
        self._inbox = Inbox(0)
        self._outbox = Outbox(1)
        self._machine = Machine()
        self._name = os.urandom(8).hex()
        self._word = mark_word("agent", self._name)
        self._outer_marks = os.environ.get(MARK, "")
        self._guard = Guard(self._word)
        self._holds: dict[int, Hold] = {}
        #: Orders for runs whose lock is not held yet.
        self._queue: list[Message] = []
        #: Orders that wait until another attempt has ended.
        self._crowded: list[Message] = []
        self._was_crowded = False
        self._attempts: dict[str, Attempt] = {}
        #: What KILL did not end: no longer an attempt's.
        self._given_up: set[int] = set()
        self._count = 0
        self._fans = Fans(self._name, self._outbox, self._machine, self._holds, self._orphans)
        self._fans.marks = " ".join([word for word in (self._outer_marks, self._word) if word])
        self._fans.loop = self._loop
        self._fans.has_attempts = lambda: bool(self._attempts)
        self._is_alone = False
        self._is_paused = False
        self._is_writing = False
        self._orders: dict[str, Callable[[Message], None]] = {
            "hold": self._hold,
            "release": self._release,
            "start": self._start,
            "stop": self._stop,
            "resize": self._resize,
            "keyboard": self._keyboard,
            "fan": self._fans.open,
            "tasks": self._fans.take,
            "close": self._fans.close,
            "slots": self._fans.set_slots,
            "timeout": self._fans.set_timeout,
        }

    def run(self) -> None:
        """Work until the coordinator is gone and nothing lives any more."""
        self._outbox.put(greeting())
        self._outbox.flush()
        self._fans.is_reaper = become_subreaper()
        self._guard.start()
        self._listen_to_signals()
        self._loop.watch(0, self._read_orders)
        while not (self._is_alone and not self._attempts and not self._fans):
            self._loop.turn(self._patience())
            self._reap()
            self._tick()
            self._send()
        for hold in self._holds.values():
            self._let_go(hold)
        self._guard.dismiss()

    # --- orders ---

    def _read_orders(self) -> None:
        for message in self._inbox.read():
            self._orders[message["do"]](message)
        if self._inbox.has_ended:
            self._be_alone()

    def _hold(self, message: Message) -> None:
        run = message["run"]
        if run not in self._holds or self._holds[run].refusal:
            self._holds[run] = Hold(run, message["lock"], message["sweep"], self._word)
        self._step_hold(self._holds[run], time.monotonic())

    def _release(self, message: Message) -> None:
        hold = self._holds.pop(message["run"], None)
        if hold:
            self._let_go(hold)

    def _let_go(self, hold: Hold) -> None:
        hold.release()
        self._guard.forget(hold.path)

    def _start(self, message: Message) -> None:
        hold = self._holds.get(message["run"])
        self._count += 1
        attempt = Attempt(message, mark_word("attempt", f"{self._name}.{self._count}"), self._loop, self._outbox.put)
        if hold and hold.refusal:
            attempt.refuse(hold.refusal)
            self._outbox.put(attempt.facts(0))
        elif not hold or not hold.is_held:
            self._queue.append(message)
        elif self._crowded or not self._begin(attempt, hold):
            self._crowded.append(message)

    def _begin(self, attempt: Attempt, hold: Hold) -> bool:
        """Start it, or let it end at once; False when it must wait until another one has ended."""
        marks = " ".join([word for word in (self._outer_marks, self._word, hold.word, attempt.word) if word])
        try:
            attempt.start(marks, self._machine, self._escapees)
        except NoRoom as error:
            if self._fans.has_company:
                self._remark_crowd(str(error))
                return False
            attempt.refuse(f"the machine has no room for it: {error}")
        self._attempts[attempt.key] = attempt
        if attempt.pid > 0:
            hold.sessions.begin(attempt.pid)
        return True

    def _remark_crowd(self, why: str) -> None:
        if self._was_crowded:
            return
        self._was_crowded = True
        text = (
            f"no room for more than {len(self._attempts)} steps side by side ({why}): the others wait for their turn"
        )
        self._outbox.put({"is": "remarked", "key": None, "text": text})

    def _begin_crowded(self) -> None:
        """An attempt has ended: try those again that had no room beside it."""
        waiting, self._crowded = self._crowded, []
        for number, order in enumerate(waiting):
            self._start(order)
            if self._crowded:
                self._crowded += waiting[number + 1 :]
                return

    def _stop(self, message: Message) -> None:
        key = message["key"]
        if key in self._attempts:
            self._attempts[key].stop("stopped", now=message["now"])
        self._fans.stop(key, now=message["now"])
        for order in [order for order in self._queue + self._crowded if order["key"] == key]:
            self._queue = [other for other in self._queue if other is not order]
            self._crowded = [other for other in self._crowded if other is not order]
            attempt = Attempt(order, "", self._loop, self._outbox.put)
            attempt.refuse("", why="stopped")
            self._outbox.put(attempt.facts(0))

    def _resize(self, message: Message) -> None:
        for attempt in self._attempts.values():
            attempt.resize(message["rows"], message["columns"])

    def _keyboard(self, message: Message) -> None:
        if message["key"] in self._attempts:
            self._attempts[message["key"]].press(message["data"].encode("latin-1"))

    # --- what happens by itself ---

    def _step_hold(self, hold: Hold, now: float) -> None:
        hold.step(now)
        if not hold.is_settled:
            return
        if hold.refusal:
            self._outbox.put({"is": "refused", "run": hold.run, "reason": hold.refusal})
        else:
            self._guard.note(hold.path)
            self._outbox.put({"is": "held", "run": hold.run})
        if hold.survivors:
            text = f"processes of run {hold.run} cannot be ended: {', '.join(map(str, hold.survivors))}"
            self._outbox.put({"is": "remarked", "key": None, "text": text})
        waiting = [order for order in self._queue if order["run"] == hold.run]
        self._queue = [order for order in self._queue if order["run"] != hold.run]
        for order in waiting:
            self._start(order)

    def _reap(self) -> None:
        """Take leave of dead children: an attempt's process is reaped by the attempt, an orphan here."""
        by_pid = {attempt.pid: attempt for attempt in self._attempts.values()}
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            for attempt in by_pid.values():
                if not attempt.is_dead:
                    attempt.look(self._machine.memory)
            self._fans.look()
            return
        if not by_pid and self._fans.is_reaper:
            for pid in self._fans.reap():
                self._mourn(pid)
            return
        while True:
            pid = next_zombie()
            if not pid:
                return
            if self._fans.die(pid):
                continue
            dead = by_pid.pop(pid, None)
            if dead:
                dead.die(self._machine.memory)
                continue
            os.waitpid(pid, 0)
            self._mourn(pid)

    def _mourn(self, pid: int) -> None:
        """Something has died that nobody waited for."""
        if pid == self._guard.pid and not self._is_alone:
            self._guard.start()

    def _tick(self) -> None:
        now = time.monotonic()
        count, had_fans = len(self._attempts), bool(self._fans)
        for attempt in list(self._attempts.values()):
            attempt.tick(now)
            if attempt.has_ended:
                del self._attempts[attempt.key]
                self._fans.ended += 1
                facts = attempt.facts(_own_peak())
                self._given_up.update(facts["survivors"])
                self._outbox.put(facts)
                if attempt.run in self._holds and not facts["survivors"]:
                    self._holds[attempt.run].sessions.end(attempt.pid)
        for hold in list(self._holds.values()):
            if not hold.is_settled and now >= hold.due:
                self._step_hold(hold, now)
        self._fans.tick(now)  # after the holds that they wait for: nothing else wakes them
        if self._crowded and (len(self._attempts) < count or had_fans):
            self._begin_crowded()

    def _patience(self) -> float | None:
        """Return how long nothing is due; None is for ever."""
        times = [attempt.due() for attempt in self._attempts.values()]
        times += [hold.due for hold in self._holds.values() if not hold.is_settled] + self._fans.due()
        return min(times) - time.monotonic() if times else None

    def _send(self) -> None:
        self._outbox.flush()
        if self._outbox.is_broken:
            self._be_alone()
            return
        wants = self._outbox.size > 0
        if wants != self._is_writing:
            self._is_writing = wants
            if wants:
                self._loop.watch(1, self._outbox.flush, writing=True)
            else:
                self._loop.forget(1)
        if self._outbox.size > _FULL or (self._is_paused and self._outbox.size < _RELIEVED):
            self._is_paused = self._outbox.size > _FULL
            for attempt in self._attempts.values():
                (attempt.pause if self._is_paused else attempt.go_on)()

    def _be_alone(self) -> None:
        """The coordinator is gone: forget what it wanted, and end what it had begun."""
        if self._is_alone:
            return
        self._is_alone = True
        self._loop.forget(0)
        self._loop.forget(1)
        self._outbox.abandon()
        self._queue.clear()
        self._crowded.clear()
        for attempt in self._attempts.values():
            attempt.go_on()
            attempt.stop_soon(PATIENCE_SECONDS)
        self._fans.stop_soon()

    def _escapees(self, attempt: Attempt) -> list[int]:
        """Return the orphans that became our children and belong to `attempt`."""
        is_only = len(self._attempts) == 1 and not self._fans
        return [pid for pid in self._orphans() if _belongs(pid, attempt, is_only)]

    def _orphans(self) -> list[int]:
        """Return the living children of ours that nobody has started from here.

        One that has just died may have left us a child of its own, which came too late for the list.
        """
        known = {other.pid for other in self._attempts.values()} | self._given_up | self._fans.given_up
        known.update(self._fans.zygotes)
        known.add(self._guard.pid)
        by_pid = self._fans.by_pid
        living: list[int] = []
        for _ in range(_MOST_LOOKS):
            orphans = [pid for pid in children() or () if pid not in known and pid not in by_pid]
            living = [pid for pid in orphans if is_alive(pid)]
            if len(living) == len(orphans):
                break
            known.update(set(orphans) - set(living))
        return living

    # --- signals ---

    def _listen_to_signals(self) -> None:
        source, sink = os.pipe()
        os.set_blocking(source, False)
        os.set_blocking(sink, False)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(sink, warn_on_full_buffer=False)

        def wake() -> None:
            if signal.SIGTERM in os.read(source, 4096):
                self._be_alone()

        self._loop.watch(source, wake)


def _belongs(pid: int, attempt: Attempt, is_only: bool) -> bool:
    """An orphan without a mark of a living attempt belongs to the only one that is left."""
    if is_only:
        return True
    marks = marks_of(pid)
    return attempt.word in marks or session_of(pid) == attempt.pid or (not marks and not is_alive(pid))


def _own_peak() -> int:
    """Children begin with our own peak: see posix_spawn and `ru_maxrss` in getrusage(2)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Be an agent on stdin and stdout."""
    Agent().run()
