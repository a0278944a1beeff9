"""TransferSteps: `download` and `upload` as steps of their own, before and behind those that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from crude_link.config.item_text import Braces, with_placeholders
from crude_link.config.node import Node
from crude_link.config.references import read_back, values_read_back
from crude_link.model.condition import Condition, parse_condition
from crude_link.model.pipeline import Step
from crude_link.model.policy import RetryPolicy
from crude_link.model.transfer import LISTINGS, TaskTransfer, Transfer, TransferKind, owner_of
from crude_link.model.value import Text, Value, references_in

#: Values by key, as the schema read them.
_Said = Mapping[str, Any]
_Storage = Mapping[str, Mapping[str, Value]]


def with_transfers(steps: Sequence[Step], said: _Said, tree: Node) -> tuple[Step, ...]:
    """Return the steps of a pipeline with those that transfer; `said` are its values, `tree` is where they stand.

    A download comes before its step, or before all; an upload behind its step, or behind all. Whatever needs a step
    needs its uploads too: what was not brought away is not done.
    """
    storage = storage_of(said)
    whole = _word_for_run([step.name for step in steps])
    steps = [_with_storage(step, storage) for step in steps]
    groups = [_own(step, each, storage) for step, each in zip(steps, said["steps"], strict=True)]
    inner = [step for group in groups for step in group]
    after = _of_run(said, tree, TransferKind.UPLOAD, whole, storage)
    after = [replace(step, needs=tuple(each.name for each in inner)) for step in after]
    before = [*_listings([*inner, *after], whole), *_of_run(said, tree, TransferKind.DOWNLOAD, whole, storage)]
    behind = {
        step.name: [each.name for each in group if _is_upload(each)]
        for step, group in zip(steps, groups, strict=True)
    }
    first = tuple(step.name for step in before[-1:])
    return (*_in_a_row(before), *(_placed(step, behind, first) for step in inner), *after)


def storage_of(said: _Said) -> _Storage:
    """Return the options of stores that a pipeline says."""
    return {place: _values(options) for place, options in said["storage"].items()}


def _with_storage(step: Step, storage: _Storage) -> Step:
    """Return a step whose inputs may be files of stores, and which knows how these are reached."""
    return replace(step, foreach=replace(step.foreach, storage=storage)) if step.foreach else step


def _own(step: Step, said: _Said, storage: _Storage) -> list[Step]:
    """Return a step with its downloads before it and its uploads behind it; those of tasks go with their step."""
    if step.foreach:
        return [replace(step, transfers=tuple(_of_tasks(said, storage)))]
    before: list[Step] = []
    for name, each in zip(_numbered(f"{step.name}.download", len(said["download"])), said["download"], strict=True):
        needs = tuple(earlier.name for earlier in before[-1:]) or step.needs
        made = _step(name, each, step, _transfer(each, TransferKind.DOWNLOAD, storage))
        before.append(replace(made, needs=needs, when=step.when))
    itself = replace(step, needs=(*step.needs, *(each.name for each in before[-1:])))
    after: list[Step] = []
    for name, each in zip(_numbered(f"{step.name}.upload", len(said["upload"])), said["upload"], strict=True):
        made = _step(name, each, step, _transfer(each, TransferKind.UPLOAD, storage))
        made = replace(made, needs=(step.name,), when=_when(each))
        after.append(replace(made, continue_on_failure=step.continue_on_failure))
    return [*before, itself, *after]


def _of_tasks(said: _Said, storage: _Storage) -> Iterator[TaskTransfer]:
    for kind in (TransferKind.DOWNLOAD, TransferKind.UPLOAD):
        for each in said[kind.value]:
            made = _transfer(each, kind, storage)
            yield TaskTransfer(
                transfer=replace(
                    made,
                    remote=_with_placeholders(made.remote),
                    local=tuple(map(_with_placeholders, made.local)),
                    include=tuple(map(_with_placeholders, made.include)),
                    exclude=tuple(map(_with_placeholders, made.exclude)),
                ),
                keep=each["keep"],
                is_always=bool(each.get("when")),
                env=_values(each["env"]),
                env_file=_env_file(each),
            )


def _of_run(said: _Said, tree: Node, kind: TransferKind, whole: str, storage: _Storage) -> list[Step]:
    """Return the downloads or the uploads of the run as a whole."""
    written = tree.entries.get(kind.value, Node({}))
    return [
        Step(
            name=name,
            action=replace(_transfer(each, kind, storage), is_of_run=True),
            env=_values(each["env"]),
            env_file=_env_file(each),
            when=_when(each),
            timeout=each["timeout"],
            retries=each["retries"] or RetryPolicy(),
            position=written.place,
        )
        for name, each in zip(
            _numbered(f"{whole}.{kind.value}", len(said[kind.value])), said[kind.value], strict=True
        )
    ]


def _listings(steps: Sequence[Step], whole: str) -> list[Step]:
    """Return the steps that note, or clear away, what lies in the folders of uploads before anything is made."""
    folders: dict[str, list[Text]] = {"ignore": [], "clean": []}
    for step in steps:
        if isinstance(step.action, Transfer) and step.action.stale in folders:
            known = [text for text in step.action.local if _is_known_at_first(text)]
            folders[step.action.stale] += [text for text in known if text not in folders[step.action.stale]]
    return [
        Step(
            name=f"{whole}.{word}",
            action=Transfer(kind=TransferKind.LISTING, local=tuple(folders[stale]), stale=stale, is_of_run=True),
        )
        for word, stale in zip(LISTINGS, folders, strict=True)
        if folders[stale]
    ]


def _placed(step: Step, behind: Mapping[str, Sequence[str]], first: tuple[str, ...]) -> Step:
    """Return a step that needs the uploads of what it needs too, or, where it needs nothing, the run's downloads."""
    needs: list[str] = []
    for need in step.needs:
        is_its_own = _is_upload(step) and owner_of(step.name) == need
        needs += [need, *(() if is_its_own else behind.get(need, ()))]
    return replace(step, needs=tuple(dict.fromkeys(needs)) or first)


def _in_a_row(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield steps of which each needs the one before."""
    before: tuple[str, ...] = ()
    for step in steps:
        yield replace(step, needs=before)
        before = (step.name,)


def _transfer(said: _Said, kind: TransferKind, storage: _Storage) -> Transfer:
    is_upload = kind is TransferKind.UPLOAD
    remote, local = (said["to"], said["from"]) if is_upload else (said["from"], said["to"])
    return Transfer(
        kind=kind,
        remote=read_back(remote),
        local=(read_back(local),),
        include=tuple(read_back(text) for text in said["include"]),
        exclude=tuple(read_back(text) for text in said["exclude"]),
        only=said.get("only", "changed"),
        delete=said.get("delete", False),
        if_empty=said["if_empty"],
        stale=said.get("stale", "upload"),
        manifest=said.get("manifest", False),
        storage=storage,
    )


def _step(name: str, said: _Said, of: Step, action: Transfer) -> Step:
    """Return the step of a transfer that belongs to a step, with that one's environment."""
    return Step(
        name=name,
        action=action,
        env={**of.env, **_values(said["env"])},
        env_file=_env_file(said) or of.env_file,
        timeout=said["timeout"],
        retries=said["retries"] or of.retries,
        position=of.places.get(action.kind.value, of.position),
    )


def _with_placeholders(text: Text) -> Text:
    return cast("Text", with_placeholders(text, Braces.OURS))


def _env_file(said: _Said) -> Text | None:
    return read_back(said["env_file"]) if said["env_file"] is not None else None


def _when(said: _Said) -> Condition | None:
    return parse_condition(said["when"]) if said.get("when") else None


def _values(mapping: Mapping[str, Any]) -> Mapping[str, Value]:
    return {name: values_read_back(value) for name, value in mapping.items()}


def _numbered(name: str, count: int) -> list[str]:
    return [name if number == 1 else f"{name}-{number}" for number in range(1, count + 1)]


def _word_for_run(names: Sequence[str]) -> str:
    """Return the word that stands for the run in names: `run`, unless a step is called so."""
    return next(
        word for word in ("run", "pipeline", *(f"run-{number}" for number in range(2, 99))) if word not in names
    )


def _is_known_at_first(text: Text) -> bool:
    """True for a path that can be told when nothing has run yet."""
    return all(reference.head != "steps" for reference in references_in(text))


def _is_upload(step: Step) -> bool:
    return isinstance(step.action, Transfer) and step.action.kind is TransferKind.UPLOAD
