"""Checks of the values that a strategy returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from enas_inr.cost import FeasibleSpace
from enas_inr.errors import ContractError
from enas_inr.plugins.guard import Check
from enas_inr.result import TraceStep, TrialResult
from enas_inr.spec import Configuration
from enas_inr.strategies.base import Keys, Strategy
from enas_inr.validation import counted


def checks(space: FeasibleSpace) -> Mapping[str, Check]:
    """Return the checks of a strategy that searches `space` by the name of the method."""
    return {"propose": partial(check_proposals, space, keys=Keys()), "trace": check_trace}


def check_proposals(
    space: FeasibleSpace,
    strategy: Strategy,
    proposed: Iterable[object],
    history: Sequence[TrialResult],
    pending: Sequence[Configuration],
    n: int,
    keys: Keys | None = None,
) -> tuple[Configuration, ...]:
    """Check that up to `n` configurations were proposed, each of them feasible and new.

    A configuration that is proposed at a fidelity may have been trained at another one.

    Raises:
        ContractError: a proposal is not valid; the message names the first one.
    """
    proposals = tuple(proposed)
    if len(proposals) > n:
        proposed_number = counted(len(proposals), "configuration")
        raise ContractError(f"it proposed {proposed_number}, but at most {n} may be proposed")
    trained = (keys or Keys()).of(history)
    running = {spec.key() for spec in pending}
    checked = []
    for spec in proposals:
        if not isinstance(spec, Configuration):
            raise ContractError(f"it proposed {spec!r}, which is not a Configuration")
        if space.find(spec) is None:
            raise ContractError(f"it proposed {spec.label()}, which is not in the space")
        if spec.key() in running or (spec.key() in trained and spec.fidelity is None):
            raise ContractError(f"it proposed {spec.label()} a second time")
        running.add(spec.key())
        checked.append(spec)
    return tuple(checked)


def check_trace(
    strategy: Strategy, trace: Iterable[object], history: Sequence[TrialResult]
) -> tuple[TraceStep, ...]:
    """Check that a trace consists of TraceStep objects.

    Raises:
        ContractError: the trace holds something else; the message gives the first value.
    """
    checked = []
    for step in trace:
        if not isinstance(step, TraceStep):
            raise ContractError(f"its trace holds {step!r}, which is not a TraceStep")
        checked.append(step)
    return tuple(checked)
