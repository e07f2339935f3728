"""Regularised evolution for enas-inr: `enas-inr search ... --strategy evolution`."""

from __future__ import annotations

from enas_inr.hookspecs import Strategy, hookimpl

ENAS_INR_API = 1


@hookimpl
def enas_inr_strategies() -> list[Strategy]:
    """Return the description of the strategy, which is imported when it is used."""
    return [
        Strategy(
            name="evolution",
            summary="regularised evolution, in which children replace the oldest architectures",
            target="enas_inr_evolution.evolution:Evolution",
            options="enas_inr_evolution.evolution:EvolutionOptions",
            citation="Real et al., Regularized Evolution for Image Classifier Architecture Search, "
            "AAAI 2019",
        )
    ]
