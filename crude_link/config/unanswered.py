"""Unanswered: what to say of a reference for which OmegaConf has no answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

from omegaconf.errors import GrammarParseError, OmegaConfBaseException

from crude_link.config.keys import FILE_KEYS, PIPELINE_KEYS
from crude_link.config.node import Node, Path
from crude_link.config.problems import did_you_mean
from crude_link.config.references import EARLY_HEADS, LATE_HEADS, OWN_RESOLVERS, Hole


class BadReference(Exception):
    """References that cannot be filled; each of `args` says of one why."""


def check_name(hole: Hole, path: Path, root: Node) -> None:
    """Check that a name at `path` can begin so. BadReference says what was probably meant."""
    content = hole.content.strip()
    if len(content) - len(content.lstrip(".")) > len(path):
        raise BadReference(f"`{hole.text}` has more dots than there are levels above it")
    names = _names(content)
    if not names:
        raise BadReference(f"`{hole.text}` names nothing; for the text itself write `\\{hole.text}`")
    head = names[0]
    if content.startswith((".", "$")) or (head in root.entries and head != "steps"):
        return
    words = (*EARLY_HEADS, *LATE_HEADS)
    if head in words:
        raise BadReference(f"`{hole.text}`: this file has no `{head}`")
    if head == "env":
        raise BadReference(f"`{hole.text}`: this file has no `env`; for a variable write `${{oc.env:NAME}}`")
    known = (*words, *PIPELINE_KEYS, *FILE_KEYS)
    near = did_you_mean(head, words) or did_you_mean(head, known)
    raise BadReference(
        f"`{hole.text}` is no reference{near}; known are params, configs, secrets, run, steps and "
        f"{', '.join(OWN_RESOLVERS)}; for the text itself write `\\{hole.text}`"
    )


def unknown_resolver(name: str) -> BadReference:
    """Return what to say of `${name:...}` with a name that nobody answers."""
    near = did_you_mean(name, OWN_RESOLVERS)
    return BadReference(f"`${{{name}:...}}`: there is no '{name}'{near}; known are {', '.join(OWN_RESOLVERS)}")


def unanswered(hole: Hole, path: Path, root: Node, error: OmegaConfBaseException) -> BadReference:
    """Return what to say of a reference that OmegaConf could not fill, in its words where ours are no better."""
    if "${" not in hole.content and not hole.resolver:
        told = _missing(hole, path, root)
        if told:
            return BadReference(f"`{hole.text}`{told}")
    reason = re.sub(r"^\w+ raised while resolving interpolation: ", "", str(error).splitlines()[0])
    if isinstance(error, GrammarParseError):
        reason = f"this is not written as a reference is ({reason})"
    return BadReference(f"`{hole.text}`: {reason}")


def _missing(hole: Hole, path: Path, root: Node) -> str | None:
    """Find the first of a reference's names that is not there."""
    content = hole.content.strip()
    dots = len(content) - len(content.lstrip("."))
    at: Path = path[: len(path) - dots] if dots else ()
    for name in _names(content):
        node = root.descend(at)
        is_list = node is not None and isinstance(node.value, tuple)
        step: str | int = int(name) if is_list and name.isdigit() else name
        if node is None or node.child(step) is None:
            near = did_you_mean(name, node.entries if node and isinstance(node.value, Mapping) else ())
            return f": {'.'.join(str(part) for part in at) or 'the file'} has no '{name}'{near}"
        at = (*at, step)
    return None


def _names(content: str) -> list[str]:
    return [name for name in re.split(r"[.\[\]]+", content.lstrip(".")) if name]
