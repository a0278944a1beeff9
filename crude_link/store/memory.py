"""SqliteMemory: which inputs of fan-outs with `once` are done, across runs; what removes runs leaves it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crude_link.errors import UsageError
from crude_link.store.database import Database
from crude_link.store.rows import text
from crude_link.store.task_maps import signed


class SqliteMemory:
    """A memory belongs to a step of a pipeline, and is made when a fan-out first asks for it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, fan: int, *, once: bool) -> Callable[[str], bool]:
        """Let a fan-out be remembered from now on, or no more; return what says whether other runs did an input.

        What the fan-out itself did does not count: equal inputs of one run are separate tasks. What it did before it
        was to be remembered is taken over.
        """
        with self._database.write(durable=False):
            if not once:
                self._database.change("forget_fan_memory", fan=fan)
                return _nothing
            self._database.change("insert_memory", fan=fan)
            if self._database.change("set_fan_memory", fan=fan).rowcount:
                self._database.change("remember_fan", fan=fan)
        row = self._database.first("memory_of_fan", fan=fan)
        assert row
        memory, run = row["memory"], row["run"]
        return lambda digest: self._database.has("remembered", memory=memory, digest=signed(digest), run=run)

    def remember(self, memory: int, run: int, digests: Iterable[str]) -> None:
        """Note, within a transaction, that inputs are done."""
        rows = [{"memory": memory, "digest": signed(digest), "run": run} for digest in digests]
        self._database.change_many("remember", [row for row in rows if row["digest"] is not None])

    def size(self, pipeline: str, step: str) -> int:
        """Return how many inputs are remembered of a step. UsageError when it has no memory."""
        row = self._database.first("memory_size", memory=self._memory(pipeline, step))
        return int(row["size"]) if row else 0

    def forget(self, pipeline: str, step: str) -> int:
        """Forget what a step did; return how many inputs that were. UsageError when it has no memory."""
        return self._database.remove_in_pieces("forget_some", memory=self._memory(pipeline, step))

    def _memory(self, pipeline: str, step: str) -> int:
        memories = {(text(row["pipeline"]), text(row["step"])): row["id"] for row in self._database.rows("memories")}
        if (pipeline, step) not in memories:
            known = ", ".join(f"{name} {step}" for name, step in memories)
            raise UsageError(
                f"nothing is remembered of step {step!r} of pipeline {pipeline!r}: no run had it with `once`. "
                + (f"Those with a memory, as PIPELINE STEP: {known}" if known else "No step here has a memory")
            )
        return int(memories[pipeline, step])


def _nothing(_digest: str) -> bool:
    return False
