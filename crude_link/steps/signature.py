"""Signature: what a script says of its own command line, as far as its text tells without running it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from crude_link.model.value import Plain


class ScriptStyle(Enum):
    """The library with which a script reads its command line."""

    FIRE = "fire"
    ARGPARSE = "argparse"
    CLICK = "click"
    UNKNOWN = "unknown"


class Takes(Enum):
    """What follows an option."""

    VALUE = "one value"
    NOTHING = "no value"
    COUNT = "no value, but it may be repeated"
    MANY = "several values"
    #: It is not written out literally.
    UNKNOWN = "unknown"


class ValueType(Enum):
    """What a parameter makes of its value; OTHER is a function of the script's own."""

    INT = "a whole number"
    FLOAT = "a number"
    BOOL = "true or false"
    TEXT = "text"
    LIST = "a list"
    MAPPING = "a mapping"
    OTHER = "something"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One thing that a script can be given.

    `name` is how the script calls it (`learning_rate`), `spelling` the option (`--learning-rate`), empty for fire
    and for what is given by its place.
    """

    name: str
    spelling: str = ""
    #: All keys under which it may be given, with `_` for `-`.
    keys: tuple[str, ...] = ()
    #: The option that means false (`--no-flag`); empty when there is none.
    negative: str = ""
    is_positional: bool = False
    #: The flag makes `name` false (argparse's `store_false`).
    is_inverted: bool = False
    takes: Takes = Takes.VALUE
    #: How many values follow where that is a fixed number; `least` where it is not.
    count: int | None = None
    least: int = 0
    #: A list is given by repeating the option.
    is_repeated: bool = False
    is_required: bool = False
    #: None: not declared.
    type: ValueType | None = None
    choices: tuple[Plain, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """The command line of a script. Only when it `is_complete` is a name that is not in `parameters` wrong."""

    style: ScriptStyle
    parameters: tuple[Parameter, ...] = ()
    is_complete: bool = False

    def find(self, key: str) -> Parameter | None:
        """Return the parameter that `key` names, seen from that key: for `no_cache` its `spelling` is `--no-cache`.

        Options come first, then the names under which the script keeps what they say.
        """
        wanted = key.replace("-", "_")
        for parameter in self.parameters:
            if wanted in parameter.keys:
                return parameter
        for parameter in self.parameters:
            if parameter.negative and wanted == as_key(parameter.negative):
                return replace(parameter, spelling=parameter.negative, negative=parameter.spelling)
            if wanted == parameter.name and parameter.is_inverted:
                return replace(parameter, spelling="", negative=parameter.spelling)
            if wanted == parameter.name:
                return parameter
        return self._abbreviated(wanted)

    @property
    def positionals(self) -> tuple[Parameter, ...]:
        """What is given by its place, in order."""
        return tuple(parameter for parameter in self.parameters if parameter.is_positional)

    def _abbreviated(self, key: str) -> Parameter | None:
        """fire takes a single first letter, argparse any beginning, when only one parameter fits."""
        takes_beginnings = self.style is ScriptStyle.ARGPARSE or (self.style is ScriptStyle.FIRE and len(key) == 1)
        if not self.is_complete or not takes_beginnings:
            return None
        fitting = [one for one in self.parameters if any(name.startswith(key) for name in _long_names(one))]
        return fitting[0] if len(fitting) == 1 else None


def as_key(option: str) -> str:
    """Return the key under which an option is given: `learning_rate` for `--learning-rate`."""
    return option.lstrip("-").replace("-", "_")


UNKNOWN = Signature(style=ScriptStyle.UNKNOWN)


def _long_names(parameter: Parameter) -> tuple[str, ...]:
    if parameter.is_positional:
        return ()
    return parameter.keys or (parameter.name,)
