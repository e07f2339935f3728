"""Trials of tests that train parts of a signal."""

from enas_inr.backbones.feasibility import resolved
from enas_inr.spec import TrialSpec


def make_trial(signal, catalog, spec, training, part, *, number=0, repeats=1, seed=0):
    """Return the trial of an architecture, or of a part of it."""
    ensemble, cost = resolved(spec, signal.info(), catalog, training)
    return TrialSpec(
        number=number,
        ensemble=ensemble,
        cost=cost,
        training=training,
        part=part,
        repeats=repeats,
        seed=seed,
    )
