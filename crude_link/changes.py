"""Changes: what is not as it was when a run was made: its config, its code, its scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crude_link.app import Desk, Loaded
from crude_link.errors import ConfigError
from crude_link.model.pipeline import Pipeline
from crude_link.model.run import Attempt, Code, Run
from crude_link.model.transfer import Transfer
from crude_link.model.value import Plain
from crude_link.without_transfers import was_without_transfers, without_transfers


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigChanges:
    """How a pipeline differs from what it was, by its steps' names."""

    #: What differs in steps that are in both: `arguments.lr: 0.1 → 0.2`.
    changed: Mapping[str, Sequence[str]]
    gone: tuple[str, ...]
    new: tuple[str, ...]

    def spoils(self, finished: Sequence[str]) -> list[str]:
        """Return the finished steps that would not be the same now."""
        return [name for name in (*self.changed, *self.gone) if name in finished]

    def lines(self) -> Iterator[str]:
        """Say everything, a line for each step."""
        for name, what in self.changed.items():
            yield f"{name}: {'; '.join(what)}"
        if self.gone:
            yield f"gone from the config: {', '.join(self.gone)}"
        if self.new:
            yield f"new in the config: {', '.join(self.new)}"


def loaded_again(desk: Desk, run: Run, before: Pipeline) -> Loaded:
    """Return a run's pipeline as its config file says it now, with the run's own `--set` and time.

    Without transfers where it was begun without them; `before` is its pipeline as recorded.

    ConfigError when the file cannot be used, has no such pipeline, or not the step that the run was asked for.
    """
    for each in desk.load(desk.project.directory / run.config_file, run.settings, now=run.began):
        if each.pipeline.name != run.pipeline:
            continue
        missing = run.selection.unknown_in(each.pipeline.names)
        if missing:
            asked = "--only" if run.selection.only else "--from"
            raise ConfigError.of(
                f"run {run.id} was asked for {asked} {missing}, and {run.config_file} has no step {missing!r} "
                f"any more. Begin a new run: crude-link run {run.pipeline}"
            )
        is_local = was_without_transfers(before)
        return replace(each, pipeline=without_transfers(each.pipeline)) if is_local else each
    raise ConfigError.of(f"{run.config_file} has no pipeline {run.pipeline!r} any more")


def has_new_text(desk: Desk, run: Run, text: str) -> bool:
    """Return whether the config file of a run is there and says something else than `text`."""
    try:
        return (desk.project.directory / run.config_file).read_text(encoding="utf-8-sig") != text
    except (OSError, UnicodeDecodeError):
        return False


def config_changes(old: Pipeline, new: Pipeline) -> ConfigChanges:
    """Compare two states of a pipeline, step by step; the order of the steps is not looked at."""
    before, after = _step_documents(old), _step_documents(new)
    both = [name for name in old.names if name in new.names and old.step(name) != new.step(name)]
    changed = {name: list(_differences(before[name], after[name])) or ["a default that it takes"] for name in both}
    return ConfigChanges(
        changed=changed,
        gone=tuple(name for name in old.names if name not in new.names),
        new=tuple(name for name in new.names if name not in old.names),
    )


def code_changes(run: int, then: Code | None, now: Code | None) -> list[str]:
    """Say what of the project's code is not as it was when `run` last went on."""
    lines = []
    if then and now and then.commit != now.commit:
        lines.append(f"the code is at commit {now.commit[:10]}; run {run} had {then.commit[:10]}")
    if then and now and then.diff_digest != now.diff_digest:
        lines.append(f"uncommitted changes are not those that run {run} had")
    return lines


def script_changes(run: int, attempts: Sequence[Attempt], project: Path) -> list[str]:
    """Say which of the scripts that the attempts of `run` started are other files now."""
    newest = {attempt.key.step: attempt for attempt in attempts}
    lines = []
    for step, attempt in newest.items():
        path = _script_in(attempt.argv, project)
        if attempt.script_digest and path and hashlib.sha256(path.read_bytes()).hexdigest() != attempt.script_digest:
            lines.append(f"{step}: {path.name} is not the file that run {run} had")
    return lines


def _step_documents(pipeline: Pipeline) -> dict[str, dict[str, Plain]]:
    steps = pipeline.document["steps"]
    assert isinstance(steps, list)
    by_name = {str(step["name"]): step for step in steps if isinstance(step, Mapping)}
    return {
        step.name: {"transfer": str(step.action)} if isinstance(step.action, Transfer) else dict(_leaves("", own))
        for step in pipeline.steps
        for own in [by_name.get(step.name, {})]
    }


def _leaves(path: str, value: Plain) -> Iterator[tuple[str, Plain]]:
    """Yield the values of a nested mapping by their dotted paths."""
    if isinstance(value, Mapping) and value:
        for key, child in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, child)
    else:
        yield path, value


def _differences(before: Mapping[str, Plain], after: Mapping[str, Plain]) -> Iterator[str]:
    for path in dict.fromkeys([*before, *after]):
        if path not in after:
            yield f"{path}: {_cut(_words(before[path]), 0)} → gone"
        elif path not in before:
            yield f"{path}: {_cut(_words(after[path]), 0)} is new"
        elif before[path] != after[path]:
            yield f"{path}: {' → '.join(_parts_that_differ(_words(before[path]), _words(after[path])))}"


def _words(value: Plain) -> str:
    return " ".join(str(value).split())


def _parts_that_differ(old: str, new: str) -> tuple[str, str]:
    """Cut what two texts begin with alike, where they are long, and what is too long of the rest."""
    pairs = enumerate(zip(old, new, strict=False))
    alike = next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))
    start = max(0, alike - _KEPT_BEFORE) if max(len(old), len(new)) > _LONGEST else 0
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    shown = text[start : start + _LONGEST]
    return ("… " if start else "") + shown + (" …" if start + _LONGEST < len(text) else "")


#: Of longer values only so many characters are shown, these of them before the first that differs.
_LONGEST = 60
_KEPT_BEFORE = 20


def _script_in(argv: Sequence[str], project: Path) -> Path | None:
    for word in argv[:2]:
        path = project / word
        if path.suffix and not path.suffix[1:].isdigit() and path.is_file():  # `python3.11` is no script
            return path
    return None
