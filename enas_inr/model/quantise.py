"""Quantisation of numbers to float16, or to int8 with a scale for each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from enas_inr.model.header import Precision

SCALE = ".scale"  # suffix of the tensor with the scales of an int8 tensor
LEVELS = 127
LEAST = 8  # numbers in a channel, below which a scale of 4 bytes would not save space


def quantise(name: str, leaf: Tensor, precision: Precision) -> dict[str, Tensor]:
    """Convert a float32 or complex64 leaf to the tensors that are stored for it.

    int8 has one scale for each channel. A channel holds the numbers along the last axis, such as
    the weights of one unit, or the biases of one layer of one member. Leaves with so few numbers in
    a channel that a scale would not save space, and complex leaves, are stored as float16.
    """
    real = torch.view_as_real(leaf) if leaf.is_complex() else leaf
    if precision == "float32":
        return {name: real.contiguous()}
    if precision == "float16" or leaf.is_complex() or leaf.shape[-1] < LEAST:
        return {name: real.to(torch.float16).contiguous()}
    scale = (leaf.abs().amax(dim=-1, keepdim=True) / LEVELS).clamp_min(torch.finfo(leaf.dtype).tiny)
    levels = (leaf / scale).round().clamp(-LEVELS, LEVELS).to(torch.int8)
    return {name: levels.contiguous(), name + SCALE: scale.contiguous()}


def restore(name: str, stored: dict[str, Tensor], like: Tensor) -> Tensor:
    """Convert stored tensors back to a leaf of the type of `like`."""
    values = stored[name].to(torch.float32)
    if name + SCALE in stored:
        values = values * stored[name + SCALE]
    return torch.view_as_complex(values) if like.is_complex() else values
