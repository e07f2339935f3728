"""The cost of architectures on a signal, and the feasible part of a search space."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from enas_inr.cost import (
    Candidate,
    FeasibleSpace,
    ensemble_cost,
    net_shape,
    within_budget,
)
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import Configuration, Cost, EnsembleSpec, SignalInfo, StudySpec, TrainingSpec
from enas_inr.spec.budget import COSTS, MEASURED, amount

if TYPE_CHECKING:
    from enas_inr.backbones.base import Backbone


def resolved(
    spec: EnsembleSpec, signal: SignalInfo, catalog: Catalog, training: TrainingSpec | None = None
) -> tuple[EnsembleSpec, Cost]:
    """Resolve the options of an architecture for a signal, and compute its cost.

    Args:
        spec: the architecture. A grid with more cells than the longest axis has samples becomes
            the smallest one with the same cells, so that equal architectures have equal keys.
        signal: metadata of the signal.
        catalog: makes the backbone.
        training: settings that say where defaults come from; None for those of the paper.

    Raises:
        SpecError: the backbone is unknown, or an option is wrong.
        PluginError: the backbone comes from a plugin and fails.
    """
    spec = spec.model_copy(update={"grid": signal.capped(spec.grid)})
    options = catalog.resolved_options(
        "backbone", spec.backbone, spec.options, signal, spec.grid, training, spec
    )
    backbone: Backbone = catalog.create("backbone", spec.backbone, options=options)
    net = backbone.cost(net_shape(spec, signal))
    return spec.model_copy(update={"options": options}), ensemble_cost(net, spec.grid, signal)


Measure = Callable[[SignalInfo, EnsembleSpec, TrainingSpec, str], float]
"""Measures a cost in `enas_inr.spec.budget.MEASURED` of an architecture on a signal, by the name of
its limit."""

Measured = dict[str, dict[str, float]]
"""Costs that were measured, by the shape of the networks and the name of the limit."""


def feasible_space(
    spec: StudySpec,
    catalog: Catalog,
    measure: Measure | None = None,
    *,
    known: Measured | None = None,
    also: Collection[str] = (),
) -> FeasibleSpace:
    """Return the feasible part of the search space of a study; raises as `resolved`.

    Args:
        spec: the study.
        catalog: makes backbones and optimizers.
        measure: measures costs; None for only those that are known.
        known: costs that were measured already; what is measured is added to them.
        also: names of further costs to measure, besides those that the budget limits.

    Raises:
        BudgetError: no configuration fits the budget.
    """
    limits = spec.budget.limits(spec.signal.samples)
    names = [name for name in MEASURED if name in limits or name in also]
    values = {} if known is None else known
    checked: list[tuple[str, Mapping[str, Any]]] = []  # most configurations have the same

    def candidate(configuration: Configuration) -> Candidate:
        training = configuration.training(spec.training)
        optimizer = training.optimizer, training.optimizer_options
        if optimizer not in checked:
            catalog.options("optimizer", *optimizer)
            checked.append(optimizer)
        ensemble, cost = resolved(configuration.ensemble, spec.signal, catalog, training)
        settled = {"grid": ensemble.grid, "options": ensemble.options}
        return Candidate(configuration.model_copy(update=settled), cost)

    def measured(one: Candidate) -> Candidate:
        if not names:
            return one
        training = one.spec.training(spec.training)
        of_shape = values.setdefault(_shape_key(one), {})
        cost = one.cost
        for name in names:
            if name not in of_shape and measure:
                of_shape[name] = measure(spec.signal, one.spec.ensemble, training, name)
            if name in of_shape:
                cost = cost.model_copy(update={COSTS[name]: of_shape[name]})
            if amount(cost, name) > limits.get(name, math.inf):
                break  # what takes longer to measure need not be known
        return replace(one, cost=cost)

    space = within_budget(spec.space, spec.budget, spec.signal.samples, candidate, measured)
    return replace(space, **known_at_once(spec))


def known_at_once(spec: StudySpec) -> dict[str, Any]:
    """Return the fields of the feasible space of a study that need no cost of a configuration."""
    return {
        "objectives": spec.objectives,
        "seed": spec.seed,
        "axes": len(spec.signal.shape),
        "shape": spec.signal.shape,
        "samples": spec.signal.samples,
        "signals": len(spec.all_signals),
        "repeats": spec.repeats,
        "exact": spec.training.defaults == "paper",
    }


def _shape_key(one: Candidate) -> str:
    """What decides the measured costs: options matter as far as they change the parameters."""
    return f"{one.spec.ensemble.label()} {one.cost.flops} {one.cost.bytes}"
