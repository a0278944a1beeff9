"""What integration tests share: the command line, and an object store for each process of the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Answer, Ask
from store_servers import Server, s3_server
from transfer_orders import Transfers

from crude_link.cli import main


@pytest.fixture(scope="session")
def s3_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real object store."""
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def transfers(s3_store: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Transfers:
    """A folder here and an empty one in the store."""
    return Transfers(folder=tmp_path, server=s3_store, prefix=re.sub(r"\W+", "-", request.node.name))


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Call a command and take what it prints."""

    def ask(*words: str) -> Answer:
        capsys.readouterr()
        status = main(words)
        return Answer(status, *capsys.readouterr())

    return ask
