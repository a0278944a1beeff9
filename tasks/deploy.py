"""Last step: put the model where others use it. Whether it is good enough is decided in config.yaml."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import fire


def main(model_file: str = "models/model.json", folder: str = "deployed") -> None:
    """Copy MODEL_FILE into FOLDER."""
    source = Path(model_file)
    if not source.exists():
        raise SystemExit(f"{source} is not there: run train.py first")
    target = Path(folder) / "model.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed: whoever reads the model meanwhile sees the old one or the new one, never a half.
    aside = target.with_suffix(".new")
    shutil.copyfile(source, aside)
    aside.replace(target)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target} is now {source} (sha256 {digest[:12]})")


if __name__ == "__main__":
    fire.Fire(main)
