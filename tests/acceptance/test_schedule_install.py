"""The scheduler as a service: what `schedule install` writes and does, and what `schedule uninstall` takes away."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from acceptance.starting import Ended, Folder

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is about systemd")

CONFIG = """
cron: {hour: 10}
secrets: [DB_PASSWORD]
steps:
  - name: load
    command: ls ${oc.env:DATA_DIR} $CACHE_DIR
    env: {PASSWORD: "${secrets.DB_PASSWORD}"}
    stop_grace: 2m
"""
ENVIRONMENT = {"DATA_DIR": "/tmp", "CACHE_DIR": "/var/cache 100%", "DB_PASSWORD": "tell-nobody"}
#: Stands for systemctl: notes what it is told; a unit is active after `enable --now`, and while `active` is there.
SYSTEMCTL = """#!/bin/sh
echo "$@" >> {notes}
test ! -e {broken} || {{ echo "Failed to connect to bus" >&2; exit 1; }}
case "$*" in
    *"enable --now"*) touch {active};;
    *"disable --now"*) rm -f {active};;
    *show\\ *) if [ -e {active} ]; then echo ActiveState=active; else echo ActiveState=inactive; fi;;
esac
"""


class Machine:
    """A project in a folder with an odd name, and a systemctl that notes what it is told."""

    def __init__(self, folder: Folder) -> None:
        home = folder.directory.parent
        self.folder = Folder.at(home / "my pro%ject's $x")
        self.folder.directory.mkdir()
        self.folder.config(CONFIG)
        self.notes, self.active, self.broken = home / "notes", home / "active", home / "broken"
        self.unit = home / ".config/systemd/user/crude-link-my-pro-ject-s-x.service"
        self.variables = home / ".config/crude-link/my-pro-ject-s-x.env"
        tools = home / "tools"
        tools.mkdir()
        names = {name: shlex.quote(str(getattr(self, name))) for name in ("notes", "active", "broken")}
        (tools / "systemctl").write_text(SYSTEMCTL.format(**names))
        (tools / "systemctl").chmod(0o755)
        self.path = f"{tools}:{self.folder.environment['PATH']}"

    def schedule(self, *words: str, cwd: Path | None = None, without: str = "") -> Ended:
        given = {name: value for name, value in ENVIRONMENT.items() if name != without}
        env = {**given, "PATH": self.path, "XDG_CONFIG_HOME": ""}
        return self.folder.run("schedule", *words, env=env, cwd=cwd)

    def give_secret(self) -> None:
        self.variables.parent.mkdir(parents=True)
        self.variables.write_text("DB_PASSWORD=tell-nobody\n")

    def asked(self) -> list[str]:
        """What systemctl was told to do, questions left out."""
        told = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [line.removeprefix("--user ") for line in told if " show" not in line]


@pytest.fixture
def machine(folder: Folder) -> Machine:
    return Machine(folder)


def test_install_writes_a_unit_with_this_interpreter_directory_and_environment(machine: Machine) -> None:
    machine.give_secret()
    ended = machine.schedule("install", "-l", "my.log")
    assert ended.status == 0, ended.err
    text = machine.unit.read_text()
    directory = str(machine.folder.directory).replace("%", "%%")
    assert f"WorkingDirectory={directory}\n" in text
    assert f"ExecStart={Path(sys.executable)} " in text
    assert f'-c "{directory.replace("$", "$$")}/config.yaml" -l "{directory.replace("$", "$$")}/my.log"' in text
    assert "Environment=DATA_DIR=/tmp\n" in text
    assert 'Environment="CACHE_DIR=/var/cache 100%%"\n' in text
    assert "TimeoutStopSec=270\n" in text
    assert f"wrote {machine.unit}" in ended.err
    assert machine.asked() == ["daemon-reload", f"enable --now {machine.unit.name}"]
    assert f"enabled {machine.unit.name}, and started it" in ended.err


def test_nothing_secret_is_written_or_said(machine: Machine) -> None:
    ended = machine.schedule("install")
    assert ended.status == 0
    assert "tell-nobody" not in machine.unit.read_text() + ended.err + ended.out
    assert "not written: DB_PASSWORD, which is declared under `secrets`" in ended.err
    assert f"write DB_PASSWORD into {machine.variables}" in ended.err
    assert f"EnvironmentFile=-{machine.variables}\n" in machine.unit.read_text()


def test_a_service_that_lacks_a_secret_is_not_started_yet(machine: Machine) -> None:
    ended = machine.schedule("install")
    assert machine.asked() == ["daemon-reload", f"enable {machine.unit.name}"]
    assert f"systemctl --user start {machine.unit.name}: starts it, once DB_PASSWORD can be had" in ended.err


def test_a_secret_that_only_the_file_of_variables_holds_is_enough(machine: Machine) -> None:
    machine.give_secret()
    ended = machine.schedule("install", without="DB_PASSWORD")
    assert ended.status == 0, ended.err
    assert f"enabled {machine.unit.name}, and started it" in ended.err
    assert "tell-nobody" not in machine.unit.read_text()


def test_a_second_install_changes_nothing_and_a_third_says_what_it_changed(machine: Machine) -> None:
    machine.give_secret()
    machine.schedule("install")
    before = machine.unit.read_bytes()
    ended = machine.schedule("install")
    assert f"{machine.unit} is as it was" in ended.err
    assert machine.unit.read_bytes() == before
    ended = machine.schedule("install", "--keep-running")
    assert f"changed {machine.unit}" in ended.err
    assert "  -RestartPreventExitStatus=1 2\n  +RestartPreventExitStatus=2\n" in ended.err
    # A run may be going: when it is started again is the person's to say.
    assert machine.asked()[-1] == f"enable {machine.unit.name}"
    assert f"systemctl --user restart {machine.unit.name}" in ended.err


def test_without_a_systemd_that_answers_the_commands_are_named(machine: Machine) -> None:
    machine.give_secret()
    machine.broken.touch()
    ended = machine.schedule("install")
    assert ended.status == 0
    assert f"systemctl --user daemon-reload && systemctl --user enable --now {machine.unit.name}" in ended.err
    assert "Failed to connect to bus" in ended.err
    assert machine.unit.exists()


def test_a_dry_run_prints_the_unit_and_changes_nothing(machine: Machine) -> None:
    ended = machine.schedule("install", "--dry-run")
    assert ended.status == 0
    assert "[Service]\n" in ended.out
    assert not machine.unit.exists()
    assert not machine.asked()
    assert not (machine.folder.directory / ".crude-link").exists()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("steps: [echo hello]\n", "no pipeline of config.yaml has a schedule"),
        ("cron: {hour: 25}\nsteps: [echo hello]\n", "hour"),
        ("cron: {hour: 2}\nsteps: [{script: nowhere.py}]\n", "the script 'nowhere.py' is not there"),
    ],
)
def test_a_config_with_nothing_to_follow_or_with_mistakes_is_refused(
    machine: Machine, config: str, words: str
) -> None:
    machine.folder.config(config)
    ended = machine.schedule("install")
    assert ended.status == 2
    assert words in ended.err
    assert not machine.unit.exists()


def test_a_unit_of_somebody_else_stays(machine: Machine) -> None:
    machine.unit.parent.mkdir(parents=True)
    machine.unit.write_text("[Service]\nExecStart=/bin/true\n")
    ended = machine.schedule("install")
    assert ended.status == 2
    assert "stays as it is: choose another name with --name" in ended.err
    assert machine.schedule("uninstall").err.endswith("there is nothing to remove\n")
    assert machine.unit.read_text() == "[Service]\nExecStart=/bin/true\n"


def test_uninstall_takes_away_what_install_wrote_and_nothing_else(machine: Machine) -> None:
    machine.give_secret()
    other = machine.unit.with_name("crude-link-other.service")
    machine.schedule("install", "--name", "mine")
    other.write_text("[Service]\n")
    below = machine.folder.directory / "below"
    below.mkdir()
    (machine.folder.directory / ".crude-link").mkdir()
    ended = machine.schedule("uninstall", cwd=below)
    assert ended.status == 0
    assert "disable --now crude-link-mine.service" in machine.asked()
    assert [path.name for path in machine.unit.parent.iterdir()] == [other.name]
    assert machine.variables.exists()


def test_a_store_elsewhere_is_named_by_its_whole_path(machine: Machine) -> None:
    machine.give_secret()
    env = {**ENVIRONMENT, "PATH": machine.path, "CRUDE_LINK_HOME": "../store", "XDG_CONFIG_HOME": ""}
    assert machine.folder.run("schedule", "install", env=env).status == 0
    named = [line for line in machine.unit.read_text().splitlines() if "CRUDE_LINK_HOME" in line]
    assert len(named) == 1
    assert "CRUDE_LINK_HOME=/" in named[0]


def test_install_works_with_an_empty_environment(machine: Machine) -> None:
    machine.folder.config("cron: {hour: 10}\nsteps: [echo hello]\n")
    entrance = ("env", "-i", f"HOME={machine.folder.directory.parent}", sys.executable, "-m", "crude_link")
    ended = machine.folder.run("schedule", "install", entrance=entrance)
    assert ended.status == 0, ended.err
    assert "Environment=PATH" not in machine.unit.read_text()
