"""Options: what `storage` says of a scheme or a bucket."""

from __future__ import annotations

from collections.abc import Mapping

from crude_link.storage.address import Address

#: An option's value, as JSON has it.
Option = str | int | float | bool | None


def options_for(storage: Mapping[str, Mapping[str, Option]], address: Address) -> dict[str, Option]:
    """Return the options of an address: those of its scheme (`s3`), then those of its bucket (`s3://team`)."""
    found: dict[str, Option] = {}
    for key in (address.scheme, address.root):
        for written, options in storage.items():
            if written.rstrip("/:") == key:
                found |= options
    return found
