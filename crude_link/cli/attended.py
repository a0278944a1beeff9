"""Running for a person: each pipeline once, and after a failure the question what to do."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.app import Ask, Loaded
from crude_link.cli.exit_status import exit_status_after
from crude_link.cli.pipelines import check_selection, choose, config_paths, limited
from crude_link.cli.talk import say
from crude_link.errors import ConfigError
from crude_link.keyboard import PersonsTerminal, screen_of
from crude_link.model.event import Notice
from crude_link.model.exhaustive import assert_never
from crude_link.model.order import View
from crude_link.model.run import Origin, Selection
from crude_link.model.status import Status
from crude_link.store.place import HOME_VARIABLE
from crude_link.without_transfers import without_transfers
from crude_link.workshop import Workshop

if TYPE_CHECKING:
    from crude_link.cli.prompt import Answer, Failure
    from crude_link.engine.live import LiveRun
    from crude_link.interfaces import Clock, Notifier
    from crude_link.model.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a person asked to be run."""

    config_files: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    selection: Selection = Selection()
    #: Of the inputs of fan-outs, only the first so many.
    limit: int | None = None
    #: What lies there is used, and what is made stays there.
    no_transfer: bool = False
    prompt: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """How the work on a run, and on what a person made of it at the prompt, came to its end."""

    exit_status: int
    #: The person wants no more, or a signal came: what else was wished is not begun.
    is_stopped: bool = False


def run_attended(wish: Wish) -> int:
    """Run the wished pipelines one after the other; return the exit status."""
    config_paths(wish.config_files)  # where there is none, no store is made either
    with person_workshop() as workshop:
        chosen = _checked(workshop, wish)
        workshop.notifier.tell(Notice(text=f"in {workshop.desk.project.directory}"))
        if any(each.pipeline.schedules for each in chosen):
            key = "cron section" if any("cron" in each.pipeline.document for each in chosen) else "schedule"
            workshop.notifier.tell(Notice(text=f"the {key} is followed only with --non-interactive"))
        statuses = []
        for each in chosen:
            live = workshop.begin(each, Ask(selection=wish.selection))
            seen = see_through(workshop, live, each, prompt=wish.prompt)
            statuses.append(seen.exit_status)
            if each.pipeline.retention:
                workshop.tidy(each.pipeline)
            if seen.is_stopped:
                break
        return max(statuses, default=0)


def exit_status_of(live: LiveRun) -> int:
    """Return the exit status of a run that failed: 4 when that was because a transfer could not even start."""
    standings = live.plan.standings if live.plan else {}
    failed = [standing for standing in standings.values() if standing.state.status is Status.FAILED]
    return exit_status_after(failed[0].attempt if failed else None)


def run_detached(wish: Wish) -> list[int]:
    """Record the wished runs and begin them in processes of their own; return their ids."""
    from crude_link.programs import ourselves, start_detached

    config_paths(wish.config_files)
    with person_workshop() as workshop:
        chosen = _checked(workshop, wish)
        project, environment = workshop.desk.project, dict(workshop.desk.environment)
        if HOME_VARIABLE in environment:
            environment[HOME_VARIABLE] = str(project.home)  # a relative one started where we were started
        runs = [workshop.desk.record(workshop.store, each, Ask(selection=wish.selection)) for each in chosen]
        for run in runs:
            start_detached(
                ourselves("resume", str(run.id), "--no-prompt"),
                cwd=project.directory,
                environment=environment,
                log=workshop.store.files.folder(run.id) / "detached.log",
            )
        return [run.id for run in runs]


def see_through(workshop: Workshop, live: LiveRun, loaded: Loaded, *, prompt: bool) -> Seen:
    """Work on a run to its end, asking what to do after each failure."""
    while True:
        run = workshop.runner.finish()[-1]
        interrupts = workshop.interrupts
        if run.status is Status.SUCCEEDED:
            return Seen(exit_status=0, is_stopped=interrupts.signal is not None)
        if interrupts.signal:
            is_its_end = run.status is Status.CANCELLED
            return Seen(exit_status=interrupts.exit_status if is_its_end else 1, is_stopped=True)
        if run.status is not Status.FAILED or not prompt:
            return Seen(exit_status=exit_status_of(live))
        following = _after_failure(workshop, live, run, loaded)
        if isinstance(following, Seen):
            return following
        live, loaded = following


def person_workshop(*, create: bool = True) -> Workshop:
    """Open a workshop whose notifier is the terminal, or the pipe, that we write to; without `create`, on a store."""
    view = View(stdout=screen_of(1), stderr=screen_of(2))
    return Workshop(_terminal, view=view, create=create, front=PersonsTerminal())


def _terminal(clock: Clock) -> Notifier:
    from crude_link.notifiers.terminal import TerminalNotifier

    return TerminalNotifier(sys.stdout.buffer, sys.stderr, clock)


def _checked(workshop: Workshop, wish: Wish) -> list[Loaded]:
    chosen = choose(workshop.desk, wish.config_files, wish.settings, wish.names)
    check_selection(chosen, wish.selection)
    if wish.limit is not None:
        chosen = limited(chosen, wish.limit)
    if wish.no_transfer:
        chosen = [replace(each, pipeline=without_transfers(each.pipeline)) for each in chosen]
    for each in chosen:
        workshop.check(each, wish.selection)
    return chosen


def _after_failure(workshop: Workshop, live: LiveRun, run: Run, loaded: Loaded) -> tuple[LiveRun, Loaded] | Seen:
    """Ask, and begin what was answered: a further sitting or a new run; or say how it ended."""
    from crude_link.cli.prompt import Answer, Failure

    assert live.plan is not None
    failed = [name for name, standing in live.plan.standings.items() if standing.state.status is Status.FAILED]
    if not failed:  # the run's own timeout ended it
        return Seen(exit_status=1)
    failure = Failure(run=run.id, step=failed[0], config=loaded.config.path, order=live.orders_made.get(failed[0]))
    try:
        with workshop.interrupts.raising():
            answer, edited = _answered(workshop, live, loaded, failure)
    except KeyboardInterrupt:
        if not workshop.interrupts.signal:  # a key of the menu
            workshop.interrupts.note(signal.SIGINT)
        _say_where(run, failed[0])
        return Seen(exit_status=workshop.interrupts.exit_status, is_stopped=True)
    live_now: LiveRun | None = None
    match answer:
        case Answer.RERUN_STEP:
            live_now = workshop.resume(run.id)
        case Answer.RERUN_PIPELINE:
            live_now = workshop.begin(loaded, Ask(origin=Origin.RERUN, selection=run.selection, rerun_of=run.id))
        case Answer.EDIT:
            live_now = workshop.resume(run.id, edited)
        case Answer.SKIP:
            workshop.skip(run.id, failed[0])
            live_now = workshop.resume(run.id)
        case Answer.STOP | None:
            _say_where(run, failed[0])
        case _:
            assert_never(answer)
    return (live_now, edited or loaded) if live_now else Seen(exit_status=1, is_stopped=answer is Answer.STOP)


def _answered(
    workshop: Workshop, live: LiveRun, loaded: Loaded, failure: Failure
) -> tuple[Answer | None, Loaded | None]:
    """Ask until there is an answer that can be followed; with EDIT comes what was loaded again."""
    from crude_link.cli.prompt import Answer, ask_after_failure

    while True:
        answer = ask_after_failure(failure)
        if answer is not Answer.EDIT:
            return answer, None
        edited = _edited(workshop, live, loaded)
        if edited:
            return answer, edited


def _edited(workshop: Workshop, live: LiveRun, loaded: Loaded) -> Loaded | None:
    """Open the config in an editor and load what it says now; None when it cannot be used yet."""
    from crude_link.changes import config_changes, loaded_again
    from crude_link.cli.prompt import confirm
    from crude_link.programs import ProgramError, open_editor

    try:
        open_editor(loaded.config.path, workshop.desk.environment)
        edited = loaded_again(workshop.desk, live.run, live.pipeline)
        workshop.check(edited, live.run.selection, workshop.finished_steps(live.run.id))
    except (ConfigError, ProgramError) as error:
        say(str(error))
        return None
    changes = config_changes(live.pipeline, edited.pipeline)
    for line in changes.lines():
        say(line)
    spoiled = changes.spoils(workshop.finished_steps(live.run.id))
    if spoiled and not confirm(f"finished already, and now different: {', '.join(spoiled)}. Go on without them?"):
        return None
    return edited


def _say_where(run: Run, step: str) -> None:
    where = f"crude-link logs {run.id} {step} · crude-link resume {run.id}"
    say(f"run {run.id} stays failed at {step!r} · {where}")
