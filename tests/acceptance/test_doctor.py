"""`doctor`: what the scheduler will see, next to what this shell sees."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from typing import Any

import pytest
from acceptance.starting import Ended, Folder
from service_examples import SERVICE

from crude_link.service.files import write_service
from crude_link.service.systemd import SystemdManager

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it is about systemd and /proc")

CONFIG = """
cron: {hour: 10}
secrets: [DB_PASSWORD]
steps:
  - name: load
    command: mytool $DATA_DIR
    env: {PASSWORD: "${secrets.DB_PASSWORD}"}
"""


class Machine:
    """A project with a service, and a tool that only this shell finds."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.home = folder.directory.parent
        folder.config(CONFIG)
        tools = self.home / "tools"
        tools.mkdir()
        (tools / "mytool").write_text("#!/bin/sh\n")
        (tools / "mytool").chmod(0o755)
        # On a desk with a user manager of its own it would be asked about a unit that is not there.
        (tools / "systemctl").write_text("#!/bin/sh\nexit 1\n")
        (tools / "systemctl").chmod(0o755)
        self.tools = tools
        self.env = {"PATH": f"{tools}:/usr/bin:/bin", "DATA_DIR": "/tmp", "DB_PASSWORD": "tell-nobody"}
        self.env |= {"XDG_CONFIG_HOME": "", "TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": ""}

    def install(self, **environment: str) -> None:
        """Write the unit of a service with this environment."""
        service = replace(
            SERVICE,
            project=self.folder.directory,
            argv=(sys.executable, "-c", ""),
            environment=environment,
            environment_file=self.home / "demo.env",
        )
        write_service(SystemdManager(self.home / ".config/systemd/user", "ada", lambda words: ""), service)

    def doctor(self, *words: str) -> Ended:
        return self.folder.run("doctor", *words, env=self.env)

    def report(self) -> Any:
        return json.loads(self.doctor("--json").out)


@pytest.fixture
def machine(folder: Folder) -> Machine:
    return Machine(folder)


def words_of(findings: list[dict[str, str]]) -> str:
    return "\n".join(each["words"] for each in findings)


def compared(report: Any, name: str) -> tuple[str, str]:
    return next((each["here"], each["scheduler"]) for each in report["comparisons"] if each["name"] == name)


def test_a_service_that_sees_what_the_shell_sees_is_fine(machine: Machine) -> None:
    machine.install(**machine.env)
    report = machine.report()
    assert report["problems"] == []
    assert report["scheduler"] == "service demo"
    assert compared(report, "mytool") == (str(machine.tools / "mytool"),) * 2
    assert machine.doctor().status == 0


def test_what_the_service_lacks_comes_first_with_what_to_do(machine: Machine) -> None:
    machine.install(PATH="/usr/bin:/bin", TZ="Asia/Tokyo")
    ended = machine.doctor()
    assert ended.status == 1
    head = ended.out.partition("\n\n")[0]
    assert "✗ 'mytool', which a command names, is not found by the service demo · `crude-link schedule ins" in head
    assert "✗ $DATA_DIR, which the config reads, is not set for the service demo" in head
    assert "✗ secret 'DB_PASSWORD' is not available to the service demo" in head
    assert "✗ schedules without a `timezone` follow Asia/Tokyo for the service demo, not UTC" in head
    assert ended.last_line.startswith("4 problems · ")


def test_no_value_of_a_variable_or_secret_is_shown(machine: Machine) -> None:
    machine.install(PATH="/usr/bin", DATA_DIR="/somewhere/else")
    ended = machine.doctor()
    assert "tell-nobody" not in ended.out + ended.err
    assert "/somewhere/else" not in ended.out


def test_the_file_of_variables_counts(machine: Machine) -> None:
    machine.install(**{name: value for name, value in machine.env.items() if name != "DB_PASSWORD"})
    assert "DB_PASSWORD" in words_of(machine.report()["problems"])
    (machine.home / "demo.env").write_text("DB_PASSWORD=tell-nobody\n")
    assert machine.report()["problems"] == []


def test_without_a_service_it_is_compared_with_cron_and_nothing_is_a_problem_yet(machine: Machine) -> None:
    report = machine.report()
    assert report["scheduler"] == "cron"
    assert report["problems"] == []
    assert "nobody follows the schedules here" in words_of(report["notes"])
    assert "'mytool', which a command names, is not found by cron" in words_of(report["notes"])


def test_a_service_whose_interpreter_is_gone_is_a_problem(machine: Machine) -> None:
    gone = machine.home / "venv" / "python"
    gone.parent.mkdir()
    gone.symlink_to(sys.executable)
    machine.install(**machine.env)
    unit = machine.home / ".config/systemd/user/crude-link-demo.service"
    unit.write_text(unit.read_text().replace(sys.executable, str(gone)))
    assert machine.report()["problems"] == []
    shutil.rmtree(gone.parent)
    assert f"the service starts {gone}, which is not there any more" in words_of(machine.report()["problems"])


def test_a_broken_config_is_told_with_its_place(machine: Machine) -> None:
    machine.folder.config("steps:\n  - {name: a, comand: ls}\n")
    ended = machine.doctor()
    assert ended.status == 1
    assert "config.yaml:2:" in ended.out


def test_a_damaged_store_is_a_problem_and_stays_as_it_is(machine: Machine) -> None:
    store = machine.folder.home / "crude-link.db"
    store.parent.mkdir()
    store.write_bytes(b"no database" * 1000)
    assert "the store is not in order" in words_of(machine.report()["problems"])
    assert store.read_bytes() == b"no database" * 1000


def test_a_python_that_does_not_start_is_a_problem(machine: Machine) -> None:
    machine.folder.write("a.py", "")
    machine.folder.config("steps:\n  - {script: a.py, python: /usr/bin/false}\n")
    assert "/usr/bin/false" in words_of(machine.report()["problems"])


def test_a_directory_without_a_config_is_looked_at_too(machine: Machine) -> None:
    (machine.folder.directory / "config.yaml").unlink()
    report = machine.report()
    assert report["problems"] == []
    assert "there is no config file here" in words_of(report["notes"])
    assert {"cores, memory", "store", "clock", "GPUs"} <= {fact["name"] for fact in report["facts"]}
    assert not machine.folder.home.exists()


def test_the_living_scheduler_is_looked_at_where_there_is_no_service(machine: Machine) -> None:
    import fcntl
    import os

    machine.folder.home.mkdir()
    lock = machine.folder.home / "scheduler.lock"
    with lock.open("w") as held:
        held.write(f"pid {os.getpid()} on {os.uname().nodename}\n")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        assert machine.report()["scheduler"] == f"scheduler, pid {os.getpid()}"


def test_a_home_of_the_store_that_cannot_be_made_is_a_problem(machine: Machine) -> None:
    machine.folder.write("file", "")
    machine.env["CRUDE_LINK_HOME"] = str(machine.folder.directory / "file" / "store")
    assert "/file/store cannot be written" in words_of(machine.report()["problems"])
