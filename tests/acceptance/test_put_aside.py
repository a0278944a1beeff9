"""Quarantine: what tasks failed with again and again is put aside, and stays there."""

from __future__ import annotations

from collections import Counter

from acceptance.starting import Folder, wait_until


def ran(folder: Folder) -> Counter[str]:
    return Counter(line.split()[0] for line in folder.read("ran").splitlines())


def test_a_resume_does_without_what_was_put_aside_unless_nothing_is_left(folder: Folder) -> None:
    folder.write("proxies.txt", "p1\np2\np3\n")
    folder.config("""
resources: {PROXY: {lines: proxies.txt, quarantine: 2}}
steps:
  - name: many
    command: "echo $WORKER_RESOURCE_PROXY {item} >> ran; sleep 0.02; [ $WORKER_RESOURCE_PROXY != p2 ] && [ ! -e bad ]"
    foreach: {range: 200}
    retries: 5
    resources: {PROXY: per slot}
""")
    begun = folder.start("run", "--no-prompt")
    wait_until(lambda: "p2 of PROXY is put aside" in folder.read("err"), "p2 is put aside")
    begun.kill()
    begun.wait()
    folder.wait_for_nobody()
    before = ran(folder)
    folder.write("bad", "")
    ended = folder.run("resume", "--no-prompt")
    assert (ended.status, "given up: too much of PROXY was put aside" in ended.err) == (1, True)
    (folder.directory / "bad").unlink()
    after = ran(folder)
    assert after["p2"] == before["p2"]
    assert folder.run("resume", "--no-prompt").status == 0
    assert ran(folder)["p2"] > after["p2"]
    assert folder.json("show", "1")["tasks"]["many"]["figures"]["rate"] is None  # an attempt's end was not seen
