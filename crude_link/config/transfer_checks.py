"""What a schema cannot know of `download` and `upload`: of what they may speak, and what those of tasks need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crude_link.config.checks import Subject, of_step, references_below, wrong_reference
from crude_link.config.needs import needs_of
from crude_link.config.node import Node, Path
from crude_link.config.problems import Problems
from crude_link.config.task_transfers import each_transfer, wrong_of_task
from crude_link.model.value import Plain, Reference

_KEYS = ("download", "upload")
#: A name that no step has, of something that comes after all.
_LAST = "the run."
_NO_PLACE = "would stand in the record of every run; credentials go under `storage`, or into `env`"


def check_transfers(subject: Subject) -> None:
    """Check all transfers and `storage`."""
    needs = needs_of(subject.steps)
    for key in (*_KEYS, "storage"):
        for path, reference in references_below(subject.document.get(key), (key,)):
            wrong = _wrong_in_run(key, reference, subject, needs)
            if wrong:
                subject.problems.add(f"`{reference}`: {wrong}", subject.at(*path))
    for key in _KEYS:
        _refuse_keep(subject, (key,), subject.document.get(key), "")
    for index, step in enumerate(subject.steps):
        check = _check_tasks if step.get("foreach") is not None else _check_step
        check(subject, index, step)
    _check_secrets(subject)


def warn_of_shared_folders(pipelines: Iterable[tuple[Mapping[str, Plain], Node]], problems: Problems) -> None:
    """Warn of pipelines of one file that download from several places into one folder: each works on all of it."""
    first: dict[str, tuple[str, Plain]] = {}
    for document, tree in pipelines:
        name = str(document.get("name"))
        for path, said in each_transfer(document.get("download"), ("download",)):
            folder, source = str(said.get("to")).rstrip("/"), said.get("from")
            other, others_source = first.setdefault(folder, (name, source))
            if other != name and others_source != source and said.get("only") != "new":
                message = (
                    f"pipeline '{other}' downloads into '{folder}' too, from another place, so that this one works "
                    "on its files as well; give each a folder of its own, or write `only: new`"
                )
                problems.warn(message, tree.nearest((*path, "to")).place)


def _check_step(subject: Subject, index: int, step: Mapping[str, Plain]) -> None:
    for key in _KEYS:
        _refuse_keep(subject, ("steps", index, key), step.get(key), of_step(step))


def _refuse_keep(subject: Subject, at: Path, value: Plain, of: str) -> None:
    for path, said in each_transfer(value, at):
        if said.get("keep") is not None:
            message = "`keep` is for a step with `foreach`, whose tasks remove what they brought; here files stay"
            subject.problems.add(message, subject.at(*path, "keep"), of)


def _check_tasks(subject: Subject, index: int, step: Mapping[str, Plain]) -> None:
    for key in _KEYS:
        for path, said in each_transfer(step.get(key), ("steps", index, key)):
            for name, wrong in wrong_of_task(key, said):
                subject.problems.add(wrong, subject.at(*path, name), of_step(step))


def _wrong_in_run(
    key: str, reference: Reference, subject: Subject, needs: Mapping[str, tuple[str, ...]]
) -> str | None:
    """Say what is wrong with a late reference in what is of the run as a whole, or None."""
    if reference.head == "steps" and key == "download":
        return "no step has run before the downloads of the run; put the `download` into a step"
    if reference.head == "steps" and key == "storage":
        return "`storage` is of the whole run, and knows only secrets and the run"
    return wrong_reference(reference, subject.secrets, {**needs, _LAST: tuple(needs)}, _LAST)


def _check_secrets(subject: Subject) -> None:
    """Refuse secrets in what is shown and kept: the places and patterns of a transfer."""
    places: list[tuple[Path, Plain, str]] = [((key,), subject.document.get(key), "") for key in _KEYS]
    for index, step in enumerate(subject.steps):
        places += [(("steps", index, key), step.get(key), of_step(step)) for key in _KEYS]
    for at, value, of in places:
        for path, reference in references_below(value, at):
            if reference.head == "secrets" and "env" not in path[len(at) :]:
                subject.problems.add(f"`{reference}` {_NO_PLACE}", subject.at(*path), of)
