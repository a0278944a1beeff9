"""Transfers as tests order them: the program, started as the agent starts it, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store_servers import Server

from crude_link.storage.address import parse_address
from crude_link.storage.opening import open_store
from crude_link.storage.options import options_for
from crude_link.storage.remote import RemoteStore

Storage = dict[str, dict[str, object]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a transfer ended."""

    status: int
    stdout: str
    stderr: str
    report: dict[str, Any]

    @property
    def last(self) -> str:
        """Return the last line of its output."""
        return (self.stdout.splitlines() or [""])[-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfers:
    """A folder in which transfers are done, and the server they are done with."""

    folder: Path
    server: Server
    #: What stands before all remote names: each test has its own.
    prefix: str
    endpoint: str = ""

    def url(self, name: str = "") -> str:
        """Return the URL of a remote name."""
        return "/".join(part for part in (self.server.url, self.prefix, name) if part)

    def store(self, name: str = "") -> RemoteStore:
        """Return the store at a name, to look at or to fill."""
        address = parse_address(self.url(name), self.folder)
        return open_store(address, options_for(self.server.options, address))

    def put(self, name: str, content: bytes) -> None:
        """Put a file there."""
        path = self.folder / "put"
        path.write_bytes(content)
        self.store().write(name, path, lambda _: None)
        path.unlink()

    def there(self) -> dict[str, bytes]:
        """Return what is there."""
        store = self.store()
        return {entry.name: b"".join(store.read(entry, 0, entry.size)) for entry in store.entries()}

    def here(self, folder: str = "in") -> dict[str, bytes]:
        """Return the files below a local folder, also those that a transfer should have removed."""
        root = self.folder / folder
        return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}

    def write(self, name: str, content: bytes) -> Path:
        """Write a local file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def start(self, kind: str, **order: object) -> subprocess.Popen[str]:
        """Begin a transfer; `endpoint` may be that of a proxy."""
        (self.folder / "report.json").unlink(missing_ok=True)
        storage = {scheme: dict(options) for scheme, options in self.server.options.items()}
        if self.endpoint:
            for options in storage.values():
                options["endpoint"] = self.endpoint
        whole = {"storage": storage, "notes": "notes", "report": "report.json", "kind": kind, **order}
        path = self.folder / "order.json"
        path.write_text(json.dumps(whole))
        argv = [sys.executable, "-m", "crude_link.storage.transfer", str(path)]
        env = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "AZURE_", "GOOGLE_"))}
        env |= {"HOME": str(self.folder), "AWS_EC2_METADATA_DISABLED": "true"}
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=self.folder, env=env, stdout=pipe, stderr=pipe, text=True)

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for a transfer."""
        stdout, stderr = process.communicate(timeout=100)
        report = self.folder / "report.json"
        said = json.loads(report.read_text()) if report.exists() else {}
        return Ended(status=process.returncode, stdout=stdout, stderr=stderr, report=said)

    def do(self, kind: str, **order: object) -> Ended:
        """Do a transfer."""
        return self.end(self.start(kind, **order))

    def download(self, **order: object) -> Ended:
        """Download all into `in`, or as the order says."""
        return self.do("download", **{"remote": self.url(), "local": "in", **order})

    def upload(self, **order: object) -> Ended:
        """Upload all of `out`, or as the order says."""
        return self.do("upload", **{"remote": self.url(), "local": "out", **order})
