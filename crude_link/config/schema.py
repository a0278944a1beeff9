"""Schema: the keys of a merged pipeline, their forms and what they mean.

The meanings become the editor's help and the config reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crude_link.config.foreach_form import FAN_OUT_KEYS
from crude_link.config.forms import (
    TEXT,
    Form,
    Key,
    Report,
    anything,
    boolean,
    by_name,
    elsewhere,
    mapping,
    number,
    one_word_of,
    parsed,
    several,
    shown,
    text,
)
from crude_link.config.function_form import FUNCTION_KEYS
from crude_link.config.keys import LATER_PIPELINE_KEYS, LATER_STEP_KEYS, THE_FILE, not_yet
from crude_link.config.node import Path
from crude_link.config.resources_form import NEED_KEYS, POOLS
from crude_link.config.retry_form import DURATION, LIMIT, RETRIES, TASK_LIMIT
from crude_link.config.units import size
from crude_link.config.warm_form import WARM_KEYS
from crude_link.model.pipeline import ArgumentStyle, Stdin
from crude_link.model.policy import Retention, RetryPolicy
from crude_link.model.value import Plain

NAME = re.compile(r"[A-Za-z0-9_-]+")
_SCRIPT_WITH_ARGUMENTS = re.compile(r"(\S+\.(?:py|sh|R|r|jl|rb|pl|js|bash))\s+(\S.*)", re.DOTALL)
_PROGRAM_WITH_SCRIPT = re.compile(r"(?:python[\d.]*|bash|sh|zsh|Rscript|node|perl|ruby|julia)\s+\S")
_LONGEST_NAME = 100
_SHELLS = {"sh": ("sh", "-e", "-c"), "bash": ("bash", "-eo", "pipefail", "-c")}


def _name(value: object) -> str:
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int)):
        raise ValueError("a name is text")
    word = str(value)
    if not NAME.fullmatch(word):
        raise ValueError(f"'{word}' cannot be a name: use letters, digits, `_` and `-`")
    if len(word) > _LONGEST_NAME:
        raise ValueError(
            f"is a name of {len(word)} characters; files are named after it, so take at most {_LONGEST_NAME}"
        )
    if word.isdigit() or word == "last":
        raise ValueError(f"'{word}' cannot be a name: bare numbers and `last` stand for runs")
    return word


def _script(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is the path of a file")
    match = _SCRIPT_WITH_ARGUMENTS.fullmatch(value)
    if match:
        script, rest = match.groups()
        command = f"python {value}" if script.endswith(".py") else value
        raise ValueError(
            f"`script` is a file only: `script: {script}`, and `{rest}` under `arguments:` (or `command: {command}`)"
        )
    if _PROGRAM_WITH_SCRIPT.match(value):
        raise ValueError(f"`script` is a file only, without the program that runs it (or `command: {value}`)")
    return value


def _python(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or re.fullmatch(r"[\d.]+", value):
        raise ValueError("`python` is a path or a program, not a version: write python3.12, or .venv/bin/python")
    if re.match(r"\S+\s+-", value):
        raise ValueError(f"`python` is a program only; for its options use `command: {value} SCRIPT`")
    return value


def _path(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    hint = "; quote it" if is_number else "; leave it out" if not value else ""
    raise ValueError(f"is a path, not {shown(value) if value else 'empty'}{hint}")


def _command(value: object) -> object:
    is_list = isinstance(value, list) and value and not any(isinstance(word, (list, dict)) for word in value)
    if is_list or (isinstance(value, str) and value.strip()):
        return value
    raise ValueError("is shell text or a list of words")


def _when(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("is text: `always`, `failed` or an expression")


def _shell(value: object) -> tuple[str, ...]:
    if isinstance(value, str) and value in _SHELLS:
        return _SHELLS[value]
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise ValueError("is sh, bash or a list such as [zsh, -c]")


def _env_value(value: object) -> str | int | float:
    if isinstance(value, bool):
        raise ValueError(f"YAML reads this as {str(value).lower()}; quote the word that is meant")
    if not isinstance(value, (str, int, float)):
        raise ValueError("an environment variable is text or a number")
    return value


def _choices(value: object) -> object:
    if isinstance(value, list) and value:
        return value
    raise ValueError("is a list of the values that are allowed, with at least one")


def _read_secrets(value: Plain, path: Path, report: Report) -> Any:
    if isinstance(value, (list, tuple)):
        for index, word in enumerate(value):
            if not isinstance(word, str):
                report((*path, index), f"{shown(word)} is no name of an environment variable", False)
        return {str(word): {"env": str(word)} for word in value}
    if not isinstance(value, Mapping):
        report(path, "lists environment variables, or is name -> env, {file: P} or {command: C}", False)
        return {}
    return {name: _secret_form(name).read(source, (*path, name), report) for name, source in value.items()}


def _secret_form(name: str) -> Form:
    """Return the form of one secret's source."""

    def read(source: object) -> Mapping[str, str]:
        if source is None or source == "env":
            return {"env": name}
        if isinstance(source, str) and source not in ("file", "command"):
            return {"env": source}
        if isinstance(source, dict) and len(source) == 1:
            ((kind, word),) = source.items()
            if kind in ("env", "file", "command") and isinstance(word, str) and word.strip():
                return {kind: word}
        raise ValueError(
            "a secret has one source: `env` (the variable of its own name), a variable's name, "
            "{file: P} or {command: C}"
        )

    return parsed(read, {})


def _here(value: object) -> str:
    if value == "local":
        return "local"
    raise ValueError(not_yet("runs_on", "SSH hosts").replace("`runs_on`", f"`runs_on: {value}`"))


PATH = parsed(_path, TEXT)
#: What few configs have is read by what only these need.
DOWNLOAD, UPLOAD = elsewhere("transfer_form:DOWNLOAD"), elsewhere("transfer_form:UPLOAD")
_WORDS = {"type": "array", "items": {"type": ["string", "number", "boolean"]}}

RETENTION_KEYS: Mapping[str, Key] = {
    "runs": Key(number(0, whole=True), "How many finished runs are kept."),
    "days": Key(number(0), "The age in days at which a run goes."),
    "size": Key(parsed(size, {"type": "string", "examples": ["40GB"]}), "What all runs may take together."),
    "failed_days": Key(number(0), "The age in days up to which failed runs are kept."),
}


def _retention(**said: Any) -> Retention:
    size_bytes = said.pop("size")
    return Retention(size_bytes=size_bytes, **said)


def _read_steps(value: Plain, path: Path, report: Report) -> Any:
    steps = value if isinstance(value, (list, tuple)) else ()
    return tuple(STEP_FORM.read(step, (*path, index), report) for index, step in enumerate(steps))


PARAM_KEYS: Mapping[str, Key] = {
    "default": Key(anything({}), "The value of a run that sets none; without it `--set` is required."),
    "choices": Key(parsed(_choices, {"type": "array", "minItems": 1}), "The values that are allowed."),
    "min": Key(number(), "The least number that is allowed."),
    "max": Key(number(), "The greatest number that is allowed."),
    "help": Key(text(), "What it is for, in a line."),
}
_PARAM = mapping(PARAM_KEYS, "a param")


def _read_param(value: Plain, path: Path, report: Report) -> Any:
    return _PARAM.read(value if isinstance(value, Mapping) else {"default": value}, path, report)


STEP: Mapping[str, Key] = {
    "name": Key(parsed(_name, TEXT), "The step's name; without it that of its config or script."),
    "script": Key(
        parsed(_script, TEXT), "A file to run: `.py` under `python`, anything else by itself. Or `command`."
    ),
    "command": Key(
        parsed(_command, {"anyOf": [TEXT, _WORDS]}), "Shell text, or a list of words that no shell sees. Or `script`."
    ),
    **FUNCTION_KEYS,
    "arguments": Key(
        by_name(anything({}), "{rate: 0.1}"), "Passed as `--key=value`; merged by key, `null` removes.", {}
    ),
    "argument_style": Key(
        one_word_of(*(style.value for style in ArgumentStyle)),
        "How arguments are written; `auto` reads it from the script.",
        "auto",
    ),
    "shell": Key(
        parsed(_shell, {"anyOf": [{"enum": ["sh", "bash"]}, _WORDS]}),
        "What runs `command` text: sh, bash (with pipefail), or a list such as [zsh, -c].",
        _SHELLS["sh"],
    ),
    "env": Key(
        by_name(parsed(_env_value, {"type": ["string", "number", "null"]}), "{NAME: value}"),
        "Environment variables: text or numbers; merged by key, `null` removes.",
        {},
    ),
    "env_file": Key(PATH, "A `.env` file with further environment variables."),
    "cwd": Key(PATH, "The directory that the process starts in."),
    "python": Key(
        parsed(_python, TEXT), "The interpreter for `.py` scripts; without it the one that crude-link runs under."
    ),
    "stdin": Key(
        one_word_of(*(stdin.value for stdin in Stdin)),
        "`nothing`: a question fails at once; `terminal`: the step has the keyboard.",
        "nothing",
    ),
    "stop_grace": Key(DURATION, "How long INT may take before TERM, and TERM before KILL.", timedelta(seconds=10)),
    "needs": Key(
        several(text()), "The steps that must have succeeded; without it the one before; [] starts at once."
    ),
    "when": Key(parsed(_when, TEXT), "`always`, `failed`, or an expression over params., steps., run. and env."),
    "timeout": Key(
        TASK_LIMIT,
        "How long one try may take; for tasks also `5x median`, so many times the median of those that succeeded.",
    ),
    "retries": Key(
        RETRIES,
        "How many further tries, or {max, delay, backoff, jitter, longest_delay, only}.",
        RetryPolicy(),
    ),
    "continue_on_failure": Key(boolean(), "The pipeline goes on; the run is failed all the same.", False),
    "inputs": Key(several(PATH), "Paths that must be there before the step.", ()),
    "outputs": Key(several(PATH), "Paths that must be there after the step.", ()),
    "metrics": Key(PATH, "A JSON file of numbers that the step writes."),
    **FAN_OUT_KEYS,
    **NEED_KEYS,
    **WARM_KEYS,
    "download": Key(DOWNLOAD, "What is fetched before the step: {from: URL, to: FOLDER}, or a list of these.", ()),
    "upload": Key(UPLOAD, "What is brought away behind the step: {from: FOLDER, to: URL}, or a list of these.", ()),
    "runs_on": Key(parsed(_here, TEXT), "Where the step runs: `local`; other places come with SSH hosts.", "local"),
}
STEP_FORM = mapping(STEP, "a step", later=LATER_STEP_KEYS)

PIPELINE: Mapping[str, Key] = {
    "name": Key(parsed(_name, TEXT), "The pipeline's name in history; without it the folder's."),
    "params": Key(
        by_name(Form(_read_param, {"anyOf": [{"type": ["string", "number", "boolean", "null"]}, _PARAM.json]})),
        "What a run may set: name -> value, or {default, choices, min, max, help}.",
        {},
    ),
    "secrets": Key(
        Form(_read_secrets, {"anyOf": [_WORDS, {"type": "object"}]}),
        "Environment variables that are never stored; or name -> env, another variable, {file: P}, {command: C}.",
        {},
    ),
    "resources": POOLS,
    "timeout": Key(LIMIT, "How long the whole run may take."),
    "cron": Key(
        elsewhere("schedule_form:CRON"),
        "When the pipeline runs by itself, with --non-interactive: cron fields, or a crontab line.",
    ),
    "timezone": Key(text(), "The zone of `cron` and `schedule`: Europe/Berlin; without it the machine's."),
    "schedule": Key(
        elsewhere("schedule_form:SCHEDULE"),
        "When the pipeline runs by itself: a crontab line, an entry, or a list of these.",
        (),
    ),
    "retention": Key(mapping(RETENTION_KEYS, "`retention`", _retention), "How many finished runs are kept."),
    "notify": Key(
        elsewhere("notify_form:NOTIFY"), "Whom to tell of what when nobody sits in front: one entry or a list.", ()
    ),
    "download": Key(DOWNLOAD, "What is fetched before all steps: {from: URL, to: FOLDER}, or a list of these.", ()),
    "upload": Key(
        UPLOAD, "What is brought away when all steps have succeeded: {from: FOLDER, to: URL}, or a list of these.", ()
    ),
    "storage": Key(
        elsewhere("transfer_form:STORAGE"),
        "Endpoints and other options of stores, by scheme (`s3`) or bucket (`s3://team`).",
        {},
    ),
    "steps": Key(
        Form(_read_steps, {"type": "array", "items": STEP_FORM.json}), "What is run, in order.", is_required=True
    ),
}
PIPELINE_FORM = mapping(PIPELINE, THE_FILE, later=LATER_PIPELINE_KEYS)
