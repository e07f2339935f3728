"""The cost of architectures on a signal, and the feasible part of a search space."""

from __future__ import annotations

from dataclasses import replace

from enas_inr.cost import (
    Candidate,
    FeasibleSpace,
    check_cost,
    check_grid,
    ensemble_cost,
    net_shape,
    within_budget,
)
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import EnsembleSpec, SignalInfo, StudySpec


def candidate(spec: EnsembleSpec, signal: SignalInfo, catalog: Catalog) -> Candidate:
    """Resolve the options of an architecture for a signal, and compute its cost.

    Raises:
        SpecError: the backbone is unknown, an option is wrong, or the grid is larger than the
            signal.
        PluginError: the backbone comes from a plugin and fails.
    """
    check_grid(spec.grid, signal)
    options = catalog.options("backbone", spec.backbone, spec.options)
    with catalog.blame("backbone", spec.backbone):
        if options is not None:
            settled = options.resolve(signal, spec.grid).model_dump(mode="json")
            spec = spec.model_copy(update={"options": settled})
        backbone = catalog.create("backbone", spec.backbone, options=spec.options)
        net = backbone.cost(net_shape(spec, signal))
        check_cost(net)
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
        lambda ensemble: candidate(ensemble, spec.signal, catalog),
    )
    return replace(space, objectives=spec.objectives, seed=spec.seed)
