"""Compiled loops for the first and the last layer, on CPUs.

A first layer takes 2 or 3 coordinates and a last layer has 1 to 4 channels. Products of matrices
that thin are bound by memory, so each loop does all work on the numbers that it reads: values,
errors and loss of the last layer; its gradient with the deltas before it; and the deltas of the
first layer with its gradient.

A row is always summed in the same order, so members do not depend on their chunk.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from enas_inr.backbones.layered import Rows
from enas_inr.backbones.loops import FAST, compiled

MOST_ROWS = 4  # of coordinates with the row of ones, or of channels; for more, products pay
LEAST_POINTS = 32  # for fewer, starting a loop for each row costs more than a thin product

Sums = NDArray[np.float32]


def _first_values_(weights: Rows, inputs: Rows, z: Rows, start: int, scale: np.float32) -> None:
    points = z.shape[2]
    for member in range(z.shape[0]):
        for feature in range(z.shape[1]):
            row = z[member, feature]
            factor = weights[member, feature, 0] * scale
            x = inputs[member, 0, start : start + points]
            for point in range(points):
                row[point] = factor * x[point]
            for axis in range(1, weights.shape[2] - 1):
                factor = weights[member, feature, axis] * scale
                x = inputs[member, axis, start : start + points]
                for point in range(points):
                    row[point] += factor * x[point]
            bias = weights[member, feature, weights.shape[2] - 1] * scale
            for point in range(points):
                row[point] += bias


_first_values_loop = compiled(_first_values_)


def _first_gradient_(
    slopes: Rows,
    back: Rows,
    inputs: Rows,
    gradient: Rows,
    start: int,
    scale: np.float32,
) -> None:
    points, columns = slopes.shape[2], gradient.shape[2]
    for member in range(slopes.shape[0]):
        for feature in range(slopes.shape[1]):
            delta, factor = slopes[member, feature], back[member, feature]
            found = gradient[member, feature]
            if columns == 3:
                x = inputs[member, 0, start : start + points]
                y = inputs[member, 1, start : start + points]
                along_x = along_y = total = np.float32(0)
                for point in range(points):
                    product = delta[point] * factor[point]
                    along_x += product * x[point]
                    along_y += product * y[point]
                    total += product
                found[0] += scale * along_x
                found[1] += scale * along_y
                found[2] += scale * total
            else:
                for point in range(points):
                    delta[point] *= factor[point]
                for column in range(columns):
                    x = inputs[member, column, start : start + points]
                    total = np.float32(0)
                    for point in range(points):
                        total += delta[point] * x[point]
                    found[column] += scale * total


_first_gradient_loop = compiled(_first_gradient_, fastmath=FAST)


def _errors_(
    weights: Rows,
    values: Rows,
    targets: Rows,
    errors: Rows,
    norms: Sums,
    start: int,
    scale: np.float32,
) -> None:
    width, points = weights.shape[2] - 1, errors.shape[2]
    for member in range(errors.shape[0]):
        squares = np.float32(0)
        for channel in range(errors.shape[1]):
            error, row = errors[member, channel], weights[member, channel]
            target = targets[member, channel, start : start + points]
            bias = row[width] * scale
            for point in range(points):
                error[point] = bias - target[point]
            whole = width - width % 4
            for unit in range(0, whole, 4):
                w0, w1 = row[unit] * scale, row[unit + 1] * scale
                w2, w3 = row[unit + 2] * scale, row[unit + 3] * scale
                v0, v1 = values[member, unit], values[member, unit + 1]
                v2, v3 = values[member, unit + 2], values[member, unit + 3]
                for point in range(points):
                    error[point] += (
                        w0 * v0[point] + w1 * v1[point] + w2 * v2[point] + w3 * v3[point]
                    )
            for unit in range(whole, width):
                w0, v0 = row[unit] * scale, values[member, unit]
                for point in range(points):
                    error[point] += w0 * v0[point]
            for point in range(points):
                squares += error[point] * error[point]
        norms[member] = np.sqrt(squares)


_errors_loop = compiled(_errors_, fastmath=FAST)


def _last_gradient_(
    weights: Rows,
    values: Rows,
    slopes: Rows,
    errors: Rows,
    gradient: Rows,
    scale: np.float32,
) -> None:
    channels, width, points = errors.shape[1], slopes.shape[1], slopes.shape[2]
    back = np.empty(points, np.float32)
    for member in range(slopes.shape[0]):
        for unit in range(width):
            value, slope = values[member, unit], slopes[member, unit]
            if channels == 3:
                w0, w1 = weights[member, 0, unit] * scale, weights[member, 1, unit] * scale
                w2 = weights[member, 2, unit] * scale
                e0, e1, e2 = errors[member, 0], errors[member, 1], errors[member, 2]
                g0 = g1 = g2 = np.float32(0)
                for point in range(points):
                    g0 += e0[point] * value[point]
                    g1 += e1[point] * value[point]
                    g2 += e2[point] * value[point]
                    slope[point] *= w0 * e0[point] + w1 * e1[point] + w2 * e2[point]
                gradient[member, 0, unit] += scale * g0
                gradient[member, 1, unit] += scale * g1
                gradient[member, 2, unit] += scale * g2
            else:
                back[:] = np.float32(0)
                for channel in range(channels):
                    error, g0 = errors[member, channel], np.float32(0)
                    w0 = weights[member, channel, unit] * scale
                    for point in range(points):
                        g0 += error[point] * value[point]
                        back[point] += w0 * error[point]
                    gradient[member, channel, unit] += scale * g0
                for point in range(points):
                    slope[point] *= back[point]
        for channel in range(channels):
            error, g0 = errors[member, channel], np.float32(0)
            for point in range(points):
                g0 += error[point]
            gradient[member, channel, width] += scale * g0


_last_gradient_loop = compiled(_last_gradient_, fastmath=FAST)


def suits_first(rows: int, points: int, *, layers: int) -> bool:
    """Whether the loops of the first layer pay.

    Args:
        rows: features of the input with the row of ones.
        points: samples of the smallest tile.
        layers: hidden layers. With one, its deltas come from the loop of the last layer.
    """
    return layers > 1 and rows <= MOST_ROWS and points >= LEAST_POINTS


def suits_last(channels: int, *, layers: int) -> bool:
    """Whether the loops of the last layer pay, which need a hidden layer before it."""
    return layers > 0 and channels <= MOST_ROWS


def first_values_(weights: Rows, inputs: Rows, z: Rows, start: int, scale: float) -> None:
    """Compute the pre-activations of a first layer.

    Args:
        weights: `members features columns`, the last column with the biases.
        inputs: `members columns samples`, the last row all ones; may have further members.
        z: `members features points`, overwritten.
        start: the first sample of the inputs.
        scale: factor of the layer.
    """
    _first_values_loop(weights, inputs, z, start, np.float32(scale))


def first_gradient_(
    slopes: Rows,
    back: Rows,
    inputs: Rows,
    gradient: Rows,
    start: int,
    scale: float,
    accumulate: bool,
) -> None:
    """Multiply slopes by `back`, and compute the gradient of a first layer from the products.

    Args:
        slopes: `members features points`, used up.
        back: gradients with respect to the values, of the same shape.
        inputs: see `first_values_`.
        gradient: `members features columns`, overwritten or added to.
        start: the first sample of the inputs.
        scale: factor of the layer.
        accumulate: whether to add to the gradient.
    """
    if not accumulate:
        gradient.fill(0)
    _first_gradient_loop(slopes, back, inputs, gradient, start, np.float32(scale))


def errors_(
    weights: Rows,
    values: Rows,
    targets: Rows,
    errors: Rows,
    norms: Sums,
    start: int,
    scale: float,
) -> None:
    """Compute the errors of a last layer, and the norm of each member's.

    Args:
        weights: `members channels columns`, the last column with the biases.
        values: `members columns points`, of which the last row is not read.
        targets: `members channels samples`; may have further members.
        errors: `members channels points`, overwritten.
        norms: `members`, overwritten.
        start: the first sample of the targets.
        scale: factor of the layer.
    """
    _errors_loop(weights, values, targets, errors, norms, start, np.float32(scale))


def last_gradient_(
    weights: Rows,
    values: Rows,
    slopes: Rows,
    errors: Rows,
    gradient: Rows,
    scale: float,
    accumulate: bool,
) -> None:
    """Compute the gradient of a last layer, and turn the slopes before it into deltas.

    Args:
        weights: see `errors_`.
        values: see `errors_`.
        slopes: `members units points`, overwritten with the deltas.
        errors: `members channels points`.
        gradient: an array with the shape of the weights, which is overwritten or added to.
        scale: factor of the layer and of the loss.
        accumulate: whether to add to the gradient.
    """
    if not accumulate:
        gradient.fill(0)
    _last_gradient_loop(weights, values, slopes, errors, gradient, np.float32(scale))


@cache
def available() -> bool:
    """Whether these loops can be compiled, where those of `loops.py` can."""
    try:
        one, row, column = (np.ones((1, *shape), np.float32) for shape in ((1, 1), (1, 2), (2, 1)))
        first_values_(row, column, one, 0, 1.0)
        first_gradient_(one, one, column, row, 0, 1.0, False)
        errors_(row, column, one, one.copy(), np.ones(1, np.float32), 0, 1.0)
        last_gradient_(row, column, one, one.copy(), row.copy(), 1.0, False)
    except Exception:  # whatever numba, LLVM or the cache may raise
        return False
    return True
