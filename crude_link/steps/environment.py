"""The environment of an attempt, and what of it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from crude_link.errors import CannotStart
from crude_link.model.pipeline import Step
from crude_link.model.run import AttemptKey, Run
from crude_link.model.value import Plain, Reference, Value
from crude_link.steps.env_file import parse_env_file
from crude_link.steps.places import Places
from crude_link.steps.references import fill, fill_text
from crude_link.steps.written import as_argument, written

#: What of an environment often explains why a step behaved differently, and is no secret.
RECORDED = (
    "PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "CUDA_VISIBLE_DEVICES",
    "LANG", "LC_ALL", "TZ", "HOME", "HOSTNAME",
)  # fmt: skip
_SCHEDULED_FOR = "CRUDE_LINK_SCHEDULED_FOR"
#: What not every step is told.
_SOMETIMES = (_SCHEDULED_FOR, "CRUDE_LINK_ITEM", "CRUDE_LINK_ITEM_JSON")


def read_env_file(name: str, places: Places) -> dict[str, str]:
    """Return the variables of a `.env` file. CannotStart when it cannot be read."""
    path = places.existing(name, "the env_file")
    try:
        text = path.read_text("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise CannotStart(f"the env_file {name!r} cannot be read: {error.strerror}") from error
    found = parse_env_file(text, name)
    return {key: as_argument(value, f"{key} of the env_file {name!r}") for key, value in found.items()}


def step_env(said: Mapping[str, Value], look_up: Callable[[Reference], Plain]) -> dict[str, str | None]:
    """Return a step's own `env` as text; None takes a variable away."""
    found: dict[str, str | None] = {}
    for name, value in said.items():
        if not name or "=" in name or "\0" in name:
            raise CannotStart(f"env: {name!r} is no name for an environment variable")
        plain = fill(value, look_up)
        found[name] = None if plain is None else as_argument(written(plain), f"env {name}")
    return found


def own_env(run: Run, key: AttemptKey, run_dir: Path, metrics: Path) -> dict[str, str]:
    """Return what crude-link tells every step."""
    env = {
        "CRUDE_LINK_RUN": str(run.id),
        "CRUDE_LINK_RUN_DIR": str(run_dir),
        "CRUDE_LINK_STEP": key.step,
        "CRUDE_LINK_TASK": str(key.task),
        "CRUDE_LINK_ATTEMPT": str(key.number),
        "CRUDE_LINK_METRICS": str(metrics),
    }
    if run.slot_time:
        env[_SCHEDULED_FOR] = run.slot_time.isoformat()
    return env


def whole_env(
    base: Mapping[str, str], from_file: Mapping[str, str], own: Mapping[str, str | None], ours: Mapping[str, str]
) -> dict[str, str]:
    """Return the whole environment: what crude-link was started with, the file, the config, and what we tell."""
    env: dict[str, str | None] = {**base, "PYTHONUNBUFFERED": "1", **from_file, **own}
    for name in _SOMETIMES:
        env.pop(name, None)  # left from a crude-link that runs this one as a step
    return {name: value for name, value in {**env, **ours}.items() if value is not None}


def recorded_env(
    env: Mapping[str, str], from_file: Mapping[str, str], own: Mapping[str, str | None], file_name: str
) -> dict[str, str]:
    """Return what is recorded; `own` bears references for secrets, and what a `.env` file holds may all be secret."""
    kept = {name: env[name] for name in RECORDED if name in env}
    kept |= dict.fromkeys(from_file, f"(from {file_name})")
    return kept | {name: value for name, value in own.items() if value is not None}


def env_file_of(step: Step, look_up: Callable[[Reference], Plain]) -> str | None:
    """Return the name of the step's `.env` file."""
    return fill_text(step.env_file, look_up) if step.env_file is not None else None
