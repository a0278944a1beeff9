"""Secrets: found when needed, masked in every form."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crude_link.errors import CannotStart
from crude_link.model.pipeline import Secret
from crude_link.steps.secrets import Secrets

TOKEN = Secret(name="TOKEN", env="MY_TOKEN")


def secrets_in(environment: dict[str, str], *declared: Secret) -> Secrets:
    return Secrets(declared or (TOKEN,), Path("/nowhere"), environment, lambda command: f"output of {command}\n")


def hidden(masks: tuple[str, ...], text: str) -> str:
    for mask in masks:
        text = text.replace(mask, "***")
    return text


def test_a_secret_comes_from_the_environment() -> None:
    assert secrets_in({"MY_TOKEN": "s3cr3t"}).value("TOKEN") == "s3cr3t"


def test_a_secret_comes_from_a_command_without_its_last_newline() -> None:
    assert secrets_in({}, Secret(name="P", command="pass x")).value("P") == "output of pass x"


@pytest.mark.parametrize(
    ("environment", "message"),
    [({}, "MY_TOKEN is not set"), ({"MY_TOKEN": "12345"}, "5 characters"), ({"MY_TOKEN": ""}, "0 characters")],
)
def test_a_secret_that_is_not_to_be_had_is_told_in_words(environment: dict[str, str], message: str) -> None:
    with pytest.raises(CannotStart, match=message):
        secrets_in(environment).value("TOKEN")


def test_a_missing_file_is_told_in_words() -> None:
    with pytest.raises(CannotStart, match=r"secret 'K': the file '/nowhere/key.txt' cannot be read: No such file"):
        secrets_in({}, Secret(name="K", file="key.txt")).value("K")


def test_an_undeclared_name_is_told_in_words() -> None:
    with pytest.raises(CannotStart, match="no secret 'OTHER'"):
        secrets_in({}).value("OTHER")


@given(st.text(min_size=6, max_size=40), st.binary(max_size=5), st.binary(max_size=5))
def test_no_usual_form_of_a_secret_is_left_in_a_text(secret: str, before: bytes, after: bytes) -> None:
    masks = secrets_in({}).masks([secret])
    try:
        data = secret.encode()
    except UnicodeEncodeError:
        return
    forms = [secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]]
    forms += [base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()]
    for form in forms:
        assert form not in hidden(masks, f"<{form}>")
    if len(data) >= 8:
        embedded = base64.b64encode(before + data + after).decode()
        assert "***" in hidden(masks, embedded)


def test_longer_forms_come_first() -> None:
    masks = secrets_in({}).masks(["s3cr3t with spaces", "s3cr3t"])
    assert list(masks) == sorted(masks, key=lambda mask: (-len(mask), mask))
    assert hidden(masks, "s3cr3t with spaces") == "***"


def test_each_long_line_of_a_secret_is_masked() -> None:
    masks = secrets_in({}).masks(["-----BEGIN KEY-----\nabcdefgh\nxy\n"])
    assert "abcdefgh" in masks
    assert "xy" not in masks


def test_only_what_a_step_may_meet_without_running_anything_is_at_hand() -> None:
    declared = (TOKEN, Secret(name="P", command="pass x"), Secret(name="Q", env="Q"), Secret(name="F", file="gone"))
    assert secrets_in({}, *declared).at_hand({"MY_TOKEN": "of its env_file"}) == {TOKEN.name: "of its env_file"}
