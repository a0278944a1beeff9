"""The forms of `foreach` and of the shares of tasks that may fail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from crude_link.config.forms import TEXT, Form, Key, Report, boolean, mapping, number, parsed, shown, text
from crude_link.config.node import Path
from crude_link.model.foreach import SOURCES, ForEach, Share
from crude_link.model.transfer import are_urls
from crude_link.model.value import Plain

_WORDS = {"type": "array", "items": {"type": ["string", "number", "boolean"]}}
_TEXTS = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
_LARGEST = 2**60
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def _path(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError(f"is the path of a file, not {shown(value)}")


def _items(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise ValueError(f"is a list, not {shown(value)}; the lines of a file are `lines: FILE`")


def _patterns(value: object) -> object:
    words = [value] if isinstance(value, str) else value
    if isinstance(words, (list, tuple)) and words and all(isinstance(word, str) and word.strip() for word in words):
        are_urls([word for word in words if not word.startswith("${")])
        return value
    raise ValueError(f"is a pattern such as 'images/**/*.png', or a list of some, not {shown(value)}")


def _range(value: object) -> object:
    said = list(value) if isinstance(value, (list, tuple)) else [value]
    numbers = [number for number in said if isinstance(number, int) and not isinstance(number, bool)]
    if len(numbers) != len(said) or not 1 <= len(numbers) <= 3:
        raise ValueError("is a whole number, [start, stop] or [start, stop, step], as Python's range")
    if len(numbers) == 3 and numbers[2] == 0:
        raise ValueError("the step is 0, so that it would never end")
    if any(abs(number) > _LARGEST for number in numbers):
        raise ValueError("the numbers are beyond all counting")
    return value


def _command(value: object) -> object:
    is_list = isinstance(value, (list, tuple)) and value and all(isinstance(word, str) for word in value)
    if is_list or (isinstance(value, str) and value.strip()):
        return value
    raise ValueError("is shell text or a list of words whose output lines are the inputs")


def _matrix(value: object) -> object:
    if isinstance(value, Mapping) and value and all(isinstance(one, (list, tuple)) for one in value.values()):
        return value
    raise ValueError("is a mapping of names to lists: {lr: [0.1, 0.01], seed: [1, 2, 3]}")


def _share(value: object) -> Share:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Share(number=value, is_share=False)
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match and float(match[1]) <= 100:
        return Share(number=float(match[1]) / 100, is_share=True)
    if isinstance(value, float) and 0 < value < 1:
        raise ValueError(f"is a number of tasks or a share; for the share write {value * 100:g}%")
    raise ValueError(f"is a number of tasks from 0 on or a share such as 5%, not {shown(value)}")


def _some_share(value: object) -> Share:
    share = _share(value)
    if not share.number:
        raise ValueError("is more than nothing; to stop at the first failure write 1")
    return share


_FILE = parsed(_path, TEXT)
_NUMBER_OR_SHARE = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "%|\\$\\{"}]}
ALLOWED = parsed(_share, _NUMBER_OR_SHARE)
STOPPED_AFTER = parsed(_some_share, _NUMBER_OR_SHARE)
_RANGE_JSON = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}, TEXT]}

FOREACH_KEYS: Mapping[str, Key] = {
    "items": Key(parsed(_items, {"anyOf": [{"type": "array"}, TEXT]}), "A list; its values keep their types."),
    "lines": Key(_FILE, "A file: each line that is not blank is an input."),
    "csv": Key(_FILE, "A CSV file with a header: each row is an input, with the header's names as fields."),
    "jsonl": Key(_FILE, "A file with one JSON value in each line."),
    "task_file": Key(_FILE, "A JSON or YAML list of {task_id, data}."),
    "glob": Key(
        parsed(_patterns, _TEXTS),
        "A pattern of paths, or of URLs (`gs://team/**/*.tif`), or a list of some; `**` is any depth of folders.",
    ),
    "range": Key(parsed(_range, _RANGE_JSON), "A number, [start, stop] or [start, stop, step], as Python's range."),
    "command": Key(
        parsed(_command, {"anyOf": [TEXT, _WORDS]}), "Shell text or a list of words; each line of its output is one."
    ),
    "step": Key(text(), "An earlier step: each line of its output is an input."),
    "matrix": Key(
        parsed(_matrix, {"type": "object", "additionalProperties": {"anyOf": [{"type": "array"}, TEXT]}}),
        "Names and their values: each combination is an input, with the names as fields.",
    ),
    "key": Key(text(), "The field that tells inputs apart after their source was changed; without it all of them."),
    "limit": Key(number(1, whole=True), "Only the first so many inputs."),
    "dedupe": Key(boolean(), "An input that came before is left out.", False),
    "once": Key(boolean(), "An input that an earlier run of this step has done is left out.", False),
}


def _foreach(**said: Any) -> ForEach:
    source = next((name for name in SOURCES if said[name] is not None), "items")
    options = {"dedupe": True} if said["dedupe"] else {}
    return ForEach(
        source=source,
        value=said[source],
        options=options,
        key=said["key"],
        once=bool(said["once"]),
        limit=said["limit"],
    )


_IN_FULL = mapping(FOREACH_KEYS, "`foreach`", _foreach)


def _read_foreach(value: Plain, path: Path, report: Report) -> ForEach | None:
    said: Plain = {"items": value} if isinstance(value, (list, tuple)) else value
    if not isinstance(said, Mapping):
        report(path, f"is a source of inputs such as {{lines: FILE}}, or a list, not {shown(value)}", False)
        return None
    said = _in_our_words(said)
    sources = [name for name in said if name in SOURCES and said[name] is not None]
    if len(sources) > 1:
        words = " and ".join(f"`{name}`" for name in sources)
        report((*path, sources[1]), f"{words} are two sources of inputs; keep one", True)
        return None
    if not sources and said.keys() <= FOREACH_KEYS.keys():
        report(path, f"`foreach` names no source of inputs; it is one of {', '.join(SOURCES)}", True)
        return None
    made: ForEach | None = _IN_FULL.read(said, path, report)
    return made


def _in_our_words(said: Mapping[str, Plain]) -> Mapping[str, Plain]:
    """Understand `file: {path: P, format: eachLine}`, as other programs say `lines: P`."""
    file = said.get("file")
    if isinstance(file, Mapping) and file.keys() == {"path", "format"} and file["format"] == "eachLine":
        return {**{key: value for key, value in said.items() if key != "file"}, "lines": file["path"]}
    return said


FOREACH = Form(_read_foreach, {"anyOf": [{"type": "array"}, _IN_FULL.json]})

FAN_OUT_KEYS: Mapping[str, Key] = {
    "foreach": Key(FOREACH, f"The inputs for each of which the step runs: one of {', '.join(SOURCES)}."),
    "parallel": Key(number(1, whole=True), "How many tasks run at once; without it as many as there are cores."),
    "allow_failed": Key(
        ALLOWED, "So many tasks, or such a share of them, may fail: `3`, `2%`.", Share(number=0, is_share=False)
    ),
    "stop_after_failed": Key(STOPPED_AFTER, "With so many failed tasks, or such a share, no further one is begun."),
}
