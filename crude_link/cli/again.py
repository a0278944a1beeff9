"""Going on with a run, and doing one again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from crude_link.app import Ask, ConfigFile, recorded_pipeline
from crude_link.cli.attended import changed_steps, finished_steps, person_workshop, reloaded, see_through
from crude_link.cli.talk import say
from crude_link.errors import UsageError
from crude_link.model.run import Origin, Run
from crude_link.model.status import Status
from crude_link.workshop import Workshop


def resume_run(text: str, *, reload: bool, accept_changes: bool, prompt: bool) -> int:
    """Add a sitting to a run; return the exit status. A run that has succeeded is left as it is."""
    if accept_changes and not reload:
        raise UsageError("--accept-changes goes with --reload: without it the config is the run's own")
    with person_workshop(create=False) as workshop:
        run = workshop.store.runs.run(workshop.records.run_id(text))
        if run.status is Status.SUCCEEDED:
            say(f"run {run.id} has succeeded: nothing is left to do. To do it again: crude-link rerun {run.id}")
            return 0
        config = ConfigFile(path=workshop.desk.project.directory / run.config_file, settings=run.settings)
        pipeline = recorded_pipeline(workshop.store, run.id)
        if reload:
            fresh = reloaded(workshop, run, config)
            changed = changed_steps(pipeline, fresh, finished_steps(workshop, run.id))
            if changed and not accept_changes:
                raise UsageError(
                    f"run {run.id}: finished already, and different in {run.config_file} now: {', '.join(changed)}. "
                    f"To keep what they made and go on: crude-link resume {run.id} --reload --accept-changes. "
                    "To do everything again: crude-link run"
                )
            workshop.check(fresh, config.path, run.selection)
            live = workshop.resume(run.id, (fresh, config.path.read_text(encoding="utf-8")))
        else:
            live = workshop.resume(run.id)
        return see_through(workshop, live, config, prompt=prompt)


def rerun_run(run: str, *, prompt: bool) -> int:
    """Begin a new run from the record of another; return the exit status."""
    with person_workshop(create=False) as workshop:
        old = workshop.store.runs.run(workshop.records.run_id(run))
        for line in code_differences(workshop, old):
            say(line)
        text, _, _ = workshop.store.history.document(old.id)
        path = workshop.desk.project.directory / old.config_file
        config = ConfigFile(path=path, settings=old.settings, text=text)
        pipeline = recorded_pipeline(workshop.store, old.id)
        workshop.check(pipeline, config.path, old.selection)
        ask = Ask(origin=Origin.RERUN, selection=old.selection, rerun_of=old.id)
        live = workshop.begin(pipeline, config, ask)
        return see_through(workshop, live, config, prompt=prompt)


def code_differences(workshop: Workshop, old: Run) -> list[str]:
    """Say what of the code is not as it was when `old` ran: commit, uncommitted changes, scripts."""
    lines = []
    then = workshop.store.history.sittings(old.id)[-1].code
    now = workshop.code()
    if then and now and then.commit != now.commit:
        lines.append(f"the code is at commit {now.commit[:10]}; run {old.id} had {then.commit[:10]}")
    if then and now and then.diff_digest != now.diff_digest:
        lines.append(f"uncommitted changes are not those that run {old.id} had")
    digests = {a.key.step: (a.argv, a.script_digest) for a in workshop.store.attempts.attempts(old.id)}
    for step, (argv, digest) in digests.items():
        path = _script_in(argv, workshop.desk.project.directory)
        if digest and path and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            lines.append(f"{step}: {path.name} is not the file that run {old.id} had")
    return lines or [f"the code is as run {old.id} had it"]


def _script_in(argv: tuple[str, ...], project: Path) -> Path | None:
    for word in argv[:2]:
        path = project / word
        if path.suffix and path.is_file():
            return path
    return None
