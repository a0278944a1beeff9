"""Transfers over bad lines and to bad disks: a proxy between the program and a real store, a small tmpfs, kill -9."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from fault_proxy import Fault, FaultProxy, fault_proxy
from transfer_orders import Transfers

FILES = {f"{number:02}": f"content {number}".encode() * 50 for number in range(30)}
LARGE = bytes(range(256)) * 70_000
PASSING = [Fault.BUSY, Fault.CUT, Fault.CLOSED, Fault.SLOW]


@pytest.fixture
def proxy(transfers: Transfers) -> Iterator[FaultProxy]:
    with fault_proxy(transfers.server.endpoint) as proxy:
        yield proxy


@pytest.fixture
def behind(transfers: Transfers, proxy: FaultProxy) -> Transfers:
    return replace(transfers, endpoint=proxy.endpoint)


def is_object(line: str) -> bool:
    """True for a request for one object; listings are for the bucket."""
    return "list-type" not in line


def now_and_then(fault: Fault) -> Callable[[str, int], Fault]:
    return lambda line, number: fault if number % 4 == 1 else Fault.NONE


@pytest.mark.parametrize("fault", PASSING)
def test_a_download_over_a_bad_line_is_whole(behind: Transfers, proxy: FaultProxy, fault: Fault) -> None:
    for name, content in FILES.items():
        behind.put(name, content)
    behind.put("large", LARGE)
    proxy.choose = now_and_then(fault)
    ended = behind.download()
    assert ended.status == 0, ended.stderr
    assert behind.here() == {**FILES, "large": LARGE}


@pytest.mark.parametrize("fault", PASSING)
def test_an_upload_over_a_bad_line_is_whole(behind: Transfers, proxy: FaultProxy, fault: Fault) -> None:
    for name, content in FILES.items():
        behind.write(f"out/{name}", content)
    behind.write("out/large", LARGE)
    proxy.choose = now_and_then(fault)
    ended = behind.upload()
    assert ended.status == 0, ended.stderr
    assert behind.there() == {**FILES, "large": LARGE}


def test_a_byte_that_is_wrong_is_found_by_the_checksum(behind: Transfers, proxy: FaultProxy) -> None:
    behind.put("a", b"a" * 1000)
    broken = iter([Fault.WRONG])
    proxy.choose = lambda line, number: next(broken, Fault.NONE) if is_object(line) else Fault.NONE
    ended = behind.download()
    assert ended.status == 0
    assert "trying again: a: its checksum is" in ended.stdout
    assert behind.here() == {"a": b"a" * 1000}


def test_an_etag_that_never_is_the_checksum_is_believed_to_be_none(behind: Transfers, proxy: FaultProxy) -> None:
    for name in "ab":
        behind.put(name, b"a" * 1000)
    # The content is always another than what the etag says, as where the store encrypts with keys of its own.
    proxy.choose = lambda line, number: Fault.WRONG if line.startswith("GET") and is_object(line) else Fault.NONE
    assert behind.download().status == 0
    assert len(behind.here()) == 2


def test_one_file_that_cannot_be_had_does_not_hold_up_the_others(behind: Transfers, proxy: FaultProxy) -> None:
    for name, content in FILES.items():
        behind.put(name, content)
    behind.put("sub/large", LARGE)
    proxy.choose = lambda line, number: Fault.GONE if "/07" in line else Fault.NONE
    ended = behind.do("download", remote=behind.url(), local="in")
    assert ended.status == 1
    assert "1 of 31 files could not be fetched:\n  07: " in ended.stderr
    assert len(behind.here()) == 30
    proxy.choose = lambda line, number: Fault.NONE
    assert behind.download().report["files"] == 1


def test_what_may_not_be_done_is_said_at_once(behind: Transfers, proxy: FaultProxy) -> None:
    behind.put("a", b"a")
    proxy.choose = lambda line, number: Fault.FORBIDDEN
    ended = behind.download()
    assert (ended.status, ended.report["word"]) == (4, "forbidden")
    assert "is forbidden to these credentials" in ended.stderr
    assert len(proxy.requests) == 2, "once for the folder, once for a file of that name"


# --- kill -9 ----------------------------------------------------------------------------------------------


def killed(process: subprocess.Popen[str], when: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not when():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()


def stuck_behind(proxy: FaultProxy, allowed: int) -> None:
    """Let so many objects pass; all others wait, so that the program is killed in their middle."""
    seen: list[str] = []

    def choose(line: str, number: int) -> Fault:
        if is_object(line) and line.startswith(("GET", "PUT")):
            seen.append(line)
            if len(seen) > allowed:
                time.sleep(30)
        return Fault.NONE

    proxy.choose = choose


def test_a_download_that_was_killed_goes_on_with_the_files_that_are_left(
    behind: Transfers, proxy: FaultProxy
) -> None:
    for name, content in FILES.items():
        behind.put(name, content)
    stuck_behind(proxy, 12)
    process = behind.start("download", remote=behind.url(), local="in")
    killed(process, lambda: sum(p.name in FILES for p in (behind.folder / "in").glob("*")) == 12)
    assert all(content == FILES[name] for name, content in behind.here().items() if name in FILES)
    proxy.choose = lambda line, number: Fault.NONE
    ended = behind.download()
    # What was on its way when it was killed may have arrived all the same.
    assert ended.report["kept"] >= 12
    assert ended.report["files"] == len(FILES) - ended.report["kept"]
    assert behind.here() == FILES


def test_an_upload_that_was_killed_goes_on_with_the_files_that_are_left(behind: Transfers, proxy: FaultProxy) -> None:
    for name, content in FILES.items():
        behind.write(f"out/{name}", content)
    stuck_behind(proxy, 12)
    process = behind.start("upload", remote=behind.url(), local="out")

    def noted() -> bool:
        return sum(path.read_text().count("mark") for path in (behind.folder / "notes").glob("*.jsonl")) == 12

    killed(process, noted)
    proxy.choose = lambda line, number: Fault.NONE
    ended = behind.upload()
    # What was on its way when it was killed may have arrived all the same.
    assert ended.report["kept"] >= 12
    assert ended.report["files"] == len(FILES) - ended.report["kept"]
    assert behind.there() == FILES


# --- disks ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB with room for a few files."""
    path = tmp_path / "in"
    path.mkdir()
    options = "size=1m,nr_inodes=12"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=False)
    if made.returncode:
        pytest.skip("this user cannot mount a tmpfs")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_what_does_not_fit_is_not_begun(transfers: Transfers, small_disk: Path) -> None:
    transfers.put("large", LARGE)
    ended = transfers.download()
    assert (ended.status, ended.report["word"]) == (1, "disk-full")
    assert "18 MB are to come to" in ended.stderr
    assert transfers.here() == {}


def test_a_disk_that_fills_ends_a_download_and_what_is_there_is_whole(transfers: Transfers, small_disk: Path) -> None:
    for name, content in FILES.items():
        transfers.put(name, content)
    ended = transfers.download()
    assert (ended.status, ended.report["word"]) == (1, "disk-full")
    assert "no room is left on the disk for" in ended.stderr
    assert all(FILES[name] == content for name, content in transfers.here().items() if name in FILES)


def test_a_disk_without_room_for_notes_is_said_in_words(transfers: Transfers, small_disk: Path) -> None:
    for name, content in FILES.items():
        transfers.put(name, content)
    with suppress(OSError), (small_disk / "fill").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    ended = transfers.download(local="elsewhere", notes=str(small_disk / "notes"))
    assert (ended.status, ended.report["word"]) == (1, "disk-full")
    assert "no room is left on the disk for" in ended.stderr
    assert "Traceback" not in ended.stderr
