"""Alerts as users meet them: what arrives, what does not, and what becomes of it when everything dies."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from acceptance.starting import Folder, Process, wait_until
from receivers import Receiver, http_receiver, mail_box

SECRET = "s3cr3t-t0ken"
ENV = {"HOOK_TOKEN": SECRET}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as one:
        yield one


def config(folder: Folder, receiver: Receiver, command: str = "test ! -e bad", more: str = "") -> None:
    folder.config(f"""
name: night
secrets: [HOOK_TOKEN]
notify:
  - webhook: {{url: "{receiver.url}/hook?key=${{secrets.HOOK_TOKEN}}", headers: {{X-Key: "${{secrets.HOOK_TOKEN}}"}}}}
    {more}
  - heartbeat: {receiver.url}/beat
steps:
  - {{name: train, command: '{command}'}}
""")


def said(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in list(receiver.got) if one.method == "POST"]


def deliverers(folder: Folder) -> list[Process]:
    return [one for one in folder.living() if "deliver" in one.command]


def test_a_failure_and_the_recovery_from_it_are_told_and_good_runs_are_called_out(
    folder: Folder, receiver: Receiver
) -> None:
    config(folder, receiver)
    folder.write("bad", "")
    for _ in range(2):
        assert folder.run("-n", env=ENV).status == 1
    wait_until(lambda: len(said(receiver)) == 1, "the failure is told")
    (folder.directory / "bad").unlink()
    assert folder.run("-n", env=ENV).status == 0
    wait_until(lambda: len(receiver.got) == 3, "the recovery and the good run are told")
    failed, recovered = said(receiver)
    assert (failed["kind"], failed["run"], failed["step"]) == ("failed", 1, "train")
    assert failed["title"] == "night: run 1 failed at 'train': exit 1"
    assert failed["directory"] == str(folder.directory)
    assert "crude-link resume 1" in failed["commands"]
    assert (recovered["kind"], recovered["run"], recovered["failures"]) == ("recovered", 3, 2)
    assert [one.path for one in receiver.got if one.method == "GET"] == ["/beat"]


def test_a_persons_runs_wake_nobody(folder: Folder, receiver: Receiver) -> None:
    config(folder, receiver, "exit 1")
    assert folder.run("run", "--no-prompt", env=ENV).status == 1
    assert folder.json("notify", "log") == []
    assert receiver.got == []


def test_no_secret_is_in_the_store_the_logs_or_the_alert(folder: Folder, receiver: Receiver) -> None:
    receiver.words = f"got {SECRET}"
    config(folder, receiver, 'echo "my token is $HOOK_TOKEN"; exit 1')
    folder.run("-n", env=ENV)
    wait_until(lambda: said(receiver), "the failure is told")
    (request,) = receiver.got
    assert request.headers["X-Key"] == SECRET
    assert request.path == f"/hook?key={SECRET}"
    assert said(receiver)[0]["last_lines"] == ["my token is ***"]
    wait_until(lambda: not deliverers(folder), "the delivery is over")
    files = [path for path in folder.directory.rglob("*") if path.is_file()]
    assert folder.home / "crude-link.db" in files
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_an_answer_with_a_secret_in_it_is_masked(folder: Folder, receiver: Receiver) -> None:
    receiver.statuses, receiver.words = [403], f"who is {SECRET}?"
    config(folder, receiver, "exit 1")
    folder.run("-n", env=ENV)
    wait_until(lambda: folder.json("notify", "log")[0]["tries"], "it was tried")
    (row,) = folder.json("notify", "log")
    assert row["answer"] == "answered 403 Forbidden: who is ***?"
    assert row["state"] == "waiting"


def test_whoever_hangs_holds_up_no_run_and_what_was_not_delivered_is_by_the_next(
    folder: Folder, receiver: Receiver
) -> None:
    receiver.answers.clear()
    config(folder, receiver, "exit 1")
    assert folder.run("-n", env=ENV).status == 1
    wait_until(lambda: said(receiver), "it is being delivered")
    for one in deliverers(folder):
        os.kill(one.pid, signal.SIGKILL)
    wait_until(lambda: not deliverers(folder), "nobody delivers any more")
    (row,) = folder.json("notify", "log")
    assert (row["state"], row["tries"]) == ("waiting", 0)
    receiver.answers.set()
    assert folder.run("notify", "deliver", env=ENV).status == 0
    (row,) = folder.json("notify", "log")
    assert (row["state"], row["tries"], row["answer"]) == ("sent", 1, "200 OK")
    assert {one["id"] for one in said(receiver)} == {row["id"]}


def test_two_deliver_not_at_once(folder: Folder, receiver: Receiver) -> None:
    receiver.answers.clear()
    config(folder, receiver, "exit 1")
    folder.run("-n", env=ENV)
    wait_until(lambda: said(receiver), "it is being delivered")
    assert folder.run("notify", "deliver", env=ENV).status == 0
    assert len(said(receiver)) == 1
    receiver.answers.set()
    wait_until(lambda: folder.json("notify", "log")[0]["state"] == "sent", "it was delivered once")


def test_every_end_of_a_run_is_told_to_who_wants_that(folder: Folder, receiver: Receiver) -> None:
    config(folder, receiver, more="when: always")
    folder.run("-n", env=ENV)
    wait_until(lambda: said(receiver), "the good run is told")
    assert said(receiver)[0]["kind"] == "ended"
    assert said(receiver)[0]["title"].startswith("night: run 1 succeeded")


def test_a_test_says_of_each_recipient_whether_it_arrived(folder: Folder, receiver: Receiver) -> None:
    config(folder, receiver)
    ended = folder.run("notify", "test", env=ENV)
    assert ended.status == 0
    assert ended.out.splitlines() == [
        f"told     night · webhook {receiver.url} · 200 OK",
        f"told     night · heartbeat {receiver.url} · 200 OK",
    ]
    assert said(receiver)[0]["kind"] == "test"
    receiver.statuses = [500]
    ended = folder.run("notify", "test", env=ENV)
    assert ended.status == 1
    assert ended.out.count("not told") == 2
    assert SECRET not in ended.out + ended.err


def test_a_test_of_a_config_that_tells_nobody_says_so(folder: Folder) -> None:
    folder.config("steps: [{command: 'true'}]\n")
    ended = folder.run("notify", "test")
    assert ended.status == 2
    assert "write `notify` into the config" in ended.err


def test_where_nothing_ran_yet_nothing_was_told(folder: Folder) -> None:
    assert folder.json("notify", "log") == []
    assert folder.run("notify", "deliver").status == 0
    assert not folder.home.exists()


def test_mail_arrives(folder: Folder) -> None:
    with mail_box() as box:
        folder.config(f"""
name: night
notify: {{mail: {{to: ops@example.org, from: crude@example.org, host: 127.0.0.1, port: {box.port}, tls: none}}}}
steps: [{{name: train, command: "echo the loss is nan; exit 1"}}]
""")
        folder.run("-n")
        wait_until(lambda: box.took, "the mail arrives")
    (message,) = box.took
    assert message["Subject"] == "[crude-link] night: run 1 failed at 'train': exit 1"
    assert "    the loss is nan" in message.get_content()


def test_a_run_that_died_with_its_scheduler_is_told_by_the_next(folder: Folder, receiver: Receiver) -> None:
    def write(command: str) -> None:
        folder.config(f"""
name: night
notify: {{webhook: "{receiver.url}"}}
schedule: {{every: 1s, catch_up: none}}
steps: [{{name: train, command: "{command}"}}]
""")

    write("echo began >> began; sleep 60")
    scheduler = folder.start("-n")
    folder.wait_for_text("began", "began")
    scheduler.kill()
    scheduler.wait()
    wait_until(lambda: not folder.step_processes(), "its steps are ended")
    assert receiver.got == []
    write("true")
    scheduler = folder.start("-n")
    # Slots that came while nobody looked may be told in between.
    wait_until(lambda: said(receiver)[-1:] and said(receiver)[-1]["kind"] == "recovered", "all is well again")
    scheduler.terminate()
    scheduler.wait()
    lost, *_, well = [one for one in said(receiver) if one["kind"] != "did_not_run"]
    assert (lost["kind"], lost["run"], lost["status"]) == ("failed", 1, "lost")
    assert lost["commands"] == ["crude-link resume 1"]
    assert (well["kind"], well["status"]) == ("recovered", "succeeded")
    assert lost["slot_time"] is not None


def test_a_schedule_that_a_failure_ends_says_so(folder: Folder, receiver: Receiver) -> None:
    folder.config(f"""
name: night
notify: {{webhook: "{receiver.url}"}}
cron: {{second: "*"}}
steps: [{{name: train, command: exit 1}}]
""")
    assert folder.run("-n").status == 1
    wait_until(lambda: len(said(receiver)) == 2, "the failure and the end of the schedule are told")
    assert [one["kind"] for one in said(receiver)] == ["failed", "halted"]
