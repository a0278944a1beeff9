"""Transfer: a folder of files to be brought here, or away; and the names of the steps that do it.

A transfer is the action of a step of its own. Its name has a dot, which no name that a user gives can have:
`train.download` belongs to the step `train`, and `run.upload` to the run as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from crude_link.model.value import Text, Value

#: Where files can lie, as URLs name it: what comes with an extra of its own, and what fsspec knows besides.
SCHEMES = (
    "s3", "s3a", "gs", "gcs", "az", "sftp", "ssh", "http", "https", "file",
    "ftp", "smb", "webdav", "hdfs", "webhdfs", "oss", "oci", "box", "dropbox", "gdrive", "github", "hf", "lakefs",
)  # fmt: skip
#: Of these the first part is a bucket, which is there or not, and folders are what names say.
BUCKET_SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "azure")
#: Of these files can only be read.
READ_ONLY_SCHEMES = ("http", "https")
#: The last words of the names of listings: the second clears away what it finds.
LISTINGS = ("listing", "clean")
#: The exit status of a transfer that could not even start.
CANNOT_BEGIN = 4
#: The metric of a transfer that found nothing to bring.
NOTHING = "is_empty"


class TransferKind(Enum):
    """What a transfer does."""

    DOWNLOAD = "download"
    UPLOAD = "upload"
    #: Notes what the folders of later uploads hold before anything of the run has written there.
    LISTING = "listing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """What one step brings, from where to where."""

    kind: TransferKind
    #: A URL, or a path. Empty for a listing.
    remote: Text = ""
    #: Paths; one but for a listing.
    local: tuple[Text, ...] = ()
    include: tuple[Text, ...] = ()
    exclude: tuple[Text, ...] = ()
    #: `changed`, `all` or `new`.
    only: str = "changed"
    delete: bool = False
    #: `fail`, `skip` or `run`.
    if_empty: str = "fail"
    #: `ignore`, `upload` or `clean`.
    stale: str = "ignore"
    manifest: bool = False
    #: Options by scheme or bucket.
    storage: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    #: It belongs to the run as a whole: an upload that waits until every step has succeeded.
    is_of_run: bool = False

    def __str__(self) -> str:
        places = ", ".join(str(path) for path in self.local)
        match self.kind:
            case TransferKind.DOWNLOAD:
                return f"download {self.remote} to {places}"
            case TransferKind.UPLOAD:
                return f"upload {places} to {self.remote}"
            case TransferKind.LISTING:
                return f"note what is in {places}"


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskTransfer:
    """A transfer of each task of a step with `foreach`, in one attempt with the task's own program."""

    transfer: Transfer
    #: What it brings stays here when the task has succeeded.
    keep: bool = False
    #: An upload also after the program has failed.
    is_always: bool = False
    #: Further variables of the environment, for the transfer alone.
    env: Mapping[str, Value] = field(default_factory=dict)
    env_file: Text | None = None

    @property
    def texts(self) -> tuple[Text, ...]:
        """Return what may be another for each task."""
        made = self.transfer
        return (made.remote, *made.local, *made.include, *made.exclude)


def owner_of(name: str) -> str:
    """Return the step that a transfer belongs to, or the word for the run; empty for a step that is no transfer."""
    return name.rpartition(".")[0]


def is_upload(name: str) -> bool:
    """True for the name of a step that uploads."""
    return owner_of(name) != "" and name.rpartition(".")[2].startswith(TransferKind.UPLOAD.value)


def is_listing(name: str) -> bool:
    """True for the name of a step that notes what there was before, or clears it away."""
    return owner_of(name) != "" and name.rpartition(".")[2] in LISTINGS


def are_urls(patterns: Sequence[str]) -> bool:
    """True for patterns of files in stores, False for those of paths. ValueError says why they are neither."""
    schemes = {scheme_of(pattern) for pattern in patterns}
    if None in schemes and len(schemes) > 1:
        raise ValueError("names URLs and paths; keep one kind, or write the paths as file:///FOLDER/*")
    for pattern in patterns:
        scheme, _, rest = pattern.partition("://")
        if scheme_of(pattern) in READ_ONLY_SCHEMES:
            raise ValueError(f"cannot list a web server ({pattern}); name its files one by one under `items`")
        if rest and any(sign in rest.partition("/")[0] for sign in "*?["):
            raise ValueError(f"finds files in a bucket, not buckets: write {scheme}://BUCKET/... in {pattern}")
    return None not in schemes


def scheme_of(place: str) -> str | None:
    """Return the scheme of a URL; None for a path."""
    scheme, colon, _ = place.partition("://")
    return scheme.lower() if colon and scheme.replace("+", "").replace("-", "").isalnum() else None
