"""Pausing: which pipelines are meant by `schedule pause` and `unpause`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crude_link.app import Desk
from crude_link.cli.schedules import check_names, entries_of, files_meant, known_pipelines, records_if_any
from crude_link.errors import CrudeLinkError, UsageError


def scheduled_names(files: Sequence[Path]) -> list[str]:
    """Return the pipelines that have a schedule, by the config files or by the ledger.

    A config that cannot be read is no reason why nothing could be paused.
    """
    desk = Desk.here()
    records = records_if_any(desk)
    known = known_pipelines(records) if records else []
    try:
        return list(
            dict.fromkeys([*(entry.pipeline for entry in entries_of(desk, files_meant(records, files))), *known])
        )
    except CrudeLinkError:
        if not known:
            raise
        return known


def wanted_names(given: Sequence[str], every: bool, known: Sequence[str], verb: str) -> Sequence[str]:
    """Return the pipelines that are meant: those named, all, or the only one. UsageError."""
    if every and given:
        raise UsageError("--all and names of pipelines do not go together; leave one of them out")
    if given:
        check_names(given, known, "no schedule is known of")
        return given
    if every or len(known) == 1:
        return known
    raise UsageError(f"which one? crude-link schedule {verb} {'|'.join(known)}, or --all")
