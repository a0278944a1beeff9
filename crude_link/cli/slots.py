"""`crude-link slots`: change how many tasks of a fan-out run at once, while it runs."""

from __future__ import annotations

import time

import click

from crude_link.cli.options import RUN_HELP, common_options

#: Seconds between two looks whether the request was answered.
_PERIOD = 0.1
#: Looks for which the holder of a run may be busy.
_LOOKS = 300


@click.command(epilog=RUN_HELP)
@click.argument("run")
@click.argument("step")
@click.argument("slots", metavar="N", type=click.IntRange(1, 10_000))
@common_options
def command(run: str, step: str, slots: int) -> int:
    """Let N tasks of STEP run at once from now on, as long as RUN goes on.

    More begin at once; where there are too many, none is ended: a slot goes when its task has ended. A resume
    takes the number of the config again.
    """
    from crude_link.app import open_records
    from crude_link.cli.talk import say
    from crude_link.clock import SystemClock
    from crude_link.errors import UsageError
    from crude_link.identity import user_name
    from crude_link.model.run import NewRequest, RequestKind

    records = open_records()
    run_id = records.run_id(run)
    if not records.store.locks.is_held(run_id):
        raise UsageError(f"run {run_id} does not go on now. How many tasks run at once is `parallel` in the config")
    known = [state.name for state in records.store.states.states(run_id)]
    if step not in known:
        raise UsageError(f"run {run_id} has no step {step!r}. Its steps: {', '.join(known)}")
    asked = NewRequest(
        run=run_id, kind=RequestKind.SLOTS, by=user_name(), at=SystemClock().now(), step=step, number=slots
    )
    request = records.store.states.ask(asked)
    for _ in range(_LOOKS):
        answer = records.store.states.answer_of(request.id)
        if answer is not None:
            say(answer)
            return 0
        if not records.store.locks.is_held(run_id):
            break
        time.sleep(_PERIOD)
    say(f"run {run_id} has ended, or does not answer · crude-link show {run_id}")
    return 1
