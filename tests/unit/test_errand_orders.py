"""What a task is told of its transfers: its places, which folder is its own, and what leads out of what is fixed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crude_link.errors import CannotStart
from crude_link.model.foreach import ForEach
from crude_link.model.pipeline import Command, Step
from crude_link.model.transfer import TaskTransfer, Transfer, TransferKind
from crude_link.model.value import Placeholder, Plain, Reference, Template, Text
from crude_link.steps.errands import ErrandMeans, Errands
from crude_link.steps.item_values import Turn
from crude_link.steps.places import Places

ITEM, INDEX, NAME, STEM = (Placeholder(word) for word in ("item", "index", "name", "stem"))


def text(*parts: str | Reference) -> Template:
    return Template(parts)


def errands(*transfers: Transfer) -> Errands:
    step = Step(
        name="s",
        action=Command(text="true"),
        foreach=ForEach(source="lines", value="x"),
        transfers=tuple(TaskTransfer(transfer=each) for each in transfers),
    )
    look_up = {"${run.dir}": "/runs/7/files", "${secrets.KEY}": "secret"}
    means = ErrandMeans(
        look_up=lambda reference: look_up[str(reference)],
        places=Places(project=Path("/project")),
        notes=Path("/notes"),
        locks=Path("/locks"),
    )
    return Errands(step, means)


def legs(item: Plain, *transfers: Transfer) -> list[dict[str, Any]]:
    """Return what task 17 is told."""
    order = json.loads(errands(*transfers).argv(item, Turn(17))[3])
    assert (order["task"], order["notes"]) == (17, "/notes")
    found: list[dict[str, Any]] = order["legs"]
    return found


def download(to: Text, remote: Text = "far") -> Transfer:
    return Transfer(kind=TransferKind.DOWNLOAD, remote=remote, local=(to,))


@pytest.mark.parametrize(
    ("to", "local", "own", "is_claimed"),
    [
        (text("work/", INDEX, "/", NAME), "work/17/b.tif", "work/17", False),
        (
            text("work/", Placeholder("item"), "/", INDEX, "-x/in/"),
            "work/gs:/a/b.tif/17-x/in/",
            "work/gs:/a/b.tif/17-x",
            False,
        ),
        (text("work/", STEM, "/", NAME, "/in"), "work/b/b.tif/in", "work/b/b.tif", True),
        (text("work/", STEM, "-1.tif"), "work/b-1.tif", "work/b-1.tif", True),
        (text("work/", Placeholder("parent"), "/", INDEX), "work/gs:/a/17", "work/gs:/a/17", False),
        (text(Reference("run.dir"), "/", INDEX), "/runs/7/files/17", "/runs/7/files/17", False),
        (text("../scratch/", INDEX, "/x"), "/scratch/17/x", "/scratch/17", False),
    ],
)
def test_a_place_is_the_tasks_own_from_what_is_its_alone(to: Text, local: str, own: str, is_claimed: bool) -> None:
    (leg,) = legs("gs://a/b.tif", download(to))
    base = "" if local.startswith("/") else "/project/"
    assert (leg["order"]["local"], leg["own"], leg["claim"]) == (base + local, base + own, is_claimed)


@pytest.mark.parametrize("item", ["..", "../x", "a/../../x", "", "."])
def test_what_an_input_puts_in_leads_nowhere_else(item: str) -> None:
    with pytest.raises(CannotStart, match="may not lead out of /project/work/"):
        legs(item, download(text("work/", ITEM)))


def test_parts_of_urls_are_as_they_are() -> None:
    item = "gs://team/a b/ü#%20.v2.tif"
    parts = text(ITEM, "|", Placeholder("parent"), "|", NAME, "|", STEM, "|", Placeholder("suffix"))
    (leg,) = legs(item, download(text("work/", INDEX), text("s3://b/", *parts.parts)))
    assert leg["order"]["remote"] == f"s3://b/{item}|gs://team/a b|ü#%20.v2.tif|ü#%20.v2|.tif"


def test_a_far_path_starts_at_the_project() -> None:
    (leg,) = legs("in/a", download(text("work/", INDEX), text(ITEM, "/")))
    assert leg["order"]["remote"] == "/project/in/a/"


def test_stores_are_told_of_in_the_environment_with_the_libraries_of_the_first_input() -> None:
    storage = {"s3": {"secret_access_key": Template((Reference("secrets.KEY"),))}}
    there = Transfer(kind=TransferKind.UPLOAD, remote=text("s3://b/", STEM), local=(text(INDEX),), storage=storage)
    made = errands(replace(download(text(INDEX, "/in"), text(ITEM)), storage=storage), there)
    env = made.env("gs://a/b")
    assert json.loads(env["CRUDE_LINK_STORAGE"]) == {"s3": {"secret_access_key": "secret"}}
    assert sorted(json.loads(env["CRUDE_LINK_TRANSFERS"])["schemes"]) == ["gs", "s3"]
    assert json.loads(made.env(None)["CRUDE_LINK_TRANSFERS"])["schemes"] == ["s3"]
    assert "secret" not in " ".join(made.argv("gs://a/b", Turn(1)))
