"""Transfers of runs with a real store: credentials, secrets, and kill -9 in the midst of an upload."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from acceptance.starting import Folder, wait_until
from fault_proxy import Fault, fault_proxy
from store_servers import Server, s3_client, s3_server

FILES = 300
HALF = 150
CONFIG = """
secrets: [STORE_KEY]
storage:
  s3: {endpoint: "ENDPOINT", access_key_id: key, secret_access_key: "${secrets.STORE_KEY}", region: us-east-1}
download: {from: "s3://team/in", to: in}
upload: {from: made, to: "s3://team/PROJECT/${run.id}", manifest: true}
steps:
  - name: work
    command: |
      echo ran >> work.log
      mkdir -p made
      for number in $(seq COUNT); do cp in/a.txt made/$number.txt; done
"""
SECRET = "not-for-any-log"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as made:
        s3_client(made.endpoint).put_object(Bucket="team", Key="in/a.txt", Body=b"hello")
        s3_client(made.endpoint).put_object(Bucket="team", Key="in2/no.txt", Body=b"not this one")
        yield made


def configured(folder: Folder, server: Server, count: int, **others: str) -> dict[str, str]:
    text = CONFIG.replace("ENDPOINT", server.endpoint).replace("COUNT", str(count)).replace("PROJECT", place(folder))
    for old, new in others.items():
        text = text.replace(old, new)
    folder.config(text)
    return {"STORE_KEY": SECRET}


def place(folder: Folder) -> str:
    """Where in the bucket the results of a test are."""
    return folder.directory.parent.name


def brought(folder: Folder, server: Server) -> set[str]:
    pages = s3_client(server.endpoint).get_paginator("list_objects_v2")
    found = pages.paginate(Bucket="team", Prefix=f"{place(folder)}/1/")
    return {entry["Key"].rpartition("/")[2] for page in found for entry in page.get("Contents", ())}


def test_a_folder_of_a_bucket_is_fetched_and_brought_back_with_a_manifest(folder: Folder, server: Server) -> None:
    env = configured(folder, server, 3)
    assert folder.run("run", env=env).status == 0
    assert brought(folder, server) == {"1.txt", "2.txt", "3.txt", "crude-link-manifest.json"}
    assert sorted(path.name for path in (folder.directory / "in").iterdir() if path.is_file()) == ["a.txt"]


@pytest.mark.parametrize("victim", ["transfer", "everybody"])
def test_an_upload_that_is_killed_goes_on_where_it_was(folder: Folder, server: Server, victim: str) -> None:
    with fault_proxy(server.endpoint) as proxy:
        may_go_on = threading.Event()

        def choose(line: str, _number: int) -> Fault:
            if line.startswith("PUT") and proxy.count("PUT") > HALF:
                may_go_on.wait()
            return Fault.NONE

        proxy.choose = choose
        env = configured(folder, server, FILES, **{server.endpoint: proxy.endpoint})
        begun = folder.start("run", "--no-prompt", env=env)
        wait_until(lambda: len(brought(folder, server)) == HALF, "the upload is in its midst", patience=60)
        pids = [process.pid for process in folder.step_processes()]
        if victim == "everybody":
            pids = [begun.pid, *folder.agents(), *pids]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        begun.wait()
        folder.wait_for_nobody()
        may_go_on.set()
        assert "crude-link-manifest.json" not in brought(folder, server)
        assert folder.run("resume", "--no-prompt", env=env).status == 0
    assert folder.read("work.log") == "ran\n"
    assert brought(folder, server) == {f"{number}.txt" for number in range(1, FILES + 1)} | {
        "crude-link-manifest.json"
    }
    assert "were there" in folder.run("logs", "last", "run.upload").out


def test_a_missing_bucket_a_forbidden_one_no_credentials_and_no_server_are_told_apart_before_any_step(
    folder: Folder, server: Server
) -> None:
    env = configured(folder, server, 1, **{"s3://team/in": "s3://nobody/in"})
    missing = folder.run("run", env=env)
    configured(folder, server, 1, **{server.endpoint: "http://127.0.0.1:1"})
    silent = folder.run("run", env=env)
    configured(folder, server, 1, **{'access_key_id: key, secret_access_key: "${secrets.STORE_KEY}", ': ""})
    poor = folder.run("run", env={**env, "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(folder.directory)})
    with fault_proxy(server.endpoint) as proxy:
        proxy.choose = lambda _line, _number: Fault.FORBIDDEN
        configured(folder, server, 1, **{server.endpoint: proxy.endpoint})
        refused = folder.run("run", env=env)
    assert [missing.status, silent.status, poor.status, refused.status] == [2, 2, 2, 2]
    assert "config.yaml:5:1: run.download: s3://team/in is forbidden" in refused.err
    assert "config.yaml:5:1: run.download: there is no bucket" in missing.err
    assert "nobody" in missing.err
    assert "config.yaml:5:1: run.download: no answer from" in silent.err
    assert "config.yaml:5:1: run.download: no credentials for" in poor.err
    assert not folder.runs()


def test_the_options_of_a_store_stand_in_no_file_and_no_output(folder: Folder, server: Server) -> None:
    env = configured(folder, server, 2)
    ended = folder.run("run", "--no-prompt", env=env)
    assert ended.status == 0
    assert SECRET not in ended.out + ended.err
    files = [path for path in folder.home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".order" for path in files)
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_secrets_cannot_stand_where_everybody_reads(folder: Folder, server: Server) -> None:
    env = configured(folder, server, 1, **{"s3://team/in": "s3://${secrets.STORE_KEY}/in"})
    ended = folder.run("run", env=env)
    assert ended.status == 2
    assert "credentials go under `storage`" in ended.err
