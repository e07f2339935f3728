"""Checks of the results of an executor against its contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from enas_inr.errors import ContractError
from enas_inr.executors.base import ExecutionContext, Executor, Supply
from enas_inr.plugins.guard import Check
from enas_inr.result import TrialResult


def checks(context: ExecutionContext) -> Mapping[str, Check]:
    """Return the checks of an executor by the name of the method."""
    return {"run": check_results}


def check_results(
    executor: Executor, results: Iterable[object], trials: Supply
) -> Iterator[TrialResult]:
    """Pass on the results of trials, one for each trial that was taken.

    Raises:
        ContractError: a result is wrong, or one is missing at the end.
    """
    waiting: Counter[str] = Counter()
    known = 0
    for result in results:
        if not isinstance(result, TrialResult):
            raise ContractError(f"it yielded {result!r}, which is not a TrialResult")
        waiting.update(trial.configuration.key() for trial in trials.taken[known:])
        known = len(trials.taken)
        if not waiting[result.key]:
            raise ContractError(
                f"it yielded {result.trial.configuration.label()}, which was not requested "
                "or had been yielded before"
            )
        waiting[result.key] -= 1
        yield result
    if missing := len(trials.taken) - known + waiting.total():
        raise ContractError(f"it returned no result for {missing} of the trials")
    if trials.take(1):
        raise ContractError("it ended while there were trials to take")
