"""The small languages of values: durations, sizes, shares, cron fields, names of steps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crude_link.config.cron import schedule_of, wrong_with_cron
from crude_link.config.keys import PIPELINE_KEYS, STEP_KEYS
from crude_link.config.needs import circle_in, earlier_than, needs_of
from crude_link.config.problems import Problems, did_you_mean
from crude_link.config.schema import PIPELINE, STEP
from crude_link.config.units import duration, share, size
from crude_link.errors import ConfigError
from crude_link.model.schedule import Schedule
from crude_link.model.value import Plain


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("6h", 21600),
        ("2d", 172800),
        ("1h30m", 5400),
        ("1.5 h", 5400),
        ("500ms", 0.5),
        (0, 0),
    ],
)
def test_a_duration_is_a_number_with_its_unit(text: object, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (90, "say '90s'"),
        (1.5, "say '1.5s'"),
        ("90", "is no duration"),
        ("1y", "is no duration"),
        ("s", "is no duration"),
        ("${run.id}", "is no duration"),
        ("-5s", "is no duration"),
        (True, "is no duration"),
        (None, "is no duration"),
        ("999999d", "longer than"),
    ],
)
def test_what_is_no_duration_is_told_what_to_write(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        duration(value)


def test_sizes_are_decimal_unless_they_say_binary() -> None:
    assert [size(text) for text in ("40GB", "1 KiB", "1.5MB", "7B")] == [40 * 10**9, 1024, 1_500_000, 7]


@pytest.mark.parametrize("value", [40, "40", "4 apples", None, True])
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="size"):
        size(value)


def test_a_share_is_a_fraction_or_a_percentage() -> None:
    assert [share(value) for value in (0, 0.25, 1, "10%", "2.5 %")] == [0, 0.25, 1, 0.1, 0.025]


@pytest.mark.parametrize("value", [2, -0.1, "110%", "x", True])
def test_what_is_no_share_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="share"):
        share(value)


def _judge(schedule: Schedule) -> str | None:
    """Knows that hours end at 23, that Mars has no time zone, and that June has no 31st."""
    if schedule.fields.get("hour") == 25:
        return "hour 25"
    if schedule.timezone == "Mars":
        return "no zone"
    return "never comes" if schedule.fields == {"day": 31, "month": 6} else None


@pytest.mark.parametrize(
    ("cron", "wrong"),
    [
        ({"hour": 2}, []),
        ("@daily", []),
        (None, [((), "would fire every second")]),
        ({}, [((), "would fire every second")]),
        ({"timezone": "UTC"}, [((), "would fire every second")]),
        ([], [((), "a mapping of fields, or a crontab line")]),
        ({"minute": True, "hour": 25}, [(("minute",), "is a number, or text"), (("hour",), "hour 25")]),
        ({"hour": 2, "timezone": "Mars"}, [(("timezone",), "no zone")]),
        ({"day": 31, "month": 6}, [((), "never comes")]),
    ],
)
def test_each_mistake_in_cron_has_its_place(cron: Plain, wrong: list[tuple[tuple[str, ...], str]]) -> None:
    found = list(wrong_with_cron(cron, None, _judge))
    assert [path for path, _ in found] == [path for path, _ in wrong]
    assert all(words in message for (_, words), (_, message) in zip(wrong, found, strict=True))


def test_a_schedule_keeps_fields_or_the_crontab_line() -> None:
    assert schedule_of({"minute": "*/10", "hour": 2}, "UTC") == Schedule(
        fields={"minute": "*/10", "hour": 2}, timezone="UTC"
    )
    assert schedule_of(" @daily ", None) == Schedule(crontab="@daily")
    assert schedule_of({"hour": 2, "timezone": "Asia/Tokyo"}, "UTC") == Schedule(
        fields={"hour": 2}, timezone="Asia/Tokyo"
    )
    assert schedule_of(None, None) is None


def test_a_step_needs_the_one_before_unless_it_says_otherwise() -> None:
    steps: list[dict[str, Plain]] = [
        {"name": "a"}, {"name": "b"}, {"name": "c", "needs": []}, {"name": "d", "needs": ["a", "c"]}, {"name": "e"},
    ]  # fmt: skip
    needs = needs_of(steps)
    assert needs == {"a": (), "b": ("a",), "c": (), "d": ("a", "c"), "e": ("d",)}
    assert earlier_than("e", needs) == {"a", "c", "d"}
    assert circle_in(needs) == ()


def test_a_circle_is_shown_from_its_first_step() -> None:
    assert circle_in({"x": (), "a": ("x", "c"), "b": ("a",), "c": ("b",)}) == ("a", "c", "b", "a")


def test_a_long_chain_is_no_burden() -> None:
    needs = {f"s{n}": ((f"s{n - 1}",) if n else ()) for n in range(5000)}
    assert len(earlier_than("s4999", needs)) == 4999


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("timout", ["timeout", "cron"], " (did you mean 'timeout'?)"),
        ("RunsOn", ["runs_on"], " (did you mean 'runs_on'?)"),
        ("step", ["steps"], " (did you mean 'steps'?)"),
        ("zebra", ["timeout"], ""),
        ("timeout", ["timeout"], ""),
    ],
)
def test_a_near_word_is_offered(word: str, known: list[str], near: str) -> None:
    assert did_you_mean(word, known) == near


def test_what_several_steps_inherit_is_told_once() -> None:
    problems = Problems(file="c.yaml")
    problems.add("wrong", (3, 1), "step 'a': ")
    problems.add("wrong", (3, 1), "step 'b': ")
    problems.add("early", (1, 1))
    with pytest.raises(ConfigError) as error:
        problems.raise_if_any()
    assert str(error.value) == "c.yaml:1:1: early\nc.yaml:3:1: step 'a': wrong"


def test_the_lists_of_keys_agree_with_the_schema() -> None:
    assert {*STEP_KEYS, "runs_on"} == set(STEP)
    assert set(PIPELINE_KEYS) == set(PIPELINE)
