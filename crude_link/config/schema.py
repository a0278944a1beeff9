"""Schema: the keys of a merged pipeline, their types and what they mean; pydantic reports all errors at once.

The descriptions become the editor's help and the config reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from crude_link.config.units import duration, share, size

NAME = re.compile(r"[A-Za-z0-9_-]+")
_SCRIPT_WITH_ARGUMENTS = re.compile(r"(\S+\.(?:py|sh|R|r|jl|rb|pl|js|bash))\s+(\S.*)", re.DOTALL)


def name(value: object) -> str:
    """Check a step's, pipeline's or param's name. ValueError says what is wrong."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("a name is text")
    text = str(value)
    if not NAME.fullmatch(text):
        raise ValueError(f"'{text}' cannot be a name: use letters, digits, `_` and `-`")
    if text.isdigit() or text == "last":
        raise ValueError(f"'{text}' cannot be a name: bare numbers and `last` stand for runs")
    return text


def _text(value: object) -> object:
    if isinstance(value, bool) or value is None or not isinstance(value, (str, int, float)):
        return value
    if isinstance(value, str):
        return value
    raise ValueError(f"YAML reads this as the number {value}; quote it to mean text")


def _python(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f"`python` is a path or a program, not a version: say python{value}, or a venv's bin/python")
    return value


def _script(value: object) -> object:
    match = _SCRIPT_WITH_ARGUMENTS.fullmatch(value) if isinstance(value, str) else None
    if match:
        script, rest = match.groups()
        raise ValueError(
            f"`script` is a file only: `script: {script}`, and `{rest}` under `arguments:` "
            f"(or `command: python {script} {rest}`)"
        )
    return _text(value)


def _texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _command(value: object) -> object:
    if isinstance(value, list) and value and not any(isinstance(word, (list, dict)) for word in value):
        return value
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError("`command` is shell text or a list of words")


def _shell(value: object) -> object:
    if value in ("sh", "bash"):
        return value
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return value
    raise ValueError("`shell` is sh, bash or a list such as [zsh, -c]")


def _env(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("`env` is a mapping: NAME -> text or number")
    for key, word in value.items():
        if not key or "=" in key:
            raise ValueError(f"'{key}' cannot be the name of an environment variable")
        if isinstance(word, bool):
            raise ValueError(f"`{key}`: YAML reads this as {str(word).lower()}; quote the word that is meant")
        if not isinstance(word, (str, int, float)):
            raise ValueError(f"`{key}`: an environment variable is text or a number")
    return value


def _retries(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, dict)):
        raise ValueError("`retries` is a number, or a mapping with `max`")
    return {"max": value} if isinstance(value, int) else value


def _only(value: object) -> object:
    words = value if isinstance(value, list) else [value]
    for word in words:
        number = isinstance(word, int) and not isinstance(word, bool) and 1 <= word <= 255
        if not number and word not in ("signal", "timeout", "lost"):
            raise ValueError(f"{word!r}: `only` lists exit codes (1-255), signal, timeout and lost")
    return words


def _secrets(value: object) -> object:
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return {word: {"env": word} for word in value}
    if not isinstance(value, dict):
        raise ValueError("`secrets` lists environment variables, or is name -> variable, {file: P} or {command: C}")
    return {key: _secret(key, source) for key, source in value.items()}


def _secret(key: str, source: object) -> object:
    if source is None or isinstance(source, str):
        return {"env": source or key}
    if isinstance(source, dict) and len(source) == 1 and set(source) <= {"env", "file", "command"}:
        return source
    raise ValueError(f"secret '{key}' has one source: a variable's name, {{file: P}} or {{command: C}}")


def _params(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("`params` is a mapping: name -> value, or {default, choices, min, max, help}")
    return {key: word if isinstance(word, dict) else {"default": word} for key, word in value.items()}


_TEXT_LIST = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
Name = Annotated[str, BeforeValidator(name)]
Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[list[str], BeforeValidator(_texts), WithJsonSchema(_TEXT_LIST)]
Duration = Annotated[timedelta, BeforeValidator(duration), WithJsonSchema({"type": "string", "examples": ["90s"]})]
Share = Annotated[float, BeforeValidator(share), WithJsonSchema({"type": ["number", "string"], "examples": ["10%"]})]
Size = Annotated[int, BeforeValidator(size), WithJsonSchema({"type": "string", "examples": ["40GB"]})]


class Strict(BaseModel):
    """What all parts of the schema have in common: types are not guessed, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=False, defer_build=True)


class RetriesModel(Strict):
    """`retries` in full."""

    max: int = Field(ge=0, description="How many further tries a failed step gets.")
    delay: Duration = Field(timedelta(0), description="The wait before the first further try.")
    backoff: float = Field(1.0, ge=1, strict=False, description="By what the wait grows from try to try.")
    jitter: Share = Field(0.0, description="A random share that is added to each wait.")
    longest_delay: Duration = Field(timedelta(hours=1), description="The longest wait, however often it grew.")
    only: Annotated[
        list[Any], BeforeValidator(_only), WithJsonSchema({"type": "array", "items": {"type": ["integer", "string"]}})
    ] = Field([], description="The exit codes, or signal, timeout, lost, that are tried again; all when absent.")


class RetentionModel(Strict):
    """`retention`."""

    runs: int | None = Field(None, ge=0, description="How many finished runs are kept.")
    days: float | None = Field(None, ge=0, strict=False, description="The age in days at which a run goes.")
    size: Size | None = Field(None, description="What all runs of the pipeline may take together.")
    failed_days: float | None = Field(None, ge=0, strict=False, description="The age up to which failures are kept.")


class ParamModel(Strict):
    """One entry of `params` in full."""

    default: Any = Field(None, description="The value of a run that sets none; without it `--set` is required.")
    choices: list[Any] | None = Field(None, description="The values that are allowed.")
    min: float | None = Field(None, strict=False, description="The least number allowed.")
    max: float | None = Field(None, strict=False, description="The greatest number allowed.")
    help: str | None = Field(None, description="What it is for, in a line.")


class StepModel(Strict):
    """One step, merged."""

    name: Name | None = Field(None, description="The step's name; without it that of its config or script.")
    script: Annotated[str, BeforeValidator(_script)] | None = Field(
        None, description="A file to run: `.py` under `python`, anything else by itself. Or `command`."
    )
    command: Annotated[
        Any, BeforeValidator(_command), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array"}]})
    ] = Field(None, description="Shell text, or a list of words that no shell sees. Or `script`.")
    arguments: dict[str, Any] = Field({}, description="Passed as `--key=value`; merged by key, `null` removes.")
    argument_style: Literal["auto", "fire", "argparse", "plain"] = Field(
        "auto", description="How arguments are written; `auto` reads it from the script."
    )
    shell: Annotated[
        Any,
        BeforeValidator(_shell),
        WithJsonSchema({"anyOf": [{"enum": ["sh", "bash"]}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field("sh", description="What runs `command` text: sh, bash (with pipefail), or a list such as [zsh, -c].")
    env: Annotated[dict[str, Any], BeforeValidator(_env)] = Field(
        {}, description="Environment variables: text or numbers; merged by key, `null` removes."
    )
    env_file: Text | None = Field(None, description="A `.env` file with further environment variables.")
    cwd: Text | None = Field(None, description="The directory that the process starts in.")
    python: Annotated[str, BeforeValidator(_python)] | None = Field(
        None, description="The interpreter for `.py` scripts; without it the one that crude-link runs under."
    )
    stdin: Literal["nothing", "terminal"] = Field(
        "nothing", description="`nothing`: a question fails at once; `terminal`: the step has the keyboard."
    )
    stop_grace: Duration = Field(timedelta(seconds=10), description="How long INT and TERM may take each.")
    needs: Annotated[list[str], BeforeValidator(_texts), WithJsonSchema(_TEXT_LIST)] | None = Field(
        None, description="The steps that must have succeeded; without it the one before; [] starts at once."
    )
    when: str | None = Field(
        None, description="`always`, `failed`, or an expression over params., steps., run. and env."
    )
    timeout: Duration | None = Field(None, description="How long one try may take.")
    retries: Annotated[RetriesModel, BeforeValidator(_retries)] | None = Field(
        None, description="How many further tries, or {max, delay, backoff, jitter, longest_delay, only}."
    )
    continue_on_failure: bool = Field(False, description="The pipeline goes on; the run is failed all the same.")
    inputs: Texts = Field([], description="Paths that must be there before the step.")
    outputs: Texts = Field([], description="Paths that must be there after the step.")
    metrics: Text | None = Field(None, description="A JSON file of numbers that the step writes.")
    runs_on: Literal["local"] = Field("local", description="Where the step runs; other places come with SSH hosts.")


class PipelineModel(Strict):
    """One pipeline, its steps merged."""

    name: Name | None = Field(None, description="The pipeline's name in history; without it the folder's.")
    params: Annotated[dict[str, ParamModel], BeforeValidator(_params)] = Field(
        {}, description="What a run may set: name -> value, or {default, choices, min, max, help}."
    )
    secrets: Annotated[dict[str, dict[str, Text]], BeforeValidator(_secrets)] = Field(
        {}, description="Environment variables that are never stored; or name -> variable, {file: P}, {command: C}."
    )
    timeout: Duration | None = Field(None, description="How long the whole run may take.")
    cron: Any = Field(None, description="When the pipeline runs by itself: cron fields, or a crontab line.")
    timezone: str | None = Field(None, description="The zone of `cron`: Europe/Berlin; without it the machine's.")
    retention: RetentionModel | None = Field(None, description="How many finished runs are kept.")
    steps: list[StepModel] = Field(min_length=1, description="What is run, in order.")


def source_of(secret: Mapping[str, str]) -> dict[str, str | None]:
    """Return a secret's source as the three fields of the model."""
    return {kind: secret.get(kind) for kind in ("env", "file", "command")}
