"""Second step: train a small neural network on the prepared images."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import fire
from images import SHAPES
from network import learn, new_model


def main(
    input_file: str = "data/prepared.json",
    model_file: str = "models/model.json",
    epochs: int = 60,
    hidden: int = 16,
    learning_rate: float = 0.03,
    seed: int = 1,
) -> None:
    """Train for EPOCHS on the images of INPUT_FILE and write the model to MODEL_FILE."""
    source = Path(input_file)
    if not source.exists():
        raise SystemExit(f"{source} is not there: run preproccess.py first")
    data = json.loads(source.read_text(encoding="utf-8"))
    images = data["images"]
    model = new_model(len(images[0]["pixels"]), hidden, len(SHAPES), seed)
    chance = random.Random(seed)
    loss = 0.0
    for epoch in range(1, epochs + 1):
        chance.shuffle(images)
        loss = sum(learn(model, image["pixels"], image["label"], learning_rate) for image in images) / len(images)
        show_progress(epoch, epochs, loss)

    target = Path(model_file)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(
        json.dumps({"filters": data["filters"], "nr_images": data["nr_images"], **model}), encoding="utf-8"
    )
    print(f"trained on {len(images)} images, loss {loss:.4f}: {target}")


def show_progress(epoch: int, epochs: int, loss: float) -> None:
    """Move a bar on a terminal; elsewhere, write a line."""
    words = f"epoch {epoch}/{epochs}  loss {loss:.4f}"
    if not sys.stderr.isatty():
        print(words, file=sys.stderr)
        return
    done = 30 * epoch // epochs
    end = "\n" if epoch == epochs else ""
    print(f"\r{'█' * done}{'░' * (30 - done)} {words}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    fire.Fire(main)
