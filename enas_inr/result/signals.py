"""What the signals of a set contribute to the result of a trial."""

from __future__ import annotations

import statistics

from enas_inr.estimate import Sample
from enas_inr.spec.aggregate import Aggregate
from enas_inr.validation import Frozen

__all__ = ["HeldOut", "OverSignals", "SignalResult"]


class SignalResult(Frozen):
    """The result of a trial on one signal of a set.

    Attributes:
        signal: number of the signal.
        number: number of the stored trial on this signal.
        psnr_paper_db: mean over the repeats, in the paper's convention.
        interval_db: half the width of the 95% interval of the PSNR, over its cells.
        score: its score.
        score_interval: half the width of the 95% interval of its score.
        cells: share of its cells that were trained.
        sample: the losses of its cells, if not all of the trial was trained at once.
        repeats: number of trainings of each of them.
    """

    signal: int
    number: int
    psnr_paper_db: float
    interval_db: float
    score: float
    score_interval: float
    cells: float = 1.0
    sample: Sample | None = None
    repeats: int = 1

    @property
    def losses(self) -> list[float]:
        """The mean loss of each cell of its sample over the repeats; empty if it has none."""
        if self.sample is None:
            return []
        return [float(loss) for loss in self.sample.losses(self.repeats).mean(axis=0)]


class OverSignals(Frozen):
    """The results of a trial on the signals of a set, of which it has the first ones.

    Attributes:
        signals: the results, in the order of the signals.
        of: number of all signals of the set.
        aggregate: how they become one, as text for `Aggregate.parse`.
        interval_db: half the width of the 95% interval of the aggregate of the PSNRs, over the
            signals and cells that are not trained.
    """

    signals: tuple[SignalResult, ...]
    of: int
    aggregate: str = "mean"
    interval_db: float = 0.0

    @property
    def cells(self) -> float:
        """The share of the cells that was trained on each of these signals, at least."""
        return min(one.cells for one in self.signals)

    @property
    def spread_db(self) -> float:
        """The sample standard deviation of the PSNR over the signals; 0 for a single one."""
        psnrs = [one.psnr_paper_db for one in self.signals]
        return statistics.stdev(psnrs) if len(psnrs) > 1 else 0.0

    @property
    def rule(self) -> Aggregate:
        """The aggregate."""
        return Aggregate.parse(self.aggregate)


class HeldOut(Frozen):
    """What the winner of a search reaches on a signal that was kept out of it.

    Attributes:
        name: name of the signal.
        psnr_db: PSNR of the winner on it; None if it failed or diverged there, and so its score.
        best: the configuration that is best on this signal.
        best_psnr_db: its PSNR.
        best_score: its score.
    """

    name: str
    psnr_db: float | None
    score: float | None
    best: str
    best_psnr_db: float | None
    best_score: float | None

    @property
    def regret(self) -> float | None:
        """How much lower the score of the winner is than that of the best; None if unknown."""
        if self.score is None or self.best_score is None:
            return None
        return self.best_score - self.score
