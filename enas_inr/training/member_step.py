"""The training of layered networks in one call of compiled code, member by member.

All that a member needs for some samples fits into the cache, so nothing is read twice from memory,
and no thread waits for Python. Values are stored as `samples units`, so the three products of a
layer go along contiguous rows (see `products.py`):

- forward: the values below times the transposed weights, added to the biases;
- gradient of the weights: the transposed deltas times the values below;
- backward: the deltas times the weights.

Rows are filled up to whole vectors; what the columns beyond a matrix hold has no effect.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from enas_inr.backbones.loops import compiled, inlined
from enas_inr.training.loops import AdamSteps, adam_loop
from enas_inr.training.network import (
    ACROSS,
    BACKWARD,
    BIASES,
    FORWARD,
    GRADIENT,
    SLOPES,
    VALUES,
    Floats,
    Integers,
    Network,
    numbered_at,
    plain_at,
)
from enas_inr.training.products import FLOAT_BYTES, multiply_add_, padded


@inlined
def _address(numbers: Floats) -> Any:
    """Return the address of the first number, as a signed integer like all others."""
    return np.int64(numbers.ctypes.data)


@inlined
def _matrix(flat: Floats, network: Network, layer: int, member: int, members: int) -> Floats:
    """Return the matrix `units inputs1` of a member and a layer (see `LayeredPacking`)."""
    units, columns = network.sizes[layer + 1], network.sizes[layer] + 1
    start = network.starts[layer] * members + member * units * columns
    return flat[start : start + units * columns].reshape((units, columns))


@compiled
def _load_(matrix: Floats, scale: np.float32, place: Integers, last: bool, scratch: Floats) -> None:
    """Copy the matrix of a layer."""
    units, inputs = matrix.shape[0], matrix.shape[1] - 1
    row, column = padded(units), padded(inputs)
    for index in range(inputs + 1):
        across = scratch[place[FORWARD] + index * row :]
        for unit in range(units):
            across[unit] = matrix[unit, index] * scale
    if last:
        for unit in range(units):
            along = scratch[place[BACKWARD] + unit * column :]
            for index in range(inputs):
                along[index] = matrix[unit, index]


@compiled
def _collect_(network: Network, scratch: Floats) -> None:
    """Complete the gradients of all layers: the biases, and those that were computed across."""
    for layer in range(network.scales.size):
        inputs, units = network.sizes[layer], network.sizes[layer + 1]
        place, row, column = network.places[layer], padded(units), padded(inputs + 1)
        gradient, biases = scratch[place[GRADIENT] :], scratch[place[BIASES] :]
        for unit in range(units):
            gradient[unit * column + inputs] = biases[unit]
        if layer == 0:
            across = scratch[place[ACROSS] :]
            for unit in range(units):
                for index in range(inputs):
                    gradient[unit * column + index] = across[index * row + unit]


@compiled
def _activate_(z: Floats, values: Floats, loop: int, number: np.float32) -> None:
    """Write the values of an activation, and its slopes over the pre-activations."""
    parts = (1, 4, z.size // 4)  # a loop may read a row twice, so a row should fit into the cache
    if np.isnan(number):
        plain_at(loop)(z.reshape(parts), values.reshape(parts))
    else:
        numbered_at(loop)(number, z.reshape(parts), values.reshape(parts))


@compiled
def _compare_(outputs: Floats, targets: Floats, row: int, factor: np.float32) -> np.float32:
    """Turn outputs into errors times a factor, and return the sum of the squared errors."""
    total = np.float32(0)
    for sample in range(targets.shape[0]):
        for channel in range(targets.shape[1]):
            error = outputs[sample * row + channel] - targets[sample, channel]
            total += error * error
            outputs[sample * row + channel] = error * factor
    return total


@compiled
def _add_rows_(rows: Floats, total: Floats, fresh: bool) -> None:
    """Compute the sum of the rows, or add it to the total unless it is `fresh`."""
    if fresh:
        total[:] = np.float32(0)
    for start in range(0, rows.size, total.size):
        row = rows[start : start + total.size]
        for unit in range(total.size):
            total[unit] += row[unit]


@compiled
def _multiply_(numbers: Floats, factors: Floats, scale: np.float32) -> None:
    """Multiply numbers by factors and by a scale, in place."""
    for index in range(numbers.size):
        numbers[index] *= factors[index] * scale


@compiled
def _forward_(inputs: Floats, network: Network, scratch: Floats) -> None:
    """Compute the values and slopes of all layers for some samples `samples features`."""
    sizes, places, at = network.sizes, network.places, _address(scratch)
    count, below, below_row = inputs.shape[0], _address(inputs), inputs.shape[1]
    for layer in range(places.shape[0]):
        features, row = sizes[layer], padded(sizes[layer + 1])
        weights = at + FLOAT_BYTES * places[layer, FORWARD]
        biases = weights + FLOAT_BYTES * features * row
        z, values = places[layer, SLOPES], places[layer, VALUES]
        out = at + FLOAT_BYTES * z
        multiply_add_(
            below, below_row, 1, weights, row, biases, 0, out, row, count, row, features
        )  # fmt: skip
        if layer < network.loops.size:
            _activate_(
                scratch[z : z + count * row],
                scratch[values : values + count * row],
                network.loops[layer],
                network.numbers[layer],
            )
            below, below_row = at + FLOAT_BYTES * values, row


@compiled
def _backward_(
    weights: Floats,
    member: int,
    members: int,
    inputs: Floats,
    fresh: bool,
    network: Network,
    scratch: Floats,
) -> None:
    """Compute the gradients for some samples, or add to them unless they are `fresh`.

    The last outputs have become errors times the factor of the loss and of their layer.
    """
    sizes, places, at = network.sizes, network.places, _address(scratch)
    last, count = places.shape[0] - 1, inputs.shape[0]
    back = at + FLOAT_BYTES * network.back
    for layer in range(last, -1, -1):
        features, units = sizes[layer], sizes[layer + 1]
        row, column = padded(units), padded(features + 1)
        z, biases = places[layer, SLOPES], places[layer, BIASES]
        _add_rows_(scratch[z : z + count * row], scratch[biases : biases + row], fresh)
        delta = at + FLOAT_BYTES * z
        if layer == 0:
            found = at + FLOAT_BYTES * places[layer, ACROSS]
            start, start_row = (at, 0) if fresh else (found, row)
            below, below_row = _address(inputs), inputs.shape[1]
            multiply_add_(
                below, 1, below_row, delta, row, start, start_row, found, row, features, row, count
            )
            return
        found = at + FLOAT_BYTES * places[layer, GRADIENT]
        start, start_row = (at, 0) if fresh else (found, column)
        under, below_row = places[layer - 1, SLOPES], padded(features)
        below = at + FLOAT_BYTES * places[layer - 1, VALUES]
        multiply_add_(
            delta,
            1,
            row,
            below,
            below_row,
            start,
            start_row,
            found,
            column,
            units,
            below_row,
            count,
        )
        # The vectors of a row end in the next row, of which the last layer has none.
        matrix = _address(_matrix(weights, network, layer, member, members))
        matrix_row = features + 1
        if layer == last:
            matrix, matrix_row = at + FLOAT_BYTES * places[layer, BACKWARD], below_row
        multiply_add_(
            delta, row, 1, matrix, matrix_row, at, 0, back, below_row, count, below_row, units
        )
        _multiply_(
            scratch[under : under + count * below_row],
            scratch[network.back : network.back + count * below_row],
            network.scales[layer - 1],
        )


@compiled
def _differentiate_(
    weights: Floats,
    member: int,
    members: int,
    inputs: Floats,
    targets: Floats,
    network: Network,
    scratch: Floats,
) -> np.float32:
    """Compute the gradient of a member in the scratch memory, and return its mean squared error.

    Args:
        weights: the numbers of some members.
        member: index of this member among them.
        members: how many members they are.
        inputs: features `samples in`.
        targets: `samples out`.
        network: the layers.
        scratch: memory of the network.
    """
    last = network.scales.size - 1
    for layer in range(last + 1):
        matrix = _matrix(weights, network, layer, member, members)
        _load_(matrix, network.scales[layer], network.places[layer], layer == last, scratch)
    values, total = np.float32(targets.size), np.float64(0)
    outputs, row = scratch[network.places[last, SLOPES] :], padded(network.sizes[last + 1])
    factor = np.float32(2) / values * network.scales[last]
    for start in range(0, inputs.shape[0], network.tile):
        some = inputs[start : start + network.tile]
        _forward_(some, network, scratch)
        wanted = targets[start : start + network.tile]
        total = total + np.float64(_compare_(outputs, wanted, row, factor))
        _backward_(weights, member, members, some, start == 0, network, scratch)
    _collect_(network, scratch)
    return np.float32(total / values)


@compiled
def gradients_(
    weights: Floats,
    gradient: Floats,
    inputs: Floats,
    targets: Floats,
    cells: Integers,
    losses: Floats,
    network: Network,
    scratch: Floats,
) -> None:
    """Compute the gradients of the mean squared error of all members.

    Args:
        weights: the matrices `members out in1` of all layers (see `LayeredPacking`).
        gradient: the same for the gradients, overwritten.
        inputs: features `members samples in`, or `1 samples in` if all members share them.
        targets: `cells samples out`.
        cells: for each member, the row of its cell in the targets.
        losses: mean squared error of each member, overwritten.
        network: the layers.
        scratch: memory of the network, all zeros at first.
    """
    members = cells.size
    for member in range(members):
        own, wanted = inputs[member % inputs.shape[0]], targets[cells[member]]
        losses[member] = _differentiate_(weights, member, members, own, wanted, network, scratch)
        for layer in range(network.scales.size):
            matrix = _matrix(gradient, network, layer, member, members)
            columns, start = matrix.shape[1], network.places[layer, GRADIENT]
            for unit in range(matrix.shape[0]):
                matrix[unit] = scratch[start : start + columns]
                start += padded(columns)


@compiled
def adam_steps_(
    weights: Floats,
    first_moment: Floats,
    second_moment: Floats,
    inputs: Floats,
    targets: Floats,
    cells: Integers,
    losses: Floats,
    adam: AdamSteps,
    network: Network,
    scratch: Floats,
) -> None:
    """Make steps of Adam with each member, whose numbers stay in the cache for all of them.

    Args:
        weights: see `gradients_`; updated.
        first_moment: state of Adam, updated.
        second_moment: state of Adam, updated.
        inputs: see `gradients_`.
        targets: see `gradients_`.
        cells: see `gradients_`.
        losses: mean squared error before each step, `steps members`, overwritten.
        adam: the steps.
        network: the layers.
        scratch: see `gradients_`.
    """
    members, sizes = cells.size, network.sizes
    for member in range(members):
        own, wanted = inputs[member % inputs.shape[0]], targets[cells[member]]
        for step in range(adam.rates.size):
            losses[step, member] = _differentiate_(
                weights, member, members, own, wanted, network, scratch
            )
            for layer in range(network.scales.size):
                units, columns = sizes[layer + 1], sizes[layer] + 1
                start = network.starts[layer] * members + member * units * columns
                slope = network.places[layer, GRADIENT]
                for _ in range(units):
                    adam_loop(
                        weights[start : start + columns],
                        scratch[slope : slope + columns],
                        first_moment[start : start + columns],
                        second_moment[start : start + columns],
                        adam.rates[step],
                        adam.corrections[step],
                        adam.rest1,
                        adam.beta2,
                        adam.rest2,
                        adam.epsilon,
                    )
                    start += columns
                    slope += padded(columns)
