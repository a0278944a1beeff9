"""Words: how durations, sizes and signals are told to a person."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

#: Source: signal(7); those whose name alone says little to somebody who did not write the program.
_MEANINGS = {
    "SIGHUP": "hangup",
    "SIGINT": "interrupt",
    "SIGQUIT": "quit",
    "SIGILL": "illegal instruction",
    "SIGTRAP": "trace trap",
    "SIGABRT": "aborted",
    "SIGBUS": "bus error",
    "SIGFPE": "floating point exception",
    "SIGKILL": "killed",
    "SIGSEGV": "segmentation fault",
    "SIGPIPE": "broken pipe",
    "SIGALRM": "alarm clock",
    "SIGTERM": "terminated",
    "SIGXCPU": "CPU time limit exceeded",
    "SIGXFSZ": "file size limit exceeded",
    "SIGSYS": "bad system call",
}


def duration_words(duration: timedelta) -> str:
    """Say a duration with its one or two largest units: `0.4 s`, `12 s`, `1 min 5 s`, `2 h`, `3 d 4 h`."""
    seconds = max(0.0, duration.total_seconds())
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    hours = round(seconds / 3600)
    return _two(hours // 24, "d", hours % 24, "h")


def size_words(size: int) -> str:
    """Say a number of bytes in decimal units: `512 B`, `1.2 GB`, `340 MB`."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}".replace(".0 ", " ") if value < 9.95 else f"{value:.0f} {unit}"
    return f"{value:.0f} TB"


def signal_words(number: int) -> str:
    """Say which signal it is: `signal 11 (segmentation fault)`."""
    name = _signal_name(number)
    meaning = _MEANINGS.get(name, name)
    return f"signal {number} ({meaning})" if meaning else f"signal {number}"


def slots_words(slots: int, limit: str) -> str:
    """Say how many slots there are, and what allows no more: `3 slots (all that PROXY allows)`."""
    return f"{slots} slot{'s'[: slots != 1]}{f' (all that {limit} allows)' if limit else ''}"


def _signal_name(number: int) -> str:
    if sys.platform == "win32":
        return ""
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _two(major: int, major_unit: str, minor: int, minor_unit: str) -> str:
    return f"{major} {major_unit} {minor} {minor_unit}" if minor else f"{major} {major_unit}"


def moment_words(moment: datetime, *, seconds: bool = False) -> str:
    """Say a moment in the machine's zone, which is always named: `2026-11-21 03:45 +00:00`."""
    return zoned_words(moment.astimezone(), seconds=seconds)


def zoned_words(moment: datetime, *, seconds: bool = False) -> str:
    """Say a moment in its own zone."""
    text = moment.isoformat(" ", "seconds" if seconds else "minutes")
    zone_at = 19 if seconds else 16
    return f"{text[:zone_at]} {text[zone_at:]}"
