"""SqliteRuns: runs and their sittings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from crude_link.errors import SlotTaken, UnknownRun
from crude_link.model.run import (
    AttemptKey,
    Ending,
    NewRun,
    Outcome,
    Run,
    Sitting,
)
from crude_link.model.status import Status
from crude_link.model.value import Plain
from crude_link.model.words import moment_words
from crude_link.store.database import Database
from crude_link.store.files import RunFiles
from crude_link.store.locks import FlockLocks
from crude_link.store.reader import RunReader
from crude_link.store.rows import code_values, key_of, key_values, moment_text, outcome_values, text, to_json

if TYPE_CHECKING:
    from crude_link.model.firing import Firing


class SqliteRuns:
    """Begins and ends runs and sittings."""

    def __init__(self, database: Database, files: RunFiles, locks: FlockLocks, reader: RunReader) -> None:
        self._database = database
        self._files = files
        self._locks = locks
        self._reader = reader

    def begin_run(self, new: NewRun, sitting: Sitting | None) -> Run:
        """Record a run and, unless another process is to begin it, its first sitting; make its folder.

        What a schedule fires is in the ledger with it; SlotTaken, and nothing is left, when the slot time has begun
        a run already. A run with a sitting is held from its first moment: `hold`, in this process, takes that lock
        over.
        """
        run = 0
        try:
            with self._database.write():
                run = self._insert(new, Status.RUNNING if sitting else Status.WAITING)
                if new.firing:
                    self._note_firing(new.firing, run)
                if new.look is not None:
                    self._database.change("answer_look", look=new.look, run=run)
                # Before the commit, so that a recorded run always has its files. Without the commit they are
                # put aside by the next run, which gets the same id.
                self._files.make(run)
                self._files.write_document(run, 1, new.config_text, new.document, new.resolved)
                if sitting:
                    self._insert_sitting(run, replace(sitting, number=1))
                    self._locks.hold_ahead(run)
        except BaseException:
            self._locks.let_go(run)
            raise
        return self._reader.run(run)

    def begin_sitting(self, run: int, sitting: Sitting) -> tuple[Sitting, Sequence[AttemptKey]]:
        """Record a further sitting; attempts without an end become LOST. UnknownRun."""
        with self._database.write():
            before = self._database.first("newest_sitting", run=run)
            reason = "its crude-link was gone"
            if before:
                reason = f"its crude-link (pid {before['pid']} on {text(before['host'])}) was gone"
                self._database.change("answer_all", run=run, answer="nobody held the run any more")
            lost = [key_of(row) for row in self._database.rows("attempts_without_end", run=run)]
            for key in lost:
                outcome = Outcome(ending=Ending.LOST, ended=sitting.began, reason=reason)
                self._database.change("end_attempt", **key_values(key), **outcome_values(outcome))
                self._database.change("set_state", run=run, name=key.step, status=Status.LOST.value, reason=reason)
            numbered = replace(sitting, number=before["number"] + 1 if before else 1)
            self._set_status(run, Status.RUNNING, "", None)
            self._insert_sitting(run, numbered)
        return numbered, lost

    def end_sitting(self, run: int, status: Status, reason: str, at: datetime) -> Run:
        """Record the end of the run's newest sitting, and the run's status with it. UnknownRun."""
        with self._database.write():
            self._set_status(run, status, reason, at)
            newest = self._database.first("newest_sitting", run=run)
            if newest:
                self._database.change("end_sitting", run=run, number=newest["number"], ended=moment_text(at))
        return self._reader.run(run)

    def run(self, run: int) -> Run:
        """Return a run as recorded, or LOST where nobody holds it any more. UnknownRun."""
        return self._reader.run(run)

    def adopt_document(
        self,
        run: int,
        text: str,
        document: Mapping[str, Plain],
        steps: tuple[str, ...],
        resolved: Mapping[str, Plain],
    ) -> None:
        """Let a run follow a newer config; the older one stays beside it. UnknownRun."""
        with self._database.write():
            number = self._reader.row(run)["document_number"]
            self._files.write_document(run, number + 1, text, document, resolved)
            for row in self._database.rows("step_names", run=run):
                if row["name"] not in steps:
                    self._database.change("delete_step", run=run, name=row["name"])
            self._insert_steps(run, steps)
            self._database.change("set_run_document", run=run, number=number + 1, config_digest=_digest(text))

    def _insert(self, new: NewRun, status: Status) -> int:
        added = self._database.change(
            "insert_run",
            pipeline=new.pipeline,
            origin=new.origin.value,
            status=status.value,
            began=moment_text(new.began),
            config_file=new.config_file,
            config_digest=_digest(new.config_text),
            params=to_json(dict(new.params)),
            settings=to_json(new.settings),
            start_at=new.selection.start_at,
            only_step=new.selection.only,
            group=new.group,
            slot_time=moment_text(new.slot_time),
            rerun_of=new.rerun_of,
        )
        run = added.lastrowid or 0
        self._insert_steps(run, new.steps)
        return run

    def _note_firing(self, firing: Firing, run: int) -> None:
        from crude_link.model.firing import Fate  # with all that only schedules need
        from crude_link.store.ledger import insert_firing, utc_text

        taken = self._database.first(
            "run_of_slot", pipeline=firing.pipeline, entry=firing.entry, slot_time=utc_text(firing.slot_time)
        )
        if taken and firing.fate is not Fate.REPEATED:
            raise SlotTaken(
                f"the slot time {moment_words(firing.slot_time)} of {firing.pipeline} began run {taken['run']}"
            )
        insert_firing(self._database, replace(firing, run=run))

    def _insert_steps(self, run: int, steps: tuple[str, ...]) -> None:
        for position, name in enumerate(steps):
            self._database.change("insert_step", run=run, name=name, position=position)

    def _insert_sitting(self, run: int, sitting: Sitting) -> None:
        self._database.change(
            "insert_sitting",
            run=run,
            number=sitting.number,
            began=moment_text(sitting.began),
            host=sitting.host,
            pid=sitting.pid,
            user=sitting.user,
            argv=to_json(sitting.argv),
            python=sitting.python,
            **code_values(sitting.code),
        )

    def _set_status(self, run: int, status: Status, reason: str, ended: datetime | None) -> None:
        changed = self._database.change(
            "set_run_status", run=run, status=status.value, reason=reason, ended=moment_text(ended)
        )
        if not changed.rowcount:
            raise UnknownRun(f"there is no run {run}: see `crude-link runs`")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
