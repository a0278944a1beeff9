"""Table: the sources of inputs by their names in a config; none is imported before it is asked for."""

from __future__ import annotations

from importlib import import_module

from crude_link.inputs.source import Asked, InputSource

SOURCES = {
    "items": "crude_link.inputs.given:Items",
    "range": "crude_link.inputs.numbers_of_range:Range",
    "matrix": "crude_link.inputs.matrix:Matrix",
    "lines": "crude_link.inputs.lines:Lines",
    "csv": "crude_link.inputs.csv_rows:CsvRows",
    "jsonl": "crude_link.inputs.json_lines:JsonLines",
    "task_file": "crude_link.inputs.task_file:TaskFile",
    "glob": "crude_link.inputs.globbed:globbed",
    "command": "crude_link.inputs.command_lines:CommandLines",
    "step": "crude_link.inputs.step_lines:StepLines",
}


def source_of(name: str, asked: Asked) -> InputSource:
    """Return the source of this name. CannotStart when it is not to be had."""
    module, _, kind = SOURCES[name].partition(":")
    made: InputSource = getattr(import_module(module), kind)(asked)
    return made
