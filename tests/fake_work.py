"""FakeWork: a fan-out over a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.model.foreach import Input
from crude_link.model.order import FanOrder, LogPlace, Order
from crude_link.model.resources import ANYWHERE, Place
from crude_link.model.run import AttemptKey
from crude_link.model.task import TaskOrder
from crude_link.model.value import Plain


@dataclass
class FakeWork:
    """A fan-out over a list; an item of "bad" can never be started, one of "broken" ends the source."""

    items: Sequence[Plain]
    read: int = 0
    source: str = "one"
    order: FanOrder = field(
        default=FanOrder(
            whole=Order(
                key=AttemptKey(1, "embed", 0, 1),
                argv=(),
                env={},
                cwd=Path("/"),
                log=LogPlace(stdout=Path("/"), stderr=Path("/"), index=Path("/")),
            ),
            folder=Path("/"),
            slots=2,
        )
    )

    def inputs(self, skip: int) -> Iterator[Input]:
        for position, item in enumerate(self.items[skip:], skip + 1):
            if item == "broken":
                raise CannotStart("line 3 is no JSON")
            self.read = position
            yield Input(position, item)

    def share_read(self) -> float | None:
        return self.read / len(self.items)

    def digest(self, item: Plain) -> str:
        return f"{abs(hash(str(item))):016x}"[:16]

    def task(self, item: Plain, task: int, number: int, place: Place = ANYWHERE) -> TaskOrder:
        if item == "bad":
            raise CannotStart("it holds a NUL character")
        return TaskOrder(task, number, self.digest(item), ("echo", str(item)), dict(place.held), place.slot)
