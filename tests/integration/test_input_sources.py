"""Each source of inputs: what it yields, how it is known again, what is told when it is broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crude_link.config.scalars import value_of
from crude_link.errors import CannotStart
from crude_link.inputs.json_list import entries_of_json
from crude_link.inputs.opened import Inputs
from crude_link.inputs.source import Asked
from crude_link.inputs.table import SOURCES
from crude_link.model.foreach import SOURCES as NAMES
from crude_link.model.foreach import ForEach
from crude_link.model.value import Plain


class Project:
    """A folder, a command that prints what it is told, and a step that has printed some lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, source: str, value: Any, **more: Any) -> Inputs:
        foreach = ForEach(source=source, value=value, **more)
        asked = Asked(
            value=value,
            project=self.folder,
            file=lambda name: self.folder / name,
            run_command=self._run,
            step_lines=self._lines,
            scratch=self.folder / "scratch",
            list_stores=self._list,
        )
        return Inputs(foreach, asked)

    def items(self, source: str, value: Any, **more: Any) -> list[Plain]:
        return [one.item for one in self.open(source, value, **more).stream()]

    def refusal(self, source: str, value: Any) -> str:
        with pytest.raises(CannotStart) as caught:
            self.items(source, value)
        return str(caught.value)

    def write(self, name: str, text: str | bytes) -> str:
        (self.folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    def _run(self, command: str | Sequence[str], out: Path) -> None:
        out.write_text(command if isinstance(command, str) else "\n".join(command))

    def _list(self, patterns: Sequence[str], out: Path) -> None:
        out.write_text("".join(f"{json.dumps(pattern)}\n" for pattern in patterns))

    def _lines(self, step: str) -> tuple[str, Iterable[bytes]]:
        return f"1/{step}/1/1", [b"a", b"", b"b\xff"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_every_source_of_a_config_is_in_the_table() -> None:
    assert set(SOURCES) == set(NAMES)


def test_inputs_are_numbered_from_one(project: Project) -> None:
    assert list(project.open("items", ["a", 2]).stream()) == [(1, "a"), (2, 2)]


@pytest.mark.parametrize(
    ("said", "expected"), [(3, [0, 1, 2]), ([2, 4], [2, 3]), ([5, 0, -2], [5, 3, 1]), ([1], [0]), (0, [])]
)
def test_a_range_counts_as_pythons(project: Project, said: Any, expected: list[int]) -> None:
    assert project.items("range", said) == expected


def test_a_matrix_gives_every_combination(project: Project) -> None:
    found = project.items("matrix", {"lr": [0.1, 0.2], "seed": [1, 2]})
    assert found == [{"lr": lr, "seed": seed} for lr in (0.1, 0.2) for seed in (1, 2)]


def test_lines_are_text_without_the_blank_ones(project: Project) -> None:
    name = project.write("in.txt", b"\xef\xbb\xbfa\r\n\n  \n b c \n\xff\xfe\nlast")
    assert project.items("lines", name) == ["a", " b c ", "\udcff\udcfe", "last"]


def test_a_file_is_read_as_its_inputs_are_wanted(project: Project) -> None:
    inputs = project.open("lines", project.write("in.txt", "12345678\n" * 100_000))
    assert inputs.share_read() == 0
    assert len(list(islice(inputs.stream(), 1000))) == 1000
    assert inputs.share_read() == pytest.approx(0.01)


@pytest.mark.parametrize("source", ["lines", "csv", "jsonl", "task_file"])
def test_a_file_that_is_not_there_or_a_directory_is_told(project: Project, source: str) -> None:
    (project.folder / "d").mkdir()
    assert "'gone' cannot be read: No such file" in project.refusal(source, "gone")
    assert "write `glob: 'd/*'`" in project.refusal(source, "d")


def test_a_file_is_known_by_its_size_and_times(project: Project) -> None:
    name = project.write("in.txt", "a\n")
    before = project.open("lines", name).state
    assert project.open("lines", name).state == before
    project.write("in.txt", "a\nb\n")
    assert project.open("lines", name).state != before


def test_only_the_first_ones_are_taken_of_a_limited_source(project: Project) -> None:
    inputs = project.open("range", 1000, limit=4)
    stream = inputs.stream()
    assert [next(stream).item, next(stream).item] == [0, 1]
    assert inputs.share_read() == 0.5
    assert [one.item for one in stream] == [2, 3]


def test_equal_inputs_are_separate_unless_they_are_deduped(project: Project) -> None:
    name = project.write("in.txt", "a\nb\na\n")
    assert project.items("lines", name) == ["a", "b", "a"]
    deduped = project.open("lines", name, options={"dedupe": True})
    assert [tuple(one) for one in deduped.stream()] == [(1, "a"), (2, "b")]
    assert deduped.state != project.open("lines", name).state


def test_the_digest_is_of_the_key_field_where_there_is_one(project: Project) -> None:
    inputs = project.open("items", [], key="id")
    assert inputs.digest({"id": 1, "b": 2}) == inputs.digest({"b": 3, "id": 1})
    assert inputs.digest({"id": 1}) != inputs.digest({"id": 2})
    assert inputs.digest({"a": 1, "b": 2}) == inputs.digest({"b": 2, "a": 1}) != inputs.digest({"a": 1})
    assert inputs.digest("1") != inputs.digest(1)
    others: list[Plain] = ["a", "\udcff", "\ud800", None, 1.5, [1], {}]
    assert all(len(inputs.digest(item)) == 16 for item in others)


def test_rows_of_a_csv_have_the_names_of_its_header(project: Project) -> None:
    name = project.write("in.csv", '\ufeffid,text\r\n1,"a, ""b""\nc"\r\n\r\n2,\r\n')
    assert project.items("csv", name) == [{"id": "1", "text": 'a, "b"\nc'}, {"id": "2", "text": ""}]
    assert project.items("csv", project.write("in.tsv", "a\tb\n1\t2,3\n")) == [{"a": "1", "b": "2,3"}]
    assert project.items("csv", project.write("empty.csv", "")) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n1\n", "in.csv:3: this row has 1 fields, but the header 2"),
        ("a,a\n", "in.csv:1: the header has two fields of the name 'a'"),
        ("a,,b\n", "in.csv:1: a field has no name"),
        ("a\n" + "x" * 200_000, "in.csv:2: this is no CSV: field larger"),
    ],
)
def test_a_broken_csv_is_told_with_its_line(project: Project, text: str, told: str) -> None:
    assert told in project.refusal("csv", project.write("in.csv", text))


def test_json_lines_keep_their_types(project: Project) -> None:
    name = project.write("in.jsonl", b'1\n\n"a"\n{"b": [null, 1.5]}\n"\xff"\n')
    assert project.items("jsonl", name) == [1, "a", {"b": [None, 1.5]}, "\udcff"]
    told = project.refusal("jsonl", project.write("bad.jsonl", "1\n{a: 1}\n"))
    assert told.startswith("bad.jsonl:2: this line is no JSON")


def test_paths_come_in_order_and_from_all_depths(project: Project) -> None:
    for name in ("b.png", "a.png", "c/d.png", "c/e.txt", ".hidden.png"):
        (project.folder / name).parent.mkdir(exist_ok=True)
        project.write(name, "")
    assert project.items("glob", "*.png") == ["a.png", "b.png"]
    assert project.items("glob", "**/*.png") == ["a.png", "b.png", "c/d.png"]
    assert project.items("glob", ["*.png", "a*", "c/*.txt"]) == ["a.png", "b.png", "c/e.txt"]
    assert project.items("glob", f"{project.folder}/a*") == [f"{project.folder}/a.png"]
    before = project.open("glob", "*.png").state
    project.write("z.png", "")
    assert project.open("glob", "*.png").state != before


def test_patterns_of_urls_are_for_files_of_stores(project: Project) -> None:
    urls = ["gs://team/**/*.tif", "file:///share/*"]
    assert project.items("glob", urls) == urls
    inputs = project.open("glob", urls[0])
    (project.folder / "scratch").unlink()
    assert [one.item for one in inputs.stream(1)] == []
    assert inputs.share_read() == 1
    assert inputs.state != project.open("glob", urls[1]).state


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (["gs://team/*", "scans/*"], "names URLs and paths; keep one kind"),
        ("https://example.org/*", "cannot list a web server"),
        ("s3://te*m/x", "finds files in a bucket, not buckets"),
    ],
)
def test_patterns_that_no_store_can_list_are_refused(project: Project, pattern: object, told: str) -> None:
    assert told in project.refusal("glob", pattern)


def test_a_command_gives_its_lines_and_is_known_by_them(project: Project) -> None:
    assert project.items("command", "a\n\nb") == ["a", "b"]
    assert project.items("command", ["a", "b"]) == ["a", "b"]
    same = [project.open("command", text).state for text in ("a\nb", "a\nb", "b\na")]
    assert same[0] == same[1] != same[2]


def test_the_output_of_a_command_can_be_read_when_its_file_is_removed(project: Project) -> None:
    inputs = project.open("command", "a\nb")
    (project.folder / "scratch").unlink()
    assert [one.item for one in inputs.stream()] == ["a", "b"]
    assert inputs.share_read() == 1


def test_a_step_gives_the_lines_of_its_output(project: Project) -> None:
    inputs = project.open("step", "first")
    assert [one.item for one in inputs.stream()] == ["a", "b\udcff"]
    assert inputs.state == "step 1/first/1/1"


TASKS: list[dict[str, Any]] = [{"task_id": "a", "data": {"x": 1e-4, "y": [True, None]}}, {"task_id": 2, "data": {}}]
YAML = """\
# made by hand
---
- task_id: a
  data: {x: 1e-4, y: [true, null]}
- task_id: 2
  data: {}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.json", json.dumps(TASKS)),
        ("t.json", "\ufeff" + json.dumps(TASKS, indent=2)),
        ("t.yaml", YAML),
        ("t", json.dumps(TASKS)),
        ("t", YAML),
        ("t.yml", json.dumps(TASKS)),
    ],
)
def test_a_task_file_gives_its_tasks(project: Project, name: str, text: str) -> None:
    assert project.items("task_file", project.write(name, text)) == TASKS
    inputs = project.open("task_file", name)
    assert inputs.digest(TASKS[0]) == inputs.digest({"task_id": "a"})


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.json", '[{"task_id": 1}, {"task_id": 1}]', "task 2 has the `task_id` 1, as task 1 has"),
        ("t.json", '[{"data": 1}]', "task 1 has no `task_id`"),
        ("t.json", "[3]", "task 1 is no mapping"),
        ("t.json", '{"a": 1}', "it is no JSON list"),
        ("t.json", '[{"task_id": 1}', "behind entry 1 a comma or `]` is missing"),
        ("t.json", '[{"task_id": 1} {"task_id": 2}]', "behind entry 1 a comma"),
        ("t.json", '[{"task_id": 1}] x', "behind the list there is more"),
        ("t.json", "[{x]", "entry 1 is no JSON"),
        ("t.json", "[" * 100_000, "entry 1 is no JSON"),
        ("t.yaml", "- task_id: 1\n- task_id: [\n", "it is no YAML"),
        ("t.yaml", "task_id: 1\n", "it is no list"),
        ("t.yaml", "- task_id: 1\n---\n- task_id: 2\n", "a second document"),
        ("t.yaml", "- task_id: !!python/object/apply:os.system [ls]\n", "it is no YAML"),
        ("t.yaml", "- &a {task_id: 1}\n- *a\n", "it is no YAML"),
    ],
)
def test_a_broken_task_file_is_told(project: Project, name: str, text: str, told: str) -> None:
    assert told in project.refusal("task_file", project.write(name, text))


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "[]"])
def test_an_empty_task_file_has_no_tasks(project: Project, text: str) -> None:
    assert project.items("task_file", project.write("t.yaml", text)) == []


@pytest.mark.parametrize(
    "word", ["1e-4", "1", "1.5", ".5", "yes", "true", "null", "2026-01-01", "0x10", "~", "1_000", "-.inf"]
)
def test_a_word_of_a_task_file_means_what_it_means_in_a_config(project: Project, word: str) -> None:
    (task,) = project.items("task_file", project.write("t.yaml", f"- {{task_id: a, data: {word}}}\n"))
    assert isinstance(task, dict)
    assert task["data"] == value_of(word)
    assert type(task["data"]) is type(value_of(word))


def test_a_large_task_file_is_never_in_memory(project: Project) -> None:
    with (project.folder / "t.json").open("w") as file:
        file.write("[" + ",".join(f'{{"task_id": {n}, "data": "{"x" * 100}"}}' for n in range(20_000)) + "]")
    inputs = project.open("task_file", "t.json")
    assert len(list(islice(inputs.stream(), 100))) == 100
    share = inputs.share_read()
    assert share is not None
    assert share < 0.1


class Pieces:
    """A file that gives few bytes at a time."""

    def __init__(self, data: bytes, sizes: Iterator[int]) -> None:
        self._data = data
        self._sizes = sizes

    def read(self, _size: int = -1, /) -> bytes:
        size = next(self._sizes)
        found, self._data = self._data[:size], self._data[size:]
        return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda child: st.lists(child) | st.dictionaries(st.text(), child),
    max_leaves=6,
)


@given(st.lists(JSON, max_size=5), st.integers(1, 9), st.sampled_from([None, 1]), st.booleans())
def test_a_json_list_reads_the_same_in_any_pieces(
    values: list[Any], size: int, indent: int | None, is_ascii: bool
) -> None:
    def sizes() -> Iterator[int]:
        while True:
            yield size

    dumped: Callable[..., str] = json.dumps
    data = dumped(values, indent=indent, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    assert list(entries_of_json(Pieces(data, sizes()))) == json.loads(data.decode("utf-8", "surrogateescape"))


@given(
    lines=st.lists(st.text(alphabet="ab \t\x1c\xa0\ufeff\u2003é", max_size=4), max_size=12),
    skip=st.integers(0, 12),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_are_skipped_as_they_are_counted(project: Project, lines: list[str], skip: int) -> None:
    (project.folder / "some").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    everything = list(project.open("lines", "some").stream())
    assert list(project.open("lines", "some").stream(skip)) == everything[skip:]
