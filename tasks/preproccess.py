"""First step: read the raw images (or make some, where there are none) and prepare them for training."""

from __future__ import annotations

import json
from pathlib import Path

import fire
from images import KEPT_BACK, SHAPES, make_images, prepared, read_images


def main(
    input_file: str = "data/dummy.data",
    nr_images: int = 500,
    filters: bool = True,
    output_file: str = "data/prepared.json",
) -> None:
    """Prepare the first NR_IMAGES images of INPUT_FILE for training, smoothed if FILTERS, into OUTPUT_FILE."""
    raw, output = Path(input_file), Path(output_file)
    if not raw.exists():
        print(f"{raw} is not there: making {nr_images} images")
        make_images(raw, nr_images)
    images = read_images(raw, nr_images)
    if len(images) < nr_images:
        print(f"{raw} has only {len(images)} images")

    # Every fifth image is left for validation.
    chosen = [image for number, image in enumerate(images) if number % KEPT_BACK]
    rows = [{"label": SHAPES.index(shape), "pixels": prepared(image, filters)} for shape, image in chosen]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"filters": filters, "nr_images": nr_images, "images": rows}), encoding="utf-8")
    print(f"{len(rows)} of {len(images)} images prepared{' and smoothed' if filters else ''}: {output}")


if __name__ == "__main__":
    fire.Fire(main)
