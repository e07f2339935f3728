"""Checks of the values that a backbone returns, including shapes that would broadcast."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from enas_inr.backbones.base import Backbone, Params
from enas_inr.backbones.layered import Layer, LayeredBackbone
from enas_inr.backbones.stages import MOST_ROWS, Dense, Lookup
from enas_inr.cost import NetShape, check_cost
from enas_inr.errors import ContractError
from enas_inr.plugins.guard import Check
from enas_inr.validation import counted

TRAINABLE = (torch.float32, torch.complex64)


def checks() -> Mapping[str, Check]:
    """Return the checks of a backbone by the name of the method."""
    return {
        "init": _init,
        "forward": _forward,
        "cost": _cost,
        "layers": _layers,
        "learning_rate": _rate,
        "stages": _stages,
    }


def _init(backbone: Backbone, params: object, shape: NetShape, seeds: Sequence[int]) -> object:
    check_leaves(params, len(seeds), backbone.constants)
    return params


def _forward(
    backbone: Backbone, values: object, shape: NetShape, params: object, x: Tensor
) -> object:
    check_values(values, x, shape.out_features)
    return values


def _cost(backbone: Backbone, cost: object, shape: NetShape) -> object:
    check_cost(cost)
    return cost


def _rate(backbone: Backbone, rate: object, shape: NetShape, points: int, steps: int) -> object:
    if rate is not None and not (isinstance(rate, (int, float)) and 0 < rate < math.inf):
        raise ContractError(f"learning_rate returned {rate!r}, not a positive number or None")
    return rate


def _layers(backbone: LayeredBackbone, layers: object, shape: NetShape) -> object:
    check_layers(layers, backbone.encoding.features(shape.in_features), shape.out_features)
    return layers


def _stages(backbone: Backbone, stages: object, shape: NetShape, constants: Params) -> object:
    if stages is not None:
        check_stages(stages, backbone.init(shape, [0]), shape)
    return stages


def check_leaves(params: object, members: int, constants: Sequence[str]) -> None:
    """Check the leaves that `init` returned.

    Args:
        params: leaves by name, each `members ...`; those to train are float32 or complex64.
        members: the number of members that were requested.
        constants: names of the leaves that are not trained.

    Raises:
        ContractError: a leaf breaks the contract; the message names it.
    """
    if not isinstance(params, Mapping):
        raise ContractError(f"init returned a {type(params).__name__}, not tensors by name")
    missing = [name for name in constants if name not in params]
    if missing:
        raise ContractError(f"init returned no {missing[0]!r}, which is one of its constants")
    if not set(params) - set(constants):
        raise ContractError("init returned no leaf to train")
    for name, leaf in params.items():
        if not isinstance(leaf, Tensor):
            raise ContractError(f"init: {name!r} is a {type(leaf).__name__}, not a tensor")
        if leaf.shape[:1] != (members,):
            raise ContractError(
                f"init: {name!r} has shape {tuple(leaf.shape)}, whose first axis does not count "
                f"the {members} members"
            )
        if name not in constants and leaf.dtype not in TRAINABLE:
            raise ContractError(f"init: {name!r} is {leaf.dtype}, not torch.float32")


def check_values(values: object, x: Tensor, features: int, what: str = "forward") -> None:
    """Check the values that `forward`, or `apply` of an encoding, returned.

    Args:
        values: `members points features`, real.
        x: the coordinates that it received, `members points in`.
        features: the channels of the signal, or the features of the encoding.
        what: the function that returned the values, for the message.

    Raises:
        ContractError: the values have another shape or type; the message gives it.
    """
    wanted = (*x.shape[:2], features)
    if not isinstance(values, Tensor):
        raise ContractError(f"{what} returned a {type(values).__name__}, not a tensor")
    if values.shape != wanted:
        raise ContractError(
            f"{what} returned shape {tuple(values.shape)}, not {wanted} (members, points, "
            f"{'channels' if what == 'forward' else 'features'})"
        )
    if not values.is_floating_point():
        raise ContractError(f"{what} returned {values.dtype}, not real numbers")


def check_layers(layers: object, features: int, channels: int) -> None:
    """Check the layers that `layers` returned: each takes the features that the one before has.

    Args:
        layers: a tuple of `Layer`.
        features: the features of the encoded coordinates, the input of the first layer.
        channels: the channels of the signal, the output of the last layer.

    Raises:
        ContractError: a layer does not fit; the message gives the number of the first one.
    """
    if not isinstance(layers, tuple) or not layers or not all(isinstance(x, Layer) for x in layers):
        raise ContractError(f"layers returned {layers!r}, not a tuple of Layer")
    for index, layer in enumerate(layers):
        if layer.in_features != features:
            raise ContractError(
                f"layers: number {index} takes {counted(layer.in_features, 'feature')}, "
                f"but gets {features}"
            )
        features = layer.out_features
    if features != channels:
        raise ContractError(
            f"layers: the last one gives {counted(features, 'channel')}, not {channels}"
        )
    hash(layers)  # trials whose layers are equal share a batch


def check_stages(stages: object, params: Params, shape: NetShape) -> None:
    """Check the stages that `stages` returned: each takes what the one before returns.

    Args:
        stages: a tuple of `Dense` and `Lookup`.
        params: the leaves, of any members.
        shape: shape of a member.

    Raises:
        ContractError: a stage does not fit; the message gives the number of the first one.
    """
    if not isinstance(stages, tuple) or not stages or not all(_is_stage(x) for x in stages):
        raise ContractError(f"stages returned {stages!r}, not a tuple of Dense and Lookup")
    features = shape.in_features
    for index, stage in enumerate(stages):
        what = f"stages: number {index}"
        if isinstance(stage, Dense):
            features = _dense_outputs(stage, params, features, what)
        elif index:
            raise ContractError(f"{what} is a Lookup, which can only be the first one")
        else:
            features = _lookup_outputs(stage, params, features, what)
    if features != shape.out_features:
        raise ContractError(
            f"stages: the last one gives {counted(features, 'channel')}, not {shape.out_features}"
        )
    if isinstance(stages[-1], Dense) and stages[-1].is_complex:
        raise ContractError("stages: the last one gives complex numbers")


def _is_stage(value: object) -> bool:
    return isinstance(value, (Dense, Lookup))


def _dense_outputs(stage: Dense, params: Params, features: int, what: str) -> int:
    weight, bias = (_leaf(one, params, what) for one in (stage.weight, stage.bias))
    if weight.ndim != 3 or weight.shape[2] != features or bias.shape[1:] != weight.shape[1:2]:
        raise ContractError(
            f"{what} has weights {tuple(weight.shape[1:])} and biases {tuple(bias.shape[1:])}, "
            f"and gets {counted(features, 'feature')}"
        )
    return weight.shape[1]


def _lookup_outputs(stage: Lookup, params: Params, axes: int, what: str) -> int:
    features = 0
    for name, resolution in zip(stage.tables, stage.resolutions, strict=True):
        table, vertices = _leaf(name, params, what), (resolution + 1) ** axes
        if table.ndim != 3 or table.is_complex() or table.shape[2] > vertices:
            raise ContractError(
                f"{what}: {name!r} has shape {tuple(table.shape)}, not (members, features, rows) "
                f"with up to {vertices} rows"
            )
        if table.shape[2] < vertices:
            if len(stage.factors) < axes:
                raise ContractError(f"{what} has {len(stage.factors)} factors for {axes} axes")
            if table.shape[2] > MOST_ROWS:
                raise ContractError(f"{what}: {name!r} has more than {MOST_ROWS} hashed rows")
        features += table.shape[1]
    return features


def _leaf(one: str | Tensor, params: Params, what: str) -> Tensor:
    if isinstance(one, str) and one not in params:
        raise ContractError(f"{what} uses the leaf {one!r}, which init does not return")
    return params[one] if isinstance(one, str) else one
