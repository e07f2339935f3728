"""Learning rates that fit an architecture (measured in docs/recipes.md)."""

from __future__ import annotations

from enas_inr.cost import NetShape

__all__ = ["rate_by_size"]

DEPTH_POWER = 1.5
AMPLE, AMPLE_POWER = 4, 0.75


def rate_by_size(by_width: float, shape: NetShape, points: int, parameters: int) -> float:
    """Return a learning rate of Adam that falls with the width and the depth.

    A change of all weights of a layer changes its output in proportion to the width, and each
    further layer multiplies the change. A network with more than four parameters for each value of
    its cell soon fits the cell up to an error that is proportional to the rate, which is therefore
    lower.

    Args:
        by_width: the rate of a network with one hidden w x w layer, multiplied by its width.
        shape: shape of each member.
        points: samples of a cell.
        parameters: parameters of a member.
    """
    deep: float = max(shape.depth, 1) ** -DEPTH_POWER
    ample: float = (AMPLE * points * shape.out_features / parameters) ** AMPLE_POWER
    return by_width / shape.width * min(deep, ample)
