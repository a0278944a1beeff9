"""StoreChecks: what the program that transfers is to look at before a run, as far as it is known then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from crude_link.errors import CannotStart
from crude_link.model.foreach import patterns_of
from crude_link.model.pipeline import Step
from crude_link.model.transfer import BUCKET_SCHEMES, Transfer, TransferKind, scheme_of
from crude_link.model.value import Plain, Reference, Text, Value, references_in
from crude_link.steps.environment import read_env_file, step_env, whole_env
from crude_link.steps.places import Places
from crude_link.steps.references import LookUp
from crude_link.steps.secrets import Secrets
from crude_link.steps.transfer_orders import STORAGE, storage_text


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreCheck:
    """One start of the program, for all steps with the same environment. Holds secrets."""

    #: Each step, and how much of its remote place is known.
    remotes: Sequence[tuple[Step, str]]
    env: Mapping[str, str]
    masks: tuple[str, ...]

    @property
    def order(self) -> Mapping[str, Plain]:
        """What the program is told."""
        targets = [remote for step, remote in self.remotes if _is_upload(step)]
        sources = [remote for step, remote in self.remotes if not _is_upload(step)]
        return {"kind": "check", "remote": sources, "targets": targets}

    def masked(self, text: str) -> str:
        """Return text of the program without secrets."""
        for mask in self.masks:
            text = text.replace(mask, "***")
        return text


def store_checks(
    steps: Sequence[Step], environment: Mapping[str, str], secrets: Secrets, places: Places, *, must: bool = False
) -> Iterator[StoreCheck]:
    """Yield the checks of what some steps transfer or list; what only a run will know is not looked at.

    What lacks a secret or an env_file is left out; where it `must` be there, that is CannotStart.
    """
    known = [(step, remote) for step in steps for remote in known_parts(step)]
    for _, group in groupby(sorted(known, key=_surroundings), key=_surroundings):
        remotes = list(group)
        first = remotes[0][0]
        used: dict[str, str] = {}

        def look_up(reference: Reference, used: dict[str, str] = used) -> Plain:
            name = reference.path.removeprefix("secrets.")
            used[name] = secrets.value(name)
            return used[name]

        try:
            env = _env(first, environment, places, look_up)
        except CannotStart:
            if must:
                raise
            continue  # pre-flight has told, or the run will
        masks = secrets.masks((*secrets.at_hand(env).values(), *used.values()))
        yield StoreCheck(remotes=remotes, env=env, masks=masks)


def known_parts(step: Step) -> Iterator[str]:
    """Yield as much of the remote places of a step as is known before the run and says where they are."""
    if isinstance(step.action, Transfer):
        part = _known_part(step.action) if step.action.remote else None
        yield from [part] if part is not None else []
    elif step.foreach and step.foreach.is_of_stores:
        yield from filter(None, map(_known_folder, patterns_of(step.foreach)))


def _known_folder(pattern: Text) -> str | None:
    """Return the folder in which a pattern is, in a bucket; a folder elsewhere need not be there."""
    text = _beginning(pattern)
    if scheme_of(text) not in BUCKET_SCHEMES:
        return None
    fixed = re.split(r"[*?\[]", text, maxsplit=1)[0]
    folder, slash, _ = fixed.rpartition("/")
    return f"{folder}/" if slash and not folder.endswith("/") else None


def _known_part(action: Transfer) -> str | None:
    """Return as much of a transfer's remote place as is known; None: too little."""
    is_whole = isinstance(action.remote, str)
    text = _beginning(action.remote)
    scheme = scheme_of(text)
    if scheme in (None, "file"):  # what an earlier step may make is not missing yet
        return text if is_whole and action.is_of_run and action.kind is TransferKind.DOWNLOAD else None
    if is_whole:
        return text
    bucket, slash, _ = text.partition("://")[2].partition("/")
    return f"{scheme}://{bucket}/" if slash else None


def _beginning(text: Text) -> str:
    if isinstance(text, str):
        return text
    return text.parts[0] if isinstance(text.parts[0], str) else ""


def _surroundings(known: tuple[Step, str]) -> str:
    """Return what tells the environment of a transfer from that of others."""
    step, _ = known
    return repr((sorted(step.env.items()), step.env_file, _storage(step)))


def _env(step: Step, environment: Mapping[str, str], places: Places, look_up: LookUp) -> dict[str, str]:
    own = {name: value for name, value in step.env.items() if _is_known(value)}
    storage = {
        place: {name: value for name, value in options.items() if _is_known(value)}
        for place, options in _storage(step).items()
    }
    from_file = read_env_file(step.env_file, places) if isinstance(step.env_file, str) else {}
    env = whole_env(environment, from_file, step_env(own, look_up), {})
    return {**env, STORAGE: storage_text(storage, look_up)}


def _is_known(value: Value) -> bool:
    return all(reference.head == "secrets" for reference in references_in(value))


def _storage(step: Step) -> Mapping[str, Mapping[str, Value]]:
    if isinstance(step.action, Transfer):
        return step.action.storage
    return step.foreach.storage if step.foreach else {}


def _is_upload(step: Step) -> bool:
    return isinstance(step.action, Transfer) and step.action.kind is TransferKind.UPLOAD
