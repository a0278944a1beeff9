"""TaskArguments: the argv elements of a step's `arguments` for one task after another.

How each element is written is found out once, with words put in for the placeholders; a task then costs no more than
the elements that are another for it. Where a value would change more than its own element (a list, null, a boolean,
a text that begins with a dash) the whole list is made anew, as it is for a step without inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crude_link.errors import CannotStart
from crude_link.model.pipeline import ArgumentStyle
from crude_link.model.value import Placeholder, Plain, Reference, Template, Value, references_in
from crude_link.steps.arguments import argument_list, style_of
from crude_link.steps.fire_text import as_fire_argument
from crude_link.steps.item_values import Getter, Turn, checked, getter_of, in_text, value_getter
from crude_link.steps.references import fill
from crude_link.steps.signature import Signature

#: What stands in for a number as the shape of the elements is found out; an option may be repeated so often.
_NUMBER = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A step's `arguments` with late references filled, and what reads them."""

    style: ArgumentStyle
    arguments: Mapping[str, Value]
    signature: Signature
    #: The inputs are text: what stands for them alone is passed on as by hand, and means what it would there.
    is_by_hand: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hole:
    """An element that is another for each task: what comes before its value, and the value."""

    place: int
    before: str
    get: Getter
    where: str
    #: It is a placeholder alone that stands for text, and is not written so that it arrives as text.
    is_by_hand: bool


class TaskArguments:
    """Compiled from what is Given. CannotStart when no task could be given such arguments."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._style = style_of(given.style, given.signature)
        self._names = {key: value for key, value in given.arguments.items() if _holds_placeholder(value)}
        self._words = _unique_words(given.arguments)
        probe = {key: self._words[key] if key in self._names else value for key, value in given.arguments.items()}
        self._elements = argument_list(given.style, _plain(probe), given.signature)
        self._holes = self._found()
        self._takes_numbers = self._has_same_shape(probe)

    def words(self, item: Plain, turn: Turn) -> list[str]:
        """Return the elements for an input. CannotStart when they cannot be given to a process."""
        if self._holes is None:
            return self._anew(item, turn)
        elements = self._elements.copy()
        for hole in self._holes:
            text = self._text(hole, hole.get(item, turn))
            if text is None:
                return self._anew(item, turn)
            elements[hole.place] = checked(hole.before + text, hole.where)
        return elements

    def written(self) -> list[str]:
        """Return the elements with the placeholders as the config has them, for the record."""
        return [self._as_written(element) for element in self._elements]

    def _text(self, hole: _Hole, value: Plain) -> str | None:
        """Return a value as it is written in its element; None where the other elements depend on it."""
        kind = type(value)
        if kind is str:
            text = str(value)
            if self._style is ArgumentStyle.FIRE and not hole.is_by_hand:
                return as_fire_argument(text)
        elif kind is int and self._takes_numbers:
            text = str(value)
        else:
            return None
        # argparse and click may take what begins with a dash for an option.
        return None if self._style is ArgumentStyle.ARGPARSE and text[:1] in ("", "-") else text

    def _anew(self, item: Plain, turn: Turn) -> list[str]:
        def look_up(reference: Reference) -> Plain:
            assert isinstance(reference, Placeholder)
            return getter_of(reference)(item, turn)

        filled = {key: fill(value, look_up) for key, value in self._given.arguments.items()}
        return argument_list(self._given.style, filled, self._given.signature)

    def _found(self) -> list[_Hole] | None:
        """Return the elements with holes; None where more hangs on a value than one element."""
        holes: list[_Hole] = []
        for key, value in self._names.items():
            word = self._words[key]
            places = [place for place, element in enumerate(self._elements) if word in element]
            if not isinstance(value, Template) or len(places) != 1 or not self._elements[places[0]].endswith(word):
                return None
            is_alone = len(value.parts) == 1
            where = f"argument {key!r}"
            hole = _Hole(
                place=places[0],
                before=self._elements[places[0]].removesuffix(word),
                get=value_getter(value),
                where=where,
                is_by_hand=is_alone and self._given.is_by_hand,
            )
            holes.append(hole)
        return holes

    def _has_same_shape(self, probe: Mapping[str, Value]) -> bool:
        """True when numbers are written where texts are."""
        numbers = {key: _NUMBER if key in self._names else value for key, value in probe.items()}
        try:
            elements = argument_list(self._given.style, _plain(numbers), self._given.signature)
        except CannotStart:
            return False
        texts = [self._with_numbers(element) for element in self._elements]
        return elements == texts

    def _with_numbers(self, element: str) -> str:
        for word in self._words.values():
            element = element.replace(word, str(_NUMBER))
        return element

    def _as_written(self, element: str) -> str:
        for key, value in self._names.items():
            if isinstance(value, Template):
                text = str(value)
            else:
                text = in_text(Reference(key), fill(value, str))
            element = element.replace(self._words[key], text)
        return element


def _plain(arguments: Mapping[str, Value]) -> dict[str, Plain]:
    return {key: fill(value, str) for key, value in arguments.items()}


def _holds_placeholder(value: Value) -> bool:
    return next(references_in(value), None) is not None


def _unique_words(arguments: Mapping[str, Value]) -> dict[str, str]:
    """Return a word for each argument that occurs in none of them and that every style passes on as it is."""
    everything = str(arguments)
    prefix = "Input"
    while prefix in everything:
        prefix += "X"
    keys: Sequence[str] = list(arguments)
    return {key: f"{prefix}{number}Z" for number, key in enumerate(keys)}
