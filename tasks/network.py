"""A small neural network in plain Python: one hidden layer, softmax. Shared by the scripts; no step itself."""

from __future__ import annotations

import math
import random
from operator import mul

Vector = list[float]
Model = dict[str, list[Vector]]


def new_model(inputs: int, hidden: int, outputs: int, seed: int) -> Model:
    """Return a model that knows nothing yet; each row ends with its bias."""
    chance = random.Random(seed)

    def layer(rows: int, columns: int) -> list[Vector]:
        return [[chance.gauss(0, 1 / math.sqrt(columns)) for _ in range(columns)] + [0.0] for _ in range(rows)]

    return {"hidden": layer(hidden, inputs), "output": layer(outputs, hidden)}


def probabilities(model: Model, image: Vector) -> Vector:
    """Return how likely the image belongs to each class."""
    return _forward(model, image)[1]


def learn(model: Model, image: Vector, label: int, rate: float) -> float:
    """Move the model a little towards the right answer for one image; return the loss before that."""
    hidden, found = _forward(model, image)
    loss = -math.log(max(found[label], 1e-12))
    errors = [value - (number == label) for number, value in enumerate(found)]
    back = [sum(map(mul, errors, column)) for column in zip(*model["output"], strict=True)]
    _move(model["output"], errors, hidden, rate)
    _move(model["hidden"], [back[at] * (1 - value * value) for at, value in enumerate(hidden)], image, rate)
    return loss


def _forward(model: Model, image: Vector) -> tuple[Vector, Vector]:
    hidden = [math.tanh(sum(map(mul, row, image)) + row[-1]) for row in model["hidden"]]
    scores = [sum(map(mul, row, hidden)) + row[-1] for row in model["output"]]
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    return hidden, [power / sum(powers) for power in powers]


def _move(layer: list[Vector], errors: Vector, inputs: Vector, rate: float) -> None:
    for row, error in zip(layer, errors, strict=True):
        step = rate * error
        row[:-1] = [weight - step * value for weight, value in zip(row, inputs, strict=False)]
        row[-1] -= step
