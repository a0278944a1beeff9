"""The laws of the house: who may import whom, and how large a file may be. See docs/architecture.md."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "crude_link"
FILES = sorted(PACKAGE.rglob("*.py"))

BELOW_ADAPTERS = {"errors", "interfaces", "alert_interfaces", "model", "identity"}
#: What each folder, or module at the top, may use beside itself. An adapter uses the floors below it, never the
#: engine, and another adapter only where a comment says why.
MAY_USE = {
    "errors": set(),
    "model": {"errors"},
    "interfaces": {"model", "errors"},
    "alert_interfaces": {"model", "errors"},
    "engine": {"model", "interfaces", "errors"},
    "agent": set(),
    "executors": {"agent", *BELOW_ADAPTERS},  # they open agents and speak their protocol
    "steps": {"inputs", "resources", *BELOW_ADAPTERS},  # they ask for the inputs of a fan-out, and for pools
    "resources": {"inputs", *BELOW_ADAPTERS},  # the items of a pool come from the same sources
    # Beside the scheduler's loop; of the adapters only the lock, and what `app` and `workshop` put together.
    "scheduling": {"app", "workshop", "scheduler", "engine", "store", "looking", *BELOW_ADAPTERS},
    **dict.fromkeys(
        ("config", "inputs", "storage", "store", "triggers", "notifiers", "couriers", "service"), BELOW_ADAPTERS
    ),
}
#: Third-party and standard modules that live in one place only.
KEPT_IN = {
    "click": ("cli",),
    "questionary": ("cli",),
    "omegaconf": ("config",),
    "yaml": ("config", "inputs", "cli"),
    "apscheduler": ("triggers", "scheduler"),
    "sqlite3": ("store",),
    "smtplib": ("couriers",),
    "apprise": ("couriers",),
    "fire": (),
    "obstore": ("storage",),
    "fsspec": ("storage",),
    "botocore": ("storage",),
    "google": ("storage",),
    "azure": ("storage",),
}
#: What starts or signals processes, and where that may stand.
PROCESS_MODULES = ("agent", "executors", "programs", "background", "outputs")


def place(path: Path) -> str:
    """The first part of a module's name below the package: a folder, or a top-level module."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def ours(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("crude_link.")}


def test_no_file_is_longer_than_400_lines() -> None:
    tests = sorted((ROOT / "tests").rglob("*.py"))
    long = {str(p): n for p in [*FILES, *tests] if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downward(path: Path) -> None:
    here, used = place(path), ours(path)
    if here in MAY_USE:
        assert used <= {here, *MAY_USE[here]}
    else:
        assert "cli" not in used or here in ("cli", "scheduler", "__main__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_is_imported_in_its_own_place(path: Path) -> None:
    for name in imports(path):
        allowed = KEPT_IN.get(name.split(".")[0])
        assert allowed is None or place(path) in allowed, f"{name} in {path}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_processes_are_started_and_signalled_in_few_places(path: Path) -> None:
    if place(path) in PROCESS_MODULES:
        return
    assert not {"subprocess", "pty", "multiprocessing"} & set(imports(path))
    calls = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert not {"kill", "killpg", "posix_spawn", "fork", "execv", "execvp", "execve"} & calls


def test_the_agent_needs_nothing_but_the_standard_library() -> None:
    for path in sorted((PACKAGE / "agent").rglob("*.py")):
        for name in imports(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or name.startswith("crude_link.agent"), f"{name} in {path}"


def test_modules_import_each_other_in_no_circle() -> None:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    graph = {name: {i for i in _top_level_imports(path) if i in names and i != name} for name, path in names.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def _top_level_imports(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_top_level_module_is_named_like_one_of_the_standard_library() -> None:
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not names & set(sys.stdlib_module_names)
