"""All that a schema cannot know of a document, asked in one order; what few configs have is asked only of these."""

from __future__ import annotations

from crude_link.config.checks import Subject, check
from crude_link.config.foreach_checks import check_foreach
from crude_link.config.notify_checks import check_notify
from crude_link.config.resources_checks import check_resources
from crude_link.config.transfer_checks import check_transfers
from crude_link.config.warm_checks import check_warm

_OF_SCHEDULES = ("cron", "timezone", "schedule")


def check_whole(subject: Subject) -> None:
    """Check a document; what is wrong is added to its problems."""
    for each in (check, check_foreach, check_resources, check_warm, check_notify):
        each(subject)
    if any(key in subject.document for key in _OF_SCHEDULES):
        from crude_link.config.schedule_checks import check_schedules  # with all that only schedules need

        check_schedules(subject)
    check_transfers(subject)
