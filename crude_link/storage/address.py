"""Address: where a folder or a file of a store is, read from a URL or a plain path."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from crude_link.storage.failures import BadAddress

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_ALIASES = {"gcs": "gs", "azure": "az", "s3a": "s3", "ssh": "sftp"}
WEB = ("http", "https")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A folder or a file: what is below `prefix` in a bucket. Names are as they are; nothing is decoded in them.

    `bucket` is a container for Azure, `user@host:port` for sftp and the web, and empty for files. `prefix` bears no
    slash at its ends, but for files and sftp, whose paths are absolute, it begins with one.
    """

    scheme: str
    bucket: str
    prefix: str
    #: A slash at the end was written: it is a folder, whatever else bears its name.
    is_folder: bool = False

    def __str__(self) -> str:
        if self.scheme == "file":
            return self.prefix
        return f"{self.root}/{self.prefix.lstrip('/')}".rstrip("/")

    @property
    def root(self) -> str:
        """Return the URL of the bucket."""
        return f"{self.scheme}://{self.bucket}"

    @property
    def name(self) -> str:
        """Return the last part of the path; empty for a whole bucket."""
        return PurePosixPath(self.prefix).name

    def parent(self) -> Address:
        """Return the folder that this is in."""
        return Address(scheme=self.scheme, bucket=self.bucket, prefix=self.prefix.rpartition("/")[0], is_folder=True)

    def below(self, name: str) -> Address:
        """Return the address of a name in this folder."""
        prefix = f"{self.prefix.rstrip('/')}/{name}" if self.prefix else name
        return Address(scheme=self.scheme, bucket=self.bucket, prefix=prefix)


def parse_address(text: str, base: Path) -> Address:
    """Read a URL, or a plain path below `base`. BadAddress."""
    if not text.strip():
        raise BadAddress("an empty text is no address: write a URL such as s3://bucket/folder, or a path")
    match = _URL.fullmatch(text)
    if match is None:
        return _of_path(text, base)
    scheme = match[1].lower()
    scheme, rest = _ALIASES.get(scheme, scheme), match[2]
    if scheme == "file":
        return _of_path(rest.removeprefix("localhost") if rest.startswith("localhost/") else rest, base)
    bucket, _, path = rest.partition("/")
    if not bucket:
        raise BadAddress(f"{text} names no {'host' if scheme in (*WEB, 'sftp') else 'bucket'}: {_example(scheme)}")
    if scheme in WEB:
        if "?" in path or "#" in path:
            raise BadAddress(f"{text}: an address on the web cannot bear ? or #; write them as %3F and %23")
        path = unquote(path)
    prefix = path.strip("/")
    if scheme == "sftp":
        prefix = "/" + prefix
    return Address(scheme=scheme, bucket=bucket, prefix=prefix, is_folder=path.endswith("/"))


def _of_path(text: str, base: Path) -> Address:
    # Not resolved: a link is named as it is, and `..` is what it says.
    path = os.path.abspath(base / Path(text).expanduser())  # noqa: PTH100 (pathlib has no such function)
    return Address(scheme="file", bucket="", prefix=path, is_folder=text.endswith(os.sep))


def _example(scheme: str) -> str:
    return f"write {scheme}://{'host/path' if scheme in (*WEB, 'sftp') else 'bucket/folder'}"
