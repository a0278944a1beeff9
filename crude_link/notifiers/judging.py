"""Judging: what of all that happens is worth waking somebody for. Pure: from what people were told, and what is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from crude_link.model.alert import AlertKind, Plight, Trouble
from crude_link.model.status import Status

#: What goes on is told again after so long.
_AGAIN = timedelta(days=1)
#: So many slot times skipped in a row are no longer a chance.
_MANY_SKIPPED = 10
#: A run is slow when it takes so many times as long as usual, and so much longer.
_TIMES, _LONGER = 3, timedelta(minutes=10)
#: Fewer good runs tell nothing of what is usual; older ones than so many are not asked.
_FEWEST, USUAL_OF = 3, 20


class Judgement(NamedTuple):
    """What is told, if anything, and the trouble that the pipeline is in from now on."""

    kind: AlertKind | None
    trouble: Trouble | None


def judge_end(status: Status, trouble: Trouble | None, now: datetime) -> Judgement:
    """Judge the end of a run; `trouble` is that of failing runs. One that was cancelled says neither."""
    match status:
        case Status.SUCCEEDED:
            return Judgement(AlertKind.RECOVERED if trouble else None, None)
        case Status.FAILED | Status.LOST:
            return _goes_on(Plight.FAILING, trouble, now, (AlertKind.FAILED, AlertKind.STILL_FAILING))
        case _:
            return Judgement(None, trouble)


def judge_missed(count: int, trouble: Trouble | None, now: datetime) -> Judgement:
    """Judge that slot times were missed: told at most once a day, for many a machine sleeps every night."""
    kinds = (AlertKind.DID_NOT_RUN, AlertKind.DID_NOT_RUN)
    return _goes_on(Plight.MISSING, trouble, now, kinds, count)


def judge_skipped(in_a_row: int, trouble: Trouble | None, now: datetime) -> Judgement:
    """Judge that a slot time was skipped: told when it was the tenth in a row, then once a day."""
    if in_a_row < _MANY_SKIPPED:
        return Judgement(None, None)
    kinds = (AlertKind.DID_NOT_RUN, AlertKind.DID_NOT_RUN)
    judged = _goes_on(Plight.SKIPPING, trouble, now, kinds)
    return judged._replace(trouble=replace(judged.trouble, count=in_a_row) if judged.trouble else None)


def slow_after(past: Sequence[timedelta]) -> timedelta | None:
    """Return what a run may take before it is slow, from what good ones took; None where they tell nothing."""
    if len(past) < _FEWEST:
        return None
    usual = usual_of(past)
    return max(usual * _TIMES, usual + _LONGER)


def usual_of(past: Sequence[timedelta]) -> timedelta:
    """Return what runs usually take."""
    return timedelta(seconds=median(each.total_seconds() for each in past))


def _goes_on(
    plight: Plight, trouble: Trouble | None, now: datetime, kinds: tuple[AlertKind, AlertKind], count: int = 1
) -> Judgement:
    first, again = kinds
    if trouble is None:
        return Judgement(first, Trouble(plight=plight, since=now, told=now, count=count))
    longer = replace(trouble, count=trouble.count + count)
    # Both ways: a clock that was put back must not silence anybody for as long.
    if abs(now - trouble.told) < _AGAIN:
        return Judgement(None, longer)
    return Judgement(again, replace(longer, told=now))
