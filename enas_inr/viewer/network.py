"""A model as layers with stored numbers, which the scripts of the page evaluate."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from enas_inr.backbones.layered import (
    Activation,
    FixedLayer,
    LayeredBackbone,
    bias_name,
    weight_name,
)
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
FUNCTIONS = {"abs", "cos", "exp", "log", "max", "min", "sin", "sqrt", "tanh"}
_TOKEN = re.compile(r"\s*([a-z]\w*|\d+\.\d+(?:e-?\d+)?|[-+*/(),])")


def network_of(model: Model) -> dict[str, Any]:
    """Return the layout and the layers of a model as JSON values, numbers as its header says.

    Raises:
        ModelError: the page cannot evaluate its backbone, or its signal has more than three axes.
    """
    layout, backbone = model.layout, _shown_backbone(model)
    kind = model.header.ensemble.backbone
    expressions: list[str] = []
    layers = []
    for weight, bias, scale, activation in _layers(model, backbone):
        text = _expression(activation, kind)
        if text is not None and text not in expressions:
            expressions.append(text)
        layers.append(
            {
                "inputs": weight.pop("columns"),
                "outputs": weight.pop("rows"),
                "weight": weight,
                "bias": bias,
                "scale": scale,
                "activation": None if text is None else expressions.index(text),
            }
        )
    return {
        "shape": layout.shape,
        "grid": layout.grid,
        "channels": model.header.signal.channels,
        "convention": layout.convention,
        "extent": layout.extent,
        "macs": backbone.cost(model.shape).macs_per_sample,
        "expressions": expressions,
        "layers": layers,
    }


def is_shown(model: Model) -> bool:
    """Whether the page can evaluate a model, without storing its numbers."""
    kind = model.header.ensemble.backbone
    try:
        backbone = _shown_backbone(model)
        encoded = [layer.activation for layer in _encoded(model, backbone)]
        for activation in [*encoded, *(one.activation for one in backbone.layers(model.shape))]:
            _expression(activation, kind)
    except EnasInrError:  # that of `view`, or of a plugin
        return False
    return True


def _shown_backbone(model: Model) -> LayeredBackbone:
    axes, kind = len(model.layout.shape), model.header.ensemble.backbone
    if axes > MOST_AXES:
        raise ModelError(
            f"the signal has {axes} axes, and the page shows up to {MOST_AXES}",
            "use `enas-inr render`",
        )
    if not isinstance(model.backbone, LayeredBackbone):
        raise ModelError(
            f"backbone {kind!r} does not consist of layers, so a browser cannot evaluate it",
            "use `enas-inr render`",
        )
    return model.backbone


def check_expression(text: str) -> str:
    """Return an expression of `z` that means the same in GLSL and in JavaScript.

    Raises:
        ValueError: it has something else than `z`, numbers with a decimal point, arithmetic and the
            functions in `FUNCTIONS`.
    """
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or (found[1][0].isalpha() and found[1] not in FUNCTIONS | {"z"}):
            raise ValueError(f"{text[at:]!r} is not part of an expression")
        at = found.end()
    return text


def _expression(activation: Activation | None, kind: str) -> str | None:
    if activation is None:
        return None
    text = activation.expression()
    try:
        if text is not None:
            return check_expression(text)
        why = f"backbone {kind!r} gives no expression of its activation"
    except ValueError as error:
        why = f"the expression of backbone {kind!r} is not valid: {error}"
    raise ModelError(f"{why}, so a browser cannot evaluate it", "use `enas-inr render`") from None


def _layers(
    model: Model, backbone: LayeredBackbone
) -> Iterator[tuple[dict[str, Any], dict[str, Any], float, Activation | None]]:
    """Iterate over stored weights and biases, scales and activations, the encoding's first."""
    leaves, header = model.by_cell(), model.header
    for layer in _encoded(model, backbone):
        weight = _stored("weight", layer.weight, "float32")
        yield weight, _stored("bias", layer.bias, "float32"), layer.scale, layer.activation
    for index, declared in enumerate(backbone.layers(model.shape)):
        names = weight_name(index), bias_name(index)
        stored = [_stored(name, leaves[name], _precision(header, name)) for name in names]
        yield stored[0], stored[1], declared.scale, declared.activation


def _encoded(model: Model, backbone: LayeredBackbone) -> Sequence[FixedLayer]:
    leaves, header = model.by_cell(), model.header
    encoded = backbone.encoding.layers(
        {
            name: restore(name, quantise(name, leaf, _precision(header, name)), leaf)
            for name, leaf in leaves.items()
            if name in backbone.constants
        }
    )
    if encoded is None:
        raise ModelError(
            f"backbone {header.ensemble.backbone!r} has an encoding that a browser cannot evaluate",
            "use `enas-inr render`",
        )
    return encoded


def _precision(header: ModelHeader, name: str) -> LeafPrecision:
    return header.leaf_precisions.get(name, header.precision)


def _stored(name: str, leaf: Tensor, precision: LeafPrecision) -> dict[str, Any]:
    tensors = quantise(name, leaf.detach().cpu(), precision)
    values = tensors[name]
    found: dict[str, Any] = {"type": _TYPES[values.dtype], "data": _text(values)}
    if name + SCALE in tensors:
        found["scales"] = _text(tensors[name + SCALE])
        found["scaleCount"] = tensors[name + SCALE].numel()
    if leaf.ndim == 3:
        found |= {"rows": leaf.shape[1], "columns": leaf.shape[2]}
    return found


def _text(values: Tensor) -> str:
    array = values.contiguous().numpy()
    return b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
