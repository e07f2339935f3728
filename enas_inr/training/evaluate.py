"""Evaluate an ensemble at the samples on which it was trained."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.signals.partition import assemble, cell_coordinates
from enas_inr.spec import TrainingSpec
from enas_inr.training.batch import Job

UNITS_AT_ONCE = 2**22  # hidden units times samples, 16 MiB for each buffer


@torch.no_grad()
def evaluate(
    job: Job, params: tuple[Params, ...], training: TrainingSpec, repeat: int
) -> Float[Tensor, "*axes channels"]:
    """Reconstruct the whole signal from the members of one repeat.

    Args:
        job: the architecture and the cells.
        params: leaves `repeats cells ...` on the CPU for each block of the partition.
        training: training settings, which contain the coordinate convention.
        repeat: index of the repeat.
    """
    outputs = []
    for block, leaves in zip(job.partition.blocks, params, strict=True):
        members = {name: leaf[repeat] for name, leaf in leaves.items()}
        coordinates = cell_coordinates(block.shape, training.coordinates, extent=training.extent)
        output = torch.empty(len(block.cells), len(coordinates), job.shape.out_features)
        points = max(1, UNITS_AT_ONCE // max(job.shape.width, 1))
        cells = max(1, points // len(coordinates))
        for first in range(0, len(block.cells), cells):
            some = {name: leaf[first : first + cells] for name, leaf in members.items()}
            for start in range(0, len(coordinates), points):
                count = min(cells, len(block.cells) - first)
                x = coordinates[start : start + points].expand(count, -1, -1)
                values = job.backbone.forward(job.shape, some, x)
                output[first : first + cells, start : start + points] = values
        outputs.append(output)
    return assemble(job.partition, outputs)
