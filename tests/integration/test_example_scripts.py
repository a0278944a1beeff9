"""The scripts of the example, run by hand as a person would run them before there is a pipeline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

TASKS = Path(__file__).parents[2] / "tasks"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with nothing but the scripts."""
    shutil.copytree(TASKS, tmp_path / "tasks", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(project: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, f"tasks/{script}.py", *arguments]
    return subprocess.run(argv, cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def succeed(project: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = run(project, script, *arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_with_the_arguments_of_the_document_the_four_scripts_make_a_model(project: Path) -> None:
    prepared = succeed(project, "preproccess", "--input_file=data/dummy.data", "--nr_images=500", "--filters=True")
    assert "making 500 images" in prepared.stdout
    trained = succeed(project, "train")
    assert "epoch 60/60" in trained.stderr
    assert "\r" not in trained.stderr
    assert "%" in succeed(project, "validate", "--input_file=data/dummy.data").stdout
    succeed(project, "deploy")

    metrics = json.loads((project / "models" / "metrics.json").read_text())
    assert metrics["images"] == 100
    assert 0.8 <= metrics["accuracy"] <= 1
    assert metrics["loss"] > 0
    assert (project / "deployed" / "model.json").read_bytes() == (project / "models" / "model.json").read_bytes()
    assert sorted(file.name for file in (project / "deployed").iterdir()) == ["model.json"]


def test_without_arguments_they_work_too_and_twice_gives_the_same(project: Path) -> None:
    def once() -> bytes:
        succeed(project, "preproccess")
        succeed(project, "train", "--epochs=2")
        succeed(project, "validate")
        succeed(project, "deploy")
        return (project / "deployed" / "model.json").read_bytes()

    first = once()
    raw = (project / "data" / "dummy.data").read_bytes()
    assert once() == first
    assert (project / "data" / "dummy.data").read_bytes() == raw


def test_arguments_matter(project: Path) -> None:
    succeed(
        project, "preproccess", "--input_file=a/raw", "--nr_images=50", "--filters=False", "--output_file=b/ready"
    )
    data = json.loads((project / "b" / "ready").read_text())
    assert (data["filters"], data["nr_images"], len(data["images"])) == (False, 50, 40)
    assert "has only 50 images" in succeed(project, "preproccess", "--input_file=a/raw", "--nr_images=60").stdout


@pytest.mark.parametrize("script", ["train", "validate", "deploy"])
def test_what_is_missing_is_said_in_words(project: Path, script: str) -> None:
    failed = run(project, script)
    assert failed.returncode == 1
    assert "is not there: run" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_file_that_holds_no_images_is_named_with_its_line(project: Path) -> None:
    (project / "raw").write_text("circle 012\n")
    failed = run(project, "preproccess", "--input_file=raw")
    assert failed.returncode == 1
    assert "raw:1: this is no image" in failed.stderr


def test_on_a_terminal_the_training_shows_a_bar(project: Path) -> None:
    succeed(project, "preproccess", "--nr_images=20")
    argv = ["tasks/train.py", "--epochs=3"]
    child = pexpect.spawn(sys.executable, argv, cwd=str(project), encoding="utf-8", timeout=60, env=os.environ)
    child.expect("\r█+░+ epoch 1/3  loss [0-9.]+\r█+░+ epoch 2/3")
    child.expect("\r█{30} epoch 3/3  loss [0-9.]+\r\n")
    child.expect(pexpect.EOF)
