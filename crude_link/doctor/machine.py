"""What the machine gives: clock and zone, cores and memory, disk, store, limits, GPUs, git."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from crude_link.app import Desk, Loaded
from crude_link.clock import is_synchronised
from crude_link.doctor.report import Report
from crude_link.doctor.sight import Sight
from crude_link.errors import CannotStart
from crude_link.model.schedule import Schedule
from crude_link.model.words import moment_words, size_words
from crude_link.resources import machine
from crude_link.steps.preflight import FULL_DISK, NEARLY_FULL_DISK
from crude_link.store.health import Health, health

_LOOK_INTO_STORE = timedelta(seconds=0.3)
_GPU_TIME = timedelta(seconds=3)
#: A run that began later than now by more than this was recorded under another clock.
_CLOCK_SLACK = timedelta(minutes=1)
#: With fewer open files a fan-out of some dozens of slots does not fit.
_FEW_FILES = 256


def look_at_machine(desk: Desk, report: Report) -> None:
    """Add what does not depend on who looks."""
    report.fact("crude-link", f"Python {sys.version.split()[0]}  {sys.executable}")
    report.fact("project", str(desk.project.directory))
    cores = machine.cores()
    report.fact("cores, memory", f"{cores:g} cores, {size_words(machine.memory())}")
    report.fact("GPUs", _gpus(desk))
    report.fact("git", _git(desk))
    _disk(desk, report)
    _store(desk, report)
    _clock(desk, report)


def compare_sights(here: Sight, there: Sight, chosen: Sequence[Loaded], report: Report) -> None:
    """Add zone, locale and limits, as both have them."""
    zones = [_zone(sight.environment) for sight in (here, there)]
    report.compare("time zone", *zones)
    floating = [schedule for each in chosen for schedule in each.pipeline.schedules if _is_floating(schedule)]
    if zones[0] != zones[1] and floating:
        words = f"schedules without a `timezone` follow {zones[1]} for {there.name}, not {zones[0]} as in this shell"
        (report.problem if there.is_real else report.note)(words, "write `timezone` beside the schedule")
    locales = [_locale(sight.environment) for sight in (here, there)]
    report.compare("locale", *locales)
    if _is_utf8(locales[0]) and not _is_utf8(locales[1]):
        report.note(f"the locale for {there.name} is {locales[1]}: programs may write other characters there")
    if there.umask is not None and here.umask is not None:
        report.compare("umask", f"{here.umask:04o}", f"{there.umask:04o}")
    if there.open_files is not None:
        report.compare("open files", _limit(here.open_files), _limit(there.open_files))
    else:
        report.fact("open files", f"{_limit(here.open_files)} in this shell")
    if here.open_files is not None and 0 <= here.open_files < _FEW_FILES:
        report.note(f"only {here.open_files} files may be open at once", "ulimit -n 1024")


def _is_floating(schedule: Schedule) -> bool:
    """True when the zone of the machine says when it fires; to look for new files needs none."""
    return schedule.timezone is None and schedule.new_files is None


def _gpus(desk: Desk) -> str:
    from crude_link.programs import output_of
    from crude_link.resources.gpus import found_gpus

    def ask(words: Sequence[str]) -> str:
        return output_of(words, cwd=desk.project.directory, timeout=_GPU_TIME)

    try:
        found = found_gpus(desk.environment, ask)
    except CannotStart:
        return "none found"
    return f"{len(found)}: {', '.join(found)}"


def _git(desk: Desk) -> str:
    found = shutil.which("git", path=desk.environment.get("PATH"))
    folder = desk.project.directory
    has_repository = any((each / ".git").exists() for each in (folder, *folder.parents))
    return f"{found or 'not found'}; the project is {'' if has_repository else 'not '}in a repository"


def _disk(desk: Desk, report: Report) -> None:
    for name, path in (("project", desk.project.directory), ("store", desk.project.home)):
        place = next(each for each in (path, *path.parents) if each.exists())
        if name == "store" and place.stat().st_dev == desk.project.directory.stat().st_dev:
            continue
        usage = shutil.disk_usage(place)
        report.fact(f"disk of the {name}", f"{size_words(usage.free)} free of {size_words(usage.total)}")
        if usage.free < FULL_DISK:
            report.problem(f"the disk of {place} is full: {size_words(usage.free)} are left", "crude-link clean")
        elif usage.free < NEARLY_FULL_DISK:
            report.note(f"the disk of {place} is nearly full: {size_words(usage.free)} are left", "crude-link clean")


def _store(desk: Desk, report: Report) -> None:
    found = health(desk.project, _LOOK_INTO_STORE)
    kind = f" on {found.file_system}" if found.file_system else ""
    if found.exists:
        checked = "found in order" if found.is_checked else "too large to check whole in a moment"
        words = f"{desk.project.database}, version {found.version}, {size_words(found.size_bytes)}{kind}"
        report.fact("store", words if found.damage else f"{words}, {checked}")
    else:
        report.fact("store", f"none yet; it will be {desk.project.database}{kind}")
    _store_problems(desk, found, report)


def _store_problems(desk: Desk, found: Health, report: Report) -> None:
    if found.damage:
        report.problem(f"the store is not in order: {found.damage}")
    if found.version is not None and found.version > found.newest_version:
        report.problem(f"the store is of a newer crude-link (version {found.version})", "update crude-link")
    if not found.is_writable:
        report.problem(f"{desk.project.home} cannot be written", "see to its owner and permissions (`ls -ld`)")
    if found.is_on_network:
        report.problem(
            f"{desk.project.home} lies on a network file system, where SQLite loses data",
            "set CRUDE_LINK_HOME to a folder on a disk of this machine",
        )
    now = desk.clock.now()
    if found.newest_run is not None and found.newest_run > now + _CLOCK_SLACK:
        report.problem(
            f"the clock says {moment_words(now)}, and a run began at {moment_words(found.newest_run)}",
            "see to the machine's clock (`timedatectl`)",
        )


def _clock(desk: Desk, report: Report) -> None:
    kept = is_synchronised()
    words = {True: "kept right by the network", False: "kept right by nobody, as far as the kernel knows", None: ""}
    now = moment_words(desk.clock.now(), seconds=True)
    report.fact("clock", ", ".join(filter(None, (now, words[kept]))))
    if kept is False:
        report.note("nobody keeps this machine's clock right, as far as the kernel knows", "timedatectl set-ntp true")


def _zone(environment: Mapping[str, str]) -> str:
    said = environment.get("TZ")
    if said:
        return said.removeprefix(":")
    try:
        link = str(Path("/etc/localtime").readlink())
    except OSError:
        link = ""
    _, _, name = link.partition("zoneinfo/")
    return (
        name or "UTC" if link or not Path("/etc/localtime").exists() else datetime.now().astimezone().tzname() or ""
    )


def _locale(environment: Mapping[str, str]) -> str:
    return next((environment[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(name)), "C")


def _is_utf8(locale: str) -> bool:
    return locale.lower().replace("-", "").endswith("utf8")


def _limit(number: int | None) -> str:
    return "without limit" if number is None or number < 0 else str(number)


def processes_limit() -> str:
    """Return how many processes this user may have."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return _limit(soft)
