"""Load: the ways to a Pipeline: from a config file, and from a run's record."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from crude_link.config.building import pipeline_of, secrets_of
from crude_link.config.checks import Subject
from crude_link.config.node import Node, node_of
from crude_link.config.node import Path as Place
from crude_link.config.problems import Problems, one_problem
from crude_link.config.schema import PIPELINE
from crude_link.config.source import Source
from crude_link.config.validation import validated
from crude_link.config.whole_checks import check_whole
from crude_link.model.pipeline import Pipeline, Secret
from crude_link.model.value import Plain

if TYPE_CHECKING:
    from crude_link.model.recipient import Recipient

__all__ = ["Source", "build", "json_schema", "load", "read", "recorded_recipient"]


def read(path: Path, project: Path) -> str:
    """Return the text of a config file. ConfigError when it is not there or is no text."""
    from crude_link.config.syntax import read_text  # with OmegaConf, which a record does not need

    return read_text(path, _shown(path, project))


def load(source: Source) -> tuple[Pipeline, ...]:
    """Return the pipelines of a config file in its order. ConfigError bears all that is wrong with it."""
    from crude_link.config.from_file import pipelines_from  # with OmegaConf, which a record does not need

    shown = _shown(source.path, source.project)
    try:
        return pipelines_from(source, shown)
    except RecursionError as error:
        raise one_problem("something in it is nested hundreds of levels deep", shown) from error


def build(document: Mapping[str, Plain]) -> Pipeline:
    """Return the Pipeline of a run's record. ConfigError when this version cannot read the record."""
    problems = Problems()
    tree = node_of(document)
    subject = Subject(document, tree, problems)
    check_whole(subject)
    said = validated(document, tree, frozenset(), problems)
    problems.raise_if_any()
    return pipeline_of(said, document, Node({}))


def recorded_recipient(document: Mapping[str, Plain], secrets: Plain) -> tuple[Recipient, tuple[Secret, ...]]:
    """Return a recipient and the secrets of its pipeline from their record. ConfigError when it cannot be read."""
    from crude_link.config.notify_parts import recipients_of

    problems = Problems()

    def report(_path: Place, message: str, _of_key: bool) -> None:
        problems.add(f"the record of a recipient: {message}")

    told = PIPELINE["notify"].form.read(document, (), report)
    declared = PIPELINE["secrets"].form.read(secrets or {}, (), report)
    problems.raise_if_any()
    return recipients_of(told)[0], secrets_of(declared)


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a config file."""
    from crude_link.config.json_schema import json_schema as made

    return made()


def _shown(path: Path, project: Path) -> str:
    """Return the file as errors name it: relative to the project directory where it lies inside."""
    inside, folder = Path(os.path.realpath(path)), Path(os.path.realpath(project))
    return str(inside.relative_to(folder) if inside.is_relative_to(folder) else path)
