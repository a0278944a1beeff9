"""The config files of a scheduler that follows them: what is put in the place of one while it does."""

from __future__ import annotations

import os
from pathlib import Path

from fakes import FakeClock

from crude_link.app import Desk
from crude_link.model.event import Event, Notice
from crude_link.scheduling.configs import ConfigWatch
from crude_link.store.place import find_project

TEXT = "schedule: {every: 1m}\nsteps: [{name: a, command: 'true'}]\n"


class Told:
    """A notifier that keeps what it is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def tell(self, event: Event) -> None:
        assert isinstance(event, Notice)
        self.texts.append(event.text)

    def close(self) -> None:
        pass


def watch_of(path: Path, told: Told) -> ConfigWatch:
    path.write_text(TEXT)
    desk = Desk(project=find_project(path.parent, {}), clock=FakeClock(), environment={})
    return ConfigWatch(desk, (path,), (), told)


def test_a_pipe_in_the_place_of_a_config_is_told_and_never_waited_for(tmp_path: Path) -> None:
    path, told = tmp_path / "config.yaml", Told()
    watch = watch_of(path, told)
    path.unlink()
    os.mkfifo(path)
    assert not watch.has_changed()
    assert not watch.has_changed()
    (text,) = told.texts
    assert "cannot be used; the schedules go on with what it said before" in text
    assert "It is no file, but a pipe or a device" in text


def test_a_folder_in_the_place_of_a_config_is_told_and_what_comes_after_it_is_followed(tmp_path: Path) -> None:
    path, told = tmp_path / "config.yaml", Told()
    watch = watch_of(path, told)
    path.unlink()
    path.mkdir()
    assert not watch.has_changed()
    assert "the schedules go on with what it said before" in told.texts[0]
    path.rmdir()
    path.write_text(TEXT.replace("1m", "2m"))
    assert watch.has_changed()
