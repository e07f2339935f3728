"""What compiled code knows of a network: its layers, and the memory for training one member."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from enas_inr.backbones.layered import Layer, Loop
from enas_inr.backbones.loops import ENABLED, is_compiled
from enas_inr.training.products import padded

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

FORWARD, BACKWARD, GRADIENT, ACROSS, BIASES, VALUES, SLOPES = range(7)
"""The columns of `Network.places`."""


class Address(NamedTuple):
    """Where compiled code finds a loop.

    Attributes:
        address: address of the function.
        number: its first argument; NaN if it has none.
    """

    address: int
    number: float


class Network(NamedTuple):
    """The layers of a network, and where their matrices are in the scratch memory of one member.

    The memory begins with a row of zeros.

    Attributes:
        sizes: features of the input, then units of each layer.
        starts: the numbers of one member before those of each layer.
        scales: factor of each layer.
        loops: address of the loop of each hidden layer.
        numbers: the first argument of each of these loops; NaN if it has none.
        places: for each layer, the positions of its transposed weights with the biases, times its
            factor; of its weights, for the last layer; of its gradients `units inputs1`; of those
            of the first layer across, `inputs units`, whose other rows are short; of those of the
            biases; of its values; and of its pre-activations, which become slopes, then deltas.
        back: position of the gradients with respect to the values of a layer.
        tile: most samples at a time.
        floats: size of the scratch memory.
    """

    sizes: Integers
    starts: Integers
    scales: Floats
    loops: Integers
    numbers: Floats
    places: Integers
    back: int
    tile: int
    floats: int

    @classmethod
    def of(cls, layers: Sequence[Layer], loops: Sequence[Address], tile: int) -> Network:
        """Place the matrices of layers one after the other.

        Args:
            layers: the layers.
            loops: addresses of the loops of the hidden layers.
            tile: most samples at a time.
        """
        sizes = [layers[0].in_features, *(layer.out_features for layer in layers)]
        widest = padded(max(sizes))
        places, starts, end = [], [0], widest
        for index, (inputs, units) in enumerate(pairwise(sizes)):
            last = index == len(layers) - 1
            starts.append(starts[-1] + units * (inputs + 1))
            floats = [
                (inputs + 1) * padded(units),
                units * padded(inputs) if last else 0,
                units * padded(inputs + 1),
                0 if index else inputs * padded(units),
                padded(units),
                tile * padded(units),
                tile * padded(units),
            ]
            *layer, end = accumulate(floats, initial=end)
            places.append(layer)
        return cls(
            sizes=np.array(sizes, np.int64),
            starts=np.array(starts, np.int64),
            scales=np.array([layer.scale for layer in layers], np.float32),
            loops=np.array([loop.address for loop in loops], np.int64),
            numbers=np.array([loop.number for loop in loops], np.float32),
            places=np.array(places, np.int64),
            back=end,
            tile=tile,
            floats=end + tile * widest,
        )


def _by_address() -> tuple[Any, Any, Any, Any]:
    """Return the signatures of loops without and with a number, and functions at an address."""
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    def function_at(signature: Any) -> Any:
        kind = types.FunctionType(signature)

        def build(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            made = cgutils.create_struct_proxy(kind)(context, builder)  # type: ignore[no-untyped-call]
            made.c_addr = builder.inttoptr(arguments[0], cgutils.voidptr_t)
            return made._getvalue()

        @intrinsic
        def at(typing: Any, address: Any) -> Any:
            return kind(types.int64), build

        return at

    rows = types.Array(types.float32, 3, "C")
    plain, numbered = types.void(rows, rows), types.void(types.float32, rows, rows)
    return plain, numbered, function_at(plain), function_at(numbered)


_PLAIN: Any
_NUMBERED: Any
plain_at: Any
numbered_at: Any
_PLAIN, _NUMBERED, plain_at, numbered_at = _by_address() if ENABLED else (None,) * 4


def address_of(loop: Loop) -> Address | None:
    """Return the address of a loop; None if compiled code cannot call it.

    Args:
        loop: a function, or a `functools.partial` of one with a number as its first argument.
    """
    from numba.core.types import CompileResultWAP

    if not is_compiled(loop):
        return None
    function: Any = loop
    signature, number = _PLAIN, math.nan
    if isinstance(loop, partial):
        if len(loop.args) != 1 or loop.keywords:
            return None
        function, signature, number = loop.func, _NUMBERED, float(loop.args[0])
    try:
        found = CompileResultWAP(function.get_compile_result(signature)).__wrapper_address__()
    except Exception:  # whatever numba may raise for types that the loop was not written for
        return None
    return Address(found, number)
