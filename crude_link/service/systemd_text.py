"""The text of a systemd unit, and how systemd quotes: see systemd.syntax(7), systemd.service(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from crude_link.errors import UsageError
from crude_link.model.service import Service

_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
#: A piece of a word in double quotes, in single quotes, or bare; a backslash takes the character behind it along.
_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|((?:[^\s"\'\\]|\\.)+)|(\s+)', re.S)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[0-7]{3}|.)", re.S)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_BLANKS = " \t\r\n"
_RESTART_AFTER = timedelta(seconds=30)

_TEXT = """\
[Unit]
Description=crude-link scheduler of {name}
# However often it had to be started again, it is tried once more.
StartLimitIntervalSec=0

[Service]
Type=exec
WorkingDirectory={directory}
{environment}
{environment_file}
UMask={umask:04o}
ExecStart={command}

# What only a person can mend: {meaning}.
Restart=on-failure
RestartSec={pause:g}
RestartPreventExitStatus={final}
SuccessExitStatus=130 143
# Only the scheduler is told to stop; it ends its steps gently, and records them.
KillMode=process
TimeoutStopSec={stop:g}
# A step that took too much memory is that step's failure, and no reason to end the scheduler.
OOMPolicy=continue

[Install]
WantedBy=default.target
"""
_FILE = """\
# What is secret goes here, a NAME=value a line. The file may be missing.
EnvironmentFile=-{}"""


def unit_text(service: Service) -> str:
    """Return the text of the unit. UsageError when systemd cannot be told of a path."""
    final = "2" if service.keeps_running else "1 2"
    meaning = "1: a failed run ended the schedule; 2: the config is wrong"
    meaning = "2: the config is wrong" if service.keeps_running else meaning
    variables = (f"Environment={quoted(f'{name}={value}')}" for name, value in sorted(service.environment.items()))
    return _TEXT.format(
        name=service.name,
        directory=bare_path(service.project),
        environment="\n".join(variables),
        environment_file=_FILE.format(_without_patterns(bare_path(service.environment_file)))
        if service.environment_file
        else "",
        umask=service.umask,
        command=" ".join(_command(service.argv)),
        final=final,
        meaning=meaning,
        pause=_RESTART_AFTER.total_seconds(),
        stop=service.stop_time.total_seconds(),
    )


def quoted(word: str) -> str:
    """Return a word as it stands in a list of words; `%` begins a specifier there, in quotes too."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = _ESCAPED.sub(lambda found: _escape(found[0]), word)
    return f'"{escaped.replace("%", "%%")}"'


def unquoted(text: str) -> list[str]:
    """Return the words of a list; `%h` and the like stay as they are."""
    words: list[str] = []
    is_open = False
    for found in _PIECE.finditer(text):
        if found[4] is not None:
            is_open = False
            continue
        piece = next(part for part in found.groups()[:3] if part is not None)
        piece = _ESCAPE.sub(lambda escape: _meaning(escape[1]), piece).replace("%%", "%")
        if is_open:
            words[-1] += piece
        else:
            words.append(piece)
        is_open = True
    return words


def bare_path(path: Path) -> str:
    """Return an absolute path as it stands where systemd takes the whole line. UsageError when it cannot."""
    text = str(path)
    if not _is_utf8(text) or any(character in text for character in "\n\r\0"):
        raise UsageError(f"systemd cannot be told of the path {text!r}: it must be UTF-8, without line ends")
    # Blanks at the end of a line are cut, and a backslash there joins it with the next.
    ending = "/." if text[-1].isspace() or text.endswith("\\") else ""
    return text.replace("%", "%%") + ending


def path_of(text: str) -> Path:
    """Return the path that stands in such a line."""
    return Path(text.strip(_BLANKS).removesuffix("/.").replace("%%", "%"))


def file_of(text: str) -> Path | None:
    """Return the path that an `EnvironmentFile=` means; None for an empty one."""
    plain = re.sub(r"\\([*?\[\\])", r"\1", text.strip(_BLANKS).removeprefix("-"))
    return path_of(plain) if plain else None


def settings_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield the settings of a unit's text as written, in order; comments and sections are left out."""
    joined = re.sub(r"\\\n", " ", text)
    for line in joined.split("\n"):  # no other character ends a line there
        name, equals, value = line.partition("=")
        if equals and not line.startswith(("#", ";", "[")):
            yield name.strip(_BLANKS), value.strip(_BLANKS)


def _command(argv: tuple[str, ...]) -> Iterator[str]:
    # The first word may hold no quotes, and `$$` is no escape there; in the others both are well.
    words = ("/usr/bin/env", *argv) if re.search(r"[$'\"\\\x00-\x1f\x7f]", argv[0]) else argv
    for word in words:
        if not _is_utf8(word) or "\0" in word:
            raise UsageError(f"systemd cannot be told of the argument {word!r}: it must be UTF-8")
        yield quoted(word).replace("$", "$$")


def _escape(character: str) -> str:
    return f"\\{character}" if character in '"\\' else f"\\x{ord(character):02x}"


def _meaning(escape: str) -> str:
    if escape[0] == "x" and len(escape) == 3:
        return chr(int(escape[1:], 16))
    if len(escape) == 3:
        return chr(int(escape, 8))
    return _LETTERS.get(escape, escape)


def _without_patterns(path: str) -> str:
    """The name of an EnvironmentFile is a pattern, as of a shell."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
