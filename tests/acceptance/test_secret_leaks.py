"""Secrets reach the steps that need them, and nothing that crude-link writes or shows."""

from __future__ import annotations

import base64
import json
import sys
import urllib.parse

import pexpect
import pytest
from acceptance.starting import Folder

SECRET = "p4$$ w0rd/+\"'é=&x"
FROM_FILE = "from-file-7788"
FROM_COMMAND = "from-command-9911"
TELL = """
import base64, json, os, sys, time, urllib.parse
secret = os.environ["TOKEN"]
with open("seen", "w") as file:
    json.dump([secret, os.environ["FILED"], os.environ["MADE"], sys.argv[1:]], file)
print("plain", secret)
print("url", urllib.parse.quote(secret), urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret))
print("base64", base64.b64encode(secret.encode()).decode(), base64.urlsafe_b64encode(secret.encode()).decode())
print("json", json.dumps(secret), json.dumps(secret, ensure_ascii=False))
print("others", os.environ["FILED"], os.environ["MADE"], file=sys.stderr)
for character in secret:
    os.write(1, character.encode())
    time.sleep(0.002)
os.write(2, secret.encode())
raise SystemExit(f"cannot log in with {secret}")
"""
CONFIG = """
secrets:
  MY_TOKEN: MY_TOKEN
  FILED: {file: token.txt}
  MADE: {command: "cat made.txt"}
env: {TOKEN: "${secrets.MY_TOKEN}", FILED: "${secrets.FILED}", MADE: "${secrets.MADE}"}
steps:
  - {name: text, command: "echo in text: ${secrets.MY_TOKEN} $TOKEN", retries: 1}
  - {name: tell, command: [PYTHON, tell.py, "${secrets.MY_TOKEN}"]}
"""


@pytest.fixture
def secretive(folder: Folder) -> Folder:
    folder.write("tell.py", TELL)
    folder.write("token.txt", FROM_FILE + "\n")
    folder.write("made.txt", FROM_COMMAND + "\n")
    folder.config(CONFIG.replace("PYTHON", sys.executable))
    return Folder(folder.directory, {**folder.environment, "MY_TOKEN": SECRET, "PYTHONIOENCODING": "utf-8"})


def forms() -> list[str]:
    raw = SECRET.encode()
    return [
        SECRET,
        urllib.parse.quote(SECRET),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        FROM_FILE,
        FROM_COMMAND,
    ]


def check(text: str | bytes, where: str) -> None:
    data = text.encode() if isinstance(text, str) else text
    for form in forms():
        assert form.encode() not in data, f"{form!r} is in {where}"


def check_files(folder: Folder, names: tuple[str, ...] = ()) -> None:
    found = [path for path in folder.home.rglob("*") if path.is_file()]
    assert len(found) > 5
    for path in [*found, *(folder.directory / name for name in names)]:
        check(path.read_bytes(), str(path))


def check_what_is_shown(folder: Folder) -> None:
    for words in (
        ("show",),
        ("show", "--json"),
        ("logs",),
        ("logs", "--json"),
        ("why",),
        ("plan",),
        ("runs", "--json"),
    ):
        ended = folder.run(*words)
        assert ended.status == 0, ended.err
        check(ended.out + ended.err, " ".join(words))


def test_the_steps_get_the_secrets_as_they_are(secretive: Folder) -> None:
    secretive.run("run", "--no-prompt")
    assert json.loads(secretive.read("seen")) == [SECRET, FROM_FILE, FROM_COMMAND, [SECRET]]


def test_a_run_between_pipes_shows_and_keeps_no_secret(secretive: Folder) -> None:
    ended = secretive.run("run", "--no-prompt")
    assert ended.status == 1
    assert "in text: *** ***" in ended.out
    assert "cannot log in with ***" in ended.err
    check(ended.out + ended.err, "the output")
    check_files(secretive)
    check_what_is_shown(secretive)


def test_a_run_in_a_terminal_shows_and_keeps_no_secret(secretive: Folder) -> None:
    terminal = secretive.terminal("run", "--no-prompt")
    terminal.expect(pexpect.EOF)
    shown = terminal.before or ""
    assert "in text: *** ***" in shown
    check(shown, "the terminal")
    check_files(secretive)


def test_the_log_of_an_unattended_run_has_no_secret(secretive: Folder) -> None:
    ended = secretive.run("--non-interactive")
    assert ended.status == 1
    assert "cannot log in with ***" in secretive.read("crude-link.log")
    check(ended.out + ended.err, "the output")
    check_files(secretive, ("crude-link.log",))


def test_detached_resumed_and_rerun_runs_keep_no_secret(secretive: Folder) -> None:
    secretive.run("run", "--detach")
    assert secretive.run("wait").status == 1
    check(secretive.run("resume", "--no-prompt").err, "resume")
    check(secretive.run("rerun", "1", "--no-prompt").err, "rerun")
    check_files(secretive)
    check_what_is_shown(secretive)


def test_the_config_is_recorded_with_references(secretive: Folder) -> None:
    secretive.run("run", "--no-prompt")
    shown = secretive.json("show")
    assert "${secrets.MY_TOKEN}" in shown["config"]["text"]
    tell = next(each for each in shown["attempts"] if each["key"]["step"] == "tell")
    assert tell["argv"][-1] == "${secrets.MY_TOKEN}"


def test_a_secret_that_is_missing_is_found_before_anything_runs(secretive: Folder) -> None:
    without = {name: value for name, value in secretive.environment.items() if name != "MY_TOKEN"}
    ended = Folder(secretive.directory, without).run("run")
    assert ended.status == 2
    assert "MY_TOKEN" in ended.err
    assert not secretive.read("seen")


def test_a_secret_of_less_than_6_characters_is_refused(secretive: Folder) -> None:
    ended = secretive.run("run", env={"MY_TOKEN": "12345"})
    assert ended.status == 2
    assert "MY_TOKEN" in ended.err
    assert "12345" not in ended.err
