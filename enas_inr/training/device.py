"""The device on which to train."""

from __future__ import annotations

import platform

import torch

from enas_inr.errors import SpecError

__all__ = ["device_name", "resolve_device"]


def resolve_device(name: str) -> torch.device:
    """Find the device `auto` (the GPU if there is one), `cpu`, `cuda` or `cuda:N`.

    Also sets matrix products to full float32 precision, since TF32 changes the result of training.

    Raises:
        SpecError: the name is not valid, or the device is not available.
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
        raise SpecError(f"device {name!r} is not available (GPUs: {count})", "use --device cpu")
    return device


def device_name(device: torch.device) -> str:
    """Return the name that results record: `cpu`, or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def processor_name() -> str:
    """Return the name of the processor, if the system provides it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
