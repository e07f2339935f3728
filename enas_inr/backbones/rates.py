"""Learning rates that fit an architecture (measured in docs/recipes.md)."""

from __future__ import annotations

import math

from enas_inr.cost import NetShape

__all__ = ["rate_by_size"]

USUAL_STEPS = 500  # of the trainings by which the rates were found
STEPS_POWER = 0.07
DEPTH_POWER, MEDIUM_WIDTH, WIDTH_IN_DEPTH = 1.05, 16, 0.12
ROOM, ROOM_POWER, ROOM_IN_DEPTH = 2.5, 0.6, 1 / 3
AMPLE, AMPLE_POWER, AMPLE_RATE = 4, 0.75, 5.9


def rate_by_size(
    highest: float,
    shape: NetShape,
    points: int,
    steps: int,
    parameters: int,
    *,
    steeper: float = 0.0,
) -> float:
    """Return a learning rate of Adam that falls with the width and the depth.

    The highest rate at which trainings converge is about proportional to d^-1.05 w^-0.5 for a width
    of 16, and falls a little less with the depth of wider networks. A network with many parameters
    for each value of its cell ends nearer to the cell at a lower rate, and so does a deep one in a
    long training.

    Args:
        highest: the highest rate of a network with one hidden layer of width 1.
        shape: shape of each member.
        points: samples of a cell.
        steps: steps of the training.
        parameters: parameters of a member.
        steeper: a further power of the depth by which the rates of a backbone fall.
    """
    depth = max(shape.depth, 1)
    values: float = points * shape.out_features / parameters
    long: float = (USUAL_STEPS / steps) ** (STEPS_POWER * (depth - 1))
    room: float = (ROOM * depth**ROOM_IN_DEPTH * values) ** ROOM_POWER
    ample: float = AMPLE_RATE / shape.width * (AMPLE * values) ** AMPLE_POWER
    power = DEPTH_POWER - WIDTH_IN_DEPTH * math.log(shape.width / MEDIUM_WIDTH)
    deep: float = min(1.0, long, room * long) / (depth**power * shape.width**0.5)
    falls: float = depth**steeper
    return highest * min(deep, ample) / falls
