"""The items of a pool: what they are, and under which names the store knows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from crude_link.errors import CannotStart
from crude_link.inputs.opened import Inputs
from crude_link.inputs.source import Asked
from crude_link.model.foreach import ForEach
from crude_link.model.resources import Pool

#: Shorter items of a secret pool occur by chance in other text, and could not be masked.
_SHORTEST_SECRET = 6


def items_of(pool: Pool, asked: Asked) -> Mapping[str, str]:
    """Return the items of a pool by the names under which the store knows them, in order; equal ones are one.

    CannotStart when they are not to be had, or there are none.
    """
    items: dict[str, str] = {}
    try:
        for number, item in Inputs(ForEach(source=pool.source, value=pool.value), asked).stream():
            text = str(item)
            if pool.is_secret and len(text) < _SHORTEST_SECRET:
                raise CannotStart(f"item {number} has {len(text)} characters, too few to be masked safely")
            items[_digest(text) if pool.is_secret else text] = text
    except CannotStart as problem:
        raise CannotStart(f"the pool {pool.name}: {problem}") from problem
    if not items:
        raise CannotStart(f"the pool {pool.name} is empty (`{pool.source}`), and nobody could ever get an item of it")
    return items


def _digest(text: str) -> str:
    return "secret-" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
