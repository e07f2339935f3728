"""What came out of a trial: frozen, JSON, without tensors."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from enas_inr.spec import MAXIMISED, PSNR_OFFSET_DB, StudySpec, TrialSpec
from enas_inr.validation import Frozen

if TYPE_CHECKING:
    import pandas as pd


class TrialStatus(StrEnum):
    """How a trial, or one of its repeats, ended."""

    COMPLETE = "complete"
    DIVERGED = "diverged"  # a loss became infinite or NaN: never wins
    FAILED = "failed"  # an error: see the message
    STOPPED = "stopped"  # by a scheduler, before its last step: others were better by then


class RepeatResult(Frozen):
    """One training of the ensemble, from one seed.

    Attributes:
        psnr_paper_db: 20 log10(1 / RMSE) of the whole signal in [-1, 1], at `best_step`.
        best_step: the step (from 1) with the smallest loss, before the stop.
        steps: how many steps count: all, or those until `patience` ran out.
        diverged_at: the first step at which a member's loss was not finite.
    """

    status: TrialStatus
    steps: int
    psnr_paper_db: float | None = None
    best_step: int | None = None
    diverged_at: int | None = None

    @property
    def psnr_db(self) -> float | None:
        """The usual PSNR: the peak is the data range."""
        return None if self.psnr_paper_db is None else self.psnr_paper_db + PSNR_OFFSET_DB


class Curve(Frozen):
    """Learning curves: the paper's PSNR at some steps, for each repeat (None: not finite)."""

    steps: tuple[int, ...] = ()
    psnr_paper_db: tuple[tuple[float | None, ...], ...] = ()


@dataclass(frozen=True)
class Picture:
    """A signal as a small file for people: to look at, or to listen to.

    Attributes:
        suffix: of the file, with the dot.
        mimetype: as a browser wants to know it.
        content: the file.
    """

    suffix: str
    mimetype: str
    content: bytes = field(repr=False)


class TrialResult(Frozen):
    """One architecture, trained with its repeats and scored.

    Attributes:
        score: the objective's value; None unless the trial is complete.
        seconds: the time its training took.
        device: where it was trained: `cpu`, or the GPU's name.
        versions: of the packages that decide the values.
        message: why it failed or diverged.
    """

    trial: TrialSpec
    status: TrialStatus
    repeats: tuple[RepeatResult, ...] = ()
    curve: Curve = Curve()
    score: float | None = None
    seconds: float = 0.0
    device: str = ""
    versions: dict[str, str] = {}
    message: str = ""

    @property
    def key(self) -> str:
        """The architecture's canonical key."""
        return self.trial.ensemble.key()

    @property
    def psnr_paper_db(self) -> float | None:
        """The mean over the repeats, in the paper's convention; None unless all are complete."""
        values = [r.psnr_paper_db for r in self.repeats if r.psnr_paper_db is not None]
        if self.status is not TrialStatus.COMPLETE or not values:
            return None
        return statistics.fmean(values)

    @property
    def psnr_db(self) -> float | None:
        """The mean over the repeats, in the usual convention (peak = the data range)."""
        return None if self.psnr_paper_db is None else self.psnr_paper_db + PSNR_OFFSET_DB

    @property
    def psnr_std_db(self) -> float:
        """The sample standard deviation over the repeats; 0 for a single one."""
        values = [r.psnr_paper_db for r in self.repeats if r.psnr_paper_db is not None]
        return statistics.stdev(values) if len(values) > 1 else 0.0

    def first(self, repeats: int) -> TrialResult:
        """What the trial would be with only its first repeats."""
        share = repeats / max(len(self.repeats), 1)
        curve = Curve(steps=self.curve.steps, psnr_paper_db=self.curve.psnr_paper_db[:repeats])
        return self.model_copy(
            update={
                "trial": self.trial.model_copy(update={"repeats": repeats}),
                "repeats": self.repeats[:repeats],
                "curve": curve,
                "seconds": self.seconds * min(share, 1.0),
            }
        )

    @property
    def rank(self) -> tuple[float, int, int]:
        """The larger the better: the score, then fewer FLOPs, then fewer parameters."""
        score = -math.inf if self.score is None else self.score
        return score, -self.trial.cost.flops, -self.trial.cost.parameters


def best_of(results: Iterable[TrialResult]) -> TrialResult | None:
    """The best complete trial; None if there is none."""
    scored = [result for result in results if result.score is not None]
    return max(scored, key=lambda result: result.rank, default=None)


@dataclass(frozen=True)
class TraceStep:
    """One decision of a search.

    Attributes:
        iteration: from 1.
        axis: the axis that was searched; empty where a strategy has no axes.
        candidates: the trials that were compared, in the order of the space.
        choice: the key of the one that was chosen; None if none can be.
    """

    iteration: int
    axis: str
    candidates: tuple[TrialResult, ...]
    choice: str | None


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        best: the best complete trial, by its score.
        trace: the strategy's decisions.
        trials: all of the study's trials, in the order of their numbers.
        seconds: this call's time; a study that was complete already takes next to none.
        front: the trials that no other beats in all objectives; empty without objectives.
    """

    study: str
    storage: str
    spec: StudySpec
    best: TrialResult
    trace: tuple[TraceStep, ...]
    trials: tuple[TrialResult, ...]
    seconds: float
    front: tuple[TrialResult, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return what `enas-inr search --json` prints."""
        return {
            "best": _row(self.best),
            "trace": [
                {
                    "iteration": step.iteration,
                    "axis": step.axis,
                    "candidates": [_row(result) for result in step.candidates],
                    "choice": next(
                        (r.trial.number for r in step.candidates if r.key == step.choice), None
                    ),
                }
                for step in self.trace
            ],
            "front": [_row(result) for result in self.front],
            "trials": [_row(result) for result in self.trials],
            "seconds": round(self.seconds, 3),
            "study": self.study,
            "storage": self.storage,
        }

    def to_dataframe(self) -> pd.DataFrame:
        """Return the trials as a table, one row each."""
        import pandas as pd

        return pd.DataFrame([_row(result) for result in self.trials])


def _row(result: TrialResult) -> dict[str, Any]:
    spec = result.trial.ensemble
    return {
        "number": result.trial.number,
        "status": result.status.value,
        "backbone": spec.backbone,
        "options": spec.options,
        "grid": spec.grid,
        "depth": spec.depth,
        "width": spec.width,
        **result.trial.cost.model_dump(),
        "psnr_db": result.psnr_db,
        "psnr_paper_db": result.psnr_paper_db,
        "psnr_std_db": result.psnr_std_db,
        "score": result.score,
        "seconds": round(result.seconds, 3),
        "message": result.message,
    }


_SMALLEST_MSE = 2.0**-126  # the smallest normal float32: a perfect fit has a finite PSNR


def psnr_paper_db(mse: float) -> float:
    """20 log10(1 / RMSE) on data in [-1, 1], the paper's PSNR; 6.0206 dB below the usual one."""
    return -10 * math.log10(max(mse, _SMALLEST_MSE))


SCORE = ("score",)
"""The objectives of a study that names none."""


def directions(objectives: Sequence[str]) -> list[Literal["maximize", "minimize"]]:
    """`maximize` or `minimize` for each objective, in Optuna's words; for none: of the score."""
    return ["maximize" if MAXIMISED[name] else "minimize" for name in objectives or SCORE]


def objective_values(result: TrialResult, objectives: Sequence[str]) -> tuple[float, ...] | None:
    """The value of each objective (for none: the score); None unless the trial is complete."""
    measured = {
        "psnr": result.psnr_db,
        "score": result.score,
        **result.trial.cost.model_dump(),
    }
    values = [measured[name] for name in objectives or SCORE]
    if result.score is None or None in values:
        return None
    return tuple(float(value) for value in values)


def pareto_front(
    results: Iterable[TrialResult], objectives: Sequence[str]
) -> tuple[TrialResult, ...]:
    """The complete trials that no other dominates, by FLOPs; none without objectives.

    A trial dominates another if it is at least as good in every objective and better in one.
    """
    if not objectives:
        return ()
    signs = [1 if MAXIMISED[name] else -1 for name in objectives]
    gains = [
        (result, [sign * value for sign, value in zip(signs, values, strict=True)])
        for result in results
        if (values := objective_values(result, objectives)) is not None
    ]
    front = [
        result for result, gain in gains if not any(_dominates(other, gain) for _, other in gains)
    ]
    return tuple(sorted(front, key=lambda r: (r.trial.cost.flops, r.trial.number)))


def _dominates(one: list[float], other: list[float]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))
