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
from enas_inr.spec import EnsembleSpec, SignalInfo, StudySpec, TrainingSpec


def candidate(
    spec: EnsembleSpec, signal: SignalInfo, catalog: Catalog, training: TrainingSpec | None = None
) -> Candidate:
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
    settled = catalog.resolved_options(
        "backbone", spec.backbone, spec.options, signal, spec.grid, training
    )
    spec = spec.model_copy(update={"options": settled})
    backbone: Backbone = catalog.create("backbone", spec.backbone, options=settled)
    net = backbone.cost(net_shape(spec, signal))
    return Candidate(spec, ensemble_cost(net, spec.grid, signal))


def feasible_space(spec: StudySpec, catalog: Catalog) -> FeasibleSpace:
    """Return the feasible part of the search space of a study; raises as `candidate`.

    Raises:
        BudgetError: no architecture fits the budget.
    """
    space = within_budget(
        spec.space,
        spec.budget,
        spec.signal.samples,
        lambda ensemble: candidate(ensemble, spec.signal, catalog, spec.training),
    )
    return replace(space, objectives=spec.objectives, seed=spec.seed)
