"""What an executor yields, checked against its contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from enas_inr.errors import ContractError
from enas_inr.executors.base import ExecutionContext, Executor
from enas_inr.plugins.guard import Check
from enas_inr.result import TrialResult
from enas_inr.spec import TrialSpec


def checks(context: ExecutionContext) -> Mapping[str, Check]:
    """The checks of an executor, by the method's name."""
    return {"run": check_results}


def check_results(
    executor: Executor, results: Iterable[object], trials: Sequence[TrialSpec]
) -> Iterator[TrialResult]:
    """Pass on the results of some trials, one for each.

    Raises:
        ContractError: something else came, or one is missing at the end.
    """
    waiting = {trial.ensemble.key() for trial in trials}
    for result in results:
        if not isinstance(result, TrialResult):
            raise ContractError(f"it yielded {result!r}, which is no TrialResult")
        if result.key not in waiting:
            raise ContractError(
                f"it yielded {result.trial.ensemble.label()}, which it was not asked for "
                "or had yielded before"
            )
        waiting.remove(result.key)
        yield result
    if waiting:
        raise ContractError(f"it returned no result for {len(waiting)} of the trials")
