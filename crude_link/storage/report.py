"""Reports: what a transfer did, for whoever ordered it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How a transfer ended. `word` is `done` or the kind of failure; `is_empty` when there was nothing to do."""

    word: str = "done"
    message: str = ""
    files: int = 0
    bytes: int = 0
    kept: int = 0
    is_empty: bool = False


def write_report(report: Report, path: str | None) -> None:
    """Write a report where it is wanted, and its numbers as metrics of the step."""
    if path is not None:
        write_aside(Path(path), json.dumps(asdict(report)) + "\n")
    metrics = os.environ.get("CRUDE_LINK_METRICS")
    if metrics:
        with open(metrics, "a", encoding="utf-8") as file:  # noqa: PTH123 (a path as the environment says it)
            file.write(f"files={report.files}\nbytes={report.bytes}\nkept={report.kept}\n")


def write_fetched(path: Path, marks: Mapping[str, str]) -> None:
    """Write what a run has had, as marks by name, which later runs are told of."""
    lines = [json.dumps({"name": name, "mark": mark}) for name, mark in marks.items()]
    write_aside(path, "".join(f"{line}\n" for line in lines))


def read_fetched(path: Path) -> dict[str, str]:
    """Return the marks by name of what an earlier try of a run has had, as `write_fetched` wrote it."""
    with path.open(encoding="utf-8") as file:
        return {record["name"]: record["mark"] for record in map(json.loads, file)}


def take_had(path: Path | None) -> frozenset[tuple[str, str]]:
    """Return the names and marks of what succeeded runs have had; nothing where none has.

    The file is removed: it names all files that ever came, and each attempt of each run is given one.
    """
    if path is None or not path.exists():
        return frozenset()
    with path.open(encoding="utf-8") as file:
        records = (json.loads(line) for line in file if line.strip())
        had = frozenset((record["name"], record["mark"]) for record in records)
    path.unlink()
    return had


def write_aside(path: Path, text: str) -> None:
    """Write a file that others read: aside, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
