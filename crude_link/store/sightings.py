"""SqliteSightings: which files the looks of schedules have seen, and how those looks go.

A file is new until a run was begun for a look that saw it. What a look sees is written while it lists, under the
look's number; that a run was begun for it is one row, written in the transaction of the run. So nothing is forgotten
and nothing begins two runs, whoever dies between the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from crude_link.errors import StoreError
from crude_link.model.look import Look, Lookout
from crude_link.store.database import Database, Row, bound
from crude_link.store.hauls import plain_remote
from crude_link.store.rows import moment, moment_text, text


class SqliteSightings:
    """Written to by the program that looks, and by the scheduler when that has ended."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_look(self, pipeline: str, entry: str) -> int:
        """Return the number of a new look."""
        with self._database.write(durable=False):
            self._database.change("insert_lookout", pipeline=pipeline, entry=entry)
            self._database.change("begin_look", pipeline=pipeline, entry=entry)
            row = self._database.first("lookout", pipeline=pipeline, entry=entry)
        assert row
        return int(row["look"])

    def sight(self, look: int, place: str, files: Sequence[tuple[str, str]]) -> list[bool]:
        """Note that a look has seen files in a place, by names and marks; return which of them are new.

        What a succeeded run of the pipeline has had from that place (`SqliteHauls`) is not: it may have come between
        the look that the run was begun for and the run's download.
        """
        row = self._database.first("lookout_of_look", look=look)
        if row is None:
            raise StoreError("a newer look at the same files has begun")
        lookout, remote, known = row["id"], plain_remote(place), self._database.has
        digests = [_digest(remote, *file) for file in files]
        had = {"pipeline": bound(text(row["pipeline"])), "remote": bound(remote)}
        are_new = [
            not known("is_answered", lookout=lookout, file=digest)
            and not known("was_had", **had, name=bound(name), mark=bound(mark))
            for digest, (name, mark) in zip(digests, files, strict=True)
        ]
        new = [digest for digest, is_new in zip(digests, are_new, strict=True) if is_new]
        if new:
            rows = ({"lookout": lookout, "file": each, "look": look} for each in new)
            with self._database.write(durable=False):
                self._database.change_many("sight", rows)
        return are_new

    def end_look(self, look: Look) -> Lookout:
        """Note how a look went; return how it stood before."""
        known = {"pipeline": look.pipeline, "entry": look.entry}
        with self._database.write(durable=False):
            self._database.change("insert_lookout", **known)
            row = self._database.first("lookout", **known)
            assert row
            before = _lookout_of(row)
            found = look.finding
            self._database.change(
                "end_look",
                **known,
                looked=moment_text(look.at),
                files=found.files if found else before.files,
                new=found.new if found else before.new,
                failures=0 if found else before.failures + 1,
                failing_since=None if found else moment_text(before.failing_since or look.at),
                problem=look.problem,
            )
        return before

    def lookouts(self) -> Sequence[Lookout]:
        """Return how the looks of all entries go, by pipeline and entry."""
        return [_lookout_of(row) for row in self._database.rows("lookouts")]


def _digest(remote: str, name: str, mark: str) -> bytes:
    """Return 16 bytes that identify a state of a file, whatever the length of its name."""
    told = "\0".join((remote, name, mark)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told, digest_size=16).digest()


def _lookout_of(row: Row) -> Lookout:
    return Lookout(
        pipeline=text(row["pipeline"]),
        entry=text(row["entry"]),
        looked=moment(row["looked"]),
        files=row["files"],
        new=row["new"],
        failures=row["failures"],
        failing_since=moment(row["failing_since"]),
        problem=text(row["problem"]),
    )
