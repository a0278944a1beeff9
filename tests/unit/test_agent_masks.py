"""Masks: secrets in a stream of bytes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crude_link.agent.masks import STARS, Masker

few_letters = st.text("abc", max_size=40).map(str.encode)
few_masks = st.lists(st.text("abc", min_size=1, max_size=6).map(str.encode), max_size=4)


def masked(masks: list[bytes], pieces: list[bytes]) -> bytes:
    masker = Masker(masks)
    return b"".join(masker.feed(piece) for piece in pieces) + masker.finish()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(borders)]


def masked_slowly(masks: list[bytes], data: bytes) -> bytes:
    """The rule, spelled out: leftmost first, the longest of those that begin at one place."""
    out = b""
    at = 0
    while at < len(data):
        here = [mask for mask in masks if data.startswith(mask, at)]
        out += STARS if here else data[at : at + 1]
        at += max(map(len, here), default=1)
    return out


@given(few_masks, few_letters, st.lists(st.integers(0, 100), max_size=8))
def test_it_does_not_matter_where_the_stream_is_cut(masks: list[bytes], data: bytes, places: list[int]) -> None:
    assert masked(masks, cut(data, places)) == masked_slowly(masks, data)


@given(few_masks, few_letters)
def test_only_what_may_begin_a_mask_is_held_back(masks: list[bytes], data: bytes) -> None:
    masker = Masker(masks)
    masker.feed(data)
    held = masker.finish()
    assert not held or len(held) <= max(map(len, masks)) * len(STARS)
    longest = max(map(len, masks), default=0)
    assert len(held.replace(STARS, b"")) < max(longest, 1)


def test_text_that_cannot_begin_a_secret_is_not_delayed() -> None:
    assert Masker([b"hunter2-secret"]).feed(b"50% done") == b"50% done"


def test_a_secret_over_a_border_is_masked() -> None:
    assert masked([b"hunter2"], [b"pass hun", b"ter", b"2 ok"]) == b"pass *** ok"


def test_the_longer_of_two_secrets_that_begin_alike_is_masked_whole() -> None:
    assert masked([b"secret", b"secret-two"], [b"secret", b"-two secret"]) == b"*** ***"


def test_without_masks_everything_passes() -> None:
    assert masked([b""], [b"a", b"b"]) == b"ab"
