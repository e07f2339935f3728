"""What tests of fits of many signals share."""

from typing import Any

import torch

import enas_inr

SETTINGS: dict[str, Any] = {"grid": 2, "width": 8, "steps": 40}
OPTIONS = "--grid 2 --width 8 --steps 40 --quiet"


def statuses(result):
    return [row.status.value for row in result.rows]


def same_numbers(one, other) -> bool:
    ours, theirs = (enas_inr.load(path).blocks for path in (one, other))
    return all(
        torch.equal(mine[name], its[name])
        for mine, its in zip(ours, theirs, strict=True)
        for name in its
    )
