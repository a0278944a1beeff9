"""Which variables of a shell a service is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from crude_link.service.environment import Chosen, Confidential, chosen_environment
from crude_link.service.files import check_name, service_name

SHELL = {
    "PATH": "/usr/bin",
    "VIRTUAL_ENV": "/home/ada/.venv",
    "CONDA_PREFIX": "/opt/conda",
    "CONDA_TOKEN": "conda-token",
    "LANG": "de_DE.UTF-8",
    "PS1": "$ ",
    "DATA_DIR": "/data",
    "API_KEY": "very-secret",
    "http_proxy": "http://ada:password@proxy:8080",
    "https_proxy": "http://proxy:8080",
    "DB": "postgres-pw",
    "ADDRESS": "http://db/?p=postgres-pw",
}


def choose(*named: str) -> Chosen:
    return chosen_environment(SHELL, named, Confidential(names=frozenset({"DB"}), values=("postgres-pw",)))


def test_what_programs_are_found_by_is_given_and_what_only_the_shell_uses_is_not() -> None:
    given = choose().variables
    assert {"PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LANG", "https_proxy"} == given.keys()


def test_what_the_config_reads_is_given_too() -> None:
    assert choose("DATA_DIR").variables["DATA_DIR"] == "/data"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("DB", "declared under `secrets`"),
        ("API_KEY", "a name as secrets have"),
        ("ADDRESS", "the value of a secret"),
        ("http_proxy", "a password"),
    ],
)
def test_nothing_secret_is_given(name: str, why: str) -> None:
    chosen = choose(name)
    assert name not in chosen.variables
    assert why in chosen.withheld[name]
    assert name in chosen.needed


def test_a_proxy_that_nobody_reads_is_withheld_and_not_needed() -> None:
    chosen = choose()
    assert "http_proxy" in chosen.withheld
    assert chosen.needed == {"DB"}


def test_a_declared_secret_that_is_not_set_is_needed_all_the_same() -> None:
    chosen = chosen_environment({}, [], Confidential(names=frozenset({"DB"}), values=()))
    assert chosen.needed == {"DB"}


def test_a_value_that_no_unit_can_hold_is_withheld() -> None:
    chosen = chosen_environment({"LANG": "a\x01b"}, [], Confidential(names=frozenset(), values=()))
    assert "cannot be written" in chosen.withheld["LANG"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [("/a/demo", "demo"), ("/a/my pro%ject é", "my-pro-ject"), ("/a/...", "project"), ("/", "project")],
)
def test_a_service_is_named_after_its_folder(folder: str, name: str) -> None:
    assert service_name(Path(folder)) == name
    check_name(name)
