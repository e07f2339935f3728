"""Elementwise loops that numba compiles: value and slope of an activation in one pass.

torch computes a sine and a cosine of the same numbers in two passes, and a slope times a factor in
a third. A compiled loop reads each number once. The rules by which numba vectorises such a loop:

- The arguments are whole C-contiguous arrays, and the innermost loop goes along the last axis.
- All constants are `np.float32`, integers `np.int32`; signs are changed bit by bit.
- Roundings are `np.rint`, not casts.

Compiled code is cached on disk: beside the module if its folder is writable, else in the user's
cache directory (`NUMBA_CACHE_DIR` names another one). `NUMBA_DISABLE_JIT=1` switches all loops off.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from enas_inr.backbones import sine as constants
from enas_inr.backbones.layered import Loop, Rows

try:
    import numba
except ImportError:  # torch does everything then; see `training/loops.py`
    numba = None  # type: ignore[assignment]

__all__ = [
    "FAST",
    "compiled",
    "exponential",
    "far",
    "inlined",
    "is_compiled",
    "sincos",
    "sincos_far",
]

F = TypeVar("F", bound=Callable[..., Any])

ENABLED = numba is not None and not getattr(numba.config, "DISABLE_JIT", 0)
"""Whether loops are compiled at all."""

# No reassociation: a range reduction relies on the order of its operations.
EXACT = frozenset({"contract", "nsz"})
FAST = frozenset({"afn", "arcp", "contract", "nsz", "reassoc"})
"""Allows sums in any order and approximate divisions; NaN stays NaN."""


def compiled(function: F, *, inline: bool = False, fastmath: frozenset[str] = EXACT) -> F:
    """Compile a function when it is first called, for the types of its arguments.

    It runs without Python's global lock, so that several threads can train side by side.

    Args:
        function: a function that numba can compile, defined at the top level of a module.
        inline: whether other loops use it and it is not called on its own.
        fastmath: assumptions that the compiler may make, by the names of LLVM.

    Returns:
        The compiled function; `function` itself if numba is absent or has no folder for its cache.
    """
    plain = inspect.unwrap(function)
    if not ENABLED:
        return function
    try:
        made: Any = numba.njit(
            plain,
            nogil=True,
            error_model="numpy",
            fastmath=set(fastmath),
            inline="always" if inline else "never",
            cache=not inline,
        )
    except RuntimeError:  # no folder to cache in: compiling in every process would cost seconds
        return function
    return cast(F, made)


def inlined(function: F) -> F:
    """Mark a function as a part of compiled loops, which is not called on its own."""
    return compiled(function, inline=True)


def is_compiled(loop: Loop) -> bool:
    """Whether a loop, or the function of a `functools.partial`, is compiled code."""
    return hasattr(getattr(loop, "func", loop), "py_func")


def _reinterpret() -> tuple[Any, Any]:
    """Return functions of compiled code between the bits of an integer and a float32."""
    from llvmlite import ir
    from numba.extending import intrinsic

    def bits_as(kind: Any, found: Any, given: Any) -> Any:
        @intrinsic
        def reinterpret(typing: Any, value: Any) -> Any:
            def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                return builder.bitcast(arguments[0], kind)

            return found(given), build

        return reinterpret

    floats, integers = numba.float32, numba.int32
    return (
        bits_as(ir.FloatType(), floats, integers),
        bits_as(ir.IntType(32), integers, floats),
    )


_float_of_bits, _bits_of_float = _reinterpret() if ENABLED else (np.float32, np.int32)


_ONE, _HALF = np.float32(1), np.float32(0.5)
_INT_ONE, _INT_TWO = np.int32(1), np.int32(2)
_TO_SIGN = np.int32(30)  # moves the second bit to the sign of a float

_QUARTERS, _HIGH = np.float32(constants.QUARTERS), np.float32(constants.HIGH)
_MIDDLE, _LOW = np.float32(constants.MIDDLE), np.float32(constants.LOW)
FARTHEST = np.float32(constants.FARTHEST)
_S1, _S2, _S3 = (np.float32(c) for c in constants.SINE)
_C1, _C2, _C3 = (np.float32(c) for c in constants.COSINE)


@inlined
def sincos(z: np.float32) -> tuple[np.float32, np.float32]:
    """Return the sine and the cosine of a number of at most 1e5, with errors below 6e-8.

    The number is reduced to [-pi/4, pi/4] as a sum of two numbers, of which `rest` is the part that
    float32 loses (Cody and Waite, 1980).
    """
    turns = np.rint(z * _QUARTERS)
    quadrant = np.int32(turns)
    near = (z - turns * _HIGH) - turns * _MIDDLE
    low = turns * _LOW
    r = near - low
    rest = (near - r) - low
    square = r * r
    sine = r + (r * square * (_S1 + square * (_S2 + square * _S3)) + rest)
    half = _HALF * square
    cosine = _ONE - half
    fourth = square * square * (_C1 + square * (_C2 + square * _C3))
    cosine = cosine + (((_ONE - cosine) - half) + (fourth - r * rest))
    odd = (quadrant & _INT_ONE) != 0
    first = _bits_of_float(cosine if odd else sine)
    second = _bits_of_float(sine if odd else cosine)
    return (
        _float_of_bits(first ^ ((quadrant & _INT_TWO) << _TO_SIGN)),
        _float_of_bits(second ^ (((quadrant + _INT_ONE) & _INT_TWO) << _TO_SIGN)),
    )


@inlined
def sincos_far(z: np.float32) -> tuple[np.float32, np.float32]:
    """Return the sine and the cosine of any number. It is not vectorised, and so slow."""
    wide = np.float64(z)
    return np.float32(math.sin(wide)), np.float32(math.cos(wide))


# exp(r) = 1 + r + r^2 P(r) for r in [-ln(2)/2, ln(2)/2]: Moshier, Cephes, `expf.c`.
_E0, _E1, _E2 = np.float32(1.98756915e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_E3, _E4, _E5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001e-1)
_LOG2_E = np.float32(1 / math.log(2))
_LN2_HIGH = np.float32(355 / 2**9)
_LN2_LOW = np.float32(math.log(2) - 355 / 2**9)
_LEAST, _MOST = np.float32(-87), np.float32(88)  # beyond, the exponential leaves float32
_BIAS, _MANTISSA_BITS = np.int32(127), np.int32(23)


@inlined
def exponential(x: np.float32) -> np.float32:
    """Return exp(x) with a relative error below 2e-7; `x` is held between -87 and 88."""
    x = _LEAST if x < _LEAST else x
    x = _MOST if x > _MOST else x
    power = np.rint(x * _LOG2_E)
    r = (x - power * _LN2_HIGH) - power * _LN2_LOW
    high = (_E0 * r + _E1) * r + _E2
    value = ((high * r + _E3) * r + _E4) * r + _E5
    value = (value * (r * r) + r) + _ONE
    scaled: np.float32 = value * _float_of_bits((np.int32(power) + _BIAS) << _MANTISSA_BITS)
    return scaled


@inlined
def far(row: Rows) -> bool:
    """Whether some number of a row is too large for `sincos`, or is not a number."""
    found = np.int32(0)
    for point in range(row.size):
        found |= np.int32(not np.abs(row[point]) <= FARTHEST)
    return bool(found != 0)


@compiled
def sine_loop(z: Rows, out: Rows) -> None:
    """The loop of the sine."""
    for member in range(z.shape[0]):
        for feature in range(z.shape[1]):
            row, values = z[member, feature], out[member, feature]
            if far(row):
                for point in range(row.size):
                    values[point], row[point] = sincos_far(row[point])
            else:
                for point in range(row.size):
                    values[point], row[point] = sincos(row[point])


@compiled
def rectifier_loop(z: Rows, out: Rows) -> None:
    """The loop of max(z, 0); a number that is none stays none."""
    for member in range(z.shape[0]):
        for feature in range(z.shape[1]):
            row, values = z[member, feature], out[member, feature]
            for point in range(row.size):
                number = row[point]
                positive = number > np.float32(0)
                values[point] = np.float32(0) if number < np.float32(0) else number
                row[point] = np.float32(positive)
