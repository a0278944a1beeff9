"""The files of services as they are found on the disk."""

from __future__ import annotations

from pathlib import Path

from crude_link.errors import UsageError


def read_text(path: Path) -> str | None:
    """Return the text of a file; None when there is none that can be read."""
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError:
        return None


def remove(path: Path) -> None:
    """Remove a file that need not be there. UsageError when it cannot be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be removed: {error.strerror}") from error
