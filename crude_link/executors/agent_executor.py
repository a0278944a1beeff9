"""Agent executor: an Executor over one agent at a time, however that is opened; a dead agent is replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from crude_link.errors import ExecutorError
from crude_link.executors.agent_link import AgentLink, order_message, wish_message
from crude_link.executors.outcome import left_behind, lost, outcome_of
from crude_link.interfaces import Clock
from crude_link.model.event import Ended, ExecutorEvent, Held, Remarked, Started, Stream, Wrote
from crude_link.model.order import FanOrder, Order
from crude_link.model.run import AttemptKey
from crude_link.model.wish import HandOut, Hold, Release, Wish

if TYPE_CHECKING:
    from crude_link.agent.protocol import Message
    from crude_link.executors.fan_link import FanLink

#: So many agents in a row that die within so many seconds, none of which saw an attempt to its end: it is hopeless.
_MOST_DEATHS = 3
_DEATH_SECONDS = 10.0


class AgentExecutor:
    """Keeps in mind what the agent was told, so that its successor can be told again."""

    def __init__(self, open_agent: Callable[[], AgentLink], host: str, clock: Clock) -> None:
        self._open_agent = open_agent
        self._host = host
        self._clock = clock
        self._holds: dict[int, Hold] = {}
        self._orders: dict[AttemptKey, Order] = {}
        self._fans: dict[AttemptKey, FanLink] = {}
        #: Attempts that died with their agent, until the next one holds their run.
        self._lost: dict[AttemptKey, Order] = {}
        #: Runs whose Held the engine has heard.
        self._granted: set[int] = set()
        self._deaths: list[float] = []
        #: Why there is no agent any more.
        self._failure: ExecutorError | None = None
        self._link = open_agent()

    @property
    def host(self) -> str:
        """The machine's name."""
        return self._host

    @property
    def agent_pid(self) -> int:
        """The process of the present agent."""
        return self._link.pid

    def start(self, order: Order | FanOrder) -> None:
        """Start one attempt, or open a fan-out for tasks, once its run is held."""
        if isinstance(order, FanOrder):
            from crude_link.executors.fan_link import FanLink  # costs what only fan-outs need

            fan = FanLink(order)
            self._orders[order.whole.key] = order.whole
            self._fans[order.whole.key] = fan
            self._send(fan.message())
            return
        self._orders[order.key] = order
        self._send(order_message(order))

    def tell(self, wish: Wish) -> None:
        """Pass on a wish."""
        if isinstance(wish, Hold):
            self._holds[wish.run] = wish
        elif isinstance(wish, Release):
            self._holds.pop(wish.run, None)
            self._granted.discard(wish.run)
        elif isinstance(wish, HandOut):
            # A fan-out of an agent that has died takes no more tasks.
            if wish.key in self._fans:
                self._send_line(self._fans[wish.key].tasks_line(wish.tasks))
            return
        self._send(wish_message(wish))

    def fileno(self) -> int:
        """Readable when `events` has something; another one when the agent was replaced."""
        return self._link.fileno()

    def events(self) -> Sequence[ExecutorEvent]:
        """Return what has happened since the last call. ExecutorError when no agent lives long enough."""
        if self._failure:
            raise self._failure
        events = [event for message in self._link.messages() for event in self._events_of(message)]
        if self._link.has_ended:
            events.append(self._replace())
        return events

    def close(self) -> None:
        """Hang up; the agent ends what still runs."""
        self._link.close()

    def _send(self, message: Message) -> None:
        if self._failure:
            raise self._failure
        self._link.send(message)

    def _send_line(self, line: bytes) -> None:
        if self._failure:
            raise self._failure
        self._link.send_line(line)

    def _events_of(self, message: Message) -> Sequence[ExecutorEvent]:
        match message["is"]:
            case "held":
                return self._held(message["run"])
            case "refused":
                return [Remarked(text=message["reason"]), *self._take_lost(message["run"])]
            case "started":
                return [Started(key=AttemptKey.parse(message["key"]), pid=message["pid"])]
            case "wrote":
                data = message["data"].encode("latin-1")
                return [Wrote(key=AttemptKey.parse(message["key"]), stream=Stream(message["stream"]), data=data)]
            case "ended":
                return self._ended(message)
            case "tasks":
                fan = self._fans.get(AttemptKey.parse(message["key"]))
                return [fan.ended(message)] if fan else []
            case "remarked":
                key = AttemptKey.parse(message["key"]) if message["key"] else None
                return [Remarked(text=message["text"], key=key)]
        return []

    def _held(self, run: int) -> Sequence[ExecutorEvent]:
        first = run not in self._granted
        self._granted.add(run)
        return [*([Held(run=run)] if first else []), *self._take_lost(run)]

    def _take_lost(self, run: int) -> Sequence[Ended]:
        keys = [key for key in self._lost if key.run == run]
        for key in keys:
            del self._lost[key]
        return [Ended(key=key, outcome=lost(self._clock.now())) for key in keys]

    def _ended(self, message: Message) -> Sequence[ExecutorEvent]:
        key = AttemptKey.parse(message["key"])
        order = self._orders.pop(key, None)
        self._fans.pop(key, None)
        if order is None:
            return []
        self._deaths.clear()
        left = left_behind(message)
        ended = Ended(key=key, outcome=outcome_of(message, self._clock.now(), order.timeout, order.argv))
        return [Remarked(text=left, key=key), ended] if left else [ended]

    def _replace(self) -> Remarked:
        """Open another agent, which takes the locks of our runs, once it has swept what the dead one left."""
        words = self._link.last_words()
        self._link.close()
        self._lost.update(self._orders)
        self._orders.clear()
        self._fans.clear()
        try:
            self._count_death(words)
            self._link = self._open_agent()
        except ExecutorError as error:
            self._failure = error
            raise
        for hold in self._holds.values():
            self._link.send(wish_message(Hold(run=hold.run, lock=hold.lock, sweep=True)))
        return Remarked(text=f"the agent on {self._host} died and was replaced" + (f": {words}" if words else ""))

    def _count_death(self, words: str) -> None:
        now = self._clock.monotonic()
        self._deaths = [*(moment for moment in self._deaths if now - moment < _DEATH_SECONDS), now]
        if len(self._deaths) >= _MOST_DEATHS:
            raise ExecutorError(
                f"the agent on {self._host} died {len(self._deaths)} times within {_DEATH_SECONDS:.0f} s"
                + (f"; its last words: {words}" if words else "")
            )
