"""The document's example and the repository's own, by both entrances; what a person sees first."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence

import pytest
from acceptance.starting import COMMAND, LAUNCHER, REPOSITORY, Folder

#: The complete example of the crude-link document, as it stands there.
DOCUMENT = """\
cron:
  day_of_week: 'thu'
  hour: '*'
  minute: '*'
  second: '*/10'

configs:
  - preproccess: &preproccess
      script: tasks/preproccess.py
      arguments:
        input_file: data/dummy.data
        nr_images: 500
        filters: True
  - training: &training
      script: tasks/train.py
  - validation: &validation
      script: tasks/validate.py
      arguments:
        input_file: data/dummy.data
  - deployment: &deployment
      script: tasks/deploy.py

steps:
  - <<: *preproccess
  - <<: *training
  - <<: *validation
  - <<: *deployment
"""
SCRIPT = """
import fire

def main({parameters}):
    with open("calls", "a") as file:
        print("{name}", {values}sep=" ", file=file)

if __name__ == "__main__":
    fire.Fire(main)
"""
CALLS = [
    "preproccess 'data/dummy.data' 500 True",
    "train",
    "validate 'data/dummy.data'",
    "deploy",
]
both_entrances = pytest.mark.parametrize("entrance", [COMMAND, LAUNCHER], ids=["crude-link", "scheduler.py"])


def script(name: str, *parameters: str) -> str:
    values = "".join(f"repr({parameter.partition(':')[0]}), " for parameter in parameters)
    return SCRIPT.format(name=name, parameters=", ".join(parameters), values=values)


@pytest.fixture
def document(folder: Folder) -> Folder:
    folder.config(DOCUMENT)
    folder.write("tasks/preproccess.py", script("preproccess", "input_file: str", "nr_images: int", "filters: bool"))
    folder.write("tasks/train.py", script("train"))
    folder.write("tasks/validate.py", script("validate", "input_file: str"))
    folder.write("tasks/deploy.py", script("deploy"))
    return folder


@both_entrances
def test_the_documents_example_runs_as_it_stands_there(document: Folder, entrance: Sequence[str]) -> None:
    ended = document.run("--config-file", "config.yaml", entrance=entrance)
    assert ended.status == 0, ended.err
    assert document.read("calls").splitlines() == CALLS
    assert list(document.steps()) == ["preproccess", "training", "validation", "deployment"]
    assert str(document.directory) in ended.err
    assert "preproccess, training, validation, deployment" in ended.err
    assert "cron section is followed only with --non-interactive" in ended.err
    assert re.fullmatch(r"run 1 succeeded in .* · crude-link show 1", ended.last_line)


@both_entrances
def test_a_failed_step_ends_the_run_with_1_and_the_rest_does_not_start(
    document: Folder, entrance: Sequence[str]
) -> None:
    document.write("tasks/train.py", "import sys\nprint('no data')\nsys.exit(3)\n")
    ended = document.run(entrance=entrance)
    assert ended.status == 1
    assert document.read("calls").splitlines() == CALLS[:1]
    assert "run 1 failed at 'training': exit 3 · crude-link logs 1 training · crude-link resume 1" in ended.err
    assert "no data" in ended.out
    assert ended.last_line.endswith("crude-link resume 1")


def test_what_init_writes_in_an_empty_folder_can_be_run_at_once(folder: Folder) -> None:
    assert folder.run("init").status == 0
    assert folder.run("validate").status == 0
    ended = folder.run("run")
    assert (ended.status, ended.out) == (0, "20 rows are enough\n")
    assert folder.run("run", "--set", "rows=5").status == 0
    assert "steps.count.metrics.rows = 5" in folder.run("show").out


@both_entrances
def test_without_a_config_file_it_says_what_this_is_and_how_to_begin(folder: Folder, entrance: Sequence[str]) -> None:
    ended = folder.run(entrance=entrance)
    assert ended.status == 2
    assert "crude-link init" in ended.err
    assert "steps" in ended.err
    assert not folder.home.exists()


@both_entrances
def test_a_broken_config_ends_with_2_and_its_place(document: Folder, entrance: Sequence[str]) -> None:
    document.config(DOCUMENT.replace("script: tasks/train.py", "scirpt: tasks/train.py"))
    ended = document.run(entrance=entrance)
    assert ended.status == 2
    assert "config.yaml:15:" in ended.err
    assert "script" in ended.err
    assert not document.read("calls")


@both_entrances
def test_arguments_that_do_not_fit_a_fire_script_are_found_before_anything_runs(
    document: Folder, entrance: Sequence[str]
) -> None:
    document.config(DOCUMENT.replace("nr_images: 500", "nr_imges: 500"))
    ended = document.run(entrance=entrance)
    assert ended.status == 2
    assert "nr_imges" in ended.err
    assert "nr_images" in ended.err
    assert not document.read("calls")


def test_help_has_the_four_options_of_the_document_and_the_version(folder: Folder) -> None:
    shown = folder.run("--help")
    assert shown.status == 0
    for option in ("--config-file", "--non-interactive", "--log-file", "--keep-running"):
        assert option in shown.out
    assert folder.run("--version").out.startswith("crude-link")


def test_the_short_options_do_what_the_long_ones_do(document: Folder) -> None:
    (document.directory / "config.yaml").rename(document.directory / "other.yaml")
    document.write("other.yaml", DOCUMENT.partition("\nconfigs:")[2].join(["configs:", ""]))
    ended = document.run("-n", "-k", "-l", "logs/my.log", "-c", "other.yaml")
    assert ended.status == 0, ended.err
    assert document.read("calls").splitlines() == CALLS
    assert "deployment" in document.read("logs/my.log")


@pytest.mark.parametrize("words", [("--log-file", "my.log"), ("--keep-running",)])
def test_an_option_that_means_nothing_without_non_interactive_is_said(
    document: Folder, words: tuple[str, ...]
) -> None:
    ended = document.run(*words)
    assert ended.status == 0
    assert "only with --non-interactive" in ended.err
    assert not (document.directory / "my.log").exists()


@pytest.fixture
def example(folder: Folder) -> Folder:
    shutil.copy(REPOSITORY / "config.yaml", folder.directory)
    shutil.copytree(REPOSITORY / "tasks", folder.directory / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_repositorys_example_trains_validates_and_deploys(example: Folder) -> None:
    ended = example.run("--config-file", "config.yaml")
    assert ended.status == 0, ended.err
    assert (example.directory / "deployed" / "model.json").is_file()
    assert set(example.steps().values()) == {"succeeded"}
    shown = example.json("show")
    validation = next(each for each in shown["attempts"] if each["key"]["step"] == "validation")
    assert validation["metrics"]["accuracy"] >= 0.8
    digests = [output["digest"] for each in shown["attempts"] for output in each["outputs"]]
    assert len(digests) >= 4
    assert all(digests)


def test_the_repositorys_example_does_not_deploy_a_poor_model_and_says_why(example: Folder) -> None:
    ended = example.run("run", "--set", "epochs=1")
    assert ended.status == 0, ended.err
    assert not (example.directory / "deployed").exists()
    assert example.steps()["deployment"] == "skipped"
    reason = next(line for line in ended.err.splitlines() if "deployment" in line and "skipped" in line)
    assert "accuracy" in reason
    assert "deployment skipped" in ended.last_line


def test_several_pipelines_run_in_the_files_order(folder: Folder) -> None:
    folder.config("""
pipelines:
  second: {steps: [{name: a, command: echo from second}]}
  first: {steps: [{name: a, command: echo from first}]}
""")
    ended = folder.run()
    assert ended.status == 0, ended.err
    assert ended.out.split("\n") == ["from second", "from first", ""]
    only = folder.run("run", "first")
    assert only.out == "from first\n"
    wrong = folder.run("first")
    assert wrong.status == 2
    assert "did you mean `crude-link run first`" in wrong.err


def test_a_folder_below_belongs_to_the_project_above(folder: Folder) -> None:
    folder.config("steps: [{name: here, command: pwd}]\n")
    assert folder.run().status == 0
    below = folder.directory / "below"
    below.mkdir()
    ended = folder.run("run", cwd=below)
    assert ended.status == 0, ended.err
    assert ended.out == f"{folder.directory}\n"
    assert str(folder.directory) in ended.err
    assert not (below / ".crude-link").exists()
    assert len(folder.runs()) == 2
