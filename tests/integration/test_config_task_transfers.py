"""What a config says of downloads and uploads of tasks, and mistakes at their places."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from crude_link.app import escaped_in_shell
from crude_link.changes import config_changes
from crude_link.config.load import Source, build, load
from crude_link.errors import ConfigError
from crude_link.model.pipeline import Command, Pipeline
from crude_link.model.transfer import TransferKind
from crude_link.model.value import Placeholder, Reference, Template

FULL = """
name: full
secrets: [KEY]
params: {odd: "{item}"}
storage: {s3: {endpoint: "http://localhost", secret_access_key: "${secrets.KEY}"}}
steps:
  - name: scans
    foreach: {lines: urls.txt}
    command: cat [path-to-local-inputs] > '[path_to_local_outputs]'/x
    download:
      from: "${params.odd}/{item}"
      to: work/{index}/{name}
      include: ["{stem}*", "{{x}}"]
      env: {PROFILE: "${secrets.KEY}"}
      keep: true
    upload: [{from: "work/{index}/out", to: "s3://team/${run.id}/{stem}", when: always, manifest: true, env_file: e}]
"""


def loaded(folder: Path, text: str) -> Pipeline:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    source = Source(
        path=path, project=folder, now=now, environment={}, run_exec=lambda text: text, in_shell=escaped_in_shell
    )
    (pipeline,) = load(source)
    return pipeline


def test_transfers_of_tasks_belong_to_their_step(tmp_path: Path) -> None:
    pipeline = loaded(tmp_path, FULL)
    assert pipeline.names == ("scans",)
    download, upload = pipeline.step("scans").transfers
    index, item, name, stem = (Placeholder(word) for word in ("index", "item", "name", "stem"))
    assert download.transfer.remote == Template(("{item}/", item))  # what a param holds is text
    assert download.transfer.local == (Template(("work/", index, "/", name)),)
    assert download.transfer.include == (Template((stem, "*")), "{x}")
    assert download.env == {"PROFILE": Template((Reference("secrets.KEY"),))}
    assert (download.keep, download.is_always, upload.keep, upload.is_always) == (True, False, False, True)
    assert upload.transfer.kind is TransferKind.UPLOAD
    assert upload.transfer.remote == Template(("s3://team/", Reference("run.id"), "/", stem))
    assert (upload.transfer.manifest, upload.env_file, upload.transfer.stale) == (True, "e", "ignore")


def test_everything_said_of_tasks_comes_back_from_a_record(tmp_path: Path) -> None:
    pipeline = loaded(tmp_path, FULL)
    assert build(pipeline.document).steps == pipeline.steps


def test_the_words_for_folders_stand_for_those_of_the_task(tmp_path: Path) -> None:
    action = loaded(tmp_path, FULL).step("scans").action
    assert isinstance(action, Command)
    assert str(action.text) == "cat 'work/{index}/{name}' > 'work/{index}/out'/x"


def test_a_change_of_what_tasks_fetch_is_a_change_of_their_step(tmp_path: Path) -> None:
    before, after = loaded(tmp_path, FULL), loaded(tmp_path, FULL.replace("s3://team", "s3://other"))
    assert list(config_changes(before, after).changed) == ["scans"]


DOWN = "download: {from: '{item}', to: 'work/{index}/{name}'"
UP = "upload: {from: 'work/{index}/out', to: 's3://b/{stem}'"


@pytest.mark.parametrize(
    ("transfers", "words"),
    [
        (
            DOWN + ", only: new}",
            "config.yaml:1:129: step 's': `only: new` is about runs; beside `foreach`, `once: true`",
        ),
        (DOWN + ", retries: 3}", "`retries` stands in the step: a try at a task is all of it"),
        (UP + ", timeout: 1m}", "`timeout` stands in the step"),
        (DOWN + ", delete: true}", "`delete` has no meaning beside `foreach`"),
        ("download: {from: '{item}', to: work}", "`to` is the same for all tasks, which run side by side"),
        ("download: {from: '{item}', to: 'work/{suffix}'}", "`to` is the same for all tasks"),
        ("download: {from: '{item}', to: 'work/{slot}/{index}'}", "`to` cannot hang on `{slot}`"),
        ("upload: {from: 'out/{gpu}', to: 's3://b/{stem}'}", "the tasks of this step hold no GPU"),
        ("upload: {from: out, to: 's3://b/{stem}'}", "`from` is the same for all tasks"),
        (
            "upload: {from: 'out/{stem}.csv', to: 's3://b/c/all.csv'}",
            "write such as `s3://b/c/{stem}.csv`, or end it",
        ),
        (
            "upload: {from: 'o/{index}/all', to: 's3://b/c/all'}",
            "`to` is one file, which every task would write anew",
        ),
        (DOWN.replace("{name}", "{nmae}") + "}", "`{nmae}` is no placeholder (did you mean `{name}`?)"),
        (DOWN.replace("{name}", "{item.x}") + "}", "the inputs are no mappings and have no fields"),
        (DOWN + ", include: ['{a,b}']}", "`{a,b}` is no placeholder"),
        (DOWN + ", env: {X: '{item}'}}", "`{item}` cannot stand in `download`, which all tasks share"),
        (UP.replace("s3://b", "https://b") + "}", "can only be read from"),
        (UP.replace("s3://b", "s3://${secrets.K}") + "}", "credentials go under `storage`"),
        (UP + ", keep: 3}", "`upload.keep` is true or false"),
    ],
)
def test_a_mistake_in_a_transfer_of_tasks_is_told_at_its_place(tmp_path: Path, transfers: str, words: str) -> None:
    text = f"steps: [{{name: s, command: 'ls {{item}}', foreach: {{lines: urls.txt}}, {transfers}}}]\nsecrets: [K]\n"
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "steps: [{name: s, command: ls, download: {from: a, to: b, keep: true}}]\n",
        "steps: [{name: s, command: ls, upload: [{from: a, to: b, keep: false}]}]\n",
        "upload: {from: a, to: b, keep: true}\nsteps: [ls]\n",
    ],
)
def test_files_that_stay_anyway_need_no_word_for_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="`keep` is for a step with `foreach`"):
        loaded(tmp_path, text)


def test_a_far_folder_may_be_the_same_for_all_tasks(tmp_path: Path) -> None:
    text = "steps: [{name: s, command: 'ls {item}', foreach: [1], upload: {from: 'o/{index}', to: 's3://b/all'}}]\n"
    assert loaded(tmp_path, text).step("s").transfers
