"""Elementwise loops that Triton compiles for GPUs: value and slope of an activation in one pass.

torch reads the same numbers once for a sine and once for a cosine. A kernel here reads each number
once. Activations import this module only when a network is trained on a GPU, since Triton is not
installed everywhere. With `TRITON_INTERPRET=1`, Triton runs the same kernels on a CPU, slowly.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import triton
import triton.language as tl
from torch import Tensor

from enas_inr.backbones import sine as constants

__all__ = ["compiled", "launch", "places", "sincos"]

BLOCK = 1024  # numbers for each program


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function of Triton when it is first called; without what tests wrap around it."""
    return triton.jit(inspect.unwrap(function))


_QUARTERS, _FARTHEST = tl.constexpr(constants.QUARTERS), tl.constexpr(constants.FARTHEST)
_HIGH, _MIDDLE, _LOW = (tl.constexpr(c) for c in (constants.HIGH, constants.MIDDLE, constants.LOW))
_S1, _S2, _S3 = (tl.constexpr(c) for c in constants.SINE)
_C1, _C2, _C3 = (tl.constexpr(c) for c in constants.COSINE)
_ROUNDING = tl.constexpr(1.5 * 2**23)  # added and subtracted, it rounds a float32 to an integer


@compiled
def _near(z):
    """Return the sine and the cosine of numbers of at most 1e5; see `loops.sincos`."""
    turns = (z * _QUARTERS + _ROUNDING) - _ROUNDING
    quadrant = turns.to(tl.int32)
    near = (z - turns * _HIGH) - turns * _MIDDLE
    low = turns * _LOW
    r = near - low
    rest = (near - r) - low
    square = r * r
    sine = r + (r * square * (_S1 + square * (_S2 + square * _S3)) + rest)
    half = 0.5 * square
    cosine = 1.0 - half
    fourth = square * square * (_C1 + square * (_C2 + square * _C3))
    cosine = cosine + (((1.0 - cosine) - half) + (fourth - r * rest))
    odd = (quadrant & 1) != 0
    first = tl.where(odd, cosine, sine)
    second = tl.where(odd, sine, cosine)
    return (
        first * (1 - (quadrant & 2)).to(tl.float32),
        second * (1 - ((quadrant + 1) & 2)).to(tl.float32),
    )


@compiled
def sincos(z):
    """Return the sine and the cosine of a block of float32 numbers, with errors below 6e-8.

    A block with a number beyond 1e5 is left to the functions of the device, which are slower.
    """
    if tl.max(tl.abs(z), axis=0) > _FARTHEST:
        sine, cosine = tl.sin(z), tl.cos(z)
    else:
        sine, cosine = _near(z)
    return sine, cosine


@compiled
def places(size, stride, blocks, BLOCK: tl.constexpr):  # noqa: N803 - a constant of the kernel
    """Return where the numbers of this program are in `z` and in `out`, and which of them exist.

    See `launch` for the arguments. Offsets within a member fit 32 bits, those of members may not.
    """
    program = tl.program_id(0)
    member = (program // blocks).to(tl.int64)
    place = (program % blocks) * BLOCK + tl.arange(0, BLOCK)
    return member * size + place, member * stride + place, place < size


@compiled
def _sine(z, out, size, stride, blocks, BLOCK: tl.constexpr):  # noqa: N803
    here, there, exists = places(size, stride, blocks, BLOCK)
    sine, cosine = sincos(tl.load(z + here, mask=exists, other=0.0))
    tl.store(out + there, sine, mask=exists)
    tl.store(z + here, cosine, mask=exists)


@compiled
def _rectifier(z, out, size, stride, blocks, BLOCK: tl.constexpr):  # noqa: N803
    here, there, exists = places(size, stride, blocks, BLOCK)
    number = tl.load(z + here, mask=exists, other=0.0)
    tl.store(out + there, tl.where(number < 0, 0.0, number), mask=exists)
    tl.store(z + here, (number > 0).to(tl.float32), mask=exists)


def launch(kernel: Any, z: Tensor, out: Tensor, *numbers: float) -> None:
    """Run a kernel over all numbers of `z`, on the current stream.

    Args:
        kernel: called as `kernel(z, out, size, stride, blocks, *numbers, BLOCK)`, where each member
            has `size` numbers in `z`, its numbers in `out` are `stride` apart from those of the
            next one, and `blocks` programs share its work.
        z: contiguous numbers `members features points`.
        out: contiguous numbers `members features+n points`.
        numbers: further arguments of the kernel.
    """
    members, features, points = z.shape
    size = features * points
    blocks = triton.cdiv(size, BLOCK)
    stride = out.shape[1] * points
    kernel[(members * blocks,)](z, out, size, stride, blocks, *numbers, BLOCK=BLOCK)


def sine_loop(z: Tensor, out: Tensor) -> None:
    """The loop of the sine."""
    launch(_sine, z, out)


def rectifier_loop(z: Tensor, out: Tensor) -> None:
    """The loop of max(z, 0); a number that is none stays none."""
    launch(_rectifier, z, out)
