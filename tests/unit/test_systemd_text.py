"""The text of a systemd unit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_examples import SERVICE

from crude_link.errors import UsageError
from crude_link.service.seal import has_seal, is_edited, sealed
from crude_link.service.systemd_text import bare_path, file_of, path_of, quoted, settings_of, unit_text, unquoted

#: The characters of systemd's own syntax come often.
WORDS = st.text(st.one_of(st.sampled_from(" \t\n'\"\\$%{};#=-"), st.characters(exclude_categories=["Cs"])))
PATHS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0/"), min_size=1)


def settings() -> dict[str, str]:
    return dict(settings_of(unit_text(SERVICE)))


@given(st.lists(WORDS))
def test_words_come_back_from_their_quotes_as_they_were(words: list[str]) -> None:
    assert unquoted(" ".join(quoted(word) for word in words)) == words


@given(WORDS)
def test_a_quoted_word_is_one_line_without_a_specifier(word: str) -> None:
    text = quoted(word)
    assert text.isprintable() or not any(character in text for character in "\n\r\t\0")
    assert "%" not in text.replace("%%", "")


@given(WORDS)
def test_no_argument_is_expanded_as_a_variable(word: str) -> None:
    service = replace(SERVICE, argv=("/usr/bin/python", word))
    command = dict(settings_of(unit_text(service)))["ExecStart"] if "\0" not in word else ""
    assert "$" not in command.replace("$$", "")


@given(PATHS)
def test_a_path_comes_back_from_its_line(name: str) -> None:
    path = Path("/home") / name
    line = bare_path(path)
    assert line == line.rstrip()
    assert not line.endswith("\\")
    assert path_of(line) == path


@given(PATHS)
def test_the_file_of_variables_comes_back_although_its_name_is_a_pattern(name: str) -> None:
    service = replace(SERVICE, environment_file=Path("/home") / name)
    assert file_of(dict(settings_of(unit_text(service)))["EnvironmentFile"]) == service.environment_file


@pytest.mark.parametrize("path", ["/home/two\nlines", "/home/\udcff"])
def test_a_path_that_systemd_cannot_be_told_of_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="must be UTF-8"):
        unit_text(replace(SERVICE, project=Path(path)))


@pytest.mark.parametrize("path", ["/home/a$b/python", "/home/it's/python", "/home/a\\b/python"])
def test_an_interpreter_whose_path_systemd_would_not_take_as_a_program_is_started_by_env(path: str) -> None:
    command = dict(settings_of(unit_text(replace(SERVICE, argv=(path, "x")))))["ExecStart"]
    assert unquoted(command.replace("$$", "$")) == ["/usr/bin/env", path, "x"]


def test_a_failed_run_or_a_wrong_config_is_left_to_a_person_and_everything_else_is_started_again() -> None:
    assert settings()["Restart"] == "on-failure"
    assert settings()["RestartPreventExitStatus"] == "1 2"
    assert settings()["SuccessExitStatus"] == "130 143"


def test_with_keep_running_exit_status_1_is_an_accident() -> None:
    text = unit_text(replace(SERVICE, keeps_running=True))
    assert dict(settings_of(text))["RestartPreventExitStatus"] == "2"


def test_stopping_asks_only_the_scheduler_and_leaves_it_the_time_of_its_steps() -> None:
    assert settings()["KillMode"] == "process"
    assert settings()["TimeoutStopSec"] == "50"


def test_a_step_that_took_too_much_memory_does_not_end_the_scheduler() -> None:
    assert settings()["OOMPolicy"] == "continue"


def test_a_text_with_a_seal_tells_whether_it_was_edited() -> None:
    text = sealed(unit_text(SERVICE), "# {}")
    assert has_seal(text)
    assert not is_edited(text)
    assert is_edited(text.replace("RestartSec=30", "RestartSec=5"))
    assert is_edited(unit_text(SERVICE))
