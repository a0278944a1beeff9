"""`crude-link schedule backfill`: run slot times of the past, one after the other."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crude_link.cli.options import common_options, config_option
from crude_link.errors import UsageError

if TYPE_CHECKING:
    from crude_link.app import Desk
    from crude_link.cli.backfilling import Wanted
    from crude_link.cli.past_slots import PastSlot
    from crude_link.cli.schedules import Entry

#: More runs than this are begun only after a question.
_MANY = 20
#: No zone is farther from another.
_ZONES_APART = timedelta(hours=27)


@click.command()
@click.argument("pipeline", required=False)
@click.option("--from", "first", required=True, metavar="WHEN", help="The first day, or time: 2026-11-01.")
@click.option("--to", "last", metavar="WHEN", help="The last day, or time, which counts too. [now]")
@click.option("--entry", metavar="NAME", help="Of several entries, only this one; otherwise all in order of time.")
@click.option("--again", is_flag=True, help="Run those that ran already once more.")
@click.option("-k", "--keep-running", is_flag=True, help="Go on after a failed run.")
@click.option("--dry-run", is_flag=True, help="Only say which slots would be run.")
@click.option("--yes", is_flag=True, help=f"Do not ask before more than {_MANY} runs.")
@config_option
@common_options
def command(
    pipeline: str | None,
    first: str,
    last: str | None,
    entry: str | None,
    again: bool,
    keep_running: bool,
    dry_run: bool,
    yes: bool,
    config_file: tuple[Path, ...],
) -> int:
    """Run the slots of a schedule from one day or time to another, in order, each with its own slot time.

    Slots that ran already are left out, also those whose run failed (`crude-link resume` goes on with it), so that
    the same command goes on where it was stopped. Days and times without an offset are in the zone of the schedule.
    Example: `crude-link schedule backfill night --from 2026-11-01 --to 2026-11-07`.
    """
    from crude_link.app import Desk
    from crude_link.cli.backfilling import Wanted, lines_of, run_slots, summary
    from crude_link.cli.talk import say, show

    wanted = Wanted(
        config_files=config_file,
        pipeline=pipeline,
        first=first,
        last=last,
        entry=entry,
        again=again,
        keep_running=keep_running,
    )
    desk = Desk.here()
    slots = _slots(desk, wanted)
    chosen = [slot for slot in slots if again or slot.run is None]
    if dry_run:
        show(lines_of(slots, again=again))
    if dry_run or not chosen:
        say(summary(slots, chosen))
        return 0
    if len(chosen) > _MANY and not yes:
        from crude_link.cli.prompt import confirm

        if not confirm(f"{summary(slots, chosen)}. Begin {len(chosen):,} runs?"):
            say("nothing was begun · --yes begins without a question, --dry-run lists them")
            return 1
    return run_slots(wanted, slots, chosen)


def _slots(desk: Desk, wanted: Wanted) -> list[PastSlot]:
    from crude_link.cli.past_slots import past_slots
    from crude_link.cli.schedules import files_meant, records_if_any

    records = records_if_any(desk)
    entries = _entries(desk, files_meant(records, wanted.config_files), wanted)
    ledger = records.store.ledger if records else None
    return past_slots(entries, wanted.first, wanted.last, desk.clock.now(), ledger)


def _entries(desk: Desk, files: tuple[Path, ...], wanted: Wanted) -> list[Entry]:
    """Return the entries of the one pipeline that is meant. UsageError."""
    from crude_link.cli.schedules import check_names, entries_of

    names = [wanted.pipeline] if wanted.pipeline is not None else []
    entries = entries_of(desk, files, names, fires_after=_before(wanted))
    pipelines = list(dict.fromkeys(entry.pipeline for entry in entries))
    if len(pipelines) > 1:
        choice = "|".join(pipelines)
        raise UsageError(f"which pipeline? crude-link schedule backfill {choice} --from {wanted.first}")
    if wanted.entry is not None:
        check_names([wanted.entry], [entry.name for entry in entries], f"{pipelines[0]} has no entry")
        entries = [entry for entry in entries if entry.name == wanted.entry]
    timed = [entry for entry in entries if not entry.schedule.new_files]
    if not timed:
        raise UsageError(
            f"{pipelines[0]} looks for {entries[0].schedule.new_files}, and no time of the past says what was new "
            f"then: there is nothing to back-fill. `crude-link run {pipelines[0]}` runs it now"
        )
    return timed


def _before(wanted: Wanted) -> datetime:
    """Return a moment before all slots that are wanted; a schedule that has ended since may have had some."""
    from crude_link.cli.moments import span_of

    return span_of(wanted.first, timezone.utc, "--from").first - _ZONES_APART
