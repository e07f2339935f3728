"""Evaluate the stages of a backbone as a browser does, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from enas_inr.backbones.base import Params
from enas_inr.backbones.stages import Dense, Lookup, Stage, check_expression

Values = NDArray[np.float64] | NDArray[np.complex128]

_FUNCTIONS = {
    name: getattr(np, name) for name in ("abs", "cos", "exp", "log", "sin", "sqrt", "tanh")
}
_FUNCTIONS |= {"max": np.maximum, "min": np.minimum}


def evaluated(
    stages: Sequence[Stage], params: Params, x: Float[Tensor, "members points in"]
) -> Float[Tensor, "members points out"]:
    """Return what the stages make of the points of each member."""
    values: Values = x.double().numpy()
    for stage in stages:
        evaluate = _lookup if isinstance(stage, Lookup) else _dense
        values = evaluate(stage, params, values)  # type: ignore[arg-type]
    return x.new_tensor(values)


def _dense(stage: Dense, params: Params, x: Values) -> Values:
    weight, bias = (
        (params[one] if isinstance(one, str) else one).resolve_conj().numpy()
        for one in (stage.weight, stage.bias)
    )
    z = stage.scale * (np.einsum("mpi,moi->mpo", x, weight) + bias[:, None])
    if isinstance(stage.activation, tuple):
        real, imaginary = (_value(text, x=z.real, y=z.imag) for text in stage.activation)
        return np.asarray(real + 1j * imaginary)
    return z.real if stage.activation is None else _value(stage.activation, z=z.real)


def _value(text: str, **names: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evaluate an expression, which has nothing but names, numbers, arithmetic and functions."""
    code = check_expression(text, names)
    return np.asarray(eval(code, {"__builtins__": {}}, {**_FUNCTIONS, **names}))


def _lookup(stage: Lookup, params: Params, x: Values) -> Values:
    found = []
    for name, resolution in zip(stage.tables, stage.resolutions, strict=True):
        table = params[name].double().numpy()
        features: Any = 0
        place = (x / stage.span + 1) * resolution / 2
        low = np.clip(np.floor(place), 0, resolution - 1)
        part = place - low
        if stage.smooth:
            part = np.clip(part, 0, 1)
            part = part * part * (3 - 2 * part)
        for corner in np.ndindex((2,) * x.shape[2]):
            weight = np.where(corner, part, 1 - part).prod(axis=2)
            row = _row(stage, (low + corner).astype(np.int64), resolution, table.shape[2])
            picked = np.take_along_axis(table, row[:, None], axis=2)
            features = features + weight[..., None] * picked.transpose(0, 2, 1)
        found.append(features)
    return stage.gain * np.concatenate(found, axis=2)


def _row(stage: Lookup, vertex: NDArray[np.int64], resolution: int, rows: int) -> NDArray[np.int64]:
    """Return the row of each vertex `members points axes`."""
    row = np.zeros(vertex.shape[:2], np.int64)
    if rows < (resolution + 1) ** vertex.shape[2]:
        for axis, factor in zip(range(vertex.shape[2]), stage.factors, strict=False):
            row ^= vertex[..., axis] * factor
        return row % rows
    for axis in range(vertex.shape[2]):
        row = row * (resolution + 1) + vertex[..., axis]
    return row
