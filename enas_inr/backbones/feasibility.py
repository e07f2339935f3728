"""The cost of architectures on a signal, and the feasible part of a search space."""

from __future__ import annotations

from dataclasses import replace

from enas_inr.backbones.base import Backbone
from enas_inr.cost import (
    Candidate,
    FeasibleSpace,
    check_grid,
    ensemble_cost,
    net_shape,
    within_budget,
)
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import Configuration, Cost, EnsembleSpec, SignalInfo, StudySpec, TrainingSpec


def resolved(
    spec: EnsembleSpec, signal: SignalInfo, catalog: Catalog, training: TrainingSpec | None = None
) -> tuple[EnsembleSpec, Cost]:
    """Resolve the options of an architecture for a signal, and compute its cost.

    Args:
        spec: the architecture.
        signal: metadata of the signal.
        catalog: makes the backbone.
        training: settings that say where defaults come from; None for those of the paper.

    Raises:
        SpecError: the backbone is unknown, an option is wrong, or the grid is larger than the
            signal.
        PluginError: the backbone comes from a plugin and fails.
    """
    check_grid(spec.grid, signal)
    options = catalog.resolved_options(
        "backbone", spec.backbone, spec.options, signal, spec.grid, training
    )
    backbone: Backbone = catalog.create("backbone", spec.backbone, options=options)
    net = backbone.cost(net_shape(spec, signal))
    return spec.model_copy(update={"options": options}), ensemble_cost(net, spec.grid, signal)


def feasible_space(spec: StudySpec, catalog: Catalog) -> FeasibleSpace:
    """Return the feasible part of the search space of a study; raises as `resolved`.

    Raises:
        BudgetError: no configuration fits the budget.
    """

    def candidate(configuration: Configuration) -> Candidate:
        training = configuration.training(spec.training)
        catalog.options("optimizer", training.optimizer, training.optimizer_options)
        ensemble, cost = resolved(configuration.ensemble, spec.signal, catalog, training)
        return Candidate(configuration.model_copy(update={"options": ensemble.options}), cost)

    space = within_budget(spec.space, spec.budget, spec.signal.samples, candidate)
    return replace(
        space,
        objectives=spec.objectives,
        seed=spec.seed,
        axes=len(spec.signal.shape),
        repeats=spec.repeats,
        exact=spec.training.defaults == "paper",
    )
