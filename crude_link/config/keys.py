"""Keys: the words of the contract, and with what the ones that are not built yet will come."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from crude_link.config.csjr import WORDS
from crude_link.config.problems import did_you_mean

#: What a step may say, in the order in which a record shows it.
STEP_KEYS = (
    "name", "script", "command", "function", "arguments", "argument_style", "shell", "env", "env_file", "cwd",
    "python", "stdin", "stop_grace", "needs", "when", "timeout", "retries", "continue_on_failure", "inputs",
    "outputs", "metrics", "foreach", "parallel", "resources", "gpus", "cpus", "memory", "disk", "warm",
    "allow_failed",
    "stop_after_failed", "download", "upload",
)  # fmt: skip
#: Keys of a pipeline that stay in its record.
PIPELINE_KEYS = (
    "name",
    "params",
    "secrets",
    "resources",
    "timeout",
    "cron",
    "timezone",
    "schedule",
    "retention",
    "notify",
    "storage",
    "download",
    "upload",
    "steps",
)
#: Keys of a file that are gone when its steps are merged.
FILE_KEYS = ("configs", "pipelines", "jobs", "env", "cwd", "python", "defaults")
#: How errors name the top level.
THE_FILE = "the file"
#: Keys that every step must say for itself.
NO_DEFAULTS = ("name", "script", "command", "function", "needs", "when")
#: Keys of a step that merge by key; every other is replaced.
MERGED_BY_KEY = ("arguments", "env")

#: Words of other tools, and of the prose around this one, for keys that are here.
_OTHER_WORDS = {
    "scheduler": "cron", "crontab": "cron", "config": "configs", "parameters": "params", "variables": "params",
    "args": "arguments", "cmd": "command", "run": "command", "shell_command": "command", "environment": "env",
    "depends_on": "needs", "if": "when", "condition": "when", "retry": "retries", "working_dir": "cwd",
    "workdir": "cwd", "working_directory": "cwd", "interpreter": "python", "tasks": "steps", "stages": "steps",
    "eachLine": "lines", "files": "glob", "numbers": "range", "values": "items", "workers": "parallel",
    "slots": "parallel", "max_parallel": "parallel", "for_each": "foreach", "schedules": "schedule",
    "interval": "every", "date": "at", "tz": "timezone", "zone": "timezone", "concurrency": "overlap",
    "max_instances": "overlap", "coalesce": "catch_up", "misfire_grace_time": "max_lateness",
    "notifications": "notify", "alerts": "notify", "server": "host", "smtp": "mail", "email": "mail",
    "hook": "webhook", "username": "user", "ping": "heartbeat",
}  # fmt: skip
#: Keys of an entry of `schedule` that are no key elsewhere.
_ENTRY_WORDS = (
    "every",
    "at",
    "new_files",
    "overlap",
    "catch_up",
    "max_catch_up",
    "max_lateness",
    "dst",
    "on_failure",
)
#: Those of them that say when it fires, and so can stand alone.
_TIMINGS = ("every", "at", "new_files")
_SSH = "SSH hosts"
_EXPERIMENTS = "experiments"
#: Known keys of capabilities that are not built yet: the capability, and what the key will say.
LATER_PIPELINE_KEYS: Mapping[str, tuple[str, str]] = {
    "matrix": (_EXPERIMENTS, "One run for each combination of values."),
    "snapshot": (_EXPERIMENTS, "What of the code and environment a run keeps."),
    "executors": (_SSH, "Where else steps can run."),
}
LATER_STEP_KEYS: Mapping[str, tuple[str, str]] = {
    "skip": (_EXPERIMENTS, "Not run again when nothing that matters has changed."),
    "docker": (_SSH, "The image that the step runs in."),
}


def unknown_key(key: str, known: Iterable[str], where: str) -> str:
    """Say that a key is not known here, and what was probably meant."""
    words = (*known, *FILE_KEYS) if where == THE_FILE else tuple(known)
    if key in ("on", "On", "ON"):
        return "YAML reads `on` as the word for true; where a step runs is `runs_on`"
    if where == "a step" and re.search(r"\s", key):
        return f"`{key}` is a key to YAML, which ends keys at a colon; quote the whole line if it is a command"
    if where == THE_FILE and key in _ENTRY_WORDS:
        inside = f"`{key}`" if key in _TIMINGS else f"`cron` and `{key}`"
        return f"`{key}` is a key of an entry of `schedule`; write `schedule:` with {inside} in it"
    later = {**LATER_PIPELINE_KEYS, **LATER_STEP_KEYS}
    if key in STEP_KEYS and key not in words:
        return f"`{key}` is a key of a step, not of {where}; for every step it goes under `defaults:`"
    if key in PIPELINE_KEYS + FILE_KEYS and key not in words:
        return f"`{key}` is a key of the file, not of {where}"
    if _OTHER_WORDS.get(key) in words:
        return f"`{key}` is no key of {where}; here it is called `{_OTHER_WORDS[key]}`"
    anchors = "; a key that only holds anchors begins with `x-`" if where == THE_FILE else ""
    foreign = WORDS if where == THE_FILE else ()
    advice = did_you_mean(key, (*words, *later, *foreign)) or f"; known: {', '.join(words)}{anchors}"
    return f"`{key}` is no key of {where}{advice}"


def not_yet(key: str, capability: str) -> str:
    """Say that a key is known and its capability not built."""
    return f"`{key}` comes with {capability}, which this version of crude-link does not have yet"
