"""The errors of obstore, told apart. Its classes say little, so its texts are read as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from crude_link.errors import CrudeLinkError
from crude_link.storage.address import WEB, Address
from crude_link.storage.failures import Forbidden, Gone, NoBucket, NoCredentials, Passing, TransferError

_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist", "container does not exist")
_METADATA = ("169.254.169.254", "metadata.google.internal", "ImdsCredential")
_PASSING = ("408", "425", "429", "500", "502", "503", "504", "509")
_PASSING_WORDS = ("HTTP error", "error sending request", "error decoding", "timed out", "SlowDown", "reset")

_REQUEST = re.compile(r"Error performing ([A-Z]+) (\S+) in .*? - (.*)", re.DOTALL)
_CAUSE = re.compile(r'message: "([^"]+)"')


class _Said(NamedTuple):
    kind: str
    text: str
    address: Address
    is_listing: bool

    def has(self, *words: str) -> bool:
        return any(word in self.text for word in words)


def told_apart(error: Exception, address: Address, *, is_listing: bool = False) -> Exception:
    """Return our error for one of obstore's."""
    if isinstance(error, CrudeLinkError):
        return error
    said = _Said(type(error).__name__, _short(error), address, is_listing)
    return next(make(said) for applies, make in _KINDS if applies(said))


def _is_no_bucket(said: _Said) -> bool:
    return said.has(*_NO_BUCKET) or (said.is_listing and said.has(" 404 ") and said.address.scheme not in WEB)


def _is_passing(said: _Said) -> bool:
    return said.has(*(f" {status} " for status in _PASSING), *_PASSING_WORDS)


def _no_bucket(said: _Said) -> CrudeLinkError:
    word = "container" if said.address.scheme == "az" else "bucket"
    return NoBucket(f"there is no {word} {said.address.root} (looked for {said.address})")


def _no_folders(said: _Said) -> CrudeLinkError:
    return TransferError(f"{said.address} is no file, and its server lists no folders (by WebDAV): {said.text}")


_KINDS: tuple[tuple[Callable[[_Said], bool], Callable[[_Said], CrudeLinkError]], ...] = (
    (_is_no_bucket, _no_bucket),
    (
        lambda said: said.has(*_METADATA),
        lambda said: NoCredentials(f"no credentials for {said.address}: {said.text}"),
    ),
    (
        lambda said: said.kind in ("PermissionDeniedError", "UnauthenticatedError") or said.has(" 403 ", " 401 "),
        lambda said: Forbidden(f"{said.address} is forbidden to these credentials: {said.text}"),
    ),
    (
        lambda said: said.kind == "PreconditionError",
        lambda said: Passing(f"{said.address} was changed in the store meanwhile"),
    ),
    (_is_passing, lambda said: Passing(f"{said.address}: {said.text}")),
    (lambda said: said.is_listing and said.address.scheme in WEB, _no_folders),
    (
        lambda said: said.kind in ("FileNotFoundError", "NotFoundError"),
        lambda said: Gone(
            f"{said.address} cannot be found, although it was listed: it was deleted, or its name begins or ends "
            "with a slash"
        ),
    ),
    (
        lambda said: said.kind == "InvalidPathError",
        lambda said: TransferError(f"{said.address} holds a name that cannot be a file here: {said.text}"),
    ),
    (lambda _: True, lambda said: TransferError(f"{said.address}: {said.text}")),
)


def _short(error: Exception) -> str:
    """Return what an error of obstore says, without its counts of retries, its Rust structures and its XML."""
    text, _, structures = str(error).partition("\n\nDebug source")
    said, _, document = text.strip().partition("<?xml")
    request = _REQUEST.search(said)
    if request:
        said = f"{request[1]} {request[2]}: {request[3]}"
    cause = _CAUSE.search(structures)
    inside = [document.partition(f"<{tag}>")[2].partition("<")[0] for tag in ("Code", "Message")]
    parts = [said.strip().removesuffix(":"), cause[1] if cause and not document else "", *inside]
    return ": ".join(part.strip() for part in parts if part.strip())[:600]
