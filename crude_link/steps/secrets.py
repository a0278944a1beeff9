"""Secrets: found when they are needed, kept nowhere, and all the forms in which they could be written."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from crude_link.errors import CannotStart, CrudeLinkError
from crude_link.model.pipeline import Secret

#: Shorter values occur by chance in other text: masking them would hide it, not masking them would leak.
SHORTEST = 6


class Secrets:
    """The declared secrets of a pipeline. Nothing is remembered: each question is answered afresh."""

    def __init__(
        self,
        declared: Sequence[Secret],
        project: Path,
        environment: Mapping[str, str],
        run_command: Callable[[str], str],
    ) -> None:
        """`run_command` returns the output of shell text; it raises OSError or a CrudeLinkError when that failed."""
        self._declared = {secret.name: secret for secret in declared}
        self._project = project
        self._environment = environment
        self._run_command = run_command

    def value(self, name: str) -> str:
        """Return the secret. CannotStart says why it is not to be had."""
        secret = self._declared.get(name)
        if secret is None:
            raise CannotStart(f"no secret {name!r} is declared under `secrets`")
        value = self._found(secret)
        if len(value) < SHORTEST:
            raise CannotStart(
                f"secret {name!r} has {len(value)} characters: a value under {SHORTEST} cannot be masked safely"
            )
        return value

    def at_hand(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the values, by name, that a step with this environment may meet even if it names none of them.

        Nothing is run for it; what is not to be had is left to the steps that use it.
        """
        found: dict[str, str] = {}
        for name, secret in self._declared.items():
            if secret.env is not None:
                found |= {name: environment[secret.env]} if secret.env in environment else {}
            elif secret.file is not None:
                with suppress(CannotStart):  # told by the steps that use it; the others cannot meet it
                    found[name] = self._found(secret)
        return found

    def masks(self, values: Iterable[str]) -> tuple[str, ...]:
        """Return every form in which `values` could be written, longest first."""
        forms = {form for value in values for part in _parts(value) for form in _forms(part)}
        return tuple(sorted((form for form in forms if len(form) >= SHORTEST), key=lambda form: (-len(form), form)))

    def _found(self, secret: Secret) -> str:
        if secret.env is not None:
            if secret.env not in self._environment:
                raise CannotStart(f"secret {secret.name!r}: the environment variable {secret.env} is not set")
            return self._environment[secret.env]
        text = self._of_file(secret, secret.file) if secret.file is not None else self._of_command(secret)
        return text[:-1].removesuffix("\r") if text.endswith("\n") else text

    def _of_file(self, secret: Secret, file: str) -> str:
        path = self._project / os.path.expanduser(file)  # noqa: PTH111  # Path's raises for an unknown user
        try:
            return path.read_bytes().decode("utf-8", "surrogateescape")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise CannotStart(f"secret {secret.name!r}: the file {str(path)!r} cannot be read: {reason}") from error

    def _of_command(self, secret: Secret) -> str:
        try:
            return self._run_command(secret.command or "")
        except (OSError, ValueError, CrudeLinkError) as error:
            raise CannotStart(f"secret {secret.name!r} is not to be had: {error}") from error


def _parts(value: str) -> list[str]:
    """The value, and each of its lines: a terminal or a log shows them one by one."""
    lines = [line.strip() for line in value.splitlines()]
    return [value, *(line for line in lines if len(line) >= SHORTEST)]


def _forms(value: str) -> list[str]:
    from urllib.parse import quote, quote_plus

    data = value.encode("utf-8", "surrogatepass" if _has_halves(value) else "surrogateescape")
    return [
        value,
        quote(data, safe=""),
        quote(data),
        quote_plus(data),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        *_base64_forms(data),
    ]


def _has_halves(value: str) -> bool:
    try:
        value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return True
    return False


def _base64_forms(data: bytes) -> list[str]:
    """The whole, and what is sure of it in the midst of other bytes (`user:secret`), at each of three offsets."""
    forms = []
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms += [encode(data).decode(), encode(data).decode().rstrip("=")]
        for offset in range(3):
            text = encode(b"\0" * offset + data).decode()
            first = (offset * 8 + 5) // 6
            last = (offset + len(data)) * 8 // 6
            forms.append(text[first:last])
    return forms
