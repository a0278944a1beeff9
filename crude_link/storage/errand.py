"""Errand: what a task of a fan-out fetches before its program, and brings away behind it, leaving nothing here.

It is one attempt with its program, of which `agent/around.py` takes care. A task that has not succeeded leaves its
state in a file: so the next try knows what was here before the task, and whether only an upload is left to do.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from crude_link.errors import CrudeLinkError
from crude_link.storage.bringing import Made, bring_files, made_in
from crude_link.storage.errand_order import ErrandOrder, Leg, read_errand
from crude_link.storage.errand_places import Places
from crude_link.storage.errand_state import ErrandState, StateFile, files_at, first_look
from crude_link.storage.errand_tidy import Tidier
from crude_link.storage.fetching import fetch_files
from crude_link.storage.landing import clean
from crude_link.storage.local import LocalFile
from crude_link.storage.opening import import_libraries
from crude_link.storage.order import STORAGE, IfEmpty, Stale
from crude_link.storage.progress import Progress

#: The variables of each transfer, and the schemes of all, as JSON.
SURROUNDINGS = "CRUDE_LINK_TRANSFERS"
#: What the program is not to see.
HIDDEN = (STORAGE, SURROUNDINGS)
_RESULT = "CRUDE_LINK_RESULT"
_SUCCESS = 0


def ready() -> None:
    """Import what the transfers of all tasks need, before the first of them."""
    import_libraries(_from_environment(SURROUNDINGS).get("schemes", ()))


def work_of(text: str) -> Errand:
    """Return the errand that an order says. BadOrder."""
    envs = _from_environment(SURROUNDINGS).get("envs", ())
    return Errand(read_errand(text, _from_environment(STORAGE), envs))


class Errand:
    """The transfers of one try at a task; see `Work` in `agent/around.py`."""

    def __init__(self, order: ErrandOrder) -> None:
        self._order = order
        self._file = StateFile(order)
        self._places = Places(order)
        self._state: ErrandState | None = None
        #: What is here of the far side, by this try or an earlier one; it may be stopped at any moment.
        self._fetched: dict[str, LocalFile] = {}

    def before(self) -> int | None:
        """Fetch; see `Work`."""
        try:
            state = self._begin()
            if state.made is not None:
                if self._is_as_made(state.made):
                    _say("its program has succeeded before: only the upload is left")
                    self._file.give_result(os.environ.get(_RESULT))
                    return self._bring_all()
                self._note(replace(state, made=None))
            for leg in self._order.downloads:
                if self._fetch(leg):
                    self._succeed({})
                    return _SUCCESS
            if self._order.downloads:
                self._note(replace(self._now, fetched=dict(self._fetched)))
        except (CrudeLinkError, OSError) as error:
            return self._fail(error)
        return None

    def after(self, succeeded: bool) -> int:
        """Bring away; see `Work`."""
        if succeeded:
            try:
                return self._bring_all()
            except (CrudeLinkError, OSError) as error:
                return self._fail(error)
        for leg in self._order.uploads:
            if leg.is_always:
                self._bring_what_there_is(leg)
        self.stop()
        return _SUCCESS

    def stop(self) -> None:
        """Remove what was fetched; see `Work`. What the program made stays."""
        with _told():
            if self._state is not None:
                Tidier(self._order, self._state, _say).remove_files(self._fetched)
            self._places.let_go()

    # --- how far it is ------------------------------------------------------------------------------------

    @property
    def _now(self) -> ErrandState:
        assert self._state is not None
        return self._state

    def _begin(self) -> ErrandState:
        self._places.take(_say)
        state = self._file.read()
        if state is None:
            for leg in self._order.uploads:
                if leg.order.stale is Stale.CLEAN:
                    clean(leg.local, _say)
            state = first_look(self._order)
            self._file.write(state)
        elif state.fetched is not None:
            self._fetched.update(state.fetched)
        else:  # it was killed as it fetched: all that is new came from there
            here = files_at(leg.order.local[0] for leg in self._order.downloads)
            self._fetched.update((path, file) for path, file in here.items() if state.is_of_task(path, file))
        self._state = state
        return state

    def _note(self, state: ErrandState) -> None:
        self._file.write(state)
        self._state = state

    def _fail(self, error: CrudeLinkError | OSError) -> int:
        sys.stdout.flush()
        words = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        sys.stderr.write(f"{words}\n")
        self.stop()
        return error.exit_status if isinstance(error, CrudeLinkError) else 1

    def _succeed(self, brought: Mapping[str, LocalFile]) -> None:
        """Leave nothing behind."""
        done = {**self._fetched, **brought}
        tidier = Tidier(self._order, self._now, _say)
        with _told():
            if self._order.uploads:
                tidier.remove_folders(done)
            tidier.remove_files(done)
            self._file.forget()
            self._places.give_up()
            self._places.let_go()

    # --- fetching -----------------------------------------------------------------------------------------

    def _fetch(self, leg: Leg) -> bool:
        """Do a download; True when there is nothing to do for the task."""
        place = leg.order.local
        earlier = files_at(place)
        with _surroundings(leg):
            try:
                got = fetch_files(leg.order, Progress("download", sys.stdout, is_terse=True))
            finally:
                here = files_at(place)
                self._fetched.update((path, file) for path, file in here.items() if earlier.get(path) != file)
        for name in got.names:
            path = got.folder / name
            self._fetched[str(path)] = LocalFile.of(path.stat())
        return got.report.is_empty and leg.order.if_empty is IfEmpty.SKIP

    # --- bringing -----------------------------------------------------------------------------------------

    def _bring_all(self) -> int:
        made = [(leg, self._made(leg, _said())) for leg in self._order.uploads]
        for leg, files in made:
            if not files.files:  # it may be a failure, and then the program is to run again
                bring_files(leg.order, files, _said())
        brought = {path: file for _, files in made for path, file in _by_path(files).items()}
        if made:
            self._file.keep_result(os.environ.get(_RESULT))
            self._note(replace(self._now, made=brought))
        for leg, files in made:
            if files.files:
                with _surroundings(leg):
                    bring_files(leg.order, files, _said())
        self._succeed(brought)
        return _SUCCESS

    def _bring_what_there_is(self, leg: Leg) -> None:
        try:
            with _surroundings(leg):
                bring_files(leg.order, self._made(leg, _said()), _said())
        except CrudeLinkError as error:
            _say(f"not brought: {error}")

    def _made(self, leg: Leg, progress: Progress) -> Made:
        """Return what is to be brought of a place: neither what was there before, nor what was fetched."""
        fetched = self._fetched
        known = fetched if leg.order.stale is Stale.UPLOAD else {**self._now.before, **fetched}
        folder = f"{leg.local if leg.local.is_dir() else leg.local.parent}/"
        inside = {path[len(folder) :]: file for path, file in known.items() if path.startswith(folder)}
        return made_in(leg.order, inside, progress)

    def _is_as_made(self, noted: Mapping[str, LocalFile]) -> bool:
        """True when all that was to be brought is still there, as it was."""
        found: dict[str, LocalFile] = {}
        for leg in self._order.uploads:
            found.update(_by_path(self._made(leg, _said())))
        return found == noted


def _by_path(made: Made) -> dict[str, LocalFile]:
    return {f"{made.folder}/{name}": file for name, file in made.files.items()}


def _said() -> Progress:
    return Progress("upload", sys.stdout, is_terse=True)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def _told() -> Iterator[None]:
    """Tell what the disk says of what is to be removed: it changes nothing of how the task ended."""
    try:
        yield
    except OSError as error:
        _say(f"not all is removed that the task has no use for: {error}")


@contextmanager
def _surroundings(leg: Leg) -> Iterator[None]:
    """Have the variables of a transfer in the environment, which libraries read."""
    before = {name: os.environ.get(name) for name in leg.env}
    os.environ.update(leg.env)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _from_environment(name: str) -> Any:
    return json.loads(os.environ.get(name) or "{}")
