"""The kernel for layered networks: a hand-written backward pass in memory allocated once.

Activations are stored as `members features points`, each followed by a row of ones, so that a layer
with its bias is one batched matrix product, with omega_0 and the factor of the loss as its alpha.
After the forward pass, the buffers of the pre-activations hold the slopes; the backward pass turns
these into gradients with respect to the pre-activations, in place. Samples are processed in tiles
and members in chunks that are small enough for the cache (see `chunks.py`).

It serves GPUs, and CPUs where `compiled_kernel.py` does not. On a CPU, compiled loops take the
place of elementwise operations (see `loops.py`); on a GPU, those of Triton compute activations (see
`gpu_loops.py`). They need contiguous arrays, so the views of a tile begin at the start of each
buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.checks import check_values
from enas_inr.backbones.layered import Activation, Encoding, Layer
from enas_inr.training import gpu_loops, graphs, loops
from enas_inr.training.chunks import ChunkPlan, tiles
from enas_inr.training.kernel import BlockData, ChunkState, Kernel, UpdateRule
from enas_inr.training.optimizers.base import DeviceStep, Numbers, Recordable, Step
from enas_inr.training.packing import LayeredPacking

FLOAT_BYTES = 4
MOST_ENCODED_BYTES = 2**28  # cached encoded coordinates; larger ones are recomputed each step


def supports(layers: tuple[Layer, ...]) -> bool:
    """Whether this kernel can train the layers: all but the last one must have an activation."""
    return all(layer.activation for layer in layers[:-1]) and layers[-1].activation is None


def member_bytes(layers: tuple[Layer, ...], points: int, tile: int, state: int) -> int:
    """Return the memory for training one member in bytes: numbers, inputs and scratch.

    Args:
        layers: layers of the network.
        points: number of samples.
        tile: number of samples at a time.
        state: bytes of the state of the optimizer.
    """
    numbers = LayeredPacking(layers).numbers
    hidden = [layer.out_features for layer in layers[:-1]]
    outputs = layers[-1].out_features
    scratch = sum(2 * width + 1 for width in hidden) + max(hidden, default=0) + outputs
    inputs = layers[0].in_features + 1 + outputs
    return state + FLOAT_BYTES * (2 * numbers + points * inputs + tile * scratch)


@dataclass(frozen=True, eq=False)
class _Hidden:
    """Scratch memory of one hidden layer for one tile, and its elementwise operations.

    Attributes:
        activate_: writes the values of the pre-activations in `slopes`, and overwrites these with
            slopes.
        multiply_: multiplies the slopes by `back`, the gradients with respect to the values.
    """

    with_ones: Float[Tensor, "members features1 points"]
    slopes: Float[Tensor, "members features points"]
    back: Float[Tensor, "members features points"]
    activate_: Callable[[], object]
    multiply_: Callable[[], object]

    @classmethod
    def of(cls, with_ones: Tensor, slopes: Tensor, back: Tensor, activation: Activation) -> _Hidden:
        """Use compiled loops on these contiguous tensors where there are any."""
        with_ones[:, -1] = 1
        compiled = slopes.is_cpu and loops.available()
        activate_: Callable[[], object]
        if compiled and (loop := loops.loop_of(activation)):
            activate_ = partial(loop, slopes.numpy(), with_ones.numpy())
        elif gpu_loop := gpu_loops.loop_of(activation, slopes.device):
            activate_ = partial(gpu_loop, slopes, with_ones)
        else:
            activate_ = partial(activation.value_and_slope_, slopes, with_ones[:, :-1])
        multiply_ = (
            partial(loops.multiply_, slopes.numpy(), back.numpy())
            if compiled
            else partial(slopes.mul_, back)
        )
        return cls(with_ones, slopes, back, activate_, multiply_)


@dataclass(frozen=True, eq=False)
class _Tile:
    """Views of all memory that one tile of samples uses.

    Attributes:
        transposed: inputs of each layer with the row of ones, `members points features1`.
    """

    inputs: Float[Tensor, "members features1 points"]
    targets: Float[Tensor, "members out points"]
    hidden: list[_Hidden]
    outputs: Float[Tensor, "members out points"]
    transposed: list[Tensor]


@dataclass(frozen=True, eq=False)
class _Bound:
    """Views of all memory that a step of one chunk uses; matrices are `members out in1`.

    They are made once for many steps, since a view takes as long to make as a short operation.

    Attributes:
        transposed: weights of each layer without the biases, `members in out`.
    """

    chunk: ChunkState
    weights: list[Tensor]
    transposed: list[Tensor]
    gradients: list[Tensor]
    numbers: tuple[Numbers, Numbers]
    tiles: list[_Tile]

    @property
    def device(self) -> torch.device:
        return self.chunk.weights.device


@final
class LayeredKernel(Kernel):
    """Minimises the mean squared error of layered networks by full-batch steps."""

    def __init__(
        self,
        encoding: Encoding,
        layers: tuple[Layer, ...],
        block: BlockData,
        rule: UpdateRule,
        plan: ChunkPlan,
    ) -> None:
        self._packing = LayeredPacking(layers)
        self._encoding, self._layers, self._block = encoding, layers, block
        self._rule = rule
        self._activations = [a for a in (layer.activation for layer in layers[:-1]) if a]
        points = len(block.coordinates)
        self._tiles = tiles(points, plan.tile)
        sizes = [stop - start for start, stop in self._tiles]
        tile = max(sizes)
        self._uneven = min(sizes) < tile  # so the rows of ones of two tiles overlap others' values
        out = layers[-1].out_features
        hidden = [layer.out_features for layer in layers[:-1]]

        def empty(*shape: int) -> Tensor:
            return torch.empty(plan.members, *shape, device=block.targets.device)

        rows = layers[0].in_features + 1
        self._kept = FLOAT_BYTES * plan.members * rows * points <= MOST_ENCODED_BYTES
        self._inputs = empty(rows, points if self._kept else tile).fill_(1)
        self._targets = empty(out, points)
        self._values = [empty(width + 1, tile).fill_(1) for width in hidden]
        self._slopes = [empty(width, tile) for width in hidden]
        self._outputs = empty(out, tile)
        self._back = empty(max(hidden, default=1) * tile).flatten()
        self._gradient = empty(self._packing.numbers).flatten()
        self._record = graphs.recorder(rule.optimizer, block.targets.device)
        self._recording: graphs.Recording | None = None
        self._recorded: ChunkState | None = None

    @torch.no_grad()
    def run(self, chunk: ChunkState, steps: Sequence[Step]) -> Float[Tensor, "steps members"]:
        """Train in place, and return the mean squared error of each member before each update."""
        bound = self._bind(chunk)
        if self._record and (bound.chunk is self._recorded or len(steps) >= graphs.LEAST_STEPS):
            norms = self._replayed(bound, self._record, steps)
        else:
            norms = torch.empty(len(steps), len(bound.tiles), chunk.members, device=bound.device)
            for row, step in enumerate(steps):
                self._differentiate(bound, norms[row])
                self._rule.update_(*bound.numbers, chunk, step)
        return norms.square_().sum(dim=1) / self._values_per_cell

    def _replayed(
        self, bound: _Bound, record: graphs.Record, steps: Sequence[Step]
    ) -> Float[Tensor, "steps tiles members"]:
        """Make steps from one that is recorded, anew for each chunk."""
        optimizer = self._rule.optimizer
        assert isinstance(optimizer, Recordable)

        def make(step: DeviceStep, norms: Tensor) -> None:
            self._differentiate(bound, norms)
            optimizer.record_(*bound.numbers, bound.chunk.state, step)

        if bound.chunk is not self._recorded:
            self._recording = None  # frees the memory of the last one first
            self._recording = graphs.Recording(len(bound.tiles), bound.chunk.members, bound.device)
            self._recorded = bound.chunk
        assert self._recording
        return self._recording.run(make, record, [self._rule.scaled(step) for step in steps])

    def _bind(self, chunk: ChunkState) -> _Bound:
        """Load a chunk to the scratch memory, and return all views that its steps use."""
        self._load(chunk)
        gradient = self._gradient[: chunk.weights.numel()]
        weights, gradients = self._packing.matrices(chunk.weights), self._packing.matrices(gradient)
        return _Bound(
            chunk=chunk,
            weights=weights,
            transposed=[matrix[:, :, :-1].transpose(1, 2) for matrix in weights],
            gradients=gradients,
            numbers=(self._packing.view(chunk.weights), self._packing.view(gradient)),
            tiles=[self._view(chunk.members, start, stop) for start, stop in self._tiles],
        )

    def _differentiate(self, bound: _Bound, norms: Float[Tensor, "tiles members"]) -> None:
        """Compute the gradients of a chunk, and the norms of its errors."""
        for index, tile in enumerate(bound.tiles):
            if not self._kept:
                self._encode(bound.chunk, *self._tiles[index])
            self._forward(tile, bound)
            self._compare(tile, bound, norms[index])
            self._backward(tile, bound, accumulate=index > 0)

    @property
    def _values_per_cell(self) -> int:
        return self._targets.shape[1] * self._targets.shape[2]

    def _load(self, chunk: ChunkState) -> None:
        """Copy the targets, and encoded coordinates if cached, to the scratch memory."""
        self._targets[: chunk.members].copy_(self._block.targets[chunk.cells].transpose(1, 2))
        for start, stop in self._tiles if self._kept else ():
            self._encode(chunk, start, stop)

    def _encode(self, chunk: ChunkState, start: int, stop: int) -> None:
        """Encode the coordinates of one tile."""
        coordinates = self._block.coordinates[start:stop].expand(chunk.members, -1, -1)
        features = self._encoding.apply(chunk.constants, coordinates)
        check_values(features, coordinates, self._layers[0].in_features, "the encoding")
        self._input_view(chunk.members, start, stop)[:, :-1].copy_(features.transpose(1, 2))

    def _input_view(self, members: int, start: int, stop: int) -> Tensor:
        if self._kept:
            return self._inputs[:members, :, start:stop]
        return self._inputs[:members, :, : stop - start]

    def _view(self, members: int, start: int, stop: int) -> _Tile:
        points = stop - start

        def start_of(buffer: Tensor, rows: int) -> Tensor:
            return buffer.flatten()[: members * rows * points].view(members, rows, points)

        widths = [layer.out_features for layer in self._layers[:-1]]
        hidden = [
            _Hidden.of(
                start_of(values, width + 1),
                start_of(slopes, width),
                start_of(self._back, width),
                activation,
            )
            for width, values, slopes, activation in zip(
                widths, self._values, self._slopes, self._activations, strict=True
            )
        ]
        inputs = self._input_view(members, start, stop)
        outputs = start_of(self._outputs, self._layers[-1].out_features)
        return _Tile(
            inputs=inputs,
            targets=self._targets[:members, :, start:stop],
            hidden=hidden,
            outputs=outputs,
            transposed=[h.transpose(1, 2) for h in (inputs, *(one.with_ones for one in hidden))],
        )

    def _forward(self, tile: _Tile, bound: _Bound) -> None:
        """Compute the values and slopes of the hidden layers."""
        below = tile.inputs
        for index, (layer, hidden) in enumerate(zip(self._layers, tile.hidden, strict=False)):
            hidden.slopes.baddbmm_(bound.weights[index], below, beta=0, alpha=layer.scale)
            hidden.activate_()
            if self._uneven:
                hidden.with_ones[:, -1] = 1
            below = hidden.with_ones

    def _compare(self, tile: _Tile, bound: _Bound, norms: Float[Tensor, " members"]) -> None:
        """Compute the errors of the last layer, and their norms."""
        scale = self._layers[-1].scale
        inputs = tile.hidden[-1].with_ones if tile.hidden else tile.inputs
        tile.outputs.baddbmm_(bound.weights[-1], inputs, beta=0, alpha=scale)
        tile.outputs.sub_(tile.targets)
        torch.linalg.vector_norm(tile.outputs, dim=(1, 2), out=norms)

    def _backward(self, tile: _Tile, bound: _Bound, *, accumulate: bool) -> None:
        """Compute the gradients of the mean squared error, or add to them, from the last layer."""
        delta = tile.outputs
        last = len(self._layers) - 1
        for index in range(last, -1, -1):
            scale, hidden = self._layers[index].scale, tile.hidden[index - 1] if index else None
            alpha = 2 / self._values_per_cell * scale if index == last else scale
            bound.gradients[index].baddbmm_(
                delta, tile.transposed[index], beta=int(accumulate), alpha=alpha
            )
            if hidden:
                hidden.back.baddbmm_(bound.transposed[index], delta, beta=0, alpha=alpha)
                hidden.multiply_()
                delta = hidden.slopes
