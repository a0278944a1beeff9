"""Load: the way from a config file, or from a run's record, to Pipelines.

text -> node graph -> Drafts with names -> `--set` -> merged tree -> references -> document -> checks -> Pipeline
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from crude_link.config.building import pipeline_of
from crude_link.config.checks import Subject, check
from crude_link.config.draft import Draft
from crude_link.config.keys import FILE_KEYS, PIPELINE_KEYS
from crude_link.config.merging import combined, named, pipeline_name, tree_of
from crude_link.config.node import Node, node_of
from crude_link.config.problems import Problems
from crude_link.config.reading import Reader
from crude_link.config.resolving import Resolver, World
from crude_link.config.settings import BadSetting, with_setting
from crude_link.config.syntax import parse, read_text
from crude_link.config.validation import check_unused_config, validated
from crude_link.model.pipeline import Pipeline, Schedule
from crude_link.model.value import Plain


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a config comes from, and the world that its early references can ask."""

    #: The config file.
    path: Path
    #: The project directory, at which relative paths start.
    project: Path
    #: The texts of `--set K=V`.
    settings: tuple[str, ...] = ()
    #: The time at which the run began, for `${now:...}`.
    now: datetime
    environment: Mapping[str, str]
    #: Runs the text of `${exec:...}` and returns its output; raises CrudeLinkError.
    run_exec: Callable[[str], str]
    #: Says what is wrong with a schedule that only its trigger can know, or None.
    check_schedule: Callable[[Schedule], str | None] | None = None


def load(source: Source) -> tuple[Pipeline, ...]:
    """Return the pipelines of a config file in its order. ConfigError bears all that is wrong with it."""
    shown = _shown(source)
    problems = Problems(file=shown)
    root = parse(read_text(source.path, shown), shown)
    shared, several = Reader(problems).drafts(root)
    drafts = _with_names(source, shared, several, problems)
    drafts = _with_settings(drafts, source.settings, problems)
    world = World(
        project=source.project, now=source.now, environment=source.environment, run_exec=source.run_exec
    )  # fmt: skip
    pipelines = [_load_one(draft, source, world, problems) for draft in drafts]
    problems.raise_if_any()
    made = [pipeline for pipeline in pipelines if pipeline]
    return tuple(replace(pipeline, warnings=problems.warnings) for pipeline in made)


def build(document: Mapping[str, Plain]) -> Pipeline:
    """Return the Pipeline of a run's record. ConfigError when this version cannot read the record."""
    problems = Problems()
    tree = node_of(document)
    check(Subject(document, tree, problems))
    model = validated(document, tree, frozenset(), problems)
    problems.raise_if_any()
    assert model
    return pipeline_of(model, document, Node({}))


def _load_one(draft: Draft, source: Source, world: World, problems: Problems) -> Pipeline | None:
    tree = tree_of(draft)
    resolver = Resolver(tree, world, problems)
    document = {key: resolver.document((key,)) for key in PIPELINE_KEYS if key in tree.entries}
    unknown = {key: node.plain() for key, node in tree.entries.items() if key not in (*PIPELINE_KEYS, *FILE_KEYS)}
    check(Subject(document, tree, problems, source.check_schedule))
    model = validated({**document, **unknown}, tree, resolver.broken, problems)
    _check_unused(draft, tree, resolver, problems)
    if not model:
        return None
    return replace(pipeline_of(model, document, tree), resolved=resolver.resolved)


def _check_unused(draft: Draft, tree: Node, resolver: Resolver, problems: Problems) -> None:
    used = {step.body.made_from for step in draft.steps or ()}
    for name in draft.configs:
        if name not in used:
            check_unused_config(name, resolver.document(("configs", name)), tree, problems)


def _with_names(source: Source, shared: Draft, several: Mapping[str, Draft], problems: Problems) -> list[Draft]:
    """Return the file's pipelines, each with its name under `name`, and with names for their steps."""
    if not several:
        name = shared.keys.get("name") or Node(pipeline_name(source.path.resolve()))
        return [named(replace(shared, keys={"name": name, **shared.keys}))]
    drafts = []
    prefix = f"{shared.keys['name'].value}-" if "name" in shared.keys else ""
    for key, own in several.items():
        name = own.keys.get("name") or Node(f"{prefix}{key}", own.at, own.at)
        draft = combined(shared, own)
        drafts.append(named(replace(draft, keys={**draft.keys, "name": name})))
    names = [draft.keys["name"].value for draft in drafts]
    for draft in drafts:
        if names.count(draft.keys["name"].value) > 1:
            problems.add(f"there are two pipelines of the name '{draft.keys['name'].value}'", draft.at)
    return drafts


def _with_settings(drafts: list[Draft], settings: tuple[str, ...], problems: Problems) -> list[Draft]:
    """Put every `--set` into all pipelines that have its place; it is wrong when none has."""
    for setting in settings:
        made: list[Draft] = []
        wrong: list[str] = []
        for draft in drafts:
            try:
                made.append(with_setting(draft, setting))
            except BadSetting as error:
                made.append(draft)
                wrong.append(str(error))
        if wrong and len(wrong) == len(drafts):
            problems.add(wrong[0])
        drafts = made
    return drafts


def _shown(source: Source) -> str:
    """Return the file as errors name it: relative to the project directory where it lies inside."""
    try:
        return str(source.path.resolve().relative_to(source.project.resolve()))
    except ValueError:
        return str(source.path)
