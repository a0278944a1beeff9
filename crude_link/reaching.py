"""Reaching: whether the stores of a pipeline's transfers can be reached, asked before any of its steps runs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.errors import CrudeLinkError, Problem
from crude_link.model.run import Selection
from crude_link.model.transfer import Transfer

if TYPE_CHECKING:
    from crude_link.app import Desk, Loaded
    from crude_link.model.pipeline import Step
    from crude_link.steps.store_checks import StoreCheck

#: A store that has not answered by then is slow, or not there.
_LONGEST = timedelta(minutes=2)


def store_problems(desk: Desk, loaded: Loaded, selection: Selection, done: Sequence[str] = ()) -> list[Problem]:
    """Speak to the stores that all steps but those that are `done` use; return what is wrong."""
    pipeline = loaded.pipeline
    steps = [s for s in pipeline.steps if s.name not in done and not selection.leaves_out(pipeline.names, s.name)]
    left = [one for step in steps for one in _parts_with_stores(step)]
    if not left:
        return []
    from crude_link.steps.places import Places
    from crude_link.steps.store_checks import store_checks

    secrets = desk.secrets(pipeline.secrets)
    places = Places(project=desk.project.directory, config_folder=loaded.config.path.absolute().parent)
    checks = store_checks(left, desk.environment, secrets, places)
    found = [problem for check in checks for problem in _problems(desk, loaded, check)]
    return sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0))


def _parts_with_stores(step: Step) -> Iterator[Step]:
    """Yield a step that transfers something, or has files of stores as inputs; and one for each task's transfer."""
    if isinstance(step.action, Transfer):
        yield from (step,) if step.action.remote else ()
    elif step.foreach and step.foreach.is_of_stores:
        yield step
    for each in step.transfers:
        key = each.transfer.kind.value
        yield replace(
            step,
            name=f"{step.name}.{key}",
            action=each.transfer,
            env={**step.env, **each.env},
            env_file=each.env_file or step.env_file,
            position=step.places.get(key, step.position),
        )


def _problems(desk: Desk, loaded: Loaded, check: StoreCheck) -> Iterator[Problem]:
    """Do one check; yield a problem for each line that it wrote, at the step that the line is about."""
    for text in _said(desk, check):
        step = next((s for s, remote in check.remotes if remote.rstrip("/") in text), check.remotes[0][0])
        line, column = _at(step)
        yield Problem(message=f"{step.name}: {text}", file=str(loaded.config.path), line=line, column=column)


def _said(desk: Desk, check: StoreCheck) -> list[str]:
    from crude_link.programs import complaint_of
    from crude_link.steps.transfer_orders import program

    with tempfile.TemporaryDirectory(prefix="crude-link-") as folder:
        order = Path(folder) / "check.order"
        order.write_text(json.dumps(check.order), encoding="utf-8")
        try:
            said = complaint_of(
                program(order),
                cwd=desk.project.directory,
                environment=check.env,
                timeout=_LONGEST,
                name="the look at the stores",
                errors_only=True,
            )
        except CrudeLinkError as error:
            said = str(error)
    lines = [check.masked(line) for line in (said or "").splitlines() if line.strip()]
    return list(dict.fromkeys(lines))


def _at(step: Step) -> tuple[int | None, int | None]:
    return step.position or (None, None)
