"""Going on with a run, and doing one again."""

from __future__ import annotations

from dataclasses import dataclass

from crude_link.app import Ask, Loaded, recorded
from crude_link.changes import code_changes, config_changes, has_new_text, loaded_again, script_changes
from crude_link.cli.attended import person_workshop, see_through
from crude_link.cli.fan_outs import fan_steps
from crude_link.cli.talk import say
from crude_link.errors import UsageError
from crude_link.model.run import Origin, Run
from crude_link.model.status import Status
from crude_link.workshop import Workshop


@dataclass(frozen=True, kw_only=True, slots=True)
class ResumeWish:
    """How a person wants to go on with a run."""

    #: Of tasks, only those that failed.
    failed: bool = False
    reload: bool = False
    accept_changes: bool = False
    prompt: bool = True


def resume_run(text: str, wish: ResumeWish) -> int:
    """Add a sitting to a run; return the exit status. A run that has succeeded is left as it is."""
    if wish.accept_changes and not wish.reload:
        raise UsageError("--accept-changes goes with --reload: without it the config is the run's own")
    with person_workshop(create=False) as workshop:
        run = workshop.store.runs.run(workshop.records.run_id(text))
        has_failed_tasks = wish.failed and bool(workshop.steps_with_failed_tasks(run.id))
        if run.status is Status.SUCCEEDED and not has_failed_tasks:
            say(f"run {run.id} has succeeded: nothing is left to do. To do it again: crude-link rerun {run.id}")
            return 0
        if wish.failed and not fan_steps(workshop.store.attempts.attempts(run.id)):
            raise UsageError(f"--failed is about tasks, and run {run.id} has begun none: crude-link resume {run.id}")
        loaded = recorded(workshop.records, run)
        if wish.reload:
            loaded = _reloaded(workshop, run, loaded, accept_changes=wish.accept_changes)
        elif has_new_text(workshop.desk, run, loaded.config.text):
            say(
                f"{run.config_file} has changed since; this goes on with what it said then. "
                f"To go on with what it says now: crude-link resume {run.id} --reload"
            )
        attempts = workshop.store.attempts.attempts(run.id)
        for line in script_changes(run.id, attempts, workshop.desk.project.directory):
            say(line)
        if not wish.reload and workshop.store.history.sittings(run.id):  # who recorded it for later has done that
            workshop.check_classes(loaded, run.selection, workshop.finished_steps(run.id))
        live = workshop.resume(run.id, loaded if wish.reload else None, only_failed=wish.failed)
        return see_through(workshop, live, loaded, prompt=wish.prompt).exit_status


def rerun_run(run: str, *, prompt: bool) -> int:
    """Begin a new run from the record of another; return the exit status."""
    with person_workshop(create=False) as workshop:
        old = workshop.store.runs.run(workshop.records.run_id(run))
        then = workshop.store.history.sittings(old.id)[-1].code
        changes = code_changes(old.id, then, workshop.code())
        attempts = workshop.store.attempts.attempts(old.id)
        changes += script_changes(old.id, attempts, workshop.desk.project.directory)
        for line in changes or [f"the code is as run {old.id} had it"]:
            say(line)
        loaded = recorded(workshop.records, old)
        workshop.check(loaded, old.selection)
        live = workshop.begin(loaded, Ask(origin=Origin.RERUN, selection=old.selection, rerun_of=old.id))
        return see_through(workshop, live, loaded, prompt=prompt).exit_status


def _reloaded(workshop: Workshop, run: Run, before: Loaded, *, accept_changes: bool) -> Loaded:
    """Return a run's pipeline as its config says it now. UsageError when finished steps would differ."""
    loaded = loaded_again(workshop.desk, run, before.pipeline)
    changes = config_changes(before.pipeline, loaded.pipeline)
    for line in changes.lines():
        say(line)
    spoiled = changes.spoils(workshop.finished_steps(run.id))
    if spoiled and not accept_changes:
        raise UsageError(
            f"run {run.id}: finished already, and different in {run.config_file} now: {', '.join(spoiled)}. "
            f"To keep what they made and go on: crude-link resume {run.id} --reload --accept-changes. "
            "To do everything again: crude-link run"
        )
    workshop.check(loaded, run.selection, workshop.finished_steps(run.id))
    return loaded
