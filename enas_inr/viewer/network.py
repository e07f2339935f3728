"""A model as stages with stored numbers, which the scripts of the page evaluate."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from enas_inr.backbones.stages import Dense, Lookup, Stage
from enas_inr.errors import EnasInrError, ModelError
from enas_inr.model.header import LeafPrecision, ModelHeader
from enas_inr.model.model import Model
from enas_inr.model.quantise import SCALE, quantise, restore

MOST_AXES = 3
_TYPES = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.int16: "int16",
    torch.int8: "int8",
}


def network_of(model: Model) -> dict[str, Any]:
    """Return the layout and the stages of a model as JSON values, numbers as its header says.

    Raises:
        ModelError: the page cannot evaluate its backbone, or its signal has more than three axes.
    """
    layout, stages = model.layout, _shown_stages(model)
    stored = _Numbers(model.by_cell(), model.header)
    found = {one.activation for one in stages if isinstance(one, Dense)} - {None}
    expressions = sorted(found, key=str)
    listed, parts = [], 1
    for stage in stages:
        if isinstance(stage, Lookup):
            listed.append(stored.lookup(stage, len(layout.shape)))
            continue
        made = 2 if stage.is_complex else 1
        index = None if stage.activation is None else expressions.index(stage.activation)
        listed.append(stored.dense(stage) | {"parts": [parts, made], "activation": index})
        parts = made
    return {
        "shape": layout.shape,
        "grid": layout.grid,
        "channels": model.header.signal.channels,
        "convention": layout.convention,
        "extent": layout.extent,
        "macs": model.backbone.cost(model.shape).macs_per_sample,
        "expressions": expressions,
        "stages": listed,
    }


def is_shown(model: Model) -> bool:
    """Whether the page can evaluate a model, without storing its numbers."""
    try:
        _shown_stages(model)
    except EnasInrError:  # that of `view`, or of a plugin
        return False
    return True


def _shown_stages(model: Model) -> tuple[Stage, ...]:
    axes, header = len(model.layout.shape), model.header
    if axes > MOST_AXES:
        raise ModelError(
            f"the signal has {axes} axes, and the page shows up to {MOST_AXES}",
            "use `enas-inr render`",
        )
    constants = {
        name: restore(name, quantise(name, leaf, _precision(header, name)), leaf)
        for name, leaf in model.by_cell().items()
        if name in model.backbone.constants
    }
    stages = model.backbone.stages(model.shape, constants)
    if stages is None:
        raise ModelError(
            f"backbone {header.ensemble.backbone!r} has no stages that a browser can evaluate",
            "use `enas-inr render`",
        )
    return stages


@dataclass(frozen=True)
class _Numbers:
    """The leaves of all cells, which the page has as the header says."""

    leaves: Mapping[str, Tensor]
    header: ModelHeader

    def dense(self, stage: Dense) -> dict[str, Any]:
        weight, bias = (
            self._leaf(one) if isinstance(one, str) else _stored("", one, "float32")
            for one in (stage.weight, stage.bias)
        )
        outputs, inputs = weight["shape"]
        return {
            "kind": "dense",
            "inputs": inputs,
            "outputs": outputs,
            "weight": weight,
            "bias": bias,
            "scale": stage.scale,
        }

    def lookup(self, stage: Lookup, axes: int) -> dict[str, Any]:
        grids = []
        for name, resolution in zip(stage.tables, stage.resolutions, strict=True):
            table = self._leaf(name)
            features, rows = table["shape"]
            hashed = rows < (resolution + 1) ** axes
            grids.append(
                {
                    "resolution": resolution,
                    "features": features,
                    "rows": rows,
                    "hashed": hashed,
                    "table": table,
                }
            )
        return {
            "kind": "lookup",
            "grids": grids,
            "factors": [*stage.factors, *[0] * axes][:axes],
            "smooth": stage.smooth,
            "span": stage.span,
            "gain": stage.gain,
        }

    def _leaf(self, name: str) -> dict[str, Any]:
        return _stored(name, self.leaves[name], _precision(self.header, name))


def _precision(header: ModelHeader, name: str) -> LeafPrecision:
    return header.leaf_precisions.get(name, header.precision)


def _stored(name: str, leaf: Tensor, precision: LeafPrecision) -> dict[str, Any]:
    """Return the numbers of a leaf of all cells; a complex number is two of them."""
    tensors = quantise(name, leaf.detach().cpu(), precision)
    values = tensors[name]
    found: dict[str, Any] = {
        "type": _TYPES[values.dtype],
        "data": _text(values),
        "shape": list(leaf.shape[1:]),
        "complex": leaf.is_complex(),
    }
    if name + SCALE in tensors:
        found["scales"] = _text(tensors[name + SCALE])
        found["scaleCount"] = tensors[name + SCALE].numel()
    return found


def _text(values: Tensor) -> str:
    array = values.contiguous().numpy()
    return b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
