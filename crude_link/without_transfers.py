"""Pipelines without their downloads and uploads: those of runs that use what lies here (`--no-transfer`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crude_link.config.load import build

if TYPE_CHECKING:
    from crude_link.model.pipeline import Pipeline
    from crude_link.model.value import Plain

_KEYS = ("download", "upload")


def without_transfers(pipeline: Pipeline) -> Pipeline:
    """Return a pipeline without its downloads and uploads, also as recorded."""
    # Empty lists, not nothing: so the record tells it from a pipeline that has none.
    document: dict[str, Plain] = {**pipeline.document, **{key: [] for key in _KEYS}}
    recorded = pipeline.document["steps"]
    assert isinstance(recorded, Sequence)
    document["steps"] = [
        {key: value for key, value in step.items() if key not in _KEYS}
        for step in recorded
        if isinstance(step, Mapping)
    ]
    return replace(build(document), resolved=pipeline.resolved, warnings=pipeline.warnings)


def was_without_transfers(recorded: Pipeline) -> bool:
    """True for the pipeline of a run that was begun so."""
    return all(recorded.document.get(key) == [] for key in _KEYS)
