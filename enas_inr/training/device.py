"""The device on which to train."""

from __future__ import annotations

import platform

import torch

from enas_inr.errors import SpecError, is_missing_operation

__all__ = ["device_name", "lacks", "resolve_device"]


NAMES = "auto, cpu, cuda, cuda:N, mps or xpu"


def resolve_device(name: str) -> torch.device:
    """Find the device `auto` (with CUDA if there is one, else `cpu`) or the device with a name.

    Also sets matrix products to full float32 precision, since TF32 changes the result of training.

    Args:
        name: `auto`, `cpu`, `cuda`, `cuda:N`, `mps` (Apple) or `xpu` (Intel).

    Raises:
        SpecError: the name is not valid, or the device is not available.
    """
    torch.set_float32_matmul_precision("highest")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SpecError(f"unknown device {name!r}", f"use {NAMES}") from None
    if device.type == "cpu":
        return device
    if device.type not in {"cuda", "mps", "xpu"}:
        raise SpecError(f"device {name!r} is not supported", f"use {NAMES}")
    count = gpu_count(device.type)
    if (device.index or 0) >= count:
        raise SpecError(f"device {name!r} is not available (GPUs: {count})", "use --device cpu")
    return device


def gpu_count(kind: str) -> int:
    """Return the number of available devices of type `cuda`, `mps` or `xpu`."""
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    backend = torch.cuda if kind == "cuda" else torch.xpu
    return backend.device_count() if backend.is_available() else 0


def device_name(device: torch.device) -> str:
    """Return the name that results record: the type, or for CUDA and XPU the name of the GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return torch.xpu.get_device_name(device) if device.type == "xpu" else device.type


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


def lacks(device: torch.device, error: Exception) -> bool:
    """Whether an error says that PyTorch lacks an operation on a device other than CPU and CUDA."""
    return device.type not in {"cpu", "cuda"} and is_missing_operation(error)
