"""Checks of the results of an executor against its contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from enas_inr.errors import ContractError
from enas_inr.executors.base import ExecutionContext, Executor
from enas_inr.plugins.guard import Check
from enas_inr.result import TrialResult
from enas_inr.spec import TrialSpec


def checks(context: ExecutionContext) -> Mapping[str, Check]:
    """Return the checks of an executor by the name of the method."""
    return {"run": check_results}


def check_results(
    executor: Executor, results: Iterable[object], trials: Sequence[TrialSpec]
) -> Iterator[TrialResult]:
    """Pass on the results of trials, one for each trial.

    Raises:
        ContractError: a result is wrong, or one is missing at the end.
    """
    waiting = {trial.configuration.key() for trial in trials}
    for result in results:
        if not isinstance(result, TrialResult):
            raise ContractError(f"it yielded {result!r}, which is not a TrialResult")
        if result.key not in waiting:
            raise ContractError(
                f"it yielded {result.trial.configuration.label()}, which was not requested "
                "or had been yielded before"
            )
        waiting.remove(result.key)
        yield result
    if waiting:
        raise ContractError(f"it returned no result for {len(waiting)} of the trials")
