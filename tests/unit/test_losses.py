"""When transfers are given up: after many files in a row that failed, and a file in parts is one file."""

from __future__ import annotations

from functools import partial

import pytest

from crude_link.storage.crew import Losses
from crude_link.storage.failures import Gone, TransferError


def fail() -> None:
    raise Gone("it is gone")


def test_many_files_in_a_row_that_failed_end_a_transfer() -> None:
    losses = Losses()
    for number in range(Losses.MOST_IN_A_ROW - 1):
        losses.guard(str(number), fail)
    with pytest.raises(TransferError, match="given up after many failures"):
        losses.guard("last", fail)


def test_the_parts_of_one_large_file_that_fail_at_once_end_none() -> None:
    losses = Losses()

    def fail_with_others(others: int) -> None:
        if others:  # which have begun before this one fails
            losses.guard("large", partial(fail_with_others, others - 1))
        fail()

    losses.guard("large", partial(fail_with_others, 2 * Losses.MOST_IN_A_ROW))
    assert [*losses.failed] == ["large"]
