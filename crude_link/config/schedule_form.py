"""The form of `schedule`: entries, each with when it fires and what is done with slot times that come amiss.

Whether a time can come at all is for its trigger to judge: `schedule_checks.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from crude_link.config.cron import schedule_of
from crude_link.config.forms import (
    TEXT,
    Form,
    JsonSchema,
    Key,
    Report,
    anything,
    by_name,
    mapping,
    number,
    parsed,
    schema_of,
    several,
    shown,
    text,
)
from crude_link.config.node import Path
from crude_link.config.problems import did_you_mean
from crude_link.config.references import read_back, values_read_back
from crude_link.config.retry_form import DURATION, LIMIT, RETRIES
from crude_link.config.transfer_form import CHOICE_KEYS, REMOTE, SURROUNDING_KEYS
from crude_link.config.units import duration
from crude_link.model.policy import RetryPolicy
from crude_link.model.schedule import (
    AfterFailure,
    CatchUp,
    Dst,
    FailurePolicy,
    Missing,
    NewFiles,
    Overlap,
    Repeated,
    Schedule,
)
from crude_link.model.value import Plain

#: Of these an entry has exactly one; beside `new_files` none but the second, which says how often it looks.
TIMINGS = ("cron", "every", "at")
#: So often it looks unless it says otherwise.
_LOOK_EVERY = timedelta(minutes=5)
#: What only an entry that looks for new files has.
_OF_LOOKS: Mapping[str, Key] = {**CHOICE_KEYS, **SURROUNDING_KEYS}
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[ Tt]+(\d?\d:\d\d)(:\d\d)?")
_CRON_FIELD = anything({"type": ["string", "integer"]})
CRON_KEYS: Mapping[str, Key] = {
    "year": Key(_CRON_FIELD, "4 digits."),
    "month": Key(_CRON_FIELD, "1-12 or jan-dec."),
    "day": Key(_CRON_FIELD, "1-31, `last`, or `2nd fri`."),
    "week": Key(_CRON_FIELD, "ISO week, 1-53."),
    "day_of_week": Key(_CRON_FIELD, "0-6 or mon-sun; 0 is Monday."),
    "hour": Key(_CRON_FIELD, "0-23."),
    "minute": Key(_CRON_FIELD, "0-59, or '*/10'."),
    "second": Key(_CRON_FIELD, "0-59."),
    "timezone": Key(text(), "As `timezone` beside `cron`."),
}
CRON = anything({"anyOf": [TEXT, schema_of(CRON_KEYS)]})


def _every(value: object) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f"{shown(value)} has no unit; write {value:g}s, {value:g}m or {value:g}h")
    return duration(value)


def _at(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(
            f"is a date and time in quotes, such as '2027-01-01 06:00', not {shown(value)} "
            "(every day at 06:00 is `cron: '0 6 * * *'`)"
        )
    match = _DATE.fullmatch(value.strip())
    if not match:
        return value.strip()
    day, hours, seconds = match.groups()
    return f"{day} {hours:0>5}{seconds if seconds and seconds != ':00' else ''}"


def _word(words: Mapping[str, Any], meant: Mapping[object, str], full: str = "") -> Form:
    """Return the form of one word out of a few; `meant` tells which of them people say otherwise.

    `full` is what may stand there too, for which another form is.
    """

    def read(value: object) -> Any:
        if isinstance(value, str) and value in words:
            return words[value]
        wanted = " or ".join([*words, full] if full else words)
        if isinstance(value, bool):
            hint = f"; write `{meant[value]}`" if value in meant else ""
            raise ValueError(f"is {wanted}; YAML reads what stands here as {shown(value)}{hint}")
        hint = f" (did you mean '{meant[value]}'?)" if value in meant else ""
        near = did_you_mean(value, words) if isinstance(value, str) else ""
        raise ValueError(f"is {wanted}, not {shown(value)}{hint or near}")

    return parsed(read, {"enum": list(words)})


_MISSING = {word.value: word for word in Missing}
_REPEATED = {word.value: word for word in Repeated}
_DST_KEYS: Mapping[str, Key] = {
    "missing": Key(
        _word(_MISSING, {}), "A time that clocks leave out: `next`, at the first moment after the gap.", Missing.NEXT
    ),
    "repeated": Key(_word(_REPEATED, {}), "A time that comes twice: `first`, or in `both` hours.", Repeated.FIRST),
}
_DST_IN_FULL = mapping(_DST_KEYS, "`dst`", Dst)
_DST_IN_SHORT = _word(
    {"skip": Dst(missing=Missing.SKIP), "both": Dst(repeated=Repeated.BOTH)},
    {False: "skip"},
    "{missing: ..., repeated: ...}",
)


def _read_dst(value: Plain, path: Path, report: Report) -> Any:
    return (_DST_IN_FULL if isinstance(value, Mapping) else _DST_IN_SHORT).read(value, path, report)


def _pause_after(**said: Any) -> FailurePolicy:
    return FailurePolicy(then=AfterFailure.KEEP, pause_after=said["pause_after"])


_FAILURES_IN_FULL = mapping(
    {
        "pause_after": Key(
            number(1, whole=True), "After so many failed runs in a row the pipeline is paused.", is_required=True
        )
    },
    "`on_failure`",
    _pause_after,
)
_FAILURES_IN_SHORT = _word(
    {word.value: FailurePolicy(then=word) for word in AfterFailure},
    {"continue": "keep", "ignore": "keep", "go_on": "keep", "pause": "{pause_after: 1}", "end": "stop"},
    "{pause_after: 3}",
)


def _read_failures(value: Plain, path: Path, report: Report) -> Any:
    return (_FAILURES_IN_FULL if isinstance(value, Mapping) else _FAILURES_IN_SHORT).read(value, path, report)


def _param(value: object) -> Any:
    if value is None:
        raise ValueError("is empty; leave it out, and the param keeps its own value")
    if isinstance(value, (list, tuple, Mapping)):
        raise ValueError(f"is a single value, not {shown(value)}")
    return value


ENTRY_KEYS: Mapping[str, Key] = {
    "cron": Key(CRON, "Cron fields, or a crontab line. Or `every`, `at` or `new_files`."),
    "every": Key(parsed(_every, DURATION.json), "The time from one run to the next, in elapsed time: `10m`."),
    "at": Key(parsed(_at, TEXT), "The only date and time: `2027-01-01 06:00`."),
    "new_files": Key(
        several(REMOTE), "A URL or a path, or several: a run begins when new files are there; looked at `every` 5m."
    ),
    **_OF_LOOKS,
    "name": Key(text(), "The entry's name in history; without it, when it fires."),
    "timezone": Key(text(), "The zone of its times; without it that of the file, or the machine's."),
    "overlap": Key(
        _word({word.value: word for word in Overlap}, {False: "skip", True: "allow"}),
        "While a run is going: `skip` the time, `queue` it, `replace` the run, or `allow` both.",
        Overlap.SKIP,
    ),
    "catch_up": Key(
        _word({word.value: word for word in CatchUp}, {False: "none", True: "latest", "newest": "latest"}),
        "Of times that were missed: the `latest` is run, `all`, or `none`.",
        CatchUp.LATEST,
    ),
    "max_catch_up": Key(number(1, whole=True), "So many missed or queued times are run at most.", 10),
    "max_lateness": Key(LIMIT, "A time is run at most so late; without it however late."),
    "dst": Key(
        Form(_read_dst, {"anyOf": [_DST_IN_SHORT.json, _DST_IN_FULL.json]}),
        "When clocks change: `skip` times that are left out, run repeated ones in `both` hours.",
        Dst(),
    ),
    "params": Key(
        by_name(parsed(_param, {"type": ["string", "number", "boolean"]}), "{size: small}"),
        "Params that its runs have.",
        {},
    ),
    "on_failure": Key(
        Form(_read_failures, {"anyOf": [_FAILURES_IN_SHORT.json, _FAILURES_IN_FULL.json]}),
        "After a failed run: `keep` the schedule, `stop` it, or {pause_after: 3}.",
        FailurePolicy(then=AfterFailure.KEEP),
    ),
    "retries": Key(RETRIES, "How often a run that failed is resumed: a number, or as in a step.", RetryPolicy()),
}
_ENTRY = mapping(ENTRY_KEYS, "an entry of `schedule`")
_ANY_ENTRY: JsonSchema = {"anyOf": [TEXT, _ENTRY.json]}


def entries_of(value: Plain) -> Iterator[tuple[Path, Plain]]:
    """Yield the entries of `schedule` as written, each with its path below it."""
    if isinstance(value, (list, tuple)):
        yield from (((index,), entry) for index, entry in enumerate(value))
    else:
        yield (), value


def in_full(entry: Plain) -> Mapping[str, Plain]:
    """Return an entry as a mapping, which text alone is short for; nothing when it is neither."""
    return {"cron": entry} if isinstance(entry, str) else entry if isinstance(entry, Mapping) else {}


def _read_schedule(value: Plain, path: Path, report: Report) -> tuple[Schedule, ...]:
    if value == []:
        report(path, "is an empty list; give it an entry such as `every: 10m`, or remove it", False)
    return tuple(_schedule(entry, (*path, *below), report) for below, entry in entries_of(value))


def _schedule(value: Plain, path: Path, report: Report) -> Schedule:
    said = in_full(value)
    if not isinstance(value, (str, Mapping)):
        report(path, f"is a crontab line in quotes, or a mapping such as {{every: 10m}}, not {shown(value)}", False)
        return Schedule()
    fields = [key for key in said if key in CRON_KEYS.keys() - ENTRY_KEYS.keys()]
    if fields:
        report((*path, fields[0]), f"`{fields[0]}` is a field of cron; write `cron: {{{fields[0]}: ...}}`", True)
        return Schedule()
    _check_timing(said, path, report)
    made = _ENTRY.read(said, path, report)
    cron, every, at = (made.pop(name) for name in TIMINGS)
    zone, new_files = made.pop("timezone"), _new_files(made)
    base = schedule_of(cron, zone)
    return Schedule(
        **made,
        crontab=base.crontab if base else None,
        fields=base.fields if base else {},
        timezone=base.timezone if base else zone,
        every=_LOOK_EVERY if new_files and every is None else every,
        at=at,
        new_files=new_files,
    )


def _new_files(made: dict[str, Any]) -> NewFiles | None:
    """Take from an entry's values those that say which files are looked for."""
    places, chosen = made.pop("new_files"), {key: made.pop(key) for key in _OF_LOOKS}
    if places is None:
        return None
    return NewFiles(
        places=tuple(dict.fromkeys(str(read_back(place)) for place in places if isinstance(place, str))),
        include=tuple(str(read_back(text)) for text in chosen["include"]),
        exclude=tuple(str(read_back(text)) for text in chosen["exclude"]),
        env={name: values_read_back(value) for name, value in chosen["env"].items()},
        env_file=read_back(chosen["env_file"]) if chosen["env_file"] is not None else None,
    )


def _check_timing(said: Mapping[str, Plain], path: Path, report: Report) -> None:
    looks = said.get("new_files") is not None
    timings = [name for name in TIMINGS if name in said and not (looks and name == "every")]
    if looks and timings:
        message = f"`new_files` looks every so often, not by `{timings[0]}`; write `every: 5m`"
        report((*path, timings[0]), message, True)
        return
    if said.get("new_files") == []:
        report((*path, "new_files"), "is an empty list; name a URL or a path", False)
    for name in () if looks else [name for name in _OF_LOOKS if name in said]:
        report((*path, name), f"`{name}` says something of `new_files`, which is not there", True)
    if len(timings) > 1:
        words = " and ".join(f"`{name}`" for name in timings)
        report((*path, timings[1]), f"{words} are two ways to say when; make two entries of them", True)
    if not (timings or looks) and said.keys() <= ENTRY_KEYS.keys():
        report(path, "does not say when: give it `cron`, `every`, `at` or `new_files`", False)
    for name in timings:
        if said[name] is None and name != "cron":
            report((*path, name), f"`{name}` is empty", True)


SCHEDULE = Form(
    _read_schedule,
    {"anyOf": [TEXT, _ENTRY.json, {"type": "array", "items": _ANY_ENTRY}]},
)
