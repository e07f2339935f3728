"""The compiled loops of activations on a GPU, and whether they can be used.

Where Triton is absent or fails, torch computes values and slopes in two passes instead of one; this
is logged once. Two other elementwise operations of a step are a single kernel of torch already: the
product with the slopes, and the fused update of Adam.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from enas_inr.backbones.layered import Activation, TensorLoop
from enas_inr.errors import is_out_of_memory, one_line, warn_once


@lru_cache(maxsize=1024)
def loop_of(activation: Activation, device: torch.device) -> TensorLoop | None:
    """Return the loop of an activation after a first call, which compiles it.

    Returns:
        The loop; None if the device is not a GPU of CUDA (or ROCm), if the activation brings none,
        or if it fails, which is logged.
    """
    if device.type != "cuda":
        return None
    try:
        loop = activation.gpu_loop()
        if loop is not None:
            loop(torch.ones(1, 1, 1, device=device), torch.ones(1, 2, 1, device=device))
        return loop
    except ImportError as error:
        warn_once(f"torch computes activations on the GPU in two passes: {one_line(error)}")
    except Exception as error:  # whatever Triton, its compiler or the driver may raise
        if is_out_of_memory(error):
            raise
        name = type(activation).__name__
        warn_once(f"torch computes {name}, since its loop for GPUs fails: {one_line(error)}")
    return None
