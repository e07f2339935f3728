"""`enas-inr cost`: compute the cost of an ensemble without training it."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from enas_inr.cli import arguments
from enas_inr.cli.saying import say, say_json
from enas_inr.errors import SpecError, warn_once


def cost(
    context: typer.Context,
    shape: Annotated[
        str,
        typer.Option(
            help="Samples along each axis (1 to 4), then channels: 128x128x3, 308207x1, 64x64x64x1."
        ),
    ] = "128x128x3",
    backbone: arguments.Backbone = "siren",
    backbone_option: arguments.BackboneOptions = None,
    grid: arguments.Grid = 8,
    depth: Annotated[int, typer.Option(help="Number of hidden layers, d.")] = 1,
    width: Annotated[int, typer.Option(help="Units of a hidden layer, w.")] = 64,
    as_json: arguments.Json = False,
) -> None:
    """Print FLOPs (the paper's convention), parameters and bytes of an ensemble."""
    from enas_inr.backbones.feasibility import resolved
    from enas_inr.spec import EnsembleSpec, SignalInfo
    from enas_inr.spec.sizes import capping
    from enas_inr.validation import parse

    catalog = arguments.load_catalog(context)
    *axes, channels = _parse_shape(shape)
    signal = SignalInfo(
        name=shape,
        modality=_MODALITIES[len(axes)],
        shape=tuple(axes),
        channels=channels,
    )
    spec = parse(
        EnsembleSpec,
        {
            "backbone": backbone,
            "options": arguments.parse_options(backbone_option, "--backbone-option"),
            "grid": grid,
            "depth": depth,
            "width": width,
        },
        "architecture",
    )
    ensemble, cost = resolved(spec, signal, catalog)
    if note := capping(signal, spec.grid):
        warn_once(note)
    values = {
        "flops": cost.flops,
        "flops_per_sample": cost.flops / signal.samples,
        "parameters": cost.parameters,
        "bytes": cost.bytes,
        "cells": signal.cells(grid),
        "samples": signal.samples,
    }
    if as_json:
        say_json(values | {"ensemble": ensemble.model_dump(mode="json")})
        return
    say(f"{ensemble.label()} on {shape}")
    for name, value in values.items():
        say(f"  {name.replace('_', ' '):<17}{value:>18,.0f}")


_MODALITIES = {1: "audio", 2: "image", 3: "volume", 4: "volume"}
"""The usual modality by number of axes, on which defaults of a backbone may depend."""

_AXIS = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)  # samples


def _parse_shape(text: str) -> tuple[int, ...]:
    parts = text.lower().split("x")
    if len(parts) - 1 not in _MODALITIES or not all(_AXIS.fullmatch(part) for part in parts):
        raise SpecError(
            f"{text!r} is not a shape",
            "give 1 to 4 axes and the channels, such as 128x128x3 or 308207x1",
        )
    return tuple(map(int, parts))
