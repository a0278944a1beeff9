"""From a file: the way from the text of a config file to its Pipelines.

text -> node graph -> Drafts with names -> `--set` -> merged tree -> references -> document -> checks -> Pipeline
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from crude_link.config.advice import advise
from crude_link.config.building import pipeline_of
from crude_link.config.checks import Subject
from crude_link.config.csjr import with_folders, without_foreign_words
from crude_link.config.draft import Draft
from crude_link.config.keys import FILE_KEYS, NO_DEFAULTS, PIPELINE_KEYS
from crude_link.config.merging import MERGED_KEYS, combined, named, pipeline_name, tree_of
from crude_link.config.node import Node, Path
from crude_link.config.placeholders import check_placeholders
from crude_link.config.problems import Problems
from crude_link.config.reading import Reader
from crude_link.config.resolving import Resolver
from crude_link.config.settings import BadSetting, OtherPipeline, with_setting
from crude_link.config.sound import Sight, sound_parts
from crude_link.config.source import Source
from crude_link.config.syntax import parse, read_text
from crude_link.config.transfer_checks import warn_of_shared_folders
from crude_link.config.validation import check_unused_config, validated
from crude_link.config.whole_checks import check_whole
from crude_link.config.world import World
from crude_link.errors import Problem
from crude_link.model.pipeline import Pipeline
from crude_link.model.value import Plain


def pipelines_from(source: Source, shown: str) -> tuple[Pipeline, ...]:
    """Return the pipelines of a file that errors call `shown`. ConfigError bears all that is wrong with it."""
    problems = Problems(file=shown)
    text = read_text(source.path, shown) if source.text is None else source.text
    root = parse(text, shown)
    shared, several = Reader(problems).drafts(root)
    named_drafts = _with_names(source, shared, several, problems)
    drafts = [without_foreign_words(draft, problems) for draft in named_drafts]
    _advise_params(_wanted(drafts, source), text, problems)
    drafts = _wanted(_with_settings(drafts, source.settings, problems), source)
    world = World(
        project=source.project,
        now=source.now,
        environment=source.environment,
        run_exec=source.run_exec,
        in_shell=source.in_shell,
    )
    checked = [_checked(draft, source, world, problems) for draft in drafts]
    warn_of_shared_folders([(one.document, one.tree) for one in checked], problems)
    if problems.any and source.preflight:
        _look_ahead(checked, source.preflight, problems)
    problems.raise_if_any()
    # Those of the file are told once, whatever is done with how many of its pipelines.
    return tuple(_pipeline(one, () if number else problems.warnings) for number, one in enumerate(checked))


def _wanted(drafts: list[Draft], source: Source) -> list[Draft]:
    return [draft for draft in drafts if source.only in (None, draft.keys["name"].value)]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Checked:
    """A pipeline between its checks and its building, which waits until the whole file is known to be sound."""

    document: Mapping[str, Plain]
    resolved: Mapping[str, Plain]
    tree: Node
    broken: Set[Path]
    said: Mapping[str, Any]


def _look_ahead(
    checked: Sequence[_Checked], preflight: Callable[[Pipeline], Sequence[Problem]], problems: Problems
) -> None:
    sights = [Sight(document=one.document, tree=one.tree, broken=one.broken) for one in checked]
    for pipeline in sound_parts(sights, problems.positions):
        for problem in preflight(pipeline):
            at = (problem.line, problem.column) if problem.line and problem.column else None
            problems.add(problem.message, at)


def _checked(draft: Draft, source: Source, world: World, problems: Problems) -> _Checked:
    _check_defaults(draft, problems)
    tree = with_folders(tree_of(draft), problems)
    resolver = Resolver(tree, world, problems)
    document = resolver.document()
    unknown = {key: node.plain() for key, node in tree.entries.items() if key not in (*PIPELINE_KEYS, *FILE_KEYS)}
    check_placeholders(tree, problems)
    subject = Subject(document, tree, problems, source.check_schedule, source.advise_schedule)
    check_whole(subject)
    if document.get("schedule") is not None:
        from crude_link.config.entry_params import check_entry_params  # with all that only schedules need

        check_entry_params(subject)
    advise(subject)
    said = validated({**document, **unknown}, tree, resolver.broken, problems)
    _check_unused(draft, tree, problems)
    return _Checked(document=document, resolved=resolver.resolved, tree=tree, broken=resolver.broken, said=said)


def _pipeline(checked: _Checked, warnings: tuple[str, ...]) -> Pipeline:
    made = pipeline_of(checked.said, checked.document, checked.tree)
    return replace(made, resolved=checked.resolved, warnings=warnings)


def _check_defaults(draft: Draft, problems: Problems) -> None:
    node = draft.keys.get("defaults", Node({}))
    if node.value is not None and not isinstance(node.value, Mapping):
        problems.add("`defaults` is a mapping of step keys", node.at)
    for key in NO_DEFAULTS:
        if key in node.entries:
            problems.add(f"`{key}` cannot be a default; each step says it for itself", node.entries[key].place)


def _check_unused(draft: Draft, tree: Node, problems: Problems) -> None:
    used = {step.body.made_from for step in draft.steps or ()}
    for name in draft.configs:
        if name not in used:
            check_unused_config(name, tree, problems)


def _with_names(
    source: Source, shared: Draft, several: Mapping[str, Draft] | None, problems: Problems
) -> list[Draft]:
    """Return the file's pipelines, each with its name under `name`, and with names for their steps."""
    file_name = shared.keys.get("name", Node(None))
    if several is None:
        name = file_name if file_name.value is not None else Node(pipeline_name(source.path.resolve()))
        return [named(replace(shared, keys={**shared.keys, "name": name}))]
    _check_shared(shared, several, problems)
    drafts = []
    prefix = f"{file_name.value}-" if file_name.value is not None else ""
    for key, own in several.items():
        name = own.keys.get("name") or Node(f"{prefix}{key}", own.at, own.at)
        draft = combined(shared, own)
        drafts.append(named(replace(draft, keys={**draft.keys, "name": name})))
    names = [draft.keys["name"].value for draft in drafts]
    for draft in drafts:
        if names.count(draft.keys["name"].value) > 1:
            problems.add(f"there are two pipelines of the name '{draft.keys['name'].value}'", draft.at)
    return drafts


def _check_shared(shared: Draft, several: Mapping[str, Draft], problems: Problems) -> None:
    """Check that what stands beside `pipelines` reaches at least one of them."""
    said = [{*own.keys, *(() if own.steps is None else ("steps",))} for own in several.values()]
    steps = {} if shared.steps is None else {"steps": shared.steps_at}
    for key, at in {**{key: node.place for key, node in shared.keys.items()}, **steps}.items():
        if key not in MERGED_KEYS and said and all(key in own for own in said):
            every = "each pipeline has" if len(said) > 1 else f"the pipeline '{next(iter(several))}' has"
            problems.add(f"`{key}` does nothing here, for {every} its own; remove it, or move it into a pipeline", at)


def _advise_params(drafts: Iterable[Draft], text: str, problems: Problems) -> None:
    """Warn of params that stand nowhere else in the file, for setting them would change nothing."""
    if re.search(r"\bparams(\s*\}|\.\$|\[)", text):  # all of them, or one whose name is put together
        return
    if re.search(r"\bfunction:.*\.py:_*[A-Z]", text):  # a class, which is given the whole config
        return
    for draft in drafts:
        params = draft.keys.get("params", Node({}))
        for name, node in params.entries.items():
            if not re.search(rf"\bparams\.{re.escape(name)}(?![\w-])|\$\{{\.[\w.]*\b{re.escape(name)}\b", text):
                message = f"param '{name}' is used nowhere; write `${{params.{name}}}` where it is wanted"
                problems.warn(message, node.place)


def _with_settings(drafts: list[Draft], settings: tuple[str, ...], problems: Problems) -> list[Draft]:
    """Put every `--set` into all pipelines that have its place; it is wrong when none has."""
    for setting in settings:
        made: list[Draft] = []
        wrong: list[BadSetting] = []
        for draft in drafts:
            try:
                made.append(with_setting(draft, setting))
            except BadSetting as error:
                made.append(draft)
                wrong.append(error)
        if wrong and len(wrong) == len(drafts):
            problems.add(str(next((error for error in wrong if not isinstance(error, OtherPipeline)), wrong[0])))
        drafts = made
    return drafts
