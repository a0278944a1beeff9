"""What keeps the agent small: its syntax, its imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import crude_link.agent

FOLDER = Path(crude_link.agent.__file__).parent
#: Each costs some milliseconds at every start.
COSTLY = {"asyncio", "contextlib", "ctypes", "enum", "json", "logging", "pathlib", "re", "selectors", "signal",
          "subprocess", "tempfile", "threading", "typing"}  # fmt: skip


def test_the_agent_is_written_in_the_python_of_old_machines() -> None:
    for path in FOLDER.glob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_agent_imports_nothing_costly() -> None:
    root = str(FOLDER.parent.parent)
    program = f"import sys; sys.path.append({root!r}); import crude_link.agent.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert not COSTLY & set(done.stdout.split())
