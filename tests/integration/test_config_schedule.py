"""The `schedule` of a config: what it means, and what is said of a wrong one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest
import yaml

from crude_link.config.load import Source, build, json_schema, load
from crude_link.errors import ConfigError
from crude_link.model.policy import RetryPolicy
from crude_link.model.schedule import (
    AfterFailure,
    CatchUp,
    Dst,
    FailurePolicy,
    Missing,
    Overlap,
    Repeated,
    Schedule,
)
from crude_link.triggers.schedules import schedule_problem, schedule_warning

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
KEEP = FailurePolicy(then=AfterFailure.KEEP)
STEP = "steps:\n  - {name: s, script: a.py}"
RATE = """params:
  rate: {default: 0.1, max: 1}
  kind: {default: a, choices: [a, b]}
steps: [{command: "echo ${params.rate} ${params.kind}"}]
"""


def source_of(folder: Path, text: str) -> Source:
    path = folder / "config.yaml"
    path.write_text(text)
    return Source(
        path=path,
        project=folder,
        now=NOW,
        environment={},
        run_exec=lambda text: text,
        check_schedule=lambda schedule: schedule_problem(schedule, NOW),
        advise_schedule=lambda schedule: schedule_warning(schedule, NOW),
    )


# --- what it means ----------------------------------------------------------------------------------------


def schedules_of(folder: Path, text: str) -> tuple[Schedule, ...]:
    (pipeline,) = load(source_of(folder, f"{text}\n{STEP}\n"))
    again = build(pipeline.document)
    assert again.schedules == pipeline.schedules, "its record says something else"
    return pipeline.schedules


def test_text_alone_is_a_crontab_line(tmp_path: Path) -> None:
    assert schedules_of(tmp_path, "schedule: '0 2 * * *'") == (Schedule(crontab="0 2 * * *", on_failure=KEEP),)


def test_one_entry_needs_no_list(tmp_path: Path) -> None:
    assert schedules_of(tmp_path, "schedule: {every: 10m}") == (
        Schedule(every=timedelta(minutes=10), on_failure=KEEP),
    )


def test_a_list_holds_entries_of_each_kind(tmp_path: Path) -> None:
    text = """
timezone: Europe/Berlin
schedule:
  - 30 2 * * *
  - {cron: {hour: 4, timezone: Asia/Tokyo}, name: tokyo}
  - {every: 90s, timezone: UTC}
  - at: 2027-01-01T06:00:00
"""
    cron, fields, every, at = schedules_of(tmp_path, text)
    assert cron == Schedule(crontab="30 2 * * *", timezone="Europe/Berlin", on_failure=KEEP)
    assert fields == Schedule(fields={"hour": 4}, timezone="Asia/Tokyo", name="tokyo", on_failure=KEEP)
    assert every == Schedule(every=timedelta(seconds=90), timezone="UTC", on_failure=KEEP)
    assert at == Schedule(at="2027-01-01 06:00", timezone="Europe/Berlin", on_failure=KEEP)
    assert [one.entry for one in (cron, fields, every, at)] == [
        "30 2 * * * Europe/Berlin", "tokyo", "every 90s UTC", "at 2027-01-01 06:00 Europe/Berlin",
    ]  # fmt: skip


def test_an_entry_has_its_policies(tmp_path: Path) -> None:
    text = """
schedule:
  every: 1h
  overlap: queue
  catch_up: all
  max_catch_up: 3
  max_lateness: 2h
  dst: {missing: skip, repeated: both}
  on_failure: {pause_after: 3}
  retries: {max: 2, delay: 5m}
"""
    (schedule,) = schedules_of(tmp_path, text)
    assert schedule == Schedule(
        every=timedelta(hours=1),
        overlap=Overlap.QUEUE,
        catch_up=CatchUp.ALL,
        max_catch_up=3,
        max_lateness=timedelta(hours=2),
        dst=Dst(missing=Missing.SKIP, repeated=Repeated.BOTH),
        on_failure=FailurePolicy(then=AfterFailure.KEEP, pause_after=3),
        retries=RetryPolicy(max=2, delay=timedelta(minutes=5)),
    )


@pytest.mark.parametrize(
    ("said", "dst"), [("skip", Dst(missing=Missing.SKIP)), ("both", Dst(repeated=Repeated.BOTH))]
)
def test_dst_has_a_short_form(tmp_path: Path, said: str, dst: Dst) -> None:
    (schedule,) = schedules_of(tmp_path, f"schedule: {{every: 1h, dst: {said}}}")
    assert schedule.dst == dst


def test_a_failed_run_ends_the_simple_schedule_and_no_entry(tmp_path: Path) -> None:
    (simple,) = schedules_of(tmp_path, "cron: '@daily'")
    (entry,) = schedules_of(tmp_path, "schedule: {cron: '@daily', on_failure: stop}")
    assert simple == entry
    assert simple.on_failure.then is AfterFailure.STOP


def test_the_params_of_an_entry_keep_their_types(tmp_path: Path) -> None:
    (pipeline,) = load(source_of(tmp_path, f"schedule: {{every: 1h, params: {{rate: 1, kind: b}}}}\n{RATE}"))
    assert pipeline.schedules[0].params == {"rate": 1, "kind": "b"}
    assert pipeline.params == {"rate": 0.1, "kind": "a"}


def test_a_pipeline_with_a_schedule_of_its_own_takes_no_shared_cron(tmp_path: Path) -> None:
    text = """
cron: '@daily'
pipelines:
  a: {steps: [ls -l], schedule: {every: 1h}}
  b: {steps: [ls -l]}
  c: {steps: [ls -l], schedule: null}
"""
    a, b, c = load(source_of(tmp_path, text))
    assert [one.when for one in a.schedules] == ["every 1h"]
    assert [one.when for one in b.schedules] == ["@daily"]
    assert c.schedules == ()
    assert c.warnings == ()


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("{at: 2026-02-28 06:00}", "`at`: 2026-02-28 06:00 has passed: it fires no more"),
        ("{every: 1d}", "for a time of day write `cron: '0 6 * * *'`"),
        ("{cron: {day: 1, day_of_week: fri}}", "must both fit"),
        ("{every: 1h, max_catch_up: 3}", "`max_catch_up` does nothing without"),
        ("", "`schedule` is empty: the pipeline runs only by hand"),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(tmp_path: Path, schedule: str, words: str) -> None:
    (pipeline,) = load(source_of(tmp_path, f"schedule: {schedule}\n{STEP}\n"))
    (warning,) = pipeline.warnings
    assert warning.startswith("config.yaml:1:")
    assert words in warning


# --- mistakes ---------------------------------------------------------------------------------------------

#: File, place of the one problem, words in its message.
CASES = [
    (f"schedule: []\n{STEP}\n", ":1:11", "`schedule` is an empty list; give it an entry"),
    (f"schedule: {{}}\n{STEP}\n", ":1:11", "does not say when: give it `cron`, `every`, `at` or `new_files`"),
    (f"schedule: 10\n{STEP}\n", ":1:11", "is a crontab line in quotes, or a mapping such as {every: 10m}, not 10"),
    (f"schedule: '0 25 * * *'\n{STEP}\n", ":1:11", "`cron`: hour 25 is not between 0 and 23"),
    (f"schedule:\n  - '@daily'\n  - '@dayly'\n{STEP}\n", ":3:5", "did you mean `@daily`?"),
    (f"schedule: {{hour: 2}}\n{STEP}\n", ":1:12", "`hour` is a field of cron; write `cron: {hour: ...}`"),
    (f"schedule: {{cron: {{hour: 25}}}}\n{STEP}\n", ":1:25", "25 is not between 0 and 23"),
    (f"schedule:\n  cron:\n{STEP}\n", ":2:3", "would fire every second"),
    (
        f"schedule: {{every: 10m, at: 2027-01-01 06:00}}\n{STEP}\n",
        ":1:24",
        "`every` and `at` are two ways to say when",
    ),
    (f"schedule: {{every: 10}}\n{STEP}\n", ":1:19", "10 has no unit; write 10s, 10m or 10h"),
    (f"schedule: {{every: 0s}}\n{STEP}\n", ":1:19", "`every`: must be at least 1s"),
    (f"schedule: {{every: day}}\n{STEP}\n", ":1:19", "'day' is no duration; write 90s"),
    (f"schedule:\n  every:\n{STEP}\n", ":2:3", "`every` is empty"),
    (f"schedule: {{evry: 10m}}\n{STEP}\n", ":1:12", "no key of an entry of `schedule` (did you mean 'every'?)"),
    (f"schedule: {{interval: 10m}}\n{STEP}\n", ":1:12", "here it is called `every`"),
    (f"schedule: {{at: 20270101}}\n{STEP}\n", ":1:16", "in quotes, such as '2027-01-01 06:00', not 20270101"),
    (f"schedule: {{at: 6:00}}\n{STEP}\n", ":1:16", "YAML reads 6:00 as the number 360"),
    (f"schedule: {{at: 2027-01-01}}\n{STEP}\n", ":1:16", "has no time of day; write `2027-01-01 00:00`"),
    (f"schedule: {{at: 2027-02-30 06:00}}\n{STEP}\n", ":1:16", "day is out of range"),
    (
        f"schedule: {{at: '2027-01-01 06:00+01:00'}}\n{STEP}\n",
        ":1:16",
        "write `2027-01-01 05:00`, with `timezone: UTC`",
    ),
    (
        f"schedule: {{every: 1h, overlap: no}}\n{STEP}\n",
        ":1:32",
        "YAML reads what stands here as false; write `skip`",
    ),
    (f"schedule: {{every: 1h, overlap: que}}\n{STEP}\n", ":1:32", "(did you mean 'queue'?)"),
    (f"schedule: {{every: 1h, catch_up: off}}\n{STEP}\n", ":1:33", "write `none`"),
    (f"schedule: {{every: 1h, max_catch_up: 0}}\n{STEP}\n", ":1:37", "is at least 1, not 0"),
    (f"schedule: {{every: 1h, max_lateness: 5}}\n{STEP}\n", ":1:37", "a duration has a unit"),
    (
        f"schedule: {{every: 1h, dst: none}}\n{STEP}\n",
        ":1:28",
        "is skip or both or {missing: ..., repeated: ...}, not 'none'",
    ),
    (f"schedule: {{every: 1h, dst: {{missing: no}}}}\n{STEP}\n", ":1:38", "is next or skip"),
    (
        f"schedule: {{every: 1h, on_failure: paus}}\n{STEP}\n",
        ":1:35",
        "is stop or keep or {pause_after: 3}, not 'paus'",
    ),
    (f"schedule: every 10m\n{STEP}\n", ":1:11", "; for elapsed time write `every: 10m`"),
    (f"cron: 0 0 L * *\n{STEP}\n", ":1:7", "the last day is `{day: last}`, as fields"),
    (f"schedule: {{every: 1h, on_failure: continue}}\n{STEP}\n", ":1:35", "(did you mean 'keep'?)"),
    (f"schedule: {{every: 1h, on_failure: {{pause_after: 0}}}}\n{STEP}\n", ":1:49", "is at least 1, not 0"),
    (f"schedule: {{every: 1h, timezone: Mars/Olympus}}\n{STEP}\n", ":1:33", "there is no time zone"),
    (
        f"schedule: ['@daily', '0 6 * * *', '@daily']\n{STEP}\n",
        ":1:35",
        "entries 1 and 3 of `schedule` are both called",
    ),
    (
        f"schedule: [{{every: 60m}}, {{every: 1h}}]\n{STEP}\n",
        ":1:26",
        "both called 'every 1h' in history; give each a `name`",
    ),
    (f"cron: '@daily'\nschedule: '@hourly'\n{STEP}\n", ":2:1", "`cron` and `schedule` both say when"),
    (f"cron: '@daily'\noverlap: queue\n{STEP}\n", ":2:1", "`overlap` is a key of an entry of `schedule`"),
    (f"schedule: {{every: 1h, params: {{lr: 1}}}}\n{STEP}\n", ":1:36", "there is no param 'lr'; params: none"),
    (
        f"schedule: {{every: 1h, params: {{rat: 1}}}}\n{RATE}",
        ":1:37",
        "there is no param 'rat' (did you mean 'rate'?)",
    ),
    (f"schedule: {{every: 1h, params: {{rate: high}}}}\n{RATE}", ":1:38", "'high' is not a number, as the param is"),
    (f"schedule: {{every: 1h, params: {{rate: 5}}}}\n{RATE}", ":1:38", "param 'rate' is 5, but must be at most 1"),
    (
        f"schedule: {{every: 1h, params: {{kind: c}}}}\n{RATE}",
        ":1:38",
        "param 'kind' is 'c', but must be one of a, b",
    ),
    (
        f"schedule: {{every: 1h, params: {{rate: null}}}}\n{RATE}",
        ":1:38",
        "leave it out, and the param keeps its own value",
    ),
    (f"schedule: {{every: 1h, params: {{rate: [1]}}}}\n{RATE}", ":1:38", "is a single value, not a list"),
    (f"schedule: {{every: 1h, name: '${{run.id}}'}}\n{STEP}\n", ":1:29", "and cannot stand in `schedule`"),
]


@pytest.mark.parametrize(("text", "place", "words"), CASES)
def test_a_mistake_in_a_schedule_is_told_at_its_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(source_of(tmp_path, text))
    problems = [str(problem) for problem in error.value.problems]
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"config.yaml{place}: ")
    assert words in problems[0]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "schedule:\n  - {every: 10, overlap: no}\n  - {cron: '0 25 * * *', catch_up: some}\n  - {at: soon}\n"
    with pytest.raises(ConfigError) as error:
        load(source_of(tmp_path, f"{text}{STEP}\n"))
    assert [problem.line for problem in error.value.problems] == [2, 2, 3, 3, 4]


@pytest.mark.parametrize(
    ("schedule", "is_right"),
    [
        ("'@daily'", True),
        ("{cron: {hour: 2}, retries: 2, dst: both}", True),
        ("[{every: 10m, on_failure: {pause_after: 3}, params: {rate: 1}}, '@daily']", True),
        ("{every: '${params.pause}'}", True),
        ("{every: 10m, overlap: maybe}", False),
        ("{evry: 10m}", False),
    ],
)
def test_an_editor_knows_the_schedule(schedule: str, is_right: bool) -> None:
    text = yaml.safe_load(f"schedule: {schedule}\nsteps: [ls -l]")
    assert jsonschema.Draft202012Validator(json_schema()).is_valid(text) is is_right
