"""What a transfer decides to do, from what is known on both sides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crude_link.storage.compare import (
    Here,
    Only,
    Standing,
    Wanted,
    made_by_this_run,
    plan_download,
    standing,
    without_markers,
)
from crude_link.storage.local import LocalFile
from crude_link.storage.names import PARTS
from crude_link.storage.notes import Note
from crude_link.storage.remote import Entry, Written

MD5 = "0cc175b9c0f1b6a831c399e269772661"
FILE = LocalFile(size=1, mtime_ns=100, inode=7)
NAMES = st.sampled_from(["a", "b", "sub/c", "sub/d", "é#%", ".h"])
ENTRIES = st.builds(
    Entry, name=NAMES, size=st.integers(0, 2), etag=st.sampled_from([None, "v1", "v2", MD5, MD5 + "-2"])
)
FILES = st.dictionaries(
    NAMES, st.builds(LocalFile, size=st.integers(0, 2), mtime_ns=st.sampled_from([100, 200]), inode=st.just(1))
)
NOTES = st.lists(
    st.builds(
        Note,
        name=NAMES,
        mark=st.sampled_from(["v1", "v2", MD5]),
        size=st.integers(0, 2),
        mtime_ns=st.sampled_from([100, 200]),
        md5=st.sampled_from([None, MD5]),
    )
).map(lambda notes: {note.name: note for note in notes})
HERE = st.builds(Here, files=FILES, notes=NOTES)
WANTED = st.builds(Wanted, only=st.sampled_from(Only), delete=st.booleans(), had=st.just(frozenset({("a", "v1")})))


def names(entries: object) -> list[str]:
    assert isinstance(entries, (list, tuple))
    return [entry.name for entry in entries]


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.name), HERE, WANTED)
def test_each_wanted_file_is_dealt_with_once(entries: list[Entry], here: Here, wanted: Wanted) -> None:
    plan = plan_download(entries, here, wanted)
    meant = [e for e in entries if wanted.only is not Only.NEW or (e.name, e.mark) not in wanted.had]
    assert sorted(names([*plan.fetch, *plan.look, *plan.keep])) == sorted(names(meant))
    assert plan.wanted == len(meant)


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.name), HERE, WANTED)
def test_what_is_removed_was_brought_and_is_not_wanted(entries: list[Entry], here: Here, wanted: Wanted) -> None:
    plan = plan_download(entries, here, wanted)
    assert all(name in here.notes and name in here.files for name in plan.remove)
    assert not set(plan.remove) & {entry.name for entry in [*plan.fetch, *plan.look, *plan.keep]}
    if wanted.only is not Only.NEW:
        assert all(here.notes[name].is_unchanged(here.files[name]) for name in plan.remove)
        assert wanted.delete or not plan.remove


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.name), HERE)
def test_what_is_kept_is_as_it_was_when_it_was_fetched(entries: list[Entry], here: Here) -> None:
    for entry in plan_download(entries, here, Wanted()).keep:
        note, file = here.notes[entry.name], here.files[entry.name]
        assert note.mark == entry.mark
        assert note.is_unchanged(file)
        assert file.size == entry.size


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.name), HERE)
def test_with_new_the_folder_holds_what_is_wanted_or_there_is_a_problem(entries: list[Entry], here: Here) -> None:
    plan = plan_download(entries, here, Wanted(only=Only.NEW))
    after = (set(here.files) - set(plan.remove)) | {entry.name for entry in entries}
    strange = {name for name in after - {entry.name for entry in entries} if not name.startswith(".")}
    assert bool(strange) == bool(plan.problems)


def test_a_size_or_an_etag_tells_at_once_and_otherwise_the_content_does() -> None:
    note = Note(name="a", mark="v1", size=1, mtime_ns=100, md5=MD5)
    plain = Entry(name="a", size=1, etag="v1")
    assert standing(plain, None, {}) is Standing.DIFFERENT
    assert standing(Entry(name="a", size=2, etag="v1"), FILE, {"a": note}) is Standing.DIFFERENT
    assert standing(plain, FILE, {"a": note}) is Standing.EQUAL
    assert standing(plain, LocalFile(size=1, mtime_ns=999, inode=7), {"a": note}) is Standing.UNKNOWN
    assert standing(Entry(name="a", size=1, etag="v2"), FILE, {"a": note}) is Standing.DIFFERENT
    assert standing(Entry(name="a", size=1, etag=MD5), FILE, {}) is Standing.UNKNOWN
    assert standing(plain, FILE, {}) is Standing.DIFFERENT


def test_bad_names_are_problems_of_the_whole_plan() -> None:
    plan = plan_download([Entry(name="../x", size=1), Entry(name="ok", size=1)], Here(files={}, notes={}), Wanted())
    assert plan.problems == ["'../x': it would leave the local folder"]
    assert plan_download([Entry(name=f"{PARTS}/1", size=1)], Here(files={}, notes={}), Wanted()).problems


def test_what_was_changed_here_stays_though_it_disappeared_there() -> None:
    notes = {name: Note(name=name, mark="v", size=1, mtime_ns=100) for name in "ab"}
    files = {"a": FILE, "b": LocalFile(size=1, mtime_ns=200, inode=8)}
    plan = plan_download([], Here(files=files, notes=notes), Wanted(delete=True))
    assert plan.remove == ["a"]
    assert plan.remarks == ["'b' is in the store no longer, but was changed here, and stays"]


def test_only_what_is_not_as_it_was_is_this_runs() -> None:
    before = {"a": FILE, "b": FILE, "c": FILE}
    now = {"a": FILE, "b": LocalFile(size=1, mtime_ns=100, inode=8), "d": FILE}
    assert made_by_this_run(now, before) == ({"b": now["b"], "d": FILE}, 1)


def test_empty_objects_that_stand_for_folders_are_left_out() -> None:
    entries = [Entry(name=name, size=size) for name, size in (("", 0), ("a", 0), ("a/b", 1), ("c", 0), ("d", 1))]
    assert names(list(without_markers(entries))) == ["a/b", "c", "d"]


def test_an_etag_confirms_what_was_written_only_if_it_is_of_its_kind() -> None:
    written = {"size": 1, "md5": MD5, "md5_of_parts": f"{MD5}-1"}
    assert Written(**written, etag=MD5).is_confirmed is True  # type: ignore[arg-type]  # a mixed dict
    assert Written(**written, etag=f"{MD5}-1").is_confirmed is True  # type: ignore[arg-type]  # a mixed dict
    assert Written(**written, etag="f" * 32).is_confirmed is False  # type: ignore[arg-type]  # a mixed dict
    assert Written(**written, etag="0x8D").is_confirmed is None  # type: ignore[arg-type]  # a mixed dict
    assert Written(**written).is_confirmed is None  # type: ignore[arg-type]  # a mixed dict
