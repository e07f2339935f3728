"""Make a study's objective."""

from __future__ import annotations

from enas_inr.objectives.base import Objective
from enas_inr.plugins.catalog import Catalog
from enas_inr.spec import StudySpec


def make_objective(catalog: Catalog, spec: StudySpec) -> Objective:
    """Make a study's objective, its options settled for the signal (and the base's grid).

    Raises as `Catalog.create`.
    """
    name, given = spec.objective.name, spec.objective.options
    grid = spec.space.base.grid
    settled = catalog.resolved_options("objective", name, given, spec.signal, grid, spec.training)
    made: Objective = catalog.create("objective", name, options=settled)
    return made
