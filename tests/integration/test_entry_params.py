"""The params of a schedule's entry reach its runs, and no other pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from crude_link.app import ConfigFile, Desk
from crude_link.errors import ConfigError
from crude_link.model.schedule import Schedule
from crude_link.store import find_project

TWO = """\
pipelines:
  night:
    params: {size: small, rate: 0.1, deep: false}
    steps: ["echo ${params.size} ${params.rate} ${params.deep}"]
  day:
    params: {size: {default: 1, max: 5}}
    steps: ["echo ${params.size} ${exec:touch asked; echo yes}"]
"""


def desk_of(folder: Path, text: str) -> tuple[Desk, ConfigFile]:
    (folder / "config.yaml").write_text(text)
    desk = Desk(project=find_project(folder, {}))
    return desk, ConfigFile(path=folder / "config.yaml", text=text)


def test_an_entry_sets_params_of_its_pipeline_only(tmp_path: Path) -> None:
    desk, config = desk_of(tmp_path, TWO)
    loaded = desk.load_entry(config, "night", Schedule(params={"size": "9", "rate": 1, "deep": True}))
    assert loaded.pipeline.name == "night"
    assert loaded.pipeline.params == {"size": "9", "rate": 1, "deep": True}
    assert not (tmp_path / "asked").exists(), "the other pipeline was looked at"


def test_the_params_of_an_entry_stay_among_the_settings_of_its_runs(tmp_path: Path) -> None:
    desk, config = desk_of(tmp_path, TWO)
    loaded = desk.load_entry(config, "night", Schedule(params={"size": "large"}))
    assert loaded.config.settings == ("pipelines.night.params.size=large",)
    again = desk.load(config.path, loaded.config.settings)
    assert [one.pipeline.params["size"] for one in again] == ["large", 1]


def test_without_params_an_entry_loads_the_pipeline_as_it_is(tmp_path: Path) -> None:
    desk, config = desk_of(tmp_path, TWO)
    loaded = desk.load_entry(config, "day", Schedule())
    assert loaded.config == config
    assert loaded.pipeline == desk.load(config.path)[1].pipeline


def test_a_pipeline_that_was_taken_out_is_an_error(tmp_path: Path) -> None:
    desk, config = desk_of(tmp_path, TWO)
    with pytest.raises(ConfigError, match="has no pipeline 'noon'"):
        desk.load_entry(config, "noon", Schedule())


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("pipelines.nigth.params.size=1", "there is no pipeline 'nigth'"),
        ("pipelines.night.params.siez=1", "there is no param 'siez' (did you mean 'size'?)"),
    ],
)
def test_a_setting_for_one_pipeline_says_what_is_wrong(tmp_path: Path, setting: str, words: str) -> None:
    desk, config = desk_of(tmp_path, TWO)
    with pytest.raises(ConfigError) as error:
        desk.load(config.path, (setting,))
    assert words in str(error.value)


def test_what_the_world_is_not_asked_for_is_loaded_once(tmp_path: Path) -> None:
    desk, config = desk_of(tmp_path, TWO)
    schedule = Schedule(params={"size": "large"})
    first = desk.load_entry(config, "night", schedule)
    assert desk.load_entry(config, "night", schedule, before=first) is first
    assert desk.load_entry(config, "night", Schedule(), before=first).pipeline.params["size"] == "small"
    other = ConfigFile(path=config.path, text=TWO.replace("0.1", "0.2"))
    assert desk.load_entry(other, "night", schedule, before=first).pipeline.params["rate"] == 0.2


def test_the_world_is_asked_anew_for_each_slot(tmp_path: Path) -> None:
    desk, config = desk_of(tmp_path, TWO)
    first = desk.load_entry(config, "day", Schedule())
    assert (tmp_path / "asked").exists()
    (tmp_path / "asked").unlink()
    assert desk.load_entry(config, "day", Schedule(), before=first) is not first
    assert (tmp_path / "asked").exists()
