"""A whole pipeline over each kind of store: download, a step, upload; and what a person sees of it meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance.starting import Folder, plain
from fault_proxy import Fault, fault_proxy
from store_servers import Server, azure_server, gcs_server, s3_server, sftp_server

from crude_link.storage.address import parse_address
from crude_link.storage.opening import open_store
from crude_link.storage.options import options_for
from crude_link.storage.remote import RemoteStore

STARTERS = {"s3": s3_server, "gs": gcs_server, "az": azure_server, "sftp": sftp_server}
FILES = {"a b.txt": b"1", "sub/ü#%.txt": b"22", "sub/empty": b"", "large": b"x" * (9 << 20)}


@pytest.fixture(scope="module", params=STARTERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with STARTERS[request.param](tmp_path_factory.mktemp(request.param)) as made:
        yield made


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as made:
        yield made


def store(server: Server, name: str) -> RemoteStore:
    address = parse_address(f"{server.url}/{name}", Path("/"))
    return open_store(address, options_for(server.options, address))


def fill(folder: Folder, server: Server, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder.directory.parent / "content"
        path.write_bytes(content)
        store(server, "in").write(name, path, lambda _: None)


def brought(server: Server) -> dict[str, bytes]:
    there = store(server, "out")
    return {entry.name: b"".join(there.read(entry, 0, entry.size)) for entry in there.entries()}


def configured(folder: Folder, server: Server, **endpoint: str) -> None:
    storage = {scheme: {**options, **endpoint} for scheme, options in server.options.items()}
    folder.config(
        f"storage: {json.dumps(storage)}\n"
        f"download: {{from: '{server.url}/in', to: in}}\n"
        f"upload: {{from: out, to: '{server.url}/out/'}}\n"
        "steps:\n"
        "  - {name: work, command: 'rm -rf out && cp -r in out && rm -rf out/.crude* && echo new > out/${run.id}'}\n"
    )


def test_a_folder_of_any_store_is_fetched_worked_on_and_brought_back(folder: Folder, server: Server) -> None:
    fill(folder, server, FILES)
    configured(folder, server)
    first = folder.run("run", "--no-prompt")
    assert first.status == 0, first.err + first.out
    assert brought(server) == {**FILES, "1": b"new\n"}
    again = folder.run("run", "--no-prompt")
    assert again.status == 0, again.err + again.out
    said = folder.run("logs", "last", "run.download").out
    assert said.startswith("fetched 0 files, 0 B in ")
    assert said.endswith("; 4 were there\n")
    assert brought(server) == {**FILES, "1": b"new\n", "2": b"new\n"}


def test_the_files_of_any_store_are_inputs(folder: Folder, server: Server) -> None:
    fill(folder, server, FILES)
    folder.config(
        f"storage: {json.dumps(server.options)}\n"
        "steps:\n"
        f"  - {{name: each, foreach: {{glob: ['{server.url}/in/**/*.txt', '{server.url}/in/large']}}, "
        "parallel: 1, command: 'echo {item} >> seen'}\n"
    )
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 0, ended.err
    assert folder.read("seen").splitlines() == [
        f"{server.url}/in/{name}" for name in ("a b.txt", "large", "sub/ü#%.txt")
    ]


def test_a_terminal_shows_how_far_a_download_is(folder: Folder, s3: Server) -> None:
    fill(folder, s3, {f"{number}.bin": b"x" * 100_000 for number in range(20)})
    may_go_on = threading.Event()
    with fault_proxy(s3.endpoint) as proxy:

        def choose(line: str, _number: int) -> Fault:
            # The first ten files pass; the others wait until somebody has seen that.
            if line.startswith("GET") and ".bin" in line and sum(".bin" in each for each in proxy.requests) > 10:
                may_go_on.wait()
            return Fault.NONE

        proxy.choose = choose
        configured(folder, s3, endpoint=proxy.endpoint)
        terminal = folder.terminal("run", "--no-prompt")
        terminal.expect(r"download 10 of 20 files, 1(\.0)? MB of 2(\.0)? MB, [0-9.]+ [kM]B/s, [^\r\n]+ left")
        may_go_on.set()
        terminal.expect("fetched 20 files, 2(\\.0)? MB in ")
        terminal.expect("run 1 succeeded")
    assert "\r" not in plain(folder.run("logs", "last", "run.download").out)
