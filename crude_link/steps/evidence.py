"""StepEvidence: what an attempt left behind, and whether it is what the config promised."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from crude_link.model.order import Order
from crude_link.model.run import Ending, Findings, Outcome, Output
from crude_link.model.status import Status
from crude_link.model.value import Plain, Scalar
from crude_link.steps.function import take_result
from crude_link.steps.transfer_report import take_report

#: Above this size a checksum would cost more time than it is worth; the contract's "up to 1 GB".
LARGEST_CHECKED = 1_000_000_000
#: More than a metrics file ever needs; a model written there by mistake is not read into memory.
LARGEST_METRICS = 10_000_000

_NAME_AND_VALUE = re.compile(r"([^\s=]+)(?:\s*=\s*|\s+)(.+)")


class MissingResult(Exception):
    """A declared result is not there or not usable; the text is the reason."""


def file_stamp(path: Path) -> tuple[int, ...] | None:
    """Return what changes when a file is written, to be compared before and after an attempt; None without a file.

    Comparing its time with the attempt's would need a slack for clocks and coarse file systems, and within that
    slack the file of the run before would pass for new.
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


class StepEvidence:
    """Looks at what an attempt left behind; implements `Evidence`."""

    def __init__(self, project: Path) -> None:
        """Recorded paths are relative to `project` where they lie inside."""
        self._project = project

    def collect(self, order: Order, outcome: Outcome) -> tuple[Outcome, Findings]:
        """Return the final outcome and the findings; a failed attempt keeps its reason, and its metrics if any."""
        outcome = take_result(order, outcome)
        metrics, problems = self._metrics(order)
        if order.report is not None:
            outcome, counted = take_report(order.report, outcome)
            metrics |= counted
        if outcome.status is not Status.SUCCEEDED:
            return outcome, Findings(metrics=metrics)
        outputs, missing = self._outputs(order)
        findings = Findings(metrics=metrics, outputs=outputs)
        problems += missing
        if problems:
            return replace(outcome, ending=Ending.WITHOUT_RESULT, reason="; ".join(problems)), findings
        return outcome, findings

    def _metrics(self, order: Order) -> tuple[dict[str, Scalar], list[str]]:
        """Return the metrics that can be had, and what is wrong with the others."""
        found: dict[str, Scalar] = {}
        problems: list[str] = []
        for read in (self._metrics_file, _metrics_lines):
            try:
                found |= read(order)
            except MissingResult as problem:
                problems.append(str(problem))
        return found, problems

    def _outputs(self, order: Order) -> tuple[tuple[Output, ...], list[str]]:
        """Return the outputs that are there, and what is wrong with the others."""
        found: list[Output] = []
        missing: list[str] = []
        unreadable: list[str] = []
        for path in order.outputs:
            shown = self._shown(path)
            try:
                found.append(_output(path, shown))
            except (FileNotFoundError, NotADirectoryError):
                missing.append(shown)
            except OSError as error:
                unreadable.append(f"its output {shown} cannot be read: {error.strerror}")
        if missing:
            unreadable.insert(0, f"it ended well but did not make {', '.join(missing)}")
        return tuple(found), unreadable

    def _metrics_file(self, order: Order) -> Mapping[str, Scalar]:
        path = order.metrics_file
        if path is None:
            return {}
        shown = self._shown(path)
        try:
            size = path.stat().st_size
            if file_stamp(path) == order.metrics_before:
                raise MissingResult(f"its metrics file {shown} is older than this attempt: it was not written anew")
            if size > LARGEST_METRICS:
                raise MissingResult(f"its metrics file {shown} is {size} bytes long, which are no metrics")
            data = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise MissingResult(f"it ended well but wrote no metrics file {shown}") from error
        except OSError as error:
            raise MissingResult(f"its metrics file {shown} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise MissingResult(f"its metrics file {shown} is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise MissingResult(f"its metrics file {shown} holds no JSON object with names and values")
        return dict(_flat(data))

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._project)) if path.is_relative_to(self._project) else str(path)


def _metrics_lines(order: Order) -> Mapping[str, Scalar]:
    """Read what was written to `$CRUDE_LINK_METRICS`: JSON objects or `name=value`, line by line; the last wins."""
    path = order.metrics_lines
    if path is None:
        return {}
    try:
        if path.stat().st_size > LARGEST_METRICS:
            raise MissingResult("it wrote more than 10 MB to $CRUDE_LINK_METRICS, which are no metrics")
        lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise MissingResult(f"what it wrote to $CRUDE_LINK_METRICS cannot be read: {error.strerror}") from error
    found: dict[str, Scalar] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            found |= _metrics_line(line.strip(), number)
    return found


def _metrics_line(line: str, number: int) -> Mapping[str, Scalar]:
    if line.startswith("{"):
        try:
            return dict(_flat(json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise MissingResult(f"line {number} of $CRUDE_LINK_METRICS is not JSON: {error}") from error
    match = _NAME_AND_VALUE.fullmatch(line)
    if not match:
        raise MissingResult(f"line {number} of $CRUDE_LINK_METRICS is no `name=value`: {line[:80]!r}")
    return {match[1]: _scalar(match[2])}


def _scalar(text: str) -> Scalar:
    match text:
        case "true" | "True":
            return True
        case "false" | "False":
            return False
        case "null" | "None":
            return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _flat(data: Mapping[str, Plain], before: str = "") -> Iterator[tuple[str, Scalar]]:
    """Yield nested values under dotted names; the items of a list under their numbers, from 0."""
    for key, value in data.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, list):
            yield from _flat({str(at): item for at, item in enumerate(value)}, f"{name}.")
        else:
            yield name, value  # type: ignore[misc]  # JSON has nothing else


def _output(path: Path, shown: str) -> Output:
    if path.is_dir():
        return Output(path=shown, size=_folder_size(path))
    size = path.stat().st_size
    if not path.is_file() or size > LARGEST_CHECKED:
        return Output(path=shown, size=size)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return Output(path=shown, size=size, digest=digest.hexdigest())


def _folder_size(path: Path) -> int:
    size = 0
    for folder, _, files in os.walk(path):
        for name in files:
            size += (Path(folder) / name).lstat().st_size
    return size
