"""The text of a launchd agent."""

from __future__ import annotations

import plistlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_examples import SERVICE

from crude_link.errors import CrudeLinkError, UsageError
from crude_link.service.launchd import LaunchdManager
from crude_link.service.launchd_text import agent_text
from crude_link.service.seal import has_seal, is_edited

#: All that XML can hold, with its own characters often.
WORDS = st.text(
    st.one_of(
        st.sampled_from(" <>&'\"\n\t%$"),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    )
)


def refuse(words: object) -> str:
    raise CrudeLinkError("no launchd here")


MANAGER = LaunchdManager(Path("/Users/ada/Library/LaunchAgents"), 501, refuse)


@given(WORDS, WORDS, WORDS.filter(bool))
def test_arguments_variables_and_paths_come_back_as_they_were(word: str, value: str, folder: str) -> None:
    service = replace(
        SERVICE, argv=("/usr/bin/python", word), environment={"X": value}, project=Path("/home") / folder.strip("/")
    )
    agent = plistlib.loads(MANAGER.text(service).encode())
    assert agent["ProgramArguments"] == ["/usr/bin/python", word]
    assert agent["EnvironmentVariables"] == {"X": value}
    assert agent["WorkingDirectory"] == str(service.project)


def test_an_agent_starts_with_the_login_and_again_after_a_crash_only() -> None:
    agent = plistlib.loads(agent_text(SERVICE).encode())
    assert agent["Label"] == "crude-link.demo"
    assert agent["RunAtLoad"] is True
    assert agent["KeepAlive"] == {"Crashed": True}


def test_with_keep_running_an_agent_starts_again_whatever_ended_it() -> None:
    agent = plistlib.loads(agent_text(replace(SERVICE, keeps_running=True)).encode())
    assert agent["KeepAlive"] == {"SuccessfulExit": False}


def test_an_agent_bears_the_seal_and_is_still_a_property_list() -> None:
    text = MANAGER.text(SERVICE)
    assert has_seal(text)
    assert not is_edited(text)
    assert text.startswith("<?xml")


def test_what_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(UsageError, match="XML"):
        agent_text(replace(SERVICE, argv=("/usr/bin/python", "\x01")))


def test_where_launchd_cannot_be_asked_the_command_is_left_to_the_person() -> None:
    doings = MANAGER.take_in("demo", start=True)
    assert not doings.done
    assert doings.left[0][0].startswith("launchctl bootstrap gui/501 ")
