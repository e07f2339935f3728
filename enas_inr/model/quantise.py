"""Quantisation of numbers to float16, or to integers with a scale.

Storing restored numbers again gives the same bytes: the largest level is 2^k - 1, so that the scale
of `scale * (2^k - 1)`, rounded to float32, is `scale` again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from enas_inr.model.header import LeafPrecision

SCALE = ".scale"  # suffix of the tensor with the scales of an int8 or int16 tensor
LEVELS = {torch.int8: 127, torch.int16: 32767}
LEAST = 8  # numbers in a channel, below which a scale of 4 bytes would not save space


def quantise(name: str, leaf: Tensor, precision: LeafPrecision) -> dict[str, Tensor]:
    """Convert a float32 or complex64 leaf to the tensors that are stored for it.

    int8 has one scale for each channel. A channel holds the numbers along the last axis, such as
    the weights of one unit, or the biases of one layer of one member. Leaves with so few numbers in
    a channel that a scale would not save space, with one number for each member, and complex leaves
    are stored as float16.

    int16 has one scale for each member. Its steps are finer than those of float16 for numbers of
    similar size, such as the frequencies of a first layer.
    """
    real = torch.view_as_real(leaf) if leaf.is_complex() else leaf
    if precision == "float32":
        return {name: real.contiguous()}
    if precision == "int16":
        return _scaled(name, real, torch.int16, tuple(range(1, real.ndim)))
    few = leaf.ndim < 2 or leaf.shape[-1] < LEAST
    if precision == "float16" or leaf.is_complex() or few:
        return {name: real.to(torch.float16).contiguous()}
    return _scaled(name, real, torch.int8, (-1,))


def _scaled(name: str, leaf: Tensor, kind: torch.dtype, axes: tuple[int, ...]) -> dict[str, Tensor]:
    """Round a leaf to integers; numbers along these axes share a scale."""
    largest = leaf.abs().amax(dim=axes, keepdim=True) if axes else leaf.abs()
    scale = (largest / LEVELS[kind]).clamp_min(torch.finfo(leaf.dtype).tiny)
    levels = (leaf / scale).round().clamp(-LEVELS[kind], LEVELS[kind]).to(kind)
    return {name: levels.contiguous(), name + SCALE: scale.contiguous()}


def restore(name: str, stored: dict[str, Tensor], like: Tensor) -> Tensor:
    """Convert stored tensors back to a leaf of the type of `like`."""
    values = stored[name].to(torch.float32)
    if name + SCALE in stored:
        values = values * stored[name + SCALE]
    return torch.view_as_complex(values) if like.is_complex() else values


def fits(name: str, stored: Mapping[str, Tensor], like: Tensor) -> bool:
    """Whether stored tensors are those of a leaf of the type and shape of `like`."""
    found, scale = stored[name], stored.get(name + SCALE)
    shape = (*like.shape, 2) if like.is_complex() else tuple(like.shape)
    if tuple(found.shape) != shape:
        return False
    if found.dtype not in LEVELS:
        return found.dtype in (torch.float32, torch.float16) and scale is None
    if scale is None or scale.dtype != torch.float32 or scale.ndim != found.ndim:
        return False
    return all(ours in (1, its) for ours, its in zip(scale.shape, shape, strict=True))


def finest(precisions: Iterable[LeafPrecision]) -> LeafPrecision:
    """Return the finest of some precisions of a leaf."""
    return max(precisions, key=_BY_FINENESS.index)


_BY_FINENESS: tuple[LeafPrecision, ...] = ("int8", "float16", "int16", "float32")
