"""What can be known of a fan-out before it runs: how many inputs it has, and in how many slots its tasks run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.inputs.opened import Inputs
from crude_link.inputs.source import Asked
from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Step
from crude_link.model.resources import Pool
from crude_link.model.value import references_in
from crude_link.model.words import slots_words
from crude_link.notifiers.progress import source_words
from crude_link.steps.fan_preflight import known_room
from crude_link.steps.fan_work import slots_of
from crude_link.steps.places import Places
from crude_link.steps.references import fill

#: So many inputs are counted; of more it is worked out how many there are.
_COUNTED = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FanOutlook:
    """A fan-out as far as it is known; `inputs` is None where that costs too much, or is not there yet."""

    inputs: int | None
    is_guess: bool
    slots: int
    #: The pool or budget that allows no more.
    limit: str
    source: str
    #: Those that earlier runs have done are left out, however many that are.
    is_once: bool = False

    @property
    def words(self) -> str:
        """Say it: `40 inputs in 2 slots`, `for each line of urls.txt in 8 slots`."""
        where = f"in {slots_words(self.slots, self.limit)}"
        less = ", less those that earlier runs have done," if self.is_once else ""
        if self.inputs is None:
            return f"for each {self.source}{less} {where}"
        return f"{'about ' * self.is_guess}{self.inputs:,} input{'s'[: self.inputs != 1]}{less} {where}"


def fan_outlook(
    step: Step, project: Path, pools: Sequence[Pool], find_gpus: Callable[[], Sequence[str]]
) -> FanOutlook | None:
    """Look at the inputs of a step; None for one that has none."""
    if step.foreach is None:
        return None
    count, is_guess = _count(step.foreach, project)
    try:
        slots, limit = known_room(step, pools, Places(project=project), lambda _: False, find_gpus)
    except CannotStart:  # the pre-flight has said so
        slots, limit = slots_of(step), ""
    source = source_words(step.foreach)
    return FanOutlook(
        inputs=count, is_guess=is_guess, slots=slots, limit=limit, source=source, is_once=step.foreach.once
    )


def _count(foreach: ForEach, project: Path) -> tuple[int | None, bool]:
    if (
        foreach.source in ("command", "step")
        or foreach.is_of_stores
        or next(references_in(foreach.value), None) is not None
    ):
        return None, False
    places = Places(project=project)
    asked = Asked(
        value=fill(foreach.value, str),
        project=project,
        file=lambda name: places.existing(name, "the file with the inputs"),
        run_command=_run_nothing,
        step_lines=_no_lines,
        scratch=Path(),
    )
    try:
        inputs = Inputs(foreach, asked)
        count = sum(1 for _ in islice(inputs.stream(), _COUNTED + 1))
        if count <= _COUNTED:
            return count, False
        share = inputs.share_read()
    except CannotStart:  # an earlier step makes it, or the pre-flight has said so
        return None, False
    return (round(count / share), True) if share else (None, False)


def _run_nothing(_command: object, _path: Path) -> None:
    raise CannotStart("nothing is run before the run")


def _no_lines(_step: str) -> tuple[str, Sequence[bytes]]:
    raise CannotStart("no step has run before the run")
