"""How studies and trials are stored in Optuna: attributes, and TrialResult <-> FrozenTrial."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import ValidationError

from enas_inr.errors import StudyError
from enas_inr.result import TrialResult, TrialStatus, objective_values
from enas_inr.spec import Axis, StudySpec
from enas_inr.studies.attributes import user_attributes
from enas_inr.validation import ModelT, explained

SPEC_ATTRIBUTE = "enas_inr.spec"
"""The user attribute of a study that holds its StudySpec as JSON."""

COSTS_ATTRIBUTE = "enas_inr.costs"
"""The user attribute of a study that holds its measured costs as JSON."""

SPACE_ATTRIBUTE = "enas_inr.space"
"""The system attribute of a study that holds its feasible space, see `space.packed`."""

CURVES_ATTRIBUTE = "curves"
"""The user attribute of a study whose learning curves are in the usual convention, in words."""

CURVES_TEXT = "PSNR in dB, the usual one (peak = range of the data), mean over the repeats"

RESULT_ATTRIBUTE = "enas_inr.result"
"""The user attribute of a trial that holds its TrialResult as JSON."""

_STATES = {
    TrialStatus.COMPLETE: TrialState.COMPLETE,
    TrialStatus.DIVERGED: TrialState.PRUNED,  # because samplers ignore trials in the state FAIL
    TrialStatus.FAILED: TrialState.FAIL,
    TrialStatus.STOPPED: TrialState.PRUNED,
}


def parsed(model: type[ModelT], text: Any, what: str) -> ModelT:
    """Parse what an attribute of a study or of a trial holds.

    Args:
        model: what it should be.
        text: the attribute.
        what: the study or the trial, in messages.

    Raises:
        StudyError: it is something else.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        why = explained(error)
    except (ValueError, TypeError) as error:
        why = str(error)
    raise StudyError(f"{what} is damaged: {why}", "choose another --study")


def read_results(storage: BaseStorage, study: int) -> list[TrialResult]:
    """Read the results from which the trials of a study were written, in their order.

    Raises:
        StudyError: a trial was not written by enas-inr.
    """
    results = []
    for number, text in user_attributes(storage, study, RESULT_ATTRIBUTE):
        if text is None:
            raise StudyError(
                f"trial {number} was not written by enas-inr", "choose another --study"
            )
        results.append(parsed(TrialResult, text, f"trial {number}"))
    return results


def frozen_trial(
    result: TrialResult,
    spec: StudySpec,
    system_attributes: Mapping[str, Any],
    whole: TrialResult | None = None,
    *,
    usual: bool = False,
) -> FrozenTrial:
    """Convert the result of a trial to Optuna's form, as if the trial had just been trained.

    For a set, a dashboard shows the trial on the last signal as the complete one, with the values
    over all signals, and those on the others as pruned.

    Args:
        result: result of the trial.
        spec: specification of the study; its axes become the parameters of the trial, and its
            objectives the values.
        system_attributes: attributes by which Optuna finds the picture, see `pictures.upload`.
        whole: the result on all signals of a set, if this is the last one of them.
        usual: whether the learning curve is in the usual convention instead of the paper's, in
            which studies of earlier versions go on.
    """
    configuration = result.trial.configuration
    backbone = configuration.backbone
    axes = [axis for axis in spec.space.axes if axis.backbone in ("", backbone)]
    shown = (whole or result) if spec.signals else result
    complete = shown.status is TrialStatus.COMPLETE and not _partial(shown)
    complete = complete and (whole is not None or not spec.signals)
    has_curve = result.status in (TrialStatus.COMPLETE, TrialStatus.STOPPED)
    curve = result.psnr_curve_db if usual else result.curve.mean()
    trial = create_trial(
        state=TrialState.COMPLETE if complete else _state(result),
        values=objective_values(shown, spec.objectives) if complete else None,
        params={axis.name: configuration.value(axis.name) for axis in axes},
        distributions={axis.name: _distribution(axis) for axis in axes},
        user_attrs=_user_attributes(result, spec) | (_over(whole) if spec.signals else {}),
        system_attrs=dict(system_attributes),
        intermediate_values=curve if has_curve else None,
    )
    # Otherwise a dashboard would show the time that was spent on writing.
    trial.datetime_complete = datetime.now()
    trial.datetime_start = trial.datetime_complete - timedelta(seconds=result.seconds)
    return trial


def _state(result: TrialResult) -> TrialState:
    # A dashboard should not call an estimate from some cells the best trial.
    complete = result.status is TrialStatus.COMPLETE
    return TrialState.PRUNED if complete else _STATES[result.status]


def _partial(result: TrialResult) -> bool:
    known = result.fidelity
    return min(known.cells, known.steps, known.signals) < 1


def _distribution(axis: Axis) -> BaseDistribution:
    if axis.range is None:
        return CategoricalDistribution(axis.values)
    if axis.range.whole:
        low, high = round(axis.range.low), round(axis.range.high)
        return IntDistribution(low, high, log=axis.range.log)
    return FloatDistribution(axis.range.low, axis.range.high, log=axis.range.log)


def _over(whole: TrialResult | None) -> dict[str, Any]:
    """Return the values over all signals of a set, for a dashboard."""
    if whole is None or whole.over is None:
        return {}
    return {
        "set_score": whole.score,
        "set_psnr_db": whole.psnr_db,
        "set_psnr_spread_db": whole.over.spread_db,
        "set_signals": len(whole.over.signals),
    }


def _user_attributes(result: TrialResult, spec: StudySpec) -> dict[str, Any]:
    """Return the values that a dashboard shows, and the whole result for `read_results`."""
    trial = result.trial
    named = {"signal": spec.signals[trial.signal].name} if spec.signals else {}
    readable = {
        "architecture": spec.space.label(trial.configuration),
        **named,
        "status": result.status.value,
        "fidelity": result.amount,
        "psnr_db": result.psnr_db,
        "psnr_paper_db": result.psnr_paper_db,
        "psnr_db_repeats": [repeat.psnr_db for repeat in result.repeats],
        **result.trial.cost.model_dump(),
        "seconds": round(result.seconds, 3),
        "device": result.device,
        "versions": result.versions,
        "message": result.message,
    }
    return readable | {RESULT_ATTRIBUTE: result.model_dump_json()}
