"""Writes the pages that say what the program already knows: `make docs`.

`reference-config.md` is made from the JSON Schema of the config file, `reference-cli.md` from the commands' help.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from crude_link.cli.root import root
from crude_link.config.load import json_schema

HERE = Path(__file__).parent
Schema = Mapping[str, Any]
#: A key of a later capability has a description that ends so, and no shape.
LATER = "Comes with "


def main() -> None:
    """Write every generated page."""
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return the generated pages by their names."""
    return {"reference-config.md": config_page(json_schema()), "reference-cli.md": cli_page()}


# --- the config file ------------------------------------------------------------------------------------


def config_page(schema: Schema) -> str:
    """Return the reference of the config file."""
    step = schema["$defs"]["step"]
    return "\n".join(
        [
            "# Reference: the config file",
            "",
            "Made from the JSON Schema by `make docs`; `crude-link schema` prints it for an editor.",
            "[The config file](config.md) explains the keys with examples.",
            "",
            "A time has a unit: `90s`, `15m`, `6h`, `2d`. So has a size: `40GB`. Every key may be left out but",
            "`steps`, for which `pipelines` may stand.",
            "",
            "## The file, or one of its `pipelines`",
            "",
            *table(schema),
            *nested(schema),
            "## A step, or one of the `configs`",
            "",
            "Exactly one of `script`, `command` and `function` is given.",
            "",
            *table(step),
            *nested(step),
            "## Keys that are reserved",
            "",
            "These are refused by name, because what they belong to is not built yet.",
            "",
            "| key | of | meaning |",
            "|---|---|---|",
            *(f"| `{key}` | the file | {value['description']} |" for key, value in later(schema)),
            *(f"| `{key}` | a step | {value['description']} |" for key, value in later(step)),
            "",
        ]
    )


def later(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the keys of capabilities that are not built."""
    for key, value in schema["properties"].items():
        if is_later(value):
            yield key, value


def is_later(value: Schema) -> bool:
    """True for a key that is known and refused."""
    return set(value) == {"description"} and LATER in value["description"]


def table(schema: Schema) -> Iterator[str]:
    """Yield the lines of the table of an object's keys."""
    yield "| key | value | meaning |"
    yield "|---|---|---|"
    for key, value in schema["properties"].items():
        if not is_later(value):
            yield f"| `{key}` | {shape(value)} | {cell(value.get('description', ''))} |"
    yield ""


def nested(schema: Schema, within: str = "") -> Iterator[str]:
    """Yield a table for each key that may be a mapping with keys of its own, and for those of its keys that may."""
    for key, value in schema["properties"].items():
        for variant in variants(value):
            inner = variant if variant.get("properties") else variant.get("additionalProperties")
            for mapping in variants(inner) if isinstance(inner, dict) else ():
                if mapping.get("properties"):
                    yield f"### `{within}{key}` as a mapping"
                    yield ""
                    yield from table(mapping)
                    yield from nested(mapping, f"{within}{key}.")


def variants(value: Schema) -> list[Schema]:
    """Return the forms that a value may have, without null and the text of a reference."""
    forms: list[Schema] = [form for choice in value.get("anyOf", [value]) for form in flat(choice)]
    return [form for form in forms if form.get("type") != "null" and form.get("pattern") != r"\$\{"]


def flat(value: Schema) -> list[Schema]:
    """Return what is nested in one more `anyOf`."""
    return variants(value) if "anyOf" in value else [value]


def shape(value: Schema) -> str:
    """Return the forms of a value in words."""
    words = dict.fromkeys(word for form in variants(value) for word in form_words(form))
    return cell(" or ".join(words)) or "any"


def form_words(form: Schema) -> list[str]:
    """Return one form of a value in words."""
    if "enum" in form:
        return [f"`{choice}`" for choice in form["enum"]]
    if "$ref" in form:
        return ["the keys of a " + form["$ref"].rpartition("/")[2]]
    if "examples" in form:
        return [f"such as `{form['examples'][0]}`"]
    kinds = form.get("type", "any")
    names = {"string": "text", "boolean": "true or false", "integer": "whole number", "array": "list"}
    names |= {"object": "mapping"}
    return [names.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]


def cell(text: str) -> str:
    """Return text as it may stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


# --- the command line -----------------------------------------------------------------------------------


def cli_page() -> str:
    """Return the reference of the command line."""
    parts = [
        "# Reference: the command line",
        "",
        "Made from the help of the commands by `make docs`.",
        "",
        *sections("crude-link", root, None),
    ]
    return "\n".join(parts)


def sections(name: str, command: click.Command, parent: click.Context | None) -> Iterator[str]:
    """Yield the lines about one command, and about those that stand under its name."""
    with context(name, command, parent) as current:
        yield from (f"## {current.command_path}", "", "```text", command.get_help(current), "```", "")
        if isinstance(command, click.Group):
            for each in command.list_commands(current):
                found = command.get_command(current, each)
                assert found is not None, each
                yield from sections(each, found, current)


def context(name: str, command: click.Command, parent: click.Context | None) -> click.Context:
    """Return a context in which help has the same width on every terminal."""
    names = command.context_settings.get("help_option_names")
    return click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=100,
        max_content_width=100,
        help_option_names=names,
    )


if __name__ == "__main__":
    main()
