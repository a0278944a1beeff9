"""Failures: what can go wrong between here and a store, told apart by what a person would do about it.

TransferError                1   some files could not be transferred
├── Passing                  1   may go well when it is tried again
├── Gone                     1   an object that was listed is there no longer
├── DiskIsFull               1   no room is left here
└── CannotReach              4   nothing could be transferred at all
    ├── NoCredentials        4
    ├── NoBucket             4
    ├── Forbidden            4
    ├── Unreachable          4
    └── MissingExtra         4
"""

from __future__ import annotations

from crude_link.errors import CrudeLinkError, UsageError


class BadAddress(UsageError):
    """A URL that names no folder and no file of a store."""


class BadOrder(UsageError):
    """The order for a transfer cannot be read."""


class TransferError(CrudeLinkError):
    """Files could not be transferred."""

    #: How a report names this kind of failure.
    word = "failed"


class Passing(TransferError):
    """A broken connection, an overloaded server, a body that ended early: it may go well another time."""


class Gone(TransferError):
    """An object that was listed cannot be found under its name."""


class DiskIsFull(TransferError):
    """No room is left on the disk of the local folder."""

    word = "disk-full"


class CannotReach(TransferError):
    """Nothing can be transferred: trying again at once would not help."""

    exit_status = 4


class NoCredentials(CannotReach):
    """No credentials were found where the store's own tools look for them."""

    word = "no-credentials"


class NoBucket(CannotReach):
    """The bucket, container or folder does not exist."""

    word = "no-bucket"


class Forbidden(CannotReach):
    """The credentials that were found are not allowed to do this."""

    word = "forbidden"


class Unreachable(CannotReach):
    """No server answers."""

    word = "unreachable"


class MissingExtra(CannotReach):
    """A library is not installed that this kind of store needs."""

    word = "missing-extra"
