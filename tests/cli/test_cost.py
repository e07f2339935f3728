import pytest

from tests.command_line import call


@pytest.mark.parametrize(
    ("grid", "depth", "width", "flops", "parameters"),
    [
        (1, 3, 256, 6_484_393_984, 198_915),
        (2, 5, 64, 681_574_400, 4 * 21_187),
        (4, 2, 64, 278_921_216, 16 * 8_707),
        (8, 1, 128, 557_842_432, 64 * 17_283),
        (16, 1, 128, 557_842_432, 256 * 17_283),
        (32, 1, 128, 557_842_432, 1024 * 17_283),
    ],
    ids=["SIREN", "ENRP-S0", "ENRP-S1", "ENRP-S2", "ENRP-S3", "ENRP-S4"],
)
def test_cost_prints_table_1_exactly(grid, depth, width, flops, parameters):
    line = f"cost --shape 128x128x3 --grid {grid} --depth {depth} --width {width}"
    cost = call(line + " --json").json
    ensemble = cost.pop("ensemble")
    assert cost == {
        "schema": 1,
        "flops": flops,
        "flops_per_sample": flops / 128**2,
        "parameters": parameters,
        "bytes": 4 * parameters,
        "cells": grid**2,
        "samples": 128**2,
    }
    assert (ensemble["grid"], ensemble["depth"], ensemble["width"]) == (grid, depth, width)
    printed = call(line).out
    assert f"siren M={grid} d={depth} w={width} on 128x128x3" in printed
    assert f"{flops:,}" in printed
    assert f"{parameters:,}" in printed


def test_cost_takes_a_backbone_with_options_and_any_shape():
    fourier = "--backbone fourier --backbone-option mapping_size=65"
    cost = call(f"cost {fourier} --grid 32 --depth 1 --width 128 --json").json
    assert cost["flops"] == 558_108_672
    assert cost["ensemble"]["options"]["mapping_size"] == 65
    volume = call("cost --shape 20x20x20x1 --grid 2 --depth 1 --width 8 --json").json
    assert (volume["flops"], volume["cells"]) == (2 * (3 * 8 + 8 * 8 + 8) * 20**3, 8)
    series = call("cost --shape 5x8x8x8x2 --grid 2 --depth 1 --width 8 --json").json
    assert (series["samples"], series["cells"]) == (5 * 8**3, 16)
    audio = call("cost --shape 308207x1 --grid 32 --depth 5 --width 64 --json").json
    assert (audio["flops"], audio["cells"]) == (2 * (64 + 5 * 64 * 64 + 64) * 308_207, 32)
