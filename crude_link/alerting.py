"""Alerting: who writes alerts, and who delivers them, put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from crude_link.app import Desk, Records
from crude_link.errors import CrudeLinkError
from crude_link.model.alert import Alert, AlertKind, Dispatch
from crude_link.model.event import Level, Notice
from crude_link.model.run import Run
from crude_link.store.place import HOME_VARIABLE, Project

if TYPE_CHECKING:
    from crude_link.couriers.carrying import Means
    from crude_link.couriers.letter import Letter
    from crude_link.model.pipeline import Pipeline, Secret
    from crude_link.model.recipient import Address
    from crude_link.notifiers.alerts import AlertNotifier

_LOOK_EVERY = timedelta(seconds=5)
_COMMAND_TIME = timedelta(seconds=50)


def alert_notifier(records: Records, desk: Desk, remark: Callable[[Notice], None]) -> AlertNotifier:
    """Return the notifier that writes alerts; `remark` hears of what goes wrong with that."""
    from crude_link.notifiers.alerts import AlertNotifier, AlertParts

    parts = AlertParts(
        outbox=records.store.outbox,
        past_runs=records.store.history.runs,
        clock=desk.clock,
        host=os.uname().nodename,
        directory=str(desk.project.directory),
        deliver=DeliveryProcess(desk.project, desk.environment, remark),
        remark=remark,
    )
    return AlertNotifier(parts)


class AlertDuty:
    """The scheduler's duty to look after alerts; it keeps no scheduler going."""

    is_over = True

    def __init__(
        self, alerts: AlertNotifier, now: Callable[[], datetime], is_tried_again: Callable[[int], bool]
    ) -> None:
        self._alerts = alerts
        self._now = now
        self._is_tried_again = is_tried_again

    def act(self) -> datetime:
        """Look at the runs that go on, and at what could not be delivered before."""
        self._alerts.look()
        return self._now() + _LOOK_EVERY

    def ended(self, run: Run) -> None:
        """Tell of a failure when it is known whether the run is gone on with."""
        self._alerts.settle(run.id, is_tried_again=self._is_tried_again(run.id))


class DeliveryProcess:
    """A process of crude-link that delivers what is due; at most one of ours at a time, and none that we wait for."""

    def __init__(self, project: Project, environment: Mapping[str, str], remark: Callable[[Notice], None]) -> None:
        self._project = project
        self._environment = dict(environment)
        if HOME_VARIABLE in self._environment:
            self._environment[HOME_VARIABLE] = str(project.home)  # a relative one started where we were started
        self._remark = remark
        self._pid: int | None = None
        self._has_complained = False

    def __call__(self) -> None:
        """Begin to deliver, unless that goes on."""
        from crude_link.programs import is_over, ourselves, start_detached

        if self._pid is not None and not is_over(self._pid):
            return
        try:
            self._pid = start_detached(
                ourselves("notify", "deliver"),
                cwd=self._project.directory,
                environment=self._environment,
                log=self._project.home / "delivery.log",
            )
        except (CrudeLinkError, OSError) as error:
            self._pid = None
            if not self._has_complained:
                self._has_complained = True
                self._remark(Notice(text=f"alerts wait, for nobody delivers them: {error}", level=Level.ERROR))


def deliver(records: Records, desk: Desk) -> None:
    """Deliver what is due in a project, unless somebody is at it."""
    from crude_link.couriers.delivery import Delivery
    from crude_link.store.sole import sole

    outbox, clock = records.store.outbox, desk.clock
    delivery = Delivery(outbox=outbox, clock=clock, carry=lambda dispatch: carry_dispatch(desk, dispatch))
    while True:
        with sole(records.project.home / "delivery.lock") as is_mine:
            if not is_mine:
                return  # whoever it is looks once more after letting go
            delivery.work()
        due = outbox.next_due()
        if due is None or due > clock.now():
            return


def carry_dispatch(desk: Desk, dispatch: Dispatch) -> str:
    """Try a dispatch, read back from its record; return the answer. NotDelivered."""
    from crude_link.config.load import recorded_recipient
    from crude_link.couriers.letter import Letter, NotDelivered

    try:
        recipient, secrets = recorded_recipient(dispatch.recipient, dispatch.secrets)
    except CrudeLinkError as error:
        raise NotDelivered(str(error)) from error
    return carry_letter(desk, Letter(alert=dispatch.alert, id=dispatch.id), recipient.address, secrets)


def carry_letter(desk: Desk, letter: Letter, address: Address, secrets: tuple[Secret, ...]) -> str:
    """Try to deliver a letter now; return the answer. NotDelivered."""
    from crude_link.couriers.carrying import carry

    return carry(letter, address, _means(desk, secrets))


def trial_alert(desk: Desk, pipeline: Pipeline) -> Alert:
    """Return an alert that tells of nothing but that it arrived."""
    return Alert(
        kind=AlertKind.TEST,
        pipeline=pipeline.name,
        at=desk.clock.now(),
        title=f"{pipeline.name}: this is a test, all is well",
        host=os.uname().nodename,
        directory=str(desk.project.directory),
        commands=("crude-link notify log",),
    )


def _means(desk: Desk, secrets: tuple[Secret, ...]) -> Means:
    from crude_link.couriers.carrying import Means
    from crude_link.programs import output_of
    from crude_link.steps.references import fill_shell

    kept = desk.secrets(secrets)

    def run(text: str, facts: Mapping[str, str], given: bytes) -> str:
        environment = {**desk.environment, **facts}
        return output_of(
            text, cwd=desk.project.directory, environment=environment, timeout=_COMMAND_TIME, given=given
        )

    return Means(
        secret=kept.value,
        masks=kept.masks,
        in_shell=lambda text, look_up: str(fill_shell(text, look_up)),
        run=run,
    )
