"""What is said when a store cannot be reached, and stores of other kinds, by the program that the agent starts."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from store_servers import KEYS, Server, fake_gcs_server, free_ports, moto_server, s3_client, sftp_server
from transfer_orders import Transfers


@pytest.fixture
def nowhere(tmp_path: Path) -> Transfers:
    """An order for a server that is not there."""
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    server = Server(url="s3://team", options={"s3": {"endpoint": endpoint, **KEYS}}, endpoint=endpoint)
    return Transfers(folder=tmp_path, server=server, prefix="x")


def test_a_server_that_does_not_answer_is_unreachable(nowhere: Transfers) -> None:
    ended = nowhere.download()
    assert (ended.status, ended.report["word"]) == (4, "unreachable")
    assert ended.stderr.startswith("no answer from s3://team: ")
    assert "Connection refused" in ended.stderr


def test_a_bucket_that_is_not_there_is_named(transfers: Transfers) -> None:
    ended = transfers.download(remote="s3://no-such-bucket/folder")
    assert (ended.status, ended.report["word"]) == (4, "no-bucket")
    assert ended.stderr.strip() == "there is no bucket s3://no-such-bucket (looked for s3://no-such-bucket/folder)"


@pytest.mark.parametrize(
    ("remote", "looked_for"),
    [
        ("s3://team/x", "AWS_ACCESS_KEY_ID"),
        ("gs://team/x", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://team/x", "AZURE_STORAGE_KEY"),
    ],
)
def test_credentials_that_are_missing_are_said_with_where_they_were_looked_for(
    nowhere: Transfers, remote: str, looked_for: str
) -> None:
    storage = {"az": {"account_name": "somebody"}}
    ended = nowhere.download(remote=remote, storage=storage)
    assert (ended.status, ended.report["word"]) == (4, "no-credentials")
    assert ended.stderr.startswith(f"no credentials for {remote}: looked for ")
    assert looked_for in ended.stderr


def test_credentials_are_taken_from_the_files_of_aws(transfers: Transfers) -> None:
    transfers.put("a", b"a")
    folder = transfers.folder / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[ours]\naws_access_key_id = k\naws_secret_access_key = s\n")
    (folder / "config").write_text(
        f"[profile ours]\nregion = eu-west-1\nendpoint_url = {transfers.server.endpoint}\n"
    )
    ended = transfers.download(storage={"s3": {"profile": "ours"}})
    assert ended.status == 0, ended.stderr
    assert transfers.here() == {"a": b"a"}


def test_all_that_is_wrong_is_said_before_anything_is_done(transfers: Transfers) -> None:
    transfers.put("a", b"a")
    good, bad = transfers.url(), "s3://no-such-bucket/x"
    assert transfers.do("check", remote=[good], targets=[f"{good}/new", "made/later"]).status == 0
    ended = transfers.do("check", remote=[good, bad, "no/such/folder"], targets=["https://example.org/x", "az://x/y"])
    assert ended.status == 4
    assert "there is no bucket s3://no-such-bucket" in ended.stderr
    assert f"there is no folder {transfers.folder}/no/such/folder" in ended.stderr
    assert "https://example.org/x can only be read from" in ended.stderr
    assert "the storage account is not named" in ended.stderr


def test_a_library_that_is_not_installed_is_named_with_its_extra(nowhere: Transfers) -> None:
    # None in sys.modules is how Python spells a module that cannot be imported.
    code = (
        "import sys; sys.modules['sshfs'] = sys.modules['obstore'] = None\n"
        "from crude_link.storage.transfer import main\nsys.exit(main(sys.argv[1:]))"
    )
    for remote, extra in (("sftp://host/x", "sftp"), ("gs://team/x", "gcs"), ("az://team/x", "azure")):
        nowhere.download(remote=remote)
        argv = [sys.executable, "-c", code, str(nowhere.folder / "order.json")]
        ended = subprocess.run(argv, check=False, cwd=nowhere.folder, capture_output=True, text=True)
        assert ended.returncode == 4
        assert f"pip install 'crude-link[{extra}]'" in ended.stderr


def test_an_order_that_is_wrong_says_what(nowhere: Transfers) -> None:
    assert nowhere.do("download", remote="s3://x/y", local="in", onyl="new").stderr == (
        "an order for a transfer knows no onyl\n"
    )
    assert nowhere.download(remote="s3://").status == 2


# --- other stores -----------------------------------------------------------------------------------------


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server of files."""
    share = tmp_path / "share"
    share.mkdir()
    (share / "a b#c.bin").write_bytes(b"from the web")
    handler = partial(SimpleHTTPRequestHandler, directory=str(share))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_file_comes_from_the_web(nowhere: Transfers, web: str) -> None:
    ended = nowhere.download(remote=f"{web}/a%20b%23c.bin")
    assert ended.status == 0, ended.stderr
    assert nowhere.here() == {"a b#c.bin": b"from the web"}
    assert nowhere.download(remote=f"{web}/a%20b%23c.bin").report["kept"] == 1
    missing = nowhere.download(remote=f"{web}/no-such-file")
    assert (missing.status, missing.report["word"]) == (4, "no-bucket")
    folder = nowhere.download(remote=f"{web}/")
    assert folder.status == 1
    assert "its server lists no folders" in folder.stderr


def test_a_folder_comes_from_google(nowhere: Transfers, tmp_path: Path) -> None:
    (tmp_path / "gcs").mkdir()
    objects = {"new/a b.txt": b"a", "new/sub/ü": b"b", "newer/c": b"c"}
    with fake_gcs_server(tmp_path / "gcs", objects) as server:
        transfers = replace(nowhere, server=server, prefix="new")
        ended = transfers.download()
        assert ended.status == 0, ended.stderr
        assert transfers.here() == {"a b.txt": b"a", "sub/ü": b"b"}
        assert transfers.download().report["kept"] == 2


def test_a_name_that_would_leave_the_folder_is_refused(nowhere: Transfers, tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()
    with moto_server(tmp_path / "s3") as server:
        transfers = replace(nowhere, server=server)
        client = s3_client(server.endpoint)
        for name in ("x/good", "x/../../etc/passwd"):
            client.put_object(Bucket="team", Key=name, Body=b"bad")
        ended = transfers.download()
        assert ended.status == 1
        assert "'../../etc/passwd': it would leave the local folder" in ended.stderr
        assert not transfers.here()


def test_a_folder_goes_over_ssh_and_comes_back(nowhere: Transfers, tmp_path: Path) -> None:
    (tmp_path / "sshd").mkdir()
    with sftp_server(tmp_path / "sshd") as server:
        checked = {"sftp": {**server.options["sftp"], "verify": "read"}}
        transfers = replace(nowhere, server=replace(server, options=checked))
        names = ["a b#c", "sub/ü", "empty", *map(str, range(20))]
        for name in names:
            transfers.write(f"out/{name}", name.encode())
        assert transfers.upload().status == 0
        assert transfers.upload().report["kept"] == len(names)
        assert transfers.download().report["files"] == len(names)
        assert transfers.here() == transfers.here("out")
        assert transfers.download().report["kept"] == len(names)
        stranger = replace(
            server, options={"sftp": {**server.options["sftp"], "client_keys": f"{tmp_path}/sshd/host"}}
        )
        refused = replace(transfers, server=stranger).download()
        assert (refused.status, refused.report["word"]) == (4, "no-credentials"), refused.stderr
        unknown = replace(server, options={"sftp": {"client_keys": server.options["sftp"]["client_keys"]}})
        refused = replace(transfers, server=unknown).download()
        assert (refused.status, refused.report["word"]) == (4, "forbidden"), refused.stderr
