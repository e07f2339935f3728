"""Learning rates that fit an architecture (measured in docs/recipes.md)."""

from __future__ import annotations

from enas_inr.cost import NetShape

__all__ = ["rate_by_size"]

DEPTH_POWER = 1.5
AMPLE, AMPLE_POWER = 4, 0.75
USUAL_POINTS, USUAL_STEPS = 256, 500  # of the trainings by which the rates were found
EASE_POWER, MOST_EASE = 0.07, 2.0


def rate_by_size(
    by_width: float, shape: NetShape, points: int, steps: int, parameters: int
) -> float:
    """Return a learning rate of Adam that falls with the width and the depth.

    A change of all weights of a layer changes its output in proportion to the width, and each
    further layer multiplies the change. Deep networks bear a higher rate if their cell has many
    samples, and need one if they are trained for few steps. A network with more than four
    parameters for each value of its cell soon fits the cell up to an error that is proportional to
    the rate, which is therefore lower.

    Args:
        by_width: the rate of a network with one hidden w x w layer, multiplied by its width.
        shape: shape of each member.
        points: samples of a cell.
        steps: steps of the training.
        parameters: parameters of a member.
    """
    depth = max(shape.depth, 1)
    ease = (points / USUAL_POINTS * USUAL_STEPS / steps) ** (EASE_POWER * (depth - 1))
    deep: float = depth**-DEPTH_POWER * min(max(ease, 1 / MOST_EASE), MOST_EASE)
    ample: float = (AMPLE * points * shape.out_features / parameters) ** AMPLE_POWER
    return by_width / shape.width * min(deep, ample)
