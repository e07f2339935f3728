"""Where to train."""

from __future__ import annotations

import torch

from enas_inr.errors import SpecError

__all__ = ["device_name", "resolve_device"]


def resolve_device(name: str) -> torch.device:
    """Find `auto` (the GPU if there is one), `cpu`, `cuda` or `cuda:N`.

    Matrix products are set to full float32 precision: TF32 changes what a training converges to.

    Raises:
        SpecError: no such device here.
    """
    torch.set_float32_matmul_precision("highest")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SpecError(f"unknown device {name!r}", "use auto, cpu, cuda or cuda:N") from None
    if device.type not in {"cpu", "cuda"}:
        raise SpecError(f"device {name!r} is not supported", "use auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        raise SpecError(f"device {name!r} is not here ({count} GPUs found)", "use --device cpu")
    return device


def device_name(device: torch.device) -> str:
    """What a result records: `cpu`, or the GPU's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
