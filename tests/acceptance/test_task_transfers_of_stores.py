"""Transfers of single tasks with a real store: kill -9 in their midst, a store that refuses, names, secrets."""

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

SECRET = "not-for-any-log"
COUNT = 40
CONFIG = """
name: seg
secrets: [STORE_KEY]
storage:
  s3: {endpoint: "ENDPOINT", access_key_id: key, secret_access_key: "${secrets.STORE_KEY}", region: us-east-1}
steps:
  - name: scans
    foreach: {lines: urls.txt, once: true}
    download: {from: "{item}", to: "work/{index}/{name}"}
    upload: {from: "work/{index}/out", to: "s3://team/PLACE/results/{stem}"}
    parallel: 4
    env: {SHOWN: "{name}"}
    command: |
      echo {index} >> ran.log
      env | grep CRUDE_LINK_STORAGE && exit 9
      mkdir -p work/{index}/out
      tr a-z A-Z < work/{index}/{name} > work/{index}/out/{name}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as made:
        yield made


def place(folder: Folder) -> str:
    """Where in the bucket the files of a test are."""
    return folder.directory.parent.name


def prepared(folder: Folder, server: Server, names: list[str], endpoint: str = "") -> dict[str, str]:
    """Write a config, and the far files that its tasks fetch; return the environment for runs."""
    folder.config(CONFIG.replace("ENDPOINT", endpoint or server.endpoint).replace("PLACE", place(folder)))
    client = s3_client(server.endpoint)
    for name in names:
        client.put_object(Bucket="team", Key=f"{place(folder)}/in/{name}", Body=f"this is {name}".encode())
    folder.write("urls.txt", "".join(f"s3://team/{place(folder)}/in/{name}\n" for name in names))
    return {"STORE_KEY": SECRET}


def results(folder: Folder, server: Server) -> dict[str, str]:
    client = s3_client(server.endpoint)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="team", Prefix=f"{place(folder)}/results/")
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    return {
        key.partition("/results/")[2]: client.get_object(Bucket="team", Key=key)["Body"].read().decode()
        for key in keys
    }


def expected(names: list[str]) -> dict[str, str]:
    upper = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return {f"{name.removesuffix('.txt')}/{name}": f"this is {name}".translate(upper) for name in names}


def left(folder: Folder) -> list[str]:
    return [str(path) for path in (folder.directory / "work").rglob("*")]


def ran(folder: Folder) -> list[int]:
    return sorted(int(word) for word in folder.read("ran.log").split())


def test_names_come_and_go_exactly(folder: Folder, server: Server) -> None:
    names = ["a b.txt", "ü#%20.txt", "it's [5] & $x.txt", "{x}.txt", "semi;colon.txt", "sub/ü.txt"]
    env = prepared(folder, server, names)
    ended = folder.run("run", env=env)
    assert ended.status == 0, ended.err
    flat = {key.split("/")[-1]: text for key, text in results(folder, server).items()}
    assert len(flat) == len(names)
    assert {name.split("/")[-1] for name in names} == set(flat)
    assert not left(folder)
    kept = [path for path in folder.home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not kept
    assert SECRET not in ended.out + ended.err


def test_after_kill_9_of_everybody_each_result_is_there_once_and_nothing_is_left(
    folder: Folder, server: Server
) -> None:
    names = [f"scan-{number}.txt" for number in range(COUNT)]
    env = prepared(folder, server, names)
    for part in (1, 2, 3):
        begun = folder.start(*(("run", "--no-prompt") if part == 1 else ("resume", "--no-prompt")), env=env)
        wait_until(lambda part=part: len(ran(folder)) >= part * COUNT // 4, "tasks run")  # type: ignore[misc]  # bound
        for pid in [begun.pid, *folder.agents(), *(process.pid for process in folder.step_processes())]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        begun.wait()
        folder.wait_for_nobody()
    ended = folder.run("resume", "--no-prompt", env=env)
    assert ended.status == 0, ended.err
    assert results(folder, server) == expected(names)
    assert not left(folder)
    assert set(ran(folder)) == set(range(1, COUNT + 1))
    assert len(ran(folder)) <= COUNT + 3 * 4  # those alone run again that ran as all was killed
    assert folder.run("run", env=env).status == 0
    assert len(ran(folder)) <= COUNT + 3 * 4  # what is done is skipped next time


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.BUSY])
def test_a_store_that_refuses_uploads_costs_no_task_its_result(folder: Folder, server: Server, fault: Fault) -> None:
    names = ["a.txt", "b.txt"]
    with fault_proxy(server.endpoint) as proxy:
        env = prepared(folder, server, names, proxy.endpoint)
        refused = [True]
        proxy.choose = lambda line, _number: fault if refused[0] and line.startswith("PUT") else Fault.NONE
        assert folder.run("run", "--no-prompt", env=env).status == 1
        assert sorted(name.rpartition("/")[2] for name in left(folder) if name.endswith(".txt")) == names
        assert results(folder, server) == {}
        refused[0] = False
        assert folder.run("resume", "--no-prompt", env=env).status == 0
    assert results(folder, server) == expected(names)
    assert ran(folder) == [1, 2]
    assert not left(folder)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_run_that_is_stopped_as_its_tasks_transfer_goes_on_with_resume(
    folder: Folder, server: Server, method: str
) -> None:
    names = ["a.txt", "b.txt"]
    with fault_proxy(server.endpoint) as proxy:
        env = prepared(folder, server, names, proxy.endpoint)
        may_go_on = threading.Event()

        def choose(line: str, _number: int) -> Fault:
            if line.startswith(f"{method} /team/{place(folder)}") and ".txt" in line:
                may_go_on.wait()
            return Fault.NONE

        proxy.choose = choose
        begun = folder.start("run", "--no-prompt", env=env)
        wait_until(
            lambda: [line for line in proxy.requests if line.startswith(method) and ".txt" in line], "transfers"
        )
        os.kill(begun.pid, signal.SIGINT)
        begun.wait()
        folder.wait_for_nobody()
        may_go_on.set()
        assert [name for name in left(folder) if name.endswith(".txt") and "/out/" not in name] == []
        assert folder.run("resume", "--no-prompt", env=env).status == 0
    assert results(folder, server) == expected(names)
    assert not left(folder)
    assert method == "GET" or len(ran(folder)) == len(names)


def test_a_task_that_cannot_fetch_does_not_run(folder: Folder, server: Server) -> None:
    env = prepared(folder, server, ["a.txt"])
    folder.write("urls.txt", f"s3://team/{place(folder)}/in/a.txt\ns3://team/{place(folder)}/in/none.txt\n")
    assert folder.run("run", "--no-prompt", env=env).status == 1
    assert ran(folder) == [1]
    assert "holds no file" in folder.run("tasks", "last", "scans", "--failed").out
    assert not left(folder)


def test_the_store_of_tasks_is_looked_at_before_the_run(folder: Folder, server: Server) -> None:
    env = prepared(folder, server, ["a.txt"])
    folder.config(folder.read("config.yaml").replace("s3://team/", "s3://nobody/"))
    ended = folder.run("run", env=env)
    assert ended.status == 2
    assert "config.yaml:10:5: scans.upload: there is no bucket" in ended.err
    assert not folder.runs()
