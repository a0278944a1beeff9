"""Syntax: from the bytes of a config file to YAML's node graph; what is no YAML is explained by what was meant."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from crude_link.config.problems import did_you_mean, one_problem
from crude_link.config.scalars import Loader
from crude_link.errors import ConfigError

_ANCHOR = re.compile(r"(?:^|[\s\[{,:-])&([\w-]+)")
_HALF_QUOTED = re.compile(r"""^\s*(?:-\s+)?([\w-]+):\s+((?P<quote>['"])[^'"]*(?P=quote))\s*\S""")
_PAIR = re.compile(r"\s*(?:-\s+)*(?P<key>[\w-]+):(?:\s+(?P<value>.*))?$")
_GO_TEMPLATE = re.compile(r"\{\{\s*(Exec|Env)\s+\\?[\"'](.*?)\\?[\"']\s*\}\}", re.IGNORECASE)


def read_text(path: Path, shown: str) -> str:
    """Return the text of a config file; ConfigError when it is not there or is no text."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise one_problem(f"there is no such file{_near(path)}", shown) from error
    except IsADirectoryError as error:
        raise one_problem("this is a directory; name the config file in it", shown) from error
    except OSError as error:
        raise one_problem(f"cannot be read: {error.strerror}", shown) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        message = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise one_problem(message, shown, (line, column)) from error


def parse(text: str, shown: str) -> yaml.MappingNode:
    """Return the top mapping of a config; ConfigError when there is none."""
    try:
        root = yaml.compose(text, Loader=Loader)
    except yaml.reader.ReaderError as error:
        at = (text.count("\n", 0, error.position) + 1, error.position - text.rfind("\n", 0, error.position))
        raise one_problem(f"the character {error.character!r} cannot stand in YAML; remove it", shown, at) from error
    except yaml.MarkedYAMLError as error:
        raise _explained(error, text, shown) from error
    if root is None or (isinstance(root, yaml.ScalarNode) and not root.value):
        raise one_problem("the file is empty; `crude-link init` writes one to start from", shown)
    if isinstance(root, yaml.MappingNode):
        return root
    at = (root.start_mark.line + 1, root.start_mark.column + 1)
    if isinstance(root, yaml.SequenceNode):
        raise one_problem("a config is a mapping, not a list; put these lines under `steps:`", shown, at)
    raise one_problem("a config is a mapping with at least `steps:`", shown, at)


def go_template(text: str) -> str | None:
    """Return what to write instead of `{{ Exec "x" }}` and `{{ Env "X" }}`, when `text` has one."""
    match = _GO_TEMPLATE.search(text)
    if not match:
        return None
    kind, inner = match.groups()
    return f"${{exec:{inner}}}" if kind.lower() == "exec" else f"${{oc.env:{inner}}}"


def _near(path: Path) -> str:
    folder = path.parent
    try:
        names = [entry.name for entry in folder.iterdir() if entry.suffix in (".yaml", ".yml")]
    except FileNotFoundError:
        return f": the directory {folder} is not there either"
    except OSError as error:
        return f", and the directory {folder} cannot be read: {error.strerror}"
    return did_you_mean(path.name, names) or "; `crude-link init` writes one to start from"


def _explained(error: yaml.MarkedYAMLError, text: str, shown: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines() or [""]
    line = min(mark.line if mark else 0, len(lines) - 1)
    column = mark.column if mark and mark.line < len(lines) else len(lines[line])
    if lines[line][:column].endswith("*"):
        column -= 1  # PyYAML's C parser points behind the star
    return one_problem(_meant(error, lines, line, column), shown, (line + 1, column + 1))


def _meant(error: yaml.MarkedYAMLError, lines: list[str], line: int, column: int) -> str:
    written, problem = lines[line], error.problem or ""
    here = written[column:].strip()
    template = go_template(written)
    half_quoted = _HALF_QUOTED.match(written)
    if template:
        return f"templates in double braces are not known here; write `{template}`"
    if "alias" in problem or "alias" in (error.context or ""):
        return _alias_meant(here, lines, line)
    if written[: len(written) - len(written.lstrip())].count("\t"):
        return "a tab: YAML indents with spaces only"
    if half_quoted and "expected" in problem:
        key = half_quoted.group(1)
        return f"the text goes on after its closing quote; quote the whole value of `{key}`, or nothing of it"
    if "but found another document" in problem:
        return "a second document begins here; one file holds one config (several pipelines go under `pipelines:`)"
    if "cannot start any token" in problem:
        return f"a text that begins with {here[:1]!r} must be quoted: {_quoted(here)}"
    return _structure_meant(error, written, column)


def _structure_meant(error: yaml.MarkedYAMLError, written: str, column: int) -> str:
    problem, context, began = error.problem or "", error.context or "", error.context_mark
    here = written[column:].strip()
    if "mapping values are not allowed" in problem:
        return _colon_meant(written, column)
    if "duplicate anchor" in context:
        name = re.sub(r"[^\w-].*", "", here.lstrip("&"))
        first = f" (first in line {began.line + 1})" if began else ""
        return f"the anchor `&{name}` is defined a second time{first}; give it a name of its own"
    if "could not find expected ':'" in problem and began:
        return f"line {began.line + 1} is no `key: value`; check its indentation, or add the colon"
    quoted = re.search(r"([\w-]+):\s+(['\"])[^'\"]*\2\s*$", written[:column])
    if quoted and "expected ','" in problem:
        return f"the text goes on after its closing quote; quote the whole value of `{quoted[1]}`, or nothing of it"
    if re.search(r"expected ',' or '[\]}]'", problem) and began:
        return f"the bracket or brace that was opened in line {began.line + 1} is not closed before this"
    key = _PAIR.match(here)
    if key and re.match(r"did not find expected ('-' indicator|key)|expected <block end>", problem):
        return f"the indentation of `{key['key']}` fits nothing above: keys that belong together stand in one column"
    if "unexpected end of stream" in problem:
        return f"the quote that was opened in line {began.line + 1} is never closed" if began else "a quote is open"
    return "this is no YAML: " + ", ".join(part for part in (context, problem) if part)


def _colon_meant(written: str, column: int) -> str:
    pair = _PAIR.match(written)
    if pair and column <= pair.end("key"):
        return f"`{pair['key']}` is indented further than the line above, which has its value already; align the two"
    if pair:
        return f"YAML takes a colon with a space for the end of a key; quote the whole text: {_quoted(pair['value'])}"
    return "a colon here is one too many: quote the text if the colon belongs to it, or check the indentation"


def _alias_meant(here: str, lines: list[str], line: int) -> str:
    name = re.match(r"\*([\w-]+)$", here.split(" ", maxsplit=1)[0].rstrip(",]}"))
    if not name:
        return f"YAML reads a leading `*` as an alias; quote the text: {_quoted(here)}"
    wanted = name.group(1)
    anchors = {anchor: at for at, text in enumerate(lines) for anchor in _ANCHOR.findall(text)}
    if anchors.get(wanted, -1) >= line:
        return (
            f"`*{wanted}` stands before its definition `&{wanted}` (line {anchors[wanted] + 1}): "
            "move `configs` above `steps`, or name the config without a star"
        )
    near = did_you_mean(wanted, anchors)
    return f"no anchor `&{wanted}` is defined{near}; if this is text, quote it: {_quoted(here)}"


def _quoted(text: str) -> str:
    bare = text.split(" #", maxsplit=1)[0].strip()
    for opening, closing in ("{}", "[]"):
        if bare.endswith(closing) and bare.count(closing) > bare.count(opening):
            bare = bare[:-1].rstrip()  # it closes what stands around the text
    return "'" + bare.replace("'", "''") + "'"
