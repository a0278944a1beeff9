"""Transfers among steps: what keeps one from starting, and what follows from one that had nothing to bring.

An upload of the run waits until every step has succeeded; one that its own `when` kept from running is no failure. A
download with `if_empty: skip` that finds nothing stands in the way of all that needs it, though it has succeeded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from crude_link.model.pipeline import Step
from crude_link.model.run import Attempt, Findings
from crude_link.model.status import Status
from crude_link.model.transfer import NOTHING, Transfer, TransferKind

if TYPE_CHECKING:
    from crude_link.engine.plan import Standing


def has_nothing(step: Step, findings: Findings | None) -> bool:
    """True for a download that succeeded with nothing, and for which the steps are to be skipped then."""
    action = step.action
    if not isinstance(action, Transfer) or action.kind is not TransferKind.DOWNLOAD or action.if_empty != "skip":
        return False
    return findings is not None and bool(findings.metrics.get(NOTHING))


def has_had(steps: Sequence[Step], standings: Mapping[str, Standing]) -> list[Attempt]:
    """Return the downloads of what is new whose files a run has had: those that a step ran on which needs them.

    Where none did (the run was asked for the download alone, or another one had nothing), the files are new still.
    """
    by_name = {step.name: step for step in steps}
    ran = {step.name for step in steps if not isinstance(step.action, Transfer) and standings[step.name].attempt}
    used = _all_needed(sorted(ran), by_name)
    new = [name for name in used if isinstance(action := by_name[name].action, Transfer) and action.only == "new"]
    attempts = [standings[step.name].attempt for step in steps if step.name in new]
    return [attempt for attempt in attempts if attempt is not None and attempt.status is Status.SUCCEEDED]


def fetched_for_later(steps: Sequence[Step], finished: Collection[str], left_out: Collection[str]) -> list[str]:
    """Return the finished downloads whose files a step may need that is still to run."""
    waiting = [step.name for step in steps if step.name not in {*finished, *left_out}]
    by_name = {step.name: step for step in steps}
    used = _all_needed([name for name in waiting if not isinstance(by_name[name].action, Transfer)], by_name)
    return [step.name for step in steps if step.name in used and step.name in finished and _is_download(step)]


def _all_needed(names: Sequence[str], by_name: Mapping[str, Step]) -> set[str]:
    """Return what some steps need, and what that needs."""
    used, open_names = set[str](), [need for name in names for need in by_name[name].needs]
    while open_names:
        name = open_names.pop()
        if name not in used:
            used.add(name)
            open_names += by_name[name].needs
    return used


def _is_download(step: Step) -> bool:
    return isinstance(step.action, Transfer) and step.action.kind is TransferKind.DOWNLOAD


def is_upload_of_run(step: Step) -> bool:
    """True for an upload that waits for all steps."""
    return isinstance(step.action, Transfer) and step.action.is_of_run and step.action.kind is TransferKind.UPLOAD


def held_back(step: Step, needs: Sequence[Standing], found: Mapping[str, Standing]) -> str | None:
    """Say why an upload of the run cannot start although all it needs is settled, or None.

    `needs` are those that the run was asked for; without any it begins with this upload, of what lies there.
    """
    blockers = dict.fromkeys(name for need in needs for name in need.blockers)
    for name in blockers:
        if found[name].state.status is Status.SUCCEEDED and name not in step.needs:
            return f"{name} brought nothing"
    if needs and all(need.state.status is Status.SKIPPED for need in needs):
        return "no step ran"
    if step.when is not None and step.when.is_always:
        return None
    for need in needs:
        if need.state.status not in (Status.SUCCEEDED, Status.SKIPPED):
            words = {Status.FAILED: "failed"}.get(need.state.status, "was not finished")
            return f"not every step succeeded: {need.state.name} {words}"
    return None


def what_was_nothing(steps: Sequence[Step], standings: Mapping[str, Standing]) -> str:
    """Say for which downloads steps were skipped; empty where there is none."""
    names = [step.name for step in steps if step.name in standings[step.name].blockers]
    empty = [name for name in names if standings[name].state.status is Status.SUCCEEDED]
    return f"nothing to do: {', '.join(empty)} found nothing" if empty else ""
