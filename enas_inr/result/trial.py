"""The result of a trial."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from enas_inr.display import html, svg
from enas_inr.display.charts import plot_curves
from enas_inr.estimate import Sample, interval_db
from enas_inr.result.signals import OverSignals
from enas_inr.spec import PSNR_OFFSET_DB, Fidelity, TrialSpec
from enas_inr.validation import Frozen, Lasting

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Curve",
    "Picture",
    "RepeatResult",
    "TrialResult",
    "TrialStatus",
    "best_of",
    "psnr_paper_db",
]


class TrialStatus(StrEnum):
    """How a trial or one of its repeats ended."""

    COMPLETE = "complete"
    DIVERGED = "diverged"  # a loss became infinite or NaN; such a trial never wins
    FAILED = "failed"  # an error; see the message
    STOPPED = "stopped"  # stopped early by a scheduler, since other trials were better


class RepeatResult(Frozen):
    """One training of the ensemble, from one seed.

    Attributes:
        psnr_paper_db: 20 log10(1 / RMSE) of the whole signal in [-1, 1], at `best_step`.
        best_step: the step (from 1) with the smallest loss, before the stop.
        steps: number of steps that count: all, or those until `patience` ran out.
        diverged_at: the first step at which a member's loss was not finite.
    """

    status: TrialStatus
    steps: int
    psnr_paper_db: float | None = None
    best_step: int | None = None
    diverged_at: int | None = None

    @property
    def psnr_db(self) -> float | None:
        """The PSNR in the usual convention, in which the peak is the data range."""
        return None if self.psnr_paper_db is None else self.psnr_paper_db + PSNR_OFFSET_DB


class Curve(Frozen):
    """Learning curves: the PSNR in the paper's convention at some steps, for each repeat.

    A value is None where the loss was not finite.
    """

    steps: tuple[int, ...] = ()
    psnr_paper_db: tuple[tuple[float | None, ...], ...] = ()

    def mean(self) -> dict[int, float]:
        """The mean over the repeats, by the step; steps at which one is not finite are left out."""
        columns = zip(self.steps, zip(*self.psnr_paper_db, strict=True), strict=True)
        return {
            step: statistics.fmean(known)
            for step, column in columns
            if len(known := [value for value in column if value is not None]) == len(column)
        }


@dataclass(frozen=True)
class Picture:
    """A preview of a signal: a small file to look at or to listen to.

    Attributes:
        suffix: suffix of the file, with the dot.
        mimetype: MIME type of the content.
        content: content of the file.
    """

    suffix: str
    mimetype: str
    content: bytes = field(repr=False)


class TrialResult(Lasting):
    """One architecture, trained with its repeats and scored.

    Attributes:
        score: value of the objective; None unless the trial is complete.
        learning_rate: learning rate of its training; None in studies of version 0.1.0.
        seconds: time that its training took.
        device: where it was trained: `cpu`, or the name of the GPU.
        versions: versions of the packages on which the values depend.
        message: why it failed or diverged.
        sample: the losses of its cells, if only a part of the trial was trained.
        flat_db: the PSNR of the best constant for each of its cells, in the usual convention.
        shortfall_db: decibels by which it falls short of what the objective demands.
        score_interval: half the width of the 95% interval of its score.
        over: its results on the signals of a set, of which the others are aggregates; None in a
            study of one signal.
    """

    later: ClassVar[tuple[str, ...]] = (
        "sample",
        "flat_db",
        "shortfall_db",
        "score_interval",
        "over",
    )

    trial: TrialSpec
    status: TrialStatus
    repeats: tuple[RepeatResult, ...] = ()
    curve: Curve = Curve()
    score: float | None = None
    learning_rate: float | None = None
    seconds: float = 0.0
    device: str = ""
    versions: dict[str, str] = {}
    message: str = ""
    sample: Sample | None = None
    flat_db: float | None = None
    shortfall_db: float = 0.0
    score_interval: float = 0.0
    over: OverSignals | None = None

    @cached_property
    def fidelity(self) -> Fidelity:
        """How much of the trial was trained."""
        cells = self.sample.cells / self.sample.of if self.sample else 1.0
        steps, signals = self.trial.steps / self.trial.training.steps, 1.0
        if self.over:
            cells, signals = self.over.cells, len(self.over.signals) / self.over.of
        return Fidelity(cells=cells, repeats=self.trial.repeats, steps=steps, signals=signals)

    @property
    def amount(self) -> str:
        """How much was trained, for people: `8 of 64 cells, 50 of 200 steps`; empty for all."""
        some, made, most = self.sample, self.trial.steps, self.trial.training.steps
        if self.over:
            some = self.over.signals[0].sample
            trained, every = len(self.over.signals), self.over.of
            signals = f"{trained} of {every} signals" if trained < every else ""
        else:
            signals = ""
        cells = f"{some.cells} of {some.of} cells" if some and some.cells < some.of else ""
        steps = f"{made} of {most} steps" if made < most else ""
        return ", ".join(filter(None, (signals, cells, steps)))

    @cached_property
    def losses(self) -> tuple[float, ...]:
        """The mean loss of each cell of its sample over the repeats; empty if it has none."""
        if self.sample is None:
            return ()
        return tuple(float(loss) for loss in self.sample.losses(self.trial.repeats).mean(axis=0))

    @cached_property
    def interval_db(self) -> float:
        """Half the width of the 95% interval of the PSNR, over what is not trained."""
        if self.over:
            return self.over.interval_db
        return interval_db(self.losses, self.sample.of) if self.sample else 0.0

    @cached_property
    def key(self) -> str:
        """The canonical key of the configuration."""
        return self.trial.configuration.key()

    @property
    def psnr_paper_db(self) -> float | None:
        """The mean over the repeats, in the paper's convention; None unless all are complete."""
        known = self.status is TrialStatus.COMPLETE and self._psnrs
        return statistics.fmean(known) if known else None

    @property
    def _psnrs(self) -> list[float]:
        return [r.psnr_paper_db for r in self.repeats if r.psnr_paper_db is not None]

    @property
    def psnr_db(self) -> float | None:
        """The mean over the repeats, in the usual convention (peak = the data range)."""
        return None if self.psnr_paper_db is None else self.psnr_paper_db + PSNR_OFFSET_DB

    @property
    def psnr_db_repeats(self) -> list[float]:
        """The PSNR of each repeat in the usual convention; empty unless the trial is complete."""
        complete = self.status is TrialStatus.COMPLETE
        return [psnr + PSNR_OFFSET_DB for psnr in self._psnrs] if complete else []

    @property
    def psnr_std_db(self) -> float:
        """The sample standard deviation over the repeats; 0 for a single one."""
        return statistics.stdev(self._psnrs) if len(self._psnrs) > 1 else 0.0

    def __repr__(self) -> str:
        psnr = "" if self.psnr_db is None else f", psnr_db={self.psnr_db:.2f}"
        label = self.trial.ensemble.label()
        return f"TrialResult({self.trial.number}, {label!r}, {self.status.value}{psnr})"

    __str__ = __repr__  # pydantic has one of its own

    def _repr_html_(self) -> str:
        label, cost = self.trial.ensemble.label(), self.trial.cost
        return html.stacked(
            html.titled(label, self.message or self.status.value),
            html.facts(
                [
                    ("PSNR dB", self.psnr_db),
                    ("sd", self.psnr_std_db if len(self.repeats) > 1 else None),
                    ("score", self.score),
                    ("FLOPs", f"{cost.flops:,}"),
                    ("parameters", f"{cost.parameters:,}"),
                    ("trained", self.amount or "in full"),
                    ("seconds", self.seconds),
                ]
            ),
            svg.curves({label: self.psnr_curve_db}, "step", "PSNR (dB)"),
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw its learning curve with matplotlib, on new axes by default, and return the axes."""
        named = {self.trial.ensemble.label(): self.psnr_curve_db}
        return plot_curves(named, "step", "PSNR (dB)", ax)

    @property
    def psnr_curve_db(self) -> dict[int, float]:
        """The PSNR in the usual convention by the step, as the mean over the repeats."""
        return {step: value + PSNR_OFFSET_DB for step, value in self.curve.mean().items()}

    def first(self, repeats: int) -> TrialResult:
        """Return the result that the trial would have with its first repeats only."""
        share = min(repeats / max(len(self.repeats), 1), 1.0)
        curve = Curve(steps=self.curve.steps, psnr_paper_db=self.curve.psnr_paper_db[:repeats])
        kept = self.sample and self.sample.of_repeats(slice(repeats), self.trial.repeats)
        return self.model_copy(
            update={
                "trial": self.trial.model_copy(update={"repeats": repeats}),
                "repeats": self.repeats[:repeats],
                "curve": curve,
                "seconds": self.seconds * share,
                "sample": kept,
            }
        )

    @property
    def rank(self) -> tuple[float, float, int, int]:
        """Sort key, larger is better: not falling short, the score, fewer FLOPs and parameters."""
        score = -math.inf if self.score is None else self.score
        cost = self.trial.cost
        return -max(0.0, self.shortfall_db), score, -cost.flops, -cost.parameters


def best_of(results: Iterable[TrialResult]) -> TrialResult | None:
    """Return the best complete trial, or None.

    The last result of a configuration counts, which has the highest fidelity. The configurations
    with the most steps, signals and then repeats are compared by the lower end of the interval of
    their score. The first by its key wins among equal ones, since the order in which they end is
    chance.
    """
    latest = sorted({result.key: result for result in results}.items())
    return max((r for _, r in latest if r.score is not None), key=_cautious_rank, default=None)


def _cautious_rank(result: TrialResult) -> tuple[float, ...]:
    short, score, *cost = result.rank
    lowest = score - result.score_interval
    known = result.fidelity
    return known.steps, known.signals, known.repeats, short, lowest, *cost


_SMALLEST_MSE = 2.0**-126  # the smallest normal float32, so that a perfect fit has a finite PSNR


def psnr_paper_db(mse: float) -> float:
    """Return 20 log10(1 / RMSE) for data in [-1, 1], which is the PSNR in the paper's convention.

    It is 6.0206 dB below the usual PSNR.
    """
    return -10 * math.log10(max(mse, _SMALLEST_MSE))
