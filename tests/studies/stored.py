"""A study's settings and results as tests store them."""

import pytest

from enas_inr.errors import StudyError
from enas_inr.result import Curve, RepeatResult, TrialResult, TrialStatus
from enas_inr.spec import (
    Axis,
    Cost,
    EnsembleSpec,
    SearchSpace,
    SignalInfo,
    StudySpec,
    TrainingSpec,
    TrialSpec,
)
from enas_inr.studies.store import Store

SPEC = StudySpec(
    signal=SignalInfo(name="photo", modality="image", shape=(16, 16), channels=3),
    space=SearchSpace(
        base=EnsembleSpec(grid=2),
        axes=(Axis(name="width", values=(4, 8, 16)), Axis(name="depth", values=(1, 2))),
    ),
)


def trial(number, width=4, depth=1):
    return TrialSpec(
        number=number,
        ensemble=EnsembleSpec(grid=2, width=width, depth=depth, options={"omega_first": 30.0}),
        cost=Cost(flops=1000 * width, parameters=10 * width, bytes=40 * width),
        training=TrainingSpec(),
        repeats=2,
        seed=0,
    )


def complete(number, **sizes):
    repeats = tuple(
        RepeatResult(status=TrialStatus.COMPLETE, steps=4, psnr_paper_db=psnr, best_step=4)
        for psnr in (30.0, 31.0)
    )
    return TrialResult(
        trial=trial(number, **sizes),
        status=TrialStatus.COMPLETE,
        repeats=repeats,
        curve=Curve(steps=(2, 4), psnr_paper_db=((10.0, 30.0), (11.0, 31.0))),
        score=-12.5,
        seconds=1.23456,
        device="cpu",
        versions={"torch": "2"},
    )


def diverged(number, **sizes):
    repeats = (
        RepeatResult(status=TrialStatus.COMPLETE, steps=4, psnr_paper_db=30.0, best_step=4),
        RepeatResult(status=TrialStatus.DIVERGED, steps=2, diverged_at=2),
    )
    return TrialResult(
        trial=trial(number, **sizes),
        status=TrialStatus.DIVERGED,
        repeats=repeats,
        curve=Curve(steps=(2, 4), psnr_paper_db=((10.0, 30.0), (None, None))),
        message="repeat 1: the loss of cell 3 was not finite at step 2",
    )


def failed(number, **sizes):
    return TrialResult(
        trial=trial(number, **sizes), status=TrialStatus.FAILED, message="RuntimeError: no memory"
    )


def refused(name, spec, storage):
    """Return the message of the StudyError that refuses a study."""
    with pytest.raises(StudyError) as caught, Store(name, spec, storage):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)
