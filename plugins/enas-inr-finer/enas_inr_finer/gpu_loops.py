"""The loop of the sine with a variable period for GPUs; imported when training on one."""

import triton.language as tl
from torch import Tensor

from enas_inr.backbones.triton_loops import compiled, launch, places, sincos


@compiled
def _variable_sine(z, out, size, stride, blocks, omega, BLOCK: tl.constexpr):  # noqa: N803
    here, there, exists = places(size, stride, blocks, BLOCK)
    number = tl.load(z + here, mask=exists, other=0.0)
    distance = tl.abs(number)
    sine, cosine = sincos((distance + 1.0) * number * omega)
    tl.store(out + there, sine, mask=exists)
    tl.store(z + here, cosine * omega * (2.0 * distance + 1.0), mask=exists)


def variable_sine_loop(omega: float, z: Tensor, out: Tensor) -> None:
    """Write sin(omega (|z| + 1) z) to `out`, and its slope over `z`."""
    launch(_variable_sine, z, out, omega)
