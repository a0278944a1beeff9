"""Fan-outs over the files of a store, as users start them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from acceptance.starting import Folder
from store_servers import Server, s3_client, s3_server

CONFIG = """
secrets: [STORE_KEY]
storage:
  s3: {endpoint: "ENDPOINT", access_key_id: key, secret_access_key: "${secrets.STORE_KEY}", region: us-east-1}
steps:
  - name: segment
    foreach: {glob: "s3://team/PROJECT/**/*.tif", once: true}
    parallel: 1
    command: echo {item} >> seen; test ! -e broken
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as made:
        yield made


class Scans:
    """A folder of a bucket, and a pipeline that goes through it."""

    def __init__(self, folder: Folder, server: Server) -> None:
        self.folder = folder
        self.prefix = folder.directory.parent.name
        self.env = {"STORE_KEY": "not-for-any-log"}
        self._client = s3_client(server.endpoint)
        folder.config(CONFIG.replace("ENDPOINT", server.endpoint).replace("PROJECT", self.prefix))

    def put(self, *names: str) -> None:
        for name in names:
            self._client.put_object(Bucket="team", Key=f"{self.prefix}/{name}", Body=b"x")

    def there(self, name: str) -> list[str]:
        found = self._client.list_objects_v2(Bucket="team", Prefix=f"{self.prefix}/{name}/")
        return [each["Key"].rpartition("/")[2] for each in found["Contents"]]

    def seen(self) -> list[str]:
        return [line.removeprefix(f"s3://team/{self.prefix}/") for line in self.folder.read("seen").splitlines()]


@pytest.fixture
def scans(folder: Folder, server: Server) -> Scans:
    return Scans(folder, server)


def test_each_file_is_done_once_and_new_ones_next_time(scans: Scans) -> None:
    scans.put("b/a b#.tif", "a.tif", "a.png")
    assert scans.folder.run("run", env=scans.env).status == 0
    assert scans.seen() == ["a.tif", "b/a b#.tif"]
    scans.put("a0.tif", "c/é.tif")
    again = scans.folder.run("run", env=scans.env)
    assert scans.seen() == ["a.tif", "b/a b#.tif", "a0.tif", "c/é.tif"]
    assert "2 done by earlier runs" in again.err
    assert "nothing left to do: 4 done by earlier runs" in scans.folder.run("run", env=scans.env).err


def test_each_task_fetches_its_file_and_brings_what_it_made(scans: Scans) -> None:
    scans.put("a b#.tif", "sub/é%20.tif", "no.png")
    counting = "command: wc -c < work/{index}/{name} > out/{index}.txt"
    text = scans.folder.read("config.yaml").replace("command: echo {item} >> seen", counting)
    transfers = (
        "    download: {from: '{item}', to: 'work/{index}/{name}'}\n"
        f"    upload: {{from: 'out/{{index}}.txt', to: 's3://team/{scans.prefix}/sizes/{{stem}}.txt'}}\n"
    )
    scans.folder.config(text.replace("    parallel: 1\n", transfers))
    (scans.folder.directory / "out").mkdir()
    ended = scans.folder.run("run", "--no-prompt", env=scans.env)
    assert ended.status == 0, ended.err
    assert scans.there("sizes") == ["a b#.txt", "é%20.txt"]
    assert not list((scans.folder.directory / "work").rglob("*"))
    again = scans.folder.run("run", env=scans.env)
    assert "nothing left to do: 2 done by earlier runs" in again.err


def test_resume_goes_on_with_what_is_there_then(scans: Scans) -> None:
    scans.put("b.tif", "c.tif")
    (scans.folder.directory / "broken").touch()
    assert scans.folder.run("run", "--no-prompt", env=scans.env).status == 1
    (scans.folder.directory / "broken").unlink()
    scans.put("a.tif")
    assert scans.folder.run("resume", "--no-prompt", env=scans.env).status == 0
    assert scans.seen() == ["b.tif", "c.tif", "a.tif", "b.tif", "c.tif"]


def test_a_look_at_a_plan_lists_no_store(scans: Scans, server: Server) -> None:
    scans.folder.config(scans.folder.read("config.yaml").replace(server.endpoint, "http://127.0.0.1:1"))
    plan = scans.folder.run("plan", env=scans.env)
    assert plan.status == 0
    assert f"for each file of s3://team/{scans.prefix}/**/*.tif" in plan.out


def test_a_bucket_that_is_not_there_is_told_before_anything_runs(scans: Scans) -> None:
    text = scans.folder.read("config.yaml").replace("s3://team/", "s3://nobody/")
    scans.folder.config(text)
    refused = scans.folder.run("run", env=scans.env)
    assert refused.status == 2
    assert "segment: there is no bucket s3://nobody" in refused.err
    assert not scans.folder.runs()


def test_a_bucket_that_is_gone_meanwhile_fails_the_step_in_one_sentence(scans: Scans) -> None:
    text = scans.folder.read("config.yaml").replace(f"s3://team/{scans.prefix}", "${steps.find.stdout}")
    text = text.replace("steps:", "steps:\n  - {name: find, command: echo s3://nobody/x}")
    scans.folder.config(text)
    failed = scans.folder.run("run", "--no-prompt", env=scans.env)
    assert failed.status == 1
    assert "its inputs cannot be listed: there is no bucket s3://nobody (looked for s3://nobody/x)" in failed.err


def test_other_steps_go_on_while_inputs_are_found(folder: Folder) -> None:
    folder.config(
        "steps:\n"
        "  - name: each\n"
        "    foreach: {command: 'until [ -e go ]; do sleep 0.01; done; seq 3'}\n"
        "    command: echo {item}\n"
        "  - {name: other, needs: [], command: touch go}\n"
    )
    assert folder.run("run").status == 0
    assert "3 tasks done" in folder.run("show").out


@pytest.mark.parametrize(
    ("glob", "told"),
    [
        ("['s3://team/*', 'scans/*']", "names URLs and paths; keep one kind, or write the paths as file:///FOLDER/*"),
        ("https://example.org/*.tif", "cannot list a web server"),
        ("gs://*/x.tif", "finds files in a bucket, not buckets: write gs://BUCKET/..."),
    ],
)
def test_what_cannot_be_listed_is_refused_with_its_place(folder: Folder, glob: str, told: str) -> None:
    folder.config(f"steps:\n  - name: each\n    foreach: {{glob: {glob}}}\n    command: echo {{item}}\n")
    refused = folder.run("validate")
    assert refused.status == 2
    assert "config.yaml:3:" in refused.err
    assert told in refused.err
