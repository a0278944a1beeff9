"""A service, for the tests of its texts and files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from crude_link.model.service import Service

SERVICE = Service(
    name="demo",
    project=Path("/home/ada/my project"),
    argv=("/home/ada/my project/.venv/bin/python", "/usr/bin/crude-link", "schedule", "start", "-c", "/tmp/c.yaml"),
    environment={"PATH": "/usr/bin:/bin", "DATA": 'a "b" 100% $x'},
    environment_file=Path("/home/ada/.config/crude-link/demo.env"),
    umask=0o027,
    stop_time=timedelta(seconds=50),
)
