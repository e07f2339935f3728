"""An architecture and a recipe with which to begin on a signal, with the reasons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import JsonValue

from enas_inr import hookspecs
from enas_inr.backbones.base import Backbone
from enas_inr.backbones.feasibility import resolved
from enas_inr.cost import net_shape
from enas_inr.errors import warn_once
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import Cost, EnsembleSpec, Searchable, SignalInfo, TrainingSpec
from enas_inr.spec.sizes import capping, first_grid, shortest_side, suggested_grids
from enas_inr.validation import counted

WIDTHS = range(4, 258, 2)
DEPTH = 1


@dataclass(frozen=True)
class Detail:
    """What a reconstruction of a signal must hold for a quality.

    Attributes:
        psnr_db: the quality, in the usual convention.
        cycles: frequency up to which it must hold the signal, in cycles a sample.
        share: share of all frequencies that lie below.
        typical: standard deviation of the values in a typical place of the signal.
        busy: that of the busiest tenth of all places, at least.
        flat: share of the places whose values hardly differ.
    """

    psnr_db: float
    cycles: float
    share: float
    typical: float
    busy: float
    flat: float


@dataclass(frozen=True)
class Suggestion:
    """Where a search of a signal may begin.

    Attributes:
        grids: grids that are worth trying, the given one or several.
        ensemble: the architecture with which to begin, with resolved options.
        learning_rate: its learning rate.
        cost: its cost.
        reasons: why, in a sentence each, by the name of a setting: `grid`, `depth`, `width`,
            options of the backbone, `learning_rate`.
    """

    signal: SignalInfo
    detail: Detail
    grids: tuple[int, ...]
    ensemble: EnsembleSpec
    learning_rate: float
    cost: Cost
    reasons: Mapping[str, str]

    def value(self, name: str) -> JsonValue:
        """Return the value of a setting that has a reason."""
        if name == "learning_rate":
            return self.learning_rate
        sizes: dict[str, JsonValue] = dict(self.ensemble.sizes())
        return sizes[name] if name in sizes else self.ensemble.options[name]

    def to_dict(self) -> dict[str, Any]:
        """Return the suggestion as `enas-inr suggest --json` prints it."""
        return {
            "signal": self.signal.model_dump(mode="json"),
            "detail": asdict(self.detail),
            "grids": list(self.grids),
            "ensemble": self.ensemble.model_dump(mode="json"),
            "learning_rate": self.learning_rate,
            "cost": self.cost.model_dump(),
            "reasons": dict(self.reasons),
        }


def suggest(
    signal: SignalInfo,
    detail: Detail,
    catalog: Catalog,
    *,
    training: TrainingSpec,
    backbone: str = "siren",
    options: Mapping[str, JsonValue] | None = None,
    grid: int | None = None,
) -> Suggestion:
    """Suggest an architecture of one hidden layer for a signal, without training.

    The network of a cell gets about as many parameters as the cell has values, times the share of
    the frequencies that are needed (measured in docs/recipes.md).

    Args:
        signal: metadata of the signal.
        detail: what the reconstruction must hold.
        catalog: makes the backbone and the optimizer.
        training: the recipe; its learning rate and frequencies count if they are given.
        backbone: kind of sub-network.
        options: its options, as given.
        grid: the grid; None to suggest one.

    Raises:
        SpecError: the backbone is unknown, or an option is wrong.
        PluginError: the backbone comes from a plugin and fails.
    """
    chosen = first_grid(signal) if grid is None else signal.capped(grid)
    if grid is not None and (note := capping(signal, grid)):
        warn_once(note)
    cell = tuple(math.ceil(length / chosen) for length in signal.shape)
    values = math.prod(cell) * signal.channels
    base = EnsembleSpec(backbone=backbone, options=dict(options or {}), grid=chosen, depth=DEPTH)
    first, _ = resolved(base, signal, catalog, training)
    net: Backbone = catalog.create("backbone", backbone, options=first.options)

    def parameters(width: int) -> int:
        return net.cost(net_shape(first.with_value("width", width), signal)).parameters

    wanted = detail.share * values
    width = next((w for w in WIDTHS if parameters(w) >= wanted), WIDTHS[-1])
    ensemble, cost = resolved(base.with_value("width", width), signal, catalog, training)
    rate, rule = _rate(net, ensemble, signal, math.prod(cell), training, catalog)
    size = f"{'x'.join(map(str, cell))} samples"
    grids = suggested_grids(signal) if grid is None else (chosen,)
    sides = [math.ceil(shortest_side(signal) / m) for m in grids]
    numbers = f"{parameters(width):,} parameters for {values:,} values"
    reasons = {
        "grid": f"cells of {size}"
        + (
            f"; {_listed(grids)} give {_listed(sides)} along the shortest side" if sides[1:] else ""
        ),
        "depth": "of one hidden layer, the fitted rates are the most reliable",
        "width": f"{detail.psnr_db:g} dB need the frequencies up to {detail.cycles:.2f} cycles a "
        f"sample, {detail.share:.0%} of all: a cell has {numbers}, "
        f"{parameters(width) / values:.0%}",
        **dict(_origins(ensemble, base, signal, training, catalog, size)),
        "learning_rate": f"{rule} d={DEPTH}, w={width}, {numbers} and "
        f"{counted(training.steps, 'step')}",
    }
    return Suggestion(signal, detail, grids, ensemble, rate, cost, reasons)


def _rate(
    net: Backbone,
    ensemble: EnsembleSpec,
    signal: SignalInfo,
    points: int,
    training: TrainingSpec,
    catalog: Catalog,
) -> tuple[float, str]:
    """Return the learning rate, and where it comes from."""
    if training.learning_rate is not None:
        return training.learning_rate, "given, for"
    described = catalog.describe("backbone", ensemble.backbone)
    assert isinstance(described, hookspecs.Backbone)
    fitted = net.learning_rate(net_shape(ensemble, signal), points, training.steps)
    if not training.fits_rate or fitted is None:
        return described.learning_rate, "the default of the backbone, for any shape, such as"
    optimizer = catalog.create(
        "optimizer", training.optimizer, training, options=training.optimizer_options
    )
    return float(fitted * optimizer.rate_factor), "fitted to"


def _origins(
    ensemble: EnsembleSpec,
    asked: EnsembleSpec,
    signal: SignalInfo,
    training: TrainingSpec,
    catalog: Catalog,
    size: str,
) -> Iterator[tuple[str, str]]:
    """Iterate over the options that a search may vary, such as frequencies, and their reasons."""
    usual, _ = resolved(asked, signal, catalog)
    for name, field in catalog.option_fields("backbone", ensemble.backbone).items():
        if not any(isinstance(mark, Searchable) for mark in field.metadata):
            continue
        if name in asked.options:
            yield name, "given"
        elif ensemble.options[name] != usual.options[name]:
            yield name, f"fitted to cells of {size}"
        else:
            yield name, "the default of the backbone"


def _listed(numbers: tuple[int, ...] | list[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}" if others else last
