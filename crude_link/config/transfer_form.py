"""The forms of `download`, `upload` and `storage`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crude_link.config.forms import (
    TEXT,
    Form,
    Key,
    Report,
    boolean,
    by_name,
    mapping,
    one_word_of,
    parsed,
    several,
    shown,
)
from crude_link.config.node import Path
from crude_link.config.problems import did_you_mean, one_of
from crude_link.config.retry_form import LIMIT, RETRIES
from crude_link.model.transfer import READ_ONLY_SCHEMES, SCHEMES, scheme_of
from crude_link.model.value import Plain

_EXAMPLE = {**TEXT, "examples": ["s3://bucket/folder", "gs://bucket/folder", "sftp://host/folder", "/mnt/folder"]}
#: Schemes that people write otherwise.
_OTHER_WORDS = {
    "azure": "az", "abfs": "az", "abfss": "az", "wasb": "az", "wasbs": "az", "google": "gs", "gcp": "gs", "aws": "s3",
    "scp": "sftp", "s3n": "s3",
}  # fmt: skip


def _place(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"is a URL such as s3://bucket/folder, or a path, not {shown(value) if value else 'empty'}")
    scheme = None if value.startswith("${") else scheme_of(value)
    if scheme is not None and scheme not in SCHEMES:
        raise ValueError(f"'{scheme}://' is no kind of store that is known{_meant(scheme)}; known: {one_of(SCHEMES)}")
    if scheme not in (None, "file") and not value.partition("://")[2].split("/")[0]:
        raise ValueError(f"'{value}' names no {'host' if scheme in READ_ONLY_SCHEMES else 'bucket'}")
    return value


def _target(value: object) -> str:
    place = _place(value)
    if scheme_of(place) in READ_ONLY_SCHEMES:
        raise ValueError(f"'{place}' can only be read from; name a store to upload to")
    return place


def _local(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"is the path of a folder, not {shown(value) if value else 'empty'}")
    if scheme_of(value) is not None:
        raise ValueError(f"is a path on this machine, not '{value}'; are `from` and `to` the wrong way round?")
    return value


def _meant(scheme: str) -> str:
    word = _OTHER_WORDS.get(scheme)
    return f" (did you mean '{word}'?)" if word else did_you_mean(scheme, SCHEMES)


#: A place that can be read from.
REMOTE = parsed(_place, _EXAMPLE)
_PATTERNS = Key(several(parsed(_local, TEXT)), "", ())
CHOICE_KEYS: Mapping[str, Key] = {
    "include": Key(_PATTERNS.form, "Only files that one of these patterns names, such as '**/*.png'.", ()),
    "exclude": Key(_PATTERNS.form, "Not the files that one of these patterns names.", ()),
}
_ENV = Key(
    by_name(parsed(lambda value: value, {"type": ["string", "number"]}), "{NAME: value}"),
    "Further variables of the environment, beside `env` of the file or the step.",
    {},
)
#: What every step has.
_AS_A_STEP: Mapping[str, Key] = {
    "timeout": Key(LIMIT, "How long one try may take."),
    "retries": Key(RETRIES, "How many further tries, as of a step; without it those of the step that it belongs to."),
}
SURROUNDING_KEYS: Mapping[str, Key] = {
    "env": _ENV,
    "env_file": Key(parsed(_local, TEXT), "A `.env` file with further variables."),
}
_KEEP = Key(boolean(), "In a step with `foreach`: the files stay here when the task has succeeded.", False)
DOWNLOAD_KEYS: Mapping[str, Key] = {
    "from": Key(REMOTE, "A URL, or a path: a folder, or one file.", is_required=True),
    "to": Key(parsed(_local, TEXT), "The folder here.", is_required=True),
    **CHOICE_KEYS,
    "only": Key(
        one_word_of("changed", "all", "new"),
        "`changed`: what is not here and equal; `all`; `new`: what no succeeded run of the pipeline has had.",
        "changed",
    ),
    "if_empty": Key(
        one_word_of("fail", "skip", "run"),
        "When there is nothing to fetch: `fail`, `skip` the steps (a success), or `run` them.",
        "fail",
    ),
    "delete": Key(boolean(), "Remove here what was fetched before and is gone there.", False),
    "keep": _KEEP,
    **SURROUNDING_KEYS,
    **_AS_A_STEP,
}
UPLOAD_KEYS: Mapping[str, Key] = {
    "from": Key(parsed(_local, TEXT), "The folder here, or one file.", is_required=True),
    "to": Key(parsed(_target, _EXAMPLE), "A URL, or a path.", is_required=True),
    **CHOICE_KEYS,
    "stale": Key(
        one_word_of("ignore", "upload", "clean"),
        "Files of earlier runs in the folder: `ignore`, `upload` them too, or `clean` them away at first.",
        "ignore",
    ),
    "if_empty": Key(
        one_word_of("fail", "skip", "run"), "When nothing was made: `fail`; `skip` or `run` let it be.", "fail"
    ),
    "when": Key(
        one_word_of("always"), "`always`: also what steps that failed have left; without it, after all succeeded."
    ),
    "manifest": Key(
        boolean(), "Write a list of all files last, so that readers know that the folder is whole.", False
    ),
    "keep": _KEEP,
    **SURROUNDING_KEYS,
    **_AS_A_STEP,
}


def _one_or_several(form: Form) -> Form:
    """Return the form of a transfer, or of a list of them."""

    def read(value: Plain, path: Path, report: Report) -> Any:
        if not isinstance(value, (list, tuple)):
            return (form.read(value, path, report),)
        return tuple(form.read(child, (*path, index), report) for index, child in enumerate(value))

    return Form(read, {"anyOf": [form.json, {"type": "array", "items": form.json}]})


DOWNLOAD = _one_or_several(mapping(DOWNLOAD_KEYS, "`download`"))
UPLOAD = _one_or_several(mapping(UPLOAD_KEYS, "`upload`"))


def _option(value: object) -> object:
    if isinstance(value, (Mapping, list, tuple)):
        raise ValueError(f"is text, a number or true or false, not {shown(value)}")
    return value


_OPTIONS = by_name(parsed(_option, {"type": ["string", "number", "boolean", "null"]}), "{endpoint: URL}")


def _read_storage(value: Plain, path: Path, report: Report) -> Any:
    if not isinstance(value, Mapping):
        report(
            path, f"is a mapping of schemes or buckets such as {{s3: {{endpoint: URL}}}}, not {shown(value)}", False
        )
        return {}
    for key in value:
        scheme = scheme_of(key) or key.lower()
        if scheme not in SCHEMES:
            report((*path, key), f"'{key}' is no scheme, and no bucket as a URL{_meant(scheme)}", True)
    return {key: _OPTIONS.read(options, (*path, key), report) for key, options in value.items()}


STORAGE = Form(_read_storage, {"type": "object", "additionalProperties": _OPTIONS.json})
