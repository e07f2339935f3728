"""The kernel for layered networks on a CPU: a gradient is one call of compiled code.

See `member_step.py` for the computation, and `layered_kernel.py` for the same by torch, which is
used where a loop cannot be compiled, and on GPUs. A member is trained by one core: on two cores,
even a single one is trained faster than by torch, which splits its operations over both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.checks import check_values
from enas_inr.backbones.layered import Encoding, Layer, NoEncoding
from enas_inr.errors import one_line, warn_once
from enas_inr.spec import TrainingSpec
from enas_inr.training import loops
from enas_inr.training.kernel import BlockData, ChunkState, Kernel, UpdateRule
from enas_inr.training.member_step import adam_steps_, gradients_
from enas_inr.training.network import Address, Network, address_of
from enas_inr.training.optimizers.adam import Adam
from enas_inr.training.optimizers.base import Step
from enas_inr.training.packing import LayeredPacking
from enas_inr.training.products import FLOAT_BYTES

TILE = 64  # samples at a time; measured on cores with 512 KiB and 1 MiB of L2
MOST_ENCODED_BYTES = 2**28  # of a member; torch's kernel encodes coordinates tile by tile


def compiled_loops(
    encoding: Encoding, layers: tuple[Layer, ...], points: int
) -> Sequence[Address] | None:
    """Return the loops of the hidden layers if this kernel can train the layers, or None."""
    if not available() or _encoded_bytes(encoding, layers, points) > MOST_ENCODED_BYTES:
        return None
    found = [loops.loop_of(layer.activation) for layer in layers[:-1] if layer.activation]
    called = [address for loop in found if loop and (address := address_of(loop))]
    return called if len(called) == len(found) else None


@cache
def available() -> bool:
    """Whether the step can be compiled; warns if it cannot where the loops can."""
    if not loops.available():
        return False
    try:
        network = Network.of([Layer(1, 1, weight_bound=1.0, bias_bound=1.0)], [], TILE)
        weights, first, second = np.zeros((3, 2), np.float32)
        sample, loss = np.zeros((1, 1, 1), np.float32), np.zeros((1, 1), np.float32)
        adam = Adam(TrainingSpec()).numbers([Step(1, 0.0)])
        scratch, cell = np.zeros(network.floats, np.float32), np.zeros(1, np.int64)
        adam_steps_(weights, first, second, sample, sample, cell, loss, adam, network, scratch)
    except Exception as error:  # whatever numba, LLVM or the cache may raise
        warn_once(f"torch trains layered networks, which is slower: {one_line(error)}")
        return False
    return True


def member_bytes(encoding: Encoding, layers: tuple[Layer, ...], points: int, state: int) -> int:
    """Return the memory for training one member in bytes, given that of the optimizer's state."""
    numbers = LayeredPacking(layers).numbers
    return state + FLOAT_BYTES * 2 * numbers + _encoded_bytes(encoding, layers, points)


def _encoded_bytes(encoding: Encoding, layers: tuple[Layer, ...], points: int) -> int:
    """Return the memory of the features of one member; without an encoding, all share them."""
    return 0 if isinstance(encoding, NoEncoding) else FLOAT_BYTES * points * layers[0].in_features


@final
class CompiledKernel(Kernel):
    """Minimises the mean squared error of layered networks by full-batch steps."""

    def __init__(
        self,
        encoding: Encoding,
        layers: tuple[Layer, ...],
        block: BlockData,
        rule: UpdateRule,
        loops: Sequence[Address],
    ) -> None:
        self._packing = LayeredPacking(layers)
        self._encoding, self._block, self._rule = encoding, block, rule
        self._features = layers[0].in_features
        self._targets = block.targets.contiguous().numpy()
        self._network = Network.of(layers, loops, TILE)
        self._scratch = np.zeros(self._network.floats, np.float32)

    @torch.no_grad()
    def run(self, chunk: ChunkState, steps: Sequence[Step]) -> Float[Tensor, "steps members"]:
        """Train in place, and return the mean squared error of each member before each update."""
        losses = torch.empty(len(steps), chunk.members)
        data = self._encode(chunk).numpy(), self._targets, chunk.cells.numpy()
        optimizer = self._rule.optimizer
        if isinstance(optimizer, Adam):
            adam = optimizer.numbers([self._rule.scaled(step) for step in steps])
            adam_steps_(
                chunk.weights.numpy(),
                chunk.state["first_moment"].numpy(),
                chunk.state["second_moment"].numpy(),
                *data,
                losses.numpy(),
                adam,
                self._network,
                self._scratch,
            )
            return losses
        gradient = torch.empty_like(chunk.weights)
        weights, slopes = self._packing.view(chunk.weights), self._packing.view(gradient)
        for row, step in zip(losses, steps, strict=True):
            gradients_(
                chunk.weights.numpy(),
                gradient.numpy(),
                *data,
                row.numpy(),
                self._network,
                self._scratch,
            )
            self._rule.update_(weights, slopes, chunk, step)
        return losses

    def _encode(self, chunk: ChunkState) -> Float[Tensor, "members samples features"]:
        """Return the features of the samples, of one member if those of all are equal."""
        coordinates = self._block.coordinates.expand(chunk.members, -1, -1)
        features = self._encoding.apply(chunk.constants, coordinates)
        check_values(features, coordinates, self._features, "the encoding")
        shared = features.stride(0) == 0
        return (features[:1] if shared else features).contiguous()
