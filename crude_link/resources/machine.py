"""What this machine, or the container on it, has to give: cores, memory and disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def cores() -> float:
    """Return how many cores we may use: those we are bound to, or fewer where a container's quota allows less."""
    try:
        count = float(len(os.sched_getaffinity(0)))
    except AttributeError:  # macOS has no such notion
        count = float(os.cpu_count() or 1)
    for folder in _groups("cpu"):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit():
            count = min(count, int(quota) / int(period))
    return count


def memory() -> int:
    """Return how many bytes of memory there are, or a container's limit where that is lower."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for folder in _groups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _text(folder / name)
            if limit.isdigit():
                size = min(size, int(limit))
    return size


def free_disk(folder: Path) -> int:
    """Return how many bytes we may still write where a folder lies."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _groups(controller: str) -> Iterator[Path]:
    """Yield the folders of our control group and of those around it, of either version."""
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = _ROOT / controllers if controllers else _ROOT
        folder = root / path.lstrip("/")
        yield from (one for one in (folder, *folder.parents) if one.is_relative_to(root))


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
