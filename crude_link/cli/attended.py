"""Running for a person: each pipeline once, and after a failure the question what to do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.app import Ask, ConfigFile, remove_old_runs
from crude_link.cli.pipelines import check_selection, choose, config_paths
from crude_link.errors import ConfigError
from crude_link.keyboard import PersonsTerminal, screen_of
from crude_link.model.event import Notice
from crude_link.model.exhaustive import assert_never
from crude_link.model.order import View
from crude_link.model.run import Selection
from crude_link.model.status import Status
from crude_link.workshop import Workshop

if TYPE_CHECKING:
    from crude_link.engine.live import LiveRun
    from crude_link.interfaces import Clock, Notifier
    from crude_link.model.pipeline import Pipeline
    from crude_link.model.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a person asked to be run."""

    config_files: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    selection: Selection = Selection()
    prompt: bool = True


def run_attended(wish: Wish) -> int:
    """Run the wished pipelines one after the other; return the exit status."""
    config_paths(wish.config_files)  # where there is none, no store is made either
    with person_workshop() as workshop:
        chosen = choose(workshop.desk, wish.config_files, wish.settings, wish.names)
        check_selection(chosen, wish.selection)
        for each in chosen:
            workshop.check(each.pipeline, each.config.path, wish.selection)
        workshop.notifier.tell(Notice(text=f"in {workshop.desk.project.directory}"))
        if any(each.pipeline.schedule for each in chosen):
            workshop.notifier.tell(Notice(text="the cron section is followed only with --non-interactive"))
        statuses = []
        for each in chosen:
            live = workshop.begin(each.pipeline, each.config, Ask(selection=wish.selection))
            statuses.append(see_through(workshop, live, each.config, prompt=wish.prompt))
            if each.pipeline.retention:
                now = workshop.desk.clock.now()
                remove_old_runs(workshop.store, each.pipeline.name, each.pipeline.retention, now)
            if workshop.interrupts.signal:
                break
        return max(statuses, default=0)


def run_detached(wish: Wish) -> list[int]:
    """Record the wished runs and begin them in processes of their own; return their ids."""
    from crude_link.programs import start_detached

    config_paths(wish.config_files)
    with person_workshop() as workshop:
        chosen = choose(workshop.desk, wish.config_files, wish.settings, wish.names)
        check_selection(chosen, wish.selection)
        for each in chosen:
            workshop.check(each.pipeline, each.config.path, wish.selection)
        runs = [
            workshop.desk.record(workshop.store, each.pipeline, each.config, Ask(selection=wish.selection))
            for each in chosen
        ]
        for run in runs:
            start_detached(
                [sys.executable, "-m", "crude_link", "resume", str(run.id), "--no-prompt"],
                cwd=workshop.desk.project.directory,
                log=workshop.store.files.folder(run.id) / "detached.log",
            )
        return [run.id for run in runs]


def see_through(workshop: Workshop, live: LiveRun, config: ConfigFile, *, prompt: bool) -> int:
    """Work on a run to its end, asking what to do after each failure; return the exit status."""
    while True:
        run = workshop.runner.finish()[-1]
        if run.status is not Status.FAILED or not prompt or workshop.interrupts.signal:
            return exit_status(workshop, run)
        following = _after_failure(workshop, live, run, config)
        if following is None:
            return exit_status(workshop, run)
        live = following


def exit_status(workshop: Workshop, run: Run) -> int:
    """Return 0 for a success, the signal's status for a run that it ended, else 1."""
    if run.status is Status.SUCCEEDED:
        return 0
    return workshop.interrupts.exit_status if run.status is Status.CANCELLED and workshop.interrupts.signal else 1


def person_workshop(*, create: bool = True) -> Workshop:
    """Open a workshop whose notifier is the terminal, or the pipe, that we write to; without `create`, on a store."""
    view = View(stdout=screen_of(1), stderr=screen_of(2))
    return Workshop(_terminal, view=view, create=create, front=PersonsTerminal())


def _terminal(clock: Clock) -> Notifier:
    from crude_link.notifiers.terminal import TerminalNotifier

    return TerminalNotifier(sys.stdout.buffer, sys.stderr, clock)


def _after_failure(workshop: Workshop, live: LiveRun, run: Run, config: ConfigFile) -> LiveRun | None:
    """Ask, and begin what was answered: a further sitting, a new run, or nothing (None)."""
    from crude_link.cli.prompt import Answer, Failure, ask_after_failure

    assert live.plan is not None
    failed = [name for name, standing in live.plan.standings.items() if standing.state.status is Status.FAILED]
    if not failed:  # the run's own timeout ended it
        return None
    failure = Failure(run=run.id, step=failed[0], config=config.path, order=live.orders_made.get(failed[0]))
    with workshop.interrupts.paused():
        while True:
            answer = ask_after_failure(failure)
            match answer:
                case Answer.RERUN_STEP:
                    return workshop.resume(run.id)
                case Answer.RERUN_PIPELINE:
                    return workshop.begin(live.pipeline, config, Ask(selection=run.selection, rerun_of=run.id))
                case Answer.EDIT:
                    edited = _edited(workshop, live, config)
                    if edited:
                        return edited
                case Answer.SKIP:
                    workshop.skip(run.id, failed[0])
                    return workshop.resume(run.id)
                case Answer.STOP:
                    step = failed[0]
                    where = f"crude-link logs {run.id} {step} · crude-link resume {run.id}"
                    workshop.notifier.tell(Notice(text=f"run {run.id} stays failed at {step!r} · {where}"))
                    return None
                case _:
                    assert_never(answer)


def _edited(workshop: Workshop, live: LiveRun, config: ConfigFile) -> LiveRun | None:
    """Open the config in an editor and go on with what it says now; None when it cannot be used yet."""
    from crude_link.cli.prompt import confirm
    from crude_link.programs import ProgramError, open_editor

    try:
        open_editor(config.path, workshop.desk.environment)
        pipeline = reloaded(workshop, live.run, config)
        workshop.check(pipeline, config.path, live.run.selection)
    except (ConfigError, ProgramError) as error:
        print(error, file=sys.stderr)  # noqa: T201 (the face talks)
        return None
    changed = changed_steps(live.pipeline, pipeline, finished_steps(workshop, live.run.id))
    if changed and not confirm(f"finished already, and now different: {', '.join(changed)}. Go on without them?"):
        return None
    return workshop.resume(live.run.id, (pipeline, config.path.read_text(encoding="utf-8")))


def reloaded(workshop: Workshop, run: Run, config: ConfigFile) -> Pipeline:
    """Return a run's pipeline as its config file says it now, with the run's own `--set` and time."""
    loaded = workshop.desk.load(ConfigFile(path=config.path, settings=run.settings), now=run.began)
    for pipeline in loaded:
        if pipeline.name == run.pipeline:
            return pipeline
    raise ConfigError.of(f"{config.path} has no pipeline {run.pipeline!r} any more")


def finished_steps(workshop: Workshop, run_id: int) -> list[str]:
    """Return the steps of a run that have succeeded."""
    attempts = workshop.store.attempts.attempts(run_id)
    return list(dict.fromkeys(a.key.step for a in attempts if a.status is Status.SUCCEEDED))


def changed_steps(old: Pipeline, new: Pipeline, finished: Sequence[str]) -> list[str]:
    """Return which of the finished steps the new pipeline says otherwise, or no longer."""
    from dataclasses import replace

    there = {step.name: replace(step, position=None) for step in new.steps}
    return [
        step.name
        for step in old.steps
        if step.name in finished and there.get(step.name) != replace(step, position=None)
    ]
