"""Masks: secrets are replaced in a stream of bytes, wherever the pieces of it happen to be cut."""

from __future__ import annotations

STARS = b"***"


class Masker:
    """Replaces every mask by stars, leftmost first, the longest of those that begin at one place.

    What could be the beginning of a mask is held back until more has come, and nothing else is.
    """

    def __init__(self, masks: list[bytes]) -> None:
        self._masks = sorted({mask for mask in masks if mask}, key=len, reverse=True)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next piece and return what can be said of the stream so far."""
        if not self._masks:
            return data
        text = self._held + data
        done, kept = self._replaced(text, self._beginnings(text))
        self._held = text[kept:]
        return done

    def finish(self) -> bytes:
        """Return what was held back: nothing more comes."""
        text, self._held = self._held, b""
        return self._replaced(text, [])[0] if text else b""

    def _replaced(self, text: bytes, beginnings: list[int]) -> tuple[bytes, int]:
        """Return the masked text and where the part that must be held back begins."""
        out: list[bytes] = []
        at = 0
        found = {mask: text.find(mask) for mask in self._masks}
        while True:
            hold = next((place for place in beginnings if place >= at), len(text))
            place, mask = self._first(text, found, at)
            if not mask or place >= hold:
                out.append(text[at:hold])
                return b"".join(out), hold
            out += (text[at:place], STARS)
            at = place + len(mask)

    def _first(self, text: bytes, found: dict[bytes, int], at: int) -> tuple[int, bytes]:
        first, which = len(text), b""
        for mask in self._masks:
            place = found[mask]
            if 0 <= place < at:
                place = found[mask] = text.find(mask, at)
            if 0 <= place < first:
                first, which = place, mask
        return first, which

    def _beginnings(self, text: bytes) -> list[int]:
        """Return the places, in order, from which the text to its end is a beginning of some mask."""
        places: set[int] = set()
        last = text[-1:]
        for mask in self._masks:
            size = mask.find(last) + 1
            while 0 < size < len(mask):
                if size <= len(text) and text.endswith(mask[:size]):
                    places.add(len(text) - size)
                size = mask.find(last, size) + 1
        return sorted(places)
