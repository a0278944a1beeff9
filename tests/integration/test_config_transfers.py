"""What a config says of downloads and uploads: the steps that they become, and mistakes at their places."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from crude_link.app import escaped_in_shell
from crude_link.changes import config_changes
from crude_link.config.load import Source, build, load
from crude_link.errors import ConfigError
from crude_link.model.pipeline import Command, Pipeline
from crude_link.model.run import Selection
from crude_link.model.transfer import Transfer, TransferKind
from crude_link.model.value import Reference, Template


def loaded(folder: Path, text: str) -> tuple[Pipeline, ...]:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    now = datetime(2026, 3, 1, tzinfo=timezone.utc)
    source = Source(
        path=path, project=folder, now=now, environment={}, run_exec=lambda text: text, in_shell=escaped_in_shell
    )
    return load(source)


def only(folder: Path, text: str) -> Pipeline:
    (pipeline,) = loaded(folder, text)
    return pipeline


def mistakes(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        loaded(folder, text)
    return str(error.value)


def transfer(pipeline: Pipeline, name: str) -> Transfer:
    action = pipeline.step(name).action
    assert isinstance(action, Transfer)
    return action


def command(pipeline: Pipeline, name: str) -> object:
    action = pipeline.step(name).action
    assert isinstance(action, Command)
    return action.text if action.text is not None else action.argv


FULL = """
name: full
secrets: [KEY]
params: {bucket: team}
env: {PROFILE: "${secrets.KEY}", HOME_OF: "${HOME}/x"}
storage: {s3: {endpoint: "http://localhost", secret_access_key: "${secrets.KEY}"}, "gs://team": {anonymous: true}}
download:
  - {from: "s3://${params.bucket}/in", to: data/in, only: new, if_empty: skip, include: "*.png"}
  - {from: /mnt/models, to: models, delete: true, env: {PROFILE: other}}
upload: {from: "${run.dir}/out", to: "gs://team/${run.id}", stale: clean, manifest: true, when: always}
steps:
  - {name: one, command: "ls [path-to-local-outputs]"}
  - name: two
    needs: []
    when: params.bucket == 'team'
    command: [ls, "[path_to_local_inputs]/x"]
    download: {from: "https://example.org/a.zip", to: "it's here"}
    upload: [{from: a, to: b}, {from: c, to: d}]
  - {name: three, needs: two, command: ls}
"""


def test_two_pipelines_that_download_into_one_folder_are_warned_of_once(tmp_path: Path) -> None:
    text = """
pipelines:
  one: {download: {from: far/one, to: data/in}, steps: [echo one]}
  two: {download: {from: far/two, to: data/in/}, steps: [echo two]}
  same: {download: {from: far/one, to: data/in}, steps: [echo same]}
  new: {download: {from: far/new, to: data/in, only: new}, steps: [echo new]}
"""
    (warning,) = [text for pipeline in loaded(tmp_path, text) for text in pipeline.warnings]
    assert "config.yaml:4:35: pipeline 'one' downloads into 'data/in' too" in warning


def test_transfers_become_steps_around_those_that_they_belong_to(tmp_path: Path) -> None:
    pipeline = only(tmp_path, FULL)
    assert {step.name: step.needs for step in pipeline.steps} == {
        "run.listing": (),
        "run.clean": ("run.listing",),
        "run.download": ("run.clean",),
        "run.download-2": ("run.download",),
        "one": ("run.download-2",),
        "two.download": ("run.download-2",),
        "two": ("two.download",),
        "two.upload": ("two",),
        "two.upload-2": ("two",),
        "three": ("two", "two.upload", "two.upload-2"),
        "run.upload": ("one", "two.download", "two", "two.upload", "two.upload-2", "three"),
    }
    assert pipeline.step("two.download").when == pipeline.step("two").when
    assert transfer(pipeline, "run.listing").local == ("a", "c")
    assert transfer(pipeline, "run.clean").local == (Template((Reference("run.dir"), "/out")),)
    assert str(transfer(pipeline, "run.upload")) == "upload ${run.dir}/out to gs://team/${run.id}"


def test_everything_can_be_said_and_comes_back_from_a_record(tmp_path: Path) -> None:
    pipeline = only(tmp_path, FULL)
    assert build(pipeline.document).steps == pipeline.steps
    first, second = transfer(pipeline, "run.download"), transfer(pipeline, "run.download-2")
    assert (first.remote, first.only, first.if_empty, first.include) == ("s3://team/in", "new", "skip", ("*.png",))
    assert (second.remote, second.delete, second.kind) == ("/mnt/models", True, TransferKind.DOWNLOAD)
    assert first.storage["s3"]["secret_access_key"] == Template((Reference("secrets.KEY"),))
    last = transfer(pipeline, "run.upload")
    assert (last.stale, last.manifest) == ("clean", True)


def test_transfers_of_the_run_have_the_environment_of_the_file(tmp_path: Path) -> None:
    pipeline = only(tmp_path, FULL)
    secret = Template((Reference("secrets.KEY"),))
    assert pipeline.step("run.download").env == {"PROFILE": secret, "HOME_OF": "${HOME}/x"}
    assert pipeline.step("run.download-2").env == {"PROFILE": "other", "HOME_OF": "${HOME}/x"}
    with_file = only(tmp_path, FULL + "defaults: {env_file: .env}\n")
    assert [with_file.step(name).env_file for name in ("run.download", "two.upload", "run.upload")] == [".env"] * 3


def test_placeholders_for_folders_are_quoted_for_the_shell_and_not_in_lists(tmp_path: Path) -> None:
    pipeline = only(tmp_path, FULL)
    assert command(pipeline, "two") == ("ls", "it's here/x")
    assert command(pipeline, "one") == Template(("ls ", Reference("run.dir"), "/out"))
    spaced = "download: {from: a, to: my in}\nsteps:\n  - 'cat [path-to-local-inputs]/x \"[path_to_local_inputs]\"'\n"
    assert command(only(tmp_path, spaced), "step-1") == "cat 'my in'/x \"my in\""


def test_the_word_for_the_run_gives_way_to_a_step_of_that_name(tmp_path: Path) -> None:
    text = "download: {from: a, to: b}\nsteps: [{name: run, command: ls, download: {from: c, to: d}}]\n"
    assert only(tmp_path, text).names == ("pipeline.download", "run.download", "run")


def test_a_change_of_a_transfer_is_a_change_of_the_config(tmp_path: Path) -> None:
    before = only(tmp_path, FULL)
    after = only(tmp_path, FULL.replace("https://example.org/a.zip", "https://example.org/b.zip"))
    changes = config_changes(before, after)
    assert list(changes.changed) == ["two.download"]
    assert "a.zip" in "".join(changes.changed["two.download"])


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (Selection(start_at="two"), ["run.listing", "run.clean", "two.download", "two"]),
        (Selection(start_at="three"), ["run.listing", "run.clean", "three", "run.upload"]),
        (Selection(only="one"), ["one"]),
        (Selection(only="two"), ["run.listing", "run.clean", "two.download", "two", "two.upload", "two.upload-2"]),
        (Selection(only="run.download"), ["run.download"]),
        (Selection(start_at="run.upload"), ["run.upload"]),
    ],
)
def test_a_part_of_a_pipeline_goes_with_its_own_transfers(tmp_path: Path, asked: Selection, left: list[str]) -> None:
    names = only(tmp_path, FULL).names
    chosen = [name for name in names if asked.leaves_out(names, name) is None]
    assert chosen[: len(left)] == left
    if asked.only is not None:
        assert chosen == left


CSJR = """
jobs:
  segment:
    bucket-name: team
    cloud-service-provider: PROVIDER
    path-to-remote-inputs: new/images/
    path_to_local_inputs: data in
    path-to-local-outputs: data/out
    path_to_remote_outputs: annotated
    steps:
      - ./prepare
      - python segment.py [path-to-local-inputs] [path_to_local_outputs]
"""


@pytest.mark.parametrize(
    ("provider", "scheme"), [("gcp", "gs"), ("Google Cloud", "gs"), ("aws", "s3"), ("AWS", "s3"), ("azure", "az")]
)
def test_the_document_of_the_cloud_storage_job_runner_loads_as_it_is(
    tmp_path: Path, provider: str, scheme: str
) -> None:
    pipeline = only(tmp_path, CSJR.replace("PROVIDER", provider))
    assert pipeline.name == "segment"
    assert transfer(pipeline, "run.download").remote == f"{scheme}://team/new/images/"
    assert transfer(pipeline, "run.upload").remote == f"{scheme}://team/annotated"
    assert command(pipeline, "step-1") == "./prepare"
    assert command(pipeline, "step-2") == "python segment.py 'data in' data/out"


STEPS = "steps: [{name: s, command: ls}]\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("download: {from: 's4://b/x', to: y}\n" + STEPS, "config.yaml:1:18: `download.from`: 's4://' is no kind of"),
        ("download: {from: 'gcp://b/x', to: y}\n" + STEPS, "(did you mean 'gs'?)"),
        ("download: {from: 's3://', to: y}\n" + STEPS, "names no bucket"),
        ("download: {from: x, to: 'gs://b/x'}\n" + STEPS, "the wrong way round"),
        ("download: [{from: x}]\n" + STEPS, "config.yaml:1:12: `to` is missing"),
        ("download: {from: x, to: y, onyl: new}\n" + STEPS, "(did you mean 'only'?)"),
        ("upload: {from: x, to: 'https://h/x'}\n" + STEPS, "can only be read from"),
        ("upload: {from: x, to: y, stale: keep}\n" + STEPS, "ignore or upload or clean"),
        ("upload: {from: x, to: y, if_empty: 1}\n" + STEPS, "fail or skip or run"),
        ("storage: {s4: {}}\n" + STEPS, "config.yaml:1:11: `storage.s4`: 's4' is no scheme"),
        ("storage: {s3: {a: [1]}}\n" + STEPS, "not a list"),
        ("download: {from: 'x/${steps.s.metrics.n}', to: y}\n" + STEPS, "no step has run before"),
        ("upload: {from: 'x/${steps.t.stdout}', to: y}\n" + STEPS, "there is no step 't'"),
        ("secrets: [K]\nupload: {from: x, to: 's3://${secrets.K}'}\n" + STEPS, "credentials go under `storage`"),
        (
            "steps: [{name: s, command: 'ls {item}', foreach: [1], upload: {from: x, to: y}}]\n",
            "config.yaml:1:70: step 's': `from` is the same for all tasks",
        ),
        ("steps: ['ls [path-to-local-inputs]']\n", "there is no `download`"),
        ("upload: [{from: a, to: b}, {from: c, to: d}]\nsteps: ['ls [path-to-local-outputs]']\n", "each of several"),
        ("upload: {from: a, to: b}\nsteps: ['ls [path-to-local-output]']\n", "did you mean 'path-to-local-outputs'"),
        (
            CSJR.replace("PROVIDER", "gpc"),
            "config.yaml:5:29: `cloud-service-provider` is gcp, aws or azure, not 'gpc'",
        ),
        (CSJR.replace("    bucket-name: team\n", ""), "`bucket-name` is missing"),
        (CSJR.replace("    path_to_remote_outputs: annotated\n", ""), "`path-to-remote-outputs` is missing"),
        (
            CSJR.replace("path_to_remote_outputs", "path_to_remote_output"),
            "`path_to_remote_output` is no key of the file (did you mean 'path_to_remote_outputs'?)",
        ),
    ],
)
def test_a_mistake_in_a_transfer_is_told_at_its_place(tmp_path: Path, text: str, words: str) -> None:
    assert words in mistakes(tmp_path, text)


def test_jobs_can_be_a_list_with_names(tmp_path: Path) -> None:
    text = "jobs:\n  - name: one\n    steps: [echo 1]\n  - {name: two, steps: [echo 2]}\n"
    assert [pipeline.name for pipeline in loaded(tmp_path, text)] == ["one", "two"]
    told = mistakes(tmp_path, text.replace("name: two, ", ""))
    assert told == "config.yaml:4:5: each of the list `jobs` is a mapping with `name` and `steps`"
    told = mistakes(tmp_path, text.replace("name: two", "name: one"))
    assert told == "config.yaml:4:12: there are two pipelines of the name 'one'"
    assert "each of the list `jobs`" in mistakes(tmp_path, "jobs: [echo 1]\n")


def test_a_transfer_has_the_tries_and_the_time_that_it_says(tmp_path: Path) -> None:
    pipeline = only(
        tmp_path,
        "download: {from: 's3://b/in', to: in, retries: 3, timeout: 10m}\n"
        "upload: {from: out, to: 's3://b/out'}\n"
        "steps:\n"
        "  - name: work\n"
        "    command: echo\n"
        "    retries: 2\n"
        "    download: {from: 's3://b/own', to: own}\n"
        "    upload: {from: own, to: 's3://b/own', retries: {max: 5, delay: 1m}}\n",
    )
    assert (pipeline.step("run.download").retries.max, pipeline.step("run.download").timeout) == (
        3,
        timedelta(minutes=10),
    )
    assert (pipeline.step("run.upload").retries.max, pipeline.step("run.upload").timeout) == (0, None)
    assert [pipeline.step(f"work.{word}").retries.max for word in ("download", "upload")] == [2, 5]
