"""Third step: ask the model about images that it has never seen, and write how well it did."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import fire
from images import KEPT_BACK, SHAPES, prepared, read_images
from network import probabilities


def main(
    input_file: str = "data/dummy.data",
    model_file: str = "models/model.json",
    metrics_file: str = "models/metrics.json",
) -> None:
    """Try MODEL_FILE on the images of INPUT_FILE that were kept back, and write METRICS_FILE."""
    for path in (input_file, model_file):
        if not Path(path).exists():
            raise SystemExit(f"{path} is not there: run preproccess.py and train.py first")
    model = json.loads(Path(model_file).read_text(encoding="utf-8"))
    kept_back = read_images(Path(input_file), model["nr_images"])[::KEPT_BACK]
    losses = []
    answers: Counter[tuple[str, str]] = Counter()
    for shape, image in kept_back:
        found = probabilities(model, prepared(image, model["filters"]))
        answers[shape, SHAPES[found.index(max(found))]] += 1
        losses.append(-math.log(max(found[SHAPES.index(shape)], 1e-12)))

    right = sum(count for (shape, answer), count in answers.items() if shape == answer)
    metrics = {
        "accuracy": round(right / len(kept_back), 4),
        "loss": round(sum(losses) / len(losses), 4),
        "images": len(kept_back),
    }
    target = Path(metrics_file)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    show_answers(answers)
    print(f"accuracy {metrics['accuracy']:.2%} on {len(kept_back)} images: {target}")


def show_answers(answers: Counter[tuple[str, str]]) -> None:
    """Print what the images were and what the model took them for."""
    print("".join(f"{title:>10}" for title in ("", *SHAPES)) + "   <- the model's answers")
    for shape in SHAPES:
        print(f"{shape:>10}" + "".join(f"{answers[shape, answer]:>10}" for answer in SHAPES))


if __name__ == "__main__":
    fire.Fire(main)
