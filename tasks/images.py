"""Small pictures of shapes: made, read, and prepared for the model. Shared by the scripts; no step itself.

A file of raw images has one image a line: the shape's name, then 16 rows of 16 grey values from 0 to 9.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

SHAPES = ("circle", "square", "cross")
SIZE = 16
#: Every fifth image is never trained on, so that validation asks for what the model has not seen.
KEPT_BACK = 5

Image = list[list[float]]


def make_images(path: Path, count: int, seed: int = 7) -> None:
    """Write `count` images of shapes of all sizes, at all places, under much noise; always the same ones."""
    chance = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(count):
            shape = chance.choice(SHAPES)
            rows = ("".join(map(str, row)) for row in _draw(shape, chance))
            file.write(" ".join([shape, *rows]) + "\n")


def read_images(path: Path, count: int) -> list[tuple[str, Image]]:
    """Return the first `count` images of a file with their shapes, grey values from 0 to 1."""
    images = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if number > count:
                break
            shape, *rows = line.split()
            if shape not in SHAPES or [len(row) for row in rows] != [SIZE] * SIZE:
                raise SystemExit(f"{path}:{number}: this is no image of {SIZE} x {SIZE}")
            images.append((shape, [[int(digit) / 9 for digit in row] for row in rows]))
    return images


def prepared(image: Image, filters: bool) -> list[float]:
    """Return an image as the model sees it: smoothed, if `filters`, and scaled down to 8 x 8."""
    if filters:
        image = _smoothed(image)
    return [
        (image[y][x] + image[y][x + 1] + image[y + 1][x] + image[y + 1][x + 1]) / 4
        for y in range(0, SIZE, 2)
        for x in range(0, SIZE, 2)
    ]


def _draw(shape: str, chance: random.Random) -> list[list[int]]:
    radius = chance.uniform(3.5, 6)
    middle_x, middle_y = (SIZE / 2 - 0.5 + chance.uniform(-1.5, 1.5) for _ in range(2))
    rows = []
    for y in range(SIZE):
        row = []
        for x in range(SIZE):
            ink = 6 if _is_inked(shape, x - middle_x, y - middle_y, radius) else 2
            row.append(min(9, max(0, round(chance.gauss(ink, 2.2)))))
        rows.append(row)
    return rows


def _is_inked(shape: str, x: float, y: float, radius: float) -> bool:
    if shape == "circle":
        return abs(math.hypot(x, y) - radius) < 1
    if shape == "square":
        return abs(max(abs(x), abs(y)) - radius) < 1
    return min(abs(x), abs(y)) < 1 and max(abs(x), abs(y)) < radius + 1


def _smoothed(image: Image) -> Image:
    """Return the image with every point as the mean of itself and those around it."""
    smooth = []
    for y in range(SIZE):
        rows = image[max(0, y - 1) : y + 2]
        columns = [range(max(0, x - 1), min(SIZE, x + 2)) for x in range(SIZE)]
        smooth.append([sum(row[x] for row in rows for x in near) / (len(rows) * len(near)) for near in columns])
    return smooth
