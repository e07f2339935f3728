"""Store numbers in fewer bits: float16, or int8 with a scale for each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from enas_inr.model.header import Precision

SCALE = ".scale"  # suffix of the tensor with the scales of an int8 tensor
LEVELS = 127
LEAST = 8  # numbers of a channel that are worth a scale of 4 bytes


def quantise(name: str, leaf: Tensor, precision: Precision) -> dict[str, Tensor]:
    """Turn a float32 (or complex64) leaf into the tensors that are stored for it.

    int8 is per channel: one scale for all numbers that share every axis but the last, such as the
    weights of one unit or the biases of one layer of one member. What has only a few numbers a
    channel, so that a scale would not pay, and what is complex, is kept as float16.
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
    """Turn stored tensors back into a leaf of the type of `like`."""
    values = stored[name].to(torch.float32)
    if name + SCALE in stored:
        values = values * stored[name + SCALE]
    return torch.view_as_complex(values) if like.is_complex() else values
