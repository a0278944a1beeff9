"""Which config files and which pipelines a command line means."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.errors import UsageError
from crude_link.store.place import find_project

if TYPE_CHECKING:
    from crude_link.app import Desk, Loaded
    from crude_link.model.pipeline import Pipeline
    from crude_link.model.run import Selection
    from crude_link.model.value import Plain

DEFAULT = Path("config.yaml")


def config_paths(given: Sequence[Path]) -> tuple[Path, ...]:
    """Return the config files: those given, else `config.yaml` here or in the project directory. UsageError."""
    if given:
        return tuple(given)
    beside = find_project(Path.cwd(), os.environ).directory / DEFAULT
    for path in (DEFAULT, beside):
        if path.exists():
            return (path,)
    raise UsageError(
        f"there is no {DEFAULT} in {Path.cwd()}. crude-link runs the steps that a config file lists: "
        "write one with `crude-link init`, or name yours with `--config-file FILE`."
    )


def choose(
    desk: Desk,
    files: Sequence[Path],
    settings: tuple[str, ...],
    names: Sequence[str] = (),
    *,
    fires_after: datetime | None = None,
) -> list[Loaded]:
    """Load the config files and return the named pipelines in the order named, or all in the files' order.

    A schedule must fire after `fires_after`, by default this moment.
    """
    loaded = [each for path in config_paths(files) for each in desk.load(path, settings, fires_after=fires_after)]
    if not names:
        return loaded
    known = {each.pipeline.name: each for each in loaded}
    unknown = [name for name in names if name not in known]
    if unknown:
        file = next((name for name in unknown if name.endswith((".yaml", ".yml"))), None)
        hint = f" A config file is named by -c: `crude-link run -c {file}`" if file else ""
        raise UsageError(f"no pipeline is called {', '.join(map(repr, unknown))}. Known: {', '.join(known)}.{hint}")
    return [known[name] for name in names]


def check_selection(chosen: Sequence[Loaded], selection: Selection) -> None:
    """UsageError when `--from` or `--only` names a step that one of the pipelines has not."""
    for each in chosen:
        names = each.pipeline.names
        unknown = selection.unknown_in(names)
        if unknown is not None:
            near = difflib.get_close_matches(unknown, names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Its steps: {', '.join(names)}"
            raise UsageError(f"pipeline {each.pipeline.name!r} has no step {unknown!r}. {hint}")


def limited(chosen: Sequence[Loaded], limit: int) -> list[Loaded]:
    """Return the pipelines with only the first `limit` inputs of each fan-out, also as recorded. UsageError."""
    if not any(step.foreach for each in chosen for step in each.pipeline.steps):
        raise UsageError("--limit is about the inputs of steps with foreach, and there is no such step")
    return [replace(each, pipeline=_limited(each.pipeline, limit)) for each in chosen]


def _limited(pipeline: Pipeline, limit: int) -> Pipeline:
    limits = {
        step.name: min(limit, step.foreach.limit or limit) for step in pipeline.steps if step.foreach is not None
    }
    steps = tuple(
        replace(step, foreach=replace(step.foreach, limit=limits[step.name])) if step.foreach else step
        for step in pipeline.steps
    )
    recorded = pipeline.document["steps"]
    assert isinstance(recorded, Sequence)
    document = {**pipeline.document, "steps": [_limited_record(each, limits) for each in recorded]}
    return replace(pipeline, steps=steps, document=document)


def _limited_record(step: Plain, limits: Mapping[str, int]) -> Plain:
    """Return what a record says of a step, with its limit: a list of items stands there as it was written."""
    if not isinstance(step, Mapping) or step.get("name") not in limits:
        return step
    foreach = step["foreach"]
    said = foreach if isinstance(foreach, Mapping) else {"items": foreach}
    return {**step, "foreach": {**said, "limit": limits[str(step["name"])]}}


def pipeline_names(files: Sequence[Path]) -> list[str]:
    """Return the names under `pipelines:` of the config files, read loosely; for a hint in an error only."""
    import yaml

    names: list[str] = []
    for path in files or (DEFAULT,):
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if isinstance(document, dict):
            found = document.get("pipelines") or document.get("jobs") or {}
            listed = (
                [each.get("name") for each in found if isinstance(each, dict)] if isinstance(found, list) else found
            )
            names += [str(name) for name in listed] if isinstance(listed, (dict, list)) else []
    return names
