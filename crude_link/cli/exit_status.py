"""Exit statuses of runs that failed."""

from __future__ import annotations

from crude_link.model.run import Attempt
from crude_link.model.transfer import CANNOT_BEGIN, owner_of


def exit_status_after(attempt: Attempt | None) -> int:
    """Return the exit status of a run whose first failure this was: 4 for a transfer that could not even start."""
    is_transfer = attempt is not None and bool(owner_of(attempt.key.step))
    outcome = attempt.outcome if attempt and is_transfer else None
    return CANNOT_BEGIN if outcome is not None and outcome.exit_status == CANNOT_BEGIN else 1
