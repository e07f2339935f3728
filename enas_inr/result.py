"""What came out of a trial: frozen, JSON, without tensors."""

from __future__ import annotations

import math
import statistics
from enum import StrEnum

from enas_inr.parsing import Frozen
from enas_inr.spec import PSNR_OFFSET_DB, TrialSpec


class TrialStatus(StrEnum):
    """How a trial, or one of its repeats, ended."""

    COMPLETE = "complete"
    DIVERGED = "diverged"  # a loss became infinite or NaN: never wins
    FAILED = "failed"  # an error: see the message


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

    @property
    def rank(self) -> tuple[float, int, int]:
        """The larger the better: the score, then fewer FLOPs, then fewer parameters."""
        score = -math.inf if self.score is None else self.score
        return score, -self.trial.cost.flops, -self.trial.cost.parameters


def best_of(results: list[TrialResult]) -> TrialResult | None:
    """The best complete trial; None if there is none."""
    scored = [result for result in results if result.score is not None]
    return max(scored, key=lambda result: result.rank, default=None)
