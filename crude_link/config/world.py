"""World: what early references can ask for outside of the file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from crude_link.config.unanswered import BadReference
from crude_link.errors import CrudeLinkError


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """The answers of `exec`, `file`, `now` and `oc.env`. BadReference says why there is none."""

    project: Path
    now: datetime
    environment: Mapping[str, str]
    run_exec: Callable[[str], str]
    in_shell: Callable[[str, str], str]
    #: What `${exec:...}` gave, so that each is run once per load.
    outputs: dict[str, str] = field(default_factory=dict)

    def output(self, command: str) -> str:
        """Return what a program prints."""
        if command not in self.outputs:
            try:
                self.outputs[command] = self.run_exec(command).rstrip("\n")
            except (CrudeLinkError, ValueError) as error:  # ValueError: a NUL in the text
                raise BadReference(f"`${{exec:{command}}}`: {error}") from error
        return self.outputs[command]

    def text_of_file(self, name: str) -> str:
        """Return what is in a file of the project."""
        path = self.project / os.path.expanduser(name)  # noqa: PTH111  # Path's raises for an unknown user
        try:
            return path.read_text(encoding="utf-8").removesuffix("\n")
        except OSError as error:
            raise BadReference(f"`${{file:{name}}}`: {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise BadReference(f"`${{file:{name}}}`: {path} is not UTF-8") from error
        except ValueError as error:
            raise BadReference(f"`${{file:{name}}}`: {error}") from error

    def time(self, layout: str) -> str:
        """Return the time at which the run began, as `strftime` writes it."""
        return self.now.astimezone().strftime(layout)

    def variable(self, said: str) -> str | None:
        """Return an environment variable, from `NAME` or `NAME,default`."""
        word, comma, default = said.partition(",")
        name = word.strip()
        found = self.environment.get(name)
        if found is not None:
            return found
        if not comma:
            advice = f"set it, or write `${{oc.env:{name},default}}`"
            raise BadReference(f"the environment variable {name} is not set; {advice}")
        text = default.strip()
        return None if text == "null" else text.strip("'\"") if text[:1] in ("'", '"') else text
