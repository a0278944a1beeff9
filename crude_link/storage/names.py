"""Names: which of a store's can be files here and which of ours can be in a store; `include` and `exclude`."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

#: How the names begin of what is on its way. It is in the folder where it will be: a rename then needs no copy.
PARTS = ".crude-link-parts"
_LONGEST = 255


def why_not_here(name: str) -> str | None:
    """Say why a store's name cannot be that of a file below a local folder; None when it can."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        return "it would leave the local folder"
    if "" in parts or "." in parts:
        return "a part of it is empty or a dot"
    if "\0" in name:
        return "it holds a null character"
    if any(part.startswith(PARTS) for part in parts):
        return "files on their way have this name"
    if any(len(os.fsencode(part)) > _LONGEST for part in parts):
        return f"a part of it is longer than {_LONGEST} bytes"
    return None


def why_not_there(name: str) -> str | None:
    """Say why a local file's name cannot be that of an object; None when it can."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "it is not UTF-8"
    return "it holds a control character" if any(ord(letter) < 32 or ord(letter) == 127 for letter in name) else None


def clashes(names: Iterable[str], tells_case: bool) -> list[str]:
    """Say which names cannot be files side by side: `a` and `a/b`; also `A` and `a` where case is not told apart."""
    form: Callable[[str], str] = str if tells_case else str.casefold
    known: dict[str, str] = {}
    found = []
    for name in names:
        other = known.setdefault(form(name), name)
        if other != name:
            found.append(f"{other!r} and {name!r} are one name on this disk")
    for name in known.values():
        shown = form(name)
        at = shown.find("/")
        while at >= 0:
            if shown[:at] in known:
                found.append(f"{known[shown[:at]]!r} is a file and also the folder of {name!r}")
                break
            at = shown.find("/", at + 1)
    return found


def beside(*words: str) -> str:
    """Return how a file is called on its way, in the folder where it will be: one name for each choice of words."""
    return f"{PARTS}.{hashlib.sha256(os.fsencode(chr(0).join(words))).hexdigest()[:16]}"


def beside_from(path: Path, name: str) -> str:
    """Return how a local file is called on its way to a name in a folder that others may write to as well.

    Nobody else brings this file meanwhile, and if this is killed, it is written over when the file is brought again.
    """
    return beside(name, os.path.abspath(path), os.uname().nodename)  # noqa: PTH100 (links may change meanwhile)


class Choice:
    """Which names are meant: those that `include` matches (all, when it is empty) and `exclude` does not.

    A pattern without a slash is for the last part of a name, anywhere; one with a slash is for the whole name.
    `*` and `?` match no slash, `**` any number of folders; a pattern that ends in a slash is for all in a folder.
    """

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self._include = [_compiled(pattern) for pattern in include]
        self._exclude = [_compiled(pattern) for pattern in exclude]

    def takes(self, name: str) -> bool:
        """True when a name is meant."""
        if self._include and not any(pattern.fullmatch(name) for pattern in self._include):
            return False
        return not any(pattern.fullmatch(name) for pattern in self._exclude)


def whole_pattern(pattern: str) -> re.Pattern[str]:
    """Return what fits whole names as a shell's pattern does: `**` is any depth only where it is a whole part."""
    parts = ["**" if part == "**" else re.sub(r"\*{2,}", "*", part) for part in pattern.split("/")]
    return re.compile(_expression("/".join(parts)), re.DOTALL)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    text = pattern.removeprefix("./")
    is_whole = "/" in text.rstrip("/")
    # `/x` is `x` in the first folder; a name that itself begins with a slash is `//x`.
    text = text.removeprefix("/")
    if text.endswith("/"):
        text += "**"
    return re.compile(("" if is_whole else "(?:.*/)?") + _expression(text), re.DOTALL)


def _expression(pattern: str) -> str:
    """Return the regular expression of a pattern."""
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at) and (at == 0 or pattern[at - 1] == "/"):
            out, at = out + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2 + pattern.startswith("!", at + 1))) > 0:
            inside = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            inside = "^/" + inside[1:] if inside.startswith("!") else inside.replace("^", "\\^")
            out, at = f"{out}[{inside}]", end + 1
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(pattern[at]) or re.escape(pattern[at])
            at += 1
    return out
