"""Results of trials and searches: immutable, stored as JSON, without tensors."""

from enas_inr.result.pareto import directions, objective_values, pareto_front
from enas_inr.result.search import SearchResult, TraceStep, compared
from enas_inr.result.signals import HeldOut, OverSignals, SignalResult
from enas_inr.result.trial import (
    Curve,
    Picture,
    RepeatResult,
    TrialResult,
    TrialStatus,
    best_of,
    psnr_paper_db,
)

__all__ = [
    "Curve",
    "HeldOut",
    "OverSignals",
    "Picture",
    "RepeatResult",
    "SearchResult",
    "SignalResult",
    "TraceStep",
    "TrialResult",
    "TrialStatus",
    "best_of",
    "compared",
    "directions",
    "objective_values",
    "pareto_front",
    "psnr_paper_db",
]
